"""Payouts by PayPal and Tipalti: whole batches in a call, each influencer paid once, whatever is lost on the way."""

import pytest

from app.core.payout_words import PayoutProviderName
from app.payouts.inputs import PayoutConfirmation, PayoutDecision
from app.usecases.confirm_payout_items import confirm_payout_items
from app.usecases.return_payout_items import return_payout_items
from tests.factories.payouts import Payouts
from tests.fakes.paypal import FakePayPal
from tests.fakes.server import Way
from tests.fakes.tipalti import FakeTipalti

pytestmark = pytest.mark.database

PAYPAL, TIPALTI = PayoutProviderName.PAYPAL, PayoutProviderName.TIPALTI


async def by_paypal(payouts: Payouts, paypal: FakePayPal, *references: str) -> None:
    """An approved batch by PayPal of 10.00 for each."""
    payouts.with_accounts(paypal=paypal.account())
    for reference in references:
        await payouts.payee(10_00, provider=PAYPAL, reference=reference)
    await payouts.approved(PAYPAL)


async def test_paypal_takes_a_batch_and_pays_its_items_one_by_one(payouts: Payouts, paypal: FakePayPal) -> None:
    await by_paypal(payouts, paypal, "a@example.com", "b@example.com", "c@example.com")
    await payouts.work()
    assert await payouts.states() == ["SENT"] * 3
    assert await payouts.commissions() == ["APPROVED"] * 3
    paypal.settle("BATCH1", "SUCCESS", "FAILED", "UNCLAIMED")
    payouts.clock.pass_(minutes=1)
    await payouts.work()
    assert sorted(await payouts.states()) == ["FAILED", "SENT", "SUCCEEDED"]
    assert await payouts.batch_state() == "EXECUTING"
    # After 30 days PayPal gives back what nobody claimed.
    paypal.settle("BATCH1", "SUCCESS", "FAILED", "RETURNED")
    payouts.clock.pass_(days=30)
    await payouts.work()
    assert sorted(await payouts.states()) == ["FAILED", "RETURNED", "SUCCEEDED"]
    assert await payouts.batch_state() == "PARTLY_FAILED"
    assert sorted(await payouts.commissions()) == ["APPROVED", "APPROVED", "PAID"]
    assert await payouts.accounts() == {
        ("EXPENSE", "GBP"): 30_00,
        ("PAYABLE", "GBP"): -20_00,
        ("PAID", "GBP"): -10_25,
        ("FEES", "GBP"): 25,
    }
    assert set(paypal.paid.values()) == {1}
    (paid,) = await payouts.look.rows("payout_payments")
    # PayPal's own time of the payment, but never one that is yet to come.
    assert paid["occurred_at"].isoformat() == "2026-05-01T10:17:41+00:00"


@pytest.mark.parametrize("way", [Way.LOST_BEFORE, Way.LOST_AFTER, Way.BROKEN_BEFORE, Way.BROKEN_AFTER])
async def test_a_batch_that_was_not_answered_is_known_by_its_repetition(
    payouts: Payouts, paypal: FakePayPal, way: Way
) -> None:
    await by_paypal(payouts, paypal, "a@example.com", "b@example.com")
    paypal.next.append(way)
    await payouts.work()
    assert await payouts.states() == ["UNKNOWN", "UNKNOWN"]
    payouts.clock.pass_(minutes=1)
    await payouts.work()
    assert await payouts.states() == ["SENT", "SENT"]
    assert list(paypal.batches) == ["BATCH1"]
    paypal.settle("BATCH1")
    payouts.clock.pass_(minutes=5)
    await payouts.work()
    assert await payouts.states() == ["SUCCEEDED", "SUCCEEDED"]
    assert set(paypal.paid.values()) == {1}


async def test_a_repetition_without_a_link_stays_unknown_until_somebody_tells(
    payouts: Payouts, paypal: FakePayPal
) -> None:
    await by_paypal(payouts, paypal, "a@example.com")
    paypal.names_known = False
    paypal.next.append(Way.LOST_AFTER)
    for _ in range(4):
        await payouts.work()
        assert await payouts.states() == ["UNKNOWN"]
        payouts.clock.pass_(days=9)
    # The id may be forgotten now: PayPal would pay again, so it is not called.
    paypal.senders.clear()
    await payouts.work()
    assert await payouts.states() == ["UNKNOWN"]
    assert set(paypal.paid.values()) == {1}
    (item,) = await payouts.items()
    told = PayoutConfirmation(item["id"], "SUCCEEDED", reason="seen in the account")
    (outcome,) = await confirm_payout_items(payouts.runtime, payouts.second, [told])
    assert outcome.code is None, outcome
    assert await payouts.states() == ["SUCCEEDED"]


async def test_one_item_that_is_wrong_does_not_keep_the_others(payouts: Payouts, paypal: FakePayPal) -> None:
    await by_paypal(payouts, paypal, "a@example.com", "nobody@nowhere", "c@example.com")
    await payouts.work()
    assert sorted(await payouts.states()) == ["FAILED", "RESERVED", "RESERVED"]
    payouts.clock.pass_(minutes=1)
    await payouts.work()
    assert sorted(await payouts.states()) == ["FAILED", "SENT", "SENT"]
    assert len(paypal.paid) == 2


async def test_what_nobody_claimed_can_be_cancelled_only_at_paypal(payouts: Payouts, paypal: FakePayPal) -> None:
    await by_paypal(payouts, paypal, "a@example.com")
    await payouts.work()
    paypal.settle("BATCH1", "SUCCESS")
    payouts.clock.pass_(minutes=1)
    await payouts.work()
    (item,) = await payouts.items()
    await return_payout_items(payouts.runtime, payouts.first, [PayoutDecision(item["id"])])
    await payouts.work()
    (item,) = await payouts.items()
    # PayPal takes no claimed payment back: it stays paid, and says why.
    assert (item["state"], item["failure_code"]) == ("SUCCEEDED", "ITEM_INCORRECT_STATUS")


async def test_a_wrong_secret_sends_nothing_and_is_no_failure(payouts: Payouts, paypal: FakePayPal) -> None:
    payouts.with_accounts(paypal={**paypal.account(), "client_secret": "wrong"})
    await payouts.payee(10_00, provider=PAYPAL, reference="a@example.com")
    await payouts.approved(PAYPAL)
    await payouts.work()
    assert await payouts.states() == ["RESERVED"]
    assert not paypal.paid
    payouts.with_accounts(paypal=paypal.account())
    payouts.clock.pass_(minutes=1)
    await payouts.work()
    assert await payouts.states() == ["SENT"]


async def by_tipalti(payouts: Payouts, tipalti: FakeTipalti, *references: str) -> None:
    """An approved batch by Tipalti of 10.00 for each."""
    payouts.with_accounts(tipalti=tipalti.account())
    for reference in references:
        await payouts.payee(10_00, provider=TIPALTI, reference=reference)
    await payouts.approved(TIPALTI)


async def test_tipalti_pays_what_it_knows(payouts: Payouts, tipalti: FakeTipalti) -> None:
    await by_tipalti(payouts, tipalti, "payee1", "unknown2")
    await payouts.work()
    assert sorted(await payouts.states()) == ["FAILED", "SENT"]
    tipalti.orders = dict.fromkeys(tipalti.orders, "Paid")
    payouts.clock.pass_(minutes=1)
    await payouts.work()
    assert sorted(await payouts.states()) == ["FAILED", "SUCCEEDED"]
    (failed,) = [item for item in await payouts.items() if item["state"] == "FAILED"]
    assert failed["failure"] == "PayeeUnknown"
    assert set(tipalti.paid.values()) == {1}


@pytest.mark.parametrize("way", [Way.LOST_BEFORE, Way.LOST_AFTER, Way.BROKEN_BEFORE, Way.BROKEN_AFTER])
async def test_tipalti_takes_a_payment_once(payouts: Payouts, tipalti: FakeTipalti, way: Way) -> None:
    await by_tipalti(payouts, tipalti, "payee1", "payee2")
    tipalti.next.append(way)
    await payouts.work()
    assert await payouts.states() == ["UNKNOWN", "UNKNOWN"]
    payouts.clock.pass_(minutes=1)
    await payouts.work()
    assert await payouts.states() == ["SENT", "SENT"]
    assert set(tipalti.paid.values()) == {1}
    assert len(tipalti.paid) == 2
