"""Refunds by line and by amount, before and after their order, never beyond it; what they take back of commissions."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.analytics.rollups.verify import verify
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome, Outcome
from app.core.words import LineKind
from app.orders.inputs import RefundLineInput
from app.runtime import Runtime
from app.usecases.record_orders import record_orders
from app.usecases.record_refunds import record_refunds
from tests.factories.orders import NOON, Look, ProgramRows, item, line, order, refund

pytestmark = pytest.mark.database

DAY = timedelta(days=1)


async def record(runtime: Runtime, ctx: Ctx, *orders: Any) -> None:
    """Record orders, all of which must be right."""
    for outcome in await record_orders(runtime, ctx, orders):
        assert outcome.outcome is Outcome.RECORDED, outcome


async def take(runtime: Runtime, ctx: Ctx, *refunds: Any) -> list[tuple[Outcome, str | None, str | None]]:
    """Outcome, code and amount of each refund."""
    return [
        (each.outcome, each.code, each.detail.get("amount")) for each in await record_refunds(runtime, ctx, refunds)
    ]


@dataclass(slots=True)
class Probe:
    """Seconds that this thread worked: in all, and at most between two turns of another task; short turns left out."""

    total_s: float = 0.0
    longest_s: float = 0.0


@asynccontextmanager
async def probing() -> AsyncIterator[Probe]:
    """Measures by the thread's own time, so that a busy machine makes no difference."""
    probe = Probe()

    async def tick() -> None:
        last_s = time.thread_time()
        while True:
            await asyncio.sleep(0.001)
            now_s = time.thread_time()
            if (worked_s := now_s - last_s) > 0.005:
                probe.total_s += worked_s
                probe.longest_s = max(probe.longest_s, worked_s)
            last_s = now_s

    ticking = asyncio.create_task(tick())
    yield probe
    ticking.cancel()


async def net(look: Look) -> int:
    """What the tenant owes in commissions."""
    return int(await look.value("coalesce(sum(amount_minor), 0)::bigint", "commissions"))


async def test_a_refund_by_amount_takes_back_of_every_line_and_of_the_commission(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    await program.offer(rate="0.1")
    sent = order(
        item("80.00", 2),
        item("40.00"),
        line(LineKind.DISCOUNT, "-20.00"),
        line(LineKind.TAX, "20.00"),
        codes=("SPICY20",),
    )
    await record(runtime, ctx, sent)

    (outcome,) = await record_refunds(runtime, ctx, [refund(sent.external_id, "60.00", reason="broken")])

    assert outcome.outcome is Outcome.RECORDED
    assert (outcome.detail["state"], outcome.detail["amount"], outcome.detail["currency"]) == (
        "APPLIED",
        "60.00",
        "GBP",
    )
    taken = await look.rows("refund_lines", order="position")
    assert [(row["kind"], row["amount_minor"], row["quantity"]) for row in taken] == [
        ("ITEM", 4_000, 0),
        ("ITEM", 2_000, 0),
        ("DISCOUNT", -1_000, 0),
        ("TAX", 1_000, 0),
    ]
    (back,) = await look.rows("commissions", "kind = 'REVERSAL'")
    assert (back["amount_minor"], back["state"], back["refund_id"]) == (-500, "REVERSED", outcome.id)
    assert back["occurred_at"] == NOON + DAY
    assert await net(look) == 500
    events = await look.rows("order_events", order="occurred_at")
    assert [row["kind"] for row in events] == ["RECORDED", "REFUNDED"]
    assert await look.value("count(*)", "outbox", "topic = 'refund.applied'") == 1
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_a_refund_by_line_takes_units_and_amounts(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    await program.offer(rate="0.1")
    sent = order(item("30.00", 3, external_id="a"), item("50.00", sku="salsa"), codes=("SPICY20",))
    await record(runtime, ctx, sent)

    answers = await take(
        runtime,
        ctx,
        refund(sent.external_id, lines=(RefundLineInput(external_id="a", quantity=1),)),
        refund(sent.external_id, lines=(RefundLineInput(position=1, amount=Decimal("20.00")),)),
        refund(sent.external_id, lines=(RefundLineInput(position=0, quantity=1, amount=Decimal("5.00")),)),
    )

    assert answers == [(Outcome.RECORDED, None, amount) for amount in ("10.00", "20.00", "5.00")]
    taken = await look.rows("refund_lines", order="recorded_at, id")
    assert [(row["position"], row["quantity"], row["amount_minor"]) for row in taken] == [
        (0, 1, 1_000),
        (1, 0, 2_000),
        (0, 1, 500),
    ]
    by_product = await look.rows("commission_lines", order="position, id")
    assert [(row["position"], row["amount_minor"]) for row in by_product] == [
        (0, 300),
        (0, -100),
        (0, -50),
        (1, 500),
        (1, -200),
    ]
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_refunds_never_exceed_the_order(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    sent = order(item("30.00", 3))
    await record(runtime, ctx, sent)

    answers = await record_refunds(
        runtime,
        ctx,
        [
            refund(sent.external_id, "20.00"),
            refund(sent.external_id, "10.01"),
            refund(sent.external_id, lines=(RefundLineInput(position=0, quantity=4),)),
            refund(sent.external_id, "10.00"),
            refund(sent.external_id, "0.01"),
        ],
    )

    assert [(each.code, each.path) for each in answers] == [
        (None, ()),
        ("REFUND_EXCEEDS_ORDER", ("refunds", "1", "amount")),
        ("REFUND_EXCEEDS_ORDER", ("refunds", "2", "lines", "0", "quantity")),
        (None, ()),
        ("REFUND_EXCEEDS_ORDER", ("refunds", "4", "amount")),
    ]
    assert "10.00 GBP" in (answers[1].message or "")
    assert await look.value("sum(amount_minor)::bigint", "refund_lines") == 3_000
    assert await look.value("count(*)", "refunds") == 2


async def test_refunds_beyond_what_a_call_may_write_are_refused(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    await program.offer()
    narrow = replace(runtime, settings=runtime.settings.model_copy(update={"refund_lines_max": 10}))
    orders = [order(*[item("10.00")] * 3, codes=("SPICY20",)) for _ in range(4)]
    await record(runtime, ctx, *orders)
    refunds = [refund(sent.external_id, "30.00") for sent in orders]
    unknown = refund("comes later", "1.00")

    first = await record_refunds(narrow, ctx, [*refunds, unknown])
    second = await record_refunds(narrow, ctx, refunds)

    # Three lines of a refund and as many of the commission: the second reaches ten.
    assert [(each.outcome, each.code, each.path) for each in first] == [
        (Outcome.RECORDED, None, ()),
        (Outcome.RECORDED, None, ()),
        (Outcome.REJECTED, "BATCH_TOO_LARGE", ("refunds", "2")),
        (Outcome.REJECTED, "BATCH_TOO_LARGE", ("refunds", "3")),
        (Outcome.RECORDED, None, ()),
    ]
    assert "further call" in (first[2].message or "")
    assert [each.outcome for each in second] == [Outcome.REPLAYED] * 2 + [Outcome.RECORDED] * 2
    assert await look.value("sum(amount_minor)::bigint", "refund_lines") == 12_000
    assert await net(look) == 0


async def test_long_orders_are_taken_back_in_a_moment(runtime: Runtime, ctx: Ctx) -> None:
    orders = [order(*[item("1.00")] * 1_000) for _ in range(10)]
    await record(runtime, ctx, *orders)
    await take(runtime, ctx, *[refund(sent.external_id, "500.00") for sent in orders])

    async with asyncio.timeout(5):
        answers = await take(runtime, ctx, *[refund(sent.external_id, "500.00") for sent in orders])

    assert answers == [(Outcome.RECORDED, None, "500.00")] * 10


async def test_others_run_while_a_large_call_is_computed(runtime: Runtime, ctx: Ctx, program: ProgramRows) -> None:
    await program.offer()
    sent = order(*[item("10.00")] * 2_000, codes=("SPICY20",))
    await record(runtime, ctx, sent)
    refunds = [refund(sent.external_id, "400.00") for _ in range(20)]

    async with probing() as probe:
        answers = await take(runtime, ctx, *refunds)

    assert answers == [(Outcome.RECORDED, None, "400.00")] * 20
    assert probe.longest_s < probe.total_s / 3


async def test_a_hundred_refunds_at_once_take_back_the_order_once(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    await program.offer(rate="0.15")
    sent = order(item("10.00"), codes=("SPICY20",))
    await record(runtime, ctx, sent)

    answers = await asyncio.gather(
        *(record_refunds(runtime, ctx, [refund(sent.external_id, "0.30")]) for _ in range(100))
    )

    outcomes = [outcome.outcome for (outcome,) in answers]
    assert outcomes.count(Outcome.RECORDED) == 33
    assert await look.value("sum(amount_minor)::bigint", "refund_lines") == 990
    await record_refunds(runtime, ctx, [refund(sent.external_id, "0.10")])
    assert await net(look) == 0
    assert await look.value("sum(amount_minor)::bigint", "ledger_entries", "account = 'ACCRUED'") == 0
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_a_refund_before_its_order_waits_and_is_applied_with_it(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    await program.offer(rate="0.1")
    early = refund("o-1", "40.00", external_id="r-1")

    (waits,) = await record_refunds(runtime, ctx, [early])
    (repeated,) = await record_refunds(runtime, ctx, [early])

    assert waits.detail == {
        "state": "WAITING",
        "orderId": None,
        "amount": None,
        "currency": None,
        "rejectCode": None,
    }
    assert repeated == replace(waits, outcome=Outcome.REPLAYED)
    assert await look.counts("refunds", "refund_lines", "rollup_delta") == {
        "refunds": 1,
        "refund_lines": 0,
        "rollup_delta": 0,
    }

    await record(runtime, ctx, order(item("100.00"), external_id="o-1", codes=("SPICY20",)))

    (stored,) = await look.rows("refunds")
    assert (stored["state"], stored["id"]) == ("APPLIED", waits.id)
    assert stored["settled_at"] == ctx.now
    assert await look.value("sum(amount_minor)::bigint", "refund_lines") == 4_000
    assert await net(look) == 600
    (again,) = await record_refunds(runtime, ctx, [early])
    assert (again.outcome, again.detail["state"], again.detail["amount"]) == (Outcome.REPLAYED, "APPLIED", "40.00")
    await record_orders(runtime, ctx, [order(item("100.00"), external_id="o-1", codes=("SPICY20",))])
    assert await look.value("sum(amount_minor)::bigint", "refund_lines") == 4_000
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_waiting_refunds_beyond_the_order_are_rejected_visibly(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    await record_refunds(
        runtime,
        ctx,
        [
            refund("o-1", "80.00", external_id="later", occurred_at=NOON + 2 * DAY),
            refund("o-1", "30.00", external_id="first", occurred_at=NOON + DAY),
            refund("o-1", "10.00", external_id="euros", currency="EUR"),
            refund("o-1", "0.001", external_id="digits"),
            refund("o-2", "1.00", external_id="other"),
        ],
    )

    await record(runtime, ctx, order(item("100.00"), external_id="o-1"))

    stored = await look.rows("refunds", order="external_id")
    assert [(row["external_id"], row["state"], row["reject_code"]) for row in stored] == [
        ("digits", "REJECTED", "INVALID_AMOUNT"),
        ("euros", "REJECTED", "INVALID_CURRENCY"),
        ("first", "APPLIED", None),
        ("later", "REJECTED", "REFUND_EXCEEDS_ORDER"),
        ("other", "WAITING", None),
    ]
    assert await look.value("sum(amount_minor)::bigint", "refund_lines") == 3_000
    assert await look.value("count(*)", "outbox", "topic = 'refund.rejected'") == 3
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_an_order_and_its_refund_at_the_same_time_never_miss_each_other(
    runtime: Runtime, ctx: Ctx, look: Look
) -> None:
    sent = [order(item("10.00"), external_id=f"o{n}") for n in range(40)]
    backs = [refund(each.external_id, "10.00", external_id=f"r-{each.external_id}") for each in sent]

    calls = []
    for each, back in zip(sent, backs, strict=True):
        calls += [record_orders(runtime, ctx, [each]), record_refunds(runtime, ctx, [back])]
    calls.append(record_refunds(runtime, ctx, backs[::-1]))
    calls.append(record_orders(runtime, ctx, sent[::-1]))
    await asyncio.gather(*calls)

    assert await look.value("count(*)", "refunds", "state = 'APPLIED'") == 40
    assert await look.value("sum(amount_minor)::bigint", "refund_lines") == 40_000
    assert await look.value("count(*)", "order_claims") == 0
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_repeated_refunds_are_replays_or_conflicts(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    await record(runtime, ctx, order(external_id="o-1"), order(external_id="o-2"))
    sent = refund("o-1", "10.00", external_id="r-1")

    def shown(outcomes: tuple[ItemOutcome, ...]) -> list[tuple[Outcome, str | None]]:
        return [(each.outcome, each.code) for each in outcomes]

    assert shown(await record_refunds(runtime, ctx, [sent, sent, replace(sent, amount=Decimal(9))])) == [
        (Outcome.RECORDED, None),
        (Outcome.REPLAYED, None),
        (Outcome.REJECTED, "DUPLICATE_IN_BATCH"),
    ]
    same = replace(sent, amount=Decimal("10"))
    assert shown(await record_refunds(runtime, ctx, [same, replace(sent, order_external_id="o-2")])) == [
        (Outcome.REPLAYED, None),
        (Outcome.REJECTED, "CONFLICTING_DUPLICATE"),
    ]
    assert await look.value("sum(amount_minor)::bigint", "refund_lines") == 1_000


async def test_one_refund_id_for_two_orders_at_once_is_applied_once(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    await record(runtime, ctx, *(order(external_id=f"o{n}") for n in range(10)))

    answers = await asyncio.gather(
        *(record_refunds(runtime, ctx, [refund(f"o{n}", "10.00", external_id="r-1")]) for n in range(10))
    )

    codes = [outcome.code for (outcome,) in answers]
    assert (codes.count(None), codes.count("CONFLICTING_DUPLICATE")) == (1, 9)
    assert await look.value("sum(amount_minor)::bigint", "refund_lines") == 1_000


@pytest.mark.parametrize(
    ("sent", "code", "path"),
    [
        (refund("o-1"), "BAD_USER_INPUT", ("refunds", "0", "amount")),
        (refund("o-1", "1.00", lines=(RefundLineInput(position=0),)), "BAD_USER_INPUT", ("refunds", "0", "amount")),
        (refund("o-1", lines=(RefundLineInput(),)), "BAD_USER_INPUT", ("refunds", "0", "lines", "0")),
        (refund("o-1", lines=(RefundLineInput(position=7),)), "UNKNOWN_LINE", ("refunds", "0", "lines", "0")),
        *(
            (
                refund(order_id, lines=(RefundLineInput(position=0), RefundLineInput(position=1, quantity=quantity))),
                "BAD_USER_INPUT",
                ("refunds", "0", "lines", "1", "quantity"),
            )
            for quantity, order_id in ((0, "o-1"), (-1, "o-1"), (0, "not known yet"))
        ),
        (refund("o-1", "1.00", currency="EUR"), "INVALID_CURRENCY", ("refunds", "0", "currency")),
        (refund("o-1", "-1.00"), "INVALID_AMOUNT", ("refunds", "0", "amount")),
        (refund("o-1", "NaN"), "INVALID_AMOUNT", ("refunds", "0", "amount")),
        (refund("o-1", "1.00", occurred_at=NOON + 9_999 * DAY), "OCCURRED_IN_FUTURE", ("refunds", "0", "occurredAt")),
        (refund("o-1", "1.00", reason="\0"), "BAD_USER_INPUT", ("refunds", "0", "reason")),
    ],
)
async def test_mistaken_refunds_are_refused_with_their_path(
    runtime: Runtime, ctx: Ctx, look: Look, sent: Any, code: str, path: tuple[str, ...]
) -> None:
    await record(runtime, ctx, order(external_id="o-1"))

    wrong, right = await record_refunds(runtime, ctx, [sent, refund("o-1", "1.00")])

    assert (wrong.outcome, wrong.code, wrong.path) == (Outcome.REJECTED, code, path)
    assert right.outcome is Outcome.RECORDED
    assert await look.value("sum(amount_minor)::bigint", "refund_lines") == 100


async def test_refunds_follow_their_orders_rate(runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look) -> None:
    await program.offer(rate="0.07")
    await program.rate("DKK", "GBP", "0.1137")
    sent = order(item("33.33"), item("0.05"), currency="DKK", codes=("SPICY20",))
    await record(runtime, ctx, sent)
    await program.rate("DKK", "GBP", "0.2", on=NOON + DAY)

    await take(runtime, ctx, *(refund(sent.external_id, amount) for amount in ("10.01", "10.01", "13.36")))

    assert await look.value("sum(amount_base_minor)::bigint", "refund_lines") == await look.value(
        "sum(amount_base_minor)::bigint", "order_lines"
    )
    assert await look.value("sum(amount_base_minor)::bigint", "commissions") == 0
    assert await look.value("sum(amount_base_minor)::bigint", "commission_lines") == 0
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_a_test_orders_refund_is_kept_and_counts_nowhere(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    sent = order(test=True)
    await record(runtime, ctx, sent)

    assert await take(runtime, ctx, refund(sent.external_id, "10.00")) == [(Outcome.RECORDED, None, "10.00")]

    assert await look.counts("refund_lines", "commissions", "rollup_delta") == {
        "refund_lines": 1,
        "commissions": 0,
        "rollup_delta": 0,
    }
    assert await verify(runtime.db, ctx.tenant_id) == []
