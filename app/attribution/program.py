"""What judging needs to know of the program: a snapshot of statuses, dates and terms, as plain values."""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from app.attribution.identities import Buyer
from app.core.words import (
    AttributionModel,
    CampaignStatus,
    CodePolicy,
    EnrollmentStatus,
    InfluencerStatus,
    PaidSearch,
    TouchKind,
)

HALF_LIFE = timedelta(days=7)
"""Time decay: a touch this much older than another counts half as much. A week, as analytics tools usually have it."""

Status = TypeVar("Status")


@dataclass(frozen=True, slots=True)
class Rules:
    """The tenant's own: for touches outside campaigns, and for campaigns that do not say otherwise.

    window: of touches outside campaigns.
    """

    window: timedelta
    model: AttributionModel = AttributionModel.LAST_TOUCH
    half_life: timedelta = HALF_LIFE
    code_policy: CodePolicy = CodePolicy.ALWAYS
    paid_search: PaidSearch = PaidSearch.REJECT


@dataclass(frozen=True, slots=True)
class CampaignTerms:
    """A campaign's say in attribution. rate: share of the commission base, 0 to 1.

    model, half_life: None means the tenant's. code_window: None means as clicks. view_window: 0 means that views are
    no touches.
    """

    status: CampaignStatus
    starts_at: datetime
    ends_at: datetime | None
    model: AttributionModel | None
    click_window: timedelta
    rate: Decimal
    view_window: timedelta = timedelta(0)
    code_window: timedelta | None = None
    half_life: timedelta | None = None
    code_policy: CodePolicy = CodePolicy.ALWAYS
    paid_search: PaidSearch = PaidSearch.REJECT

    def window(self, kind: TouchKind) -> timedelta:
        """How long after a touch of the kind an order may follow."""
        match kind:
            case TouchKind.VIEW:
                return self.view_window
            case TouchKind.CODE:
                return self.click_window if self.code_window is None else self.code_window
            case _:
                return self.click_window


@dataclass(frozen=True, slots=True)
class EnrollmentTerms:
    """An influencer's own terms in a campaign. rate: None means the campaign's."""

    status: EnrollmentStatus
    rate: Decimal | None


@dataclass(frozen=True, slots=True)
class History:
    """Statuses of one thing, oldest first, and since when it had each."""

    since: tuple[datetime, ...]
    statuses: tuple[str, ...]

    def at(self, time: datetime) -> str:
        """The status at a time; of a time before all of them, the first."""
        return self.statuses[max(bisect_right(self.since, time) - 1, 0)]


@dataclass(frozen=True, slots=True)
class Program:
    """All influencers, campaigns and enrollments that the candidates name.

    buyers: who influencers are when they buy, of those of whom it is known. histories: of statuses, by the thing's id,
    where orders are judged by the statuses of an earlier time.
    """

    influencers: dict[UUID, InfluencerStatus] = field(default_factory=dict)
    campaigns: dict[UUID, CampaignTerms] = field(default_factory=dict)
    enrollments: dict[tuple[UUID, UUID], EnrollmentTerms] = field(default_factory=dict)
    buyers: dict[UUID, Buyer] = field(default_factory=dict)
    enrollment_ids: dict[tuple[UUID, UUID], UUID] = field(default_factory=dict)
    histories: dict[UUID, History] = field(default_factory=dict)

    def influencer_status(self, influencer_id: UUID, at: datetime | None) -> InfluencerStatus:
        """The influencer's status: at a time, None for now."""
        return InfluencerStatus(self._status(influencer_id, self.influencers[influencer_id], at))

    def campaign_status(self, campaign_id: UUID, at: datetime | None) -> CampaignStatus:
        """The campaign's status: at a time, None for now."""
        return CampaignStatus(self._status(campaign_id, self.campaigns[campaign_id].status, at))

    def enrollment_status(
        self, campaign_id: UUID | None, influencer_id: UUID, at: datetime | None = None
    ) -> EnrollmentStatus | None:
        """The influencer's state in the campaign, None when not enrolled."""
        terms = self._enrollment(campaign_id, influencer_id)
        if terms is None or campaign_id is None:
            return None
        enrollment_id = self.enrollment_ids.get((campaign_id, influencer_id))
        if enrollment_id is None:
            return terms.status
        history = self.histories.get(enrollment_id)
        if at is not None and history is not None and at < history.since[0]:
            # Not enrolled yet.
            return None
        return EnrollmentStatus(self._status(enrollment_id, terms.status, at))

    def rate(self, campaign_id: UUID | None, influencer_id: UUID | None) -> Decimal | None:
        """The commission rate: the enrollment's, else the campaign's; None without a campaign, which means no terms."""
        if campaign_id is None or influencer_id is None:
            return None
        terms = self._enrollment(campaign_id, influencer_id)
        if terms is not None and terms.rate is not None:
            return terms.rate
        return self.campaigns[campaign_id].rate

    def is_buyer(self, influencer_id: UUID, buyer: Buyer | None) -> bool:
        """Whether the influencer bought the order themselves."""
        known = self.buyers.get(influencer_id)
        return known is not None and buyer is not None and known.is_same(buyer)

    def _enrollment(self, campaign_id: UUID | None, influencer_id: UUID) -> EnrollmentTerms | None:
        return None if campaign_id is None else self.enrollments.get((campaign_id, influencer_id))

    def _status(self, id: UUID, now: str, at: datetime | None) -> str:
        history = self.histories.get(id)
        return now if at is None or history is None else history.at(at)


def history_of(entries: Sequence[tuple[datetime, str]]) -> History:
    """The history made of statuses and since when each was, oldest first, at least one."""
    return History(tuple(since for since, _ in entries), tuple(status for _, status in entries))


def named(pairs: Collection[tuple[UUID | None, UUID | None]]) -> tuple[list[UUID], list[UUID]]:
    """The campaigns and the influencers of pairs of both."""
    campaigns = {campaign_id for campaign_id, _ in pairs if campaign_id is not None}
    influencers = {influencer_id for _, influencer_id in pairs if influencer_id is not None}
    return sorted(campaigns), sorted(influencers)
