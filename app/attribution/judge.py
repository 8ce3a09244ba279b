"""Who is credited for an order, and why: candidates in, accepted and refused touches out. Pure; called once per order.

The rules: a touch counts if it came before the order, within its campaign's window, for a campaign and an influencer
that are active. A valid code given at checkout decides before any click; else the latest touch that counts. The
deciding touch's campaign says which model is booked: how the credit is spread over the touches that count. Under both
models of one touch a code at checkout has all of it. The weights of all models are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.attribution.program import CampaignTerms, Program
from app.attribution.weights import SINGLE, Weights, weigh
from app.core.money import WEIGHT_ONE
from app.core.words import (
    AttributionModel,
    AttributionRule,
    CampaignStatus,
    EnrollmentStatus,
    InfluencerStatus,
    RejectReason,
    TouchKind,
)

DEFAULT_MODEL = AttributionModel.LAST_TOUCH
"""Booked where no campaign says otherwise."""


@dataclass(frozen=True, slots=True)
class Touch:
    """A candidate. id: of its instance; None for a code given at checkout, which is a touch at the order's time.

    refusal: known before judging (an unknown code), else None.
    """

    kind: TouchKind
    at: datetime
    id: UUID | None = None
    influencer_id: UUID | None = None
    campaign_id: UUID | None = None
    link_id: UUID | None = None
    code: str | None = None
    platform: str | None = None
    channel: str | None = None
    refusal: RejectReason | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate with what came of it. weight: booked, in 1e-9. reason: why it earned nothing; None if it did."""

    touch: Touch
    weight: int
    reason: RejectReason | None
    is_winner: bool = False

    def to_json(self) -> dict[str, Any]:
        """How the explanation is stored and shown; `id` null is a code at checkout."""
        touch = self.touch
        return {
            "kind": str(touch.kind),
            "id": _text(touch.id),
            "at": touch.at.isoformat(),
            "influencerId": _text(touch.influencer_id),
            "campaignId": _text(touch.campaign_id),
            "linkId": _text(touch.link_id),
            "code": touch.code,
            "platform": touch.platform,
            "channel": touch.channel,
            "weight": self.weight,
            "reason": None if self.reason is None else str(self.reason),
            "isWinner": self.is_winner,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an order was judged.

    accepted: touches that count, oldest first; weights: theirs, in the same order (SINGLE when nobody is credited).
    winner: whose purchase it is. candidates: all, latest first.
    """

    model: AttributionModel
    rule: AttributionRule
    accepted: tuple[Touch, ...]
    weights: Weights
    winner: Touch | None
    candidates: tuple[Judged, ...]

    @property
    def booked(self) -> tuple[int, ...]:
        """Weights of the booked model, in the order of `accepted`."""
        return self.weights.of(self.model)

    def to_json(self) -> list[dict[str, Any]]:
        """The candidates as they are stored."""
        return [candidate.to_json() for candidate in self.candidates]


def judge(
    occurred_at: datetime,
    *,
    codes: Sequence[Touch],
    touches: Sequence[Touch],
    program: Program,
    default_window: timedelta,
    is_test: bool = False,
) -> Verdict:
    """The verdict on an order placed at occurred_at.

    codes: given at checkout, in the order given; the first valid one counts, further ones are LOWER_PRIORITY.
    touches: recorded instances, in any order. default_window: for touches without a campaign.
    """
    if not codes and not touches:
        return TEST if is_test else NOBODY
    if is_test:
        return _refuse_all(codes, touches)
    refused: dict[int, RejectReason] = {}
    accepted: list[Touch] = []
    for touch in touches:
        reason = _refusal(touch, occurred_at, program, default_window)
        if reason is None:
            accepted.append(touch)
        else:
            refused[id(touch)] = reason
    # Of two touches at the same instant the one recorded later is the later one: ids are time-ordered.
    accepted.sort(key=_recency)
    rule = AttributionRule.LATEST_TOUCH
    for code in codes:
        reason = _refusal(code, occurred_at, program, default_window)
        if reason is not None:
            refused[id(code)] = reason
        elif rule is AttributionRule.CODE_AT_CHECKOUT:
            refused[id(code)] = RejectReason.LOWER_PRIORITY
        else:
            rule = AttributionRule.CODE_AT_CHECKOUT
            accepted.append(code)
    shown = [*codes, *sorted(touches, key=_recency, reverse=True)]
    if not accepted:
        judged = tuple(Judged(touch, 0, refused[id(touch)]) for touch in shown)
        return Verdict(DEFAULT_MODEL, AttributionRule.NO_TOUCH, (), SINGLE, None, judged)
    # The code, if one counts, stands last: it was given at the order's own time.
    deciding = accepted[-1]
    model = program.model(deciding.campaign_id) or DEFAULT_MODEL
    is_code = rule is AttributionRule.CODE_AT_CHECKOUT
    weights = weigh([touch.at for touch in accepted], is_decided=is_code)
    winner = accepted[0] if model is AttributionModel.FIRST_TOUCH and not is_code else deciding
    booked = {id(touch): weight for touch, weight in zip(accepted, weights.of(model), strict=True)}
    assert sum(booked.values()) == WEIGHT_ONE
    judged = tuple(_judged(touch, booked.get(id(touch), 0), refused.get(id(touch)), winner) for touch in shown)
    return Verdict(model, rule, tuple(accepted), weights, winner, judged)


def _judged(touch: Touch, weight: int, reason: RejectReason | None, winner: Touch) -> Judged:
    if reason is None and weight == 0:
        reason = RejectReason.LOWER_PRIORITY
    return Judged(touch, weight, reason, is_winner=touch is winner)


def _refuse_all(codes: Sequence[Touch], touches: Sequence[Touch]) -> Verdict:
    judged = tuple(Judged(touch, 0, RejectReason.TEST_ORDER) for touch in (*codes, *touches))
    return Verdict(DEFAULT_MODEL, AttributionRule.TEST_ORDER, (), SINGLE, None, judged)


def _refusal(touch: Touch, occurred_at: datetime, program: Program, default_window: timedelta) -> RejectReason | None:
    # The first reason that holds is shown: what the touch itself is, then when it was, then whose.
    if touch.refusal is not None:
        return touch.refusal
    if touch.influencer_id is None:
        return RejectReason.INFLUENCER_UNKNOWN
    campaign = None if touch.campaign_id is None else program.campaigns[touch.campaign_id]
    if touch.at > occurred_at:
        return RejectReason.AFTER_ORDER
    window = default_window if campaign is None else campaign.click_window
    if occurred_at - touch.at > window:
        return RejectReason.OUTSIDE_WINDOW
    return (
        _INFLUENCER[program.influencers[touch.influencer_id]]
        or (None if campaign is None else _campaign_refusal(campaign, occurred_at))
        or _ENROLLMENT[program.enrollment_status(touch.campaign_id, touch.influencer_id)]
    )


def _campaign_refusal(campaign: CampaignTerms, occurred_at: datetime) -> RejectReason | None:
    if campaign.status is CampaignStatus.ENDED or (campaign.ends_at is not None and occurred_at >= campaign.ends_at):
        return RejectReason.CAMPAIGN_ENDED
    if campaign.status is CampaignStatus.DRAFT or occurred_at < campaign.starts_at:
        return RejectReason.CAMPAIGN_NOT_STARTED
    return RejectReason.CAMPAIGN_PAUSED if campaign.status is CampaignStatus.PAUSED else None


_INFLUENCER: dict[InfluencerStatus, RejectReason | None] = {
    InfluencerStatus.ACTIVE: None,
    InfluencerStatus.PAUSED: RejectReason.INFLUENCER_PAUSED,
    InfluencerStatus.SUSPENDED: RejectReason.INFLUENCER_SUSPENDED,
}

# No enrollment is no obstacle: the campaign's own terms hold then.
_ENROLLMENT: dict[EnrollmentStatus | None, RejectReason | None] = {
    None: None,
    EnrollmentStatus.ACTIVE: None,
    EnrollmentStatus.PAUSED: RejectReason.ENROLLMENT_PAUSED,
    EnrollmentStatus.ENDED: RejectReason.ENROLLMENT_ENDED,
}


def _recency(touch: Touch) -> tuple[datetime, int]:
    return touch.at, 0 if touch.id is None else touch.id.int


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)


NOBODY = Verdict(DEFAULT_MODEL, AttributionRule.NO_TOUCH, (), SINGLE, None, ())
"""The verdict on an order without any candidate."""

TEST = Verdict(DEFAULT_MODEL, AttributionRule.TEST_ORDER, (), SINGLE, None, ())
"""The verdict on a test order without any candidate."""
