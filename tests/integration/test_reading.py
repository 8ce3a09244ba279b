"""Reads share transactions: of a request one after the other, of a tenant where nobody else came between them.

They keep a connection from nobody, and nothing stays open.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from app.core.context import Ctx
from app.core.ids import new_id
from app.db.connection import OPEN_S_MAX, OPEN_UNUSED_S_MAX
from app.db.session import Database
from app.errors import OutsideError
from app.settings import Settings

pytestmark = pytest.mark.database

Which = tuple[int, Any]

WHICH = "/* test */ SELECT pg_backend_pid() AS server, now() AS began"


@pytest.fixture
async def make_db(settings: Settings) -> AsyncIterator[Callable[[int], Awaitable[Database]]]:
    """Makes databases with so many connections."""
    made: list[Database] = []

    async def make(size_max: int) -> Database:
        some = settings.model_copy(update={"pool_size_max": size_max, "pool_acquire_timeout_s": 2.0})
        made.append(await Database.open(some))
        return made[-1]

    yield make
    for db in made:
        await db.close()


async def _which(db: Database, ctx: Ctx, *, in_turn: bool = False) -> Which:
    """The connection and the transaction of a read."""
    async with db.read(ctx.tenant_id, in_turn=in_turn) as session:
        row = await session.fetchrow(WHICH)
        assert row is not None
        return row["server"], row["began"]


async def test_one_after_the_other_share_a_transaction(make_db: Any, ctx: Ctx) -> None:
    db = await make_db(3)
    async with db.reading(ctx.tenant_id):
        first, second = await _which(db, ctx), await _which(db, ctx)
        third = await asyncio.create_task(_which(db, ctx))

    assert first == second == third


async def test_the_next_request_goes_on(make_db: Any, ctx: Ctx) -> None:
    db = await make_db(3)
    found = []
    for _ in range(3):
        async with db.reading(ctx.tenant_id):
            found.append(await _which(db, ctx))

    assert len(set(found)) == 1


async def test_each_statement_sees_its_own_moment(make_db: Any, ctx: Ctx, admin: "asyncpg.Pool[Any]") -> None:
    db = await make_db(1)
    name = "/* test */ SELECT name FROM tenants WHERE id = $1"
    async with db.directory() as session:
        before = await session.fetchval(name, ctx.tenant_id), await session.fetchrow(WHICH)
    await admin.execute("UPDATE tenants SET name = 'Another' WHERE id = $1", ctx.tenant_id)
    async with db.directory() as session:
        after = await session.fetchval(name, ctx.tenant_id), await session.fetchrow(WHICH)

    assert before[0] != after[0] == "Another"
    assert before[1] == after[1]


async def test_nobody_goes_on_for_long(make_db: Any, ctx: Ctx) -> None:
    # Whoever changes a table waits for all transactions that looked at it.
    db = await make_db(1)
    until_s = time.monotonic() + 10
    server, began = await _which(db, ctx)
    later = began
    while later == began:
        assert time.monotonic() < until_s
        await asyncio.sleep(OPEN_UNUSED_S_MAX / 10)
        again, later = await _which(db, ctx)
        assert again == server

    assert later - began < timedelta(seconds=10 * OPEN_S_MAX)


async def test_a_failed_read_is_gone_on_with_by_nobody(make_db: Any, ctx: Ctx) -> None:
    db = await make_db(1)
    before = await _which(db, ctx)
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with db.read(ctx.tenant_id) as session:
            await session.fetchval("/* test */ SELECT 1 / 0")
    after = await _which(db, ctx)

    assert (after[0], after[1] > before[1]) == (before[0], True)


async def test_at_once_have_one_each(make_db: Any, ctx: Ctx) -> None:
    db = await make_db(3)
    async with db.reading(ctx.tenant_id):
        found = await asyncio.gather(*(_which(db, ctx) for _ in range(3)))

    assert len(set(found)) == 3


async def test_short_reads_follow_each_other(make_db: Any, ctx: Ctx) -> None:
    db = await make_db(3)
    async with db.reading(ctx.tenant_id):
        found = await asyncio.gather(*(_which(db, ctx, in_turn=True) for _ in range(3)))
        # One that fails ends its turn, too.
        with pytest.raises(ValueError, match="own mistake"):
            async with db.read(ctx.tenant_id, in_turn=True):
                raise ValueError("own mistake")
        await _which(db, ctx, in_turn=True)

    assert len(set(found)) == 1


async def test_requests_share_nothing(make_db: Any, ctx: Ctx) -> None:
    db = await make_db(3)

    async def request() -> Which:
        async with db.reading(ctx.tenant_id):
            first = await _which(db, ctx)
            await asyncio.sleep(0)
            assert await _which(db, ctx) == first
            return first

    found = await asyncio.gather(*(request() for _ in range(3)))

    assert len(set(found)) == 3


async def test_what_fails_is_rolled_back(make_db: Any, ctx: Ctx) -> None:
    db = await make_db(1)
    async with db.reading(ctx.tenant_id):
        before = await _which(db, ctx)
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with db.read(ctx.tenant_id) as session:
                await session.fetchval("/* test */ SELECT 1 / 0")
        assert await _which(db, ctx) != before


async def test_a_spare_connection_is_had_by_whoever_wants_one(make_db: Any, ctx: Ctx) -> None:
    db = await make_db(1)
    async with db.reading(ctx.tenant_id):
        before = await _which(db, ctx)
        async with db.snapshot(ctx.tenant_id) as session:
            row = await session.fetchrow(WHICH)
        after = await _which(db, ctx)

    assert row is not None
    assert {before[0], row["server"], after[0]} == {before[0]}
    assert len({before[1], row["began"], after[1]}) == 3


async def test_nobody_waits_for_one_who_waits(make_db: Any, ctx: Ctx) -> None:
    db = await make_db(2)

    async def request() -> None:
        async with db.reading(ctx.tenant_id):
            for _ in range(3):
                await asyncio.gather(*(_which(db, ctx) for _ in range(3)))
                await _which(db, ctx)

    await asyncio.wait_for(asyncio.gather(*(request() for _ in range(12))), 10)


async def test_nothing_stays_open(make_db: Any, ctx: Ctx, admin: "asyncpg.Pool[Any]") -> None:
    db = await make_db(2)

    async def is_ended(server: int) -> None:
        state, until_s = "SELECT state FROM pg_stat_activity WHERE pid = $1", time.monotonic() + 5
        while await admin.fetchval(state, server) != "idle":
            assert time.monotonic() < until_s, "it stays open"
            await asyncio.sleep(OPEN_UNUSED_S_MAX)

    async with db.reading(ctx.tenant_id):
        server, _ = await _which(db, ctx)
        state = "SELECT state FROM pg_stat_activity WHERE pid = $1"
        assert await admin.fetchval(state, server) == "idle in transaction"
    await is_ended(server)

    async with db.reading(ctx.tenant_id):
        is_open = asyncio.Event()

        async def outlive() -> Which:
            async with db.read(ctx.tenant_id) as session:
                is_open.set()
                await asyncio.sleep(0.05)
                row = await session.fetchrow(WHICH)
                assert row is not None
                return row["server"], row["began"]

        late = asyncio.create_task(outlive())
        await is_open.wait()
    server, _ = await late
    await is_ended(server)

    found = await asyncio.gather(*(_which(db, ctx) for _ in range(2)))
    for server, _ in found:
        await is_ended(server)


async def test_an_unused_connection_may_break(make_db: Any, ctx: Ctx, admin: "asyncpg.Pool[Any]") -> None:
    # Also while its transaction is being ended, which nobody waits for.
    db = await make_db(1)
    for wait_s in (0, OPEN_UNUSED_S_MAX / 2, OPEN_UNUSED_S_MAX, 2 * OPEN_UNUSED_S_MAX):
        server, _ = await _which(db, ctx)
        await asyncio.sleep(wait_s)
        await _end(admin, server)
        assert (await _which(db, ctx))[0] != server


async def test_many_tenants_share_few_connections(make_db: Any) -> None:
    db = await make_db(3)
    tenants = [new_id() for _ in range(7)]
    tenant = "/* test */ SELECT current_setting('app.tenant_id') AS tenant, pg_backend_pid() AS server"

    servers: set[int] = set()

    async def request(number: int) -> None:
        tenant_id = tenants[number % 7]
        async with db.reading(tenant_id):
            for kind in (db.read, db.read, db.snapshot if number % 5 else db.write, db.read):
                async with kind(tenant_id) as session:
                    row = await session.fetchrow(tenant)
                    assert row["tenant"] == str(tenant_id)
                    servers.add(row["server"])

    await asyncio.gather(*(request(number) for number in range(200)))
    assert len(servers) == 3


async def _end(admin: "asyncpg.Pool[Any]", server: int) -> None:
    """The connection's process ends; what it told of that has arrived."""
    await admin.fetchval("SELECT pg_terminate_backend($1)", server)
    while await admin.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", server):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)


async def test_a_connection_that_the_server_ends_is_not_used_again(
    make_db: Any, ctx: Ctx, admin: "asyncpg.Pool[Any]"
) -> None:
    db = await make_db(1)
    async with db.reading(ctx.tenant_id):
        server, _ = await _which(db, ctx)
        await _end(admin, server)
        other, _ = await _which(db, ctx)
        assert other != server
        await _end(admin, other)
    with_new_one, _ = await _which(db, ctx)
    assert with_new_one != other


async def test_other_tenants_are_apart(make_db: Any, ctx: Ctx) -> None:
    db = await make_db(2)
    other_id = new_id()
    tenant = "/* test */ SELECT current_setting('app.tenant_id')"
    async with db.reading(ctx.tenant_id):
        for tenant_id in (ctx.tenant_id, other_id, ctx.tenant_id):
            async with db.read(tenant_id) as session:
                assert await session.fetchval(tenant) == str(tenant_id)


async def test_none_can_be_had(make_db: Any, ctx: Ctx) -> None:
    db = await make_db(1)
    async with db.snapshot(ctx.tenant_id), db.reading(ctx.tenant_id):
        with pytest.raises(OutsideError):
            await _which(db, ctx)


async def test_what_was_left_open_ends_with_the_next(make_db: Any, ctx: Ctx) -> None:
    db = await make_db(1)
    tenant = "/* test */ SELECT current_setting('app.tenant_id', true)"
    server, began = await _which(db, ctx)

    async with db.directory() as session:
        assert await session.fetchval(tenant) == ""
    async with db.write(ctx.tenant_id) as session:
        row = await session.fetchrow(WHICH)
        assert await session.fetchval("/* test */ SHOW transaction_read_only") == "off"
        assert await session.fetchval("/* test */ SHOW transaction_isolation") == "read committed"

    assert row is not None
    assert row["server"] == server
    assert row["began"] > began
