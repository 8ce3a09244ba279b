"""What all scans of one statement have in common: the cells of the answer, the filter, and where the times are cut."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal_column, or_

from app.analytics.sql.filters import Joint, Key, Mask, kind_of, predicate, requires
from app.analytics.sql.tables import INSTANT, element, many, one

PARENT = "parent"
"""Name of the column of parent keys."""

BUCKET = "bucket"
"""Name of the column of time cells, numbered from 1."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of an answer: parent, dimensions, time. where: shape of the filter. sums: columns, in order.

    is_exact: every instant is a cell of its own, instead of buckets between edges.
    """

    parent: str | None
    dimensions: tuple[str, ...]
    has_time: bool
    where: Mask | Joint | None
    sums: tuple[str, ...]
    is_exact: bool = False

    @property
    def used(self) -> frozenset[str]:
        """Every dimension that is grouped or filtered by."""
        found = set(self.dimensions) | _dimensions(self.where)
        return frozenset(found | {self.parent} if self.parent else found)

    def requires(self, dimension: str) -> bool:
        """Whether only facts with one of some listed keys of the dimension count: few of many."""
        return self.parent == dimension or (self.where is not None and requires(self.where, dimension))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the key columns: parent, dimensions, bucket; those that there are."""
        parent = (PARENT,) if self.parent else ()
        return parent + self.dimensions + ((BUCKET,) if self.has_time else ())

    def keys(self, known: Mapping[str, Key], at: ColumnElement[Any]) -> list[ColumnElement[Any]]:
        """The key columns over the keys of one table. at: its time."""
        found: list[ColumnElement[Any]] = [known[name].value(kind_of(name)).label(name) for name in self.dimensions]
        if self.parent:
            found.insert(0, known[self.parent].value(kind_of(self.parent)).label(PARENT))
        if self.has_time:
            time = at if self.is_exact else func.width_bucket(at, many("edges", INSTANT))
            found.append(time.label(BUCKET))
        return found

    def conditions(self, known: Mapping[str, Key]) -> list[ColumnElement[bool]]:
        """Parent and filter over the keys of one table."""
        found = []
        if self.parent:
            found.append(known[self.parent].is_in(many("parents", kind_of(self.parent))))
        if self.where is not None:
            found.append(predicate(self.where, known))
        return found

    def summed(self, aggregates: Mapping[str, ColumnElement[Any]]) -> list[ColumnElement[Any]]:
        """The columns of the sums: as given, 0 for those that this scan does not give."""
        return [aggregates.get(name, literal_column("0")).label(name) for name in self.sums]

    @property
    def grouping(self) -> list[ColumnElement[Any]]:
        """GROUP BY of the key columns, which stand first."""
        return [literal_column(str(number)) for number, _ in enumerate(self.columns, start=1)]


def _dimensions(where: Mask | Joint | None) -> set[str]:
    if where is None:
        return set()
    if isinstance(where, Mask):
        return {where.dimension}
    return {name for part in where.parts for name in _dimensions(part)}


@dataclass(frozen=True, slots=True)
class Times:
    """Which times a scan of facts reads: the whole range, or the rest that rollups leave over, so many intervals.

    Every interval is written out as two bounds, so that the database's planner sees how little it is and which
    partitions it needs; of a join with an array of intervals it knows nothing, and reads whole tables.
    """

    rest: int = 0

    def hold(self, at: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether the time is one of these."""
        if not self.rest:
            return and_(at >= one("range_start", INSTANT), at < one("range_end", INSTANT))
        spans = []
        for number in range(1, self.rest + 1):
            index: ColumnElement[Any] = literal_column(str(number))
            start, end = element("rest_starts", INSTANT, index), element("rest_ends", INSTANT, index)
            spans.append(and_(at >= start, at < end))
        return or_(*spans)
