"""Who is in which cohort: (member, cohort), cohorts numbered from 1."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal_column, select, true, union_all
from sqlalchemy.sql.expression import FromClause

from app.analytics.cohorts.query import CohortBy
from app.analytics.cohorts.sql.pieces import (
    Shape,
    bucket_of,
    columns_of,
    influencers,
    instances,
    items_of,
    keys_of,
    orders,
    passing,
    used_in,
)
from app.analytics.sql.aggregates import looked_up
from app.analytics.sql.filters import Key
from app.analytics.sql.tables import (
    INSTANT,
    credits_,
    in_force,
    of_tenant,
    one,
)


def _by_first_order(shape: Shape) -> Select[Any]:
    credit = credits_.alias("credit")
    conditions = [of_tenant(credit), credit.c.customer_id.is_not(None), _is_before_last(credit)]
    if shape.where is None:
        # Index alone: credits_customer.
        return _first_of_each(select(credit.c.customer_id, credit.c.occurred_at).where(*conditions))
    columns = [credit.c.customer_id, credit.c.occurred_at, credit.c.order_id, credit.c.weight_booked]
    conditions.append(in_force(credit))
    rows = _with_first(select(*columns, *columns_of(credit, shape.where)).where(*conditions))
    source: FromClause = rows
    keys = keys_of(rows, shape.where)
    if "product" in used_in(shape.where):
        item = items_of(rows.c.order_id)
        source = rows.join(item, true())
        keys["product"] = Key(item.c.product_id)
    return _in_bucket_of_first(rows, source, [rows.c.weight_booked > literal_column("0"), *passing(shape.where, keys)])


def _by_first_touch(shape: Shape) -> Select[Any]:
    named, unnamed, order = instances.alias("named"), instances.alias("unnamed"), orders.alias("placed")
    # Index: instances_customer.
    theirs = select(named.c.customer_id, named.c.occurred_at, *columns_of(named, shape.where)).where(
        of_tenant(named), in_force(named), named.c.customer_id.is_not(None), _is_before_last(named)
    )
    known = (
        select(order.c.customer_id, order.c.visitor_id)
        .where(of_tenant(order), order.c.customer_id.is_not(None), order.c.visitor_id.is_not(None), ~order.c.is_test)
        .distinct()
        .subquery("known")
    )
    # Index: instances_visitor.
    seen = looked_up(
        select(unnamed.c.occurred_at, *columns_of(unnamed, shape.where)).where(
            of_tenant(unnamed),
            in_force(unnamed),
            unnamed.c.visitor_id == known.c.visitor_id,
            unnamed.c.customer_id.is_(None),
            _is_before_last(unnamed),
        ),
        "seen",
    )
    visits = select(known.c.customer_id, *seen.c).select_from(known.join(seen, true()))
    touches = select(union_all(theirs, visits).subquery("touch"))
    if shape.where is None:
        return _first_of_each(touches)
    rows = _with_first(touches)
    return _in_bucket_of_first(rows, rows, passing(shape.where, keys_of(rows, shape.where)))


def _by_joining(shape: Shape) -> Select[Any]:
    influencer = influencers.alias("influencer")
    instance, credit = instances.alias("instance"), credits_.alias("credit")
    tracked = select(func.min(instance.c.occurred_at)).where(
        of_tenant(instance), in_force(instance), instance.c.influencer_id == influencer.c.id
    )
    credited = select(func.min(credit.c.occurred_at)).where(
        of_tenant(credit),
        in_force(credit),
        credit.c.influencer_id == influencer.c.id,
        credit.c.weight_booked > literal_column("0"),
    )
    # Indexes: instances_influencer, credits_influencer_orders.
    joined_at = func.least(
        influencer.c.created_at,
        tracked.correlate(influencer).scalar_subquery(),
        credited.correlate(influencer).scalar_subquery(),
        type_=INSTANT,
    )
    joined = (
        select(influencer.c.id, joined_at.label("joined_at"))
        .where(of_tenant(influencer), *passing(shape.who, {"influencer": Key(influencer.c.id)}))
        .subquery("joined")
    )
    return select(joined.c.id.label("member"), bucket_of(joined.c.joined_at).label("cohort")).where(
        joined.c.joined_at >= one("first", INSTANT), joined.c.joined_at < one("joined_until", INSTANT)
    )


MEMBERS_BY: dict[CohortBy, Callable[[Shape], Select[Any]]] = {
    CohortBy.FIRST_ORDER: _by_first_order,
    CohortBy.FIRST_TOUCH: _by_first_touch,
    CohortBy.INFLUENCER_JOINED: _by_joining,
}
"""Whom a cohort is made of."""


def _is_before_last(fact: FromClause) -> ColumnElement[bool]:
    # Before the last cohort's bucket ends: what comes later puts nobody into a cohort.
    found: ColumnElement[bool] = fact.c.occurred_at < one("joined_until", INSTANT)
    return found


def _first_of_each(rows: Select[Any]) -> Select[Any]:
    found = rows.subquery("found")
    first_at = func.min(found.c.occurred_at)
    return (
        select(found.c.customer_id.label("member"), bucket_of(first_at).label("cohort"))
        .group_by(found.c.customer_id)
        .having(first_at >= one("first", INSTANT))
    )


def _with_first(rows: Select[Any]) -> FromClause:
    # Beside each row the first of its customer's: in one pass, whatever the database expects of a join.
    found = rows.subquery("found")
    first_at = func.min(found.c.occurred_at).over(partition_by=found.c.customer_id)
    return select(*found.c, first_at.label("first_at")).subquery("dated")


def _in_bucket_of_first(rows: FromClause, source: FromClause, conditions: list[ColumnElement[bool]]) -> Select[Any]:
    cohort = bucket_of(rows.c.first_at)
    return (
        select(rows.c.customer_id.label("member"), cohort.label("cohort"))
        .select_from(source)
        .where(rows.c.first_at >= one("first", INSTANT), bucket_of(rows.c.occurred_at) == cohort, *conditions)
        .distinct()
    )
