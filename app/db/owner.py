"""The owner's door: the global tables that the app's role may only read. For commands; no request comes through here.

The owner is bound by row-level security like everybody (it is forced), so no tenant's rows are seen through it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from sqlmodel import SQLModel

import app.tables  # noqa: F401 - declares them
from app.core.ids import ZERO_ID
from app.db.opening import Opening
from app.db.pool import Pool
from app.db.session import Database, WriteSession
from app.settings import Settings

POOL_SIZE_MAX = 2

_OPENING = Opening("BEGIN")


class OwnerSession(WriteSession):
    """A transaction of the owner, without a tenant."""


class OwnerDatabase(Database):
    """Sessions of the role that owns the tables."""

    @classmethod
    async def open(cls, settings: Settings) -> Self:
        """Connect to settings.owner_url as the role it logs in with."""
        pool = await Pool.open(
            settings.owner_url,
            size_max=POOL_SIZE_MAX,
            acquire_timeout_s=settings.pool_acquire_timeout_s,
            role=None,
        )
        return cls(pool, settings)

    @classmethod
    @asynccontextmanager
    async def connected(cls, settings: Settings) -> AsyncIterator[Self]:
        """The same, closed at the end of the block."""
        db = await cls.open(settings)
        try:
            yield db
        finally:
            await db.close()

    async def analyze(self) -> None:
        """Renew the planner's statistics of all tables: after a bulk load, which autovacuum notices a minute later."""
        async with self.owner() as session:
            for table in SQLModel.metadata.sorted_tables:
                await session.execute(f"/* owner.analyze */ ANALYZE {table.name}")

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[OwnerSession]:
        """A transaction that writes; commits at the end of the block, rolls back on any exception."""
        async with self._transaction(_OPENING) as connection:
            yield OwnerSession(connection, ZERO_ID)
