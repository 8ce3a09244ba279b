"""Conditions of an `analytics` field: which facts count, for all measures or one alone, and which groups come.

An argument that is null is as good as not given.
"""

from collections.abc import Iterable
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import Any
from uuid import UUID

import strawberry

from app.analytics import query
from app.analytics.query import Facet, Precision
from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.semantic.measures import MEASURES
from app.core.words import CommissionState
from graphql_schema.analytics_words import DimensionConditions, MeasureName, camel, states_of
from graphql_schema.filters import IdFilter
from graphql_schema.scalars import uuid_of
from graphql_schema.words import vocabulary

vocabulary(
    Facet,
    "What of a measure is looked at.",
    VALUE="Its value.",
    PREVIOUS="Its value in the compared time.",
    CHANGE="By which part it changed: (value − previous) ÷ previous.",
    SHARE="Which part of the total it is; of `analytics.totals`, for it decides which groups come.",
)


def given(value: Any) -> Any:
    """The value, None where there is none."""
    return None if value is strawberry.UNSET else value


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
        """The filter as a value: made once, wherever it stands."""
        return self._value

    @cached_property
    def _value(self) -> query.Filter:
        parts: list[query.Filter] = []
        for name, dimension in DIMENSIONS.items():
            condition = given(getattr(self, camel(name), None)) if dimension.is_filter else None
            if condition is not None:
                parts.append(_matches(name, condition))
        if (every := given(self.and_)) is not None:
            parts.append(query.AllOf(tuple(part.value() for part in every)))
        if (some := given(self.or_)) is not None:
            parts.append(query.AnyOf(tuple(part.value() for part in some)))
        if (not_this := given(self.not_)) is not None:
            parts.append(query.Not(not_this.value()))
        return parts[0] if len(parts) == 1 else query.AllOf(tuple(parts))


def _matches(dimension: str, condition: Any) -> query.Matches:
    if isinstance(condition, bool):
        return query.Matches(dimension, isin=(str(condition).lower(),))
    if isinstance(condition, (list, Enum)):
        words = condition if isinstance(condition, list) else [condition]
        return query.Matches(dimension, isin=tuple(word.value for word in words))
    if DIMENSIONS[dimension].ignores_case:
        condition = condition.in_upper_case()
    keys = _ids if isinstance(condition, IdFilter) else _texts
    return query.Matches(
        dimension,
        isin=keys(given(condition.in_)),
        not_in=keys(given(condition.not_in)),
        starts_with=given(getattr(condition, "starts_with", None)),
        is_null=given(condition.is_null),
    )


def _ids(values: Iterable[strawberry.ID] | None) -> tuple[UUID, ...] | None:
    # What cannot be an id is nobody's.
    return None if values is None else tuple(found for text in values if (found := uuid_of(text)) is not None)


def _texts(values: Iterable[Any] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(map(str, values))


@strawberry.input(description="A measure, with the argument that it has, and facts that count for it alone.")
class MeasureRef:
    """A measure."""

    name: MeasureName = strawberry.field(description="Which.")
    state: list[CommissionState] | None = strawberry.field(
        default=strawberry.UNSET, description="Of `COMMISSION`: of commissions in these states, 0 of none."
    )
    precision: Precision | None = strawberry.field(
        default=strawberry.UNSET, description="Of distinct counts: how they are counted; `AUTO` when not given."
    )
    at: float | None = strawberry.field(
        default=strawberry.UNSET, description="Of `ORDER_VALUE_QUANTILE`: which, from 0 to 1."
    )
    where: FactFilter | None = strawberry.field(
        default=strawberry.UNSET, description="Which facts count for this measure, of those that count at all."
    )
    as_: str | None = strawberry.field(
        name="as",
        default=strawberry.UNSET,
        description="Name of its column in a `table`, at most 100 characters; the measure's own when not given.",
    )

    def value(self) -> query.Ask:
        """The measure as it is asked. What is no distinct count is counted exactly, whatever `precision` says."""
        name = self.name.value
        precision = given(self.precision) if MEASURES[name].takes == "precision" else None
        where = given(self.where)
        return query.Ask(
            name,
            states_of(given(self.state)),
            given(self.at),
            precision or Precision.AUTO,
            where.value() if where else None,
        )


@strawberry.input(description="Bounds of a measure of each group; all given ones hold. A null value fits none.")
class MeasureCondition:
    """Bounds of a measure of each group."""

    measure: MeasureRef = strawberry.field(description="Which measure; it need not be selected.")
    of: Facet | None = strawberry.field(default=Facet.VALUE, description="What of it, as it is shown.")
    gt: Decimal | None = strawberry.field(default=strawberry.UNSET, description="More than this.")
    gte: Decimal | None = strawberry.field(default=strawberry.UNSET, description="This or more.")
    lt: Decimal | None = strawberry.field(default=strawberry.UNSET, description="Less than this.")
    lte: Decimal | None = strawberry.field(default=strawberry.UNSET, description="This or less.")
    eq: Decimal | None = strawberry.field(default=strawberry.UNSET, description="Exactly this.")
    is_null: bool | None = strawberry.field(default=strawberry.UNSET, description="Whether it is null.")

    def value(self) -> query.Condition:
        """The same as a value."""
        named = ((name, given(getattr(self, name))) for name in ("gt", "gte", "lt", "lte", "eq"))
        bounds = tuple((name, value) for name, value in named if value is not None)
        return query.Condition(self.measure.value(), self.of or Facet.VALUE, bounds, given(self.is_null))


@strawberry.input(one_of=True, description="Which groups come.")
class MeasureFilter:
    """Which groups come."""

    and_: list["MeasureFilter"] | None = strawberry.field(
        name="and", default=strawberry.UNSET, description="All of these hold; true when empty."
    )
    or_: list["MeasureFilter"] | None = strawberry.field(
        name="or", default=strawberry.UNSET, description="Some of these hold; false when empty."
    )
    not_: "MeasureFilter | None" = strawberry.field(
        name="not", default=strawberry.UNSET, description="This does not hold."
    )
    measure: MeasureCondition | None = strawberry.field(default=strawberry.UNSET, description="Bounds of a measure.")

    def value(self) -> query.Having:
        """The same as a value."""
        if self.measure:
            return self.measure.value()
        if self.not_:
            return query.HavingJoint("not", (self.not_.value(),))
        if isinstance(self.and_, list):
            return query.HavingJoint("and", tuple(part.value() for part in self.and_))
        assert isinstance(self.or_, list), "exactly one is given"
        return query.HavingJoint("or", tuple(part.value() for part in self.or_))
