"""File locks that say who uses a service and who keeps it. The kernel gives them back when their process ends."""

import fcntl
import os
import time
from pathlib import Path

POLL_S = 0.05
"""Seconds between two tries of a lock that someone else holds."""

STATE_FILE = "service.json"
"""In the service's directory, while the server answers: where clients find it."""

LOG_FILE = "server.log"


class FileLock:
    """A lock on a file, of this object alone: two objects of one process exclude each other too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def try_shared(self) -> bool:
        """True if the lock is now held together with any others who share it."""
        return self._try(fcntl.LOCK_SH)

    def try_exclusive(self) -> bool:
        """True if the lock is now held by this object alone."""
        return self._try(fcntl.LOCK_EX)

    def wait_shared(self, timeout_s: float) -> bool:
        """True once shared; False if someone held it alone for the whole time."""
        return self._wait(fcntl.LOCK_SH, timeout_s)

    def wait_exclusive(self, timeout_s: float) -> bool:
        """True once held alone; False if others held it for the whole time."""
        return self._wait(fcntl.LOCK_EX, timeout_s)

    def release(self) -> None:
        """Give the lock back; nothing happens when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _wait(self, kind: int, timeout_s: float) -> bool:
        # Not a blocking flock: that knows no timeout, and a service that does not stop must become an error.
        deadline = time.monotonic() + timeout_s
        while not self._try(kind):
            if time.monotonic() >= deadline:
                return False
            time.sleep(POLL_S)
        return True

    def _try(self, kind: int) -> bool:
        assert self._descriptor is None, f"{self.path.name} is held already"
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True


class ServiceLocks:
    """The three locks of one service's directory.

    users: shared by every process that uses the service; the keeper takes it alone when the last one has gone.
    start: held while someone looks whether the service runs, and starts it.
    keeper: held alone by the keeper as long as it lives. Whoever only wants to know tries to share it.
    """

    def __init__(self, directory: Path) -> None:
        self.users = FileLock(directory / "users.lock")
        self.start = FileLock(directory / "start.lock")
        self.keeper = FileLock(directory / "keeper.lock")
