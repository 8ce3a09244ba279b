"""What both halves of the statement are made of: tables, the question's shape, buckets, what a filter looks at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, cast, column, exists, func, literal_column, null, select, table
from sqlalchemy.sql.expression import FromClause

from app.analytics.cohorts.query import CohortBy, CohortMeasure
from app.analytics.sql.aggregates import word
from app.analytics.sql.filters import Joint, Key, Mask, predicate
from app.analytics.sql.tables import (
    BIG,
    INSTANT,
    SMALL,
    TEXT,
    UID,
    credits_,
    many,
    of_tenant,
    order_lines,
)
from app.core.words import LineKind

instances = table(
    "instances",
    column("tenant_id", UID),
    column("occurred_at", INSTANT),
    column("influencer_id", UID),
    column("campaign_id", UID),
    column("code", TEXT),
    column("platform", TEXT),
    column("channel", TEXT),
    column("country", TEXT),
    column("visitor_id", TEXT),
    column("customer_id", UID),
    column("superseded_at", INSTANT),
)
orders = table(
    "orders",
    column("tenant_id", UID),
    column("customer_id", UID),
    column("visitor_id", TEXT),
    column("is_test"),
)
influencers = table("influencers", column("tenant_id", UID), column("id", UID), column("created_at", INSTANT))
adjustments = table(
    "adjustments",
    column("tenant_id", UID),
    column("occurred_at", INSTANT),
    column("customer_id", UID),
    column("product_id", UID),
    column("country", TEXT),
    column("currency", TEXT),
    column("amount_minor", BIG),
    column("amount_base_minor", BIG),
)

COLUMNS = {
    "influencer": "influencer_id",
    "campaign": "campaign_id",
    "code": "code",
    "platform": "platform",
    "channel": "channel",
    "country": "country",
}
"""Where instances and credits have what a filter may look at."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Everything that changes the statement's text.

    who: the filter as far as it speaks of influencers. converts: the currency is not the tenant's.
    """

    by: CohortBy
    measure: CohortMeasure
    where: Mask | Joint | None
    who: Mask | Joint | None
    converts: bool


def bucket_of(at: ColumnElement[Any]) -> ColumnElement[int]:
    """The number of the bucket that holds a time, from 1; 0 before the first cohort."""
    found: ColumnElement[int] = func.width_bucket(at, many("edges", INSTANT), type_=SMALL)
    return found


def used_in(where: Mask | Joint | None) -> frozenset[str]:
    """The dimensions that a filter looks at."""
    if where is None:
        return frozenset()
    if isinstance(where, Mask):
        return frozenset({where.dimension})
    return frozenset[str]().union(*map(used_in, where.parts))


def passing(where: Mask | Joint | None, keys: Mapping[str, Key]) -> list[ColumnElement[bool]]:
    """Whether a row with these keys passes the filter; no condition without one."""
    return [] if where is None else [predicate(where, keys)]


def columns_of(fact: FromClause, where: Mask | Joint | None) -> list[ColumnElement[Any]]:
    """The columns of instances or credits that the filter needs."""
    used = used_in(where)
    return [fact.c[name] for key, name in COLUMNS.items() if key in used]


def keys_of(fact: FromClause, where: Mask | Joint | None) -> dict[str, Key]:
    """The keys of instances or credits that the filter looks at, but for products."""
    used = used_in(where)
    keys = {key: Key(fact.c[name]) for key, name in COLUMNS.items() if key in used}
    if "customer_kind" in used:
        keys["customer_kind"] = Key(_kind_of_customer(fact))
    return keys


def _kind_of_customer(credit: FromClause) -> ColumnElement[Any]:
    # Index: credits_customer.
    earlier = credits_.alias("earlier")
    has_ordered = exists(
        select(literal_column("1"))
        .select_from(earlier)
        .where(
            of_tenant(earlier),
            earlier.c.customer_id == credit.c.customer_id,
            earlier.c.occurred_at < credit.c.occurred_at,
        )
        .correlate(credit)
    )
    return case(
        (credit.c.customer_id.is_(None), cast(null(), TEXT)), (has_ordered, word("RETURNING")), else_=word("NEW")
    )


def items_of(order_id: ColumnElement[Any]) -> FromClause:
    """The products of an order: of its ITEM lines that no edit reversed. Index: order_lines_order."""
    line = order_lines.alias("item_line")
    reversed_ = func.count().filter(line.c.is_reversal)
    return (
        select(line.c.product_id)
        .where(of_tenant(line), line.c.order_id == order_id, line.c.kind == word(LineKind.ITEM))
        .group_by(line.c.product_id)
        .having(func.count().filter(~line.c.is_reversal) > reversed_)
        .lateral("item")
    )
