"""The one door: tenants apart, nothing left behind."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import asyncpg
import pytest

from app.core.context import Ctx
from app.core.ids import new_id
from app.db.connection import Connection, is_lost
from app.db.opening import Opening
from app.db.pool import Pool
from app.db.session import Database
from app.db.transaction import Transaction
from app.errors import DomainError, OutsideError
from app.runtime import Runtime
from app.settings import Settings

pytestmark = pytest.mark.database

MakePool: TypeAlias = Callable[[int, float], Awaitable[Pool]]


async def test_session_is_the_app_role_and_sees_only_its_tenant(runtime: Runtime, ctx: Ctx) -> None:
    async with runtime.db.read(ctx.tenant_id) as session:
        row = await session.fetchrow(
            "/* test */ SELECT current_user AS role, current_setting('app.tenant_id') AS tenant"
        )

    assert row is not None
    assert row["role"] == "scoville_app"
    assert row["tenant"] == str(ctx.tenant_id)


async def test_times_are_written_in_one_style(settings: Settings, admin: "asyncpg.Pool[Any]") -> None:
    """Their texts are read by column, whatever style the database has."""
    name = await admin.fetchval("SELECT current_database()")
    await admin.execute(f"ALTER DATABASE {name} SET datestyle = 'SQL, DMY'")
    try:
        db = await Database.open(settings)
        async with db.directory() as session:
            found = await session.fetchval("/* test */ SELECT ('2026-03-01T12:00:00Z'::timestamptz)::text")
        await db.close()
    finally:
        await admin.execute(f"ALTER DATABASE {name} RESET datestyle")

    assert found == "2026-03-01 12:00:00+00"


async def test_a_failed_write_leaves_nothing(runtime: Runtime, ctx: Ctx) -> None:
    insert = """/* test */ INSERT INTO customers (tenant_id, id, external_id, created_at, updated_at)
        VALUES ($1, $2, 'c', $3, $3)"""

    with pytest.raises(ZeroDivisionError):
        async with runtime.db.write(ctx.tenant_id) as session:
            await session.execute(insert, ctx.tenant_id, new_id(), ctx.now)
            1 / 0  # noqa: B018

    async with runtime.db.read(ctx.tenant_id) as session:
        assert await session.fetchval("/* test */ SELECT count(*) FROM customers") == 0


@pytest.mark.parametrize("kind", ["read", "snapshot", "write"])
async def test_sums_that_are_too_large_are_told_in_our_words(runtime: Runtime, ctx: Ctx, kind: str) -> None:
    for _ in range(2):
        with pytest.raises(DomainError) as refused:
            async with getattr(runtime.db, kind)(ctx.tenant_id) as session:
                await session.fetchval(
                    "/* test */ SELECT sum(amount)::bigint FROM unnest(ARRAY[9223372036854775807, 1]) AS given (amount)"
                )

        assert refused.value.code == "INVALID_AMOUNT"
        assert "2^63" in refused.value.message


async def test_writing_another_tenants_row_is_refused(runtime: Runtime, ctx: Ctx) -> None:
    insert = """/* test */ INSERT INTO customers (tenant_id, id, external_id, created_at, updated_at)
        VALUES ($1, $2, 'c', $3, $3)"""

    with pytest.raises(Exception, match="row-level security"):
        async with runtime.db.write(ctx.tenant_id) as session:
            await session.execute(insert, new_id(), new_id(), ctx.now)


async def test_a_snapshot_is_joined_by_its_id(runtime: Runtime, ctx: Ctx) -> None:
    insert = """/* test */ INSERT INTO customers (tenant_id, id, external_id, created_at, updated_at)
        VALUES ($1, $2, 'c', $3, $3)"""
    count = "/* test */ SELECT count(*) FROM customers"

    async with runtime.db.snapshot(ctx.tenant_id) as first:
        snapshot_id = await first.fetchval("/* test */ SELECT pg_export_snapshot()")
        async with runtime.db.write(ctx.tenant_id) as session:
            await session.execute(insert, ctx.tenant_id, new_id(), ctx.now)
        async with runtime.db.snapshot(ctx.tenant_id, snapshot_id=snapshot_id) as joined:
            assert await joined.fetchval(count) == 0
        async with runtime.db.snapshot(ctx.tenant_id) as later:
            assert await later.fetchval(count) == 1


@pytest.mark.parametrize("snapshot_id", ["00000003-0000001B-1", "FFFFFFFF-FFFFFFFF-1", "'; DROP TABLE orders", ""])
async def test_a_snapshot_that_is_none_is_refused(runtime: Runtime, ctx: Ctx, snapshot_id: str) -> None:
    with pytest.raises(DomainError, match="is no snapshot of this server"):
        async with runtime.db.snapshot(ctx.tenant_id, snapshot_id=snapshot_id):
            raise AssertionError("never entered")

    async with runtime.db.read(ctx.tenant_id) as session:
        assert await session.fetchval("/* test */ SELECT 1") == 1


@pytest.mark.parametrize("wait_s", [0, 0.05], ids=["at once", "after the pool took it back"])
async def test_a_session_whose_connection_the_server_ends_may_be_repeated(
    runtime: Runtime, ctx: Ctx, admin: "asyncpg.Pool[Any]", wait_s: float
) -> None:
    with pytest.raises(OutsideError) as refused:
        async with runtime.db.write(ctx.tenant_id) as session:
            server = await session.fetchval("/* test */ SELECT pg_backend_pid()")
            await admin.fetchval("SELECT pg_terminate_backend($1)", server)
            await asyncio.sleep(wait_s)
            await session.fetchval("/* test */ SELECT 1")

    assert refused.value.retryable
    async with runtime.db.read(ctx.tenant_id) as session:
        assert await session.fetchval("/* test */ SELECT 1") == 1


@pytest.fixture
async def make_pool(settings: Settings) -> AsyncIterator[MakePool]:
    """Opens pools of so many connections, for which one waits so long."""
    made: list[Pool] = []

    async def make(size_max: int, acquire_timeout_s: float) -> Pool:
        assert settings.database_url is not None
        url = settings.database_url.get_secret_value()
        made.append(await Pool.open(url, size_max=size_max, acquire_timeout_s=acquire_timeout_s))
        return made[-1]

    yield make
    for pool in made:
        await pool.close()


@pytest.mark.parametrize("is_clean", [True, False])
async def test_a_connection_that_breaks_after_it_was_given_back_is_replaced(
    make_pool: MakePool, is_clean: bool
) -> None:
    pool = await make_pool(1, 5)
    broken = await pool.take()
    asyncio.get_running_loop().call_soon(broken._transport.abort)  # type: ignore[attr-defined]
    pool.give(broken, is_clean=is_clean)
    until_s = time.monotonic() + 5
    while not is_lost(broken):
        assert time.monotonic() < until_s, "the break is not felt"
        await asyncio.sleep(0)

    connection = await pool.take()
    assert await connection.fetchval("SELECT 1") == 1
    pool.give(connection, is_clean=True)


async def test_a_transaction_begins_with_its_first_statement(
    runtime: Runtime, ctx: Ctx, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a connection that was just used nobody waits for BEGIN's answer, after another's transaction neither."""
    monkeypatch.setattr(Connection, "is_to_plan_anew", lambda *_: False)
    monkeypatch.setattr(Connection, "was_just_used", lambda *_: True)
    async with runtime.db.directory() as session:
        await session.fetchval("/* test */ SELECT 1")
    for tenant_id in (ctx.tenant_id, new_id(), ctx.tenant_id):
        transaction = runtime.db._reads(tenant_id)
        with pytest.raises(StopIteration):
            transaction.begun().send(None)
        tenant = await transaction.connection.fetchval("SELECT current_setting('app.tenant_id')")
        assert tenant == str(tenant_id)
        assert transaction.connection.is_in_transaction()
        await transaction.end()


async def test_a_transaction_without_a_statement_leaves_nothing(runtime: Runtime, ctx: Ctx) -> None:
    with pytest.raises(ZeroDivisionError):
        async with runtime.db.write(ctx.tenant_id):
            1 / 0  # noqa: B018
    async with runtime.db.write(ctx.tenant_id):
        pass
    async with runtime.db.snapshot(ctx.tenant_id):
        pass
    async with runtime.db.read(ctx.tenant_id):
        pass
    async with runtime.db.directory() as session:
        tenant = await session.fetchval("/* test */ SELECT current_setting('app.tenant_id', true)")

    assert not tenant


async def test_what_begins_wrong_is_told_by_the_first_statement(make_pool: MakePool, settings: Settings) -> None:
    pool = await make_pool(1, 5)
    with pytest.raises(asyncpg.UndefinedObjectError):
        async with Transaction(pool, settings, Opening("BEGIN", "SET LOCAL no_such_setting = 1")) as connection:
            await connection.fetchval("SELECT 1")
    again = await pool.take()
    assert not again.is_in_transaction()
    assert await again.fetchval("SELECT 2") == 2
    pool.give(again, is_clean=True)


async def test_connections_are_kept_up_to_the_bound(make_pool: MakePool) -> None:
    pool = await make_pool(2, 0.2)

    async def pid() -> int:
        connection = await pool.take()
        found: int = await connection.fetchval("SELECT pg_backend_pid()")
        pool.give(connection, is_clean=True)
        return found

    assert len({await pid() for _ in range(5)}) == 1
    assert len(set(await asyncio.gather(*(pid() for _ in range(20))))) == 2
    taken = [await pool.take(), await pool.take()]
    with pytest.raises(OutsideError):
        await pid()
    for connection in taken:
        pool.give(connection, is_clean=True)


async def test_a_connection_left_in_a_transaction_is_done_away_with(make_pool: MakePool) -> None:
    pool = await make_pool(1, 5)
    left = await pool.take()
    await left.execute("BEGIN")
    pool.give(left, is_clean=True)

    found = await pool.take()
    assert is_lost(left)
    assert not found.is_in_transaction()
    pool.give(found, is_clean=True)


async def test_a_closing_pool_waits_for_what_is_under_way(make_pool: MakePool) -> None:
    pool = await make_pool(2, 5)
    used = await pool.take()
    closing = asyncio.create_task(pool.close())
    assert await used.fetchval("SELECT pg_sleep(0.1)::text || 'slept'") == "slept"
    assert not closing.done()
    pool.give(used, is_clean=True)
    await closing

    assert is_lost(used)
    with pytest.raises(OutsideError):
        await pool.take()


async def test_a_snapshot_may_have_its_statements_planned_once(runtime: Runtime, ctx: Ctx) -> None:
    mode = "/* test */ SHOW plan_cache_mode"
    async with runtime.db.snapshot(ctx.tenant_id, plans_once=True) as session:
        once = await session.fetchval(mode)
    async with runtime.db.snapshot(ctx.tenant_id) as session:
        otherwise = await session.fetchval(mode)

    assert (once, otherwise) == ("force_generic_plan", "auto")
