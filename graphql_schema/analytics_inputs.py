"""What an `analytics` field is asked by: its inputs, and what each means as a value of app/analytics/query.

An argument that is null is as good as not given.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from app.analytics import query
from app.analytics.query import Direction, Nulls, Preset
from app.analytics.semantic.dimensions import DIMENSIONS
from app.core.timegrain import Granularity
from app.errors import QueryIssue, QueryIssues
from graphql_schema.analytics_words import ENTITIES, DimensionConditions, DimensionName, MeasureName, camel
from graphql_schema.filters import IdFilter
from graphql_schema.scalars import uuid_of
from graphql_schema.words import vocabulary

vocabulary(
    Granularity,
    "A time step. Days and longer are cut in the asked zone.",
    HOUR="A real hour, aligned to the local clock.",
    DAY="A local day, of 23 to 25 hours.",
    WEEK="Seven local days from Monday.",
    MONTH="A local calendar month.",
    QUARTER="Three local calendar months, from January, April, July or October.",
    YEAR="A local calendar year.",
)
vocabulary(
    Preset,
    "Named ranges, in the asked zone, at the request's time. Those to date reach to the end of today.",
    name="RangePreset",
    TODAY="The whole of today.",
    YESTERDAY="The whole of yesterday.",
    WEEK_TO_DATE="From Monday.",
    MONTH_TO_DATE="From the first of the month.",
    QUARTER_TO_DATE="From the first of the quarter.",
    YEAR_TO_DATE="From the first of January.",
    ALL_TIME="From 1900 on; buckets begin with the tenant's first fact.",
)
vocabulary(Nulls, "Where values stand that are null.", FIRST="Before all others.", LAST="After all others.")


def _given(value: Any) -> Any:
    return None if value is strawberry.UNSET else value


@strawberry.input(description="Half-open: `from` is in it, `until` is not.")
class Between:
    """Half-open span of time."""

    from_: datetime = strawberry.field(name="from", description="The first instant.")
    until: datetime = strawberry.field(description="The first instant after it.")


@strawberry.input(description="The last n whole units before now.")
class LastInput:
    """The last n whole units before now."""

    n: int = strawberry.field(description="How many, from 1.")
    unit: Granularity = strawberry.field(description="Of which length.")
    include_current: bool = strawberry.field(
        default=False, description="Whether the running unit is the last of them; without, they end before it."
    )


@strawberry.input(one_of=True, description="A span of time, one way or another.")
class RangeInput:
    """A span of time."""

    between: Between | None = strawberry.field(default=strawberry.UNSET, description="Between two instants.")
    last: LastInput | None = strawberry.field(default=strawberry.UNSET, description="The last n units.")
    preset: Preset | None = strawberry.field(default=strawberry.UNSET, description="By name.")

    def value(self) -> query.RangeAsk:
        """The range as asked."""
        if self.between:
            return query.Between(self.between.from_, self.between.until)
        if self.last:
            return query.Last(self.last.n, self.last.unit, self.last.include_current)
        assert isinstance(self.preset, Preset), "exactly one is given"
        return self.preset


@strawberry.input(
    description="Which facts count. Conditions are combined by AND; `isNull: true` beside `in` is OR; `in: []` matches "
    "nothing; what is unknown passes `notIn` and `not`."
)
class FactFilter(DimensionConditions):
    """Which facts count."""

    and_: list["FactFilter"] | None = strawberry.field(
        name="and", default=strawberry.UNSET, description="All of these hold; true when empty."
    )
    or_: list["FactFilter"] | None = strawberry.field(
        name="or", default=strawberry.UNSET, description="Some of these hold; false when empty."
    )
    not_: "FactFilter | None" = strawberry.field(
        name="not", default=strawberry.UNSET, description="This does not hold."
    )

    def value(self) -> query.Filter:
        """The filter as a value."""
        parts: list[query.Filter] = []
        for name, dimension in DIMENSIONS.items():
            condition = _given(getattr(self, camel(name), None)) if dimension.is_filter else None
            if condition is not None:
                parts.append(_matches(name, condition))
        if (every := _given(self.and_)) is not None:
            parts.append(query.AllOf(tuple(part.value() for part in every)))
        if (some := _given(self.or_)) is not None:
            parts.append(query.AnyOf(tuple(part.value() for part in some)))
        if (not_this := _given(self.not_)) is not None:
            parts.append(query.Not(not_this.value()))
        return parts[0] if len(parts) == 1 else query.AllOf(tuple(parts))


def _matches(dimension: str, condition: Any) -> query.Matches:
    if DIMENSIONS[dimension].ignores_case:
        condition = condition.in_upper_case()
    keys = _ids if isinstance(condition, IdFilter) else _texts
    return query.Matches(
        dimension,
        isin=keys(_given(condition.in_)),
        not_in=keys(_given(condition.not_in)),
        starts_with=_given(getattr(condition, "starts_with", None)),
        is_null=_given(condition.is_null),
    )


def _ids(values: Iterable[strawberry.ID] | None) -> tuple[UUID, ...] | None:
    # What cannot be an id is nobody's.
    return None if values is None else tuple(found for text in values if (found := uuid_of(text)) is not None)


def _texts(values: Iterable[Any] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(map(str, values))


@strawberry.input(description="A measure.")
class MeasureRef:
    """A measure."""

    name: MeasureName = strawberry.field(description="Which.")
    as_: str | None = strawberry.field(
        name="as",
        default=strawberry.UNSET,
        description="Name of its column in a `table`, at most 100 characters; the measure's own when not given.",
    )


@strawberry.input(description="Group by the keys of a dimension.")
class DimensionGroup:
    """Group by the keys of a dimension."""

    name: DimensionName = strawberry.field(description="Which dimension.")


@strawberry.input(description="Group by time buckets.")
class TimeGroup:
    """Group by time buckets."""

    every: Granularity = strawberry.field(description="Length of a bucket.")


@strawberry.input(one_of=True, description="Something to group by.")
class GroupBy:
    """Something to group by."""

    dimension: DimensionGroup | None = strawberry.field(default=strawberry.UNSET, description="A dimension.")
    time: TimeGroup | None = strawberry.field(default=strawberry.UNSET, description="Time; once in a grouping.")

    def value(self) -> query.GroupElement:
        """The element as a value."""
        if self.dimension:
            return query.ByDimension(self.dimension.name.value)
        assert self.time, "exactly one is given"
        return query.ByTime(self.time.every)


@strawberry.input(description="By a measure's shown value.")
class MeasureOrder:
    """By a measure's shown value."""

    measure: MeasureRef = strawberry.field(description="Which measure; it need not be selected.")
    direction: Direction = strawberry.field(default=Direction.DESC, description="In which direction.")
    nulls: Nulls = strawberry.field(default=Nulls.LAST, description="Where groups stand whose value is null.")


@strawberry.input(description="By a dimension's key: texts by code point, entities by id, the null key last.")
class DimensionOrder:
    """By a dimension's key."""

    name: DimensionName = strawberry.field(description="Which dimension; it must be grouped by.")
    direction: Direction = strawberry.field(default=Direction.ASC, description="In which direction.")


@strawberry.input(one_of=True, description="One part of the order of groups.")
class GroupOrder:
    """One part of the order of groups."""

    measure: MeasureOrder | None = strawberry.field(default=strawberry.UNSET, description="By a measure.")
    dimension: DimensionOrder | None = strawberry.field(default=strawberry.UNSET, description="By a dimension's key.")
    time: Direction | None = strawberry.field(
        default=strawberry.UNSET, description="By the bucket's start; time must be grouped by."
    )

    def value(self) -> query.OrderElement:
        """The part as a value."""
        if self.measure:
            asked = self.measure
            return query.MeasureOrder(asked.measure.name.value, asked.direction, asked.nulls)
        if self.dimension:
            return query.DimensionOrder(self.dimension.name.value, self.dimension.direction)
        assert isinstance(self.time, Direction), "exactly one is given"
        return query.TimeOrder(self.time)


COLUMN_NAME_LENGTH_MAX = 100
"""Characters of a column's name that a caller chose."""


def key_columns(element: query.GroupElement) -> tuple[str, ...]:
    """Names of a table's columns for an element that it is grouped by: an entity has two, its id and its name."""
    if isinstance(element, query.ByTime):
        return ("time",)
    name = camel(element.name)
    return (f"{name}Id", f"{name}Name") if element.name in ENTITIES else (name,)


def measure_columns(refs: Iterable[MeasureRef], by: Iterable[query.GroupElement], path: str) -> tuple[str, ...]:
    """Names of a table's columns for these measures. Raises QueryIssues for one that is too long, or there twice."""
    taken = {name for element in by for name in key_columns(element)}
    names: list[str] = []
    issues = []
    for index, ref in enumerate(refs):
        where = (path, "measures", str(index))
        name = _given(ref.as_) or ref.name.value
        if len(name) > COLUMN_NAME_LENGTH_MAX:
            message = f"The column's name has more than {COLUMN_NAME_LENGTH_MAX} characters."
            issues.append(QueryIssue("BAD_USER_INPUT", message, (*where, "as"), "Choose a shorter one."))
        elif name in taken:
            message = f"Two columns are named {name!r}."
            issues.append(QueryIssue("BAD_USER_INPUT", message, where, "Give one of them another name by `as`."))
        taken.add(name)
        names.append(name)
    if issues:
        raise QueryIssues(issues)
    return tuple(names)
