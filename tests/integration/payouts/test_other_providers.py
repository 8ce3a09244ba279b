"""Payouts by PayPal and Tipalti: whole batches in a call, each influencer paid once, whatever is lost on the way."""

import pytest

from app.core.context import nobody
from app.core.payout_words import PayoutProviderName
from app.integrations.payouts import opened
from app.payouts.inputs import PayoutConfirmation, PayoutDecision
from app.usecases.cancel_payout_batches import cancel_payout_batches
from app.usecases.cancel_payout_items import cancel_payout_items
from app.usecases.confirm_payout_items import confirm_payout_items
from app.usecases.return_payout_items import return_payout_items
from app.usecases.send_payouts import payment, take
from app.usecases.settle_payouts import settle
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


async def test_what_was_claimed_is_not_taken_back_by_paypal(payouts: Payouts, paypal: FakePayPal) -> None:
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
    assert (item["state"], item["failure_code"]) == ("SUCCEEDED", "not_offered")


async def test_a_repetition_that_waited_too_long_is_not_made(payouts: Payouts, paypal: FakePayPal) -> None:
    await by_paypal(payouts, paypal, "a@example.com")
    paypal.next.append(Way.LOST_AFTER)
    await payouts.work()
    # Just in time the item may be sent again under its key, and the worker is gone before it is.
    payouts.clock.pass_(days=29, hours=22)
    await asked_only(payouts, PAYPAL)
    assert await payouts.states() == ["RESERVED"]
    payouts.clock.pass_(hours=5)
    paypal.senders.clear()
    await payouts.work()
    assert await payouts.states() == ["UNKNOWN"]
    assert set(paypal.paid.values()) == {1}


async def asked_only(payouts: Payouts, name: PayoutProviderName) -> None:
    """A worker asks about what is to be looked at, writes what it is told, and ends."""
    tenant = payouts.ctx.tenant
    items = {item.id: item for item in await take(payouts.runtime, tenant, name)}
    async with opened(payouts.runtime.settings, tenant.id, name) as provider:
        told = await provider.ask([payment(item) for item in items.values()])
    reports = {report.item_id: report for report in told if report.item_id is not None}
    ctx = nobody(tenant, payouts.clock.now())
    async with payouts.runtime.db.write(tenant.id) as session:
        await settle(payouts.runtime, ctx, session, reports, source="test", taken=items)


async def test_a_question_that_fails_takes_back_nothing_that_was_accepted(payouts: Payouts, paypal: FakePayPal) -> None:
    await by_paypal(payouts, paypal, "a@example.com")
    await payouts.work()
    batches, paypal.batches = paypal.batches, {}
    payouts.clock.pass_(minutes=1)
    await payouts.work()
    (item,) = await payouts.items()
    assert item["state"] == "SENT"
    assert item["next_at"] > payouts.clock.now()
    # Nobody writes off what PayPal took.
    told = PayoutConfirmation(item["id"], "FAILED", reason="no answer")
    (outcome,) = await confirm_payout_items(payouts.runtime, payouts.second, [told])
    assert outcome.code == "PAYOUT_STATE"
    paypal.batches = batches
    paypal.settle("BATCH1")
    payouts.clock.pass_(hours=1)
    await payouts.work()
    assert await payouts.states() == ["SUCCEEDED"]


async def test_a_long_batch_is_read_to_its_end_and_no_further(
    payouts: Payouts, paypal: FakePayPal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await by_paypal(payouts, paypal, "a@example.com", "b@example.com", "c@example.com")
    await payouts.work()
    paypal.settle("BATCH1")
    # PayPal gives fewer items a page than it is asked for, and one of them it does not list.
    paypal.page_items_max = 1
    paypal.batches["BATCH1"]["items"].pop(0)
    paypal.calls.clear()
    payouts.clock.pass_(minutes=1)
    await payouts.work()
    assert sorted(await payouts.states()) == ["SENT", "SUCCEEDED", "SUCCEEDED"]
    assert len([call for call in paypal.calls if call.method == "GET"]) == 2
    # A count of pages that is wrong ends too.
    paypal.pages_told = 10**6
    monkeypatch.setattr("app.integrations.payouts.paypal.PAGES_MAX", 5)
    paypal.is_page_ignored = True
    paypal.calls.clear()
    payouts.clock.pass_(hours=1)
    await payouts.work()
    assert len([call for call in paypal.calls if call.method == "GET"]) == 5


async def test_paypal_is_not_asked_for_parts_of_what_it_pays_whole(payouts: Payouts, paypal: FakePayPal) -> None:
    payouts.with_accounts(paypal=paypal.account())
    await payouts.payee(1_000_00, "HUF", provider=PAYPAL, reference="a@example.com")
    await payouts.payee(1_000_50, "HUF", provider=PAYPAL, reference="b@example.com")
    await payouts.approved(PAYPAL, "HUF")
    await payouts.work()
    found = {item["amount_minor"]: item for item in await payouts.items()}
    assert found[1_000_00]["state"] == "SENT"
    assert (found[1_000_50]["state"], found[1_000_50]["failure_code"]) == ("FAILED", "amount_not_payable")
    (item,) = paypal.batches["BATCH1"]["items"]
    assert item["payout_item"]["amount"] == {"value": "1000", "currency": "HUF"}


async def test_what_paypal_never_looks_at_can_be_cancelled(payouts: Payouts, paypal: FakePayPal) -> None:
    await by_paypal(payouts, paypal, "a@example.com", "b@example.com")
    paypal.is_forbidden = True
    for _ in range(3):
        await payouts.work()
        payouts.clock.pass_(hours=12)
    assert (await payouts.states(), await payouts.batch_state()) == (["RESERVED", "RESERVED"], "EXECUTING")
    first, second = await payouts.items()
    (outcome,) = await cancel_payout_items(payouts.runtime, payouts.first, [PayoutDecision(first["id"])])
    assert outcome.code is None, outcome
    (outcome,) = await cancel_payout_batches(payouts.runtime, payouts.first, [PayoutDecision(second["batch_id"])])
    assert outcome.code is None, outcome
    assert (await payouts.states(), await payouts.batch_state()) == (["CANCELLED", "CANCELLED"], "CANCELLED")
    assert await payouts.accounts() == {("EXPENSE", "GBP"): 20_00, ("PAYABLE", "GBP"): -20_00}


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


@pytest.mark.parametrize("what", ["everything", "the question"])
async def test_a_repetition_that_tipalti_refuses_says_nothing_of_the_first_call(
    payouts: Payouts, tipalti: FakeTipalti, what: str
) -> None:
    await by_tipalti(payouts, tipalti, "payee1")
    tipalti.next.append(Way.LOST_AFTER)
    await payouts.work()
    assert await payouts.states() == ["UNKNOWN"]
    tipalti.refuses = tipalti.is_asking if what == "the question" else lambda call: True
    for _ in range(3):
        payouts.clock.pass_(hours=1)
        await payouts.work()
        assert await payouts.states() == ["UNKNOWN"]
    tipalti.refuses = None
    payouts.clock.pass_(days=1)
    await payouts.work()
    assert await payouts.states() == ["SENT"]
    assert set(tipalti.paid.values()) == {1}


async def test_a_call_that_tipalti_refuses_as_a_whole_is_no_failure(payouts: Payouts, tipalti: FakeTipalti) -> None:
    await by_tipalti(payouts, tipalti, "payee1", "unknown2")
    tipalti.refuses = lambda call: True
    await payouts.work()
    assert await payouts.states() == ["UNKNOWN", "UNKNOWN"]
    tipalti.refuses = None
    payouts.clock.pass_(hours=1)
    await payouts.work()
    assert "SENT" in await payouts.states()
    assert "FAILED" not in await payouts.states()
    assert set(tipalti.paid.values()) == {1}
