"""Who is credited for an order, and why: candidates in, accepted and refused touches out. Pure; called once per order.

The rules: a touch counts if it came before the order, within its campaign's window for its kind, not by an
advertisement in a search engine, for a campaign and an influencer that are active, of whom the buyer is another. A code
counts besides by its campaign's policy. A valid code given at checkout decides before any click; else the latest touch
that counts. The deciding touch's campaign says which model is booked: how the credit is spread over the touches that
count. Under both models of one touch a code at checkout has all of it. The weights of all models are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.attribution.identities import Buyer
from app.attribution.program import Program, Rules
from app.attribution.weights import SINGLE, Weights, weigh
from app.core.money import WEIGHT_ONE
from app.core.words import (
    AttributionModel,
    AttributionRule,
    CampaignStatus,
    CodePolicy,
    EnrollmentStatus,
    InfluencerStatus,
    PaidSearch,
    RejectReason,
    TouchKind,
)


@dataclass(frozen=True, slots=True)
class Touch:
    """A candidate. id: of its instance; None for a code given at checkout, which is a touch at the order's time.

    ad_click: the parameter of its address that tells that it came by an advertisement in a search engine. refusal:
    known before judging (an unknown code), else None.
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
    ad_click: str | None = None
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
            "adClick": touch.ad_click,
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
    rules: Rules,
    buyer: Buyer | None = None,
    is_test: bool = False,
    statuses_at: datetime | None = None,
) -> Verdict:
    """The verdict on an order placed at occurred_at.

    codes: given at checkout, in the order given; the first valid one counts, further ones are LOWER_PRIORITY.
    touches: recorded instances, in any order. buyer: who placed it, as far as it is known. statuses_at: the time whose
    statuses of influencers, campaigns and enrollments count; None means now.
    """
    if not codes and not touches:
        return replace(TEST if is_test else NOBODY, model=rules.model)
    if is_test:
        return _refuse_all(codes, touches, rules)
    case = _Case(occurred_at, program, rules, buyer, statuses_at)
    refused: dict[int, RejectReason] = {}
    accepted: list[Touch] = []
    for touch in touches:
        reason = case.refusal(touch)
        if reason is None:
            accepted.append(touch)
        else:
            refused[id(touch)] = reason
    # Of two touches at the same instant the one recorded later is the later one: ids are time-ordered.
    accepted.sort(key=_recency)
    others = [touch for touch in accepted if touch.kind is not TouchKind.CODE]
    for touch in [touch for touch in accepted if touch.kind is TouchKind.CODE]:
        if (reason := case.refusal_by_policy(touch, others)) is not None:
            refused[id(touch)] = reason
            accepted.remove(touch)
    rule = AttributionRule.LATEST_TOUCH
    for code in codes:
        reason = case.refusal(code) or case.refusal_by_policy(code, others)
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
        return Verdict(rules.model, AttributionRule.NO_TOUCH, (), SINGLE, None, judged)
    # The code, if one counts, stands last: it was given at the order's own time.
    deciding = accepted[-1]
    model = case.model_of(deciding)
    is_code = rule is AttributionRule.CODE_AT_CHECKOUT
    half_life = case.half_life_of(deciding)
    weights = weigh([touch.at for touch in accepted], is_decided=is_code, half_life=half_life)
    winner = deciding if is_code else case.winner_of(accepted)
    booked = {id(touch): weight for touch, weight in zip(accepted, weights.of(model), strict=True)}
    assert sum(booked.values()) == WEIGHT_ONE
    judged = tuple(_judged(touch, booked.get(id(touch), 0), refused.get(id(touch)), winner) for touch in shown)
    return Verdict(model, rule, tuple(accepted), weights, winner, judged)


def _judged(touch: Touch, weight: int, reason: RejectReason | None, winner: Touch) -> Judged:
    if reason is None and weight == 0:
        reason = RejectReason.LOWER_PRIORITY
    return Judged(touch, weight, reason, is_winner=touch is winner)


def _refuse_all(codes: Sequence[Touch], touches: Sequence[Touch], rules: Rules) -> Verdict:
    judged = tuple(Judged(touch, 0, RejectReason.TEST_ORDER) for touch in (*codes, *touches))
    return Verdict(rules.model, AttributionRule.TEST_ORDER, (), SINGLE, None, judged)


@dataclass(frozen=True, slots=True)
class _Case:
    # What one order is judged by.
    occurred_at: datetime
    program: Program
    rules: Rules
    buyer: Buyer | None
    statuses_at: datetime | None

    def refusal(self, touch: Touch) -> RejectReason | None:
        # The first reason that holds is shown: what the touch itself is, then when it was, then whose.
        if touch.refusal is not None:
            return touch.refusal
        influencer_id, campaign_id = touch.influencer_id, touch.campaign_id
        if influencer_id is None:
            return RejectReason.INFLUENCER_UNKNOWN
        if touch.at > self.occurred_at:
            return RejectReason.AFTER_ORDER
        terms = None if campaign_id is None else self.program.campaigns[campaign_id]
        window = self.rules.window if terms is None else terms.window(touch.kind)
        if self.occurred_at - touch.at > window:
            return RejectReason.OUTSIDE_WINDOW
        paid_search = self.rules.paid_search if terms is None else terms.paid_search
        if touch.ad_click is not None and paid_search is PaidSearch.REJECT:
            return RejectReason.PAID_SEARCH
        if self.program.is_buyer(influencer_id, self.buyer):
            return RejectReason.SELF_REFERRAL
        enrollment = self.program.enrollment_status(campaign_id, influencer_id, self.statuses_at)
        return (
            _INFLUENCER[self.program.influencer_status(influencer_id, self.statuses_at)]
            or (None if campaign_id is None else self._campaign_refusal(campaign_id))
            or _ENROLLMENT[enrollment]
        )

    def _campaign_refusal(self, campaign_id: UUID) -> RejectReason | None:
        terms = self.program.campaigns[campaign_id]
        status = self.program.campaign_status(campaign_id, self.statuses_at)
        if status is CampaignStatus.ENDED or (terms.ends_at is not None and self.occurred_at >= terms.ends_at):
            return RejectReason.CAMPAIGN_ENDED
        if status is CampaignStatus.DRAFT or self.occurred_at < terms.starts_at:
            return RejectReason.CAMPAIGN_NOT_STARTED
        return RejectReason.CAMPAIGN_PAUSED if status is CampaignStatus.PAUSED else None

    def refusal_by_policy(self, code: Touch, others: Sequence[Touch]) -> RejectReason | None:
        # others: the touches that count and are no codes, oldest first. A code that is all over the web is used by
        # buyers whom its influencer never reached.
        if code.campaign_id is None:
            policy = self.rules.code_policy
        else:
            policy = self.program.campaigns[code.campaign_id].code_policy
        match policy:
            case CodePolicy.ALWAYS:
                return None
            case CodePolicy.INVOLVED:
                is_involved = any(touch.influencer_id == code.influencer_id for touch in others)
                return None if is_involved else RejectReason.CODE_NOT_INVOLVED
            case CodePolicy.WINNER:
                wins = bool(others) and self.winner_of(others).influencer_id == code.influencer_id
                return None if wins else RejectReason.CODE_NOT_WINNER

    def winner_of(self, accepted: Sequence[Touch]) -> Touch:
        # Whose purchase it is without a code at checkout: the latest touch says by which model.
        return accepted[0] if self.model_of(accepted[-1]) is AttributionModel.FIRST_TOUCH else accepted[-1]

    def model_of(self, deciding: Touch) -> AttributionModel:
        if deciding.campaign_id is None:
            return self.rules.model
        return self.program.campaigns[deciding.campaign_id].model or self.rules.model

    def half_life_of(self, deciding: Touch) -> timedelta:
        if deciding.campaign_id is None:
            return self.rules.half_life
        return self.program.campaigns[deciding.campaign_id].half_life or self.rules.half_life


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


NOBODY = Verdict(AttributionModel.LAST_TOUCH, AttributionRule.NO_TOUCH, (), SINGLE, None, ())
"""The verdict on an order without any candidate."""

TEST = Verdict(AttributionModel.LAST_TOUCH, AttributionRule.TEST_ORDER, (), SINGLE, None, ())
"""The verdict on a test order without any candidate."""
