"""Commissions are approved when their orders were paid and the hold period has ended, or by hand; and rejected."""

import asyncio
import dataclasses
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app import worker
from app.analytics.rollups.verify import verify
from app.commissions.inputs import (
    AdjustmentDecision,
    CommissionAdjustmentInput,
    CommissionMove,
    MoneyTermsInput,
)
from app.commissions.states import Move, move
from app.core.clock import FixedClock
from app.core.context import Ctx, Role
from app.core.outcomes import ItemOutcome, Outcome
from app.core.words import Approval, CommissionState, EarnedWhen, OrderEventKind
from app.runtime import Runtime
from app.usecases.adjust_commissions import adjust_commissions
from app.usecases.approve_commissions import approve_commissions
from app.usecases.approve_due import approve_due
from app.usecases.decide_commission_adjustments import decide_commission_adjustments
from app.usecases.edit_orders import edit_orders
from app.usecases.hold_commissions import hold_commissions
from app.usecases.record_order_events import record_order_events
from app.usecases.record_orders import record_orders
from app.usecases.record_refunds import record_refunds
from app.usecases.reject_commissions import reject_commissions
from app.usecases.release_commissions import release_commissions
from app.usecases.set_money_terms import set_money_terms
from tests.conftest import make_ctx
from tests.factories.orders import NOON, Look, Offer, ProgramRows, edit, event, item, order, refund
from tests.integration.money.test_states import balances

pytestmark = pytest.mark.database

DAY = timedelta(days=1)


def later(runtime: Runtime, now: datetime) -> Runtime:
    """The runtime at another time."""
    return dataclasses.replace(runtime, clock=FixedClock(now))


async def sold(runtime: Runtime, ctx: Ctx, look: Look, offer: Offer, *names: str) -> dict[str, UUID]:
    """Orders of 100.00 that earned 10.00 each: their commissions by name."""
    outcomes = await record_orders(runtime, ctx, [order(external_id=name, codes=(offer.code,)) for name in names])
    by_order = {row["order_id"]: row["id"] for row in await look.rows("commissions", "kind = 'ACCRUAL'")}
    return {name: by_order[outcome.id] for name, outcome in zip(names, outcomes, strict=True)}


async def states(look: Look) -> dict[str, str]:
    """The state of what each order accrued, by the order's name."""
    names = {row["id"]: row["external_id"] for row in await look.rows("orders")}
    return {names[row["order_id"]]: row["state"] for row in await look.rows("commissions", "kind = 'ACCRUAL'")}


def told(outcomes: tuple[ItemOutcome, ...]) -> list[Any]:
    """The outcome of each item, or why it was refused."""
    return [each.code or each.outcome for each in outcomes]


async def test_the_worker_approves_what_was_paid_long_enough_ago(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    offer = await program.offer()
    await sold(runtime, ctx, look, offer, "paid", "fresh", "unpaid", "cancelled", "refunded", "held")
    paid = [event(name, OrderEventKind.PAID) for name in ("paid", "cancelled", "refunded", "held")]
    fresh = event("fresh", OrderEventKind.PAID, occurred_at=NOON + 3 * DAY)
    await record_order_events(runtime, ctx, [*paid, fresh])
    await record_order_events(runtime, ctx, [event("cancelled", OrderEventKind.CANCELLED)])
    await record_refunds(runtime, ctx, [refund("refunded", "40.00")])
    commissions = {row["order_id"]: row["id"] for row in await look.rows("commissions", "kind = 'ACCRUAL'")}
    held = await look.value("id", "orders", "external_id = 'held'")
    await hold_commissions(runtime, ctx, [CommissionMove(commissions[held], "Looks odd.")])
    due_at = NOON + 2 * DAY + 30 * DAY

    assert await approve_due(later(runtime, due_at - timedelta(microseconds=1)), ctx.tenant) == 0
    await worker.approve_commissions(later(runtime, due_at))

    assert await states(look) == {
        "paid": "APPROVED",
        "refunded": "APPROVED",
        "fresh": "PENDING",
        "unpaid": "PENDING",
        "cancelled": "PENDING",
        "held": "HELD",
    }
    assert await balances(look) == {"EXPENSE": 4600, "ACCRUED": -2000, "HELD": -1000, "PAYABLE": -1600}
    assert await approve_due(later(runtime, due_at), ctx.tenant) == 0
    assert await approve_due(later(runtime, due_at + DAY), ctx.tenant) == 1
    assert (await states(look))["fresh"] == "APPROVED"
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_campaigns_may_have_terms_of_their_own(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    at_once, sent, by_hand, plain = [await program.offer(code) for code in ("ONCE", "SENT", "HAND", "PLAIN")]
    for offer, name in ((at_once, "once"), (sent, "sent"), (by_hand, "hand"), (plain, "plain")):
        await sold(runtime, ctx, look, offer, name)
    outcomes = await set_money_terms(
        runtime,
        ctx,
        [
            MoneyTermsInput(hold_days=5),
            MoneyTermsInput(at_once.campaign_id, earned_when=EarnedWhen.ORDERED, hold_days=0),
            MoneyTermsInput(sent.campaign_id, earned_when=EarnedWhen.FULFILLED),
            MoneyTermsInput(by_hand.campaign_id, approval=Approval.MANUAL),
            MoneyTermsInput(hold_days=5),
            MoneyTermsInput(hold_days=731),
            MoneyTermsInput(ctx.tenant_id, hold_days=1),
        ],
    )
    assert told(outcomes) == [Outcome.RECORDED] * 4 + [Outcome.REPLAYED, "BAD_USER_INPUT", "UNKNOWN_CAMPAIGN"]
    await record_order_events(
        runtime, ctx, [event(name, OrderEventKind.PAID) for name in ("once", "sent", "hand", "plain")]
    )
    await record_order_events(runtime, ctx, [event("sent", OrderEventKind.FULFILLED, occurred_at=NOON + 4 * DAY)])

    assert await approve_due(later(runtime, NOON), ctx.tenant) == 1
    assert (await states(look))["once"] == "APPROVED"
    assert await approve_due(later(runtime, NOON + 7 * DAY), ctx.tenant) == 1
    assert (await states(look))["plain"] == "APPROVED"
    assert await approve_due(later(runtime, NOON + 9 * DAY), ctx.tenant) == 1
    assert await states(look) == {"once": "APPROVED", "plain": "APPROVED", "sent": "APPROVED", "hand": "PENDING"}


async def test_what_an_unpaid_order_earned_is_not_approved_by_hand_either(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    ids = await sold(runtime, ctx, look, await program.offer(), "unpaid", "paid", "cancelled")
    await record_order_events(runtime, ctx, [event(name, OrderEventKind.PAID) for name in ("paid", "cancelled")])
    await record_order_events(runtime, ctx, [event("cancelled", OrderEventKind.CHARGEBACK)])

    asked = [CommissionMove(ids[name]) for name in ("unpaid", "paid", "cancelled", "paid")]
    outcomes = await approve_commissions(runtime, ctx, [*asked, CommissionMove(ctx.tenant_id)])

    assert told(outcomes) == [
        "ORDER_NOT_EARNED",
        Outcome.RECORDED,
        "WRONG_STATE",
        Outcome.REPLAYED,
        "UNKNOWN_COMMISSION",
    ]
    assert outcomes[0].path == ("commissions", "0", "id")
    assert await states(look) == {"unpaid": "PENDING", "paid": "APPROVED", "cancelled": "PENDING"}


async def test_what_is_paid_is_not_approved_by_hand(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    ids = await sold(runtime, ctx, look, await program.offer(), "o")
    async with runtime.db.write(ctx.tenant_id) as session:
        await move(ctx, session, [Move(ids["o"], state) for state in (CommissionState.APPROVED, CommissionState.PAID)])

    (outcome,) = await approve_commissions(runtime, ctx, [CommissionMove(ids["o"])])

    assert (outcome.code, await states(look)) == ("WRONG_STATE", {"o": "PAID"})


async def test_holding_needs_a_reason_and_releasing_gives_back_to_pending(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    ids = await sold(runtime, ctx, look, await program.offer(), "o")
    assert told(await hold_commissions(runtime, ctx, [CommissionMove(ids["o"])])) == ["BAD_USER_INPUT"]
    assert told(await release_commissions(runtime, ctx, [CommissionMove(ids["o"])])) == [Outcome.REPLAYED]

    assert told(await hold_commissions(runtime, ctx, [CommissionMove(ids["o"], "odd")])) == [Outcome.RECORDED]
    assert await states(look) == {"o": "HELD"}
    assert told(await release_commissions(runtime, ctx, [CommissionMove(ids["o"])])) == [Outcome.RECORDED]

    assert await states(look) == {"o": "PENDING"}
    assert await balances(look) == {"EXPENSE": 1000, "ACCRUED": -1000}


async def test_what_is_rejected_earns_nothing_for_good(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    ids = await sold(runtime, ctx, look, await program.offer(), "o", "other")
    await record_refunds(runtime, ctx, [refund("o", "25.00")])

    outcomes = await reject_commissions(
        runtime, ctx, [CommissionMove(ids["o"], "A friend's order."), CommissionMove(ids["o"], "Once more.")]
    )

    assert told(outcomes) == [Outcome.RECORDED, Outcome.REPLAYED]
    assert await balances(look) == {"EXPENSE": 1000, "ACCRUED": -1000}
    [rejection] = await look.rows("commissions", "kind = 'REJECTION'")
    assert (rejection["state"], rejection["amount_minor"], rejection["amount_base_minor"]) == ("REVERSED", -750, -750)
    assert await look.value("sum(amount_minor)", "commission_lines", f"commission_id = '{rejection['id']}'") == -750
    await edit_orders(runtime, ctx, [edit("o", item("500.00"))])
    await record_refunds(runtime, ctx, [refund("o", "100.00")])
    assert await balances(look) == {"EXPENSE": 1000, "ACCRUED": -1000}
    refused = await approve_commissions(runtime, ctx, [CommissionMove(ids["o"])])
    assert told(refused) == ["ORDER_NOT_EARNED"]
    assert told(await hold_commissions(runtime, ctx, [CommissionMove(ids["o"], "odd")])) == ["WRONG_STATE"]
    assert await look.value("count(*)", "outbox", "topic = 'commission.rejected'") == 1
    assert await verify(runtime.db, ctx.tenant_id) == []


def correction(offer: Offer, amount: str, external_id: str, **more: Any) -> CommissionAdjustmentInput:
    """A correction of the influencer's earnings."""
    values: dict[str, Any] = {
        "influencer_id": offer.influencer_id,
        "currency": "GBP",
        "amount": Decimal(amount),
        "reason": "A fee agreed by mail.",
        "occurred_at": NOON,
    }
    return CommissionAdjustmentInput(external_id, **(values | more))


async def test_corrections_above_the_limit_need_another_key(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    offer = await program.offer()
    items = [
        correction(offer, "100.00", "small"),
        correction(offer, "-100.01", "large"),
        correction(offer, "5", "no-rate", currency="KWD"),
        correction(offer, "0", "nothing"),
        correction(offer, "1", "no-reason", reason=" "),
        correction(offer, "1", "nobody", influencer_id=ctx.tenant_id),
        correction(offer, "1", "order", order_id=ctx.tenant_id),
        correction(offer, "100.00", "small"),
        correction(offer, "100.00", "small", reason="Another."),
    ]
    outcomes = await adjust_commissions(runtime, ctx, items)

    assert told(outcomes) == [
        Outcome.RECORDED,
        Outcome.RECORDED,
        Outcome.RECORDED,
        "INVALID_AMOUNT",
        "BAD_USER_INPUT",
        "UNKNOWN_INFLUENCER",
        "UNKNOWN_ORDER",
        Outcome.REPLAYED,
        "DUPLICATE_IN_BATCH",
    ]
    assert [each.detail["state"] for each in outcomes[:3]] == ["POSTED", "PROPOSED", "PROPOSED"]
    assert await balances(look) == {"EXPENSE": 10_000, "PAYABLE": -10_000}
    large, without_rate = outcomes[1].id, outcomes[2].id
    assert large is not None
    assert without_rate is not None

    assert told(await decide_commission_adjustments(runtime, ctx, [AdjustmentDecision(large, True)])) == [
        "SECOND_KEY_NEEDED"
    ]
    second = make_ctx(ctx.tenant, Role.FINANCE)
    decided = await decide_commission_adjustments(
        runtime,
        second,
        [
            AdjustmentDecision(large, True),
            AdjustmentDecision(without_rate, False, "Not agreed."),
            AdjustmentDecision(large, True),
            AdjustmentDecision(large, False, "After all not."),
            AdjustmentDecision(ctx.tenant_id, True),
            AdjustmentDecision(large, False),
        ],
    )

    assert told(decided) == [
        Outcome.RECORDED,
        Outcome.RECORDED,
        Outcome.REPLAYED,
        "WRONG_STATE",
        "UNKNOWN_ADJUSTMENT",
        "BAD_USER_INPUT",
    ]
    assert await balances(look) == {"EXPENSE": -1, "PAYABLE": 1}
    rows = {row["external_id"]: row for row in await look.rows("commission_adjustments")}
    assert {name: row["state"] for name, row in rows.items()} == {
        "small": "POSTED",
        "large": "POSTED",
        "no-rate": "DECLINED",
    }
    assert rows["large"]["decided_by"] == second.principal.key_id
    adjusted = await look.rows("commissions", "kind = 'ADJUSTMENT'", "amount_minor")
    assert [(row["amount_minor"], row["state"], row["occurred_at"]) for row in adjusted] == [
        (-10_001, "APPROVED", NOON),
        (10_000, "APPROVED", NOON),
    ]
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_a_large_correction_in_parts_needs_another_key_too(
    runtime: Runtime, ctx: Ctx, program: ProgramRows
) -> None:
    offer = await program.offer()
    other = await program.influencer()

    async def states(*items: CommissionAdjustmentInput, hours: float = 0) -> list[Any]:
        at = dataclasses.replace(ctx, now=ctx.now + timedelta(hours=hours))
        return [outcome.detail["state"] for outcome in await adjust_commissions(runtime, at, items)]

    assert await states(
        correction(offer, "60", "1"), correction(offer, "40.01", "2"), correction(offer, "60", "3", influencer_id=other)
    ) == ["POSTED", "PROPOSED", "POSTED"]
    assert await states(correction(offer, "-40.01", "4"), correction(offer, "-40", "5")) == ["PROPOSED", "POSTED"]
    assert await states(correction(offer, "100", "6"), hours=23) == ["PROPOSED"]
    assert await states(correction(offer, "100", "7"), hours=25) == ["POSTED"]

    parts = [states(correction(offer, "20", f"at once {number}", influencer_id=other)) for number in range(5)]
    assert sorted(state for [state] in await asyncio.gather(*parts)) == ["POSTED"] * 2 + ["PROPOSED"] * 3


async def test_finance_does_not_set_its_own_limit(runtime: Runtime, ctx: Ctx) -> None:
    finance = make_ctx(ctx.tenant, Role.FINANCE)

    limits = [MoneyTermsInput(adjustment_limit=Decimal(1_000_000)), MoneyTermsInput(hold_days=3)]

    assert told(await set_money_terms(runtime, finance, limits)) == ["FORBIDDEN", Outcome.RECORDED]
