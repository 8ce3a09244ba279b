"""The reads of one request, which share a transaction where one of them ends before the next begins.

Between two reads the connection stays at hand: statements of read committed see each its own moment, so that nobody
sees a difference. A connection that somebody waits for is soon given up: nobody waits for one who waits.
"""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar, Token
from types import TracebackType
from uuid import UUID

from app.db.connection import is_lost
from app.db.pool import Pool
from app.db.transaction import Transaction


class Reading:
    """The reads of one request, while the block lasts. begin: makes a transaction of its tenant that reads."""

    def __init__(self, pool: Pool, tenant_id: UUID, begin: Callable[[], Transaction]) -> None:
        self.tenant_id = tenant_id
        self._pool = pool
        self._begin = begin
        self._kept: Transaction | None = None
        self._is_over = False
        self._turn = asyncio.Lock()
        self._token: Token[Reading | None] | None = None

    async def take(self) -> Transaction:
        """The open transaction, if no other read has it; else one of its own."""
        found = self._taken()
        if found is not None and is_lost(found.connection):
            found.leave()
            found = None
        return await self._begin().begun() if found is None else found

    async def give(self, transaction: Transaction, error: BaseException | None) -> None:
        """Give a transaction back after a read, with the error that ended that: it is rolled back, and told in our
        words."""
        if error is not None or self._is_over or self._kept is not None:
            await transaction.end(error)
        else:
            self._kept = transaction
            self._pool.spare(self, self.give_up)

    async def take_in_turn(self) -> Transaction:
        """The same, once the request's other reads in turn are over."""
        await self._turn.acquire()
        try:
            return await self.take()
        except BaseException:
            self._turn.release()
            raise

    async def give_in_turn(self, transaction: Transaction, error: BaseException | None) -> None:
        """Give it back, and end the turn."""
        try:
            await self.give(transaction, error)
        finally:
            self._turn.release()

    def give_up(self) -> None:
        """Give the connection back, if no read has it."""
        found = self._taken()
        if found is not None:
            found.leave()

    async def __aenter__(self) -> None:
        self._token = current.set(self)

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        # With the request: a read that is still under way keeps nothing open behind it.
        if self._token is not None:
            current.reset(self._token)
        self._is_over = True
        self.give_up()

    def _taken(self) -> Transaction | None:
        found, self._kept = self._kept, None
        if found is not None:
            self._pool.no_spare(self)
        return found


current: ContextVar[Reading | None] = ContextVar("reading", default=None)
"""Of the request that is answered, where its reads go together."""
