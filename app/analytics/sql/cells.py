"""What all scans of one layer have in common: the cells of the answer, the filter, and where the times are cut."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, any_, case, func, literal_column, or_, select, table, tuple_
from sqlalchemy import column as named
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.sql.expression import FromClause

from app.analytics.layout import column
from app.analytics.plan import Fold
from app.analytics.query import Attribution
from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.sql.filters import Joint, Key, Mask, kind_of, predicate, requires
from app.analytics.sql.local import local_key
from app.analytics.sql.tables import (
    INSTANT,
    NO_TEXT,
    SMALL,
    TEXT,
    UID,
    ZERO_UID,
    element,
    in_force,
    instants,
    many,
    one,
)

PARENT = "parent"
"""Name of the column of parent keys."""

BUCKET = "bucket"
"""Name of the column of time cells, numbered from 1."""

WEIGHTS: dict[Attribution, str] = {
    Attribution.BOOKED: "weight_booked",
    Attribution.LAST_TOUCH: "weight_last",
    Attribution.FIRST_TOUCH: "weight_first",
    Attribution.LINEAR: "weight_linear",
    Attribution.TIME_DECAY: "weight_time_decay",
    Attribution.POSITION_BASED: "weight_position",
}
"""The column of credits that holds each model's weights."""

KNOWN = "known"
"""Name of the column that tells whether anything lies in a time cell."""

FITTING = "fitting"
"""Name of the groups that fit `having`, where totals are taken of them alone."""


class Money(StrEnum):
    """In which currency amounts are added up: the tenant's, the facts' own, or another."""

    BASE = "base"
    ORIGINAL = "original"
    CONVERTED = "converted"


def others(dimension: str) -> str:
    """Name of the column that tells whether a group is the rest of a dimension's keys."""
    return f"{dimension}_others"


def member(dimension: str) -> str:
    """Name of the column of a dimension's own keys, where groups of others are counted."""
    return f"{dimension}_member"


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of an answer: parent, dimensions, time. where: shape of the filter. sums: of this layer.

    every_sum: those of the facet, each with its layer. folds: of the dimensions, None for those that are whole.
    is_exact: every instant is a cell of its own, instead of buckets between edges. is_aligned: buckets belong to cells
    that a parameter tells. is_compared: some layer is aligned. weight: column of the credits. has_as_of: facts recorded
    later do not count. is_sampled: distinct counts are estimated from a part. keeps_members: folded keys stay apart.
    within: only facts in cells that fit. has_top_edges: keys are kept in buckets that are not those of the cells.
    """

    parent: str | None
    dimensions: tuple[str, ...]
    has_time: bool
    where: Mask | Joint | None
    sums: tuple[str, ...]
    every_sum: tuple[tuple[str, int], ...] = ()
    layer: int = 0
    folds: tuple[Fold | None, ...] = ()
    is_exact: bool = False
    is_aligned: bool = False
    is_compared: bool = False
    weight: str = "weight_booked"
    money: Money = Money.BASE
    has_as_of: bool = False
    is_sampled: bool = False
    keeps_members: bool = False
    within: "Cells | None" = None
    has_top_edges: bool = False
    has_one_parent: bool = False

    @property
    def used(self) -> frozenset[str]:
        """Every dimension that is grouped or filtered by."""
        found = {*self.dimensions, *_dimensions(self.where)}
        if self.within is not None:
            found |= self.within.used
        return frozenset(found | {self.parent} if self.parent else found)

    @property
    def groups_by(self) -> str | None:
        """The dimension of the parents, where there are several: one is told apart by the conditions alone."""
        return None if self.has_one_parent else self.parent

    def bind(self, name: str) -> str:
        """Name of a parameter of this layer."""
        return column(name, self.layer)

    def requires(self, dimension: str) -> bool:
        """Whether only facts with one of some listed keys of the dimension count: few of many."""
        return self.parent == dimension or (self.where is not None and requires(self.where, dimension))

    @property
    def folded(self) -> tuple[tuple[str, Fold], ...]:
        """The dimensions of which not all keys stand for themselves."""
        pairs = zip(self.dimensions, self.folds, strict=True) if self.folds else ()
        return tuple((name, fold) for name, fold in pairs if fold is not None)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the key columns: parent, dimensions, which are others, bucket, members; those that there are."""
        flags = tuple(others(name) for name, fold in self.folded if fold.has_others)
        time = (BUCKET,) if self.has_time else ()
        members = tuple(member(name) for name, _ in self.folded) if self.keeps_members else ()
        return ((PARENT,) if self.groups_by else ()) + self.dimensions + flags + time + members

    def keys(self, known: Mapping[str, Key], at: ColumnElement[Any]) -> list[ColumnElement[Any]]:
        """The key columns over the keys of one table. at: its time."""
        values = {name: self._key(known, at, name) for name in self.dimensions}
        found: dict[str, ColumnElement[Any]] = dict(values)
        if self.groups_by:
            found[PARENT] = self._key(known, at, self.groups_by)
        for name, fold in self.folded:
            found[member(name)] = values[name]
            if fold.has_others:
                stays = or_(values[name].is_(None), self._is_top(known, at, name, fold))
                found[name] = case((stays, values[name]))
                found[others(name)] = case((stays, literal_column("false")), else_=literal_column("true"))
        if self.has_time:
            found[BUCKET] = at if self.is_exact else self._bucket(at)
        return [found[name].label(name) for name in self.columns]

    def conditions(
        self, known: Mapping[str, Key], at: ColumnElement[Any], *, tells_one: bool = False
    ) -> list[ColumnElement[bool]]:
        """Parent, filter and what is left out, over the keys of one table.

        tells_one: where one key is listed, the database's planner is told so. Then it keeps one plan for all keys: that
        is right where rows are few whatever the key, and wrong where it decides how facts are best read.
        """
        found: list[ColumnElement[bool]] = []
        if self.parent:
            found.append(
                known[self.parent].is_listed("parents", kind_of(self.parent), is_one=tells_one and self.has_one_parent)
            )
        if self.where is not None:
            found.append(predicate(self.where, known, tells_one=tells_one))
        found += [self._is_top(known, at, name, fold) for name, fold in self.folded if not fold.has_others]
        if self.within is not None:
            found.append(self.within.holds(known, at))
        return found

    def stands_apart(self, dimension: str) -> bool:
        """Whether each of the dimension's keys is a group of its own."""
        return dimension in self.dimensions and dimension not in dict(self.folded)

    def is_same(self, dimension: str, key: ColumnElement[Any], row: FromClause) -> ColumnElement[bool]:
        """Whether a key, which is never null, belongs to the cell of a row."""
        fold = dict(self.folded).get(dimension)
        if fold is None or not fold.has_others:
            return key == row.c[dimension]
        if self.keeps_members:
            # Each of the others is a cell of its own.
            return key == row.c[member(dimension)]
        bucket: ColumnElement[Any] | None = row.c[BUCKET] if self.has_time else None
        if self.has_top_edges:
            bucket = func.width_bucket(self.start_of(bucket), instants("top_edges"))
        rest = ~self._is_kept(key, bucket, row.c[PARENT] if self.groups_by else None, dimension, fold)
        return case((row.c[others(dimension)], rest), else_=key == row.c[dimension])

    def recorded(self, fact: FromClause) -> list[ColumnElement[bool]]:
        """Whether the fact was recorded by the instant asked, where one is."""
        return [fact.c.recorded_at <= one("as_of", INSTANT)] if self.has_as_of else []

    def holding(self, fact: FromClause) -> list[ColumnElement[bool]]:
        """Whether a credit or an instance holds: now, or as it was known at the instant asked."""
        if self.has_as_of:
            return [*self.recorded(fact), fact.c.superseded_at > one("as_of", INSTANT)]
        return [in_force(fact)]

    def summed(self, aggregates: Mapping[str, ColumnElement[Any]]) -> list[ColumnElement[Any]]:
        """The columns of all sums: as given, 0 for those that this scan does not give."""
        every_sum = self.every_sum or tuple((name, 0) for name in self.sums)
        nothing: ColumnElement[Any] = literal_column("0")
        return [
            (aggregates.get(name, nothing) if layer == self.layer else nothing).label(column(name, layer))
            for name, layer in every_sum
        ]

    @property
    def grouping(self) -> list[ColumnElement[Any]]:
        """GROUP BY of the key columns, which stand first."""
        return [literal_column(str(number)) for number, _ in enumerate(self.columns, start=1)]

    @property
    def sums_named(self) -> tuple[str, ...]:
        """Names of the columns of all sums."""
        return tuple(column(name, layer) for name, layer in self.every_sum or tuple((name, 0) for name in self.sums))

    def start_of(self, bucket: ColumnElement[Any] | None) -> ColumnElement[Any]:
        """When the cell's time begins. bucket: its number, None without time."""
        if bucket is None:
            return one(self.bind("range_start"), INSTANT)
        if self.is_aligned:
            return element(self.bind("starts"), INSTANT, bucket)
        start: ColumnElement[Any] = Grouping(instants(self.bind("edges")))[bucket]
        return start

    def holds(self, known: Mapping[str, Key], at: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether a fact lies in one of the cells that fit."""
        keys = [_never_null(key.element, name) for key, name in zip(self.keys(known, at), self.columns, strict=True)]
        fitting = table(FITTING, *(named(name, _type_of(name)) for name in self.columns))
        return tuple_(*keys).in_(select(*(_never_null(fitting.c[name], name) for name in self.columns)))

    def _key(self, known: Mapping[str, Key], at: ColumnElement[Any], name: str) -> ColumnElement[Any]:
        return local_key(name, at) if DIMENSIONS[name].is_local else known[name].value(kind_of(name))

    def _bucket(self, at: ColumnElement[Any]) -> ColumnElement[Any]:
        number = func.width_bucket(at, instants(self.bind("edges")))
        return element(self.bind("aligned"), SMALL, number) if self.is_aligned else number

    def _is_top(self, known: Mapping[str, Key], at: ColumnElement[Any], name: str, fold: Fold) -> ColumnElement[bool]:
        bucket = None
        if fold.per_bucket:
            edges = instants("top_edges")
            bucket = func.width_bucket(at, edges) if self.has_top_edges else self._bucket(at)
        parent = self._key(known, at, self.groups_by) if self.groups_by else None
        return self._is_kept(self._key(known, at, name), bucket, parent, name, fold)

    def _is_kept(
        self,
        key: ColumnElement[Any],
        bucket: ColumnElement[Any] | None,
        parent: ColumnElement[Any] | None,
        name: str,
        fold: Fold,
    ) -> ColumnElement[bool]:
        keys = many(f"top_{name}", kind_of(name))
        if not fold.per_bucket and not self.groups_by:
            return key == any_(keys)
        places, listed, names = [key], [keys], ["key"]
        if fold.per_bucket:
            assert bucket is not None, "keys of a bucket are kept by bucket"
            places.append(bucket)
            listed.append(many(f"top_{name}_buckets", SMALL))
            names.append(BUCKET)
        if self.groups_by:
            assert parent is not None, "keys of a parent are kept by parent"
            places.append(parent)
            listed.append(many(f"top_{name}_parents", kind_of(self.groups_by)))
            names.append(PARENT)
        top = func.unnest(*listed).table_valued(*names).render_derived(name="top")
        return tuple_(*places).in_(select(*(top.c[each] for each in names)))


def _dimensions(where: Mask | Joint | None) -> set[str]:
    if where is None:
        return set()
    if isinstance(where, Mask):
        return {where.dimension}
    return {name for part in where.parts for name in _dimensions(part)}


def _type_of(name: str) -> Any:
    return kind_of(name) if name in DIMENSIONS else None


def _never_null(key: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    # Compared in tuples, where null equals nothing.
    if name not in DIMENSIONS:
        return key
    kind = kind_of(name)
    empty = ZERO_UID if kind is UID else NO_TEXT if kind is TEXT else literal_column("-1")
    return func.coalesce(key, empty)


@dataclass(frozen=True, slots=True)
class Times:
    """Which times a scan of facts reads: the whole range, or the rest that rollups leave over, so many intervals.

    Every interval is written out as two bounds, so that the database's planner sees how little it is and which
    partitions it needs; of a join with an array of intervals it knows nothing, and reads whole tables.
    """

    rest: int = 0
    layer: int = 0

    def hold(self, at: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether the time is one of these."""
        if not self.rest:
            first, last = column("range_start", self.layer), column("range_end", self.layer)
            return and_(at >= one(first, INSTANT), at < one(last, INSTANT))
        spans = []
        for number in range(1, self.rest + 1):
            index: ColumnElement[Any] = literal_column(str(number))
            start = element(column("rest_starts", self.layer), INSTANT, index)
            end = element(column("rest_ends", self.layer), INSTANT, index)
            spans.append(and_(at >= start, at < end))
        return or_(*spans)
