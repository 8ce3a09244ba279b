"""Amounts of facts in another currency than the tenant's: at the rate of their day, rounded half-even once per fact.

The rate is the last one known within seven days, as published or the inverse, whichever is newer: what
orders.conversion does when a fact is recorded.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    and_,
    case,
    cast,
    column,
    func,
    literal_column,
    or_,
    select,
    table,
)
from sqlalchemy.sql.expression import FromClause

from app.analytics.sql.aggregates import looked_up
from app.analytics.sql.tables import NUMERIC, TEXT, element, many, one

RATE_AGE_DAYS = 7
"""Longest gap of holidays between two days with a published rate."""

_rates = table(
    "exchange_rates", column("base", TEXT), column("quote", TEXT), column("day", Date()), column("rate", NUMERIC)
)


def rate_of(own: ColumnElement[Any], at: ColumnElement[Any]) -> FromClause:
    """The rate from a currency to the asked one at a time, for an outer join; no row where none is known."""
    day = cast(func.timezone(literal_column("'UTC'"), at), Date())
    asked = one("currency", TEXT)
    rates = _rates.alias("published")
    is_inverse = rates.c.base == asked
    newest = (
        select(rates.c.rate, is_inverse.label("is_inverse"))
        .where(
            or_(and_(rates.c.base == own, rates.c.quote == asked), and_(is_inverse, rates.c.quote == own)),
            rates.c.day >= day - literal_column(str(RATE_AGE_DAYS)),
            rates.c.day <= day,
        )
        .order_by(rates.c.day.desc(), is_inverse)
        .limit(literal_column("1"))
    )
    return looked_up(newest, "rate")


def converted(minor: ColumnElement[Any], own: ColumnElement[Any], rate: FromClause) -> ColumnElement[Any]:
    """Minor units of the asked currency; null without a rate."""
    amount = cast(minor, NUMERIC)
    above, below = amount * one("minors", NUMERIC), _minors(own)
    inverse = _half_even(above, rate.c.rate * below)
    direct = _half_even(above * rate.c.rate, below)
    return case(
        (own == one("currency", TEXT), amount),
        (rate.c.rate.is_(None), cast(literal_column("NULL"), NUMERIC)),
        (rate.c.is_inverse, inverse),
        else_=direct,
    )


def _minors(currency: ColumnElement[Any]) -> ColumnElement[Any]:
    # Minor units in one major unit: 100, but for the currencies that the parameter names.
    found = func.array_position(many("currencies", TEXT), currency)
    return func.coalesce(element("currency_minors", NUMERIC, found), literal_column("100::numeric", NUMERIC))


def _half_even(above: ColumnElement[Any], below: ColumnElement[Any]) -> ColumnElement[Any]:
    # div() and mod() of numeric are exact and cut towards zero; what is left over decides. Rates are above zero.
    quotient = func.div(above, below)
    twice: ColumnElement[Any] = literal_column("2") * func.abs(func.mod(above, below))
    is_odd = func.mod(quotient, literal_column("2")) != literal_column("0")
    rounds_up = or_(twice > below, and_(twice == below, is_odd))
    return quotient + case((rounds_up, func.sign(above)), else_=literal_column("0"))
