"""What rules of a plan give for an order that is recorded: one case a kind of rule, in figures that can be checked."""

from datetime import timedelta
from typing import Any

import pytest

from app.core.context import Ctx
from app.core.outcomes import Outcome
from app.core.words import CustomerKind, LineKind, PlanMetric, RuleKind, TierMode
from app.orders.inputs import OrderInput
from app.runtime import Runtime
from app.usecases.record_orders import record_orders
from tests.factories.orders import NOON, Look, Offer, ProgramRows, item, line, order
from tests.factories.plans import Plans, bonus, caps, fixed, percent, tiers

pytestmark = pytest.mark.database


@pytest.fixture
async def offer(program: ProgramRows) -> Offer:
    """A campaign of 10 %, with an influencer and a code."""
    return await program.offer()


class Earned:
    """Records orders by a code and tells what they earned, in minor units."""

    def __init__(self, runtime: Runtime, ctx: Ctx, look: Look, code: str) -> None:
        self._runtime, self._ctx, self._look, self._code = runtime, ctx, look, code

    async def by(self, *orders: OrderInput) -> list[int]:
        """What each of them earned when it was recorded."""
        outcomes = await record_orders(self._runtime, self._ctx, orders)
        assert [outcome.outcome for outcome in outcomes] == [Outcome.RECORDED] * len(orders), outcomes
        rows = {row["order_id"]: row for row in await self._look.rows("commissions") if row["kind"] == "ACCRUAL"}
        return [rows[outcome.id]["amount_minor"] for outcome in outcomes]

    def order(self, *lines: Any, **more: Any) -> OrderInput:
        """An order by the code."""
        return order(*lines, **({"codes": (self._code,)} | more))

    async def bonuses(self) -> list[tuple[str, int]]:
        """The bonuses so far, by rule."""
        kept = {row["id"]: row for row in await self._look.rows("commissions") if row["kind"] == "BONUS"}
        lines = [row for row in await self._look.rows("commission_lines") if row["commission_id"] in kept]
        return sorted((row["rule"], row["amount_minor"]) for row in lines)


@pytest.fixture
def earned(runtime: Runtime, ctx: Ctx, look: Look, offer: Offer) -> Earned:
    """Tells what orders by the code earn."""
    return Earned(runtime, ctx, look, offer.code)


async def test_without_a_plan_the_campaigns_rate_holds(earned: Earned) -> None:
    assert await earned.by(earned.order(item("80.00"))) == [800]


async def test_lines_earn_by_the_rule_that_fits_them(plans: Plans, offer: Offer, earned: Earned, look: Look) -> None:
    await plans.agreed(
        offer.campaign_id, percent("0.05", "rest"), percent("0.2", "mugs", priority=1, products=["mug"])
    )

    assert await earned.by(earned.order(item("50.00", sku="mug"), item("30.00", sku="sauce"))) == [1000 + 150]

    shares = sorted((row["position"], row["rule"], row["rate"], row["amount_minor"]) for row in await look.rows("commission_lines"))
    assert [(position, rule, str(rate), amount) for position, rule, rate, amount in shares] == [
        (0, "mugs", "0.200000", 1000),
        (1, "rest", "0.050000", 150),
    ]
