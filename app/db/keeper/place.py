"""Where a service lives: private directories, a short path for its socket, and the user it runs as.

Postgres refuses to run as root. Root therefore runs it as another user, who owns the cluster and the socket's
directory and nothing else; no directory that was not made here is ever changed.
"""

import hashlib
import os
import pwd
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.errors import OutsideError

SOCKET_PATH_BYTES_MAX = 103
"""The shorter of the limits of Linux (107) and macOS (103)."""

SERVER_USERS = ("scoville", "postgres", "nobody")
"""Whom root runs Postgres as: the first that exists."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A user of this machine, by number."""

    uid: int
    gid: int

    @property
    def is_self(self) -> bool:
        """Whether it is the user of this process."""
        return self.uid == os.geteuid()


def server_owner(existing: Path) -> Owner:
    """Who runs the server: the owner of what exists, else this process's user, else (root) an unprivileged one."""
    if existing.exists():
        status = existing.stat()
        if status.st_uid != 0:
            return Owner(status.st_uid, status.st_gid)
    if os.geteuid() != 0:
        return Owner(os.geteuid(), os.getegid())
    for name in SERVER_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Owner(entry.pw_uid, entry.pw_gid)
    raise OutsideError(
        "Postgres refuses to run as root, and this machine has none of the users "
        f"{', '.join(SERVER_USERS)}. Run as another user, or set DATABASE_URL.",
        retryable=False,
    )


def make_private(path: Path, owner: Owner | None = None) -> Path:
    """The directory, which only its owner (default: this process's user) may enter; made if missing.

    Raises OutsideError when something else, or someone else's, is at the path: in a shared temporary directory
    anybody could have put it there.
    """
    wanted = owner or Owner(os.geteuid(), os.getegid())
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        if not wanted.is_self:
            os.chown(path, wanted.uid, wanted.gid)
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != wanted.uid:
        raise OutsideError(
            f"{path} is not a directory of the user that needs it. Remove it, or choose another --data-dir.",
            retryable=False,
        )
    if stat.S_IMODE(status.st_mode) & 0o077:
        path.chmod(0o700)
    return path


def make_data_dir(path: Path) -> Path:
    """The absolute data directory, made if missing. One that exists keeps its permissions."""
    try:
        resolved = path.expanduser().resolve()
    except RuntimeError as error:
        raise OutsideError(
            f"The data directory {path} is in no user's home. Choose another with --data-dir.", retryable=False
        ) from error
    try:
        resolved.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OutsideError(
            f"The data directory {resolved} cannot be made: {error.strerror}. Choose another with --data-dir.",
            retryable=False,
        ) from error
    if not os.access(resolved, os.W_OK | os.X_OK):
        raise OutsideError(
            f"The data directory {resolved} is not writable. Choose another with --data-dir.", retryable=False
        )
    return resolved


def is_reachable(path: Path, owner: Owner) -> bool:
    """Whether the user may pass through every directory down to the path, by permission bits."""
    if owner.is_self:
        return True
    for directory in (path, *path.parents):
        status = directory.stat()
        if status.st_uid == owner.uid:
            bit = stat.S_IXUSR
        elif status.st_gid == owner.gid:
            bit = stat.S_IXGRP
        else:
            bit = stat.S_IXOTH
        if not status.st_mode & bit:
            return False
    return True


def socket_directory(directory: Path, name: str, owner: Owner) -> Path:
    """A private directory for a socket called `name`: inside `directory` if its path is short enough, else a short one.

    The short one depends on `directory` alone, so that the next start cleans up after this one.
    """
    inside = directory / "run"
    if _fits(inside / name) and is_reachable(directory, owner):
        return make_private(inside, owner)
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
    for parent in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - make_private checks whose it is
        short = parent.resolve() / f"scoville-{owner.uid}-{digest}"
        if _fits(short / name) and is_reachable(short.parent, owner):
            return make_private(short, owner)
    raise OutsideError("No directory for sockets has a path short enough. Set TMPDIR to a short path.", retryable=False)


def remove_socket_directory(directory: Path) -> None:
    """Remove the directory unless something is in it: temporary directories are not to fill up with them."""
    try:
        directory.rmdir()
    except OSError:
        # Something is still in it, or it is gone: both are fine.
        return


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX
