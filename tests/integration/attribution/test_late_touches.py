"""An order that came before its touch is judged once more, exactly once; and no later visit ever changes an order."""

import asyncio
import dataclasses
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.core.clock import FixedClock
from app.core.context import Ctx
from app.runtime import Runtime
from app.usecases import late_touches
from app.usecases.late_touches import forget_awaited, look_for_touches
from app.usecases.rejudging import rejudge
from tests.factories.orders import Look
from tests.integration.attribution.store import DAY, Shop, credits_of, reasons
from tests.invariants.books import broken_laws

pytestmark = pytest.mark.database

LATE = timedelta(hours=3)


async def changes(look: Look) -> list[dict[str, Any]]:
    """The judgements that were replaced."""
    return await look.rows("attribution_changes", order="recorded_at")


async def test_an_order_is_credited_to_the_touch_that_came_late(
    shop: Shop, look: Look, runtime: Runtime, ctx: Ctx
) -> None:
    ina, campaign = await shop.influencer(), await shop.campaign()
    order = await shop.order()
    assert order["attribution"]["winner"] is None

    touch = await shop.touch(ina, campaign, ago=LATE)

    (told,) = touch["orders"]
    assert told == await shop.explained(order["id"])
    assert (told["cause"], told["revision"], told["rule"]) == ("LATE_TOUCH", 2, "LATEST_TOUCH")
    assert told["winner"] == {"id": touch["id"], "kind": "CLICK", "influencer": {"id": ina}}
    assert await shop.owed() == {ina: "10.00"}
    (was,) = await changes(look)
    assert (was["revision"], was["rule"], was["candidates"]) == (1, "NO_TOUCH", [])
    assert await look.counts("awaited_touches") == {"awaited_touches": 0}
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}


async def test_it_is_judged_once_more_and_never_again(shop: Shop, look: Look) -> None:
    ina, ben, campaign = await shop.influencer(), await shop.influencer(), await shop.campaign()
    order = await shop.order()
    await shop.touch(ina, campaign, ago=LATE)

    later = await shop.touch(ben, campaign, ago=LATE / 2)

    assert later["orders"] == []
    assert credits_of(await shop.explained(order["id"])) == {ina: "1"}
    assert await shop.owed() == {ina: "10.00"}
    assert len(await changes(look)) == 1


async def test_a_visit_after_the_order_changes_nothing(shop: Shop, look: Look) -> None:
    campaign, order = await shop.campaign(), await shop.order()

    visit = await shop.touch(await shop.influencer(), campaign, ago=-timedelta(seconds=1))

    assert visit["orders"] == []
    assert (await shop.explained(order["id"])) == order["attribution"]
    assert await changes(look) == []


async def test_an_order_that_is_credited_never_waits(shop: Shop, look: Look) -> None:
    ina, ben, campaign = await shop.influencer(), await shop.influencer(), await shop.campaign()
    await shop.touch(ina, campaign)
    order = await shop.order()

    nearer = await shop.touch(ben, campaign, ago=LATE)

    assert nearer["orders"] == []
    assert credits_of(await shop.explained(order["id"])) == {ina: "1"}


async def test_a_touch_that_counts_for_nothing_does_not_end_the_waiting(shop: Shop, look: Look) -> None:
    ina, campaign = await shop.influencer(), await shop.campaign()
    order = await shop.order()

    refused = await shop.touch(ina, campaign, ago=40 * DAY)
    counted = await shop.touch(ina, campaign, ago=LATE)

    assert refused["orders"] == []
    (told,) = counted["orders"]
    assert reasons(told) == [None, "OUTSIDE_WINDOW"]
    assert told == await shop.explained(order["id"])
    assert len(await changes(look)) == 1


@pytest.mark.parametrize("kind", ["SIGNUP", "PURCHASE"])
async def test_late_touches_are_found_by_click_customer_and_other_devices(shop: Shop, kind: str) -> None:
    ina, campaign = await shop.influencer(), await shop.campaign()
    await shop.customer("ann")
    by_click = await shop.order(visitorId=None, clickId="k")
    by_customer = await shop.order(visitorId=None, customer="ann")
    await shop.touch(None, ago=3 * DAY, kind=kind, visitorId="phone", customer="ann")

    clicked = await shop.touch(ina, campaign, visitorId="elsewhere", clickId="k")
    on_the_phone = await shop.touch(ina, campaign, visitorId="phone")

    assert [each["orderId"] for each in clicked["orders"]] == [by_click["id"]]
    assert [each["orderId"] for each in on_the_phone["orders"]] == [by_customer["id"]]


@pytest.mark.parametrize("kind", ["SIGNUP", "PURCHASE"])
async def test_what_tells_late_whose_a_visitor_was_joins_its_touches(shop: Shop, kind: str) -> None:
    ina, campaign = await shop.influencer(), await shop.campaign()
    await shop.customer("ann")
    await shop.touch(ina, campaign, visitorId="phone")
    order = await shop.order(visitorId="desk", customer="ann")
    assert order["attribution"]["winner"] is None

    told = await shop.touch(None, ago=2 * DAY, kind=kind, visitorId="phone", customer="ann")

    assert [each["orderId"] for each in told["orders"]] == [order["id"]]


async def test_what_was_refunded_before_is_taken_back_of_what_is_earned_late(
    shop: Shop, look: Look, runtime: Runtime, ctx: Ctx
) -> None:
    ina, campaign, order = await shop.influencer(), await shop.campaign(), await shop.order()
    for number, amount in enumerate(("25.00", "10.00")):
        sent = {"externalId": f"r{number}", "orderExternalId": order["externalId"], "amount": amount}
        at = f"2026-03-1{2 + number}T12:00:00Z"
        await shop.write("recordRefunds", {"refunds": [sent | {"occurredAt": at}]})

    await shop.touch(ina, campaign, ago=LATE)

    assert await shop.owed() == {ina: "6.50"}
    rows = await look.rows("commissions", order="occurred_at")
    assert [(row["kind"], row["amount_minor"], row["occurred_at"].day) for row in rows] == [
        ("ACCRUAL", 1000, 10),
        ("REVERSAL", -250, 12),
        ("REVERSAL", -100, 13),
    ]
    assert {row["refund_id"] for row in rows[1:]} == {row["id"] for row in await look.rows("refunds")}
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}


async def test_of_touches_that_come_at_once_one_call_judges_the_order(
    shop: Shop, look: Look, runtime: Runtime, ctx: Ctx
) -> None:
    campaign = await shop.campaign()
    influencers = [await shop.influencer() for _ in range(8)]
    orders = [await shop.order(visitorId=f"v{number}") for number in range(5)]

    def sent(influencer: str, ago: timedelta) -> Any:
        clicks = [
            {
                "kind": "CLICK",
                "occurredAt": (shop.noon - ago).isoformat(),
                "influencerId": influencer,
                "campaignId": campaign,
                "visitorId": f"v{number}",
            }
            for number in range(5)
        ]
        return shop.write("recordInstances", {"instances": clicks}, "id orders { orderId }")

    answers = await asyncio.gather(
        *(sent(influencer, LATE + timedelta(minutes=number)) for number, influencer in enumerate(influencers))
    )

    judged = [each["orderId"] for answer in answers for result in answer for each in result["orders"]]
    assert sorted(judged) == sorted(order["id"] for order in orders)
    assert [row["cause"] for row in await changes(look)] == ["LATE_TOUCH"] * 5
    rows = await look.rows("commissions")
    assert [(row["kind"], row["amount_minor"]) for row in rows] == [("ACCRUAL", 1000)] * 5
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}


async def test_orders_and_touches_that_come_at_once_never_miss_each_other(
    shop: Shop, look: Look, runtime: Runtime, ctx: Ctx
) -> None:
    ina, campaign = await shop.influencer(), await shop.campaign()

    await asyncio.gather(
        *(shop.order(visitorId=f"v{number}") for number in range(20)),
        *(shop.touch(ina, campaign, visitorId=f"v{number}") for number in range(20)),
    )
    later = FixedClock(runtime.clock.now() + timedelta(minutes=10))
    worker = _at(runtime, later)
    # Two workers at once, for each task may run twice.
    await asyncio.gather(look_for_touches(worker, ctx.tenant), look_for_touches(worker, ctx.tenant))

    assert await look.counts("awaited_touches") == {"awaited_touches": 0}
    rows = await look.rows("commissions")
    assert [(row["kind"], row["amount_minor"]) for row in rows] == [("ACCRUAL", 1000)] * 20
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}


async def test_the_worker_finds_a_touch_that_its_order_did_not_see(
    shop: Shop, look: Look, runtime: Runtime, ctx: Ctx, program: Any
) -> None:
    # As if both had been recorded at the same time: the touch lies there, and nobody looked for orders.
    ina, campaign, order = await shop.influencer(), await shop.campaign(), await shop.order()
    await program.click(ina, campaign, kind="CLICK")
    soon = FixedClock(runtime.clock.now() + timedelta(seconds=1))
    later = FixedClock(runtime.clock.now() + timedelta(minutes=10))

    assert await look_for_touches(_at(runtime, soon), ctx.tenant) == 0
    assert await look_for_touches(_at(runtime, later), ctx.tenant) == 1
    assert await look_for_touches(_at(runtime, later), ctx.tenant) == 0

    assert credits_of(await shop.explained(order["id"])) == {ina: "1"}


async def test_however_many_orders_wait_for_a_touch_all_are_judged(
    shop: Shop, look: Look, runtime: Runtime, ctx: Ctx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late_touches, "ORDERS_MAX", 2)
    ina, campaign = await shop.influencer(), await shop.campaign()
    await asyncio.gather(*(shop.order() for _ in range(30)))
    # None is due by itself any more.
    worker = _at(runtime, FixedClock(runtime.clock.now() + timedelta(minutes=10)))
    assert await look_for_touches(worker, ctx.tenant) == 0

    touch = await shop.touch(ina, campaign, ago=LATE)

    assert len(touch["orders"]) == 2
    assert await look_for_touches(worker, ctx.tenant) == 28
    assert await look.counts("awaited_touches") == {"awaited_touches": 0}
    assert await shop.owed() == {ina: "300.00"}


async def test_a_touch_recorded_while_the_worker_looks_is_looked_for_again(
    shop: Shop, look: Look, runtime: Runtime, ctx: Ctx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late_touches, "ORDERS_MAX", 1)
    ina, campaign = await shop.influencer(), await shop.campaign()
    first, second = await shop.order(), await shop.order()
    worker = _at(runtime, FixedClock(runtime.clock.now() + timedelta(minutes=10)))
    async with runtime.db.write(ctx.tenant_id) as session:
        await session.execute(
            "/* test.looked */ UPDATE awaited_touches SET look_at = NULL WHERE tenant_id = $1 AND order_id = $2",
            ctx.tenant_id,
            UUID(first["id"]),
        )
    recording: list[asyncio.Task[Any]] = []

    async def slow(*args: Any, **more: Any) -> Any:
        judged = await rejudge(*args, **more)
        if not recording:
            # The touch judges the first order itself, and marks the second, which the worker has just looked at.
            recording.append(asyncio.create_task(shop.touch(ina, campaign, ago=LATE)))
            await asyncio.wait(recording, timeout=1)
        return judged

    monkeypatch.setattr(late_touches, "rejudge", slow)

    judged = await look_for_touches(worker, ctx.tenant)
    touch = await recording[0]
    assert [each["orderId"] for each in touch["orders"]] == [first["id"]]
    # The worker looks as long as it finds something: perhaps it met the mark at once.
    assert judged + await look_for_touches(worker, ctx.tenant) == 1

    assert credits_of(await shop.explained(second["id"])) == {ina: "1"}


async def test_waiting_ends_after_some_days(shop: Shop, look: Look, runtime: Runtime, ctx: Ctx) -> None:
    ina, campaign, order = await shop.influencer(), await shop.campaign(), await shop.order()
    days = runtime.settings.late_touch_days

    await forget_awaited(_at(runtime, FixedClock(runtime.clock.now() + timedelta(days=days - 1))), ctx.tenant)
    assert await look.counts("awaited_touches") == {"awaited_touches": 1}
    await forget_awaited(_at(runtime, FixedClock(runtime.clock.now() + timedelta(days=days + 1))), ctx.tenant)

    assert await look.counts("awaited_touches") == {"awaited_touches": 0}
    assert (await shop.touch(ina, campaign, ago=LATE))["orders"] == []
    assert await shop.explained(order["id"]) == order["attribution"]


async def test_whoever_is_suspended_by_now_gets_nothing_late(shop: Shop) -> None:
    ina, campaign, order = await shop.influencer(), await shop.campaign(), await shop.order()
    await shop.write("updateInfluencers", {"influencers": [{"id": ina, "status": "SUSPENDED"}]})

    assert (await shop.touch(ina, campaign, ago=LATE))["orders"] == []
    assert (await shop.explained(order["id"]))["winner"] is None


async def test_a_repeated_call_tells_what_the_first_told(shop: Shop) -> None:
    ina, campaign = await shop.influencer(), await shop.campaign()
    await shop.order()
    click = {
        "kind": "CLICK",
        "occurredAt": (shop.noon - LATE).isoformat(),
        "influencerId": ina,
        "campaignId": campaign,
        "visitorId": "v",
    }
    call = {"instances": [click], "idempotencyKey": "once"}

    first, second = [await shop.write("recordInstances", call, "orders { orderId cause revision }") for _ in range(2)]

    assert first == second
    assert len(first[0]["orders"]) == 1


def _at(runtime: Runtime, clock: FixedClock) -> Runtime:
    return dataclasses.replace(runtime, clock=clock)
