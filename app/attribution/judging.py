"""Judges orders of a batch: finds what there is to know of them, then asks the pure rules about each.

Used by whoever books orders, judges them once more for a touch that came late, or recomputes a range of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.attribution.encounters import Encounter, Encounters
from app.attribution.judge import Touch, Verdict, judge
from app.attribution.load import load_buyers, load_program, look_for_program, look_for_rules, look_for_viewed
from app.attribution.program import Program
from app.attribution.touches import (
    CodeOffer,
    Trail,
    code_touches,
    find_touches,
    look_for_codes,
)
from app.core.context import Ctx
from app.core.pauses import Pauses
from app.core.words import RejectReason, TouchKind
from app.db.looks import Look, ask
from app.db.session import ReadSession
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Reach:
    """How far judging looks. default_window: of touches outside campaigns, where the tenant has no rule of its own."""

    lookback: timedelta
    candidates_max: int
    default_window: timedelta


def reach_of(settings: Settings) -> Reach:
    """How far judging looks by the server's settings."""
    return Reach(
        lookback=timedelta(days=settings.touch_lookback_days),
        candidates_max=settings.touch_candidates_max,
        default_window=timedelta(days=settings.default_window_days),
    )


@dataclass(frozen=True, slots=True)
class Placed:
    """What of an order says who led to it. customer: the store's id of who placed it.

    booked_at: when it was judged first; None for now. Then the statuses of that time count. remembered: touches that
    an earlier judgement looked at: they count also when they were dropped by age since.
    """

    trail: Trail
    codes: Sequence[str]
    customer: str | None
    is_test: bool
    booked_at: datetime | None = None
    remembered: Sequence[Touch] = ()


class Looks:
    """What is looked for before anything is judged: it may be asked for with what others look for."""

    def __init__(self, codes: Iterable[str], reach: Reach) -> None:
        """codes: given at checkout, upper case."""
        self.rules = look_for_rules(reach.default_window)
        self.viewed = look_for_viewed()
        given = set(codes)
        self.offers = look_for_codes(given)
        self.program = look_for_program(given)

    @property
    def all(self) -> tuple[Look[Any], ...]:
        """All of them."""
        return self.rules, self.viewed, self.offers, *self.program.all


async def judge_all(
    ctx: Ctx, session: ReadSession, orders: Sequence[Placed], reach: Reach, *, looks: Looks | None = None
) -> tuple[list[Verdict], Program]:
    """The verdicts on the orders, in the order given, and the program that they were judged by.

    looks: for these orders' codes, if they were asked for.
    """
    if looks is None:
        looks = Looks((code for order in orders for code in order.codes), reach)
        await ask(ctx, session, *looks.all)
    found = await find_touches(
        ctx,
        session,
        [order.trail for order in orders],
        met=_met(orders),
        lookback=reach.lookback,
        candidates_max=reach.candidates_max,
        viewed=looks.viewed.found,
    )
    touches = {
        place: _joined(found.touches.get(place, ()), order.remembered, reach.candidates_max)
        for place, order in enumerate(orders)
        if place in found.touches or order.remembered
    }
    used = {touch.code for of_order in touches.values() for touch in of_order if touch.kind is TouchKind.CODE}
    given = {code for order in orders for code in order.codes}
    others = look_for_codes({code for code in used if code is not None and code not in given})
    await ask(ctx, session, others)
    offers = {**looks.offers.found, **others.found}
    codes = {
        place: code_touches(order.codes, offers, order.trail.occurred_at, order.customer)
        for place, order in enumerate(orders)
        if order.codes
    }
    program = await load_program(
        ctx,
        session,
        (touch for of_orders in (touches, codes) for of_order in of_orders.values() for touch in of_order),
        known=looks.program,
        has_histories=any(order.booked_at is not None for order in orders),
    )
    # Who bought is of no interest where nobody is known who could have bought for themselves.
    buyers = await load_buyers(ctx, session, set(found.owners.values())) if program.buyers else {}
    pauses = Pauses()
    verdicts: list[Verdict] = []
    for place, order in enumerate(orders):
        await pauses.take()
        owner = found.owners.get(place)
        verdicts.append(
            judge(
                order.trail.occurred_at,
                codes=codes.get(place, ()),
                touches=[_owned(touch, offers, order.customer) for touch in touches.get(place, ())],
                program=program,
                rules=looks.rules.found,
                buyer=None if owner is None else buyers.get(owner),
                is_test=order.is_test,
                statuses_at=order.booked_at,
            )
        )
    return verdicts, program


def _met(orders: Sequence[Placed]) -> Encounters:
    # Each order is judged as if those before it were recorded. A test order names nobody, as where recorded ones are
    # read.
    return Encounters(
        Encounter(trail.occurred_at, place, trail.visitor_id, trail.customer_id)
        for place, order in enumerate(orders)
        if (trail := order.trail).visitor_id is not None and trail.customer_id is not None and not order.is_test
    )


def _joined(found: Sequence[Touch], remembered: Sequence[Touch], count: int) -> Sequence[Touch]:
    if not remembered:
        return found
    by_id = {touch.id: touch for touch in (*remembered, *found)}
    return sorted(by_id.values(), key=lambda touch: (touch.at, touch.id), reverse=True)[:count]


def _owned(touch: Touch, offers: Mapping[str, CodeOffer], customer: str | None) -> Touch:
    # A code's use that was recorded before the order: of a code that is another influencer's, or another customer's?
    if touch.kind is not TouchKind.CODE or touch.code is None:
        return touch
    offer = offers.get(touch.code)
    if offer is None or (offer.is_for(customer) and offer.influencer_id == touch.influencer_id):
        return touch
    return replace(touch, refusal=RejectReason.CODE_NOT_OWNED)


def remembered(candidates: Sequence[Mapping[str, object]]) -> list[Touch]:
    """The recorded touches among stored candidates (Judged.to_json), without what came of them."""
    return [
        Touch(
            kind=TouchKind(str(stored["kind"])),
            at=datetime.fromisoformat(str(stored["at"])),
            id=_id(stored["id"]),
            influencer_id=_id(stored["influencerId"]),
            campaign_id=_id(stored["campaignId"]),
            link_id=_id(stored["linkId"]),
            code=_text(stored["code"]),
            platform=_text(stored["platform"]),
            channel=_text(stored["channel"]),
            ad_click=_text(stored.get("adClick")),
        )
        for stored in candidates
        if stored["id"] is not None
    ]


def _id(value: object) -> UUID | None:
    return None if value is None else UUID(str(value))


def _text(value: object) -> str | None:
    return None if value is None else str(value)
