"""What a plan could not give for want of an exchange rate is given once there is one, as the order was booked."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.analytics.rollups.verify import verify
from app.commissions.inputs import CommissionMove
from app.core.context import Ctx
from app.core.outcomes import Outcome
from app.core.words import CustomerKind, InstanceKind, RuleKind
from app.orders.rate_inputs import RateInput
from app.products.inputs import ProductInput
from app.runtime import Runtime
from app.tracking.inputs import InstanceInput
from app.usecases.convert_late import convert_late
from app.usecases.edit_orders import edit_orders
from app.usecases.recompute_commissions import Recomputation, recompute_commissions
from app.usecases.record_exchange_rates import record_exchange_rates
from app.usecases.record_instances import record_instances
from app.usecases.record_orders import record_orders
from app.usecases.record_refunds import record_refunds
from app.usecases.reject_commissions import reject_commissions
from app.usecases.rerating import LATE_REASON
from app.usecases.upsert_products import upsert_products
from tests.client import Client
from tests.factories.orders import NOON, Look, ProgramRows, edit, item, order, refund
from tests.factories.plans import Plans, bonus, caps, fixed, percent, tiers
from tests.integration.plans.test_later import amounts
from tests.invariants.books import broken_laws

pytestmark = pytest.mark.database

TOLD = """query { commissions {
    nodes { kind amount lacksExchangeRate events { reason } } }
  analytics(range: {between: {from: "2026-03-01T00:00:00Z", until: "2026-04-01T00:00:00Z"}}) {
    totals { commission } meta { warnings { code count } } } }"""

ORDER = """mutation($input: RecordOrdersInput!) { recordOrders(input: $input) {
  results { outcome commissions { amount lacksExchangeRate } } } }"""


async def rate_comes(runtime: Runtime, ctx: Ctx, value: str = "2.5") -> None:
    """A rate of Kuwait's dinar on the day of NOON; what waited is converted."""
    (outcome,) = await record_exchange_rates(runtime, ctx, [RateInput("KWD", "GBP", NOON.date(), Decimal(value))])
    assert outcome.outcome is Outcome.RECORDED


async def whole(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    """Nothing is left to convert or to rate, and everything says the same."""
    assert await convert_late(runtime, ctx) == 0
    assert await look.value("count(*)", "commissions", "amount_base_minor IS NULL") == 0
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_what_lacks_a_rate_says_so_until_it_comes(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, plans: Plans, client: Client
) -> None:
    offer = await program.offer()
    await plans.agreed(offer.campaign_id, percent("0.1"), caps=caps(per_period="1000.00"))
    sold = {
        "externalId": "a",
        "occurredAt": NOON.isoformat(),
        "currency": "KWD",
        "total": "100.000",
        "lines": [{"kind": "ITEM", "amount": "100.000"}],
        "codes": [offer.code],
    }
    for outcome in ("RECORDED", "REPLAYED"):
        (result,) = (await client.data(ORDER, {"input": {"orders": [sold]}}))["recordOrders"]["results"]
        assert result == {"outcome": outcome, "commissions": [{"amount": "0.000", "lacksExchangeRate": True}]}
    told = await client.data(TOLD)
    (row,) = told["commissions"]["nodes"]
    assert (row["amount"], row["lacksExchangeRate"]) == ("0.000", True)
    # The order's line, and its commission.
    assert told["analytics"]["meta"]["warnings"] == [{"code": "MISSING_EXCHANGE_RATE", "count": 2}]

    await rate_comes(runtime, ctx)

    told = await client.data(TOLD)
    rows = {row.pop("kind"): row for row in told["commissions"]["nodes"]}
    assert rows == {
        "ACCRUAL": {"amount": "0.000", "lacksExchangeRate": False, "events": [{"reason": None}]},
        "EDIT": {"amount": "10.000", "lacksExchangeRate": False, "events": [{"reason": LATE_REASON}]},
    }
    assert told["analytics"] == {"totals": {"commission": "25.00"}, "meta": {"warnings": []}}
    (result,) = (await client.data(ORDER, {"input": {"orders": [sold]}}))["recordOrders"]["results"]
    assert result["commissions"] == [{"amount": "0.000", "lacksExchangeRate": False}]
    await whole(runtime, ctx, look)


async def test_it_is_rated_by_what_it_was_booked_by_and_counts_now(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, plans: Plans
) -> None:
    offer = await program.offer()
    await upsert_products(runtime, ctx, [ProductInput("mug", category="Cups")])
    plan = await plans.agreed(
        offer.campaign_id,
        fixed(RuleKind.PER_ITEM, "5.00", "cups", priority=2, categories=["Cups"], customer_kind=CustomerKind.NEW),
        tiers(("0", "0.1"), ("100.00", "0.2")),
        bonuses=(bonus("200.00", "7.00"),),
    )
    late = order(item("20.000", 2, sku="mug"), item("40.000"), codes=(offer.code,), currency="KWD", customer="c")
    await record_orders(runtime, ctx, [late])
    assert await amounts(look) == [("ACCRUAL", 0)]

    # All that an order sees is otherwise by now; and another was counted before.
    await upsert_products(runtime, ctx, [ProductInput("mug", category="Plates")])
    await plans.version(plan, percent("0.9"), effective_from=NOON - timedelta(days=1))
    earlier = order(item("90.00"), codes=(offer.code,), customer="c", occurred_at=NOON - timedelta(days=2))
    await record_orders(runtime, ctx, [earlier])
    await rate_comes(runtime, ctx)

    # 2 × 5.00 are 4.000; of 100.00 after 90.00 are 10.00 at 10 %, 90.00 at 20 %: 19.00 of 100.00, so of 40.000 7.600.
    assert sorted(await amounts(look)) == [("ACCRUAL", 0), ("ACCRUAL", 900), ("BONUS", 700), ("EDIT", 11_600)]
    assert await look.value("sum(amount_base_minor)", "commissions", "kind = 'EDIT'") == 2900
    ratings = await look.rows("commission_ratings", order="id")
    assert [(row["sequence"], row["facts"]["lacksRate"]) for row in ratings] == [(1, True), (2, False), (3, False)]
    assert ratings[0]["version_id"] == ratings[2]["version_id"]
    assert {name: ratings[2]["facts"][name] for name in ("customerKind", "volumes", "factor")} == {
        "customerKind": "NEW",
        "volumes": {"tiers": [9000, 10**9], ":revenue": [9000, 10**9]},
        "factor": "1/4",
    }
    await whole(runtime, ctx, look)


async def test_what_came_back_or_was_rejected_stays_so(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, plans: Plans
) -> None:
    offer = await program.offer()
    await plans.agreed(offer.campaign_id, percent("0.1"), caps=caps(per_influencer="30.00"))
    names = ("kept", "half", "gone", "rejected")
    sold = [order(item("80.000"), external_id=name, codes=(offer.code,), currency="KWD") for name in names]
    await record_orders(runtime, ctx, sold)
    await record_refunds(runtime, ctx, [refund("half", "40.000"), refund("gone", "80.000")])
    ids = {row["external_id"]: row["id"] for row in await look.rows("orders")}
    accruals = {row["order_id"]: row["id"] for row in await look.rows("commissions", "kind = 'ACCRUAL'")}
    (rejected,) = await reject_commissions(runtime, ctx, [CommissionMove(accruals[ids["rejected"]], "A mistake.")])
    assert rejected.outcome is Outcome.RECORDED

    await rate_comes(runtime, ctx)

    left = {name: await look.value("sum(amount_minor)", "commissions", f"order_id = '{ids[name]}'") for name in names}
    # 30.00 are 12.000: 8.000 of the first, and half of what is left then, 2.000 of 40.000, is not taken back.
    assert left["rejected"] == left["gone"] == 0
    assert left["kept"] == 8000
    assert left["half"] == 2000
    await whole(runtime, ctx, look)


async def test_only_what_lacked_a_rate_is_rated(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, plans: Plans
) -> None:
    offer = await program.offer()
    plan = await plans.agreed(offer.campaign_id, percent("0.1"))
    await record_orders(runtime, ctx, [order(item("33.333"), codes=(offer.code,), currency="KWD")])
    await plans.version(plan, percent("0.9"), effective_from=NOON - timedelta(days=1))

    await rate_comes(runtime, ctx, "2.4137")

    assert await amounts(look) == [("ACCRUAL", 3333)]
    assert await look.value("count(*)", "commission_ratings") == 1
    await whole(runtime, ctx, look)


async def test_of_an_orders_credits_those_that_lacked_a_rate_are_rated(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, plans: Plans
) -> None:
    campaign = await program.campaign(model="LINEAR")
    ina, ben = await program.influencer(), await program.influencer()
    plan = await plans.plan(tiers(("0", "0.2")), caps=caps(per_order="20.00"))
    await plans.assign(plan, enrollment_id=await program.enrollment(campaign, ben))
    clicks = [
        InstanceInput(
            InstanceKind.CLICK,
            NOON - timedelta(hours=hours),
            influencer_id=who,
            campaign_id=campaign,
            visitor_id="v",
        )
        for who, hours in ((ina, 2), (ben, 1))
    ]
    await record_instances(runtime, ctx, clicks)
    await record_orders(runtime, ctx, [order(item("100.000"), visitor_id="v", currency="KWD")])
    assert sorted(await amounts(look)) == [("ACCRUAL", 0), ("ACCRUAL", 5000)]

    await rate_comes(runtime, ctx)

    # Half of 250.00 at 20 % are 25.00; 20.00 of them are 8.000.
    assert sorted(await amounts(look)) == [("ACCRUAL", 0), ("ACCRUAL", 5000), ("EDIT", 8000)]
    (rating,) = await look.rows("commission_ratings", "NOT (facts -> 'lacksRate')::boolean")
    assert (rating["influencer_id"], rating["facts"]["cap"]) == (ben, "ORDER")
    await whole(runtime, ctx, look)


async def test_it_is_rated_once_beside_whatever_else_is_written(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, plans: Plans
) -> None:
    offer = await program.offer()
    await plans.agreed(offer.campaign_id, tiers(("0", "0.1"), ("300.00", "0.2")), caps=caps(per_influencer="150.00"))
    names = [f"k-{number}" for number in range(12)]
    sold = [order(item("40.000"), external_id=name, codes=(offer.code,), currency="KWD") for name in names]
    await record_orders(runtime, ctx, sold[:8])
    async with runtime.db.write(ctx.tenant_id) as session:
        # Without conversion: all who convert below meet the same orders.
        await session.execute(
            "/* test */ INSERT INTO own_rates (tenant_id, id, base, quote, day, rate, source, recorded_at) "
            "VALUES ($1, gen_random_uuid(), 'KWD', 'GBP', $2, 2.5, 'test', $3)",
            ctx.tenant_id,
            NOON.date(),
            NOON,
        )

    async def back(name: str) -> Any:
        return await record_refunds(runtime, ctx, [refund(name, "10.000")])

    asked = Recomputation(NOON - timedelta(days=1), NOON + timedelta(days=1), "Look again.")
    await asyncio.gather(
        *(convert_late(runtime, ctx) for _ in range(3)),
        *(record_orders(runtime, ctx, [each]) for each in sold[8:]),
        *(back(name) for name in names[:4]),
        edit_orders(runtime, ctx, [edit("k-5", item("44.000"))]),
        recompute_commissions(runtime, ctx, asked),
        convert_late(runtime, ctx),
    )
    await convert_late(runtime, ctx)

    newest: dict[Any, Any] = {}
    for row in await look.rows("commission_ratings", order="id"):
        newest[row["credit_id"]] = row
    assert len(newest) == 12
    assert not any(row["facts"]["lacksRate"] for row in newest.values())
    # All twelve at 10 and 20 % come to more than the cap: it is used up, and no further.
    (tally,) = [
        row for row in await look.rows("commission_tallies", "counter = ':earned'") if row["period_start"].year == 1970
    ]
    assert tally["earned_minor"] == sum(row["facts"]["earned"] for row in newest.values()) == 15_000
    told = {row["commission_id"] for row in await look.rows("commission_events") if row["reason"] == LATE_REASON}
    edited = [row["credit_id"] for row in await look.rows("commissions", "kind = 'EDIT'") if row["id"] in told]
    assert 0 < len(edited) == len(set(edited)) <= 8
    assert await look.value("count(*)", "commission_ratings", "(facts -> 'lacksRate')::boolean") == 8
    assert await look.value("count(*)", "commission_ratings") == 12 + 8
    await whole(runtime, ctx, look)
