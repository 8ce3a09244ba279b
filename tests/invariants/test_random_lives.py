"""Laws of money after random lives of influencers: orders, edits, refunds, cancellations, chargebacks, suspicions,
holds, approvals, rejections, corrections and payouts that succeed, fail and come back.

What each of them earned, is owed and was paid is told again by `tests/oracle/lives.py`, from facts and deeds alone.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.core.context import Ctx
from app.core.words import Clawback
from app.ledger.statements import month_of, statements
from app.runtime import Runtime
from tests.client import Client
from tests.factories.lives import EXPONENTS, HOLD_DAYS, ORDERS_A_DAY, TICK, TICKS, Lives, One
from tests.factories.orders import NOON, ProgramRows
from tests.invariants.books import broken_laws
from tests.oracle.lives import Life, Rules

pytestmark = pytest.mark.database

SEED = 4
TABLES = {
    "orders": "id, external_id, currency, occurred_at, recorded_at",
    "order_lines": "id, order_id, kind, amount_minor, recorded_at",
    "refund_lines": "id, order_id, kind, amount_minor, recorded_at",
    "commissions": "id, kind, state, order_id, influencer_id, currency, amount_minor, amount_base_minor, recorded_at",
}
"""Facts, and the columns that are looked at."""

TIMEOUT_S = 600.0
"""Seconds that a statement over all rows may take."""

MONTHS = ("2026-03", "2026-04", "2026-05")
AT_ONCE = 4

Facts = Mapping[str, list[dict[str, Any]]]
"""Rows by table."""


@pytest.mark.parametrize(
    ("count", "clawback"),
    [
        (250, Clawback.NEXT_PAYOUT),
        (50, Clawback.INVOICE),
        pytest.param(10_000, Clawback.NEXT_PAYOUT, marks=pytest.mark.slow),
    ],
)
async def test_money_is_where_the_facts_say(
    runtime: Runtime, ctx: Ctx, client: Client, admin: "asyncpg.Pool[Any]", count: int, clawback: Clawback
) -> None:
    program = ProgramRows(runtime.db, admin, ctx)
    for day in range(-4, (TICKS + 1) * TICK.days):
        await program.rate("GBP", "JPY", "187.31", on=NOON + day * TICK / TICK.days)
        await program.rate("KWD", "GBP", "2.4137", on=NOON + day * TICK / TICK.days)
    lives = Lives(runtime, ctx, count, SEED, clawback)
    await lives.begin()
    await lives.live()

    # Nothing had time to look at so many new rows: without statistics the laws are looked up row by row.
    await admin.execute("ANALYZE")
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}
    facts = {
        table: await _rows(lives, f"SELECT {columns} FROM {table} WHERE tenant_id = $1 ORDER BY recorded_at, id")
        for table, columns in TABLES.items()
    }
    told = _told(lives, facts)
    assert [wrong for life in told.values() for wrong in life.wrong] == []
    states = {row["id"]: row["state"] for row in facts["commissions"]}
    expected = {id: state for life in told.values() for id, state in life.states().items()}
    taking_back = {row["id"]: "REVERSED" for row in facts["commissions"] if row["kind"] in ("REVERSAL", "REJECTION")}
    assert _differences(states, expected | taking_back) == {}
    _check_amounts(lives, told, facts)
    await _check_ledger(lives, told)
    await _check_statements(lives, told)
    await _check_analytics(client, facts, expected | taking_back)
    _check_variety(lives, facts, told)


async def _rows(lives: Lives, sql: str) -> list[dict[str, Any]]:
    """All rows of the tenant that a statement gives."""
    async with lives.runtime.db.snapshot(lives.ctx.tenant_id, timeout_s=TIMEOUT_S) as session:
        return [dict(row) for row in await session.fetch(f"/* test */ {sql}", lives.ctx.tenant_id)]


def _told(lives: Lives, facts: Facts) -> dict[UUID, Life]:
    """Everybody's life, told again."""
    owners = {f"o-{one.number}-": one.id for one in lives.all}
    of_order = {row["id"]: owners[f"{row['external_id'].rpartition('-')[0]}-"] for row in facts["orders"]}
    parts: dict[UUID, dict[str, list[Any]]] = {one.id: {table: [] for table in TABLES} for one in lives.all}
    for table, rows in facts.items():
        for row in rows:
            whose = row["influencer_id"] if table == "commissions" else of_order[row.get("order_id", row["id"])]
            parts[whose][table].append(row)
    found = {}
    rules = Rules(HOLD_DAYS, ORDERS_A_DAY, invoices=lives.clawback is Clawback.INVOICE)
    for one in lives.all:
        life = Life(Fraction(one.rate), rules, parts[one.id], EXPONENTS)
        life.live(one.deeds)
        found[one.id] = life
    return found


def _differences(found: Mapping[Any, Any], expected: Mapping[Any, Any]) -> dict[Any, tuple[Any, Any]]:
    """What is not as expected: a few of it, as it is and as it should be."""
    off = [key for key in {*found, *expected} if found.get(key) != expected.get(key)]
    return {key: (found.get(key), expected.get(key)) for key in off[:5]}


def _check_amounts(lives: Lives, told: Mapping[UUID, Life], facts: Facts) -> None:
    """What each order earned and gave back, and what each was corrected by."""
    names = {row["id"]: row["external_id"] for row in facts["orders"]}
    found: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    corrected: dict[Any, int] = defaultdict(int)
    for row in facts["commissions"]:
        if row["kind"] == "ADJUSTMENT":
            corrected[row["influencer_id"], row["currency"]] += row["amount_minor"]
        elif row["kind"] == "REJECTION":
            found[names[row["order_id"]]][1] += row["amount_minor"]
        else:
            found[names[row["order_id"]]][row["kind"] == "REVERSAL"] += row["amount_minor"]
    expected: dict[Any, list[int]] = {}
    for life in told.values():
        for name, credit in life.credits.items():
            if credit.rejected_at is None:
                expected[name] = [credit.earned(life.rate, lives.now), -credit.given_back(life.rate, lives.now)]
            else:
                earned = credit.earned(life.rate, credit.rejected_at)
                expected[name] = [earned, -earned]
    assert _differences(found, expected) == {}
    deeds: dict[Any, int] = defaultdict(int)
    for one in lives.all:
        for deed in one.deeds:
            if deed.what == "adjusted":
                deeds[one.id, deed.detail["currency"]] += deed.detail["minor"]
    assert _differences(corrected, deeds) == {}


async def _check_ledger(lives: Lives, told: Mapping[UUID, Life]) -> None:
    """Every posting sums to zero in each currency, and what each is owed stands where their life says."""
    unbalanced = """SELECT posting_id FROM ledger_entries WHERE tenant_id = $1
        GROUP BY posting_id, currency HAVING sum(amount_minor) <> 0"""
    assert await _rows(lives, unbalanced) == []
    sums = """SELECT influencer_id, account, currency, sum(-amount_minor)::bigint AS owed FROM ledger_entries
        WHERE tenant_id = $1 AND influencer_id IS NOT NULL GROUP BY 1, 2, 3"""
    found = {(row["influencer_id"], row["account"], row["currency"]): row["owed"] for row in await _rows(lives, sums)}
    expected = {(id, *key): amount for id, life in told.items() for key, amount in life.accounts(lives.now).items()}
    assert _differences({key: amount for key, amount in found.items() if amount}, expected) == {}


async def _check_statements(lives: Lives, told: Mapping[UUID, Life]) -> None:
    """Each month's opening and movements are its closing, which is the next one's opening; the last is what is owed."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def check(one: One) -> None:
        closing: dict[str, int] = {}
        async with gate, lives.runtime.db.snapshot(lives.ctx.tenant_id) as session:
            for text in MONTHS:
                month = await statements(lives.first, session, one.id, month_of(lives.first, text))
                assert {each.currency: each.opening for each in month if each.opening} == closing
                for each in month:
                    assert each.opening + sum(moved.amount for moved in each.movements) == each.closing
                closing = {each.currency: each.closing for each in month if each.closing}
        owed: dict[str, int] = defaultdict(int)
        for (account, currency), amount in told[one.id].accounts(lives.now).items():
            owed[currency] += 0 if account == "PAID" else amount
        assert {currency: amount for currency, amount in owed.items() if amount} == closing

    async with asyncio.TaskGroup() as group:
        for one in lives.all:
            group.create_task(check(one))


async def _check_analytics(client: Client, facts: Facts, states: Mapping[Any, str]) -> None:
    """Analytics by commission state are the facts in the states in which they should be."""
    data = await client.data(
        """{ analytics(range: {between: {from: "2026-01-01T00:00:00Z", until: "2026-07-01T00:00:00Z"}}) {
          totals { commission }
          groups(by: [{dimension: {name: COMMISSION_STATE}}]) {
            nodes { key { commissionState } measures { commission } }
          }
        } }"""
    )
    expected: dict[str, int] = defaultdict(int)
    for row in facts["commissions"]:
        expected[states[row["id"]]] += row["amount_base_minor"]
    total = sum(expected.values())
    expected["REVERSED"] *= -1
    shown = {
        node["key"]["commissionState"]: Fraction(node["measures"]["commission"]) * 100
        for node in data["analytics"]["groups"]["nodes"]
    }
    assert shown == {state: amount for state, amount in expected.items() if amount}
    assert Fraction(data["analytics"]["totals"]["commission"]) * 100 == total


def _check_variety(lives: Lives, facts: Facts, told: Mapping[UUID, Life]) -> None:
    """All that may happen did."""
    assert {row["state"] for row in facts["commissions"]} == {"PENDING", "HELD", "APPROVED", "PAID", "REVERSED"}
    assert {row["kind"] for row in facts["commissions"]} == {"ACCRUAL", "EDIT", "REVERSAL", "REJECTION", "ADJUSTMENT"}
    payments = [payment for life in told.values() for payment in life.payments.values()]
    assert {"SUCCEEDED", "FAILED", "RETURNED", "CANCELLED"} <= {payment.state for payment in payments}
    assert {payment.row["rate"] is None for payment in payments} == {True, False}
    parted = [set(credit.states.values()) for life in told.values() for credit in life.credits.values()]
    assert {"PAID", "APPROVED"} in parted, "an order was edited after it had been paid for, or its payment came back"
    assert any(credit.clawed for life in told.values() for credit in life.credits.values())
    left = [(*key, amount) for life in told.values() for key, amount in life.accounts(lives.now).items()]
    assert {account for account, *_ in left} >= {"ACCRUED", "HELD", "PAYABLE", "PAYING", "PAID"}
    if lives.clawback is Clawback.INVOICE:
        assert any(account == "INVOICED" and amount < 0 for account, _, amount in left)
    else:
        assert any(account == "PAYABLE" and amount < 0 for account, _, amount in left)
    assert {"REFUND_EXCEEDS_ORDER", "ORDER_NOT_EARNED", "FRAUD_TO_BE_REVIEWED"} <= lives.refusals
