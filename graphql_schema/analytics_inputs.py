"""What an `analytics` field is asked by: its inputs, and what each means as a value of app/analytics/query.

An argument that is null is as good as not given.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import strawberry

from app.analytics import query
from app.analytics.checks import TOP_MAX
from app.analytics.query import Align, Direction, Facet, Fill, Nulls, Preset
from app.core.texts import is_blank
from app.core.timegrain import Granularity
from app.errors import QueryIssue
from graphql_schema.analytics_filters import MeasureRef, given
from graphql_schema.analytics_words import ENTITIES, DimensionName, camel
from graphql_schema.scalars import Duration
from graphql_schema.words import vocabulary

vocabulary(
    Granularity,
    "A time step. Days and longer are cut in the asked zone.",
    HOUR="An hour of the local clock: two where one comes twice, shorter where clocks change in between.",
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
vocabulary(
    Align,
    "How much of the earlier time a running one is compared with.",
    ELAPSED="As much as has passed of the later one: Monday to Wednesday noon against the same.",
    FULL="As much as the whole range, also what has not passed of it. MONTH_TO_DATE ends with today, so it is compared "
    "with the month before up to the end of the same day; `last` 1 MONTH with `includeCurrent` with all of it.",
)
vocabulary(
    Fill,
    "What stands in buckets that nothing lies in.",
    AUTO="0 for sums and counts, null for ratios.",
    ZERO="0, also for ratios.",
    NULL="No measures: `measures` is null.",
    PREVIOUS="The measures of the last bucket that has any; null before it.",
    NONE="Nothing: the bucket is left out.",
)
vocabulary(Nulls, "Where values stand that are null.", FIRST="Before all others.", LAST="After all others.")


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
    include_current: bool | None = strawberry.field(
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
            return query.Last(self.last.n, self.last.unit, bool(self.last.include_current))
        assert isinstance(self.preset, Preset), "exactly one is given"
        return self.preset


@strawberry.input(description="Keep the keys with the most of a measure.")
class TopInput:
    """Keep the keys with the most of a measure."""

    n: int = strawberry.field(description=f"How many keys, 1 to {TOP_MAX:,}.")
    by: MeasureRef = strawberry.field(description="The measure, over the whole range.")
    others: bool | None = strawberry.field(
        default=True, description="Whether the rest is one group, `isOthers`; without it the rest is left out."
    )
    per_bucket: bool | None = strawberry.field(
        default=False, description="Whether keys are ranked in each time bucket anew; `by` of the groups needs time."
    )

    def value(self) -> query.Top:
        """The same as a value."""
        return query.Top(self.n, self.by.value(), self.others is not False, bool(self.per_bucket))


@strawberry.input(description="Group by the keys of a dimension.")
class DimensionGroup:
    """Group by the keys of a dimension."""

    name: DimensionName = strawberry.field(description="Which dimension.")
    top: TopInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="Only the keys with the most of a measure. The null key is never folded into others.",
    )


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
            top = given(self.dimension.top)
            return query.ByDimension(self.dimension.name.value, top.value() if top else None)
        assert self.time, "exactly one is given"
        return query.ByTime(self.time.every)


@strawberry.input(description="By a measure's shown value, or another facet of it.")
class MeasureOrder:
    """By a measure's shown value, or another facet of it."""

    measure: MeasureRef = strawberry.field(description="Which measure; it need not be selected.")
    of: Facet | None = strawberry.field(default=Facet.VALUE, description="What of it.")
    direction: Direction | None = strawberry.field(default=Direction.DESC, description="In which direction.")
    nulls: Nulls | None = strawberry.field(default=Nulls.LAST, description="Where groups stand whose value is null.")


@strawberry.input(description="By a dimension's key: texts by code point, entities by id, the null key last.")
class DimensionOrder:
    """By a dimension's key."""

    name: DimensionName = strawberry.field(description="Which dimension; it must be grouped by.")
    direction: Direction | None = strawberry.field(default=Direction.ASC, description="In which direction.")


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
            return query.MeasureOrder(
                asked.measure.value(),
                asked.direction or Direction.DESC,
                asked.nulls or Nulls.LAST,
                asked.of or Facet.VALUE,
            )
        if self.dimension:
            return query.DimensionOrder(self.dimension.name.value, self.dimension.direction or Direction.ASC)
        assert isinstance(self.time, Direction), "exactly one is given"
        return query.TimeOrder(self.time)


@strawberry.input(one_of=True, description="The time that a range is compared with.")
class CompareInput:
    """The time that a range is compared with."""

    previous_period: Align | None = strawberry.field(
        default=strawberry.UNSET,
        description="The time before: as many units as `last`, the unit of a preset, or as long as `between`, shifted "
        "on the local calendar.",
    )
    previous_year: Align | None = strawberry.field(default=strawberry.UNSET, description="The same time a year before.")
    between: Between | None = strawberry.field(
        default=strawberry.UNSET, description="Another time; buckets are compared by their numbers."
    )

    def value(self) -> query.CompareAsk:
        """The same as a value."""
        if self.between:
            return query.Between(self.between.from_, self.between.until)
        if isinstance(self.previous_period, Align):
            return query.PreviousPeriod(self.previous_period)
        assert isinstance(self.previous_year, Align), "exactly one is given"
        return query.PreviousYear(self.previous_year)


@strawberry.input(description="How fresh an answer must be, or as of when.")
class FreshnessInput:
    """How fresh an answer must be, or as of when."""

    max_age: Duration | None = strawberry.field(
        default=strawberry.UNSET,
        description="A kept answer that is no older will do, although facts changed since. PT0S: computed anew. When "
        "not given, a kept answer is served as long as nothing that it depends on has changed.",
    )
    as_of: datetime | None = strawberry.field(
        default=strawberry.UNSET,
        description="Only facts that were recorded by then, and commissions in their state of then: the same again "
        "later.",
    )


COLUMN_NAME_LENGTH_MAX = 100
"""Characters of a column's name that a caller chose."""


def key_columns(element: query.GroupElement) -> tuple[str, ...]:
    """Names of a table's columns for an element that it is grouped by: an entity has two, its id and its name."""
    if isinstance(element, query.ByTime):
        return ("time",)
    name = camel(element.name)
    return (f"{name}Id", f"{name}Name") if element.name in ENTITIES else (name,)


def others_columns(by: Iterable[query.GroupElement]) -> tuple[str, ...]:
    """Names of a table's columns that tell which rows are the rest of a dimension's keys: of each with such a row."""
    folded = (each for each in by if isinstance(each, query.ByDimension) and each.top is not None and each.top.others)
    return tuple(f"{camel(element.name)}IsOthers" for element in folded)


def measure_columns(
    refs: Iterable[MeasureRef], by: Sequence[query.GroupElement], path: str, issues: list[QueryIssue]
) -> tuple[str, ...]:
    """Names of a table's columns for these measures. One that is too long, or there twice, is a mistake."""
    taken = {*(name for element in by for name in key_columns(element)), *others_columns(by)}
    names: list[str] = []
    for index, ref in enumerate(refs):
        where = (path, "measures", str(index))
        chosen = given(ref.as_)
        name = ref.name.value if chosen is None else chosen
        if is_blank(name):
            message = "The column's name has no character that can be seen."
            issues.append(
                QueryIssue("BAD_USER_INPUT", message, (*where, "as"), "Choose one that has, or leave it out.")
            )
        elif len(name) > COLUMN_NAME_LENGTH_MAX:
            message = f"The column's name has more than {COLUMN_NAME_LENGTH_MAX} characters."
            issues.append(QueryIssue("BAD_USER_INPUT", message, (*where, "as"), "Choose a shorter one."))
        elif name in taken:
            message = f"Two columns are named {name!r}."
            issues.append(QueryIssue("BAD_USER_INPUT", message, where, "Give one of them another name by `as`."))
        taken.add(name)
        names.append(name)
    return tuple(names)
