"""Amounts of facts in the currency of the answer, rounded once per fact."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, cast, func, literal_column, null, or_, select, true, union_all
from sqlalchemy.sql.expression import FromClause

from app.analytics.sql.aggregates import looked_up
from app.analytics.sql.cells import Cells, Money
from app.analytics.sql.tables import (
    BOOL,
    DATE,
    NUMERIC,
    TEXT,
    UID,
    element,
    exchange_rates,
    many,
    of_tenant,
    one,
    own_rates,
)
from app.core.money import RATE_AGE_MAX


def priced(
    source: FromClause, fact: FromClause, cells: Cells, at: ColumnElement[Any]
) -> tuple[FromClause, ColumnElement[Any]]:
    """The source, joined with the day's rate where one is needed, and the fact's minor units; null without a rate.

    at: the time whose rate counts.
    """
    if cells.money is Money.ORIGINAL:
        return source, fact.c.amount_minor
    if cells.money is Money.BASE:
        return source, fact.c.amount_base_minor
    return converted(source, fact.c.amount_minor, fact.c.currency, at)


def converted(
    source: FromClause,
    minor: ColumnElement[Any],
    own: ColumnElement[Any],
    at: ColumnElement[Any],
    before: ColumnElement[Any] | None = None,
) -> tuple[FromClause, ColumnElement[Any]]:
    """The source, joined with the day's rate, and an amount in minor units of the asked currency; null without a rate.

    minor, own: the amount of each row, and its currency. at: the time whose rate counts. before: where a row is a part
    of a fact, the sum of the parts before it. So they add up to the fact, rounded once.
    """
    rate = _rate(own, at)
    exact = cast(minor, NUMERIC)
    up_to = exact if before is None else before + exact
    priced_at = half_even(up_to * rate.c.up, rate.c.down)
    if before is not None:
        priced_at = priced_at - half_even(before * rate.c.up, rate.c.down)
    amount = case((own == one("currency", TEXT), exact), (rate.c.down.is_not(None), priced_at))
    # It has nothing of its own to read from: all of it is named beside it.
    named = [each.table for each in (minor, own, before) if each is not None]
    price = select(amount.label("amount")).correlate(source, *named, rate).lateral("price")
    return source.outerjoin(rate, true()).join(price, true()), price.c.amount


def _rate(own: ColumnElement[Any], at: ColumnElement[Any]) -> FromClause:
    # As orders.conversion does: the last rate known, the tenant's own before those of all, published before inverse. An
    # amount times `up` divided by `down` is the converted one. Index: the primary key; own_rates_pair.
    up, down = one("minors", NUMERIC), minors_of(own)
    published, tenants = exchange_rates.alias("published"), own_rates.alias("own")
    rates = union_all(
        _known(published, own, at, literal_column("false", BOOL), literal_column("NULL::uuid", UID)),
        _known(tenants, own, at, literal_column("true", BOOL), tenants.c.id).where(of_tenant(tenants)),
    ).subquery("known")
    newest = (
        select(
            case((rates.c.is_inverse, up), else_=rates.c.rate * up).label("up"),
            case((rates.c.is_inverse, rates.c.rate * down), else_=down).label("down"),
        )
        .select_from(rates)
        .order_by(rates.c.day.desc(), rates.c.is_own.desc(), rates.c.is_inverse, rates.c.id.desc())
        .limit(literal_column("1"))
    )
    return looked_up(newest, "rate")


def _known(
    rates: FromClause,
    own: ColumnElement[Any],
    at: ColumnElement[Any],
    is_own: ColumnElement[Any],
    row_id: ColumnElement[Any],
) -> Select[Any]:
    # Rates between a fact's currency and the one asked, of the days that count for the fact's time.
    day = cast(func.timezone(literal_column("'UTC'"), at), DATE)
    asked = one("currency", TEXT)
    is_inverse = rates.c.base == asked
    return (
        select(
            rates.c.day,
            rates.c.rate,
            is_inverse.label("is_inverse"),
            is_own.label("is_own"),
            row_id.label("id"),
        )
        .where(
            or_(and_(rates.c.base == own, rates.c.quote == asked), and_(is_inverse, rates.c.quote == own)),
            rates.c.day >= day - literal_column(str(RATE_AGE_MAX.days)),
            rates.c.day <= day,
        )
        .correlate_except(rates)
    )


def minors_of(currency: ColumnElement[Any]) -> ColumnElement[Any]:
    """Minor units in one major unit of a currency; two digits where the parameter does not say."""
    found = func.array_position(many("currencies", TEXT), currency)
    return func.coalesce(element("currency_minors", NUMERIC, found), whole(100))


def whole(number: int) -> ColumnElement[Any]:
    """A whole number that arithmetic keeps exact."""
    return literal_column(f"{number}::numeric", NUMERIC)


def half_even(above: ColumnElement[Any], below: ColumnElement[Any]) -> ColumnElement[Any]:
    """The quotient rounded half-even; null when divided by 0."""
    # div() and mod() of numeric are exact and cut towards zero; the rest decides. Mostly there is none.
    nothing: ColumnElement[Any] = literal_column("0")
    quotient, rest = func.div(above, below), func.mod(above, below)
    twice: ColumnElement[Any] = literal_column("2") * func.abs(rest)
    is_odd = func.mod(quotient, literal_column("2")) != nothing
    rounds_up = or_(twice > func.abs(below), and_(twice == func.abs(below), is_odd))
    step = case((rounds_up, func.sign(above) * func.sign(below)), else_=nothing)
    return case((below == nothing, null()), (rest == nothing, quotient), else_=quotient + step)
