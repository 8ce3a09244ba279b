"""The reads of one request, which share a transaction where one of them ends before the next begins.

Between two reads their transaction stays open, and its connection is at hand. That costs nobody anything: statements of
read committed see each its own moment, and a connection that somebody waits for is given up. So a request of three
reads is five round trips instead of nine, and nobody waits for one who waits.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from app.db.pool import Connection, Pool, is_lost
from app.errors import OutsideError

Transaction = AbstractAsyncContextManager[Connection]


@dataclass(frozen=True, slots=True)
class _Open:
    transaction: Transaction
    connection: Connection

    async def end(self) -> None:
        await self.transaction.__aexit__(None, None, None)


class Reading:
    """The reads of one request. begin: makes a transaction of its tenant that reads."""

    def __init__(self, pool: Pool, tenant_id: UUID, begin: Callable[[], Transaction]) -> None:
        self.tenant_id = tenant_id
        self._pool = pool
        self._begin = begin
        self._kept: _Open | None = None
        self._is_over = False
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def connection(self, *, in_turn: bool = False) -> AsyncIterator[Connection]:
        """The connection of the open transaction, if no other read has it; else of one of its own.

        in_turn: once the request's other reads in turn are over.
        """
        async with self._turn if in_turn else nullcontext(), self._free() as connection:
            yield connection

    @asynccontextmanager
    async def _free(self) -> AsyncIterator[Connection]:
        found = self._taken()
        if found is not None and is_lost(found.connection):
            await _end_for_nobody(found)
            found = None
        if found is None:
            transaction = self._begin()
            found = _Open(transaction, await transaction.__aenter__())
        try:
            yield found.connection
        except BaseException as error:
            # Rolled back, and told in our words.
            await found.transaction.__aexit__(type(error), error, error.__traceback__)
            raise
        if self._is_over or self._kept is not None or self._pool.is_waited_for:
            await found.end()
        else:
            self._kept = found
            self._pool.spare(self, self.give_up)

    async def give_up(self) -> None:
        """End the open transaction, if no read has it."""
        found = self._taken()
        if found is not None:
            await _end_for_nobody(found)

    async def end(self) -> None:
        """End with the request: a read that is still under way keeps nothing open behind it."""
        self._is_over = True
        await self.give_up()

    def _taken(self) -> _Open | None:
        found, self._kept = self._kept, None
        if found is not None:
            self._pool.no_spare(self)
        return found


async def _end_for_nobody(found: _Open) -> None:
    try:
        await found.end()
    except OutsideError:
        # What was read stays true, and the pool has done away with the connection.
        return


current: ContextVar[Reading | None] = ContextVar("reading", default=None)
"""Of the request that is answered, where its reads go together."""
