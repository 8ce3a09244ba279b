"""Monthly partitions: made ahead, split out of DEFAULT without losing a row or a policy."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

import asyncpg
import pytest

from app.core.context import Ctx
from app.core.ids import new_id
from app.core.paging import Page
from app.db import keyset
from app.db.keyset import Sort
from app.db.partitions import PartitionMade, ensure_partitions
from app.db.session import TransactionConflict
from app.errors import OutsideError
from app.runtime import Runtime
from app.settings import Settings
from app.tracking.queries import INSTANCES

pytestmark = pytest.mark.database

Admin: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


def ensure(settings: Settings, now: datetime, months_ahead: int = 0) -> list[PartitionMade]:
    """Run it as the command does."""
    return ensure_partitions(settings.owner_url, now=now, months_ahead=months_ahead)


async def add_instances(runtime: Runtime, ctx: Ctx, times: list[datetime]) -> None:
    """A click at each time."""
    async with runtime.db.write(ctx.tenant_id) as session:
        await session.execute(
            """/* test */
            INSERT INTO instances (tenant_id, occurred_at, id, kind, recorded_at)
            SELECT $1, click.occurred_at, click.id, 'CLICK', $4
            FROM unnest($2::timestamptz[], $3::uuid[]) AS click (occurred_at, id)""",
            ctx.tenant_id,
            times,
            [new_id() for _ in times],
            ctx.now,
        )


async def where(runtime: Runtime, ctx: Ctx) -> dict[datetime, str]:
    """time → the table that holds the tenant's row of that time."""
    async with runtime.db.read(ctx.tenant_id) as session:
        rows = await session.fetch(
            "/* test */ SELECT occurred_at, tableoid::regclass::text AS name FROM instances WHERE tenant_id = $1",
            ctx.tenant_id,
        )
    return {row["occurred_at"]: row["name"] for row in rows}


async def test_months_ahead_are_made_once(settings: Settings) -> None:
    now = datetime(2091, 11, 30, 23, 59, 59, tzinfo=UTC)

    made = await asyncio.to_thread(ensure, settings, now, 2)
    again = await asyncio.to_thread(ensure, settings, now, 2)

    assert [(partition.name, partition.month) for partition in made if partition.month.year >= 2091] == [
        ("instances_2091_11", date(2091, 11, 1)),
        ("instances_2091_12", date(2091, 12, 1)),
        ("instances_2092_01", date(2092, 1, 1)),
    ]
    assert again == []


async def test_rows_of_default_move_to_their_month_to_the_edge(settings: Settings, runtime: Runtime, ctx: Ctx) -> None:
    last_of_month = datetime(2087, 2, 28, 23, 59, 59, 999999, tzinfo=UTC)
    first_of_next = datetime(2087, 3, 1, tzinfo=UTC)
    await add_instances(runtime, ctx, [last_of_month, first_of_next])
    assert set((await where(runtime, ctx)).values()) == {"instances_default"}

    made = await asyncio.to_thread(ensure, settings, datetime(2087, 2, 1, tzinfo=UTC))

    rows = {partition.name: partition.rows for partition in made}
    assert rows["instances_2087_02"] == 1
    assert rows["instances_2087_03"] == 1
    assert await where(runtime, ctx) == {last_of_month: "instances_2087_02", first_of_next: "instances_2087_03"}
    await add_instances(runtime, ctx, [datetime(2087, 3, 31, tzinfo=UTC)])
    assert set((await where(runtime, ctx)).values()) == {"instances_2087_02", "instances_2087_03"}


async def test_partitions_are_as_protected_as_their_parent(settings: Settings, admin: Admin) -> None:
    await asyncio.to_thread(ensure, settings, datetime(2093, 5, 1, tzinfo=UTC))

    table = await admin.fetchrow(
        "SELECT relrowsecurity, relforcerowsecurity, relacl FROM pg_class WHERE relname = 'instances_2093_05'"
    )
    default = await admin.fetchval("SELECT relforcerowsecurity FROM pg_class WHERE relname = 'instances_default'")
    policies = await admin.fetch(
        """SELECT tablename, qual, with_check FROM pg_policies
        WHERE tablename IN ('instances', 'instances_2093_05') ORDER BY tablename"""
    )
    names = await admin.fetch("SELECT indexname FROM pg_indexes WHERE tablename = 'instances_2093_05'")

    assert table is not None
    assert (table["relrowsecurity"], table["relforcerowsecurity"], table["relacl"]) == (True, True, None)
    assert default is True
    of_parent, of_partition = policies
    assert (of_parent["qual"], of_parent["with_check"]) == (of_partition["qual"], of_partition["with_check"])
    assert {row["indexname"] for row in names} == {
        f"instances_2093_05_{suffix}"
        for suffix in ("pkey", "campaign", "influencer", "visitor", "click", "customer", "unordered")
    }


async def test_a_reader_in_the_way_is_waited_for_only_shortly(
    settings: Settings, runtime: Runtime, ctx: Ctx, admin: Admin
) -> None:
    async with admin.acquire() as reader, reader.transaction():
        await reader.execute("LOCK TABLE instances_default IN ACCESS SHARE MODE")

        with pytest.raises(OutsideError, match="too busy"):
            await asyncio.to_thread(ensure, settings, datetime(2094, 1, 1, tzinfo=UTC))

    made = await asyncio.to_thread(ensure, settings, datetime(2094, 1, 1, tzinfo=UTC))
    assert [partition.name for partition in made] == ["instances_2094_01"]


async def test_two_runs_at_once_make_each_month_once(settings: Settings) -> None:
    now = datetime(2095, 1, 1, tzinfo=UTC)

    runs = await asyncio.gather(*(asyncio.to_thread(ensure, settings, now, 3) for _ in range(3)))

    names = [partition.name for run in runs for partition in run]
    assert sorted(names) == ["instances_2095_01", "instances_2095_02", "instances_2095_03", "instances_2095_04"]


async def test_writers_go_on_while_their_month_is_split_off(settings: Settings, runtime: Runtime, ctx: Ctx) -> None:
    times = [datetime(2096, 7, 1 + n % 28, n % 24, n % 60, n % 60, n, tzinfo=UTC) for n in range(400)]

    async def write() -> None:
        for at in range(0, len(times), 10):
            await persistently(times[at : at + 10])

    async def persistently(some: list[datetime]) -> None:
        # As the door does: a write that was on its way when the month came is run again.
        try:
            await add_instances(runtime, ctx, some)
        except TransactionConflict:
            await add_instances(runtime, ctx, some)

    async def split() -> None:
        await asyncio.sleep(0.05)
        await asyncio.to_thread(ensure, settings, datetime(2096, 7, 1, tzinfo=UTC))

    await asyncio.gather(write(), split())

    held = await where(runtime, ctx)
    assert sorted(held) == sorted(times)
    assert set(held.values()) == {"instances_2096_07"}


async def test_a_page_of_a_partitioned_list_is_planned_once(runtime: Runtime, ctx: Ctx, admin: Admin) -> None:
    start = datetime(2061, 1, 1, tzinfo=UTC)
    await add_instances(runtime, ctx, [start + timedelta(minutes=number) for number in range(4_000)])
    await admin.execute("ANALYZE instances")

    async with runtime.db.read(ctx.tenant_id) as session:
        for _ in range(12):
            found = await keyset.page(ctx, session, INSTANCES, conditions=(), sort=Sort("occurred_at"), page=Page(20))
        plans = await session.fetchrow(
            """/* test */ SELECT generic_plans, custom_plans FROM pg_prepared_statements
            WHERE statement LIKE '/* instances.page %' AND generic_plans + custom_plans = 12"""
        )

    assert len(found) == 21
    assert plans is not None
    # The first five of any statement are planned for their values.
    assert (plans["generic_plans"], plans["custom_plans"]) == (7, 5)
