"""What orders, edits, refunds and adjustments add to the rollups. Pure; definitions in analytics/rollups/deltas.

Revenue counts by booked credit: an order of three credits gives three contributions. Credits of weight 0 give none.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.analytics.rollups.deltas import Contribution
from app.core.money import WEIGHT_ONE
from app.core.words import LineKind
from app.orders.open_lines import Change, OpenLine, Taken


class BookedShare(NamedTuple):
    """A credit with a booked weight (1e-9, more than 0) and the keys it counts under."""

    credit_id: UUID
    campaign_id: UUID | None
    influencer_id: UUID | None
    platform: str | None
    weight: int


class Totals(NamedTuple):
    """Sums over revenue lines, before credit.

    units: of the items, in pieces. gross_base: in minor units of the tenant's currency. missing: lines without an
    amount in that currency.
    """

    units: int
    gross_base: int
    missing: int


def of_order(occurred_at: datetime, lines: Sequence[OpenLine], shares: Sequence[BookedShare]) -> list[Contribution]:
    """What a recorded order contributes, at its own time."""
    totals = _totals(lines)
    return [_of_lines(occurred_at, totals, share, orders=1) for share in shares]


def of_edit(occurred_at: datetime, changes: Sequence[Change], shares: Sequence[BookedShare]) -> list[Contribution]:
    """What an edit contributes, at the order's time: old lines away, new ones added."""
    old = _totals([change.old for change in changes if change.old is not None])
    new = _totals([change.new for change in changes if change.new is not None])
    # A reversal is a fact of its own: without a rate it counts as another missing one.
    totals = Totals(new.units - old.units, new.gross_base - old.gross_base, new.missing + old.missing)
    return [_of_lines(occurred_at, totals, share, orders=0) for share in shares]


def of_refund(occurred_at: datetime, taken: Sequence[Taken], shares: Sequence[BookedShare]) -> list[Contribution]:
    """What a refund contributes, at its own time, by its order's credits."""
    revenue = [part for part in taken if part.is_revenue]
    base = sum(part.base or 0 for part in revenue)
    missing = sum(part.base is None for part in revenue)
    return [
        Contribution(
            occurred_at=occurred_at,
            campaign_id=share.campaign_id,
            influencer_id=share.influencer_id,
            platform=share.platform,
            refunds_e9=base * share.weight,
            missing_rates=missing,
        )
        for share in shares
    ]


def of_adjustment(occurred_at: datetime, base: int | None) -> Contribution:
    """What a credit note without an order contributes: whole, under nobody's keys."""
    return Contribution(
        occurred_at=occurred_at, refunds_e9=(base or 0) * WEIGHT_ONE, missing_rates=1 if base is None else 0
    )


def _totals(lines: Sequence[OpenLine]) -> Totals:
    revenue = [line for line in lines if line.is_revenue]
    return Totals(
        units=sum(line.quantity for line in revenue if line.kind is LineKind.ITEM),
        gross_base=sum(line.base or 0 for line in revenue),
        missing=sum(line.base is None for line in revenue),
    )


def _of_lines(occurred_at: datetime, totals: Totals, share: BookedShare, *, orders: int) -> Contribution:
    return Contribution(
        occurred_at=occurred_at,
        campaign_id=share.campaign_id,
        influencer_id=share.influencer_id,
        platform=share.platform,
        orders_e9=orders * share.weight,
        units_e9=totals.units * share.weight,
        gross_e9=totals.gross_base * share.weight,
        missing_rates=totals.missing,
    )
