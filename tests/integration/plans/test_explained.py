"""One query tells why a commission is what it is: which limit cut it, and what was counted before it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.core.context import Ctx, Role
from app.core.words import PlanMetric, TierMode
from app.runtime import Runtime
from app.usecases.recompute_commissions import Recomputation, recompute_commissions
from app.usecases.record_orders import record_orders
from app.usecases.record_refunds import record_refunds
from tests.client import Client
from tests.factories.orders import NOON, Look, ProgramRows, item, order, refund
from tests.factories.plans import Plans, bonus, caps, percent, tiers

pytestmark = pytest.mark.database

RATING = """rating { sequence cappedBy lacksExchangeRate currency
  counted { rule revenueBefore ordersBefore revenue orders } }"""
WHY = f"{{ orders {{ nodes {{ externalId commissions {{ kind amount {RATING} }} }} }} }}"
PREVIEW = (
    f"query($order: OrderInput!) {{ previewCommission(order: $order) {{ commissions {{ kind amount {RATING} }} }} }}"
)


async def told(client: Client, **more: Any) -> dict[str, list[dict[str, Any]]]:
    """The commissions of each order, those of a kind in the order of their amounts."""
    orders = (await client.data(WHY, **more))["orders"]["nodes"]
    return {
        each["externalId"]: sorted(each["commissions"], key=lambda row: (row["kind"], row["amount"])) for each in orders
    }


def counted(rule: str | None, before: str, orders_before: str, added: str, orders: str = "1") -> dict[str, Any]:
    """What was counted, as it is shown."""
    return {"rule": rule, "revenueBefore": before, "ordersBefore": orders_before, "revenue": added, "orders": orders}


def rating(sequence: int | None, *of: dict[str, Any], cap: str | None = None) -> dict[str, Any]:
    """A rating as it is shown."""
    return {
        "sequence": sequence,
        "cappedBy": cap,
        "lacksExchangeRate": False,
        "currency": "GBP",
        "counted": list(of),
    }


async def test_a_commission_tells_its_place_in_tiers_and_below_limits(
    runtime: Runtime,
    ctx: Ctx,
    program: ProgramRows,
    plans: Plans,
    client: Client,
    make_key: Callable[..., Awaitable[str]],
) -> None:
    offer = await program.offer()
    await plans.agreed(
        offer.campaign_id,
        tiers(("0", "0.1"), ("100.00", "0.2")),
        caps=caps(per_period="25.00"),
        bonuses=(bonus("100.00", "3.00"),),
    )
    await record_orders(runtime, ctx, [order(item("60.00"), external_id="first", codes=(offer.code,))])
    second = {
        "externalId": "second",
        "occurredAt": NOON.isoformat(),
        "currency": "GBP",
        "total": "100.00",
        "lines": [{"kind": "ITEM", "amount": "100.00"}],
        "codes": [offer.code],
    }
    foreseen = (await client.data(PREVIEW, {"order": second}))["previewCommission"]["commissions"]
    await record_orders(runtime, ctx, [order(item("100.00"), external_id="second", codes=(offer.code,))])
    await record_orders(runtime, ctx, [order(item("0.01"), external_id="third", codes=(offer.code,))])

    found = await told(client)

    assert found["first"] == [
        {
            "kind": "ACCRUAL",
            "amount": "6.00",
            "rating": rating(1, counted("tiers", "0.00", "0", "60.00"), counted(None, "0.00", "0", "60.00")),
        }
    ]
    # 40.00 at 10 and 60.00 at 20 %; then the bonus; 19.00 are left below the cap.
    why = rating(2, counted("tiers", "60.00", "1", "100.00"), counted(None, "60.00", "1", "100.00"))
    assert found["second"] == [
        {"kind": "ACCRUAL", "amount": "16.00", "rating": why},
        {"kind": "BONUS", "amount": "3.00", "rating": why},
    ]
    assert foreseen == found["second"]
    assert found["third"][0]["rating"]["cappedBy"] is None
    own = await make_key(Role.INFLUENCER, influencer_id=offer.influencer_id)
    assert await told(client, key=own) == found
    other = await make_key(Role.INFLUENCER, influencer_id=await program.influencer())
    assert await told(client, key=other) == {}


async def test_what_a_cap_cut_and_a_lift_added_is_told(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, plans: Plans, client: Client
) -> None:
    offer = await program.offer()
    await plans.agreed(
        offer.campaign_id,
        tiers(("0", "0.1"), ("2", "0.2"), mode=TierMode.WHOLE_VOLUME, metric=PlanMetric.ORDERS),
        caps=caps(per_order="15.00", per_influencer="40.00"),
    )
    sold = [order(external_id=name, codes=(offer.code,)) for name in ("a", "b", "c")]
    await record_orders(runtime, ctx, sold)
    await record_refunds(runtime, ctx, [refund("a", "50.00")])

    found = await told(client)

    kinds = {name: {row["kind"]: row for row in rows} for name, rows in found.items()}
    first = rating(1, counted("tiers", "0.00", "0", "100.00"))
    lifted = rating(2, counted("tiers", "100.00", "1", "100.00"), cap="ORDER")
    assert kinds["a"]["ACCRUAL"]["rating"] == kinds["a"]["REVERSAL"]["rating"] == first
    assert (kinds["b"]["ACCRUAL"]["amount"], kinds["b"]["BONUS"]["amount"]) == ("15.00", "10.00")
    assert kinds["b"]["ACCRUAL"]["rating"] == kinds["b"]["BONUS"]["rating"] == lifted
    assert (kinds["c"]["ACCRUAL"]["amount"], kinds["c"]["ACCRUAL"]["rating"]["cappedBy"]) == ("5.00", "INFLUENCER")


async def test_what_is_rated_anew_tells_how(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, plans: Plans, client: Client, look: Look
) -> None:
    offer = await program.offer()
    await record_orders(runtime, ctx, [order(external_id="a", codes=(offer.code,))])
    assert await told(client) == {"a": [{"kind": "ACCRUAL", "amount": "10.00", "rating": None}]}
    plan = await plans.agreed(offer.campaign_id, percent("0.2"))
    for version in (None, percent("0.3")):
        if version is not None:
            await plans.version(
                plan, version, caps=caps(per_influencer="1.00"), effective_from=NOON - timedelta(days=1)
            )
        asked = Recomputation(NOON - timedelta(days=1), NOON + timedelta(days=1), "A plan dated back.")
        preview = await recompute_commissions(runtime, ctx, asked)
        await recompute_commissions(runtime, ctx, replace(asked, post=preview.mark))

    rows = (await told(client))["a"]

    assert await look.value("count(*)", "commission_ratings") == 2
    # The row that no plan gave, and two by which the newest rating shows.
    newest = rating(1, cap="INFLUENCER")
    assert sorted((row["kind"], row["amount"], row["rating"] == newest) for row in rows) == [
        ("ACCRUAL", "10.00", False),
        ("EDIT", "-19.00", True),
        ("EDIT", "10.00", True),
    ]
