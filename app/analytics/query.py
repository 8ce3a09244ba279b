"""The question, as values: what an `analytics` field asks, before anything is checked or looked up. Read by resolve.

Arguments decide the rows, the selection the columns: each facet holds its arguments and the measures selected under it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import TypeAlias
from uuid import UUID

from app.core.hashing import hashed_once
from app.core.timegrain import Granularity
from app.errors import QueryIssue


class Preset(StrEnum):
    """Named ranges, resolved in the asked zone at the request's time. Those to date reach to the end of today."""

    TODAY = "TODAY"
    YESTERDAY = "YESTERDAY"
    WEEK_TO_DATE = "WEEK_TO_DATE"
    MONTH_TO_DATE = "MONTH_TO_DATE"
    QUARTER_TO_DATE = "QUARTER_TO_DATE"
    YEAR_TO_DATE = "YEAR_TO_DATE"
    ALL_TIME = "ALL_TIME"


@dataclass(frozen=True, slots=True)
class Between:
    """Half-open [start, end): aware instants."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Last:
    """The last n whole units; with include_current the running unit is the last of the n."""

    n: int
    unit: Granularity
    include_current: bool = False


RangeAsk: TypeAlias = Between | Last | Preset


@hashed_once
@dataclass(frozen=True)
class Matches:
    """A condition on one dimension. Two-valued; its parts are combined by AND, `is_null=True` beside `isin` by OR.

    None: no such part. Keys are ids for entities, texts else.
    """

    dimension: str
    isin: tuple[UUID | str, ...] | None = None
    not_in: tuple[UUID | str, ...] | None = None
    starts_with: str | None = None
    is_null: bool | None = None


@hashed_once
@dataclass(frozen=True)
class AllOf:
    """Every part holds; true without parts."""

    parts: tuple["Filter", ...]


@hashed_once
@dataclass(frozen=True)
class AnyOf:
    """Some part holds; false without parts."""

    parts: tuple["Filter", ...]


@hashed_once
@dataclass(frozen=True)
class Not:
    """The part does not hold."""

    part: "Filter"


Filter: TypeAlias = Matches | AllOf | AnyOf | Not


class Direction(StrEnum):
    """Of an order."""

    ASC = "ASC"
    DESC = "DESC"


class Nulls(StrEnum):
    """Where values stand that are null."""

    FIRST = "FIRST"
    LAST = "LAST"


class Attribution(StrEnum):
    """By which model orders are credited: as they were booked, or what another model would have given."""

    BOOKED = "BOOKED"
    LAST_TOUCH = "LAST_TOUCH"
    FIRST_TOUCH = "FIRST_TOUCH"
    LINEAR = "LINEAR"
    TIME_DECAY = "TIME_DECAY"
    POSITION_BASED = "POSITION_BASED"


class Align(StrEnum):
    """How much of an earlier period is compared with one that is still running."""

    ELAPSED = "ELAPSED"
    FULL = "FULL"


@dataclass(frozen=True, slots=True)
class PreviousPeriod:
    """Compare with the period before."""

    align: Align


@dataclass(frozen=True, slots=True)
class PreviousYear:
    """Compare with the same time a year before."""

    align: Align


CompareAsk: TypeAlias = PreviousPeriod | PreviousYear | Between


class Precision(StrEnum):
    """How distinct counts are counted. AUTO: exactly, unless the cost allowed demands an estimate."""

    AUTO = "AUTO"
    EXACT = "EXACT"
    APPROXIMATE = "APPROXIMATE"


@hashed_once
@dataclass(frozen=True)
class Ask:
    """A measure as it is asked. states: of commission. at: of a quantile, 0 to 1. where: of this measure alone."""

    name: str
    states: tuple[str, ...] | None = None
    at: float | None = None
    precision: Precision = Precision.AUTO
    where: Filter | None = None


Asks: TypeAlias = tuple[Ask, ...]


@hashed_once
@dataclass(frozen=True)
class Columns:
    """What is asked of every row: measures, those of the compared time too, and those as a share of the total."""

    values: Asks = ()
    previous: Asks = ()
    shares: Asks = ()

    @property
    def every(self) -> Asks:
        """Every measure, each once."""
        return self._every

    @cached_property
    def _every(self) -> Asks:
        return tuple(dict.fromkeys((*self.values, *self.previous, *self.shares)))


class Facet(StrEnum):
    """What of a measure is looked at: see SEMANTICS, Comparison."""

    VALUE = "VALUE"
    PREVIOUS = "PREVIOUS"
    CHANGE = "CHANGE"
    SHARE = "SHARE"


class Fill(StrEnum):
    """What stands in buckets that nothing lies in."""

    AUTO = "AUTO"
    ZERO = "ZERO"
    NULL = "NULL"
    PREVIOUS = "PREVIOUS"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class Top:
    """Keep the n keys with the most of a measure; fold the rest into one group, or leave it out (others: False).

    per_bucket: ranked in each time bucket of the grouping anew.
    """

    n: int
    by: Ask
    others: bool = True
    per_bucket: bool = False


@dataclass(frozen=True, slots=True)
class ByDimension:
    """Group by a dimension's keys."""

    name: str
    top: Top | None = None


@dataclass(frozen=True, slots=True)
class ByTime:
    """Group by time buckets."""

    every: Granularity


GroupElement: TypeAlias = ByDimension | ByTime


@dataclass(frozen=True, slots=True)
class MeasureOrder:
    """By a measure's shown value, or another facet of it."""

    measure: Ask
    direction: Direction = Direction.DESC
    nulls: Nulls = Nulls.LAST
    of: Facet = Facet.VALUE


@dataclass(frozen=True, slots=True)
class DimensionOrder:
    """By a dimension's key: texts by code point, entities by id. The null key stands last either way."""

    name: str
    direction: Direction = Direction.ASC


@dataclass(frozen=True, slots=True)
class TimeOrder:
    """By the bucket's start."""

    direction: Direction = Direction.ASC


OrderElement: TypeAlias = MeasureOrder | DimensionOrder | TimeOrder


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on a measure's shown value, or another facet of it.

    bounds: pairs of gt, gte, lt, lte or eq and a value; all hold. A null value fits none; is_null: whether it is null.
    """

    measure: Ask
    of: Facet
    bounds: tuple[tuple[str, Decimal], ...]
    is_null: bool | None = None


@dataclass(frozen=True, slots=True)
class HavingJoint:
    """A connective of conditions on groups: and, or, not (of one part)."""

    word: str
    parts: tuple["Having", ...]


Having: TypeAlias = Condition | HavingJoint


def conditions_of(having: Having | None) -> list[Condition]:
    """Every condition of a tree, in order."""
    if isinstance(having, Condition):
        return [having]
    return [found for part in having.parts for found in conditions_of(part)] if having else []


@hashed_once
@dataclass(frozen=True)
class Series:
    """The measures in every bucket of the range. path: where in the document, for mistakes."""

    every: Granularity
    columns: Columns
    fill: Fill = Fill.AUTO
    cumulative: bool = False
    path: tuple[str, ...] = ("series",)


@hashed_once
@dataclass(frozen=True)
class Groups:
    """The measures of every group that has any of them.

    order: what is not named is appended, keys ascending. first: None takes as many as allowed. is_table: limited by
    cells instead of rows. is_counted, is_ranked: the number of groups, and each group's place, are asked. totals: asked
    of all groups together. members: the number of keys in each group of others. series: of every group shown.
    """

    by: tuple[GroupElement, ...]
    columns: Columns
    order: tuple[OrderElement, ...] = ()
    having: Having | None = None
    first: int | None = None
    after: str | None = None
    is_table: bool = False
    is_counted: bool = False
    is_ranked: bool = False
    totals: Asks = ()
    members: bool = False
    series: tuple[Series, ...] = ()
    path: tuple[str, ...] = ("groups",)

    @property
    def every(self) -> Granularity | None:
        """The time step it is grouped by, if any."""
        return next((each.every for each in self.by if isinstance(each, ByTime)), None)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions it is grouped by, in order."""
        return tuple(element.name for element in self.by if isinstance(element, ByDimension))

    @property
    def tops(self) -> dict[str, Top]:
        """The dimensions of which only the first keys are shown."""
        return {each.name: each.top for each in self.by if isinstance(each, ByDimension) and each.top is not None}

    @property
    def sought(self) -> tuple[tuple[Ask, Facet], ...]:
        """What decides which groups come, and in which order."""
        return self._sought

    @cached_property
    def _sought(self) -> tuple[tuple[Ask, Facet], ...]:
        ordered = (each for each in self.order if isinstance(each, MeasureOrder))
        found: list[MeasureOrder | Condition] = [*ordered, *conditions_of(self.having)]
        return tuple(dict.fromkeys((each.measure, each.of) for each in found))


@hashed_once
@dataclass(frozen=True)
class Question:
    """One `analytics` field. zone, currency: None are the tenant's. totals: of the whole range.

    max_age: how old a kept answer may be although its facts changed since; None: not at all. as_of: only facts that
    were recorded by then. max_cost: points that the plan may cost at most. mistakes: that reading found.
    """

    range: RangeAsk
    where: Filter | None = None
    zone: str | None = None
    attribution: Attribution = Attribution.BOOKED
    currency: str | None = None
    compare: CompareAsk | None = None
    max_age: timedelta | None = None
    as_of: datetime | None = None
    max_cost: int | None = None
    totals: Columns = Columns()
    series: tuple[Series, ...] = ()
    groups: tuple[Groups, ...] = ()
    wants_warnings: bool = False
    mistakes: tuple[QueryIssue, ...] = ()

    @property
    def steps(self) -> tuple[Granularity, ...]:
        """Every time step that is asked."""
        series = (*self.series, *(facet for each in self.groups for facet in each.series))
        return tuple(filter(None, (*(facet.every for facet in series), *(facet.every for facet in self.groups))))


@dataclass(frozen=True, slots=True)
class Parents:
    """Ask once for each of these keys of a dimension, all together: `analytics` under a list of entities."""

    dimension: str
    ids: tuple[UUID, ...]


def dimensions_of(where: Filter | None) -> frozenset[str]:
    """The dimensions that a filter looks at."""
    if isinstance(where, Matches):
        return frozenset({where.dimension})
    parts = () if where is None else (where.part,) if isinstance(where, Not) else where.parts
    return frozenset[str]().union(*map(dimensions_of, parts))
