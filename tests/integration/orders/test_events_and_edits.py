"""Events, cancellations, chargebacks, edits and adjustments."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from app.analytics.rollups.verify import verify
from app.core.context import Ctx
from app.core.outcomes import Outcome
from app.core.words import LineKind, OrderEventKind
from app.orders import known
from app.orders.inputs import CancelInput
from app.runtime import Runtime
from app.usecases.cancel_orders import cancel_orders
from app.usecases.edit_orders import edit_orders
from app.usecases.record_adjustments import record_adjustments
from app.usecases.record_order_events import record_order_events
from app.usecases.record_orders import record_orders
from app.usecases.record_refunds import record_refunds
from tests.client import Client
from tests.factories.orders import NOON, Look, ProgramRows, adjustment, edit, event, item, line, order, refund

pytestmark = pytest.mark.database

DAY = timedelta(days=1)


async def test_paid_and_fulfilled_are_noted_and_change_no_money(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    sent = order()
    await record_orders(runtime, ctx, [sent])

    paid, fulfilled, again, other = await record_order_events(
        runtime,
        ctx,
        [
            event(sent.external_id, OrderEventKind.PAID),
            event(sent.external_id, OrderEventKind.FULFILLED, external_id="f-1"),
            event(sent.external_id, OrderEventKind.FULFILLED, external_id="f-1"),
            event(sent.external_id, OrderEventKind.PAID, external_id="f-1"),
        ],
    )

    assert [paid.outcome, fulfilled.outcome, again.outcome] == [Outcome.RECORDED, Outcome.RECORDED, Outcome.REPLAYED]
    assert again.id == fulfilled.id
    assert other.code == "DUPLICATE_IN_BATCH"
    assert [row["kind"] for row in await look.rows("order_events", order="recorded_at, id")] == [
        "RECORDED",
        "PAID",
        "FULFILLED",
    ]
    assert await look.counts("refunds", "commissions") == {"refunds": 0, "commissions": 0}
    assert await look.value("count(*)", "outbox", "topic = 'order.event'") == 2


@pytest.mark.parametrize("kind", [OrderEventKind.PAID, OrderEventKind.CANCELLED])
async def test_the_reason_of_an_event_is_part_of_it_and_read_back(
    runtime: Runtime, ctx: Ctx, client: Client, kind: OrderEventKind
) -> None:
    sent = order()
    await record_orders(runtime, ctx, [sent])
    told = event(sent.external_id, kind, reason="by bank transfer")
    otherwise = replace(told, reason="in cash")

    first, again, repeated = await record_order_events(runtime, ctx, [told, told, otherwise])
    (replayed,) = await record_order_events(runtime, ctx, [told])
    conflicts = [await record_order_events(runtime, ctx, [replace(told, reason=other)]) for other in ("in cash", None)]

    assert [first.outcome, again.outcome, replayed.outcome] == [Outcome.RECORDED, Outcome.REPLAYED, Outcome.REPLAYED]
    assert repeated.code == "DUPLICATE_IN_BATCH"
    assert [outcome.code for (outcome,) in conflicts] == ["CONFLICTING_DUPLICATE"] * 2
    data = await client.data("{ orders { nodes { events { kind reason } } } }")
    assert data["orders"]["nodes"] == [
        {"events": [{"kind": "RECORDED", "reason": None}, {"kind": kind.value, "reason": "by bank transfer"}]}
    ]


@pytest.mark.parametrize(
    ("kind", "refund_kind"),
    [(OrderEventKind.CANCELLED, "CANCELLATION"), (OrderEventKind.CHARGEBACK, "CHARGEBACK")],
)
async def test_cancellation_and_chargeback_take_back_the_open_rest(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, kind: OrderEventKind, refund_kind: str
) -> None:
    await program.offer(rate="0.0333")
    sent = order(
        item("99.99", 3),
        item("0.00"),
        line(LineKind.DISCOUNT, "-9.99"),
        line(LineKind.SHIPPING, "4.50"),
        codes=("SPICY20",),
    )
    await record_orders(runtime, ctx, [sent])
    await record_refunds(runtime, ctx, [refund(sent.external_id, "31.17")])

    (outcome,) = await record_order_events(runtime, ctx, [event(sent.external_id, kind)])
    (again,) = await record_order_events(runtime, ctx, [event(sent.external_id, kind)])

    assert (outcome.detail["amount"], outcome.detail["currency"]) == ("63.33", "GBP")
    assert again == replace(outcome, outcome=Outcome.REPLAYED)
    rest = (await look.rows("refunds", order="recorded_at"))[-1]
    assert (rest["kind"], rest["state"], rest["occurred_at"]) == (refund_kind, "APPLIED", NOON + 2 * DAY)
    assert await look.value("sum(amount_minor)::bigint", "refund_lines") == 9_450
    assert await look.value("sum(quantity)::bigint", "refund_lines", "kind = 'ITEM'") == 4
    assert await look.value("sum(amount_minor)::bigint", "commissions") == 0
    assert await look.value("sum(amount_minor)::bigint", "ledger_entries", "account = 'ACCRUED'") == 0
    by_line = await look.rows("commission_lines")
    assert sum(row["amount_minor"] for row in by_line if row["position"] == 0) == 0
    (late,) = await record_refunds(runtime, ctx, [refund(sent.external_id, "0.01")])
    assert late.code == "REFUND_EXCEEDS_ORDER"
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_cancel_orders_is_a_cancellation(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    sent = order()
    await record_orders(runtime, ctx, [sent])
    cancellation = CancelInput(sent.external_id, NOON + DAY, reason="changed their mind")

    answers = await asyncio.gather(*(cancel_orders(runtime, ctx, [cancellation]) for _ in range(10)))
    (unknown,) = await cancel_orders(runtime, ctx, [CancelInput("nope", NOON)])

    outcomes = [outcome.outcome for (outcome,) in answers]
    assert (outcomes.count(Outcome.RECORDED), outcomes.count(Outcome.REPLAYED)) == (1, 9)
    assert {outcome.detail["amount"] for (outcome,) in answers} == {"100.00"}
    (back,) = await look.rows("refunds")
    assert (back["kind"], back["reason"]) == ("CANCELLATION", "changed their mind")
    assert (unknown.code, unknown.path) == ("UNKNOWN_ORDER", ("cancellations", "0", "orderExternalId"))
    # A second cancellation finds nothing left, and is news all the same.
    (later,) = await cancel_orders(runtime, ctx, [replace(cancellation, occurred_at=NOON + 2 * DAY)])
    assert (later.outcome, later.detail["amount"]) == (Outcome.RECORDED, "0.00")
    assert await look.value("count(*)", "refunds") == 1


async def test_events_beyond_what_a_call_may_take_back_are_refused(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    narrow = replace(runtime, settings=runtime.settings.model_copy(update={"refund_lines_max": 2}))
    first, second = order(item("10.00"), item("5.00")), order()
    await record_orders(runtime, ctx, [first, second])
    sent = [CancelInput(each.external_id, NOON + DAY) for each in (first, second)]

    taken, refused = await cancel_orders(narrow, ctx, sent)
    paid, charged = await record_order_events(
        narrow,
        ctx,
        [
            event(first.external_id, OrderEventKind.PAID),
            event(second.external_id, OrderEventKind.CHARGEBACK),
        ],
    )

    assert (taken.code, refused.code, refused.path) == (None, "BATCH_TOO_LARGE", ("cancellations", "1"))
    assert (paid.code, charged.code) == (None, None)
    assert await look.value("sum(amount_minor)::bigint", "refund_lines") == 11_500


async def test_orders_of_more_lines_than_a_call_may_read_are_left_for_another(
    runtime: Runtime, ctx: Ctx, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [order(*[item("1.00")] * 3) for _ in range(3)]
    await record_orders(runtime, ctx, orders)
    ids = [each.external_id for each in orders]
    monkeypatch.setattr(known, "LINES_READ_MAX", 7)

    refunded = await record_refunds(runtime, ctx, [refund(each, "1.00") for each in ids])
    edited = await edit_orders(runtime, ctx, [edit(each, item("1.00"), item("1.00"), item("2.00")) for each in ids])
    cancelled = await cancel_orders(runtime, ctx, [CancelInput(each, NOON + DAY) for each in ids])
    (again,) = await cancel_orders(runtime, ctx, [CancelInput(ids[2], NOON + DAY)])

    for outcomes in (refunded, edited, cancelled):
        assert [each.code for each in outcomes] == [None, None, "BATCH_TOO_LARGE"]
        assert outcomes[2].path[1:] == ("2", "orderExternalId")
    assert again.code is None
    assert await look.value("sum(amount_minor)::bigint", "refund_lines") == 400 + 400 + 300


async def test_only_stores_events_are_taken(runtime: Runtime, ctx: Ctx) -> None:
    sent = order()
    await record_orders(runtime, ctx, [sent])

    (outcome,) = await record_order_events(runtime, ctx, [event(sent.external_id, OrderEventKind.REFUNDED)])

    assert (outcome.code, outcome.path) == ("BAD_USER_INPUT", ("events", "0", "kind"))


async def test_an_edit_appends_a_version_with_differences_at_the_orders_time(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    await program.offer(rate="0.1")
    sent = order(item("60.00", 2), item("40.00", sku="salsa"), codes=("SPICY20",))
    (first,) = await record_orders(runtime, ctx, [sent])

    (outcome,) = await edit_orders(
        runtime,
        ctx,
        [edit(sent.external_id, item("60.00", 2), item("25.00", sku="mild"), item("5.00", sku="salsa"), version=1)],
    )

    assert (outcome.outcome, outcome.id) == (Outcome.RECORDED, first.id)
    assert outcome.detail == {"version": 2, "total": "90.00", "currency": "GBP"}
    rows = await look.rows("order_lines", "version = 2", order="position, is_reversal DESC")
    assert [(row["position"], row["amount_minor"], row["quantity"], row["is_reversal"]) for row in rows] == [
        (1, -4_000, -1, True),
        (1, 2_500, 1, False),
        (2, 500, 1, False),
    ]
    assert {row["occurred_at"] for row in rows} == {NOON}
    versions = await look.rows("order_versions", order="version")
    assert [(row["total_minor"], row["gross_minor"]) for row in versions] == [(10_000, 10_000), (9_000, 9_000)]
    assert await look.value("version", "orders") == 2
    (change,) = await look.rows("commissions", "kind = 'EDIT'")
    assert (change["amount_minor"], change["occurred_at"], change["state"]) == (-100, NOON, "PENDING")
    shares = await look.rows("commission_lines", f"commission_id = '{change['id']}'", order="position, amount_minor")
    assert [(row["position"], row["amount_minor"]) for row in shares] == [(1, -400), (1, 250), (2, 50)]
    assert await look.value("count(*)", "credits") == 1
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_an_edit_to_the_present_state_is_a_replay(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    sent = order(item("60.00", external_id="a"), item("40.00", external_id="b"))
    await record_orders(runtime, ctx, [sent])
    change = edit(sent.external_id, item("40.00", external_id="b"), item("61.00", external_id="a"), version=1)

    first, again = await edit_orders(runtime, ctx, [change, change])
    (stale,) = await edit_orders(runtime, ctx, [replace(change, lines=(item("1.00"),), total=Decimal(1))])

    assert (first.outcome, again.outcome) == (Outcome.RECORDED, Outcome.REPLAYED)
    assert (stale.code, stale.path) == ("VERSION_CONFLICT", ("edits", "0", "version"))
    assert await look.value("count(*)", "order_versions") == 2
    assert await look.value("sum(amount_minor)::bigint", "order_lines") == 10_100


@pytest.mark.parametrize("title", ["x\0", "x\ud83d", "x" * 501])
async def test_an_edit_with_a_title_that_cannot_be_kept_refuses_nothing_else(
    runtime: Runtime, ctx: Ctx, title: str
) -> None:
    first, second = order(), order()
    await record_orders(runtime, ctx, [first, second])

    refused, edited = await edit_orders(
        runtime,
        ctx,
        [
            edit(first.external_id, item("1.00", sku="new", title=title)),
            edit(second.external_id, item("1.00", sku="other")),
        ],
    )

    assert (refused.code, refused.path) == ("BAD_USER_INPUT", ("edits", "0", "lines", "0", "title"))
    assert edited.outcome is Outcome.RECORDED


async def test_the_original_order_replays_after_an_edit(runtime: Runtime, ctx: Ctx) -> None:
    sent = order()
    await record_orders(runtime, ctx, [sent])
    await edit_orders(runtime, ctx, [edit(sent.external_id, item("50.00"))])

    (outcome,) = await record_orders(runtime, ctx, [sent])

    assert outcome.outcome is Outcome.REPLAYED


async def test_an_edit_below_what_was_refunded_is_refused(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    sent = order(item("60.00", 2), item("40.00", sku="salsa"))
    await record_orders(runtime, ctx, [sent])
    await record_refunds(runtime, ctx, [refund(sent.external_id, "50.00")])

    refused = await edit_orders(
        runtime,
        ctx,
        [
            edit(sent.external_id, item("29.99", 2), item("40.00", sku="salsa")),
            edit(sent.external_id, item("60.00", 2)),
            edit(sent.external_id, item("60.00", 2), item("40.00")),
            edit("nope", item("1.00")),
            edit(sent.external_id, item("60.00"), total=Decimal("50.00")),
        ],
    )

    assert [(each.code, each.path[2:]) for each in refused] == [
        ("REFUND_EXCEEDS_ORDER", ("lines",)),
        ("REFUND_EXCEEDS_ORDER", ("lines",)),
        ("REFUND_EXCEEDS_ORDER", ("lines",)),
        ("UNKNOWN_ORDER", ("orderExternalId",)),
        ("LINES_DO_NOT_ADD_UP", ("total",)),
    ]
    assert await look.value("count(*)", "order_versions") == 1


async def test_an_edit_down_to_what_was_refunded_leaves_no_commission(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    await program.offer(rate="0.05")
    sent = order(item("1.01"), codes=("SPICY20",))
    await record_orders(runtime, ctx, [sent])
    await record_refunds(runtime, ctx, [refund(sent.external_id, "0.50")])

    await edit_orders(runtime, ctx, [edit(sent.external_id, item("9.99")), edit(sent.external_id, item("0.50"))])

    assert await look.value("sum(amount_minor)::bigint", "commissions") == 0
    assert await look.value("sum(amount_minor)::bigint", "ledger_entries") == 0
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_an_edit_and_a_refund_at_once_stay_within_the_order(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    await program.offer()
    sent = order(item("100.00"), codes=("SPICY20",))
    await record_orders(runtime, ctx, [sent])

    await asyncio.gather(
        *(record_refunds(runtime, ctx, [refund(sent.external_id, "7.00")]) for _ in range(12)),
        *(edit_orders(runtime, ctx, [edit(sent.external_id, item(f"{amount}.00"))]) for amount in range(20, 90, 10)),
    )

    sold = await look.value("sum(amount_minor)::bigint", "order_lines")
    back = await look.value("sum(amount_minor)::bigint", "refund_lines")
    newest = await look.value("total_minor", "order_versions", "true ORDER BY version DESC LIMIT 1")
    assert back <= sold == newest
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_adjustments_count_in_refunds_and_are_credited_to_nobody(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    sent = adjustment("12.34", quantity=2, sku="sauce", title="Hot sauce", customer="c", country="gb", reason="lost")

    first, again, other, wrong = await record_adjustments(
        runtime, ctx, [sent, sent, replace(sent, quantity=3), adjustment("1.001")]
    )
    (later,) = await record_adjustments(runtime, ctx, [replace(sent, country="DE")])

    assert (first.outcome, again.outcome, again.id) == (Outcome.RECORDED, Outcome.REPLAYED, first.id)
    assert (other.code, wrong.code, later.code) == ("DUPLICATE_IN_BATCH", "INVALID_AMOUNT", "CONFLICTING_DUPLICATE")
    (stored,) = await look.rows("adjustments")
    assert (stored["amount_minor"], stored["amount_base_minor"], stored["quantity"]) == (1_234, 1_234, 2)
    assert await look.counts("products", "customers", "credits") == {"products": 1, "customers": 1, "credits": 0}
    assert await look.value("sum(refunds_e9)::bigint", "rollup_delta") == 1_234 * 10**9
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_fifty_identical_adjustments_at_once_are_one(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    sent = [adjustment("1.00", customer="c"), adjustment("2.00", sku="s")]

    answers = await asyncio.gather(
        *(record_adjustments(runtime, ctx, sent if turn % 2 else sent[::-1]) for turn in range(50))
    )

    outcomes = [outcome.outcome for each in answers for outcome in each]
    assert (outcomes.count(Outcome.RECORDED), outcomes.count(Outcome.REPLAYED)) == (2, 98)
    assert await look.value("sum(amount_minor)::bigint", "adjustments") == 300
