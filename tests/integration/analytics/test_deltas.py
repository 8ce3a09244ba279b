"""The writers' door to the rollups."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from app.analytics.rollups.catalog import TOKENS
from app.analytics.rollups.deltas import Contribution, append, of_instance
from app.core.context import Ctx
from app.core.ids import ZERO_ID, new_id
from app.core.words import InstanceKind
from app.runtime import Runtime

pytestmark = pytest.mark.database

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


async def test_equal_keys_are_added_up_and_empty_ones_left_out(runtime: Runtime, ctx: Ctx) -> None:
    campaign = new_id()

    async with runtime.db.write(ctx.tenant_id) as session:
        count = await append(
            ctx,
            session,
            [
                Contribution(NOON, campaign_id=campaign, platform="TIKTOK", orders_e9=10**9, gross_e9=-(10**24)),
                Contribution(NOON, campaign_id=campaign, platform="TIKTOK", gross_e9=3 * 10**24),
                Contribution(NOON, influencer_id=new_id()),
                Contribution(NOON, clicks=1),
                Contribution(NOON, clicks=-1),
            ],
        )
        days = session.days
    async with runtime.db.read(ctx.tenant_id) as session:
        rows = await session.fetch("/* test.rows */ SELECT * FROM rollup_delta WHERE tenant_id = $1", ctx.tenant_id)

    assert count == 1
    assert days == {date(2026, 3, 4)}
    (row,) = rows
    assert (row["campaign_id"], row["influencer_id"], row["platform"]) == (campaign, ZERO_ID, "TIKTOK")
    assert (row["orders_e9"], row["gross_e9"]) == (Decimal(10**9), Decimal(2 * 10**24))
    assert row["occurred_at"] == NOON


async def test_first_append_makes_the_state_and_later_ones_leave_it(runtime: Runtime, ctx: Ctx) -> None:
    for _ in range(2):
        async with runtime.db.write(ctx.tenant_id) as session:
            await append(ctx, session, [Contribution(NOON, instances=1)])

    async with runtime.db.read(ctx.tenant_id) as session:
        rows = await session.fetch("/* test.rows */ SELECT * FROM rollup_state WHERE tenant_id = $1", ctx.tenant_id)
    (row,) = rows
    assert (row["generation"], row["zone"], row["currency"]) == (1, "Europe/London", "GBP")
    assert row["sets"] == list(TOKENS)


async def test_nothing_to_add_runs_no_statement(runtime: Runtime, ctx: Ctx) -> None:
    async with runtime.db.write(ctx.tenant_id) as session:
        assert await append(ctx, session, [Contribution(NOON)]) == 0

    async with runtime.db.read(ctx.tenant_id) as session:
        assert (
            await session.fetchval(
                "/* test.count */ SELECT count(*) FROM rollup_state WHERE tenant_id = $1", ctx.tenant_id
            )
            == 0
        )


@pytest.mark.parametrize(
    ("kind", "clicks", "purchases"),
    [(InstanceKind.CLICK, 1, 0), (InstanceKind.PURCHASE, 0, 1), (InstanceKind.VIEW, 0, 0)],
)
def test_instance_counts_by_kind(kind: InstanceKind, clicks: int, purchases: int) -> None:
    influencer = UUID(int=7)

    found = of_instance(occurred_at=NOON, kind=kind, campaign_id=None, influencer_id=influencer, platform="X")

    assert found == Contribution(
        NOON, influencer_id=influencer, platform="X", instances=1, clicks=clicks, purchases=purchases
    )
