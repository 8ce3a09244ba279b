"""Between the draft and the call things happen: whoever must not be paid any more is left out, and nobody else."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from app.core.outcomes import Outcome
from app.core.payout_words import PayoutMethodStatus, PayoutProviderName
from app.core.words import InfluencerStatus
from app.influencers.inputs import InfluencerChange
from app.payouts.inputs import PayoutConfirmation, PayoutDecision, PayoutMethodInput
from app.usecases.approve_payout_batches import approve_payout_batches
from app.usecases.cancel_payout_batches import cancel_payout_batches
from app.usecases.confirm_payout_items import confirm_payout_items
from app.usecases.update_influencers import update_influencers
from app.usecases.upsert_payout_methods import upsert_payout_methods
from tests.factories.payouts import Payouts
from tests.fakes.server import Way
from tests.fakes.stripe import FakeStripe
from tests.integration.payouts.test_webhooks import deliver

pytestmark = pytest.mark.database

STRIPE = PayoutProviderName.STRIPE


async def take_back(payouts: Payouts, influencer_id: UUID) -> None:
    """What the influencer earned is taken back."""
    await payouts.earn(influencer_id, -10_00)


async def suspend(payouts: Payouts, influencer_id: UUID) -> None:
    """The influencer is suspended."""
    change = InfluencerChange(influencer_id, status=InfluencerStatus.SUSPENDED)
    (outcome,) = await update_influencers(payouts.runtime, payouts.first, [change])
    assert outcome.code is None, outcome


async def disable(payouts: Payouts, influencer_id: UUID) -> None:
    """The influencer's method is disabled."""
    method = PayoutMethodInput(influencer_id, "GBP", status=PayoutMethodStatus.DISABLED)
    (outcome,) = await upsert_payout_methods(payouts.runtime, payouts.first, [method])
    assert outcome.code is None, outcome


EVENTS = pytest.mark.parametrize(
    ("happens", "why"),
    [(take_back, "NOT_DUE"), (suspend, "INFLUENCER_SUSPENDED"), (disable, "METHOD_DISABLED")],
)
Happens = Callable[[Payouts, UUID], Awaitable[None]]


async def two(payouts: Payouts, stripe: FakeStripe) -> UUID:
    """Two influencers are due 10.00 and 20.00: the first one's id."""
    payouts.with_accounts(stripe=stripe.account())
    first = await payouts.payee(10_00, provider=STRIPE, reference="acct_1")
    await payouts.payee(20_00, provider=STRIPE, reference="acct_2")
    return first


async def left_out(payouts: Payouts, influencer_id: UUID, why: str, source: str) -> None:
    """Only the other was paid, the first is CANCELLED and says why, and the books hold what is still owed to it."""
    await payouts.work()
    found = {row["influencer_id"]: row for row in await payouts.items()}
    out = found.pop(influencer_id)
    assert (out["state"], out["failure_code"], out["next_at"]) == ("CANCELLED", why, None)
    assert [row["state"] for row in found.values()] == ["SUCCEEDED"]
    *_, event = await payouts.look.rows("payout_events", f"item_id = '{out['id']}'", "id")
    assert (event["to_state"], event["reason"], event["source"]) == ("CANCELLED", why, source)
    assert await payouts.batch_state() == "DONE"
    owed = {} if why == "NOT_DUE" else {("PAYABLE", "GBP"): -10_00}
    expense = 20_00 if why == "NOT_DUE" else 30_00
    assert await payouts.accounts() == {("EXPENSE", "GBP"): expense, ("PAID", "GBP"): -20_00, **owed}


@EVENTS
async def test_who_must_not_be_paid_any_more_is_left_out_when_the_batch_is_approved(
    payouts: Payouts, stripe: FakeStripe, happens: Happens, why: str
) -> None:
    first = await two(payouts, stripe)
    batch_id = await payouts.batch(STRIPE)
    await happens(payouts, first)
    (outcome,) = await approve_payout_batches(payouts.runtime, payouts.second, [PayoutDecision(batch_id)])
    assert outcome.outcome is Outcome.RECORDED
    assert sorted(await payouts.states()) == ["CANCELLED", "RESERVED"]
    await left_out(payouts, first, why, "person")


@EVENTS
async def test_who_must_not_be_paid_any_more_is_left_out_before_the_call(
    payouts: Payouts, stripe: FakeStripe, happens: Happens, why: str
) -> None:
    first = await two(payouts, stripe)
    await payouts.approved(STRIPE)
    await happens(payouts, first)
    await left_out(payouts, first, why, "worker")


@EVENTS
async def test_a_batch_of_which_nothing_can_be_paid_is_not_approved(
    payouts: Payouts, happens: Happens, why: str
) -> None:
    influencer_id = await payouts.payee(10_00)
    batch_id = await payouts.batch()
    await happens(payouts, influencer_id)
    (refused,) = await approve_payout_batches(payouts.runtime, payouts.second, [PayoutDecision(batch_id)])
    assert refused.code == "NOTHING_DUE"
    assert why in (refused.message or "")
    assert (await payouts.batch_state(), await payouts.states()) == ("DRAFT", ["RESERVED"])
    (cancelled,) = await cancel_payout_batches(payouts.runtime, payouts.first, [PayoutDecision(batch_id)])
    assert cancelled.outcome is Outcome.RECORDED
    assert ("PAYING", "GBP") not in await payouts.accounts()


async def test_a_batch_that_holds_nobody_any_more_is_cancelled_by_the_worker(
    payouts: Payouts, stripe: FakeStripe
) -> None:
    payouts.with_accounts(stripe=stripe.account())
    for number in range(2):
        influencer_id = await payouts.payee(10_00, provider=STRIPE, reference=f"acct_{number}")
        await payouts.approved(STRIPE)
        if number == 0:
            await suspend(payouts, influencer_id)
    # The first batch is looked at first, and does not keep the second from its turn.
    await payouts.work()
    assert sorted(await payouts.states()) == ["CANCELLED", "SUCCEEDED"]
    batches = await payouts.look.rows("payout_batches", order="id")
    assert [batch["state"] for batch in batches] == ["CANCELLED", "DONE"]


async def test_a_payment_that_was_given_up_and_had_been_made_is_not_made_again(
    payouts: Payouts, stripe: FakeStripe
) -> None:
    payouts.with_accounts(stripe=stripe.account())
    await payouts.payee(100_00, provider=STRIPE, reference="acct_1")
    await payouts.approved(STRIPE)
    stripe.next.append(Way.LOST_AFTER)
    await payouts.work()
    (item,) = await payouts.items()
    assert item["state"] == "UNKNOWN"
    told = PayoutConfirmation(item["id"], "FAILED", reason="not seen in the account")
    await confirm_payout_items(payouts.runtime, payouts.second, [told])
    await payouts.approved(STRIPE)
    # The provider's word comes between the approval and the call.
    (transfer_id,) = stripe.transfers
    assert await deliver(payouts, "stripe", *stripe.webhook("transfer.created", transfer_id)) == 204
    await payouts.work()
    assert await payouts.states() == ["SUCCEEDED", "CANCELLED"]
    assert len(stripe.transfers) == 1
    assert await payouts.accounts() == {("EXPENSE", "GBP"): 100_00, ("PAID", "GBP"): -100_00}
