"""Deadlines for what is done for every request."""

import asyncio
from types import TracebackType
from typing import Self


class Deadline:
    """A block that is ended by TimeoutError when it takes longer than so many seconds.

    It is asyncio.timeout in a plain `with`, at a quarter of the cost: nothing of a deadline has to be waited for.
    """

    __slots__ = ("_before", "_is_over", "_seconds", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._is_over = False

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None, "deadlines end tasks"
        self._task = task
        self._before = task.cancelling()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._end)
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        self._timer.cancel()
        # Somebody else may have cancelled the task too: then that is what it is told.
        if self._is_over and self._task.uncancel() <= self._before and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error

    def _end(self) -> None:
        self._is_over = True
        self._task.cancel()
