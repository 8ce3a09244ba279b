"""What members did: (cohort, period, value, missing) of one measure."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    cast,
    func,
    literal_column,
    null,
    select,
    true,
    union_all,
)
from sqlalchemy.sql.expression import FromClause

from app.analytics.cohorts.query import CohortBy, CohortMeasure
from app.analytics.cohorts.sql.pieces import (
    COLUMNS,
    Shape,
    adjustments,
    bucket_of,
    columns_of,
    items_of,
    keys_of,
    passing,
    used_in,
)
from app.analytics.sql.aggregates import UNKNOWN, WHOLE, looked_up, word
from app.analytics.sql.filters import Key
from app.analytics.sql.money import converted
from app.analytics.sql.tables import (
    BIG,
    INSTANT,
    NUMERIC,
    SMALL,
    TEXT,
    UID,
    credits_,
    in_force,
    of_tenant,
    one,
    order_lines,
    refund_lines,
)
from app.core.words import REVENUE_KINDS


def _customers(shape: Shape, members: CTE) -> list[Select[Any]]:
    rows = _orders_of(shape, members)
    return [_by_cell(rows, func.count(rows.c.customer_id.distinct()))]


def _orders_made(shape: Shape, members: CTE) -> list[Select[Any]]:
    rows = _orders_of(shape, members)
    return [_by_cell(rows, func.sum(rows.c.weight_booked))]


def _revenue(shape: Shape, members: CTE) -> list[Select[Any]]:
    found = [_sold(shape, members), _taken_back(shape, members)]
    if shape.by is not CohortBy.INFLUENCER_JOINED:
        found.append(_noted(shape, members))
    return found


CELLS_OF: dict[CohortMeasure, Callable[[Shape, CTE], list[Select[Any]]]] = {
    CohortMeasure.RETAINED_CUSTOMERS: _customers,
    CohortMeasure.CUMULATIVE_REVENUE: _revenue,
    CohortMeasure.ORDERS_PER_CUSTOMER: _orders_made,
}
"""The scans that give a measure."""


def _credit_of(shape: Shape, members: CTE, *conditions: Callable[[FromClause], ColumnElement[bool]]) -> FromClause:
    # The credits of a member's orders. Indexes: credits_customer, credits_influencer_orders.
    credit = credits_.alias("of_member")
    owner = credit.c.influencer_id if shape.by is CohortBy.INFLUENCER_JOINED else credit.c.customer_id
    columns = [credit.c[name] for name in ("id", "order_id", "occurred_at", "customer_id", "currency", "weight_booked")]
    return looked_up(
        select(*columns, *columns_of(credit, shape.where)).where(
            of_tenant(credit),
            in_force(credit),
            owner == members.c.member,
            credit.c.weight_booked > literal_column("0"),
            *(condition(credit) for condition in conditions),
        ),
        "credit",
    )


def _is_in_range(fact: FromClause) -> ColumnElement[bool]:
    found: ColumnElement[bool] = fact.c.occurred_at >= one("first", INSTANT)
    return found & (fact.c.occurred_at < one("until", INSTANT))


def _orders_of(shape: Shape, members: CTE) -> FromClause:
    credit = _credit_of(shape, members, _is_in_range)
    source = members.join(credit, true())
    keys = keys_of(credit, shape.where)
    is_by_product = "product" in used_in(shape.where)
    if is_by_product:
        item = items_of(credit.c.order_id)
        source = source.join(item, true())
        keys["product"] = Key(item.c.product_id)
    rows = (
        select(
            members.c.cohort,
            _period(credit.c.occurred_at, members.c.cohort),
            credit.c.id,
            credit.c.customer_id,
            credit.c.weight_booked,
        )
        .select_from(source)
        .where(*passing(shape.where, keys))
    )
    # An order with two of the products comes twice.
    return (rows.distinct() if is_by_product else rows).subquery("made")


def _sold(shape: Shape, members: CTE) -> Select[Any]:
    credit = _credit_of(shape, members, _is_in_range)
    line = order_lines.alias("line")
    # Index: order_lines_order. Lines have the time of their order.
    source = members.join(credit, true()).join(line, line.c.order_id == credit.c.order_id)
    keys = keys_of(credit, shape.where) | {"product": Key(line.c.product_id)}
    return _amounts(members, source, credit, line, keys, shape, at=credit.c.occurred_at, sign=1)


def _taken_back(shape: Shape, members: CTE) -> Select[Any]:
    credit = _credit_of(shape, members)
    line = refund_lines.alias("refund_line")
    # Index: refund_lines_order. Of any order of theirs: a refund counts at its own time.
    source = members.join(credit, true()).join(line, (line.c.order_id == credit.c.order_id) & _is_in_range(line))
    keys = keys_of(credit, shape.where) | {"product": Key(line.c.product_id)}
    return _amounts(members, source, credit, line, keys, shape, at=line.c.occurred_at, sign=-1)


def _amounts(
    members: CTE,
    source: FromClause,
    credit: FromClause,
    line: FromClause,
    keys: Mapping[str, Key],
    shape: Shape,
    *,
    at: ColumnElement[Any],
    sign: int,
) -> Select[Any]:
    is_revenue = line.c.kind.in_([word(kind) for kind in sorted(REVENUE_KINDS)])
    amount: ColumnElement[Any] = line.c.amount_base_minor
    if shape.converts:
        # A refund has its order's rate, too.
        source, amount = converted(source, line.c.amount_minor, credit.c.currency, credit.c.occurred_at)
    weight = credit.c.weight_booked * literal_column(str(sign))
    rows = (
        select(
            members.c.cohort,
            _period(at, members.c.cohort),
            amount.label("amount"),
            (cast(amount, NUMERIC) * weight).label("value"),
        )
        .select_from(source)
        .where(of_tenant(line), is_revenue, *passing(shape.where, keys))
        .subquery("amount")
    )
    return _by_cell(rows, func.sum(rows.c.value), missing=rows.c.amount)


def _noted(shape: Shape, members: CTE) -> Select[Any]:
    # Credit notes whose order cannot be known have a customer, or none, and nobody who is credited. There is no index
    # by customer: the members stand among the notes, and each note takes its customer's cohort, in one pass.
    note = adjustments.alias("adjustment")
    kinds: dict[str, Any] = {"occurred_at": INSTANT, "product_id": UID, "country": TEXT}
    kinds |= {"amount_minor": BIG, "currency": TEXT} if shape.converts else {"amount_base_minor": BIG}
    empty: list[ColumnElement[Any]] = [cast(null(), kind).label(name) for name, kind in kinds.items()]
    cohorts = select(
        members.c.member.label("customer_id"),
        members.c.cohort,
        *empty,
    )
    notes = select(note.c.customer_id, cast(null(), SMALL).label("cohort"), *(note.c[name] for name in kinds)).where(
        of_tenant(note), note.c.customer_id.is_not(None), _is_in_range(note)
    )
    both = union_all(cohorts, notes).subquery("both")
    cohort = func.max(both.c.cohort).over(partition_by=both.c.customer_id)
    dated = select(cohort.label("cohort"), *(both.c[name] for name in kinds)).subquery("noted")
    source: FromClause = dated
    if shape.converts:
        source, amount = converted(dated, dated.c.amount_minor, dated.c.currency, dated.c.occurred_at)
    else:
        amount = dated.c.amount_base_minor
    keys = dict.fromkeys((*COLUMNS, "customer_kind"), UNKNOWN) | {
        "product": Key(dated.c.product_id),
        "country": Key(dated.c.country),
    }
    rows = (
        select(
            dated.c.cohort,
            _period(dated.c.occurred_at, dated.c.cohort),
            amount.label("amount"),
            (cast(-amount, NUMERIC) * WHOLE).label("value"),
        )
        .select_from(source)
        .where(dated.c.cohort.is_not(None), dated.c.occurred_at.is_not(None), *passing(shape.where, keys))
        .subquery("amount")
    )
    return _by_cell(rows, func.sum(rows.c.value), missing=rows.c.amount)


def _period(at: ColumnElement[Any], cohort: ColumnElement[Any]) -> ColumnElement[Any]:
    return (bucket_of(at) - cohort).label("period")


def _by_cell(rows: FromClause, value: ColumnElement[Any], *, missing: ColumnElement[Any] | None = None) -> Select[Any]:
    unknown = literal_column("0") if missing is None else func.count().filter(missing.is_(None))
    return (
        select(
            rows.c.cohort,
            rows.c.period,
            func.coalesce(cast(value, NUMERIC), literal_column("0")).label("value"),
            unknown.label("missing"),
        )
        .where(rows.c.period >= literal_column("0"), rows.c.period < one("periods", SMALL))
        .group_by(rows.c.cohort, rows.c.period)
    )
