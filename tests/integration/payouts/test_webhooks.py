"""Webhooks of payout providers: believed when they are signed, taken once, in whatever order they come."""

import asyncio
import threading
from collections import Counter
from uuid import UUID

import httpx
import pytest

from app.core.payout_words import PayoutProviderName
from app.integrations.payouts import made
from app.main import create_app
from app.payouts.port import PayoutProvider
from app.settings import Settings
from app.web import payouts as webhooks
from tests.factories.payouts import Payouts
from tests.fakes.paypal import FakePayPal
from tests.fakes.server import Answer, Call, Way
from tests.fakes.stripe import FakeStripe
from tests.fakes.tipalti import FakeTipalti

pytestmark = pytest.mark.database

STRIPE, PAYPAL, TIPALTI = PayoutProviderName.STRIPE, PayoutProviderName.PAYPAL, PayoutProviderName.TIPALTI


async def deliver(payouts: Payouts, provider: str, headers: dict[str, str], body: bytes, tenant: object = None) -> int:
    """The status that the provider gets for its webhook."""
    transport = httpx.ASGITransport(app=create_app(payouts.runtime))
    async with httpx.AsyncClient(transport=transport, base_url="http://scoville.test") as http:
        path = f"/webhooks/payouts/{provider}/{tenant or payouts.ctx.tenant_id}"
        response = await http.post(path, content=body, headers=headers)
    return response.status_code


async def test_a_webhook_tells_before_anybody_asks(payouts: Payouts, stripe: FakeStripe) -> None:
    payouts.with_accounts(stripe=stripe.account())
    await payouts.payee(10_00, provider=STRIPE, reference="acct_1")
    await payouts.approved(STRIPE)
    stripe.next.append(Way.LOST_AFTER)
    await payouts.work()
    (transfer_id,) = stripe.transfers
    headers, body = stripe.webhook("transfer.created", transfer_id)
    assert await deliver(payouts, "stripe", headers, body) == 204
    assert await payouts.states() == ["SUCCEEDED"]
    assert await deliver(payouts, "stripe", headers, body) == 204
    assert len(await payouts.look.rows("payout_payments")) == 1
    assert len(await payouts.look.rows("payout_messages")) == 1


async def test_parts_that_come_back_are_booked_as_they_come(payouts: Payouts, stripe: FakeStripe) -> None:
    payouts.with_accounts(stripe=stripe.account())
    await payouts.payee(10_00, provider=STRIPE, reference="acct_1")
    await payouts.approved(STRIPE)
    await payouts.work()
    (transfer_id,) = stripe.transfers
    stripe.take_back(transfer_id, 3_00)
    headers, body = stripe.webhook("transfer.reversed", transfer_id, id="evt_part")
    assert await deliver(payouts, "stripe", headers, body) == 204
    assert await payouts.states() == ["SUCCEEDED"]
    assert await payouts.accounts() == {
        ("EXPENSE", "GBP"): 10_00,
        ("PAID", "GBP"): -7_00,
        ("PAYABLE", "GBP"): -3_00,
    }
    # An older message that comes late takes nothing back.
    stripe.take_back(transfer_id, 7_00)
    late = stripe.webhook("transfer.reversed", transfer_id, id="evt_whole")
    assert await deliver(payouts, "stripe", *late) == 204
    assert await deliver(payouts, "stripe", *stripe.webhook("transfer.created", transfer_id, id="evt_late")) == 204
    assert await payouts.states() == ["RETURNED"]
    assert await payouts.look.value("sum(amount_minor)", "payout_payments") == 0
    assert await payouts.commissions() == ["APPROVED"]


async def test_what_is_not_signed_is_refused_without_a_word(payouts: Payouts, stripe: FakeStripe) -> None:
    payouts.with_accounts(stripe=stripe.account())
    await payouts.payee(10_00, provider=STRIPE, reference="acct_1")
    await payouts.approved(STRIPE)
    stripe.next.append(Way.LOST_AFTER)
    await payouts.work()
    (transfer_id,) = stripe.transfers
    headers, body = stripe.webhook("transfer.created", transfer_id)
    forged, _ = stripe.webhook("transfer.created", transfer_id, secret="whsec_guessed")
    assert await deliver(payouts, "stripe", forged, body) == 404
    assert await deliver(payouts, "stripe", {}, body) == 404
    assert await deliver(payouts, "stripe", headers, body.replace(b"created", b"updated")) == 404
    old = {"stripe-signature": headers["stripe-signature"].replace("t=1", "t=0", 1)}
    assert await deliver(payouts, "stripe", old, body) == 404
    # Another tenant's address, a provider without an account, and none at all.
    other = "00000000-0000-0000-0000-00000000beef"
    assert await deliver(payouts, "stripe", headers, body, other) == 404
    assert await deliver(payouts, "paypal", headers, body) == 404
    assert await deliver(payouts, "manual", headers, body) == 404
    assert await deliver(payouts, "somebody", headers, body) == 404
    assert await payouts.states() == ["UNKNOWN"]
    assert not await payouts.look.rows("payout_messages")


async def test_paypal_confirms_its_own_webhooks(payouts: Payouts, paypal: FakePayPal) -> None:
    payouts.with_accounts(paypal=paypal.account())
    await payouts.payee(10_00, provider=PAYPAL, reference="a@example.com")
    await payouts.approved(PAYPAL)
    paypal.next.append(Way.LOST_AFTER)
    await payouts.work()
    (item,) = await payouts.items()
    paypal.settle("BATCH1", "SUCCESS")
    headers, body = paypal.webhook(str(item["id"]), key=b"guessed")
    assert await deliver(payouts, "paypal", headers, body) == 404
    assert await payouts.states() == ["UNKNOWN"]
    headers, body = paypal.webhook(str(item["id"]))
    assert await deliver(payouts, "paypal", headers, body) == 204
    (item,) = await payouts.items()
    assert (item["state"], item["provider_batch_id"], item["fee_minor"]) == ("SUCCEEDED", "BATCH1", 25)
    # A refund by the receiver, told later.
    paypal.settle("BATCH1", "REFUNDED")
    assert await deliver(payouts, "paypal", *paypal.webhook(str(item["id"]), id="WH-EVENT-2")) == 204
    assert await payouts.states() == ["RETURNED"]


async def test_an_ipn_of_tipalti_has_the_payment_asked_about(payouts: Payouts, tipalti: FakeTipalti) -> None:
    payouts.with_accounts(tipalti=tipalti.account())
    await payouts.payee(10_00, provider=TIPALTI, reference="payee1")
    await payouts.approved(TIPALTI)
    await payouts.work()
    (code,) = tipalti.orders
    tipalti.orders[code] = "Paid"
    assert await deliver(payouts, "tipalti", {}, b"type=completed&refCode=" + code.encode()) == 404
    assert await deliver(payouts, "tipalti", {}, tipalti.notice(code)) == 204
    assert await payouts.states() == ["SENT"]
    await payouts.work()
    assert await payouts.states() == ["SUCCEEDED"]


async def test_an_account_is_opened_once_and_asked_a_few_times_at_once(
    payouts: Payouts, paypal: FakePayPal, monkeypatch: pytest.MonkeyPatch
) -> None:
    payouts.with_accounts(paypal=paypal.account())
    await payouts.payee(10_00, provider=PAYPAL, reference="a@example.com")
    await payouts.approved(PAYPAL)
    await payouts.work()
    (item,) = await payouts.items()
    asked, go_on = threading.Semaphore(0), threading.Event()
    answer = paypal.answer

    def slow(call: Call) -> Answer:
        if call.path.endswith("verify-webhook-signature"):
            asked.release()
            paypal.lock.release()
            go_on.wait(10)
            paypal.lock.acquire()
        return answer(call)

    monkeypatch.setattr(paypal, "answer", slow)
    opened = Counter[str]()

    def counted(settings: Settings, tenant_id: UUID, name: PayoutProviderName) -> PayoutProvider:
        opened[name] += 1
        return made(settings, tenant_id, name)

    monkeypatch.setattr("app.web.payouts.made", counted)
    headers, body = paypal.webhook(str(item["id"]), key=b"guessed")
    transport = httpx.ASGITransport(app=create_app(payouts.runtime))
    async with httpx.AsyncClient(transport=transport, base_url="http://scoville.test") as http:

        async def deliver(sent: dict[str, str]) -> int:
            path = f"/webhooks/payouts/paypal/{payouts.ctx.tenant_id}"
            return (await http.post(path, content=body, headers=sent)).status_code

        waiting = [asyncio.create_task(deliver(headers)) for _ in range(webhooks.CHECKS_MAX)]
        for _ in waiting:
            assert await asyncio.to_thread(asked.acquire, timeout=10)
        assert [await deliver(headers) for _ in range(3)] == [503] * 3
        go_on.set()
        assert await asyncio.gather(*waiting) == [404] * webhooks.CHECKS_MAX
        assert await deliver(headers) == 404
        # What cannot be PayPal's has nobody asked.
        calls = len(paypal.calls)
        assert await deliver({}) == 404
        assert len(paypal.calls) == calls
        monkeypatch.setattr(webhooks, "CHECK_TIMEOUT_S", 0.05)
        go_on.clear()
        assert await deliver(headers) == 503
        go_on.set()
    assert opened == {PAYPAL: 1}
