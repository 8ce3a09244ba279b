"""The question, as values: what an `analytics` field asks, before anything is checked or looked up.

Arguments decide the rows, the selection decides the columns: each facet holds its arguments and the measures selected
under it. Built by graphql_schema/analytics and by the command line; read by resolve.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from app.core.timegrain import Granularity


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


@dataclass(frozen=True, slots=True)
class Matches:
    """A condition on one dimension. Two-valued; its parts are combined by AND, `is_null=True` beside `isin` by OR.

    None: no such part. Keys are ids for entities, texts else.
    """

    dimension: str
    isin: tuple[UUID | str, ...] | None = None
    not_in: tuple[UUID | str, ...] | None = None
    starts_with: str | None = None
    is_null: bool | None = None


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds; true without parts."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Some part holds; false without parts."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class ByDimension:
    """Group by a dimension's keys."""

    name: str


@dataclass(frozen=True, slots=True)
class ByTime:
    """Group by time buckets."""

    every: Granularity


GroupElement: TypeAlias = ByDimension | ByTime


@dataclass(frozen=True, slots=True)
class MeasureOrder:
    """By a measure's shown value."""

    measure: str
    direction: Direction = Direction.DESC
    nulls: Nulls = Nulls.LAST


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
class Series:
    """The measures in every bucket of the range. path: where in the document, for mistakes."""

    every: Granularity
    measures: tuple[str, ...]
    path: tuple[str, ...] = ("series",)


@dataclass(frozen=True, slots=True)
class Groups:
    """The measures of every group that has any of them.

    order: what is not named is appended, keys ascending. first: None takes as many as allowed. is_table: limited by
    cells instead of rows. is_counted, is_ranked: the number of groups, and each group's place, are asked.
    """

    by: tuple[GroupElement, ...]
    measures: tuple[str, ...]
    order: tuple[OrderElement, ...] = ()
    first: int | None = None
    after: str | None = None
    is_table: bool = False
    is_counted: bool = False
    is_ranked: bool = False
    path: tuple[str, ...] = ("groups",)

    @property
    def every(self) -> Granularity | None:
        """The time step it is grouped by, if any."""
        return next((element.every for element in self.by if isinstance(element, ByTime)), None)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions it is grouped by, in order."""
        return tuple(element.name for element in self.by if isinstance(element, ByDimension))


@dataclass(frozen=True, slots=True)
class Question:
    """One `analytics` field. zone: None is the tenant's. totals: measures asked over the whole range."""

    range: RangeAsk
    where: Filter | None = None
    zone: str | None = None
    totals: tuple[str, ...] = ()
    series: tuple[Series, ...] = ()
    groups: tuple[Groups, ...] = ()
    wants_warnings: bool = False

    @property
    def steps(self) -> tuple[Granularity, ...]:
        """Every time step that is asked."""
        asked = (*(facet.every for facet in self.series), *(facet.every for facet in self.groups))
        return tuple(step for step in asked if step is not None)


@dataclass(frozen=True, slots=True)
class Parents:
    """Ask once for each of these keys of a dimension, all together: `analytics` under a list of entities."""

    dimension: str
    ids: tuple[UUID, ...]


def dimensions_of(where: Filter | None) -> frozenset[str]:
    """The dimensions that a filter looks at."""
    match where:
        case None:
            return frozenset()
        case Matches():
            return frozenset({where.dimension})
        case Not():
            return dimensions_of(where.part)
        case AllOf() | AnyOf():
            return frozenset[str]().union(*map(dimensions_of, where.parts))
