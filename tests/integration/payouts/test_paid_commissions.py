"""What a payout pays, and what comes back of it, moves the commissions that it pays, and what is taken back afterwards
comes from what was not paid first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from app.commissions.inputs import CommissionMove, MoneyTermsInput
from app.core.outcomes import Outcome
from app.core.words import Clawback, EarnedWhen
from app.payouts.inputs import PayoutConfirmation
from app.usecases.approve_commissions import approve_commissions
from app.usecases.approve_due import approve_due
from app.usecases.confirm_payout_items import confirm_payout_items
from app.usecases.edit_orders import edit_orders
from app.usecases.hold_commissions import hold_commissions
from app.usecases.record_orders import record_orders
from app.usecases.record_refunds import record_refunds
from app.usecases.reject_commissions import reject_commissions
from app.usecases.release_commissions import release_commissions
from app.usecases.set_money_terms import set_money_terms
from tests.factories.orders import edit, item, order, refund
from tests.factories.payouts import Payouts
from tests.invariants.books import broken_laws

pytestmark = pytest.mark.database

BOTH = pytest.mark.parametrize("clawback", list(Clawback))


@dataclass
class Sold:
    """A tenant that pays out, and an order that earned 10.00: accrual is its commission, APPROVED."""

    payouts: Payouts
    accrual: UUID
    refunds: int = 0
    seen: set[UUID] = field(default_factory=set)

    async def edit(self, total: str) -> None:
        """The order is edited to this amount; a tenth of it is earned."""
        self.payouts.clock.pass_(hours=1)
        (outcome,) = await edit_orders(
            self.payouts.runtime, self.payouts.first, [edit("o", item(total, external_id="l"))]
        )
        assert outcome.outcome is Outcome.RECORDED, outcome

    async def refund(self, amount: str) -> None:
        """So much of the order comes back."""
        self.payouts.clock.pass_(hours=1)
        self.refunds += 1
        sent = refund("o", amount, external_id=f"r-{self.refunds}")
        (outcome,) = await record_refunds(self.payouts.runtime, self.payouts.first, [sent])
        assert outcome.outcome is Outcome.RECORDED, outcome

    async def send(self) -> UUID:
        """A payout of what is due, under way: its item."""
        self.payouts.clock.pass_(hours=1)
        await self.payouts.approved()
        await self.payouts.work()
        (made,) = [each["id"] for each in await self.payouts.items() if each["id"] not in self.seen]
        self.seen.add(made)
        return UUID(str(made))

    async def tell(self, item_id: UUID, outcome: str) -> None:
        """What came of a payout."""
        self.payouts.clock.pass_(hours=1)
        (found,) = await confirm_payout_items(
            self.payouts.runtime, self.payouts.first, [PayoutConfirmation(item_id, outcome)]
        )
        assert found.outcome is Outcome.RECORDED, found

    async def pay(self) -> UUID:
        """A payout that succeeds: its item."""
        item_id = await self.send()
        await self.tell(item_id, "SUCCEEDED")
        return item_id

    async def move(self, write: object, commission_id: UUID | None = None) -> str | None:
        """A commission is moved by hand, the accrual unless another is named: the code of a refusal."""
        self.payouts.clock.pass_(hours=1)
        asked = [CommissionMove(commission_id or self.accrual, "Looked at.")]
        (outcome,) = await write(self.payouts.runtime, self.payouts.first, asked)  # type: ignore[operator]
        code: str | None = outcome.code
        return code

    async def states(self) -> list[str]:
        """The states of what was earned, in order of id."""
        rows = await self.payouts.look.rows("commissions", "state <> 'REVERSED'", "id")
        return [row["state"] for row in rows]

    async def accounts(self) -> Mapping[str, int]:
        """What every account holds; and all laws of money hold."""
        assert await broken_laws(self.payouts.runtime.db, self.payouts.ctx.tenant_id) == {}
        return {account: amount for (account, _), amount in (await self.payouts.accounts()).items()}

    async def rows(self, kind: str) -> list[UUID]:
        """Ids of the commissions of a kind."""
        return [row["id"] for row in await self.payouts.look.rows("commissions", f"kind = '{kind}'", "id")]


async def sold(payouts: Payouts, clawback: Clawback = Clawback.NEXT_PAYOUT) -> Sold:
    """An order of 100.00 by an influencer who is paid by hand."""
    offer = await payouts.program.offer()
    await payouts.method(offer.influencer_id)
    terms = MoneyTermsInput(clawback=clawback, earned_when=EarnedWhen.ORDERED, hold_days=0)
    await set_money_terms(payouts.runtime, payouts.first, [terms])
    sent = order(item("100.00", external_id="l"), external_id="o", codes=(offer.code,))
    await record_orders(payouts.runtime, payouts.first, [sent])
    (row,) = await payouts.look.rows("commissions")
    found = Sold(payouts, row["id"])
    assert await found.move(approve_commissions) is None
    return found


@BOTH
async def test_a_payout_that_comes_back_leaves_what_another_pays(payouts: Payouts, clawback: Clawback) -> None:
    order = await sold(payouts, clawback)
    await order.pay()
    await order.edit("200.00")
    second = await order.pay()
    assert await order.states() == ["PAID", "PAID"]

    await order.tell(second, "RETURNED")

    assert await order.states() == ["PAID", "APPROVED"]
    assert await order.move(reject_commissions) == "WRONG_STATE"
    await order.refund("200.00")
    # One half was not paid after all, and is no expense; the other half was.
    taken = {"EXPENSE": 1000, "CLAWED_BACK": -1000}
    if clawback is Clawback.INVOICE:
        assert await order.accounts() == taken | {"PAID": -1000, "INVOICED": 1000}
    else:
        assert await order.accounts() == taken | {"PAID": -1000, "PAYABLE": 1000}


@BOTH
async def test_what_was_not_paid_is_taken_back_first(payouts: Payouts, clawback: Clawback) -> None:
    order = await sold(payouts, clawback)
    await order.pay()
    await order.edit("200.00")

    owed = "INVOICED" if clawback is Clawback.INVOICE else "PAYABLE"
    await order.refund("60.00")
    assert await order.accounts() == {"EXPENSE": 1400, "PAYABLE": -400, "PAID": -1000}
    await order.refund("60.00")
    after = {"EXPENSE": 1000, "CLAWED_BACK": -200, "PAID": -1000}
    assert await order.accounts() == after | {owed: 200}
    await order.refund("80.00")
    assert await order.accounts() == {"EXPENSE": 1000, "CLAWED_BACK": -1000, owed: 1000, "PAID": -1000}


async def test_nothing_is_paid_for_an_order_that_came_back_whole(payouts: Payouts) -> None:
    order = await sold(payouts, Clawback.INVOICE)
    await order.pay()
    await order.edit("200.00")

    await order.refund("200.00")

    with pytest.raises(AssertionError, match="NOTHING_DUE"):
        await payouts.batch()


@BOTH
async def test_what_was_held_before_its_payout_came_is_held_again_when_it_comes_back(
    payouts: Payouts, clawback: Clawback
) -> None:
    order = await sold(payouts, clawback)
    item_id = await order.send()
    assert await order.move(hold_commissions) is None
    await order.tell(item_id, "SUCCEEDED")
    assert await order.states() == ["PAID"]
    await order.refund("30.00")

    await order.tell(item_id, "RETURNED")

    assert await order.states() == ["HELD"]
    # What was clawed back had not been paid: it is taken back as before a payout.
    assert await order.accounts() == {"EXPENSE": 700, "HELD": -700}
    await approve_due(payouts.runtime, payouts.ctx.tenant)
    assert await order.states() == ["HELD"]


async def test_what_comes_back_to_be_held_holds_what_was_earned_since(payouts: Payouts) -> None:
    order = await sold(payouts)
    item_id = await order.send()
    await order.move(hold_commissions)
    await order.tell(item_id, "SUCCEEDED")
    await order.edit("150.00")
    assert await order.states() == ["PAID", "APPROVED"]

    await order.tell(item_id, "RETURNED")

    assert await order.states() == ["HELD", "HELD"]
    assert await order.accounts() == {"EXPENSE": 1500, "HELD": -1500}


async def test_a_payout_pays_what_it_was_made_for_and_no_more(payouts: Payouts) -> None:
    order = await sold(payouts)
    item_id = await order.send()
    await order.edit("150.00")
    await order.move(hold_commissions)

    await order.tell(item_id, "SUCCEEDED")

    assert await order.states() == ["PAID", "HELD"]
    assert await order.accounts() == {"EXPENSE": 1500, "HELD": -500, "PAID": -1000}
    (edited,) = await order.rows("EDIT")
    assert await order.move(release_commissions, edited) is None
    # The rest of a credit falls due as any other, though its accrual is paid.
    assert await approve_due(payouts.runtime, payouts.ctx.tenant) == 1
    assert await order.states() == ["PAID", "APPROVED"]
    await order.pay()
    assert await order.states() == ["PAID", "PAID"]
    assert await order.accounts() == {"EXPENSE": 1500, "PAID": -1500}


async def test_an_edit_stands_where_its_credit_does(payouts: Payouts) -> None:
    order = await sold(payouts)

    await order.edit("150.00")
    assert await order.states() == ["APPROVED", "APPROVED"]
    await order.move(hold_commissions)
    await order.edit("180.00")
    assert await order.states() == ["HELD", "HELD", "HELD"]

    assert await order.accounts() == {"EXPENSE": 1800, "HELD": -1800}


@BOTH
async def test_a_commission_that_two_payouts_paid_stays_paid_while_one_stands(
    payouts: Payouts, clawback: Clawback
) -> None:
    order = await sold(payouts, clawback)
    first = await order.send()
    await order.tell(first, "FAILED")
    second = await order.pay()
    # It was given up, and had been paid.
    await order.tell(first, "SUCCEEDED")

    await order.tell(second, "RETURNED")
    assert await order.states() == ["PAID"]

    await order.tell(first, "RETURNED")
    assert await order.states() == ["APPROVED"]
    assert await order.accounts() == {"EXPENSE": 1000, "PAYABLE": -1000}
