"""What callers send about payouts, as plain values. Amounts are exact Decimals in major units; times aware instants."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app.core.payout_words import PayoutMethodStatus, PayoutProviderName, PayoutSchedule, TaxState
from app.core.unset import UNSET, Unset


@dataclass(frozen=True, slots=True)
class PayoutMethodInput:
    """How an influencer is paid in a currency. Only what is mentioned changes; null clears."""

    influencer_id: UUID
    currency: str
    provider: PayoutProviderName | Unset = UNSET
    reference: str | Unset | None = UNSET
    holder: str | Unset | None = UNSET
    status: PayoutMethodStatus | Unset = UNSET
    is_default: bool | Unset = UNSET
    tax_state: TaxState | Unset = UNSET
    tax_document: str | Unset | None = UNSET


@dataclass(frozen=True, slots=True)
class PayoutPolicyInput:
    """From which balance on a currency is paid out, and when. Only what is mentioned changes; null clears."""

    currency: str
    threshold: Decimal | Unset = UNSET
    schedule: PayoutSchedule | Unset = UNSET
    day: int | Unset | None = UNSET
    needs_tax_data: bool | Unset = UNSET


@dataclass(frozen=True, slots=True)
class PayoutBatchInput:
    """A batch of what is due by one provider in one currency. influencer_ids: only theirs; None: everybody's.

    balance_currencies: only balances in these; None: all.
    """

    provider: PayoutProviderName
    currency: str
    influencer_ids: tuple[UUID, ...] | None = None
    balance_currencies: tuple[str, ...] | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class PayoutDecision:
    """A batch or an item that is approved, cancelled or taken back, and why."""

    id: UUID
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PayoutConfirmation:
    """What a person knows of a payment: it succeeded, failed, or came back. fee: in the payment's currency."""

    id: UUID
    outcome: str
    at: datetime | None = None
    fee: Decimal | None = None
    reference: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PayoutOnboardingInput:
    """A method whose influencer is to give the provider their data, and where the page leads to."""

    id: UUID
    return_url: str
    refresh_url: str


@dataclass(frozen=True, slots=True)
class PayoutRequestInput:
    """An influencer's wish to be paid what is due to them in a currency, also below the threshold."""

    currency: str
