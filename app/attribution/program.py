"""What judging needs to know of the program: a snapshot of statuses, dates and terms, as plain values."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from app.core.words import AttributionModel, CampaignStatus, EnrollmentStatus, InfluencerStatus


@dataclass(frozen=True, slots=True)
class CampaignTerms:
    """A campaign's say in attribution. rate: share of the commission base, 0 to 1."""

    status: CampaignStatus
    starts_at: datetime
    ends_at: datetime | None
    model: AttributionModel
    click_window: timedelta
    rate: Decimal


@dataclass(frozen=True, slots=True)
class EnrollmentTerms:
    """An influencer's own terms in a campaign. rate: None means the campaign's."""

    status: EnrollmentStatus
    rate: Decimal | None


@dataclass(frozen=True, slots=True)
class Program:
    """All influencers, campaigns and enrollments that the candidates name."""

    influencers: dict[UUID, InfluencerStatus] = field(default_factory=dict)
    campaigns: dict[UUID, CampaignTerms] = field(default_factory=dict)
    enrollments: dict[tuple[UUID, UUID], EnrollmentTerms] = field(default_factory=dict)

    def model(self, campaign_id: UUID | None) -> AttributionModel | None:
        """The campaign's model, None without a campaign."""
        return None if campaign_id is None else self.campaigns[campaign_id].model

    def enrollment_status(self, campaign_id: UUID | None, influencer_id: UUID) -> EnrollmentStatus | None:
        """The influencer's state in the campaign, None when not enrolled."""
        terms = self._enrollment(campaign_id, influencer_id)
        return None if terms is None else terms.status

    def rate(self, campaign_id: UUID | None, influencer_id: UUID | None) -> Decimal | None:
        """The commission rate: the enrollment's, else the campaign's; None without a campaign, which means no terms."""
        if campaign_id is None or influencer_id is None:
            return None
        terms = self._enrollment(campaign_id, influencer_id)
        if terms is not None and terms.rate is not None:
            return terms.rate
        return self.campaigns[campaign_id].rate

    def _enrollment(self, campaign_id: UUID | None, influencer_id: UUID) -> EnrollmentTerms | None:
        return None if campaign_id is None else self.enrollments.get((campaign_id, influencer_id))
