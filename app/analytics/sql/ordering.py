"""Order and places of groups in SQL: the values that are shown, rounded as they are shown, ties broken by the keys."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, case, cast, false, func, literal_column, or_
from sqlalchemy.sql.expression import FromClause

from app.analytics.order import Sort, SortKind
from app.analytics.semantic.formula import Terms, Unit
from app.analytics.semantic.measures import MEASURES
from app.analytics.sql.cells import BUCKET
from app.analytics.sql.filters import kind_of
from app.analytics.sql.tables import NUMERIC, SMALL, TEXT, element, many, one

DIGITS_MAX = 4
"""Digits of the currencies with the most: amounts of several currencies are compared in that many."""


def sort_column(number: int) -> str:
    """Name of the column that holds a measure's sort values."""
    return f"sort_{number}"


def sort_value(sort: Sort, groups: FromClause, *, is_original: bool) -> ColumnElement[Any]:
    """A measure of each group as a whole number of its last shown digit, half-even; null when divided by 0."""
    formula = MEASURES[sort.name].formula
    above = _terms(formula.numerator, groups)
    below = _terms(formula.denominator, groups) if formula.denominator else None
    up, down = 10 ** max(formula.tens, 0), 10 ** max(-formula.tens, 0)
    minors = _minors(groups) if is_original else one("minors", NUMERIC)
    above = _times(above, up)
    divisor = _times(below, down) if below is not None else None if down == 1 else _whole(down)
    if formula.minors > 0:
        above = above * minors
    if formula.minors < 0:
        divisor = minors if divisor is None else divisor * minors
    value = above if divisor is None else _half_even(above, divisor)
    if is_original and formula.unit is Unit.MONEY:
        # £1 and ¥1 have different last digits: both are compared in the digits of the finest currency.
        return value * _whole(10**DIGITS_MAX) / minors
    return value


def _whole(number: int) -> ColumnElement[Any]:
    return literal_column(f"{number}::numeric", NUMERIC)


def _times(value: ColumnElement[Any], factor: int) -> ColumnElement[Any]:
    return value if factor == 1 else value * _whole(factor)


def _terms(terms: Terms, groups: FromClause) -> ColumnElement[Any]:
    total: ColumnElement[Any] = cast(groups.c[terms.added[0]], NUMERIC)
    for name in terms.added[1:]:
        total = total + groups.c[name]
    for name in terms.subtracted:
        total = total - groups.c[name]
    return total


def _half_even(above: ColumnElement[Any], below: ColumnElement[Any]) -> ColumnElement[Any]:
    # div() and mod() of numeric are exact and cut towards zero; the rest decides.
    quotient = func.div(above, below)
    twice: ColumnElement[Any] = literal_column("2") * func.abs(func.mod(above, below))
    is_odd = func.mod(quotient, literal_column("2")) != literal_column("0")
    rounds_up = or_(twice > func.abs(below), and_(twice == func.abs(below), is_odd))
    step = case((rounds_up, func.sign(above) * func.sign(below)), else_=literal_column("0"))
    return case((below != literal_column("0"), quotient + step))


def _minors(groups: FromClause) -> ColumnElement[Any]:
    # Minor units in one major unit of each group's currency; two digits where the parameter does not say.
    found = func.array_position(many("currencies", TEXT), groups.c.currency)
    return func.coalesce(element("currency_minors", NUMERIC, found), _whole(100))


def compared(number: int, sort: Sort, groups: FromClause) -> ColumnElement[Any]:
    """The column that a sort compares."""
    match sort.kind:
        case SortKind.MEASURE:
            return groups.c[sort_column(number)]
        case SortKind.TIME:
            return groups.c[BUCKET]
        case SortKind.DIMENSION:
            column: ColumnElement[Any] = groups.c[sort.name]
            # By code point, whatever the database's collation is.
            return column.collate("C") if kind_of(sort.name) is TEXT else column


def order_by(sorts: Sequence[Sort], groups: FromClause) -> list[ColumnElement[Any]]:
    """ORDER BY of the sorts. Where nulls stand is always said."""
    found: list[ColumnElement[Any]] = []
    for number, sort in enumerate(sorts):
        column = compared(number, sort, groups)
        column = column.desc() if sort.is_descending else column.asc()
        found.append(column.nulls_first() if sort.nulls_first else column.nulls_last())
    return found


def after(sorts: Sequence[Sort], nulls: Sequence[bool], groups: FromClause) -> ColumnElement[bool]:
    """Whether a group stands after the bound place. nulls: which of the place's values are null."""
    alternatives = []
    equal: list[ColumnElement[bool]] = []
    for number, (sort, is_null) in enumerate(zip(sorts, nulls, strict=True)):
        column = compared(number, sort, groups)
        place = one(f"place_{number}", _kind(sort))
        if is_null:
            later: ColumnElement[bool] = column.is_not(None) if sort.nulls_first else false()
        else:
            later = column < place if sort.is_descending else column > place
            if not sort.nulls_first:
                later = or_(later, column.is_(None))
        alternatives.append(and_(*equal, later))
        equal.append(column.is_(None) if is_null else column == place)
    return or_(*alternatives)


def _kind(sort: Sort) -> Any:
    match sort.kind:
        case SortKind.MEASURE:
            return NUMERIC
        case SortKind.TIME:
            return SMALL
        case SortKind.DIMENSION:
            return kind_of(sort.name)
