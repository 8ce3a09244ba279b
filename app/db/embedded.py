"""A private Postgres and a private Valkey for a machine that has neither: start or share them, and give them back.

Linux and macOS. Processes with the same data directory share the servers; the last to give them back, in order or by
being killed, ends them (app/db/keeper). A keeper that is killed is started again by whoever holds a lease.
"""

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql
from pydantic import SecretStr

import app
from app.db.keeper.lease import LOG_FILE, POLL_S, STATE_FILE, ServiceLocks
from app.db.keeper.place import make_data_dir, make_private
from app.db.keeper.postgres import CLUSTER, SUPERUSER
from app.db.pool import APP_ROLE
from app.db.watch import Watch
from app.errors import OutsideError
from app.settings import Settings

DATABASE = "scoville"
OWNER_ROLE = "scoville_owner"
"""Owns the database and its tables; makes roles and databases, but is no superuser: row-level security binds it too."""

START_TIMEOUT_S = 90.0
"""Seconds to wait for a service: a start after a crash replays the log first."""

STOP_TIMEOUT_S = 45.0
"""Seconds the last user waits for the server's end."""

OTHERS_SEEN = 3
"""Looks that must find other users before a leaving one believes it is not the last: another may be looking too."""


class Lease:
    """The right to use one embedded service: it runs at least until the lease is given back."""

    def __init__(self, kind: str, data_dir: Path) -> None:
        self._kind = kind
        self._directory = make_data_dir(data_dir) / kind
        if not self._directory.exists():
            make_private(self._directory)
        self._locks = ServiceLocks(self._directory)
        self._watch = Watch(kind, is_there=self._is_kept, bring_back=self.look_again)

    def take(self) -> dict[str, Any]:
        """Where the running service is found; it is started if nobody did. Raises OutsideError when that fails."""
        try:
            if not self._locks.users.wait_shared(START_TIMEOUT_S):
                raise self._unavailable("is still being stopped by another process")
            return self.look_again()
        except PermissionError as error:
            self._locks.users.release()
            raise self._unavailable("belongs to another user. Choose another --data-dir") from error
        except OSError as error:
            self._locks.users.release()
            raise self._unavailable(f"cannot be used: {error.strerror}. Choose another --data-dir") from error
        except BaseException:
            self._locks.users.release()
            raise

    def look_again(self) -> dict[str, Any]:
        """The same for a lease already taken: its keeper may have been killed since."""
        assert self._locks.users.is_held
        if not self._locks.start.wait_exclusive(START_TIMEOUT_S):
            raise self._unavailable("is still being started by another process")
        try:
            return self._find_or_start()
        finally:
            self._locks.start.release()

    def hold(self) -> None:
        """Start the keeper again whenever it is killed, until the lease is given back."""
        self._watch.start()

    def give_back(self) -> None:
        """Give the service back; the last user returns after the server has stopped."""
        self._watch.stop()
        users = self._locks.users
        if not users.is_held:
            return
        users.release()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        others_seen = 0
        while time.monotonic() < deadline and others_seen < OTHERS_SEEN and self._directory.exists():
            if not self._is_kept():
                return
            if users.try_exclusive():
                # Nobody: the keeper will see it too.
                users.release()
            elif users.try_shared():
                # Someone, and not the keeper, who takes the lock alone.
                users.release()
                others_seen += 1
            time.sleep(POLL_S)

    def _is_kept(self) -> bool:
        keeper = self._locks.keeper
        if not keeper.try_shared():
            return True
        keeper.release()
        return False

    def _find_or_start(self) -> dict[str, Any]:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if not self._is_kept():
                return self._start_keeper()
            try:
                state: dict[str, Any] = json.loads((self._directory / STATE_FILE).read_text())
            except FileNotFoundError:
                # A keeper whose starter was killed: the server does not answer yet.
                time.sleep(POLL_S)
                continue
            return state
        raise self._unavailable("does not start")

    def _start_keeper(self) -> dict[str, Any]:
        # -P and PYTHONPATH: the keeper's `app` is this one, from whatever directory it is started.
        root = str(Path(app.__file__).resolve().parent.parent)
        search = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        with (self._directory / LOG_FILE).open("ab") as log:
            try:
                started = subprocess.run(  # noqa: S603 - our own module
                    [sys.executable, "-P", "-m", "app.db.keeper", self._kind, str(self._directory)],
                    check=False,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    cwd="/",
                    env={**os.environ, "PYTHONPATH": search},
                    start_new_session=True,
                    timeout=START_TIMEOUT_S,
                )
            except subprocess.TimeoutExpired as error:
                raise self._unavailable("does not start") from error
        if not started.stdout:
            raise self._unavailable(f"does not start; {LOG_FILE} in it says why")
        state: dict[str, Any] = json.loads(started.stdout)
        if "error" in state:
            raise OutsideError(state["error"], retryable=False)
        return state

    def _unavailable(self, what: str) -> OutsideError:
        return OutsideError(f"The embedded {self._kind} in {self._directory} {what}.", retryable=True)


class EmbeddedPostgres:
    """A lease on the embedded Postgres. Its URLs are valid until `stop`."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._sockets: str = lease.take()["sockets"]
        deadline = time.monotonic() + START_TIMEOUT_S
        try:
            while not self._has_database():
                # Just crashed, or its keeper was killed: either way it comes back.
                if time.monotonic() >= deadline:
                    raise OutsideError("The embedded postgres does not answer.", retryable=True)
                time.sleep(POLL_S)
                self._sockets = lease.look_again()["sockets"]
        except BaseException:
            lease.give_back()
            raise
        lease.hold()

    @property
    def admin_url(self) -> str:
        """For the role that owns the tables: migrations and partitions."""
        return self._url(OWNER_ROLE)

    @property
    def app_url(self) -> str:
        """For the role of the app."""
        return self._url(APP_ROLE)

    def stop(self) -> None:
        """Give it back; it stops when nobody else uses it."""
        self._lease.give_back()

    def _url(self, role: str, database: str = DATABASE) -> str:
        return f"postgresql://{role}@/{database}?host={quote(self._sockets, safe='/')}"

    def _has_database(self) -> bool:
        """True once the roles and the database are there; False when the server is away."""
        try:
            with psycopg.connect(self._url(SUPERUSER, "postgres"), autocommit=True) as connection:
                _make_database(connection)
        except psycopg.OperationalError:
            return False
        return True


def _make_database(connection: "psycopg.Connection[Any]") -> None:
    # By everyone, every time: whoever started the server may have been killed before this was done.
    # The lock is held to the end of the session: of two who start together one creates.
    connection.execute("SELECT pg_advisory_lock(hashtext('scoville.database'))")
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
        return
    existing = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles").fetchall()}
    owner, app_role = sql.Identifier(OWNER_ROLE), sql.Identifier(APP_ROLE)
    if OWNER_ROLE not in existing:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB").format(owner))
    if APP_ROLE not in existing:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS").format(app_role))
    connection.execute(sql.SQL("GRANT {} TO {} WITH ADMIN OPTION").format(app_role, owner))
    connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), owner))


class EmbeddedValkey:
    """A lease on the embedded Valkey. Its URL is valid until `stop`."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._socket: str = lease.take()["socket"]
        lease.hold()

    @property
    def url(self) -> str:
        """For redis-py."""
        return f"unix://{quote(self._socket, safe='/')}"

    def stop(self) -> None:
        """Give it back; it stops when nobody else uses it."""
        self._lease.give_back()


def has_postgres(data_dir: Path) -> bool:
    """Whether an embedded Postgres was made in the directory, running or not. Makes nothing."""
    try:
        return (data_dir.expanduser() / "postgres" / CLUSTER).exists()
    except (OSError, RuntimeError):
        # Something of somebody else's, or no path at all: whoever takes a lease is told.
        return True


def start_postgres(data_dir: Path) -> EmbeddedPostgres:
    """The Postgres of the data directory, started or shared. Raises OutsideError when it cannot be had."""
    return EmbeddedPostgres(Lease("postgres", data_dir))


def start_valkey(data_dir: Path) -> EmbeddedValkey:
    """The Valkey of the data directory, started or shared. Raises OutsideError when it cannot be had."""
    return EmbeddedValkey(Lease("valkey", data_dir))


class EmbeddedServices:
    """A context: the settings, with URLs of embedded services for what they leave unset."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stack = ExitStack()

    def __enter__(self) -> Settings:
        settings, found = self._settings, {}
        try:
            if settings.database_url is None:
                postgres = start_postgres(settings.data_dir)
                self._stack.callback(postgres.stop)
                found["database_url"] = SecretStr(postgres.app_url)
                found["database_admin_url"] = SecretStr(postgres.admin_url)
            if settings.redis_url is None and settings.redis_enabled:
                valkey = start_valkey(settings.data_dir)
                self._stack.callback(valkey.stop)
                found["redis_url"] = SecretStr(valkey.url)
        except BaseException:
            self._stack.close()
            raise
        return settings.model_copy(update=found)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
