"""What happens to commission of a plan after it was booked: touches that come late, refunds, edits, new versions."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.campaigns.inputs import CampaignChange
from app.core.context import Ctx
from app.core.outcomes import Outcome
from app.core.words import AttributionModel, InstanceKind, LineKind
from app.orders.inputs import RefundLineInput
from app.products.inputs import ProductInput
from app.runtime import Runtime
from app.tracking.inputs import InstanceInput
from app.usecases import recompute_commissions as commissions
from app.usecases.edit_orders import edit_orders
from app.usecases.recompute_attribution import Recomputation, recompute_attribution
from app.usecases.record_instances import record_instances
from app.usecases.record_orders import record_orders
from app.usecases.record_refunds import record_refunds
from app.usecases.update_campaigns import update_campaigns
from app.usecases.upsert_products import upsert_products
from tests.factories.orders import NOON, Look, ProgramRows, edit, item, line, order, refund
from tests.factories.plans import Plans, bonus, percent, tiers
from tests.invariants.books import broken_laws

pytestmark = pytest.mark.database

MUGS = percent("0.2", "mugs", priority=1, products=["mug"])
REST = percent("0.05", "rest")


async def amounts(look: Look) -> list[tuple[str, int]]:
    """Kinds and amounts of all commissions, in the order of their posting."""
    rows = sorted(await look.rows("commissions"), key=lambda row: row["id"])
    return [(row["kind"], row["amount_minor"]) for row in rows]


async def test_a_refunded_line_gives_back_what_it_had_earned(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, plans: Plans
) -> None:
    offer = await program.offer()
    await plans.agreed(offer.campaign_id, MUGS, REST)
    sold = order(item("50.00", 2, sku="mug"), item("100.00"), codes=(offer.code,))
    await record_orders(runtime, ctx, [sold])

    half = refund(sold.external_id, lines=(RefundLineInput(position=0, quantity=1),))
    await record_refunds(runtime, ctx, [half])
    assert await amounts(look) == [("ACCRUAL", 1500), ("REVERSAL", -500)]
    await record_refunds(runtime, ctx, [refund(sold.external_id, "125.00")])

    # Everything came back: nothing is left, on the whole and by line.
    assert sum(amount for _, amount in await amounts(look)) == 0
    lines = await look.rows("commission_lines")
    assert {sum(row["amount_minor"] for row in lines if row["position"] == place) for place in (0, 1)} == {0}
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}


async def test_all_comes_back_when_the_revenue_does_though_a_discount_stays(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, plans: Plans
) -> None:
    offer = await program.offer()
    await plans.agreed(offer.campaign_id, REST)
    sold = order(item("100.00"), line(LineKind.DISCOUNT, "-20.00"), codes=(offer.code,))
    await record_orders(runtime, ctx, [sold])

    back = RefundLineInput(position=0, amount=sold.total)
    await record_refunds(runtime, ctx, [refund(sold.external_id, lines=(back,))])

    assert await amounts(look) == [("ACCRUAL", 400), ("REVERSAL", -400)]


async def test_an_edit_is_rated_by_what_the_order_was_booked_by(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, plans: Plans
) -> None:
    offer = await program.offer()
    await upsert_products(runtime, ctx, [ProductInput("mug", category="Cups"), ProductInput("cup", category="Cups")])
    plan = await plans.agreed(
        offer.campaign_id,
        percent("0.2", "cups", priority=1, categories=["Cups"]),
        tiers(("0", "0.1"), ("100.00", "0.3")),
    )
    first, second = (order(item("60.00"), item("10.00", sku="mug"), codes=(offer.code,)) for _ in range(2))
    await record_orders(runtime, ctx, [first, second])
    # 60.00 at 10 %, then 40.00 at 10 % and 20.00 at 30 %.
    assert await amounts(look) == [("ACCRUAL", 800), ("ACCRUAL", 1200)]

    await upsert_products(runtime, ctx, [ProductInput("mug", category="Plates")])
    await plans.version(plan, percent("0.9"), effective_from=NOON - timedelta(days=1))
    lines = item("50.00"), item("10.00", sku="mug"), item("5.00", sku="cup")
    (edited,) = await edit_orders(runtime, ctx, [edit(second.external_id, *lines)])

    assert edited.outcome is Outcome.RECORDED
    # 40.00 at 10 %, 10.00 at 30 %; the mug was a cup then; a cup is one now.
    assert await amounts(look) == [("ACCRUAL", 800), ("ACCRUAL", 1200), ("EDIT", 1000 - 1200)]
    await edit_orders(runtime, ctx, [edit(second.external_id, item("60.00"), item("10.00", sku="mug"))])
    assert (await amounts(look))[-1] == ("EDIT", 200)
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}


async def test_a_touch_that_comes_late_earns_by_the_plan_and_gives_back_by_line(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, plans: Plans
) -> None:
    offer = await program.offer()
    await plans.agreed(offer.campaign_id, MUGS, REST)
    sold = order(item("50.00", sku="mug"), item("100.00"), visitor_id="v")
    await record_orders(runtime, ctx, [sold])
    await record_refunds(runtime, ctx, [refund(sold.external_id, lines=(RefundLineInput(position=1),))])
    assert await amounts(look) == []

    touch = InstanceInput(
        kind=InstanceKind.CLICK,
        occurred_at=NOON - timedelta(hours=1),
        influencer_id=offer.influencer_id,
        campaign_id=offer.campaign_id,
        visitor_id="v",
    )
    await record_instances(runtime, ctx, [touch])

    assert await amounts(look) == [("ACCRUAL", 1500), ("REVERSAL", -500)]
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}


async def test_an_order_that_is_judged_anew_counts_for_whom_it_is_credited_to_alone(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, plans: Plans
) -> None:
    ina, ben, campaign = await program.influencer(), await program.influencer(), await program.campaign()
    await plans.agreed(campaign, tiers(("0", "0.1"), ("100.00", "0.2")), bonuses=(bonus("150.00", "7.00"),))
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
    await record_orders(runtime, ctx, [order(visitor_id="v"), order(visitor_id="v")])
    assert sorted(await amounts(look)) == [("ACCRUAL", 1000), ("ACCRUAL", 2000), ("BONUS", 700)]

    change = CampaignChange(campaign, attribution_model=AttributionModel.FIRST_TOUCH)
    await update_campaigns(runtime, ctx, [change])
    asked = Recomputation(NOON - timedelta(days=1), NOON + timedelta(days=1), "The first touch counts.")
    preview = await recompute_attribution(runtime, ctx, asked)
    assert preview.mark is not None
    await recompute_attribution(runtime, ctx, replace(asked, post=preview.mark))

    commissions = await look.rows("commissions")
    owed = {who: sum(row["amount_minor"] for row in commissions if row["influencer_id"] == who) for who in (ina, ben)}
    assert owed == {ina: 1000 + 2000 + 700, ben: 0}
    tallies = await look.rows("commission_tallies", "counter = ':earned'")
    counted = {row["holder_id"]: row["earned_minor"] for row in tallies if row["period_start"].year == 1970}
    assert counted == {ina: 3700, ben: 0}
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}


async def test_refunds_count_when_commissions_are_computed_anew_and_not_before(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, plans: Plans
) -> None:
    offer = await program.offer()
    await plans.agreed(offer.campaign_id, tiers(("0", "0.1"), ("100.00", "0.2")), bonuses=(bonus("150.00", "7.00"),))
    first, second = (order(item("80.00"), codes=(offer.code,)) for _ in range(2))
    await record_orders(runtime, ctx, [first, second])
    await record_refunds(runtime, ctx, [refund(first.external_id, "80.00")])
    booked = [("ACCRUAL", 800), ("ACCRUAL", 1400), ("BONUS", 700), ("REVERSAL", -800)]
    assert sorted(await amounts(look)) == booked

    asked = commissions.Recomputation(NOON - timedelta(days=1), NOON + timedelta(days=1), "Much came back.")
    preview = await commissions.recompute_commissions(runtime, ctx, asked)
    await commissions.recompute_commissions(runtime, ctx, replace(asked, post=preview.mark))

    assert sorted(await amounts(look)) == sorted([*booked, ("BONUS", -700), ("EDIT", 800 - 1400)])
    # An edit that changes nothing that earns keeps to how it was rated anew.
    await edit_orders(runtime, ctx, [edit(second.external_id, item("80.00"), line(LineKind.SHIPPING, "5.00"))])
    assert sum(amount for _, amount in await amounts(look)) == 800
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}
