"""Why an order was credited as it was, as it is shown: the stored candidates, each with the id of its touch. Pure.

An influencer sees their own touches as they are. Of others' they see that there was one: when, of which kind, and what
it got.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from app.core.words import AttributionModel, AttributionRule, RejectReason, TouchKind


@dataclass(frozen=True, slots=True)
class ExplainedTouch:
    """A touch that was looked at. id: its instance's, or one made from the order where it has none of its own.

    influencer_id, campaign_id, code: None where unknown, and in others' touches when an influencer asks.
    """

    id: UUID
    kind: TouchKind
    at: datetime
    influencer_id: UUID | None
    campaign_id: UUID | None
    code: str | None


@dataclass(frozen=True, slots=True)
class ExplainedCandidate:
    """A touch and what came of it. weight: booked, in 1e-9. reason: why it earned nothing; None if it did."""

    touch: ExplainedTouch
    weight: int
    reason: RejectReason | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an order was credited. winner: whose purchase it is, None without any. candidates: as they were stored."""

    order_id: UUID
    model: AttributionModel
    rule: AttributionRule
    winner: ExplainedTouch | None
    candidates: tuple[ExplainedCandidate, ...]


def explained(
    order_id: UUID, model: str, rule: str, candidates: Iterable[dict[str, Any]], *, own: UUID | None
) -> Explanation:
    """The stored explanation (Judged.to_json) as it is shown. own: the influencer who asks; None sees everything."""
    shown = []
    winner = None
    for number, stored in enumerate(candidates):
        touch = _touch(order_id, number, stored, own)
        reason = None if stored["reason"] is None else RejectReason(stored["reason"])
        shown.append(ExplainedCandidate(touch, stored["weight"], reason))
        if stored["isWinner"]:
            winner = touch
    return Explanation(order_id, AttributionModel(model), AttributionRule(rule), winner, tuple(shown))


def _touch(order_id: UUID, number: int, stored: dict[str, Any], own: UUID | None) -> ExplainedTouch:
    influencer_id = _id(stored["influencerId"])
    is_shown = own is None or influencer_id == own
    touch_id = _id(stored["id"]) if is_shown else None
    return ExplainedTouch(
        # A code at checkout has no instance, and another's instance is not to be known. Either has the same id again.
        id=touch_id or uuid5(order_id, f"touch {number}"),
        kind=TouchKind(stored["kind"]),
        at=datetime.fromisoformat(stored["at"]),
        influencer_id=influencer_id if is_shown else None,
        campaign_id=_id(stored["campaignId"]) if is_shown else None,
        code=stored["code"] if is_shown else None,
    )


def _id(value: str | None) -> UUID | None:
    return None if value is None else UUID(value)
