"""The port to payout providers: what they are given, and what they tell. Implemented in app/integrations/payouts.

A provider's outcome is never guessed: what was not answered is UNKNOWN, and is asked about before anything else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from app.core.payout_words import PayoutProviderName

CALL_ITEMS_MAX: dict[PayoutProviderName, int] = {
    PayoutProviderName.MANUAL: 1_000,
    PayoutProviderName.STRIPE: 1,
    PayoutProviderName.PAYPAL: 15_000,
    PayoutProviderName.TIPALTI: 250,
}
"""Payments that one call to a provider holds."""

KEY_LIFETIMES: dict[PayoutProviderName, timedelta | None] = {
    PayoutProviderName.MANUAL: None,
    PayoutProviderName.STRIPE: timedelta(hours=24),
    PayoutProviderName.PAYPAL: timedelta(days=30),
    PayoutProviderName.TIPALTI: None,
}
"""How long a provider remembers a call's idempotency key; None: for good."""


class Told(StrEnum):
    """What a provider told of a payment.

    ACCEPTED: it will be paid, or is being paid. NOT_RECEIVED: the provider never got the call. LATER: it did not look
    at the call, and did nothing. REPEATABLE: it can be asked only by the same call again, which pays nothing twice.
    UNKNOWN: nobody can tell now.
    """

    ACCEPTED = "ACCEPTED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    RETURNED = "RETURNED"
    NOT_RECEIVED = "NOT_RECEIVED"
    LATER = "LATER"
    REPEATABLE = "REPEATABLE"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Payment:
    """What a provider is to pay, or is asked about. amount: minor units of the currency, positive.

    key: the idempotency key of the call that pays it; payments with one key go in one call. provider_id: its id at the
    provider, once that is known; provider_batch_id: the same of the call.
    """

    item_id: UUID
    key: str
    reference: str
    currency: str
    amount: int
    note: str
    provider_id: str | None = None
    provider_batch_id: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What a provider told of one payment. returned: how much of it came back so far, in minor units.

    item_id: None where the provider knows it by its own id only. code, message: why it failed, in the provider's words.
    """

    told: Told
    item_id: UUID | None = None
    provider_id: str | None = None
    provider_batch_id: str | None = None
    code: str | None = None
    message: str | None = None
    fee: int | None = None
    fee_currency: str | None = None
    returned: int | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A webhook whose signature held. id: the same on every repetition. reports: what it tells, possibly nothing."""

    id: str
    kind: str
    reports: Sequence[Report]


class BadSignature(Exception):
    """A webhook that the provider did not send, or not now."""


class PayoutProvider(Protocol):
    """One provider's account of one tenant, while it is open."""

    name: PayoutProviderName

    async def pay(self, payments: Sequence[Payment], *, is_repeated: bool = False) -> Sequence[Report]:
        """A report of each payment, which all have one key; repeating it with the same ones pays nothing twice.

        is_repeated: an earlier call with the key may have arrived; FAILED is then told only of that one. Never raises
        for what happens on the way: that is UNKNOWN.
        """
        ...

    async def ask(self, payments: Sequence[Payment]) -> Sequence[Report]:
        """What became of payments of one call, a report of each. Pays nothing."""
        ...

    async def take_back(self, payment: Payment, *, key: str) -> Report:
        """Take the whole payment back. Repeating it with the same key takes nothing twice."""
        ...

    async def onboarding_link(self, asked: "OnboardingAsked") -> "Onboarding":
        """Where an influencer gives the provider their data. Raises NOT_SUPPORTED where there is no such page, and
        OutsideError when the provider does not answer."""
        ...

    async def read_message(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Message:
        """The webhook's content. headers: names in lower case. Raises BadSignature."""
        ...

    async def close(self) -> None:
        """Give back its connections."""
        ...


@dataclass(frozen=True, slots=True)
class OnboardingAsked:
    """For whom a page is asked. reference: what they are at the provider, None for a new one, made under `key`.

    country: theirs, ISO 3166-1 alpha-2, if known. return_url, refresh_url: where they come when they are done, and when
    the page has expired.
    """

    key: str
    reference: str | None
    country: str | None
    return_url: str
    refresh_url: str


@dataclass(frozen=True, slots=True)
class Onboarding:
    """A page where an influencer gives the provider their data, and the reference that they have from now on."""

    reference: str
    url: str
    expires_at: datetime | None
