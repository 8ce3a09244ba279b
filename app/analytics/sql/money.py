"""Amounts of facts in the currency of the answer, rounded once per fact."""

from typing import Any

from sqlalchemy import ColumnElement, and_, case, cast, func, literal_column, or_, select, true, union_all
from sqlalchemy.sql.expression import FromClause

from app.analytics.sql.aggregates import looked_up
from app.analytics.sql.cells import Cells, Money
from app.analytics.sql.tables import DATE, NUMERIC, TEXT, element, exchange_rates, many, one
from app.orders.conversion import RATE_AGE_MAX


def priced(
    source: FromClause,
    fact: FromClause,
    cells: Cells,
    at: ColumnElement[Any],
    currency: ColumnElement[Any] | None = None,
) -> tuple[FromClause, ColumnElement[Any]]:
    """The source, joined with the day's rate where one is needed, and the fact's minor units; null without a rate.

    at: the time whose rate counts. currency: of the fact, where it has no column of its own.
    """
    if cells.money is Money.ORIGINAL:
        return source, fact.c.amount_minor
    if cells.money is Money.BASE:
        return source, fact.c.amount_base_minor
    own = fact.c.currency if currency is None else currency
    rate = _rate(own, at)
    asked = one("currency", TEXT)
    up, down = one("minors", NUMERIC), minors_of(own)
    above = cast(fact.c.amount_minor, NUMERIC) * up
    amount = case((rate.c.is_inverse, half_even(above, rate.c.rate * down)), else_=half_even(above * rate.c.rate, down))
    converted = case((own == asked, cast(fact.c.amount_minor, NUMERIC)), (rate.c.rate.is_not(None), amount))
    return source.outerjoin(rate, true()), converted


def _rate(own: ColumnElement[Any], at: ColumnElement[Any]) -> FromClause:
    # As orders.conversion does: the last rate known, published or inverse, whichever is newer.
    day = cast(func.timezone(literal_column("'UTC'"), at), DATE)
    oldest = day - literal_column(str(RATE_AGE_MAX.days))
    asked = one("currency", TEXT)
    published, inverse = exchange_rates.alias("published"), exchange_rates.alias("inverse")

    def known(rates: FromClause, base: ColumnElement[Any], quote: ColumnElement[Any], word: str) -> Any:
        return select(rates.c.day, rates.c.rate, literal_column(word).label("is_inverse")).where(
            rates.c.base == base, rates.c.quote == quote, rates.c.day >= oldest, rates.c.day <= day
        )

    rates = union_all(known(published, own, asked, "false"), known(inverse, asked, own, "true")).subquery("known")
    newest = (
        select(rates.c.rate, rates.c.is_inverse)
        .order_by(rates.c.day.desc(), rates.c.is_inverse)
        .limit(literal_column("1"))
    )
    return looked_up(newest, "rate")


def minors_of(currency: ColumnElement[Any]) -> ColumnElement[Any]:
    """Minor units in one major unit of a currency; two digits where the parameter does not say."""
    found = func.array_position(many("currencies", TEXT), currency)
    return func.coalesce(element("currency_minors", NUMERIC, found), whole(100))


def whole(number: int) -> ColumnElement[Any]:
    """A whole number that arithmetic keeps exact."""
    return literal_column(f"{number}::numeric", NUMERIC)


def half_even(above: ColumnElement[Any], below: ColumnElement[Any]) -> ColumnElement[Any]:
    """The quotient rounded half-even; null when divided by 0."""
    # div() and mod() of numeric are exact and cut towards zero; the rest decides.
    quotient = func.div(above, below)
    twice: ColumnElement[Any] = literal_column("2") * func.abs(func.mod(above, below))
    is_odd = func.mod(quotient, literal_column("2")) != literal_column("0")
    rounds_up = or_(twice > func.abs(below), and_(twice == func.abs(below), is_odd))
    step = case((rounds_up, func.sign(above) * func.sign(below)), else_=literal_column("0"))
    return case((below != literal_column("0"), quotient + step))
