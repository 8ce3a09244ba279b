"""The one door: tenants apart, nothing left behind."""

import asyncio
import time
from contextlib import suppress
from typing import Any

import asyncpg
import pytest

from app.core.context import Ctx
from app.core.ids import new_id
from app.db.pool import Pool, is_lost
from app.errors import DomainError, OutsideError
from app.runtime import Runtime
from app.settings import Settings

pytestmark = pytest.mark.database


async def test_session_is_the_app_role_and_sees_only_its_tenant(runtime: Runtime, ctx: Ctx) -> None:
    async with runtime.db.read(ctx.tenant_id) as session:
        row = await session.fetchrow(
            "/* test */ SELECT current_user AS role, current_setting('app.tenant_id') AS tenant"
        )

    assert row is not None
    assert row["role"] == "scoville_app"
    assert row["tenant"] == str(ctx.tenant_id)


async def test_a_failed_write_leaves_nothing(runtime: Runtime, ctx: Ctx) -> None:
    insert = """/* test */ INSERT INTO customers (tenant_id, id, external_id, created_at, updated_at)
        VALUES ($1, $2, 'c', $3, $3)"""

    with pytest.raises(ZeroDivisionError):
        async with runtime.db.write(ctx.tenant_id) as session:
            await session.execute(insert, ctx.tenant_id, new_id(), ctx.now)
            1 / 0  # noqa: B018

    async with runtime.db.read(ctx.tenant_id) as session:
        assert await session.fetchval("/* test */ SELECT count(*) FROM customers") == 0


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


@pytest.mark.parametrize("is_used_well", [True, False])
async def test_a_connection_that_breaks_while_it_is_given_back_is_replaced(
    settings: Settings, is_used_well: bool
) -> None:
    assert settings.database_url is not None
    pool = await Pool.open(settings.database_url.get_secret_value(), size_max=1, acquire_timeout_s=5)
    with suppress(ZeroDivisionError):
        async with pool.connection() as broken:
            # It takes two turns of the loop to give back what was not used well; this one breaks after the first.
            asyncio.get_running_loop().call_soon(broken._con._transport.abort)  # type: ignore[union-attr]
            if not is_used_well:
                raise ZeroDivisionError
    until_s = time.monotonic() + 5
    while not is_lost(broken):
        assert time.monotonic() < until_s, "the break is not felt"
        await asyncio.sleep(0)

    async with pool.connection() as connection:
        assert await connection.fetchval("SELECT 1") == 1
    await pool.close()


async def test_connections_are_kept_up_to_the_bound(settings: Settings) -> None:
    assert settings.database_url is not None
    pool = await Pool.open(settings.database_url.get_secret_value(), size_max=2, acquire_timeout_s=0.2)

    async def pid() -> int:
        async with pool.connection() as connection:
            found: int = await connection.fetchval("SELECT pg_backend_pid()")
            return found

    assert len({await pid() for _ in range(5)}) == 1
    assert len(set(await asyncio.gather(*(pid() for _ in range(20))))) == 2
    async with pool.connection(), pool.connection():
        with pytest.raises(OutsideError):
            await pid()
    await pool.close()
