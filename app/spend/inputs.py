"""What callers send about spend, as plain values. Amounts are exact Decimals in major units; times aware instants."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class SpendInput:
    """Money spent on a campaign beside commissions, possibly on one influencer. A negative amount corrects.

    external_id: the caller's own, which makes it one however often it is sent.
    """

    external_id: str
    occurred_at: datetime
    campaign_id: UUID
    currency: str
    amount: Decimal
    influencer_id: UUID | None = None
    note: str | None = None
