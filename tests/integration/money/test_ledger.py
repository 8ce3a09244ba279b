"""Balances are what the entries sum to, folded or not; statements close; what is wrong is found and repaired."""

import asyncio
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.core.context import Ctx, Role
from app.core.ids import new_id
from app.core.words import CommissionState, LedgerAccount
from app.ledger import Entry, Posting, append, balances
from app.runtime import Runtime
from app.usecases.record_orders import record_orders
from app.usecases.record_refunds import record_refunds
from app.usecases.unattended import unattended
from tests.client import Client
from tests.conftest import make_ctx
from tests.factories.orders import Look, ProgramRows, order, refund
from tests.integration.money.test_states import booked, moved

pytestmark = pytest.mark.database

BALANCES = """query ($where: BalanceFilter, $first: Int, $after: String, $by: BalanceOrder) {
  balances(where: $where, first: $first, after: $after, orderBy: $by) {
    totalCount
    pageInfo { endCursor hasNextPage }
    nodes { currency pending held payable paying paid invoiced owed influencer { id } }
  }
}"""

STATEMENTS = """query ($influencer: ID!, $month: String!) {
  statements(influencer: $influencer, month: $month) {
    month startsAt endsAt currency opening closing
    movements { kind amount postings }
    accounts { account opening moved closing }
    lines { kind amount orderExternalId reason }
  }
}"""


async def post(runtime: Runtime, ctx: Ctx, *entries: Entry, kind: str = "payout_item") -> None:
    """One posting."""
    async with runtime.db.write(ctx.tenant_id) as session:
        await append(ctx, session, [Posting(kind, new_id(), entries)])


def owed(account: str, influencer_id: UUID, amount: int, currency: str = "GBP") -> tuple[Entry, Entry]:
    """What is owed to an influencer grows, in an account, at the tenant's expense."""
    return (
        Entry(LedgerAccount.EXPENSE, None, currency, amount),
        Entry(LedgerAccount(account), influencer_id, currency, -amount),
    )


async def held(runtime: Runtime, ctx: Ctx) -> balances.Held:
    """What all accounts of influencers hold."""
    async with runtime.db.read(ctx.tenant_id) as session:
        return await balances.held(ctx, session, list(LedgerAccount))


async def summed(look: Look) -> balances.Held:
    """The same from the entries."""
    found: balances.Held = defaultdict(lambda: defaultdict(int))
    for row in await look.rows("ledger_entries", "influencer_id IS NOT NULL"):
        found[row["influencer_id"], row["currency"]][LedgerAccount(row["account"])] += row["amount_minor"]
    return {
        key: kept
        for key, accounts in found.items()
        if (kept := {account: amount for account, amount in accounts.items() if amount})
    }


async def test_balances_are_exact_while_writes_and_folds_run(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    offer = await program.offer()
    compared: list[int] = []

    async def write(number: int) -> None:
        name = f"o-{number}"
        await record_orders(runtime, ctx, [order(external_id=name, codes=(offer.code,))])
        await record_refunds(runtime, ctx, [refund(name, "10.00")])

    async def fold() -> None:
        for _ in range(20):
            await balances.fold(runtime.db, ctx.tenant_id)
            # Two reads: they are compared when nothing was written between.
            before = await look.value("count(*)", "ledger_entries")
            found, entries = await held(runtime, ctx), await summed(look)
            if before == await look.value("count(*)", "ledger_entries"):
                assert found == entries
                compared.append(before)

    await asyncio.gather(*(write(number) for number in range(12)), balances_of(runtime, ctx), fold())

    assert compared
    assert await held(runtime, ctx) == await summed(look)
    assert await balances.verify(runtime.db, ctx.tenant_id) == ([], [])
    await balances.fold(runtime.db, ctx.tenant_id)
    assert await look.counts("ledger_deltas") == {"ledger_deltas": 0}
    assert await held(runtime, ctx) == await summed(look)
    assert await balances.verify(runtime.db, ctx.tenant_id) == ([], [])


async def test_a_writer_folds_once_deltas_have_piled_up(
    runtime: Runtime, ctx: Ctx, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.db.piles.random.random", lambda: 0.0)
    small = replace(runtime, settings=runtime.settings.model_copy(update={"fold_deltas_max": 100}))

    async def earn(count: int) -> None:
        entries = tuple(entry for _ in range(count) for entry in owed("ACCRUED", new_id(), 100))
        await unattended(small, ctx, lambda session: append(ctx, session, [Posting("payout_item", new_id(), entries)]))

    await earn(98)
    before = await look.counts("ledger_deltas")
    await earn(1)

    assert (before, await look.counts("ledger_deltas")) == ({"ledger_deltas": 99}, {"ledger_deltas": 0})
    assert await held(runtime, ctx) == await summed(look)
    assert await balances.verify(runtime.db, ctx.tenant_id) == ([], [])


async def balances_of(runtime: Runtime, ctx: Ctx) -> None:
    """Folds beside folds."""
    for _ in range(10):
        await balances.fold(runtime.db, ctx.tenant_id)


async def test_what_is_off_is_found_and_repaired(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, admin: "asyncpg.Pool[Any]"
) -> None:
    await booked(runtime, ctx, program, look)
    await balances.fold(runtime.db, ctx.tenant_id)
    before = await held(runtime, ctx)
    async with runtime.db.write(ctx.tenant_id) as session:
        await session.execute(
            """/* test.spoil */
            UPDATE ledger_balances SET amount_minor = amount_minor - 7 WHERE tenant_id = $1 AND account = 'ACCRUED'""",
            ctx.tenant_id,
        )
        await session.execute(
            """/* test.spoil_posting */
            INSERT INTO ledger_entries
              (tenant_id, id, posting_id, account, currency, amount_minor, cause_kind, cause_id, posted_at)
            VALUES ($1, $2, $2, 'FEES', 'GBP', 5, 'test', $2, $3)""",
            ctx.tenant_id,
            new_id(),
            ctx.now,
        )

    differences, unbalanced = await balances.verify(runtime.db, ctx.tenant_id)

    month = ctx.now.astimezone(UTC).date().replace(day=1)
    assert {(each.account, each.month, each.off, each.entries_off) for each in differences} == {
        ("ACCRUED", month, 7, 0),
        ("FEES", month, 5, 1),
    }
    assert [each.off for each in unbalanced] == [5]
    await balances.rebuild(runtime.db, ctx.tenant_id)
    assert (await balances.verify(runtime.db, ctx.tenant_id))[0] == []
    assert await held(runtime, ctx) == before


async def test_balances_are_listed_by_what_is_owed(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, client: Client, make_key: Any
) -> None:
    commission = await booked(runtime, ctx, program, look)
    [influencer] = [row["influencer_id"] for row in await look.rows("commissions")]
    await moved(runtime, ctx, (commission, CommissionState.APPROVED))
    other = await program.influencer()
    await post(runtime, ctx, *owed("ACCRUED", other, 5_000), kind="commission")
    await post(runtime, ctx, *owed("INVOICED", other, -1_500), kind="commission")
    await post(runtime, ctx, *owed("PAYING", other, 700, "JPY"), kind="commission")
    await balances.fold(runtime.db, ctx.tenant_id)
    await record_refunds(runtime, ctx, [refund("o-1", "50.00")])

    first = (await client.query(BALANCES, {"first": 2}))["data"]["balances"]
    rest = (await client.query(BALANCES, {"first": 2, "after": first["pageInfo"]["endCursor"]}))["data"]["balances"]

    none = {"pending": "0", "held": "0", "payable": "0", "paying": "0", "paid": "0", "invoiced": "0"}
    pounds = dict.fromkeys(none, "0.00")
    assert first["totalCount"] == 3
    assert first["pageInfo"]["hasNextPage"] is True
    assert first["nodes"] == [
        {
            **pounds,
            "currency": "GBP",
            "pending": "50.00",
            "invoiced": "15.00",
            "owed": "35.00",
            "influencer": whose(other),
        },
        {**none, "currency": "JPY", "paying": "700", "owed": "700", "influencer": whose(other)},
    ]
    assert rest["nodes"] == [
        {**pounds, "currency": "GBP", "payable": "5.00", "owed": "5.00", "influencer": whose(influencer)}
    ]
    where = {"influencer": {"in": [str(other)]}, "currency": {"in": ["JPY"]}}
    assert len((await client.query(BALANCES, {"where": where}))["data"]["balances"]["nodes"]) == 1
    own = await make_key(Role.INFLUENCER, influencer_id=influencer)
    seen = (await client.query(BALANCES, {}, key=own))["data"]["balances"]
    assert [node["influencer"] for node in seen["nodes"]] == [whose(influencer)]
    assert (await client.query(STATEMENTS, {"influencer": str(other), "month": "2026-01"}, key=own))["data"] == {
        "statements": []
    }


def whose(influencer_id: UUID) -> dict[str, str]:
    """An influencer as an answer names them."""
    return {"id": str(influencer_id)}


async def test_statements_close_in_the_reporting_zone(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, client: Client
) -> None:
    who = await program.influencer()
    # London is an hour ahead of UTC in summer: its July begins in UTC's June.
    june_ends = datetime(2026, 6, 30, 23, tzinfo=UTC)

    def at(moment: datetime) -> Ctx:
        return make_ctx(ctx.tenant, now=moment)

    await post(runtime, at(june_ends - timedelta(days=40)), *owed("ACCRUED", who, 1_000), kind="commission")
    await post(runtime, at(june_ends - timedelta(microseconds=1)), *owed("PAYABLE", who, 300), kind="commission")
    await post(runtime, at(june_ends), *owed("PAYABLE", who, 70), kind="commission")
    await post(
        runtime,
        at(june_ends + timedelta(days=3)),
        Entry(LedgerAccount.PAYABLE, who, "GBP", 370),
        Entry(LedgerAccount.PAYING, who, "GBP", -370),
    )
    await post(
        runtime,
        at(june_ends + timedelta(days=4)),
        Entry(LedgerAccount.PAYING, who, "GBP", 370),
        Entry(LedgerAccount.PAID, who, "GBP", -370),
    )
    await post(
        runtime,
        at(june_ends + timedelta(days=5)),
        Entry(LedgerAccount.ACCRUED, who, "GBP", 1_000),
        Entry(LedgerAccount.FX, None, "GBP", -1_000),
        Entry(LedgerAccount.FX, None, "EUR", 1_170),
        Entry(LedgerAccount.PAYING, who, "EUR", -1_170),
    )
    await balances.fold(runtime.db, ctx.tenant_id)

    june, july, august = [
        (await client.query(STATEMENTS, {"influencer": str(who), "month": month}))["data"]["statements"]
        for month in ("2026-06", "2026-07", "2026-08")
    ]

    assert [(each["currency"], each["opening"], each["closing"]) for each in june] == [("GBP", "10.00", "13.00")]
    assert june[0]["endsAt"] == july[0]["startsAt"] == "2026-06-30T23:00:00Z"
    assert [(each["currency"], each["opening"], each["closing"]) for each in july] == [
        ("EUR", "0.00", "11.70"),
        ("GBP", "13.00", "0.00"),
    ]
    assert july[0]["movements"] == [{"kind": "CONVERTED", "amount": "11.70", "postings": 1}]
    assert july[1]["movements"] == [
        {"kind": "PAID", "amount": "-3.70", "postings": 1},
        {"kind": "RETURNED", "amount": "0.70", "postings": 1},
        {"kind": "CONVERTED", "amount": "-10.00", "postings": 1},
    ]
    assert [(each["currency"], each["opening"], each["closing"]) for each in august] == [("EUR", "11.70", "11.70")]
    refused = await client.query(STATEMENTS, {"influencer": str(who), "month": "2026-13"})
    assert refused["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_statement_tells_orders_and_reasons(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, client: Client
) -> None:
    commission = await booked(runtime, ctx, program, look)
    [influencer] = [row["influencer_id"] for row in await look.rows("commissions")]
    await moved(runtime, ctx, (commission, CommissionState.APPROVED))
    await record_refunds(runtime, ctx, [refund("o-1", "25.00")])
    month = ctx.now.astimezone(UTC).strftime("%Y-%m")

    [statement] = (await client.query(STATEMENTS, {"influencer": str(influencer), "month": month}))["data"][
        "statements"
    ]

    assert (statement["opening"], statement["closing"]) == ("0.00", "7.50")
    assert statement["movements"] == [
        {"kind": "EARNED", "amount": "10.00", "postings": 1},
        {"kind": "REVERSED", "amount": "-2.50", "postings": 1},
    ]
    assert {each["account"]: each["closing"] for each in statement["accounts"]} == {
        "ACCRUED": "0.00",
        "HELD": "0.00",
        "PAYABLE": "7.50",
        "PAYING": "0.00",
        "INVOICED": "0.00",
    }
    assert statement["lines"] == [
        {"kind": "EARNED", "amount": "10.00", "orderExternalId": "o-1", "reason": None},
        {"kind": "REVERSED", "amount": "-2.50", "orderExternalId": "o-1", "reason": None},
    ]


async def test_a_statement_comes_as_csv(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, client: Client, make_key: Any
) -> None:
    await booked(runtime, ctx, program, look)
    [influencer] = [row["influencer_id"] for row in await look.rows("commissions")]
    await record_refunds(runtime, ctx, [refund("o-1", "25.00")])
    month = ctx.now.astimezone(UTC).strftime("%Y-%m")

    async def file(who: UUID, key: str, name: str = f"{month}.csv") -> Any:
        return await client.http.get(f"/statements/{who}/{name}", headers={"authorization": f"Bearer {key}"})

    own = await make_key(Role.INFLUENCER, influencer_id=influencer)
    answer = await file(influencer, own)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    header, *rows = [line.split(",") for line in answer.text.splitlines()]
    assert header == ["month", "currency", "postedAt", "kind", "order", "posting", "reason", "amount", "owed"]
    assert [(row[1], row[3], row[4], row[7], row[8]) for row in rows] == [
        ("GBP", "OPENING", "", "0.00", "0.00"),
        ("GBP", "EARNED", "o-1", "10.00", "10.00"),
        ("GBP", "REVERSED", "o-1", "-2.50", "7.50"),
        ("GBP", "CLOSING", "", "0.00", "7.50"),
    ]
    assert (await file(new_id(), own)).status_code == 404
    printed = await file(influencer, own, f"{month}.pdf")
    assert (printed.status_code, printed.headers["content-type"]) == (200, "application/pdf")
    assert printed.content.startswith(b"%PDF-")
    assert (await file(influencer, own, f"{month}.xls")).status_code == 404
    assert (await file(influencer, await make_key(Role.STORE))).status_code == 403
    assert (await file(influencer, own, "2026-00.csv")).status_code == 400
