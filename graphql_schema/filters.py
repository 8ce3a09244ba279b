"""Inputs that filter and order lists, shared by all features.

Filters are two-valued: siblings are combined by AND, `isNull: true` beside `in` by OR, `in: []` matches nothing, and a
null passes `notIn`. An argument that is null is as good as not given.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import strawberry
from strawberry.tools import create_type

from app.analytics.query import Direction
from app.core.words import Platform
from app.db import conditions
from app.db.keyset import Condition, Sort
from app.errors import DomainError
from app.limits.values import too_many
from graphql_schema.scalars import uuid_of
from graphql_schema.words import vocabulary

_IN = "Matches any of these; an empty list matches nothing."
_NOT_IN = "Matches none of these; what is unknown passes."
_IS_NULL = "True: is unknown (beside `in`: or one of those). False: is known."


def _given(value: Any) -> Any:
    return None if value is strawberry.UNSET else value


def _listed(values: Any) -> Any:
    """The values of a list, None where it is not given. Raises BAD_USER_INPUT for too many."""
    found = _given(values)
    message = None if found is None else too_many(len(found))
    if message is not None:
        raise DomainError("BAD_USER_INPUT", message, path=("where",))
    return found


def _matching(
    column: str, sql_type: str, isin: Iterable[Any] | None, not_in: Iterable[Any] | None, is_null: bool | None
) -> list[Condition]:
    found = []
    if isin is not None:
        found.append(conditions.is_in(column, isin, sql_type, or_null=is_null is True))
    if not_in is not None:
        found.append(conditions.is_not_in(column, not_in, sql_type))
    if is_null is False or (is_null is True and isin is None):
        found.append(conditions.is_null(column, is_null))
    return found


@strawberry.input(description="Conditions on an id, all of which must hold.")
class IdFilter:
    """Conditions on an id."""

    in_: list[strawberry.ID] | None = strawberry.field(name="in", default=strawberry.UNSET, description=_IN)
    not_in: list[strawberry.ID] | None = strawberry.field(default=strawberry.UNSET, description=_NOT_IN)
    is_null: bool | None = strawberry.field(default=strawberry.UNSET, description=_IS_NULL)

    def on(self, column: str) -> list[Condition]:
        """The conditions on the column. What cannot be an id is nobody's."""
        isin, not_in = _listed(self.in_), _listed(self.not_in)
        return _matching(
            column,
            "uuid",
            None if isin is None else [found for text in isin if (found := uuid_of(text)) is not None],
            None if not_in is None else [found for text in not_in if (found := uuid_of(text)) is not None],
            _given(self.is_null),
        )


@strawberry.input(
    description="Conditions on a text, all of which must hold. Letters count as they are, except in codes and "
    "countries, which ignore case."
)
class StringFilter:
    """Conditions on a text."""

    in_: list[str] | None = strawberry.field(name="in", default=strawberry.UNSET, description=_IN)
    not_in: list[str] | None = strawberry.field(default=strawberry.UNSET, description=_NOT_IN)
    starts_with: str | None = strawberry.field(
        default=strawberry.UNSET, description="Begins with this; what is unknown does not."
    )
    is_null: bool | None = strawberry.field(default=strawberry.UNSET, description=_IS_NULL)

    def on(self, column: str) -> list[Condition]:
        """The conditions on the column."""
        found = _matching(column, "text", _listed(self.in_), _listed(self.not_in), _given(self.is_null))
        prefix = _given(self.starts_with)
        return found if prefix is None else [*found, conditions.starts_with(column, prefix)]

    def in_upper_case(self) -> "StringFilter":
        """The same conditions on a text that is kept in upper case and without blanks around it, as codes are."""
        isin, not_in, prefix = _given(self.in_), _given(self.not_in), _given(self.starts_with)
        return StringFilter(
            in_=None if isin is None else [text.strip().upper() for text in isin],
            not_in=None if not_in is None else [text.strip().upper() for text in not_in],
            starts_with=None if prefix is None else prefix.lstrip().upper(),
            is_null=self.is_null,
        )


@strawberry.input(description="Conditions on a platform, all of which must hold.")
class PlatformFilter:
    """Conditions on a platform."""

    in_: list[Platform] | None = strawberry.field(name="in", default=strawberry.UNSET, description=_IN)
    not_in: list[Platform] | None = strawberry.field(default=strawberry.UNSET, description=_NOT_IN)
    is_null: bool | None = strawberry.field(default=strawberry.UNSET, description=_IS_NULL)

    def on(self, column: str) -> list[Condition]:
        """The conditions on the column."""
        return _matching(column, "text", _listed(self.in_), _listed(self.not_in), _given(self.is_null))


@strawberry.input(description="A half-open span of time: `from` is in it, `until` is not.")
class TimeFilter:
    """A half-open span of time."""

    from_: datetime | None = strawberry.field(
        name="from", default=strawberry.UNSET, description="At this instant or later."
    )
    until: datetime | None = strawberry.field(default=strawberry.UNSET, description="Earlier than this instant.")

    def on(self, column: str) -> list[Condition]:
        """The conditions on the column."""
        start, end = _given(self.from_), _given(self.until)
        return [
            *([] if start is None else [conditions.since(column, start)]),
            *([] if end is None else [conditions.until(column, end)]),
        ]


def any_of(column: str, values: Sequence[StrEnum] | None) -> list[Condition]:
    """The column is one of the words; no condition when none are given."""
    words = _listed(values)
    return [] if words is None else [conditions.is_in(column, (str(word) for word in words), "text")]


def is_flag(column: str, value: bool | None) -> list[Condition]:
    """The boolean column has this value; no condition when none is given."""
    wanted = _given(value)
    return [] if wanted is None else [conditions.is_flag(column, wanted)]


def on_upper_case(column: str, given: StringFilter | None) -> list[Condition]:
    """The filter's conditions on a column of codes or countries, kept in upper case; none without a filter."""
    wanted = _given(given)
    return [] if wanted is None else wanted.in_upper_case().on(column)


def on(column: str, given: IdFilter | StringFilter | PlatformFilter | TimeFilter | None) -> list[Condition]:
    """The filter's conditions on the column; none when there is no filter."""
    wanted = _given(given)
    return [] if wanted is None else wanted.on(column)


class Ordering(Protocol):
    """An order as an argument gives it."""

    @property
    def by(self) -> StrEnum:
        """What to order by."""
        ...

    @property
    def direction(self) -> Direction:
        """In which direction."""
        ...


def sorted_by(order: Ordering) -> Sort:
    """The order by a listing's column: an order's words are the columns' names in upper case."""
    return Sort(order.by.value.lower(), descending=order.direction is Direction.DESC)


def ordering(noun: str, rows: str, *, direction: Direction = Direction.ASC, **sorts: str) -> Any:
    """The input type that orders a list by any of `sorts`, words and their descriptions; by the first by default.

    The words are the sorts of the listing. noun: of the types' names. rows: what is ordered, in the plural.
    """
    words = StrEnum(f"{noun}Sort", {word: word for word in sorts})  # type: ignore[misc]  # from data
    vocabulary(words, f"What {rows} are ordered by.", **sorts)
    fields = [
        strawberry.field(name="by", graphql_type=words, default=next(iter(words)), description="What to order by."),
        strawberry.field(
            name="direction", graphql_type=Direction, default=direction, description="In which direction."
        ),
    ]
    return create_type(f"{noun}Order", fields, is_input=True, description=f"Order of {rows}.")


FactOrder = ordering(
    "Fact",
    "orders, refunds, adjustments, commissions, engagement snapshots and spend",
    direction=Direction.DESC,
    OCCURRED_AT="When they happened.",
    RECORDED_AT="When they were recorded.",
)
