"""The order of groups, and places in it: sorts made total by the keys, and cursors after a group."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID

from app.analytics.query import ByDimension, DimensionOrder, Direction, Groups, MeasureOrder, Nulls, TimeOrder
from app.analytics.semantic.dimensions import DIMENSIONS, KeyKind
from app.core.paging import decode_cursor, encode_cursor
from app.core.timegrain import bucket_of
from app.errors import DomainError

Place: TypeAlias = tuple[int | Decimal | str | UUID | None, ...]
"""The sort values of a group, one for each sort. Measures as whole numbers of their last digit, buckets from 1."""


VALUE_MAX = Decimal(10) ** 100
"""Beyond every sum: what a cursor says is larger was not written by us."""


class SortKind(StrEnum):
    """What is compared."""

    MEASURE = "MEASURE"
    DIMENSION = "DIMENSION"
    OTHERS = "OTHERS"
    TIME = "TIME"


@dataclass(frozen=True, slots=True)
class Sort:
    """One column of an order. name: of the measure or dimension; "" for time. term: number of what is sought."""

    kind: SortKind
    name: str
    is_descending: bool
    nulls_first: bool = False
    term: int = 0


def sorts_of(groups: Groups) -> tuple[Sort, ...]:
    """The asked order, then every key that it does not name, ascending: no two groups stand in one place.

    The others stand behind the groups that they are the rest of: decided before any measure and before their key.
    """
    found: list[Sort] = []
    for element in groups.order:
        descending = element.direction is Direction.DESC
        match element:
            case MeasureOrder():
                term = groups.sought.index((element.measure, element.of))
                nulls_first = element.nulls is Nulls.FIRST
                found.append(Sort(SortKind.MEASURE, element.measure.name, descending, nulls_first, term))
            case DimensionOrder():
                found.append(Sort(SortKind.DIMENSION, element.name, descending))
            case TimeOrder():
                found.append(Sort(SortKind.TIME, "", descending))
    named = {(sort.kind, sort.name) for sort in found}
    for key in groups.by:
        kind, name = (SortKind.DIMENSION, key.name) if isinstance(key, ByDimension) else (SortKind.TIME, "")
        if (kind, name) not in named:
            found.append(Sort(kind, name, is_descending=False))
    for name, top in groups.tops.items():
        if top.others:
            own = (SortKind.DIMENSION, name)
            before = next(
                index
                for index, sort in enumerate(found)
                if sort.kind is SortKind.MEASURE or (sort.kind, sort.name) == own
            )
            found.insert(before, Sort(SortKind.OTHERS, name, is_descending=False))
    return tuple(found)


def cursor_after(identity: Any, sorts: Sequence[Sort], place: Place, edges: Sequence[datetime]) -> str:
    """A cursor after the group in this place. identity: whatever the order of groups depends on.

    Buckets are written by their start, so that a cursor stays true when the range moves on.
    """
    values: list[Any] = []
    for sort, value in zip(sorts, place, strict=True):
        if sort.kind is SortKind.TIME:
            assert isinstance(value, int)
            values.append(edges[value - 1])
        elif isinstance(value, int) and abs(value) >= 2**53:
            values.append(Decimal(value))
        else:
            values.append(value)
    return encode_cursor(repr(identity), values)


def place_after(identity: Any, sorts: Sequence[Sort], cursor: str, edges: Sequence[datetime]) -> Place:
    """The place that `cursor_after` wrote. Raises INVALID_CURSOR for anything else."""
    values = decode_cursor(repr(identity), cursor)
    if len(values) != len(sorts) or not all(map(_fits, sorts, values)):
        raise DomainError("INVALID_CURSOR", "`after` is not a cursor of this connection.", path=("after",))
    return tuple(
        bucket_of(value, edges) + 1 if sort.kind is SortKind.TIME else value
        for sort, value in zip(sorts, values, strict=True)
    )


def _fits(sort: Sort, value: Any) -> bool:
    # A cursor comes from outside: a value of another type must not reach the database.
    match sort.kind:
        case SortKind.TIME:
            return isinstance(value, datetime) and value.tzinfo is not None
        case SortKind.OTHERS:
            return isinstance(value, bool)
        case SortKind.MEASURE:
            if isinstance(value, Decimal):
                return value.is_finite() and abs(value) < VALUE_MAX and value == value.to_integral_value()
            return value is None or (isinstance(value, int) and not isinstance(value, bool))
        case SortKind.DIMENSION:
            kind = DIMENSIONS[sort.name].kind
            if kind is KeyKind.ENTITY:
                return value is None or isinstance(value, UUID)
            if kind is KeyKind.NUMBER:
                # Others have no key.
                return value is None or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**15)
            # The one character that no text of the database has.
            return value is None or (isinstance(value, str) and "\0" not in value)
