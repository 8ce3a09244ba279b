"""Scans of what campaigns reached and cost: growth of posts' figures, spend, and payouts."""

from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal_column, select
from sqlalchemy.sql.expression import FromClause

from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.sql.aggregates import UNKNOWN, count_of, grouped, sum_of
from app.analytics.sql.cells import Cells, Times
from app.analytics.sql.filters import Key
from app.analytics.sql.money import priced
from app.analytics.sql.tables import engagement_snapshots, of_tenant, payout_payments, spend

FIGURES = ("likes", "comments", "shares", "views")
"""What snapshots know of a post."""


def engagement_scan(sums: tuple[str, ...], cells: Cells, times: Times) -> Select[Any]:
    """Growth of each figure, and the snapshots that knew it."""
    fact = engagement_snapshots.alias("snapshot")
    conditions = [of_tenant(fact), times.hold(fact.c.occurred_at), *cells.recorded(fact)]
    aggregates: dict[str, ColumnElement[Any]] = {}
    for name in FIGURES:
        if name in sums:
            aggregates[name] = sum_of(fact.c[name] - func.coalesce(_before(fact, name, cells), literal_column("0")))
        aggregates[f"{name}_known"] = func.count(fact.c[name])
    keys = dict.fromkeys(DIMENSIONS, UNKNOWN) | {
        "influencer": Key(fact.c.influencer_id),
        "campaign": Key(fact.c.campaign_id),
        "platform": Key(fact.c.platform),
    }
    chosen = {name: aggregates[name] for name in sums}
    return grouped(fact, conditions, keys, fact.c.occurred_at, cells, chosen)


def _before(fact: FromClause, figure: str, cells: Cells) -> ColumnElement[Any]:
    # The last known one of the post before a snapshot. Index: engagement_snapshots_post.
    earlier = engagement_snapshots.alias(f"{figure}_before")
    return (
        select(earlier.c[figure])
        .where(
            of_tenant(earlier),
            earlier.c.platform == fact.c.platform,
            earlier.c.post_id == fact.c.post_id,
            earlier.c.occurred_at < fact.c.occurred_at,
            earlier.c[figure].is_not(None),
            *cells.recorded(earlier),
        )
        .order_by(earlier.c.occurred_at.desc())
        .limit(literal_column("1"))
        .correlate(fact)
        .scalar_subquery()
    )


def spend_scan(sums: tuple[str, ...], cells: Cells, times: Times) -> Select[Any]:
    """What was spent."""
    fact = spend.alias("spent")
    conditions = [of_tenant(fact), times.hold(fact.c.occurred_at), *cells.recorded(fact)]
    source, amount = priced(fact, fact, cells, fact.c.occurred_at)
    aggregates = {"spend": sum_of(amount), "missing_spend_rates": count_of(amount.is_(None))}
    keys = dict.fromkeys(DIMENSIONS, UNKNOWN) | {
        "influencer": Key(fact.c.influencer_id),
        "campaign": Key(fact.c.campaign_id),
        "currency": Key(fact.c.currency),
    }
    chosen = {name: aggregates[name] for name in sums}
    return grouped(source, conditions, keys, fact.c.occurred_at, cells, chosen)


def payout_scan(sums: tuple[str, ...], cells: Cells, times: Times) -> Select[Any]:
    """What was paid to influencers."""
    fact = payout_payments.alias("paid")
    conditions = [of_tenant(fact), times.hold(fact.c.occurred_at), *cells.recorded(fact)]
    source, amount = priced(fact, fact, cells, fact.c.occurred_at)
    aggregates = {"payouts": sum_of(amount), "missing_payout_rates": count_of(amount.is_(None))}
    keys = dict.fromkeys(DIMENSIONS, UNKNOWN) | {
        "influencer": Key(fact.c.influencer_id),
        "currency": Key(fact.c.currency),
    }
    chosen = {name: aggregates[name] for name in sums}
    return grouped(source, conditions, keys, fact.c.occurred_at, cells, chosen)
