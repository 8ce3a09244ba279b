"""Whether the server still answers, asked for those who wait for its first answer.

BEGIN goes with a transaction's first statement, which may take its time: by its silence alone nobody can tell a slow
statement from a server that stands still. So the server is asked, on a connection of its own; if it does not answer
either, those who wait are told.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import asyncpg

from app.db.connection import Connection

ASK_AFTER = 0.4
"""Part of the time that an answer may take, after which the server is asked; it has the rest to answer."""

ALIVE = (asyncpg.TooManyConnectionsError, asyncpg.CannotConnectNowError)
"""Answers too, although they are no."""


class Pulse:
    """Watches over transactions whose first answer is awaited. answer_s: how long anybody waits for a sign of life."""

    def __init__(self, connect: Callable[..., Coroutine[Any, Any, Connection]], *, answer_s: float) -> None:
        self._connect = connect
        self._answer_s = answer_s
        # When each began; one that began again stands at the end.
        self._waiting: dict[Connection, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._asking: asyncio.Task[None] | None = None

    def watch(self, connection: Connection) -> None:
        """A transaction began, and nothing was heard of it."""
        connection.is_heard = False
        self._waiting.pop(connection, None)
        self._waiting[connection] = connection.began_s
        self._wind()

    async def close(self) -> None:
        """Watch no more."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    def _wind(self) -> None:
        # One timer for all, for the one that has waited longest.
        if self._timer is None and self._asking is None and self._waiting:
            at_s = next(iter(self._waiting.values())) + ASK_AFTER * self._answer_s
            self._timer = asyncio.get_running_loop().call_at(at_s, self._look)

    def _look(self) -> None:
        self._timer = None
        self._waiting = {each: began_s for each, began_s in self._waiting.items() if self._waits(each, began_s)}
        before_s = asyncio.get_running_loop().time() - ASK_AFTER * self._answer_s
        late = {each: began_s for each, began_s in self._waiting.items() if began_s <= before_s}
        if late:
            self._asking = asyncio.ensure_future(self._ask(late))
        else:
            self._wind()

    @staticmethod
    def _waits(connection: Connection, began_s: float) -> bool:
        return not connection.is_heard and connection.began_s == began_s

    async def _ask(self, late: dict[Connection, float]) -> None:
        try:
            is_alive = await self._answers()
            for connection, began_s in late.items():
                self._waiting.pop(connection, None)
                if not is_alive and self._waits(connection, began_s):
                    # Whoever waits for it is told that it was lost.
                    connection.terminate()
        finally:
            self._asking = None
            self._wind()

    async def _answers(self) -> bool:
        patience_s = (1 - ASK_AFTER) * self._answer_s
        try:
            asked = await self._connect(timeout=patience_s)
        except ALIVE:
            return True
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        asked.terminate()
        return True
