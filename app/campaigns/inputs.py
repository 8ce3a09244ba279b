"""What callers send about campaigns and enrollments, as plain values.

Amounts are exact Decimals in major units of the campaign's currency. Times are aware instants, half-open: a campaign
runs from starts_at until before ends_at. Rates are shares of the commission base, 0 to 1, of at most six digits.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app.core.unset import UNSET, Unset
from app.core.words import AttributionModel, CampaignStatus, CodePolicy, EnrollmentStatus, PaidSearch


@dataclass(frozen=True, slots=True)
class CampaignInput:
    """A new campaign. external_id: the caller's own; without one each creation is another campaign.

    currency: of budget and sales goal; None means the tenant's. click_window_days: None means the setting's.
    code_window_days: of uses recorded before the order; None: as clicks. view_window_days: 0 means that views are no
    touches. attribution_model, half_life_days: None means the tenant's. engagement_goal: likes, comments and shares.
    """

    name: str
    starts_at: datetime
    commission_rate: Decimal
    external_id: str | None = None
    status: CampaignStatus = CampaignStatus.ACTIVE
    ends_at: datetime | None = None
    currency: str | None = None
    budget: Decimal | None = None
    engagement_goal: int | None = None
    sales_goal: Decimal | None = None
    attribution_model: AttributionModel | None = None
    click_window_days: int | None = None
    view_window_days: int = 0
    code_window_days: int | None = None
    half_life_days: int | None = None
    code_policy: CodePolicy = CodePolicy.ALWAYS
    paid_search: PaidSearch = PaidSearch.REJECT


@dataclass(frozen=True, slots=True)
class CampaignChange:
    """What changes of a campaign. Orders booked before keep the terms they were booked under."""

    id: UUID
    name: str | Unset | None = UNSET
    status: CampaignStatus | Unset | None = UNSET
    starts_at: datetime | Unset | None = UNSET
    ends_at: datetime | Unset | None = UNSET
    budget: Decimal | Unset | None = UNSET
    engagement_goal: int | Unset | None = UNSET
    sales_goal: Decimal | Unset | None = UNSET
    attribution_model: AttributionModel | Unset | None = UNSET
    click_window_days: int | Unset | None = UNSET
    view_window_days: int | Unset | None = UNSET
    code_window_days: int | Unset | None = UNSET
    half_life_days: int | Unset | None = UNSET
    code_policy: CodePolicy | Unset | None = UNSET
    paid_search: PaidSearch | Unset | None = UNSET
    commission_rate: Decimal | Unset | None = UNSET


@dataclass(frozen=True, slots=True)
class EnrollmentInput:
    """An influencer's entry into a campaign. commission_rate: their own; None means the campaign's."""

    campaign_id: UUID
    influencer_id: UUID
    status: EnrollmentStatus = EnrollmentStatus.ACTIVE
    commission_rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class EnrollmentChange:
    """What changes of an enrollment. commission_rate: null means the campaign's from now on."""

    id: UUID
    status: EnrollmentStatus | Unset | None = UNSET
    commission_rate: Decimal | Unset | None = UNSET
