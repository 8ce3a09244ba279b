"""Commissions move from state to state as wholes, and what is taken back goes to where they stand."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

import pytest

from app.analytics.rollups.verify import verify
from app.commissions import states
from app.commissions.states import Move
from app.core.context import Ctx
from app.core.outcomes import Outcome
from app.core.words import Clawback, CommissionState
from app.errors import DomainError
from app.runtime import Runtime
from app.usecases.edit_orders import edit_orders
from app.usecases.record_orders import record_orders
from app.usecases.record_refunds import record_refunds
from tests.factories.orders import Look, ProgramRows, edit, item, order, refund

pytestmark = pytest.mark.database

PENDING, HELD, APPROVED, PAID = (
    CommissionState.PENDING,
    CommissionState.HELD,
    CommissionState.APPROVED,
    CommissionState.PAID,
)


async def moved(runtime: Runtime, ctx: Ctx, *moves: tuple[UUID, CommissionState]) -> None:
    """Move commissions in one transaction."""
    async with runtime.db.write(ctx.tenant_id) as session:
        await states.move(ctx, session, [Move(commission_id, to, "test") for commission_id, to in moves])


async def balances(look: Look) -> dict[str, int]:
    """What every account holds, without those that hold nothing."""
    found: dict[str, int] = defaultdict(int)
    for row in await look.rows("ledger_entries"):
        found[row["account"]] += row["amount_minor"]
    return {account: amount for account, amount in found.items() if amount}


async def booked(runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, *, name: str = "o-1") -> UUID:
    """An order of 100.00 that earned 10.00: the id of its commission."""
    offer = await program.offer(f"CODE-{name}".upper())
    [outcome] = await record_orders(runtime, ctx, [order(external_id=name, codes=(offer.code,))])
    assert outcome.outcome is Outcome.RECORDED
    commission_id: UUID = await look.value("id", "commissions", f"order_id = '{outcome.id}'")
    return commission_id


async def in_states(look: Look) -> Mapping[str, Sequence[str]]:
    """The states of commissions by kind."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in await look.rows("commissions", order="id"):
        found[row["kind"]].append(row["state"])
    return dict(found)


async def test_what_is_owed_follows_the_state(runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look) -> None:
    commission = await booked(runtime, ctx, program, look)
    assert await balances(look) == {"EXPENSE": 1000, "ACCRUED": -1000}

    await moved(runtime, ctx, (commission, HELD))
    assert await balances(look) == {"EXPENSE": 1000, "HELD": -1000}

    await moved(runtime, ctx, (commission, PENDING))
    await moved(runtime, ctx, (commission, APPROVED))
    assert await balances(look) == {"EXPENSE": 1000, "PAYABLE": -1000}

    await moved(runtime, ctx, (commission, PAID))
    assert await balances(look) == {"EXPENSE": 1000, "PAYABLE": -1000}
    assert await in_states(look) == {"ACCRUAL": ["PAID"]}
    events = await look.rows("commission_events", order="recorded_at, id")
    assert [(row["from_state"], row["to_state"]) for row in events] == [
        (None, "PENDING"),
        ("PENDING", "HELD"),
        ("HELD", "PENDING"),
        ("PENDING", "APPROVED"),
        ("APPROVED", "PAID"),
    ]
    assert {row["key_id"] for row in events} == {ctx.principal.key_id}
    topics = [row["topic"] for row in await look.rows("outbox", "topic LIKE 'commission.%'", "id")]
    assert topics == ["commission.held", "commission.pending", "commission.approved", "commission.paid"]
    assert await verify(runtime.db, ctx.tenant_id) == []


@pytest.mark.parametrize(
    ("state", "after"),
    [
        (PENDING, {"EXPENSE": 750, "ACCRUED": -750}),
        (HELD, {"EXPENSE": 750, "HELD": -750}),
        (APPROVED, {"EXPENSE": 750, "PAYABLE": -750}),
        (PAID, {"EXPENSE": 1000, "PAYABLE": -750, "CLAWED_BACK": -250}),
    ],
)
async def test_a_refund_takes_back_from_where_the_commission_stands(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look, state: CommissionState, after: dict[str, int]
) -> None:
    commission = await booked(runtime, ctx, program, look)
    if state is PAID:
        await moved(runtime, ctx, (commission, APPROVED))
    if state is not PENDING:
        await moved(runtime, ctx, (commission, state))

    await record_refunds(runtime, ctx, [refund("o-1", "25.00")])

    assert await balances(look) == after
    assert await in_states(look) == {"ACCRUAL": [state], "REVERSAL": ["REVERSED"]}
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_what_is_left_moves_and_what_was_taken_back_stays(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    commission = await booked(runtime, ctx, program, look)
    await record_refunds(runtime, ctx, [refund("o-1", "25.00")])
    await edit_orders(runtime, ctx, [edit("o-1", item("200.00"))])

    await moved(runtime, ctx, (commission, APPROVED))

    # 20.00 earned, an eighth of it taken back.
    assert await balances(look) == {"EXPENSE": 1750, "PAYABLE": -1750}
    kinds = await in_states(look)
    assert kinds["ACCRUAL"] == kinds["EDIT"] == ["APPROVED"]
    assert set(kinds["REVERSAL"]) == {"REVERSED"}
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_an_edit_after_the_payout_is_for_the_next_one(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    commission = await booked(runtime, ctx, program, look)
    await moved(runtime, ctx, (commission, APPROVED), (commission, PAID))

    await edit_orders(runtime, ctx, [edit("o-1", item("150.00"))])

    assert await in_states(look) == {"ACCRUAL": ["PAID"], "EDIT": ["APPROVED"]}
    assert await balances(look) == {"EXPENSE": 1500, "PAYABLE": -1500}
    [edited] = await look.rows("commissions", "kind = 'EDIT'")
    # It is held alone: what was paid is not.
    await moved(runtime, ctx, (edited["id"], HELD))
    assert await in_states(look) == {"ACCRUAL": ["PAID"], "EDIT": ["HELD"]}
    assert await balances(look) == {"EXPENSE": 1500, "PAYABLE": -1000, "HELD": -500}
    await moved(runtime, ctx, (edited["id"], APPROVED), (edited["id"], PAID))
    assert await in_states(look) == {"ACCRUAL": ["PAID"], "EDIT": ["PAID"]}
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_a_clawback_to_be_invoiced_leaves_what_is_payable(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    commission = await booked(runtime, ctx, program, look)
    await moved(runtime, ctx, (commission, APPROVED), (commission, PAID))
    async with runtime.db.write(ctx.tenant_id) as session:
        await session.execute(
            """/* test.terms */
            INSERT INTO money_terms (tenant_id, approval, earned_when, hold_days, clawback, updated_at)
            VALUES ($1, 'MANUAL', 'PAID', 0, $2, $3)""",
            ctx.tenant_id,
            Clawback.INVOICE,
            ctx.now,
        )

    await record_refunds(runtime, ctx, [refund("o-1", "25.00")])

    assert await balances(look) == {"EXPENSE": 1000, "PAYABLE": -1000, "CLAWED_BACK": -250, "INVOICED": 250}


async def test_passages_that_there_are_not_are_refused_whole(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    first = await booked(runtime, ctx, program, look)
    second = await booked(runtime, ctx, program, look, name="o-2")
    before = await look.counts("commission_events", "ledger_entries", "outbox")

    with pytest.raises(DomainError, match="PAID and cannot become HELD") as caught:
        await moved(runtime, ctx, (first, APPROVED), (second, PAID), (second, HELD))
    assert caught.value.code == "WRONG_STATE"
    with pytest.raises(DomainError) as caught:
        await moved(runtime, ctx, (ctx.tenant_id, APPROVED))
    assert caught.value.code == "UNKNOWN_COMMISSION"
    # Where it is already, nothing is written.
    await moved(runtime, ctx, (first, PENDING))

    assert await look.counts("commission_events", "ledger_entries", "outbox") == before


async def test_moves_and_refunds_at_once_leave_each_account_exact(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, look: Look
) -> None:
    names = [f"c-{number}" for number in range(6)]
    ids = [await booked(runtime, ctx, program, look, name=name) for name in names]

    await asyncio.gather(
        *(moved(runtime, ctx, (commission, APPROVED)) for commission in ids),
        *(record_refunds(runtime, ctx, [refund(name, "10.00")]) for name in names),
        *(edit_orders(runtime, ctx, [edit(name, item("110.00"))]) for name in names),
    )

    found = await balances(look)
    left = await look.value("sum(amount_minor)::bigint", "commissions")
    assert found == {"EXPENSE": left, "PAYABLE": -left}
    assert {row["state"] for row in await look.rows("commissions", "kind <> 'REVERSAL'")} == {"APPROVED"}
    assert await verify(runtime.db, ctx.tenant_id) == []
