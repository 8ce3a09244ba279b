"""Many orders at once on the edge of a tier, a bonus and a cap: counted one after the other, the sequence stored."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from app.core.context import Ctx
from app.core.outcomes import Outcome
from app.core.words import TierMode
from app.products.inputs import ProductInput
from app.runtime import Runtime, open_runtime
from app.settings import Settings
from app.usecases.record_orders import record_orders
from app.usecases.upsert_products import upsert_products
from tests.factories.orders import Look, ProgramRows, item, order
from tests.factories.plans import Plans, bonus, caps, percent, tiers
from tests.invariants.books import broken_laws

pytestmark = pytest.mark.database

ORDERS = 100
SERVERS = 5


@pytest.fixture
async def servers(settings: Settings) -> AsyncIterator[list[Runtime]]:
    """Several processes' worth of servers: calls of one would share transactions."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(open_runtime(settings)) for _ in range(SERVERS)]


async def at_once(servers: list[Runtime], ctx: Ctx, codes: tuple[str, ...]) -> None:
    """Record orders of 10.00 each, every one a call of its own, all at the same time."""
    # Known beforehand: else all wait for whoever creates it.
    await upsert_products(servers[0], ctx, [ProductInput("sauce")])
    calls = [
        record_orders(servers[number % SERVERS], ctx, [order(item("10.00"), codes=(codes[number % len(codes)],))])
        for number in range(ORDERS)
    ]
    outcomes = [outcome for found in await asyncio.gather(*calls) for outcome in found]
    assert [outcome.outcome for outcome in outcomes] == [Outcome.RECORDED] * ORDERS


def in_sequence(ratings: list[dict[str, Any]], commissions: list[dict[str, Any]], by: str = "sequence") -> list[int]:
    """What was accrued, in the order of the stored numbers, which have no gaps."""
    accrued = {row["credit_id"]: row["amount_minor"] for row in commissions if row["kind"] == "ACCRUAL"}
    rows = sorted(ratings, key=lambda row: int(row[by]))
    assert [row[by] for row in rows] == list(range(1, len(rows) + 1))
    return [accrued[row["credit_id"]] for row in rows]


async def test_a_hundred_orders_on_the_edge_of_a_tier(
    servers: list[Runtime], ctx: Ctx, program: ProgramRows, look: Look, plans: Plans
) -> None:
    offer = await program.offer()
    # The fifty-first order lies half below and half above the edge.
    await plans.agreed(offer.campaign_id, tiers(("0", "0.1"), ("505.00", "0.2")), bonuses=(bonus("1000.00", "25.00"),))

    await at_once(servers, ctx, (offer.code,))

    commissions = await look.rows("commissions")
    expected = [100] * 50 + [150] + [200] * 49
    assert in_sequence(await look.rows("commission_ratings"), commissions) == expected
    assert [row["amount_minor"] for row in commissions if row["kind"] == "BONUS"] == [2500]
    tallies = {row["counter"]: row for row in await look.rows("commission_tallies")}
    assert tallies["MONTH tiers"]["volume_minor"] == 100_000
    assert tallies[":sequence"]["sequence"] == ORDERS
    assert tallies[":earned"]["earned_minor"] == sum(row["amount_minor"] for row in commissions)
    assert await broken_laws(servers[0].db, ctx.tenant_id) == {}


async def test_a_whole_volume_is_lifted_once(
    servers: list[Runtime], ctx: Ctx, program: ProgramRows, look: Look, plans: Plans
) -> None:
    offer = await program.offer()
    await plans.agreed(
        offer.campaign_id,
        tiers(("0", "0.1"), ("505.00", "0.2"), mode=TierMode.WHOLE_VOLUME),
        percent("0.5", priority=-1),
    )

    await at_once(servers, ctx, (offer.code,))

    commissions = await look.rows("commissions")
    assert in_sequence(await look.rows("commission_ratings"), commissions) == [100] * 50 + [200] * 50
    assert [row["amount_minor"] for row in commissions if row["kind"] == "BONUS"] == [5000]
    assert sum(row["amount_minor"] for row in commissions) == 20_000


async def test_a_budget_is_spent_to_the_penny_by_influencers_at_once(
    servers: list[Runtime], ctx: Ctx, program: ProgramRows, look: Look, plans: Plans
) -> None:
    offer = await program.offer()
    codes = (
        offer.code,
        *[await program.code(f"C{n}", await program.influencer(), offer.campaign_id) for n in range(4)],
    )
    await plans.agreed(offer.campaign_id, percent("0.1"), caps=caps(per_campaign="63.37"))

    await at_once(servers, ctx, codes)

    amounts = in_sequence(await look.rows("commission_ratings"), await look.rows("commissions"), "budget_sequence")
    assert amounts == [100] * 63 + [37] + [0] * 36
