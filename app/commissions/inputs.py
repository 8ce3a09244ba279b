"""What callers send about commissions, as plain values."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app.core.unset import UNSET, Unset
from app.core.words import Approval, Clawback, EarnedWhen


@dataclass(frozen=True, slots=True)
class CommissionMove:
    """A commission that is to be moved, and why."""

    id: UUID
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class CommissionAdjustmentInput:
    """A correction by hand of what an influencer earned. occurred_at: the date it counts on; None: now."""

    external_id: str
    influencer_id: UUID
    currency: str
    amount: Decimal
    reason: str
    campaign_id: UUID | None = None
    order_id: UUID | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MoneyTermsInput:
    """Terms of money; what is UNSET stays. adjustment_limit: major units of the tenant's currency.

    campaign_id: of that campaign alone, which has no clawback and limit of its own; None there is the tenant's.
    """

    campaign_id: UUID | None = None
    approval: Approval | Unset | None = UNSET
    earned_when: EarnedWhen | Unset | None = UNSET
    hold_days: int | Unset | None = UNSET
    clawback: Clawback | Unset = UNSET
    adjustment_limit: Decimal | Unset | None = UNSET


@dataclass(frozen=True, slots=True)
class InvoicePaymentInput:
    """What an influencer paid of what was invoiced to them."""

    external_id: str
    influencer_id: UUID
    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class AdjustmentDecision:
    """What another key says of a proposed correction. reason: needed where it is declined."""

    id: UUID
    is_accepted: bool
    reason: str | None = None
