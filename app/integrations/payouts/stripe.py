"""Stripe Connect: a transfer to the influencer's connected account, by the library `stripe`.

A transfer is made at once or not at all. Stripe remembers an Idempotency-Key for 24 hours, errors of the server among
its answers; so a call that was not answered is looked for by its transfer group, which is the item's id.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import stripe

from app.core.money import exponent
from app.core.payout_words import PayoutProviderName
from app.errors import OutsideError
from app.payouts.accounts import StripeAccount
from app.payouts.port import BadSignature, Message, Onboarding, OnboardingAsked, Payment, Report, Told

SIGNATURE_AGE_MAX_S = 300

ODD_DIGITS = {"ISK": 2, "UGX": 2, "MGA": 0}
"""Currencies whose smallest unit at Stripe is not that of ISO 4217."""

TRANSFERS = frozenset({"transfer.created", "transfer.updated", "transfer.reversed"})


class StripeConnect:
    """One platform's account."""

    name = PayoutProviderName.STRIPE

    def __init__(self, account: StripeAccount, *, timeout_s: float) -> None:
        self._account = account
        self._http = stripe.HTTPXClient(timeout=timeout_s)
        # Repetitions are ours to decide: each is preceded by a state that was written.
        self._client = stripe.StripeClient(
            account.secret_key.get_secret_value(),
            base_addresses={"api": account.api_url},
            max_network_retries=0,
            http_client=self._http,
        )

    async def pay(self, payments: Sequence[Payment], *, is_repeated: bool = False) -> Sequence[Report]:
        """A transfer for the only payment. Stripe answers a repetition as it answered the first call."""
        (payment,) = payments
        amount = _amount(payment)
        if amount is None:
            message = f"Stripe cannot pay parts of a whole unit of {payment.currency}."
            return [Report(Told.FAILED, payment.item_id, code="amount_not_payable", message=message)]
        try:
            transfer = await self._client.v1.transfers.create_async(
                {
                    "amount": amount,
                    "currency": payment.currency.lower(),
                    "destination": payment.reference,
                    "transfer_group": str(payment.item_id),
                    "description": payment.note,
                    "metadata": {"payout_item": str(payment.item_id)},
                },
                {"idempotency_key": payment.key},
            )
        except stripe.StripeError as error:
            return [_refused(payment.item_id, error)]
        except (TimeoutError, OSError):
            return [Report(Told.UNKNOWN, payment.item_id)]
        return [_of(transfer, payment.item_id)]

    async def ask(self, payments: Sequence[Payment]) -> Sequence[Report]:
        """What Stripe has of the payments."""
        return [await self._ask(payment) for payment in payments]

    async def _ask(self, payment: Payment) -> Report:
        try:
            found = await self._client.v1.transfers.list_async({"transfer_group": str(payment.item_id), "limit": 1})
        except (TimeoutError, stripe.StripeError, OSError):
            return Report(Told.UNKNOWN, payment.item_id)
        if found.data:
            return _of(found.data[0], payment.item_id)
        # Something with a name was made, somewhere: that it is not here does not say that it was not.
        return Report(Told.NOT_RECEIVED if payment.provider_id is None else Told.UNKNOWN, payment.item_id)

    async def take_back(self, payment: Payment, *, key: str) -> Report:
        """Reverse the transfer."""
        if payment.provider_id is None:
            return Report(Told.UNKNOWN, payment.item_id)
        try:
            await self._client.v1.transfers.reversals.create_async(payment.provider_id, {}, {"idempotency_key": key})
        except stripe.StripeError as error:
            return _refused(payment.item_id, error)
        except (TimeoutError, OSError):
            return Report(Told.UNKNOWN, payment.item_id)
        return Report(Told.RETURNED, payment.item_id, payment.provider_id, returned=payment.amount)

    async def onboarding_link(self, asked: OnboardingAsked) -> Onboarding:
        """A link to Stripe's own pages, of an account that is made if there is none yet."""
        try:
            reference = asked.reference
            if reference is None:
                account = await self._client.v1.accounts.create_async(
                    {
                        "type": "express",
                        "country": asked.country or self._account.country,
                        "capabilities": {"transfers": {"requested": True}},
                    },
                    {"idempotency_key": asked.key},
                )
                reference = account.id
            link = await self._client.v1.account_links.create_async(
                {
                    "account": reference,
                    "type": "account_onboarding",
                    "return_url": asked.return_url,
                    "refresh_url": asked.refresh_url,
                }
            )
        except (TimeoutError, stripe.StripeError, OSError) as error:
            raise OutsideError("Stripe gave no link. Try again in a while.", retryable=True) from error
        return Onboarding(reference, link.url, datetime.fromtimestamp(link.expires_at, UTC))

    async def read_message(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Message:
        """A webhook: transfers made and reversed tell of payments, all else of nothing."""
        try:
            stripe.WebhookSignature.verify_header(
                body.decode(),
                headers.get("stripe-signature"),
                self._account.webhook_secret.get_secret_value(),
                SIGNATURE_AGE_MAX_S,
            )
            event = orjson.loads(body)
            kind, transfer = str(event["type"]), event["data"]["object"]
            reports = [_of_json(transfer)] if kind in TRANSFERS else []
            return Message(str(event["id"]), kind, [report for report in reports if report is not None])
        except (stripe.SignatureVerificationError, ValueError, KeyError, TypeError) as error:
            raise BadSignature from error

    async def close(self) -> None:
        """Give back the connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]


def _amount(payment: Payment) -> int | None:
    shift = ODD_DIGITS.get(payment.currency, exponent(payment.currency)) - exponent(payment.currency)
    if shift >= 0:
        return payment.amount * int(10**shift)
    whole, rest = divmod(payment.amount, 10**-shift)
    return None if rest else whole


def _of(transfer: Any, item_id: UUID) -> Report:
    return _report(
        item_id,
        str(transfer.id),
        amount=int(transfer.amount),
        reversed_amount=int(transfer.amount_reversed),
        currency=str(transfer.currency).upper(),
        created=int(transfer.created),
    )


def _of_json(transfer: dict[str, Any]) -> Report | None:
    text = transfer.get("transfer_group")
    try:
        item_id = UUID(str(text))
    except ValueError:
        return None
    return _report(
        item_id,
        str(transfer["id"]),
        amount=int(transfer["amount"]),
        reversed_amount=int(transfer.get("amount_reversed", 0)),
        currency=str(transfer["currency"]).upper(),
        created=int(transfer["created"]),
    )


def _report(
    item_id: UUID, provider_id: str, *, amount: int, reversed_amount: int, currency: str, created: int
) -> Report:
    shift = ODD_DIGITS.get(currency, exponent(currency)) - exponent(currency)
    returned = reversed_amount // 10**shift if shift >= 0 else reversed_amount * 10**-shift
    if reversed_amount >= amount:
        # A transfer tells when it was made, and not when it was reversed.
        return Report(Told.RETURNED, item_id, provider_id, returned=returned)
    return Report(Told.SUCCEEDED, item_id, provider_id, returned=returned, at=datetime.fromtimestamp(created, UTC))


def _refused(item_id: UUID, error: stripe.StripeError) -> Report:
    status, code = error.http_status, error.code
    # 409: a call with the same key is under way. idempotency_error: one with other content was.
    if isinstance(error, stripe.IdempotencyError) or status is None or status == 409 or status >= 500:
        return Report(Told.UNKNOWN, item_id, code=code)
    if status in (401, 429):
        return Report(Told.LATER, item_id, code=code)
    # The library's texts may repeat a part of the key: only what Stripe says to people is kept.
    message = None if error.user_message is None else str(error.user_message)[:500]
    return Report(Told.FAILED, item_id, code=code or f"http_{status}", message=message)
