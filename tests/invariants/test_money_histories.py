"""Laws of money, after random histories of orders, refunds, edits and cancellations by several callers at once.

Recomputed here from the facts alone, in plain arithmetic: what credits sum to, what the ledger sums to, what each
credit earned and gave back, that nothing went beyond an order, and that rollups are what the facts give.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.analytics.rollups.verify import verify
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome, Outcome
from app.core.words import OrderEventKind
from app.runtime import Runtime
from app.usecases.edit_orders import edit_orders
from app.usecases.record_adjustments import record_adjustments
from app.usecases.record_order_events import record_order_events
from app.usecases.record_orders import record_orders
from app.usecases.record_refunds import record_refunds
from tests.factories.histories import Store, offer
from tests.factories.orders import NOON, Look, ProgramRows, adjustment, edit, event

pytestmark = pytest.mark.database

HISTORIES = 60
EXPECTED = {"REFUND_EXCEEDS_ORDER", "INVALID_AMOUNT", "UNKNOWN_ORDER", "VERSION_CONFLICT", "CONFLICTING_DUPLICATE"}
"""Refusals that random calls must meet now and then."""

REVENUE = ("ITEM", "DISCOUNT")
MODELS = ("booked", "last", "first", "linear", "time_decay", "position")


async def test_money_adds_up_after_random_histories(runtime: Runtime, ctx: Ctx, admin: "asyncpg.Pool[Any]") -> None:
    program, look = ProgramRows(runtime.db, admin, ctx), Look(runtime.db, ctx)
    await _program(program)
    stores = [Store(seed, HISTORIES) for seed in (11, 12, 13)]

    outcomes = [
        each for found in await asyncio.gather(*(_history(runtime, ctx, store) for store in stores)) for each in found
    ]

    codes = {outcome.code for outcome in outcomes if outcome.outcome is Outcome.REJECTED}
    assert codes <= EXPECTED | {"UNKNOWN_LINE"}
    assert {"REFUND_EXCEEDS_ORDER", "UNKNOWN_ORDER"} <= codes
    facts = {
        table: await look.rows(table)
        for table in (
            "orders",
            "order_versions",
            "order_lines",
            "refunds",
            "refund_lines",
            "credits",
            "commissions",
            "commission_lines",
            "ledger_entries",
        )
    }
    assert len(facts["orders"]) == 3 * HISTORIES
    _check_orders(facts)
    _check_credits(facts)
    _check_commissions(facts)
    _check_ledger(facts)
    assert await look.value("count(*)", "refunds", "state = 'WAITING'") == 0
    off = {name for each in await verify(runtime.db, ctx.tenant_id) for name in each.off}
    # The clicks were put behind the use cases, without deltas.
    assert off <= {"instances", "clicks"}


async def _program(program: ProgramRows) -> None:
    offered = await offer(program)
    for visitor in ("v", "w"):
        for ago, campaign in enumerate((offered.linear, offered.last, None)):
            influencer = offered.ina if ago else offered.ben
            await program.click(influencer, campaign, at=NOON - timedelta(days=ago), visitor_id=visitor)


async def _history(runtime: Runtime, ctx: Ctx, store: Store) -> list[ItemOutcome]:
    chance = store.chance
    outcomes: list[ItemOutcome] = []
    orders = {name: store.order(name) for name in store.names}

    async def call(write: Callable[..., Awaitable[tuple[ItemOutcome, ...]]], items: list[Any]) -> None:
        outcomes.extend(await write(runtime, ctx, items))

    # Some refunds come before their orders; some orders are sent again.
    await call(record_refunds, [store.refund(name, 0) for name in chance.sample(store.names, HISTORIES // 4)])
    for start in range(0, HISTORIES, 20):
        await call(record_orders, [orders[name] for name in store.names[start : start + 20]])
    await call(record_orders, [orders[name] for name in chance.sample(store.names, 10)])
    for turn in range(1, 7):
        names = chance.sample(store.names, HISTORIES // 2)
        await call(record_refunds, [store.refund(name, turn) for name in names])
        await call(edit_orders, [edit(name, *store.lines(orders[name].currency)) for name in names[:15]])
        await call(record_adjustments, [adjustment("1.23", currency=chance.choice(("GBP", "HUF")))])
    rest = chance.sample(store.names, HISTORIES // 2)
    kinds = (OrderEventKind.PAID, OrderEventKind.CANCELLED, OrderEventKind.CHARGEBACK)
    later = NOON + timedelta(days=70)
    await call(
        record_order_events, [event(name, chance.choice(kinds), occurred_at=later) for name in [*rest, "unknown"]]
    )
    return outcomes


def _by(rows: list[dict[str, Any]], *names: str) -> dict[Any, list[dict[str, Any]]]:
    found = defaultdict(list)
    for row in rows:
        found[tuple(row[name] for name in names) if len(names) > 1 else row[names[0]]].append(row)
    return found


def _sum(rows: list[dict[str, Any]], name: str = "amount_minor") -> int:
    return sum(row[name] for row in rows)


def _half_even(value: Fraction) -> int:
    return round(value)


def _check_orders(facts: dict[str, list[dict[str, Any]]]) -> None:
    lines, taken = _by(facts["order_lines"], "order_id"), _by(facts["refund_lines"], "order_id")
    versions = _by(facts["order_versions"], "order_id")
    for row in facts["orders"]:
        of_order, back = lines[row["id"]], taken.get(row["id"], [])
        newest = max(versions[row["id"]], key=lambda version: version["version"])
        assert (newest["version"], newest["total_minor"]) == (row["version"], _sum(of_order))
        assert newest["gross_minor"] == _sum([each for each in of_order if each["kind"] in REVENUE])
        assert 0 <= _sum(back) <= _sum(of_order)
        open_by_position = {position: _sum(rows) for position, rows in _by(of_order, "position").items()}
        for position, rows in _by(back, "position").items():
            low, high = sorted((0, open_by_position[position]))
            assert low <= _sum(rows) <= high
        revenue = [each for each in of_order if each["kind"] in REVENUE]
        revenue_back = [each for each in back if each["kind"] in REVENUE]
        assert 0 <= _sum(revenue_back) <= _sum(revenue)
        if _sum(back) == _sum(of_order) and all(each["amount_base_minor"] is not None for each in of_order + back):
            assert _sum(back, "amount_base_minor") == _sum(of_order, "amount_base_minor")


def _check_credits(facts: dict[str, list[dict[str, Any]]]) -> None:
    credits = _by(facts["credits"], "order_id")
    for row in facts["orders"]:
        of_order = credits.get(row["id"], [])
        assert bool(of_order) is not row["is_test"]
        for model in MODELS:
            assert row["is_test"] or _sum(of_order, f"weight_{model}") == 10**9


def _check_commissions(facts: dict[str, list[dict[str, Any]]]) -> None:
    lines, taken = _by(facts["order_lines"], "order_id"), _by(facts["refund_lines"], "order_id")
    weights: dict[UUID, int] = {row["id"]: row["weight_booked"] for row in facts["credits"]}
    shares = _by(facts["commission_lines"], "commission_id")
    for row in facts["commissions"]:
        assert _sum(shares.get(row["id"], [])) == row["amount_minor"]
        if row["amount_base_minor"] is not None:
            assert _sum(shares.get(row["id"], []), "amount_base_minor") == row["amount_base_minor"]
    positions = {row["id"]: row["position"] for row in facts["credits"]}
    exact: dict[UUID, dict[int, Fraction]] = defaultdict(dict)
    sums: dict[UUID, dict[int, int]] = defaultdict(dict)
    full = 0
    for credit_id, rows in _by(facts["commissions"], "credit_id").items():
        order_id, rate = rows[0]["order_id"], next(row["rate"] for row in rows if row["kind"] == "ACCRUAL")
        gross = _sum([each for each in lines[order_id] if each["kind"] in REVENUE])
        back = _sum([each for each in taken.get(order_id, []) if each["kind"] in REVENUE])
        exact[order_id][positions[credit_id]] = Fraction(gross * weights[credit_id], 10**9) * Fraction(rate)
        earned = _sum([row for row in rows if row["kind"] != "REVERSAL"])
        sums[order_id][positions[credit_id]] = earned
        reversed_ = _half_even(Fraction(earned * back, gross)) if gross else 0
        assert _sum([row for row in rows if row["kind"] == "REVERSAL"]) == -reversed_
        if back == gross:
            full += 1
            assert _sum(rows) == 0
            of_credit = [share for row in rows for share in shares.get(row["id"], [])]
            assert not any(_sum(parts) for parts in _by(of_credit, "position", "product_id").values())
            if all(row["amount_base_minor"] is not None for row in rows):
                assert _sum(rows, "amount_base_minor") == 0
    assert full > 10
    assert any(len(of_order) > 1 for of_order in exact.values())
    for order_id, of_order in exact.items():
        _check_parts(of_order, sums[order_id])


def _check_parts(exact: dict[int, Fraction], earned: dict[int, int]) -> None:
    """An order's credits earn what they are exactly worth together, rounded once: each its whole units, and of the
    units left one for each of the largest remainders, of equal ones for the older."""
    parts = {position: int(value) for position, value in exact.items()}
    by_remainder = sorted(exact, key=lambda position: (parts[position] - exact[position], position))
    for position in by_remainder[: _half_even(sum(exact.values(), Fraction(0))) - sum(parts.values())]:
        parts[position] += 1
    assert earned == parts


def _check_ledger(facts: dict[str, list[dict[str, Any]]]) -> None:
    for rows in _by(facts["ledger_entries"], "posting_id", "currency").values():
        assert len(rows) > 1
        assert _sum(rows) == 0
    accrued = _by([row for row in facts["ledger_entries"] if row["account"] == "ACCRUED"], "influencer_id", "currency")
    commissions = _by(facts["commissions"], "influencer_id", "currency")
    for key, rows in commissions.items():
        assert _sum(accrued.get(key, [])) == -_sum(rows)
    causes = {row["cause_id"] for row in facts["ledger_entries"]}
    assert causes == {row["id"] for row in facts["commissions"] if row["amount_minor"]}
