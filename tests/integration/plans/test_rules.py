"""What rules of a plan give for an order that is recorded: one case a kind of rule, in figures that can be checked."""

from datetime import timedelta
from typing import Any

import pytest

from app.commissions.plans.inputs import RecurringInput
from app.core.context import Ctx
from app.core.outcomes import Outcome
from app.core.words import CustomerKind, LineKind, PlanMetric, RuleKind, TierMode
from app.orders.inputs import OrderInput
from app.products.inputs import ProductInput
from app.runtime import Runtime
from app.usecases.record_orders import record_orders
from app.usecases.upsert_products import upsert_products
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
    await plans.agreed(offer.campaign_id, percent("0.05", "rest"), percent("0.2", "mugs", priority=1, products=["mug"]))

    assert await earned.by(earned.order(item("50.00", sku="mug"), item("30.00", sku="sauce"))) == [1000 + 150]

    lines = await look.rows("commission_lines")
    shares = sorted((row["position"], row["rule"], str(row["rate"]), row["amount_minor"]) for row in lines)
    assert shares == [
        (0, "mugs", "0.200000", 1000),
        (1, "rest", "0.050000", 150),
    ]


async def test_discounts_are_spread_over_the_items(plans: Plans, offer: Offer, earned: Earned) -> None:
    await plans.agreed(offer.campaign_id, percent("0.05", "rest"), percent("0.2", "mugs", priority=1, products=["mug"]))

    lines = item("60.00", sku="mug"), item("40.00", sku="sauce"), line(LineKind.DISCOUNT, "-20.00")

    # 48.00 at 20 %, 32.00 at 5 %.
    assert await earned.by(earned.order(*lines)) == [960 + 160]


async def test_conditions_name_category_country_code_and_kind_of_customer(
    plans: Plans, offer: Offer, earned: Earned, program: ProgramRows, runtime: Runtime, ctx: Ctx
) -> None:
    other = await program.code("OWN25", offer.influencer_id, offer.campaign_id)
    await upsert_products(runtime, ctx, [ProductInput("cup", category="Cups")])
    await plans.agreed(
        offer.campaign_id,
        percent("0.01", "rest"),
        percent("0.25", "own", priority=5, codes=["own25"]),
        percent("0.5", "cups", priority=4, categories=["Cups"]),
        percent("0.3", "german", priority=3, countries=["DE"]),
        percent("0.4", "new", priority=2, customer_kind=CustomerKind.NEW),
    )

    assert await earned.by(
        earned.order(),
        earned.order(codes=(other,), country="DE"),
        earned.order(item("10.00", sku="cup"), item("90.00"), country="DE"),
        earned.order(customer="c-1"),
        earned.order(customer="c-1", occurred_at=NOON + timedelta(hours=1)),
        # Placed before, recorded after: it is the first by its date.
        earned.order(customer="c-1", occurred_at=NOON - timedelta(hours=1)),
    ) == [100, 2500, 500 + 2700, 4000, 100, 4000]


async def test_amounts_are_for_orders_or_items(plans: Plans, offer: Offer, earned: Earned) -> None:
    await plans.agreed(
        offer.campaign_id,
        fixed(RuleKind.PER_ORDER, "5.00", "order"),
        fixed(RuleKind.PER_ITEM, "0.75", "items", priority=1, products=["mug"]),
    )

    assert await earned.by(
        earned.order(item("10.00"), item("20.00")), earned.order(item("30.00", 4, sku="mug"), item("1.00"))
    ) == [500, 300 + 500]


async def test_a_line_that_no_rule_fits_earns_nothing(plans: Plans, offer: Offer, earned: Earned) -> None:
    await plans.agreed(offer.campaign_id, percent("0.2", products=["mug"]))

    assert await earned.by(earned.order(item("10.00")), earned.order(item("10.00"), item("10.00", sku="mug"))) == [
        0,
        200,
    ]


async def test_a_rule_without_a_rate_gives_the_own_rate(
    plans: Plans, offer: Offer, earned: Earned, program: ProgramRows
) -> None:
    await program.enrollment(offer.campaign_id, offer.influencer_id, rate="0.15")
    await plans.agreed(offer.campaign_id, percent(None), caps=caps(per_order="20.00"))

    assert await earned.by(earned.order(), earned.order(item("200.00"))) == [1500, 2000]


async def test_marginal_tiers_pay_each_part_its_rate(plans: Plans, offer: Offer, earned: Earned) -> None:
    await plans.agreed(offer.campaign_id, tiers(("0", "0.1"), ("100.00", "0.2"), ("150.00", "0.3")))

    assert await earned.by(*(earned.order(item("80.00")) for _ in range(3))) == [800, 200 + 1000 + 300, 2400]
    next_month = earned.order(item("80.00"), occurred_at=NOON + timedelta(days=31))
    assert await earned.by(next_month) == [800]


async def test_whole_volume_tiers_lift_what_came_before(plans: Plans, offer: Offer, earned: Earned) -> None:
    await plans.agreed(
        offer.campaign_id, tiers(("0", "0.1"), ("200.00", "0.2"), mode=TierMode.WHOLE_VOLUME, key="steps")
    )

    assert await earned.by(*(earned.order(item("90.00")) for _ in range(4))) == [900, 900, 1800, 1800]
    # The third order reached 270.00: the 180.00 before it earn ten more per cent.
    assert await earned.bonuses() == [("steps", 1800)]


async def test_tiers_of_orders_count_orders(plans: Plans, offer: Offer, earned: Earned) -> None:
    await plans.agreed(offer.campaign_id, tiers(("0", "0.1"), ("2", "0.2"), metric=PlanMetric.ORDERS))

    assert await earned.by(*(earned.order(item("10.00")) for _ in range(3))) == [100, 100, 200]


async def test_a_bonus_comes_once_a_period(plans: Plans, offer: Offer, earned: Earned) -> None:
    await plans.agreed(
        offer.campaign_id,
        percent("0.1"),
        bonuses=(bonus("150.00", "25.00", "much"), bonus("3", "7.00", "many", metric=PlanMetric.ORDERS)),
    )

    await earned.by(*(earned.order(item("80.00")) for _ in range(4)))

    assert await earned.bonuses() == [("many", 700), ("much", 2500)]


async def test_recurring_orders_earn_so_often_and_so_long(plans: Plans, offer: Offer, earned: Earned) -> None:
    await plans.agreed(
        offer.campaign_id,
        percent("0.1", "thrice", priority=1, recurring=RecurringInput(orders_max=3, months_max=2)),
        percent("0.01", "after"),
    )
    days = (0, 10, 20, 30)

    assert await earned.by(
        *(earned.order(customer="often", occurred_at=NOON + timedelta(days=day)) for day in days),
        earned.order(customer="late"),
        earned.order(customer="late", occurred_at=NOON + timedelta(days=62)),
        earned.order(),
    ) == [1000, 1000, 1000, 100, 1000, 100, 100]


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("per_order", [1200, 1200, 1000]), ("per_period", [1200, 0, 0]), ("per_influencer", [1200, 0, 0])],
)
async def test_caps_cut_what_is_earned(
    plans: Plans, offer: Offer, earned: Earned, limit: str, expected: list[int]
) -> None:
    await plans.agreed(offer.campaign_id, percent("0.1"), caps=caps(**{limit: "12.00"}))

    assert await earned.by(earned.order(item("200.00")), earned.order(item("120.00")), earned.order()) == expected
    next_month = earned.order(occurred_at=NOON + timedelta(days=31))
    assert await earned.by(next_month) == [0 if limit == "per_influencer" else 1000]


async def test_a_budget_is_for_all_influencers_of_the_campaign(
    plans: Plans, offer: Offer, earned: Earned, program: ProgramRows
) -> None:
    other = await program.code("MILD", await program.influencer(), offer.campaign_id)
    await plans.agreed(
        offer.campaign_id, percent("0.1"), caps=caps(per_campaign="25.00"), bonuses=(bonus("1.00", "3.00"),)
    )

    assert await earned.by(earned.order(), earned.order(codes=(other,)), earned.order()) == [1000, 1000, 0]
    assert await earned.bonuses() == [("bonus", 200), ("bonus", 300)]


async def test_amounts_and_caps_are_in_the_tenants_currency(
    plans: Plans, offer: Offer, earned: Earned, program: ProgramRows
) -> None:
    await program.rate("PLN", "GBP", "0.2", on=NOON)
    await plans.agreed(offer.campaign_id, fixed(RuleKind.PER_ORDER, "5.00"), caps=caps(per_influencer="8.00"))

    assert await earned.by(*(earned.order(currency="PLN") for _ in range(3))) == [2500, 1500, 0]


async def test_without_an_exchange_rate_nothing_is_guessed(
    plans: Plans, offer: Offer, earned: Earned, look: Look
) -> None:
    await plans.agreed(
        offer.campaign_id,
        fixed(RuleKind.PER_ORDER, "5.00", priority=1),
        percent("0.1"),
        bonuses=(bonus("1.00", "3.00"),),
    )

    assert await earned.by(earned.order(currency="HUF")) == [1000]
    assert await earned.bonuses() == []
    (rating,) = await look.rows("commission_ratings")
    assert rating["facts"]["lacksRate"] is True


async def test_the_nearest_plan_holds_from_its_start(
    plans: Plans, offer: Offer, earned: Earned, program: ProgramRows
) -> None:
    enrollment = await program.enrollment(offer.campaign_id, offer.influencer_id)
    everybody = await plans.plan(percent("0.02"))
    here = await plans.plan(percent("0.03"))
    own = await plans.plan(percent("0.04"))
    await plans.assign(everybody)
    await plans.assign(here, campaign_id=offer.campaign_id, since=NOON + timedelta(days=1))
    await plans.assign(own, enrollment_id=enrollment, since=NOON + timedelta(days=2))
    await plans.assign(None, enrollment_id=enrollment, since=NOON + timedelta(days=3))
    await plans.version(here, percent("0.05"), effective_from=NOON + timedelta(days=4))

    assert await earned.by(*(earned.order(occurred_at=NOON + timedelta(days=day)) for day in range(5))) == [
        200,
        300,
        400,
        300,
        500,
    ]


async def test_credits_outside_campaigns_earn_by_the_tenants_plan(
    plans: Plans, offer: Offer, earned: Earned, program: ProgramRows
) -> None:
    bare = await program.code("BARE", offer.influencer_id)
    await plans.assign(await plans.plan(percent("0.02")))

    assert await earned.by(earned.order(codes=(bare,))) == [200]
