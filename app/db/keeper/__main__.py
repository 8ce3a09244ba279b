"""The keeper: a process with one thread that owns one service's server, and ends it when its last user has gone.

Run as `python -m app.db.keeper postgres|valkey DIRECTORY`. Goes to the background, says one line of JSON when the
server answers, or why it does not, and is silent from then on but for the log.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import IO, Any, Protocol

from app.db.keeper.child import Child, Launch
from app.db.keeper.lease import LOG_FILE, STATE_FILE, ServiceLocks
from app.db.keeper.postgres import PostgresService
from app.db.keeper.valkey import ValkeyService
from app.errors import OutsideError

POLL_S = 0.1
"""Seconds between two looks at the server and at the users."""

READY_TIMEOUT_S = 60.0
"""Seconds a server may take to answer: recovery after a crash included."""

TAKEOVER_TIMEOUT_S = 5.0
"""Seconds to wait for the keeper's lock: someone who only looks at it holds it for a moment."""

LOG_BYTES_MAX = 5_000_000
RESTARTS_MAX = 10
"""Starts in a row of a server that dies within CALM_S, before the keeper gives up."""

CALM_S = 60.0
BACKOFF_S = 0.05
BACKOFF_S_MAX = 2.0


class Service(Protocol):
    """What the keeper needs to know of a server."""

    name: str

    def prepare(self) -> None:
        """Make everything ready for a start; called before each one."""
        ...

    def launch(self) -> Launch:
        """How the server is started."""
        ...

    def is_ready(self, pid: int) -> bool:
        """Whether the server answers."""
        ...

    def address(self) -> dict[str, str]:
        """Where clients find it."""
        ...

    def tidy(self) -> None:
        """Remove what only a running server needs; called after the last stop."""
        ...


SERVICES: dict[str, type[PostgresService] | type[ValkeyService]] = {
    "postgres": PostgresService,
    "valkey": ValkeyService,
}


class Keeper:
    """Starts the server, starts it again when it dies, stops it when no user is left."""

    def __init__(self, service: Service, locks: ServiceLocks, log: IO[bytes]) -> None:
        self._service = service
        self._locks = locks
        self._log = log
        self._is_asked_to_stop = False
        self._restarts = 0

    def ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        """Signal handler: stop at the next look."""
        self._is_asked_to_stop = True

    def start(self) -> Child:
        """A server that answers. Raises OutsideError when it does not."""
        self._service.prepare()
        child = Child(self._service.launch(), self._log)
        if not child.wait_ready(self._service.is_ready, READY_TIMEOUT_S):
            child.stop()
            raise OutsideError(
                f"The embedded {self._service.name} does not start; its log says why: {self._log.name}",
                retryable=False,
            )
        return child

    def keep(self, child: Child) -> None:
        """Returns when the server was stopped, because the last user has gone or by a signal."""
        started_at = time.monotonic()
        while not self._is_asked_to_stop and not self._is_unused():
            if not child.is_alive:
                if time.monotonic() - started_at > CALM_S:
                    self._restarts = 0
                child = self._start_again()
                started_at = time.monotonic()
            time.sleep(POLL_S)
        child.stop()

    def _is_unused(self) -> bool:
        try:
            return self._locks.users.try_exclusive()
        except FileNotFoundError:
            # The data directory was removed: nobody can use it any more.
            return True

    def _start_again(self) -> Child:
        while True:
            self._restarts += 1
            try:
                return self.start()
            except OutsideError:
                if self._restarts >= RESTARTS_MAX:
                    raise
                time.sleep(min(BACKOFF_S * 2**self._restarts, BACKOFF_S_MAX))


def main(kind: str, directory: Path) -> int:
    """Exit code 0 after the server was stopped in order, 1 when it could not be started or kept."""
    if os.fork():
        # Whoever started the keeper waits for this process only; the keeper outlives them if others use the service.
        return 0
    os.umask(0o077)
    locks = ServiceLocks(directory)
    if not locks.keeper.wait_exclusive(TAKEOVER_TIMEOUT_S):
        return _refuse("Another keeper has this directory.")
    try:
        (directory / STATE_FILE).unlink(missing_ok=True)
        service = SERVICES[kind](directory)
        try:
            with _open_log(directory) as log:
                _keep(Keeper(service, locks, log), service, directory)
        finally:
            service.tidy()
    except OutsideError as error:
        return _refuse(error.message)
    except OSError as error:
        return _refuse(f"The embedded {kind} does not start: {error}")
    return 0


def _keep(keeper: Keeper, service: Service, directory: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, keeper.ask_to_stop)
    child = keeper.start()
    state = {"keeper": os.getpid(), **service.address()}
    _write_state(directory, state)
    _say(state)
    keeper.keep(child)


def _open_log(directory: Path) -> IO[bytes]:
    path = directory / LOG_FILE
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        path.rename(path.with_suffix(".log.1"))
    return path.open("ab")


def _write_state(directory: Path, state: dict[str, Any]) -> None:
    unfinished = directory / f"{STATE_FILE}.new"
    unfinished.write_text(json.dumps(state))
    unfinished.rename(directory / STATE_FILE)


def _say(line: dict[str, Any]) -> None:
    # Once: whoever waits for the line reads until the pipe closes. If they were killed meanwhile, nobody reads.
    try:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        return
    finally:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.close(nothing)


def _refuse(reason: str) -> int:
    sys.stderr.write(reason + "\n")
    _say({"error": reason})
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
