"""The columns that analytics reads, as expressions. Every reference to a table names the tenant: see `of_tenant`."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, cast, column, literal_column, select, table
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.sql.expression import FromClause
from sqlalchemy.types import ARRAY, BigInteger, Boolean, Date, DateTime, Double, Integer, Numeric, Text, Uuid

from app.core.ids import ZERO_ID

INSTANT = DateTime(timezone=True)
DATE = Date()
BIG = BigInteger()
SMALL = Integer()
NUMERIC = Numeric()
DOUBLE: Double[float] = Double()
BOOL = Boolean()
TEXT = Text()
UID: Uuid[UUID] = Uuid()

instances = table(
    "instances",
    column("tenant_id", UID),
    column("occurred_at", INSTANT),
    column("kind", TEXT),
    column("influencer_id", UID),
    column("campaign_id", UID),
    column("code", TEXT),
    column("platform", TEXT),
    column("channel", TEXT),
    column("country", TEXT),
    column("visitor_id", TEXT),
    column("recorded_at", INSTANT),
    column("superseded_at", INSTANT),
)
credits_ = table(
    "credits",
    column("tenant_id", UID),
    column("id", UID),
    column("order_id", UID),
    column("position", SMALL),
    column("influencer_id", UID),
    column("campaign_id", UID),
    column("code", TEXT),
    column("platform", TEXT),
    column("channel", TEXT),
    column("weight_booked", SMALL),
    column("weight_last", SMALL),
    column("weight_first", SMALL),
    column("weight_linear", SMALL),
    column("weight_time_decay", SMALL),
    column("weight_position", SMALL),
    column("occurred_at", INSTANT),
    column("country", TEXT),
    column("currency", TEXT),
    column("customer_id", UID),
    column("recorded_at", INSTANT),
    column("superseded_at", INSTANT),
)
order_lines = table(
    "order_lines",
    column("tenant_id", UID),
    column("order_id", UID),
    column("kind", TEXT),
    column("product_id", UID),
    column("quantity", BIG),
    column("currency", TEXT),
    column("amount_minor", BIG),
    column("amount_base_minor", BIG),
    column("is_reversal", Boolean()),
    column("occurred_at", INSTANT),
    column("recorded_at", INSTANT),
)
refund_lines = table(
    "refund_lines",
    column("tenant_id", UID),
    column("order_id", UID),
    column("kind", TEXT),
    column("product_id", UID),
    column("amount_minor", BIG),
    column("amount_base_minor", BIG),
    column("occurred_at", INSTANT),
    column("currency", TEXT),
    column("recorded_at", INSTANT),
)
adjustments = table(
    "adjustments",
    column("tenant_id", UID),
    column("product_id", UID),
    column("country", TEXT),
    column("currency", TEXT),
    column("amount_minor", BIG),
    column("amount_base_minor", BIG),
    column("occurred_at", INSTANT),
    column("recorded_at", INSTANT),
)
commissions = table(
    "commissions",
    column("tenant_id", UID),
    column("id", UID),
    column("state", TEXT),
    column("influencer_id", UID),
    column("campaign_id", UID),
    column("code", TEXT),
    column("currency", TEXT),
    column("amount_minor", BIG),
    column("amount_base_minor", BIG),
    column("occurred_at", INSTANT),
    column("order_id", UID),
    column("recorded_at", INSTANT),
)
commission_lines = table(
    "commission_lines",
    column("tenant_id", UID),
    column("id", UID),
    column("commission_id", UID),
    column("product_id", UID),
    column("amount_minor", BIG),
    column("amount_base_minor", BIG),
    column("occurred_at", INSTANT),
    column("recorded_at", INSTANT),
)
commission_events = table(
    "commission_events",
    column("tenant_id", UID),
    column("id", UID),
    column("commission_id", UID),
    column("to_state", TEXT),
    column("recorded_at", INSTANT),
)
orders = table(
    "orders",
    column("tenant_id", UID),
    column("id", UID),
    column("occurred_at", INSTANT),
)
engagement_snapshots = table(
    "engagement_snapshots",
    column("tenant_id", UID),
    column("platform", TEXT),
    column("post_id", TEXT),
    column("occurred_at", INSTANT),
    column("influencer_id", UID),
    column("campaign_id", UID),
    column("likes", BIG),
    column("comments", BIG),
    column("shares", BIG),
    column("views", BIG),
    column("recorded_at", INSTANT),
)
spend = table(
    "spend",
    column("tenant_id", UID),
    column("campaign_id", UID),
    column("influencer_id", UID),
    column("currency", TEXT),
    column("amount_minor", BIG),
    column("amount_base_minor", BIG),
    column("occurred_at", INSTANT),
    column("recorded_at", INSTANT),
)
payout_payments = table(
    "payout_payments",
    column("tenant_id", UID),
    column("influencer_id", UID),
    column("currency", TEXT),
    column("amount_minor", BIG),
    column("amount_base_minor", BIG),
    column("occurred_at", INSTANT),
    column("recorded_at", INSTANT),
)
exchange_rates = table(
    "exchange_rates",
    column("base", TEXT),
    column("quote", TEXT),
    column("day", DATE),
    column("rate", NUMERIC),
)
own_rates = table(
    "own_rates",
    column("tenant_id", UID),
    column("id", UID),
    column("base", TEXT),
    column("quote", TEXT),
    column("day", DATE),
    column("rate", NUMERIC),
)


ZERO_UID: ColumnElement[UUID] = literal_column(f"'{ZERO_ID}'::uuid", UID)
"""Stands for null among the ids of rollup keys."""

FOREVER: ColumnElement[Any] = literal_column("'infinity'::timestamptz", INSTANT)
"""When what is in force is superseded."""

NO_TEXT: ColumnElement[str] = literal_column("''", TEXT)
"""Stands for null among the texts of rollup keys."""


def of_tenant(source: FromClause) -> ColumnElement[bool]:
    """`tenant_id = $1`, for every table reference: it is what keeps a statement on one node of a cluster."""
    # Without a type, so that no cast is rendered beside the parameter.
    return source.c.tenant_id == bindparam("tenant")


def in_force(fact: FromClause) -> ColumnElement[bool]:
    """Whether no later judgement replaced the credit or purchase; of other instances always."""
    # Not an equality, nor IS NULL of a column without a default: of a table that was never analysed Postgres would
    # expect next to nothing of either, and join all with all.
    found: ColumnElement[bool] = fact.c.superseded_at >= FOREVER
    return found


def one(name: str, kind: Any) -> ColumnElement[Any]:
    """A parameter of the type."""
    return bindparam(name, type_=kind)


def many(name: str, kind: Any) -> ColumnElement[Any]:
    """A parameter that is an array of the type."""
    return bindparam(name, type_=ARRAY(kind))


def instants(name: str) -> ColumnElement[Any]:
    """A parameter that is the text of an array of instants, made by `array_text`. A statement reads it once."""
    return select(cast(bindparam(name, type_=TEXT), ARRAY(INSTANT))).scalar_subquery()


def element(name: str, kind: Any, number: ColumnElement[Any]) -> ColumnElement[Any]:
    """One element of a parameter that is an array, numbered from 1."""
    found: ColumnElement[Any] = Grouping(bindparam(name, type_=ARRAY(kind)))[number]
    return found
