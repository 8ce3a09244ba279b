"""Bringing a database to the newest schema, whoever asks and however often."""

import asyncio
from collections.abc import AsyncIterator
from typing import TypeAlias

import asyncpg
import pytest

from app.db.migrate import check_schema, migrate
from app.errors import OutsideError
from app.settings import Settings
from tests.factories.databases import empty_database

pytestmark = pytest.mark.database

Admin: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


@pytest.fixture
async def empty(services: Settings) -> AsyncIterator[str]:
    """The administrator's URL of a database with nothing in it."""
    async with empty_database(services) as settings:
        yield settings.owner_url


async def test_two_migrations_at_once_wait_for_each_other(empty: str) -> None:
    await asyncio.gather(*(asyncio.to_thread(migrate, empty) for _ in range(3)))

    await asyncio.to_thread(check_schema, empty)


async def test_a_login_that_owns_the_tables_may_take_the_apps_role(empty: str) -> None:
    await asyncio.to_thread(migrate, empty)

    connection = await asyncpg.connect(empty, server_settings={"role": "scoville_app"})

    assert await connection.fetchval("SELECT current_user") == "scoville_app"
    assert await connection.fetchval("SELECT count(*) FROM alembic_version") == 1
    await connection.close()


async def test_an_old_schema_is_named_with_the_way_out(empty: str) -> None:
    with pytest.raises(OutsideError, match=r"revision none.*scoville migrate"):
        await asyncio.to_thread(check_schema, empty)


def test_a_server_that_is_away_is_one_clear_error() -> None:
    with pytest.raises(OutsideError, match="not reachable"):
        migrate("postgresql://nobody@127.0.0.1:9/nothing")
