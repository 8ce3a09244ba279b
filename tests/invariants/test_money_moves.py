"""Laws of money after random sequences of orders, edits, refunds, moves between states, corrections and payouts.

Each sequence goes on in the same tenant, days apart, so that months and their statements come and go.
"""

import dataclasses
import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.commissions import states
from app.commissions.inputs import AdjustmentDecision, CommissionAdjustmentInput, CommissionMove, MoneyTermsInput
from app.commissions.states import Move
from app.core.clock import FixedClock
from app.core.context import Ctx, Role
from app.core.ids import new_id
from app.core.words import Clawback, CommissionState, OrderEventKind
from app.ledger import balances
from app.ledger.statements import OWED, month_of, statements
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
from tests.factories.orders import NOON, Look, ProgramRows, edit, event, item, order, refund
from tests.invariants.books import broken_laws

pytestmark = pytest.mark.database

CURRENCIES = ("GBP", "JPY", "KWD")

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            (
                "order",
                "order",
                "refund",
                "refund",
                "edit",
                "paid",
                "paid",
                "cancel",
                "chargeback",
                "approve",
                "approve",
                "hold",
                "release",
                "reject",
                "due",
                "pay",
                "pay",
                "return",
                "correct",
                "clawback",
                "fold",
            )
        ),
        st.integers(0, 40),
        st.integers(1, 99_999),
    ),
    min_size=8,
    max_size=24,
)
"""What happens, to which order or commission, and with what number."""


@dataclasses.dataclass(slots=True)
class Story:
    """A tenant to whom things happen, a day after the other."""

    runtime: Runtime
    ctx: Ctx
    codes: list[str]
    influencers: list[UUID]
    look: Look
    orders: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    now: datetime = NOON + timedelta(days=1)
    numbers: Any = dataclasses.field(default_factory=lambda: itertools.count(1))

    async def happen(self, what: str, which: int, number: int) -> None:
        """One step; what cannot be is refused, and changes nothing."""
        self.now += timedelta(days=2, hours=5)
        ctx = make_ctx(self.ctx.tenant, now=self.now)
        runtime = dataclasses.replace(self.runtime, clock=FixedClock(self.now))
        at = {"occurred_at": self.now}
        if what == "order" or not self.orders:
            name, currency = f"o-{next(self.numbers)}", CURRENCIES[which % len(CURRENCIES)]
            self.orders.append((name, currency))
            code = self.codes[number % len(self.codes)]
            lines = (item(money(number, currency)), item(money(number // 3 + 1, currency), sku="salt"))
            sent = order(*lines, external_id=name, currency=currency, codes=(code,), **at)
            await record_orders(runtime, ctx, [sent])
            return
        name, currency = self.orders[which % len(self.orders)]
        match what:
            case "refund":
                await record_refunds(runtime, ctx, [refund(name, money(number // 2 + 1, currency), **at)])
            case "edit":
                await edit_orders(runtime, ctx, [edit(name, item(money(number, currency)), **at)])
            case "paid" | "cancel" | "chargeback":
                kinds = {
                    "paid": OrderEventKind.PAID,
                    "cancel": OrderEventKind.CANCELLED,
                    "chargeback": OrderEventKind.CHARGEBACK,
                }
                await record_order_events(runtime, ctx, [event(name, kinds[what], **at)])
            case "due":
                await approve_due(runtime, ctx.tenant)
            case "fold":
                await balances.fold(runtime.db, ctx.tenant_id)
            case "clawback":
                clawback = list(Clawback)[number % 2]
                await set_money_terms(runtime, ctx, [MoneyTermsInput(clawback=clawback, hold_days=number % 9)])
            case "correct":
                await self._correct(runtime, ctx, which, number)
            case _:
                await self._move(runtime, ctx, what, which)

    async def _correct(self, runtime: Runtime, ctx: Ctx, which: int, number: int) -> None:
        amount = Decimal(money(number, "GBP")) - 400
        correction = CommissionAdjustmentInput(
            str(new_id()), self.influencers[which % len(self.influencers)], "GBP", amount or Decimal(1), "By hand."
        )
        [outcome] = await adjust_commissions(runtime, ctx, [correction])
        assert outcome.id is not None, outcome
        other = make_ctx(ctx.tenant, Role.FINANCE, now=self.now)
        await decide_commission_adjustments(
            runtime, other, [AdjustmentDecision(outcome.id, number % 4 != 0, "Looked at.")]
        )

    async def _move(self, runtime: Runtime, ctx: Ctx, what: str, which: int) -> None:
        rows = await self.look.rows("commissions", "state <> 'REVERSED'", "id")
        if not rows:
            return
        asked = [CommissionMove(rows[(which * 7 + step) % len(rows)]["id"], "Because.") for step in (0, 1)]
        match what:
            case "approve":
                await approve_commissions(runtime, ctx, asked)
            case "hold":
                await hold_commissions(runtime, ctx, asked)
            case "release":
                await release_commissions(runtime, ctx, asked)
            case "reject":
                await reject_commissions(runtime, ctx, asked[:1])
            case "pay" | "return":
                await self._settle(ctx, what, which, rows)

    async def _settle(self, ctx: Ctx, what: str, which: int, rows: list[dict[str, Any]]) -> None:
        """As payouts do: what is approved is paid, now and then what was held meanwhile; some of it comes back."""
        starts = {"APPROVED", "HELD"} if which % 3 == 0 else {"APPROVED"}
        async with self.runtime.db.write(ctx.tenant_id) as session:
            if what == "pay":
                paid = [row["id"] for turn, row in enumerate(rows, which) if row["state"] in starts and turn % 4]
                await states.move(ctx, session, [Move(id, CommissionState.PAID) for id in paid])
                return
            back = [row["id"] for turn, row in enumerate(rows, which) if row["state"] == "PAID" and turn % 2]
            passages = await states.lock(ctx, session, back)
            for id in back:
                passages.come_back(id)
            await states.write(ctx, session, passages)

    async def check(self) -> None:
        """All laws hold, and statements lead from one to the next."""
        assert await broken_laws(self.runtime.db, self.ctx.tenant_id) == {}
        async with self.runtime.db.snapshot(self.ctx.tenant_id) as session:
            held = await balances.held(self.ctx, session, OWED)
            for influencer_id in self.influencers:
                closing: dict[str, int] = {}
                for month in months(NOON, self.now):
                    found = await statements(self.ctx, session, influencer_id, month_of(self.ctx, month))
                    assert {each.currency: each.opening for each in found if each.opening} == {
                        currency: amount for currency, amount in closing.items() if amount
                    }
                    for each in found:
                        assert each.opening + sum(moved.amount for moved in each.movements) == each.closing
                        closing[each.currency] = each.closing
                left = {
                    currency: balances.owed(accounts, *OWED)
                    for (whose, currency), accounts in held.items()
                    if whose == influencer_id
                }
                assert {key: value for key, value in closing.items() if value} == {
                    key: value for key, value in left.items() if value
                }


def money(number: int, currency: str) -> str:
    """So many minor units in major ones."""
    return format(Decimal(number).scaleb(-{"JPY": 0, "KWD": 3}.get(currency, 2)), "f")


def months(first: datetime, last: datetime) -> list[str]:
    """The months from one instant to the other, with one more on each side."""
    found, at = [], (first - timedelta(days=31)).astimezone(UTC)
    while at < last + timedelta(days=31):
        found.append(f"{at.year:04}-{at.month:02}")
        at = (at.replace(day=1) + timedelta(days=32)).replace(day=1)
    return list(dict.fromkeys(found))


@pytest.fixture
async def story(runtime: Runtime, ctx: Ctx, admin: Any) -> Story:
    """Two influencers with codes, and rates of all currencies but one."""
    program = ProgramRows(runtime.db, admin, ctx)
    offers = [await program.offer("HOT", "0.1337"), await program.offer("MILD", "0.25")]
    for day in range(0, 400, 5):
        await program.rate("GBP", "JPY", "187.31", on=NOON + timedelta(days=day))
    return Story(
        runtime,
        ctx,
        [offer.code for offer in offers],
        [offer.influencer_id for offer in offers],
        Look(runtime.db, ctx),
    )


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_laws_hold_after_every_sequence(story: Story, steps: list[tuple[str, int, int]]) -> None:
    for step in steps:
        await story.happen(*step)
    await story.check()


async def test_the_sequences_met_every_state_and_kind(story: Story) -> None:
    chance = itertools.cycle(range(1, 97, 7))
    for what in (
        ["order"] * 9
        + ["paid"] * 9
        + ["approve", "due", "pay", "refund", "edit", "reject", "hold"] * 8
        + ["order", "order", "paid", "paid", "approve"]
    ):
        for which in range(3):
            await story.happen(what, which + next(chance), next(chance) * 997)
    await story.check()

    kinds = {(row["kind"], row["state"]) for row in await story.look.rows("commissions")}
    assert {
        ("ACCRUAL", "PENDING"),
        ("ACCRUAL", "APPROVED"),
        ("ACCRUAL", "PAID"),
        ("EDIT", "PAID"),
        ("REVERSAL", "REVERSED"),
        ("REJECTION", "REVERSED"),
    } <= kinds
    accounts = {row["account"] for row in await story.look.rows("ledger_entries")}
    assert {"ACCRUED", "HELD", "PAYABLE", "CLAWED_BACK", "EXPENSE"} <= accounts
