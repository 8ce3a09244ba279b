"""Payouts by Stripe Connect: each influencer is paid once, whatever is lost on the way."""

import asyncio
import threading

import pytest

from app.core.payout_words import PayoutProviderName
from app.payouts.inputs import PayoutDecision
from app.usecases.return_payout_items import return_payout_items
from app.usecases.send_payouts import take
from tests.factories.payouts import Payouts
from tests.fakes.server import Way
from tests.fakes.stripe import FakeStripe

pytestmark = pytest.mark.database

STRIPE = PayoutProviderName.STRIPE


async def ready(payouts: Payouts, stripe: FakeStripe, *amounts: int) -> None:
    """An approved batch of these amounts."""
    payouts.with_accounts(stripe=stripe.account())
    for number, amount in enumerate(amounts):
        await payouts.payee(amount, provider=STRIPE, reference=f"acct_{number}")
    await payouts.approved(STRIPE)


async def test_everybody_is_paid_what_is_due(payouts: Payouts, stripe: FakeStripe) -> None:
    await ready(payouts, stripe, 10_00, 25_50)
    assert await payouts.work() == 2
    assert await payouts.states() == ["SUCCEEDED", "SUCCEEDED"]
    assert await payouts.batch_state() == "DONE"
    assert await payouts.commissions() == ["PAID", "PAID"]
    assert await payouts.accounts() == {("EXPENSE", "GBP"): 35_50, ("PAID", "GBP"): -35_50}
    assert sorted(transfer["amount"] for transfer in stripe.transfers.values()) == [10_00, 25_50]
    assert set(stripe.paid.values()) == {1}
    assert await payouts.look.value("sum(amount_base_minor)", "payout_payments") == 35_50
    # Nothing is left to do, and nothing is due.
    assert await payouts.work() == 0


@pytest.mark.parametrize("way", [Way.LOST_BEFORE, Way.LOST_AFTER, Way.BROKEN_BEFORE, Way.BROKEN_AFTER])
async def test_what_was_not_answered_is_asked_and_paid_once(payouts: Payouts, stripe: FakeStripe, way: Way) -> None:
    await ready(payouts, stripe, 10_00)
    stripe.next.append(way)
    await payouts.work()
    assert await payouts.states() == ["UNKNOWN"]
    assert await payouts.batch_state() == "EXECUTING"
    # Not before its time.
    assert await payouts.work() == 0
    payouts.clock.pass_(seconds=60)
    await payouts.work()
    assert await payouts.states() == ["SUCCEEDED"]
    assert list(stripe.paid.values()) == [1]
    calls = [call for call in stripe.calls if stripe.is_paying(call)]
    # What had been paid was not sent again; what had not was sent under the same key.
    assert len(calls) == (2 if way in (Way.LOST_BEFORE, Way.BROKEN_BEFORE) else 1)
    assert len({call.headers["idempotency-key"] for call in calls}) == 1
    assert await payouts.commissions() == ["PAID"]


async def test_an_error_that_stripe_remembers_ends_when_it_is_forgotten(payouts: Payouts, stripe: FakeStripe) -> None:
    await ready(payouts, stripe, 10_00)
    stripe.is_error_remembered = True
    stripe.next.append(Way.BROKEN_BEFORE)
    await payouts.work()
    for _ in range(3):
        payouts.clock.pass_(hours=7)
        await payouts.work()
        assert await payouts.states() == ["UNKNOWN"]
    # The key may be forgotten now: the same call could pay anew, so none is made.
    payouts.clock.pass_(hours=7)
    stripe.forget_keys()
    await payouts.work()
    assert await payouts.states() == ["FAILED"]
    assert not stripe.paid
    assert await payouts.accounts() == {("EXPENSE", "GBP"): 10_00, ("PAYABLE", "GBP"): -10_00}
    assert await payouts.commissions() == ["APPROVED"]


async def test_some_fail_and_are_due_again(payouts: Payouts, stripe: FakeStripe) -> None:
    stripe.balance["gbp"] = 12_00
    await ready(payouts, stripe, 10_00, 10_00)
    await payouts.work()
    assert sorted(await payouts.states()) == ["FAILED", "SUCCEEDED"]
    assert await payouts.batch_state() == "PARTLY_FAILED"
    assert sorted(await payouts.commissions()) == ["APPROVED", "PAID"]
    (failed,) = [item for item in await payouts.items() if item["state"] == "FAILED"]
    assert failed["failure_code"] == "balance_insufficient"
    stripe.balance["gbp"] = 100_00
    await payouts.approved(STRIPE)
    await payouts.work()
    assert await payouts.commissions() == ["PAID", "PAID"]
    assert await payouts.accounts() == {("EXPENSE", "GBP"): 20_00, ("PAID", "GBP"): -20_00}


async def test_too_many_calls_wait_and_come_again(payouts: Payouts, stripe: FakeStripe) -> None:
    await ready(payouts, stripe, 10_00)
    stripe.next.append(Way.BUSY)
    await payouts.work()
    assert await payouts.states() == ["RESERVED"]
    payouts.clock.pass_(seconds=31)
    await payouts.work()
    assert await payouts.states() == ["SUCCEEDED"]


async def test_a_worker_that_died_leaves_what_others_find_out(payouts: Payouts, stripe: FakeStripe) -> None:
    await ready(payouts, stripe, 10_00, 20_00)
    taken = await take(payouts.runtime, payouts.ctx.tenant, STRIPE)
    assert [item.state.value for item in taken] == ["SENDING", "SENDING"]
    # It is at them, as far as anybody knows.
    assert await payouts.work() == 0
    payouts.clock.pass_(seconds=121)
    await payouts.work()
    assert await payouts.states() == ["SUCCEEDED", "SUCCEEDED"]
    assert set(stripe.paid.values()) == {1}
    events = await payouts.look.rows("payout_events", f"item_id = '{taken[0].id}'", "id")
    assert [event["to_state"] for event in events] == [
        "RESERVED",
        "SENDING",
        "UNKNOWN",
        "RESERVED",
        "SENDING",
        "SUCCEEDED",
    ]


async def test_a_payment_is_taken_back(payouts: Payouts, stripe: FakeStripe) -> None:
    await ready(payouts, stripe, 10_00)
    await payouts.work()
    (item,) = await payouts.items()
    await return_payout_items(payouts.runtime, payouts.first, [PayoutDecision(item["id"], "wrong person")])
    assert await payouts.states() == ["RETURNING"]
    await payouts.work()
    assert await payouts.states() == ["RETURNED"]
    assert await payouts.batch_state() == "PARTLY_FAILED"
    assert await payouts.commissions() == ["APPROVED"]
    assert await payouts.accounts() == {("EXPENSE", "GBP"): 10_00, ("PAYABLE", "GBP"): -10_00}
    assert await payouts.look.value("sum(amount_minor)", "payout_payments") == 0


async def test_many_workers_pay_everybody_once(payouts: Payouts, stripe: FakeStripe) -> None:
    await ready(payouts, stripe, *range(1_00, 1_30))
    looked_at = await asyncio.gather(*(payouts.work() for _ in range(4)))
    assert sum(looked_at) == 30
    assert set(await payouts.states()) == {"SUCCEEDED"}
    assert len(stripe.paid) == 30
    assert set(stripe.paid.values()) == {1}


async def test_a_worker_that_comes_back_late_changes_nothing_that_another_did(
    payouts: Payouts, stripe: FakeStripe
) -> None:
    await ready(payouts, stripe, 10_00)
    arrived, goes_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def wait() -> bool:
        # The first call waits long enough for its lease to end, and is lost then; no other waits.
        stripe.on_arrival = None
        loop.call_soon_threadsafe(arrived.set)
        goes_on.wait(10)
        return True

    stripe.on_arrival = wait
    slow = asyncio.create_task(payouts.work())
    await arrived.wait()
    payouts.clock.pass_(seconds=121)
    await payouts.work()
    assert await payouts.states() == ["SUCCEEDED"]
    goes_on.set()
    await slow
    assert await payouts.states() == ["SUCCEEDED"]
    assert list(stripe.paid.values()) == [1]
    assert len(await payouts.look.rows("payout_payments")) == 1
