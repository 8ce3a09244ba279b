"""A question without mistakes, as values: what is planned, and how its rows are read. Made by resolve."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from itertools import pairwise
from operator import attrgetter
from typing import Any

from app.analytics.compare import Compared
from app.analytics.layout import Layout, Term
from app.analytics.order import Place, Sort
from app.analytics.plan import Wanted, WantedJoint
from app.analytics.query import (
    Asks,
    Attribution,
    ByDimension,
    ByTime,
    Columns,
    Fill,
    Filter,
    Parents,
    Top,
    dimensions_of,
)
from app.core.timegrain import Granularity, Interval


@dataclass(frozen=True, slots=True)
class Buckets:
    """Time buckets of a facet; the first and last may reach beyond the range.

    earlier: those of the compared time. aligned: for each of these the number of the bucket it belongs to, 0 for none.
    """

    every: Granularity
    edges: tuple[datetime, ...]
    earlier: tuple[datetime, ...] = ()
    aligned: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ResolvedSeries:
    """A series, its buckets and where its measures are read off."""

    buckets: Buckets
    columns: Columns
    layout: Layout
    fill: Fill
    cumulative: bool


@dataclass(frozen=True, slots=True)
class ResolvedTop:
    """The keys of a dimension (by its number in the grouping) that stand for themselves."""

    dimension: int
    top: Top
    layout: Layout


@dataclass(frozen=True, slots=True)
class ResolvedGroups:
    """Groups with a total order and a bound. place: after which to start. identity: what their cursors are bound to.

    totals: asked of all groups that fit `having`; without it the question's totals are theirs. series: of each group.
    """

    identity: tuple[Any, ...]
    by: tuple[ByDimension | ByTime, ...]
    buckets: Buckets | None
    columns: Columns
    layout: Layout
    terms: tuple[Term, ...]
    sorts: tuple[Sort, ...]
    having: Wanted | WantedJoint | None
    limit: int
    place: Place | None
    is_table: bool
    is_counted: bool
    is_ranked: bool
    totals: Asks
    members: bool
    tops: tuple[ResolvedTop, ...]
    series: tuple[ResolvedSeries, ...]

    def like(self, identity: tuple[Any, ...]) -> "ResolvedGroups":
        """The same grouping in another question."""
        return ResolvedGroups(identity, *_of_all_questions(self))

    @property
    def edges(self) -> tuple[datetime, ...]:
        """Of its buckets; () without time."""
        return self.buckets.edges if self.buckets else ()

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions it is grouped by, in the order asked."""
        return tuple(element.name for element in self.by if isinstance(element, ByDimension))


@dataclass(frozen=True, slots=True)
class Resolved:
    """A question without mistakes, its range and zone concrete. now: the request's time.

    The first four fields are its own; the others it has in common with all questions that differ from it in keys alone.

    layout: of the totals, None where nothing of them is asked. shares: measures whose totals decide which groups come.
    converts: whether the currency is not the tenant's. estimates: distinct counts asked as AUTO are estimated.
    totals_by_series: the totals come with the first series, whose layout they share: all their sums add up over time.
    cut_at: since when instances are kept, where earlier ones are asked. kept: plans of
    all questions that differ from it in keys alone.
    """

    where: Filter | None
    parents: Parents | None
    now: datetime
    groups: tuple[ResolvedGroups, ...]
    interval: Interval
    compared: Compared | None
    as_of: datetime | None
    max_age: timedelta | None
    max_cost: int | None
    zone: str
    currency: str
    converts: bool
    attribution: Attribution
    estimates: bool
    totals: Columns
    layout: Layout | None
    shares: Asks
    series: tuple[ResolvedSeries, ...]
    totals_by_series: bool
    cut_at: datetime | None
    kept: dict[int, Any] = field(default_factory=dict, compare=False, repr=False)

    def like(
        self, where: Filter | None, parents: Parents | None, now: datetime, identities: Iterable[tuple[Any, ...]]
    ) -> "Resolved":
        """Another question that differs from it in keys alone. identities: of its groupings."""
        groups = tuple(map(ResolvedGroups.like, self.groups, identities)) if self.groups else ()
        return Resolved(where, parents, now, groups, *_in_common(self))

    @property
    def passed(self) -> tuple[datetime, datetime]:
        """The range as far as it has passed: a bucket that reaches beyond is partial."""
        return self.interval.start, min(self.interval.end, self.now)

    def cut_times(self, groups: ResolvedGroups) -> int:
        """How many times of groups, and buckets of their series, the range cuts or are still running."""
        begin, finish = self.passed
        facets = [groups.edges, *(series.buckets.edges for series in groups.series)]
        return sum(
            start < finish and (start < begin or end > finish) for edges in facets for start, end in pairwise(edges)
        )

    @property
    def layouts(self) -> tuple[Layout, ...]:
        """Those of all facets."""
        found = [] if self.layout is None else [self.layout]
        found += [each.layout for each in self.series]
        for groups in self.groups:
            found += [groups.layout, *(top.layout for top in groups.tops), *(each.layout for each in groups.series)]
        return tuple(found)

    @property
    def is_sampled(self) -> bool:
        """Whether anything of it is estimated."""
        return any(key.is_sampled for layout in self.layouts for key in layout.layers)

    @property
    def reaches_back(self) -> bool:
        """Whether it depends on every order before, as whether a customer is new does."""
        layouts = self.layouts
        looked_at = {name for each in self.groups for name in each.dimensions} | dimensions_of(self.where)
        looked_at |= {name for layout in layouts for key in layout.layers for name in dimensions_of(key.where)}
        counts_new = any("new_customers" in sums for layout in layouts for sums in layout.sums)
        return counts_new or "customer_kind" in looked_at


_in_common = attrgetter(*(part.name for part in fields(Resolved)[4:]))
_of_all_questions = attrgetter(*(part.name for part in fields(ResolvedGroups)[1:]))
