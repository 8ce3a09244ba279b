"""Order, choice and places of groups in SQL: by the values as they are shown, ties by the keys."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, case, cast, false, func, literal_column, not_, or_
from sqlalchemy.sql.expression import FromClause

from app.analytics.layout import Reading, Term, column
from app.analytics.order import Sort, SortKind
from app.analytics.query import Facet
from app.analytics.semantic.formula import RATIO_DIGITS, Terms, Unit
from app.analytics.sql.cells import BUCKET, PARENT, others
from app.analytics.sql.filters import kind_of
from app.analytics.sql.money import half_even, minors_of, whole
from app.analytics.sql.shapes import DIGITS_MAX, Bounded, BoundedJoint
from app.analytics.sql.tables import BOOL, NUMERIC, SMALL, TEXT, UID, element, many, one

_COMPARED: dict[str, str] = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "="}


def term_column(number: int) -> str:
    """Name of the column of something that is sought."""
    return f"term_{number}"


def before_column(number: int) -> str:
    """Name of the column of its value in the compared time."""
    return f"before_{number}"


def shown_value(reading: Reading, groups: FromClause, *, is_original: bool) -> ColumnElement[Any]:
    """A measure of each group as a whole number of its last shown digit, half-even.

    Null when divided by 0, or unknown.
    """
    formula, layer = reading.formula, reading.layer
    above = _terms(formula.numerator, layer, groups)
    below = _terms(formula.denominator, layer, groups) if formula.denominator else None
    up, down = 10 ** max(formula.tens, 0), 10 ** max(-formula.tens, 0)
    minors = minors_of(groups.c.currency) if is_original else one("minors", NUMERIC)
    above = _times(above, up)
    divisor = _times(below, down) if below is not None else None if down == 1 else whole(down)
    if formula.minors > 0:
        above = above * minors
    if formula.minors < 0:
        divisor = minors if divisor is None else divisor * minors
    value = above if divisor is None else half_even(above, divisor)
    if is_original and formula.unit is Unit.MONEY:
        # £1 and ¥1 have different last digits: both are compared in the digits of the finest currency.
        value = value * whole(10**DIGITS_MAX) / minors
    if formula.known:
        value = case((or_(*(groups.c[column(name, layer)] != literal_column("0") for name in formula.known)), value))
    return value


def facet_value(number: int, term: Term, valued: FromClause) -> ColumnElement[Any]:
    """A term from the columns of its values."""
    value = valued.c[term_column(number)]
    million = whole(10**RATIO_DIGITS)
    if term.of is Facet.CHANGE:
        before = valued.c[before_column(number)]
        return half_even((value - before) * million, before)
    assert term.total is not None, "a share is of a total"
    name = f"total_{term.total}"
    if PARENT in valued.c:
        parents = many("parents", UID)
        total = element(name, NUMERIC, func.array_position(parents, valued.c[PARENT]))
    else:
        total = one(name, NUMERIC)
    return half_even(value * million, total)


def fits(wanted: Bounded | BoundedJoint, groups: FromClause) -> ColumnElement[bool]:
    """Whether a group fits the condition; two-valued."""
    if isinstance(wanted, BoundedJoint):
        parts = [fits(part, groups) for part in wanted.parts]
        if wanted.word == "not":
            return not_(parts[0])
        if not parts:
            return literal_column("true" if wanted.word == "and" else "false", BOOL)
        return and_(*parts) if wanted.word == "and" else or_(*parts)
    value = groups.c[term_column(wanted.term)]
    found: list[ColumnElement[bool]] = []
    if wanted.is_null is not None:
        found.append(value.is_(None) if wanted.is_null else value.is_not(None))
    if wanted.bounds:
        found.append(value.is_not(None))
        found += [
            value.op(_COMPARED[word], is_comparison=True)(one(f"bound_{number}", NUMERIC))
            for word, number in wanted.bounds
        ]
    return and_(*found) if found else literal_column("true", BOOL)


def weighed(numbers: Sequence[tuple[ColumnElement[Any], int]]) -> ColumnElement[Any]:
    """Numbers added up, each so many times; at least one."""
    (first, weight), *others = numbers
    total = _times(first, weight)
    for number, weight in others:
        found = _times(number, abs(weight))
        total = total - found if weight < 0 else total + found
    return total


def _times(value: ColumnElement[Any], factor: int) -> ColumnElement[Any]:
    return value if factor == 1 else value * whole(factor)


def _terms(terms: Terms, layer: int, groups: FromClause) -> ColumnElement[Any]:
    numbers: list[tuple[ColumnElement[Any], int]] = [
        (groups.c[column(name, layer)], weight) for name, weight in terms.weights
    ]
    first, weight = numbers[0]
    return weighed([(cast(first, NUMERIC), weight), *numbers[1:]])


def compared(sort: Sort, groups: FromClause) -> ColumnElement[Any]:
    """The column that a sort compares."""
    match sort.kind:
        case SortKind.MEASURE:
            return groups.c[term_column(sort.term)]
        case SortKind.TIME:
            return groups.c[BUCKET]
        case SortKind.OTHERS:
            return groups.c[others(sort.name)]
        case SortKind.DIMENSION:
            key: ColumnElement[Any] = groups.c[sort.name]
            # By code point, whatever the database's collation is.
            return key.collate("C") if kind_of(sort.name) is TEXT else key


def order_by(sorts: Sequence[Sort], groups: FromClause) -> list[ColumnElement[Any]]:
    """ORDER BY of the sorts. Where nulls stand is always said."""
    found: list[ColumnElement[Any]] = []
    for sort in sorts:
        key = compared(sort, groups)
        key = key.desc() if sort.is_descending else key.asc()
        found.append(key.nulls_first() if sort.nulls_first else key.nulls_last())
    return found


def after(sorts: Sequence[Sort], nulls: Sequence[bool], groups: FromClause) -> ColumnElement[bool]:
    """Whether a group stands after the bound place. nulls: which of the place's values are null."""
    alternatives = []
    equal: list[ColumnElement[bool]] = []
    for number, (sort, is_null) in enumerate(zip(sorts, nulls, strict=True)):
        key = compared(sort, groups)
        place = one(f"place_{number}", _kind(sort))
        if is_null:
            later: ColumnElement[bool] = key.is_not(None) if sort.nulls_first else false()
        else:
            later = key < place if sort.is_descending else key > place
            if not sort.nulls_first:
                later = or_(later, key.is_(None))
        alternatives.append(and_(*equal, later))
        equal.append(key.is_(None) if is_null else key == place)
    return or_(*alternatives)


def _kind(sort: Sort) -> Any:
    match sort.kind:
        case SortKind.MEASURE:
            return NUMERIC
        case SortKind.TIME:
            return SMALL
        case SortKind.OTHERS:
            return BOOL
        case SortKind.DIMENSION:
            return kind_of(sort.name)
