"""Keeps an eye on something that another process may lose, and brings it back."""

import threading
from collections.abc import Callable

import structlog

from app.errors import OutsideError
from app.observability.logs import describe

log = structlog.get_logger(__name__)

LOOK_S = 1.0
"""Seconds between two looks; also the first pause after an attempt that failed, each next twice as long."""

PAUSE_S_MAX = 30.0


class Watch:
    """A thread that looks now and then, from `start` to `stop`: whatever else its process does meanwhile."""

    def __init__(self, service: str, *, is_there: Callable[[], bool], bring_back: Callable[[], object]) -> None:
        self._service = service
        self._is_there = is_there
        self._bring_back = bring_back
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, name=f"watch-{service}", daemon=True)

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; an attempt under way comes to its end first."""
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _look(self) -> None:
        pause_s = LOOK_S
        while not self._is_over.wait(pause_s):
            try:
                if not self._is_there():
                    log.warning("service_lost", service=self._service)
                    self._bring_back()
                    log.warning("service_back", service=self._service)
                pause_s = LOOK_S
            except (OutsideError, OSError) as error:
                pause_s = min(2 * pause_s, PAUSE_S_MAX)
                log.warning("service_not_back", service=self._service, retry_in_s=pause_s, **describe(error))
