"""PayPal Payouts: one call for a whole batch, under a sender_batch_id that PayPal takes once in 30 days.

PayPal checks neither the sender_item_id nor PayPal-Request-Id for repetitions, the sender_batch_id alone. What was not
answered can be asked by the same call only: PayPal refuses the repetition and names the batch that it has.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson

from app.core.money import from_minor, to_minor
from app.core.payout_words import PayoutProviderName
from app.errors import DomainError
from app.integrations.payouts.http import Http, Reply
from app.payouts.accounts import PayPalAccount
from app.payouts.port import CALL_ITEMS_MAX, BadSignature, Message, Onboarding, OnboardingAsked, Payment, Report, Told

PAGE_ITEMS = 1_000
PAGES_MAX = CALL_ITEMS_MAX[PayoutProviderName.PAYPAL] // 100
"""Pages of a batch that are read, should PayPal give fewer items each than it is asked for."""

TOKEN_MARGIN_S = 60.0

ITEM_STATES = {
    "SUCCESS": Told.SUCCEEDED,
    "FAILED": Told.FAILED,
    "BLOCKED": Told.FAILED,
    "DENIED": Told.FAILED,
    "RETURNED": Told.RETURNED,
    "REFUNDED": Told.RETURNED,
    "REVERSED": Told.RETURNED,
    "PENDING": Told.ACCEPTED,
    "UNCLAIMED": Told.ACCEPTED,
    "ONHOLD": Told.ACCEPTED,
}
"""transaction_status of an item → what it tells. UNCLAIMED is returned by PayPal after 30 days."""

WHOLE_UNITS = frozenset({"HUF", "JPY", "TWD"})
"""Currencies that PayPal takes without decimals only, whatever ISO 4217 gives them."""

NOTHING_PAID = frozenset({"DENIED", "CANCELED"})
"""Batch states after which no item was paid."""

_ITEM_FIELD = re.compile(r"items\[(\d+)\]")
_BATCH_LINK = re.compile(r"/v1/payments/payouts/([A-Za-z0-9]+)")


class PayPalPayouts:
    """One PayPal app's account."""

    name = PayoutProviderName.PAYPAL

    def __init__(self, account: PayPalAccount, *, timeout_s: float) -> None:
        self._account = account
        self._http = Http(timeout_s=timeout_s)
        self._token: str | None = None
        self._token_until = datetime.min.replace(tzinfo=UTC)

    async def pay(self, payments: Sequence[Payment], *, is_repeated: bool = False) -> Sequence[Report]:
        """The batch of all payments, without those that PayPal cannot pay: the same ones whenever it is called."""
        whole = [payment for payment in payments if _is_payable(payment)]
        odd = [payment for payment in payments if not _is_payable(payment)]
        reports = [
            Report(
                Told.FAILED,
                payment.item_id,
                code="amount_not_payable",
                message=f"PayPal cannot pay parts of a whole unit of {payment.currency}.",
            )
            for payment in odd
        ]
        return [*reports, *await self._pay(whole, is_repeated=is_repeated)] if whole else reports

    async def _pay(self, payments: Sequence[Payment], *, is_repeated: bool) -> Sequence[Report]:
        reply = await self._call("POST", "/v1/payments/payouts", _batch(payments))
        if reply.is_ok:
            header = reply.json().get("batch_header", {})
            told = Told.FAILED if header.get("batch_status") in NOTHING_PAID else Told.ACCEPTED
            batch_id = header.get("payout_batch_id")
            if batch_id is None:
                # What has no name cannot be asked about; the refusal of a repetition names it.
                return _all(payments, Told.UNKNOWN)
            return [
                Report(told, payment.item_id, provider_batch_id=batch_id, code=header.get("batch_status"))
                for payment in payments
            ]
        if reply.is_lost:
            return _all(payments, Told.UNKNOWN)
        if reply.status in (401, 403, 429):
            return _all(payments, Told.LATER, code=f"http_{reply.status}")
        return await self._refused(payments, reply.json(), is_repeated=is_repeated)

    async def _refused(
        self, payments: Sequence[Payment], error: dict[str, Any], *, is_repeated: bool
    ) -> Sequence[Report]:
        details = [detail for detail in error.get("details") or () if isinstance(detail, dict)]
        if any("SENDER_BATCH_ID" in str(detail.get("field", "")).upper() for detail in details):
            # The repetition of a call that had arrived: what it paid is in the batch that the refusal names.
            batch_id = _named_batch(error)
            return _all(payments, Told.UNKNOWN) if batch_id is None else await self._of_batch(payments, batch_id)
        if is_repeated:
            # Refused for another reason before the id was looked at: that says nothing of the first call.
            return _all(payments, Told.UNKNOWN, code=str(error.get("name", "REFUSED"))[:100])
        wrong = {
            int(found.group(1)): str(detail.get("issue", ""))[:500]
            for detail in details
            if (found := _ITEM_FIELD.search(str(detail.get("field", ""))))
        }
        code = str(error.get("name", "REFUSED"))[:100]
        if not wrong:
            return _all(payments, Told.FAILED, code=code, message=str(error.get("message", ""))[:500])
        # Nothing of the call was taken. Those that are in order go again, without the others.
        return [
            Report(Told.FAILED, payment.item_id, code=code, message=wrong[index])
            if index in wrong
            else Report(Told.LATER, payment.item_id)
            for index, payment in enumerate(payments)
        ]

    async def ask(self, payments: Sequence[Payment]) -> Sequence[Report]:
        """What the payments' batch tells of them."""
        batch_id = next((payment.provider_batch_id for payment in payments if payment.provider_batch_id), None)
        if batch_id is None:
            return _all(payments, Told.REPEATABLE)
        return await self._of_batch(payments, batch_id)

    async def _of_batch(self, payments: Sequence[Payment], batch_id: str) -> Sequence[Report]:
        wanted = {str(payment.item_id): payment.item_id for payment in payments}
        found: dict[UUID, Report] = {}
        state = ""
        for page in range(1, PAGES_MAX + 1):
            query = f"page={page}&page_size={PAGE_ITEMS}&total_required=true"
            reply = await self._call("GET", f"/v1/payments/payouts/{batch_id}?{query}")
            if not reply.is_ok:
                return _all(payments, Told.UNKNOWN)
            body = reply.json()
            state = str(body.get("batch_header", {}).get("batch_status", ""))
            items = body.get("items") or []
            for item in items:
                item_id = wanted.get(str(item.get("payout_item", {}).get("sender_item_id")))
                if item_id is not None:
                    found[item_id] = _report(item, item_id, batch_id)
            pages = body.get("total_pages")
            is_last = page >= pages if isinstance(pages, int) else len(items) < PAGE_ITEMS
            if is_last or not items or len(found) == len(wanted):
                break
        # An item that is not listed yet will be; of a batch that was denied none ever is.
        told = Told.FAILED if state in NOTHING_PAID else Told.ACCEPTED
        return [
            found.get(payment.item_id)
            or Report(told, payment.item_id, provider_batch_id=batch_id, code=state if told is Told.FAILED else None)
            for payment in payments
        ]

    async def take_back(self, payment: Payment, *, key: str) -> Report:
        """PayPal takes back nothing that was claimed, and what is paid here was."""
        message = "PayPal takes nothing back that was claimed."
        return Report(Told.FAILED, payment.item_id, code="not_offered", message=message)

    async def onboarding_link(self, asked: OnboardingAsked) -> Onboarding:
        """There is no page: PayPal pays to an e-mail address, a phone number or an account's id."""
        raise DomainError("NOT_SUPPORTED", "PayPal pays to an e-mail address. Set it as the method's reference.")

    async def read_message(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Message:
        """A webhook, verified by PayPal itself."""
        names = ("auth-algo", "cert-url", "transmission-id", "transmission-sig", "transmission-time")
        sent = {name.replace("-", "_"): headers.get(f"paypal-{name}", "") for name in names}
        try:
            event = orjson.loads(body)
            if not isinstance(event, dict) or not all(sent.values()):
                raise BadSignature
        except orjson.JSONDecodeError as error:
            raise BadSignature from error
        # The event goes back as it came, for the signature is of its bytes.
        question = orjson.dumps({**sent, "webhook_id": self._account.webhook_id})[:-1]
        raw = question + b',"webhook_event":' + body.strip() + b"}"
        reply = await self._call("POST", "/v1/notifications/verify-webhook-signature", raw)
        if reply.json().get("verification_status") != "SUCCESS":
            raise BadSignature
        resource = event.get("resource")
        reports = []
        if str(event.get("event_type", "")).startswith("PAYMENT.PAYOUTS-ITEM.") and isinstance(resource, dict):
            try:
                item_id = UUID(str(resource.get("payout_item", {}).get("sender_item_id")))
            except ValueError:
                item_id = None
            if item_id is not None:
                reports.append(_report(resource, item_id, resource.get("payout_batch_id")))
        return Message(str(event.get("id")), str(event.get("event_type")), reports)

    async def close(self) -> None:
        """Give back the connections."""
        await self._http.close()

    async def _call(self, method: str, path: str, body: dict[str, Any] | bytes | None = None) -> Reply:
        token = await self._fresh_token()
        if token is None:
            # Nothing was sent that could pay.
            return Reply(401)
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json", "prefer": "representation"}
        content = orjson.dumps(body) if isinstance(body, dict) else body
        reply = await self._http.send(method, self._account.api_url + path, headers=headers, body=content)
        if reply.status == 401:
            self._token = None
        return reply

    async def _fresh_token(self) -> str | None:
        now = datetime.now(UTC)
        if self._token is None or now >= self._token_until:
            reply = await self._http.send(
                "POST",
                f"{self._account.api_url}/v1/oauth2/token",
                headers={"content-type": "application/x-www-form-urlencoded"},
                body=urlencode({"grant_type": "client_credentials"}).encode(),
                auth=(self._account.client_id, self._account.client_secret.get_secret_value()),
            )
            granted = reply.json() if reply.is_ok else {}
            self._token = granted.get("access_token")
            life_s = float(granted.get("expires_in", 0)) - TOKEN_MARGIN_S
            self._token_until = now + timedelta(seconds=max(life_s, 0.0))
        return self._token


def _batch(payments: Sequence[Payment]) -> dict[str, Any]:
    return {
        "sender_batch_header": {"sender_batch_id": payments[0].key, "email_subject": payments[0].note[:255]},
        "items": [
            {
                "recipient_type": _recipient_type(payment.reference),
                "receiver": payment.reference,
                "amount": {
                    "value": _value(payment),
                    "currency": payment.currency,
                },
                "note": payment.note,
                "sender_item_id": str(payment.item_id),
            }
            for payment in payments
        ],
    }


def _value(payment: Payment) -> str:
    amount = from_minor(payment.amount, payment.currency)
    return format(amount.to_integral_value() if payment.currency in WHOLE_UNITS else amount, "f")


def _is_payable(payment: Payment) -> bool:
    amount = from_minor(payment.amount, payment.currency)
    return payment.currency not in WHOLE_UNITS or amount == amount.to_integral_value()


def _recipient_type(reference: str) -> str:
    if "@" in reference:
        return "EMAIL"
    return "PHONE" if reference.lstrip("+").isdigit() else "PAYPAL_ID"


def _named_batch(error: dict[str, Any]) -> str | None:
    links = [*(error.get("links") or ())]
    for detail in error.get("details") or ():
        links += (detail.get("link") or detail.get("links") or ()) if isinstance(detail, dict) else ()
    for link in links:
        found = _BATCH_LINK.search(str(link.get("href", ""))) if isinstance(link, dict) else None
        if found is not None:
            return found.group(1)
    return None


def _report(item: dict[str, Any], item_id: UUID, batch_id: str | None) -> Report:
    told = ITEM_STATES.get(str(item.get("transaction_status")), Told.UNKNOWN)
    errors = item.get("errors") or {}
    fee, currency = _money(item.get("payout_item_fee"))
    # When it was paid; of a return it tells no time.
    at = item.get("time_processed") if told is Told.SUCCEEDED else None
    return Report(
        told,
        item_id,
        provider_id=item.get("payout_item_id"),
        provider_batch_id=batch_id,
        code=None if told is Told.SUCCEEDED else str(errors.get("name") or item.get("transaction_status"))[:100],
        message=str(errors["message"])[:500] if errors.get("message") and told is not Told.SUCCEEDED else None,
        fee=fee,
        fee_currency=currency,
        at=None if at is None else datetime.fromisoformat(str(at)),
    )


def _money(value: Any) -> tuple[int | None, str | None]:
    if not isinstance(value, dict):
        return None, None
    currency = str(value.get("currency"))
    try:
        return to_minor(Decimal(str(value.get("value"))), currency), currency
    except (DomainError, InvalidOperation):
        return None, None


def _all(
    payments: Sequence[Payment], told: Told, *, code: str | None = None, message: str | None = None
) -> list[Report]:
    return [Report(told, payment.item_id, code=code, message=message) for payment in payments]
