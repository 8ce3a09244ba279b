"""The one door to the data: a session is a transaction of one tenant, and sees no other tenant's rows.

`read`: statements that need not agree with each other; a request's share a transaction where they can. `snapshot`:
repeatable read, for answers whose parts must agree. `write`: one use case; it also collects what changed, for the
cache. Reads cannot be passed where writes are wanted.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from datetime import date
from functools import partial
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import asyncpg

from app.db.connection import Connection
from app.db.gathered import Gathered, is_large
from app.db.opening import Opening, opening, sent
from app.db.pool import Pool
from app.db.reading import Reading, current
from app.db.transaction import Transaction
from app.db.transaction import TransactionConflict as TransactionConflict
from app.errors import DomainError
from app.settings import Settings

statement_observers: ContextVar[tuple[Callable[[str], None], ...]] = ContextVar("statement_observers", default=())
"""Called with the text of every statement before it runs: metrics, and tests that count statements."""

# SET TRANSACTION SNAPSHOT takes no parameters: only what looks like one is ever put in.
_SNAPSHOT_ID = re.compile(r"[0-9A-F]{8}-[0-9A-F]{8}-[0-9]+")

_PLANS_ONCE = "SET LOCAL plan_cache_mode = force_generic_plan"

_PATIENT = sent("SET LOCAL lock_timeout = 0")


class ReadSession:
    """A transaction of one tenant that reads."""

    def __init__(self, connection: Connection, tenant_id: UUID) -> None:
        self._connection = connection
        self.tenant_id = tenant_id

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        """All rows of the statement, as records."""
        _observe(sql)
        return await self._connection.fetch(sql, *args, timeout=self._connection.patience_s)

    async def fetchrow(self, sql: str, *args: Any) -> Any | None:
        """The first row, or None."""
        _observe(sql)
        return await self._connection.fetchrow(sql, *args, timeout=self._connection.patience_s)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        """The first column of the first row, or None."""
        _observe(sql)
        return await self._connection.fetchval(sql, *args, timeout=self._connection.patience_s)

    async def stream(self, sql: str, *args: Any, batch: int = 5_000) -> AsyncIterator[Sequence[Any]]:
        """Batches of rows, in bounded memory."""
        _observe(sql)
        patience_s = self._connection.patience_s
        if not self._connection.is_in_transaction():
            # The driver makes no cursor before BEGIN is answered.
            await self._connection.execute("", timeout=patience_s)
        cursor = await self._connection.cursor(sql, *args, timeout=patience_s)
        while rows := await cursor.fetch(batch, timeout=patience_s):
            yield rows


class WriteSession(ReadSession):
    """A transaction of one tenant that writes, and remembers what a cached answer could depend on.

    days: UTC days on which a fact came or changed. tags: entities and settings that changed. deltas: how many
    contributions to rollups it appended; moves: how many to balances of accounts.
    """

    def __init__(self, connection: Connection, tenant_id: UUID) -> None:
        super().__init__(connection, tenant_id)
        self.days: set[date] = set()
        self.tags: set[str] = set()
        self.deltas = 0
        self.moves = 0
        self._kept = Gathered()

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        """All rows of the statement, as records."""
        await self.send()
        return await super().fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: Any) -> Any | None:
        """The first row, or None."""
        await self.send()
        return await super().fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        """The first column of the first row, or None."""
        await self.send()
        return await super().fetchval(sql, *args)

    async def stream(self, sql: str, *args: Any, batch: int = 5_000) -> AsyncIterator[Sequence[Any]]:
        """Batches of rows, in bounded memory."""
        await self.send()
        async for rows in super().stream(sql, *args, batch=batch):
            yield rows

    async def execute(self, sql: str, *args: Any) -> str:
        """Run a statement; the server's command tag comes back (`INSERT 0 3`)."""
        await self.send()
        _observe(sql)
        return await self._connection.execute(sql, *args, timeout=self._connection.patience_s)

    async def later(self, sql: str, *args: Any) -> None:
        """Run a statement before the next that is not run later, or before the commit: together with its neighbours.

        For what writes, looks at nothing that was written later than the last statement, and is answered by nothing.
        """
        if is_large(args):
            await self.execute(sql, *args)
            return
        if not self._kept.has_room(sql):
            await self.send()
        self._kept.add(sql, *args)

    async def send(self) -> None:
        """Run what is to be run later."""
        if self._kept:
            sql, args = self._kept.take()
            _observe(sql)
            await self._connection.execute(sql, *args, timeout=self._connection.patience_s)

    async def insert_new(self, count: int, sql: str, *args: Any) -> None:
        """Insert so many rows, ON CONFLICT DO NOTHING: none was there when this transaction looked.

        Raises TransactionConflict where another transaction inserted one meanwhile, so that this one is run again.
        """
        if await self.execute(sql, *args) != f"INSERT 0 {count}":
            raise TransactionConflict

    def wait_patiently(self) -> None:
        """Wait for locks from now on as long as a statement may take, whatever lock_timeout_s the transaction has.

        For locks that everybody takes in one order and gives back at the commit: who waits gets them soon.
        """
        self._connection.send_ahead(_PATIENT)

    def touch_days(self, days: Iterable[date]) -> None:
        """Note UTC days whose answers are stale after this transaction."""
        self.days.update(days)

    def touch_tags(self, tags: Iterable[str]) -> None:
        """Note entities or settings whose answers are stale after this transaction."""
        self.tags.update(tags)


class Database:
    """Sessions over one pool."""

    def __init__(self, pool: Pool, settings: Settings) -> None:
        self._pool = pool
        self._settings = settings

    @classmethod
    async def open(cls, settings: Settings) -> Self:
        """Connect to settings.database_url as the app role. Raises OutsideError when it is away."""
        assert settings.database_url is not None, "start the embedded services first"
        pool = await Pool.open(
            settings.database_url.get_secret_value(),
            size_max=settings.pool_size_max,
            acquire_timeout_s=settings.pool_acquire_timeout_s,
        )
        return cls(pool, settings)

    async def close(self) -> None:
        """Give back all connections."""
        await self._pool.close()

    def read(self, tenant_id: UUID, *, in_turn: bool = False) -> AbstractAsyncContextManager[ReadSession]:
        """A read-only transaction of the tenant (read committed), or that of the request's read before (`reading`).

        in_turn: of a short read, which costs less than a transaction. Those of a request follow each other, to share
        one.
        """
        reading = current.get()
        if reading is not None and reading.tenant_id == tenant_id:
            if in_turn:
                return _Read(tenant_id, reading.take_in_turn, reading.give_in_turn)
            return _Read(tenant_id, reading.take, reading.give)
        transaction = self._reads(tenant_id)
        return _Read(tenant_id, transaction.begun, Transaction.end)

    def reading(self, tenant_id: UUID) -> Reading:
        """Reads of the tenant in this context, and in tasks that are started in it, share what transaction they can."""
        return Reading(self._pool, tenant_id, partial(self._reads, tenant_id))

    def _reads(self, tenant_id: UUID) -> Transaction:
        begins = opening("BEGIN READ ONLY", tenant_id, self._settings.statement_timeout_s)
        return self._transaction(begins, goes_on=True)

    @asynccontextmanager
    async def snapshot(
        self,
        tenant_id: UUID,
        *,
        timeout_s: float | None = None,
        snapshot_id: str | None = None,
        plans_once: bool = False,
    ) -> AsyncIterator[ReadSession]:
        """A read-only transaction of the tenant whose statements all see the same moment (repeatable read).

        plans_once: whether Postgres plans each statement once, for a tenant like others, and not for the one that asks:
        of one whose rows came after it last looked through the tables it expects none, and reads them all for each.
        snapshot_id: see what another open transaction sees; its pg_export_snapshot() gives it. Raises BAD_USER_INPUT
        when there is no such snapshot.
        """
        if snapshot_id is not None and not _SNAPSHOT_ID.fullmatch(snapshot_id):
            raise _no_snapshot(snapshot_id)
        begins = opening(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            tenant_id,
            timeout_s or self._settings.statement_timeout_s,
            *((_PLANS_ONCE,) if plans_once else ()),
        )
        async with self._transaction(begins) as connection:
            if snapshot_id is not None:
                try:
                    await connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot_id}'", timeout=connection.patience_s)
                except (asyncpg.InvalidParameterValueError, asyncpg.UndefinedObjectError) as error:
                    raise _no_snapshot(snapshot_id) from error
            yield ReadSession(connection, tenant_id)

    @asynccontextmanager
    async def write(
        self, tenant_id: UUID, *, repeatable: bool = False, lock_timeout_s: float | None = None
    ) -> AsyncIterator[WriteSession]:
        """A transaction of the tenant that writes; commits at the end of the block, rolls back on any exception.

        lock_timeout_s: how long to wait for a lock before TransactionConflict is raised; None: as long as a statement.
        """
        level = "BEGIN ISOLATION LEVEL REPEATABLE READ" if repeatable else "BEGIN"
        waits = () if lock_timeout_s is None else (f"SET LOCAL lock_timeout = {int(lock_timeout_s * 1000)}",)
        begins = opening(level, tenant_id, self._settings.write_timeout_s, *waits)
        async with self._transaction(begins) as connection:
            session = WriteSession(connection, tenant_id)
            yield session
            await session.send()

    @asynccontextmanager
    async def directory(self) -> AsyncIterator[ReadSession]:
        """A read-only transaction without a tenant: sees the global tables, and no row of any tenant table."""
        begins = opening("BEGIN READ ONLY", None, self._settings.statement_timeout_s)
        async with self._transaction(begins, goes_on=True) as connection:
            yield ReadSession(connection, UUID(int=0))

    def _transaction(self, begins: Opening, *, goes_on: bool = False) -> Transaction:
        reading = current.get()
        if reading is not None and not goes_on:
            # Whoever is to read on has one connection at hand, and needs another now.
            reading.give_up()
        return Transaction(self._pool, self._settings, begins, goes_on=goes_on)


class _Read:
    """One read. take: gives the transaction it reads in; give: is given it back, with the error that ended the read."""

    __slots__ = ("_give", "_take", "_tenant_id", "_transaction")

    def __init__(
        self,
        tenant_id: UUID,
        take: Callable[[], Awaitable[Transaction]],
        give: Callable[[Transaction, BaseException | None], Awaitable[None]],
    ) -> None:
        self._tenant_id = tenant_id
        self._take = take
        self._give = give

    async def __aenter__(self) -> ReadSession:
        self._transaction = await self._take()
        return ReadSession(self._transaction.connection, self._tenant_id)

    async def __aexit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        await self._give(self._transaction, error)


def _no_snapshot(snapshot_id: str) -> DomainError:
    return DomainError(
        "BAD_USER_INPUT",
        f"{snapshot_id[:64]!r} is no snapshot of this server. The transaction that exported it must still be open.",
    )


def _observe(sql: str) -> None:
    for observer in statement_observers.get():
        observer(sql)
