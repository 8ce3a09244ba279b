"""One transaction, from the connection it takes to the connection it gives back, and its failures in our words."""

import asyncio
from types import TracebackType
from typing import Self

import asyncpg
import structlog

from app.db.connection import UNREACHABLE, Connection, is_lost, unreachable
from app.db.opening import Opening
from app.db.pool import Pool
from app.errors import DomainError, OutsideError
from app.settings import Settings

log = structlog.get_logger(__name__)

BEGIN_TIMEOUT_S_MIN = 0.1
"""Seconds that BEGIN gets even when the connection was had at the last moment."""

ROLLBACK_TIMEOUT_S = 1.0
"""Seconds that a transaction gets to be rolled back, before its connection is terminated, which does the same."""


class TransactionConflict(OutsideError):
    """Two transactions met (deadlock, serialization failure, a lock that was waited for too long): nothing of this one
    was kept; run it again."""

    def __init__(self) -> None:
        super().__init__("Too many writes met on the same rows. Repeat the request.", retryable=True)


class Transaction:
    """A transaction that begins with its first statement: committed at its end, rolled back where an exception ends it.

    One that only reads, each statement at its own moment, may go on where another that began the same way ended, and is
    left open for the next: see pool.py.
    """

    __slots__ = ("_goes_on", "_opening", "_pool", "_settings", "connection")

    connection: Connection
    """From `begun` to `end`."""

    def __init__(self, pool: Pool, settings: Settings, opening: Opening, *, goes_on: bool = False) -> None:
        self._pool = pool
        self._settings = settings
        self._opening = opening
        self._goes_on = goes_on

    async def begun(self) -> Self:
        """Begin on a connection of its own. Raises OutsideError when none can be had in time."""
        # One deadline for both: a server that takes connections and answers nothing is as good as none.
        time_s = asyncio.get_running_loop().time
        until_s = time_s() + self._settings.pool_acquire_timeout_s
        opening = self._opening
        connection = self.connection = await self._pool.take(opening if self._goes_on else None)
        if self._goes_on and connection.goes_on(opening, time_s()):
            return self
        message = opening.message if connection.open_as is None else opening.after_commit
        connection.open_as = None
        try:
            if connection.is_to_plan_anew(time_s()):
                connection.planned_s = time_s()
                await connection.execute("DISCARD PLANS", timeout=max(until_s - time_s(), BEGIN_TIMEOUT_S_MIN))
            connection.send_ahead(message)
            if not connection.was_just_used(time_s()):
                # Nobody knows whether the server still answers. This asks for nothing else.
                await connection.execute("", timeout=max(until_s - time_s(), BEGIN_TIMEOUT_S_MIN))
        except BaseException as error:
            self._pool.give(connection, is_clean=False)
            _raise_in_our_words(error, connection)
            raise
        connection.began_s = time_s()
        # The server ends a statement itself: one that is not answered for longer is answered by nobody.
        connection.patience_s = (
            None if opening.timeout_s is None else opening.timeout_s + self._settings.pool_acquire_timeout_s
        )
        return self

    async def end(self, error: BaseException | None = None) -> None:
        """Commit, or roll back what the error ended. Raises in our words what failed, or else returns."""
        if error is None and self._goes_on:
            self.leave()
            return
        connection = self.connection
        is_clean = False
        try:
            if error is None:
                await _commit(connection, timeout_s=self._settings.write_timeout_s)
                is_clean = True
            else:
                is_clean = await _rollback(connection)
                _raise_in_our_words(error, connection)
        finally:
            self._pool.give(connection, is_clean=is_clean)

    def leave(self) -> None:
        """Leave it open for the next that begins the same way."""
        self._pool.give_open(self.connection, self._opening)

    async def __aenter__(self) -> Connection:
        return (await self.begun()).connection

    async def __aexit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        await self.end(error)


async def _commit(connection: Connection, *, timeout_s: float) -> None:
    try:
        await connection.execute("COMMIT", timeout=timeout_s)
    except BaseException as error:
        _raise_in_our_words(error, connection)
        raise


async def _rollback(connection: Connection) -> bool:
    # Shielded: a cancelled request still ends its transaction. What cannot be rolled back is terminated by the pool.
    try:
        await asyncio.shield(connection.execute("ROLLBACK", timeout=ROLLBACK_TIMEOUT_S))
    except (asyncpg.PostgresError, asyncpg.InternalClientError, *UNREACHABLE):
        return False
    return True


def _raise_in_our_words(error: BaseException, connection: Connection) -> None:
    """Raise what callers are told of an error, where they are not told the error itself."""
    match error:
        case asyncpg.SerializationError() | asyncpg.DeadlockDetectedError() | asyncpg.LockNotAvailableError():
            raise TransactionConflict from error
        case asyncpg.CheckViolationError():
            # A row was on its way to DEFAULT when its month got a partition of its own: now it would find it. Any
            # other violated check has a name, and is a bug of ours.
            if error.constraint_name is None:
                raise TransactionConflict from error
        case asyncpg.QueryCanceledError():
            raise OutsideError(
                "The statement took longer than its limit. Ask for less, or send smaller batches.", retryable=True
            ) from error
        case asyncpg.NumericValueOutOfRangeError() if "bigint" in str(error):
            # Each amount is bounded; only their sum can be too large.
            log.warning("amounts_out_of_range")
            raise DomainError(
                "INVALID_AMOUNT", "Amounts add up to more than can be held: 2^63 of the currency's smallest units."
            ) from error
        case _ if isinstance(error, UNREACHABLE):
            raise unreachable() from error
        case asyncpg.InternalClientError():
            # What asyncpg says of a statement sent on a connection that broke a moment before.
            if is_lost(connection):
                raise unreachable() from error
