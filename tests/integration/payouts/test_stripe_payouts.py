"""Payouts by Stripe Connect: each influencer is paid once, whatever is lost on the way."""

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence

import pytest

from app.core.outcomes import Outcome
from app.core.payout_words import PayoutProviderName
from app.integrations.payouts.stripe import StripeConnect
from app.payouts.inputs import PayoutConfirmation, PayoutDecision
from app.payouts.port import Payment, Report
from app.usecases.cancel_payout_batches import cancel_payout_batches
from app.usecases.confirm_payout_items import confirm_payout_items
from app.usecases.return_payout_items import return_payout_items
from app.usecases.send_payouts import CALLS_AT_ONCE, take
from tests.factories.payouts import Payouts
from tests.fakes.paypal import FakePayPal
from tests.fakes.server import Way
from tests.fakes.stripe import FakeStripe
from tests.integration.payouts.test_webhooks import deliver

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


async def test_the_rest_of_a_payment_is_taken_back_after_a_part_came_back(payouts: Payouts, stripe: FakeStripe) -> None:
    await ready(payouts, stripe, 10_00)
    await payouts.work()
    (item,) = await payouts.items()
    stripe.take_back(item["provider_id"], 4_00)
    await deliver(payouts, "stripe", *stripe.webhook("transfer.reversed", item["provider_id"]))
    await return_payout_items(payouts.runtime, payouts.first, [PayoutDecision(item["id"], "wrong person")])
    await payouts.work()
    assert await payouts.states() == ["RETURNED"]
    assert stripe.transfers[item["provider_id"]]["amount_reversed"] == 10_00
    assert await payouts.accounts() == {("EXPENSE", "GBP"): 10_00, ("PAYABLE", "GBP"): -10_00}


async def test_a_person_tells_that_what_is_being_taken_back_is_back(payouts: Payouts, stripe: FakeStripe) -> None:
    await ready(payouts, stripe, 10_00)
    await payouts.work()
    (item,) = await payouts.items()
    await return_payout_items(payouts.runtime, payouts.first, [PayoutDecision(item["id"], "wrong person")])
    told = PayoutConfirmation(item["id"], "RETURNED", reason="by bank transfer")
    (outcome,) = await confirm_payout_items(payouts.runtime, payouts.second, [told])
    assert outcome.code is None, outcome
    assert await payouts.states() == ["RETURNED"]
    assert await payouts.accounts() == {("EXPENSE", "GBP"): 10_00, ("PAYABLE", "GBP"): -10_00}


@pytest.mark.parametrize("reference", [None, "seen in the dashboard"])
async def test_what_a_person_told_to_be_paid_is_taken_back_under_the_providers_name(
    payouts: Payouts, stripe: FakeStripe, reference: str | None
) -> None:
    await ready(payouts, stripe, 10_00)
    stripe.next.append(Way.LOST_AFTER)
    await payouts.work()
    (item,) = await payouts.items()
    told = PayoutConfirmation(item["id"], "SUCCEEDED", reference=reference)
    await confirm_payout_items(payouts.runtime, payouts.second, [told])
    await return_payout_items(payouts.runtime, payouts.first, [PayoutDecision(item["id"], "wrong person")])
    await payouts.work()
    assert await payouts.states() == ["RETURNED"]
    (item,) = await payouts.items()
    assert item["provider_id"] in stripe.transfers


async def test_a_return_is_dated_when_it_is_told(payouts: Payouts, stripe: FakeStripe) -> None:
    await ready(payouts, stripe, 10_00)
    await payouts.work()
    (item,) = await payouts.items()
    payouts.clock.pass_(days=75)
    stripe.transfers[item["provider_id"]]["created"] = int(item["paid_at"].timestamp())
    stripe.take_back(item["provider_id"], 10_00)
    await deliver(payouts, "stripe", *stripe.webhook("transfer.reversed", item["provider_id"]))
    dates = {row["kind"]: row["occurred_at"] for row in await payouts.look.rows("payout_payments")}
    assert dates == {"PAID": item["paid_at"], "RETURNED": payouts.clock.now()}


async def test_a_key_that_was_revoked_keeps_nobody_from_cancelling(payouts: Payouts, stripe: FakeStripe) -> None:
    await ready(payouts, stripe, 10_00)
    await payouts.work()
    payouts.with_accounts(stripe=stripe.account() | {"secret_key": "sk_test_revoked"})
    for number in range(2):
        await payouts.payee(20_00, provider=STRIPE, reference=f"acct_{number}")
    batch_id = await payouts.approved(STRIPE)
    for _ in range(3):
        await payouts.work()
        payouts.clock.pass_(hours=30)
    assert await payouts.states() == ["SUCCEEDED", "RESERVED", "RESERVED"]
    (outcome,) = await cancel_payout_batches(payouts.runtime, payouts.first, [PayoutDecision(batch_id, "key revoked")])
    assert outcome.outcome is Outcome.RECORDED, outcome
    assert await payouts.states() == ["SUCCEEDED", "CANCELLED", "CANCELLED"]
    (again,) = await cancel_payout_batches(payouts.runtime, payouts.first, [PayoutDecision(batch_id)])
    assert again.outcome is Outcome.REPLAYED
    # They are due again.
    payouts.with_accounts(stripe=stripe.account())
    await payouts.approved(STRIPE)
    await payouts.work()
    assert await payouts.accounts() == {("EXPENSE", "GBP"): 50_00, ("PAID", "GBP"): -50_00}


async def test_the_rest_of_a_batch_is_cancelled_and_what_was_paid_stays_paid(
    payouts: Payouts, stripe: FakeStripe
) -> None:
    await ready(payouts, stripe, 10_00, 20_00)
    # The second call is put off, and then the key is revoked.
    stripe.next += [Way.USUAL, Way.BUSY]
    await payouts.work()
    assert sorted(await payouts.states()) == ["RESERVED", "SUCCEEDED"]
    (item, *_) = await payouts.items()
    (outcome,) = await cancel_payout_batches(payouts.runtime, payouts.first, [PayoutDecision(item["batch_id"])])
    assert outcome.outcome is Outcome.RECORDED, outcome
    assert sorted(await payouts.states()) == ["CANCELLED", "SUCCEEDED"]
    assert await payouts.batch_state() == "DONE"


class Broken(StripeConnect):
    """Fails at the payment to one account, before it is sent, as no provider should."""

    async def pay(self, payments: Sequence[Payment], *, is_repeated: bool = False) -> Sequence[Report]:
        """As usual but for one."""
        if payments[0].reference == "acct_1":
            raise RuntimeError("a defect")
        return await super().pay(payments, is_repeated=is_repeated)


async def test_a_call_that_fails_ends_no_other(
    payouts: Payouts, stripe: FakeStripe, paypal: FakePayPal, monkeypatch: pytest.MonkeyPatch
) -> None:
    payouts.with_accounts(stripe=stripe.account(), paypal=paypal.account())
    for number in range(3):
        await payouts.payee(10_00, provider=STRIPE, reference=f"acct_{number}")
    await payouts.payee(10_00, provider=PayoutProviderName.PAYPAL, reference="a@example.com")
    await payouts.approved(STRIPE)
    await payouts.approved(PayoutProviderName.PAYPAL)
    monkeypatch.setattr("app.integrations.payouts.stripe.StripeConnect", Broken)
    with pytest.raises(ExceptionGroup) as failed:
        await payouts.work()
    assert failed.group_contains(RuntimeError)
    assert sorted(await payouts.states()) == ["SENDING", "SENT", "SUCCEEDED", "SUCCEEDED"]
    monkeypatch.undo()
    payouts.clock.pass_(seconds=121)
    await payouts.work()
    assert sorted(await payouts.states()) == ["SENT", "SUCCEEDED", "SUCCEEDED", "SUCCEEDED"]
    assert set(stripe.paid.values()) == {1}


async def test_no_call_is_made_that_could_outlive_its_lease(payouts: Payouts, stripe: FakeStripe) -> None:
    await ready(payouts, stripe, *range(1_00, 1_02 + CALLS_AT_ONCE))

    def dawdle() -> None:
        # The first payment takes nearly as long as the lease; those at once with it have begun.
        stripe.on_paid = None
        payouts.clock.pass_(seconds=118)

    stripe.on_paid = dawdle
    with pytest.raises(ExceptionGroup) as failed:
        await payouts.work()
    assert failed.group_contains(TimeoutError)
    assert Counter(await payouts.states()) == {"SUCCEEDED": CALLS_AT_ONCE, "SENDING": 2}
    assert len(stripe.paid) == CALLS_AT_ONCE
    payouts.clock.pass_(seconds=121)
    await payouts.work()
    assert set(await payouts.states()) == {"SUCCEEDED"}
    assert set(stripe.paid.values()) == {1}


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
