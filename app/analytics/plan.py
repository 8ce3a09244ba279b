"""The plan of a question: for each facet what is read, over which times, in which order groups come. Values only."""

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from operator import attrgetter
from typing import TypeAlias

from app.analytics.layout import LayerKey, Output, Term
from app.analytics.order import Place, Sort
from app.analytics.query import Attribution, Filter, Parents
from app.analytics.semantic.sums import Source
from app.core.timegrain import Granularity, Interval
from app.core.words import Grain


class SourceKind(StrEnum):
    """Where an answer comes from."""

    CACHE = "CACHE"
    ROLLUP = "ROLLUP"
    DELTAS = "DELTAS"
    FACTS = "FACTS"


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive whole buckets of one grain."""

    grain: Grain
    interval: Interval
    buckets: int


@dataclass(frozen=True, slots=True)
class RollupScan:
    """Sums read from a rollup set's whole buckets, and from the deltas of the same times (spans).

    dimensions: of the set. cells: rows of one bucket in a busy tenant.
    """

    rollup: str
    dimensions: tuple[str, ...]
    cells: int
    sums: tuple[str, ...]
    parts: tuple[Part, ...]
    spans: tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class FactScan:
    """Sums computed from one kind of facts over some times."""

    source: Source
    sums: tuple[str, ...]
    spans: tuple[Interval, ...]


Scan: TypeAlias = RollupScan | FactScan


@dataclass(frozen=True, slots=True)
class Layer:
    """One reading of the facts. only: narrows it further than the question's filter and the measure's own.

    edges: of its time buckets, cut to the interval; () for one. aligned: the answer's cell of each of its buckets, 0
    for none; () where they are the same. outputs: what its statement gives of the sums. sizing: how much there is to
    take a sample of, where one is taken.
    """

    key: LayerKey
    only: Filter | None
    interval: Interval
    edges: tuple[datetime, ...]
    aligned: tuple[int, ...]
    sums: tuple[str, ...]
    outputs: tuple[Output, ...]
    scans: tuple[Scan, ...]
    sizing: "Layer | None" = None


@dataclass(frozen=True, slots=True)
class Fold:
    """Which keys of a dimension stand for themselves is bound, by another statement. has_others: the rest is one group.

    per_bucket: in each time bucket others.
    """

    has_others: bool
    per_bucket: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """A condition on a term. bounds: pairs of a comparison and a value in shown units."""

    term: int
    bounds: tuple[tuple[str, Decimal], ...]
    is_null: bool | None


@dataclass(frozen=True, slots=True)
class WantedJoint:
    """A connective of conditions: and, or, not (of one part)."""

    word: str
    parts: tuple["Wanted | WantedJoint", ...]


@dataclass(frozen=True, slots=True)
class Paging:
    """Which of the groups come, in which order. place: after which to start.

    per_bucket: a page of each time bucket. only_known: without those whose key is null.
    """

    sorts: tuple[Sort, ...]
    limit: int
    place: Place | None
    is_counted: bool
    is_ranked: bool
    terms: tuple[Term, ...]
    having: Wanted | WantedJoint | None = None
    per_bucket: bool = False
    only_known: bool = False


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class FacetPlan:
    """How one facet is computed, in one statement. Equal questions share one.

    folds: of its dimensions, by number, None for those that are whole. is_original: amounts in the facts' own currency.
    paging: None where all cells come. has_total: the sums over all time buckets come too, under none. top_edges: of the
    buckets in which keys are kept, where they are not those of its cells. counted: sums, with their layers, of which it
    is told by cell whether any is not nothing. is_stored: whether each row of its only rollup is a group, to which only
    what is not folded yet is added.
    """

    name: str
    dimensions: tuple[str, ...]
    folds: tuple[Fold | None, ...]
    layers: tuple[Layer, ...]
    is_original: bool = False
    paging: Paging | None = None
    has_total: bool = False
    top_edges: tuple[datetime, ...] = ()
    counted: tuple[tuple[str, int], ...] = ()
    is_stored: bool = False

    @property
    def has_time(self) -> bool:
        """Whether its cells are time buckets."""
        return bool(self.layers[0].edges)

    @property
    def scans(self) -> tuple[Scan, ...]:
        """Everything that is read."""
        return tuple(scan for layer in self.layers for scan in layer.scans)


@dataclass(frozen=True, slots=True)
class GroupsPlan:
    """How groups are computed: first the keys that stand for themselves, then the page, then what belongs to it.

    tops: by number of their dimension. has_totals, has_members: whether all groups that fit `having`, and the number of
    keys among others, are asked besides.
    """

    page: FacetPlan
    tops: tuple[tuple[int, FacetPlan], ...]
    series: tuple[FacetPlan, ...]
    has_totals: bool
    has_members: bool

    @property
    def facets(self) -> tuple[FacetPlan, ...]:
        """All of them, in the order in which they run."""
        return (*(facet for _, facet in self.tops), self.page, *self.series)


@dataclass(frozen=True, slots=True)
class PlanSource:
    """One of the things that is read."""

    name: str
    kind: SourceKind
    granularity: Granularity | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """How a question is answered. series and groups in the order asked; totals None when nothing of them is asked.

    converts: amounts are computed anew in the currency, which is not the tenant's. zone: of the local clock.
    generation: of the rollups that it reads, None where it reads none.

    The first three fields are its own; the others it has in common with the plans of all questions that differ in keys
    alone.
    """

    where: Filter | None
    parents: Parents | None
    generation: int | None
    interval: Interval
    zone: str
    currency: str
    converts: bool
    attribution: Attribution
    as_of: datetime | None
    totals: FacetPlan | None
    series: tuple[FacetPlan, ...]
    groups: tuple[GroupsPlan, ...]
    estimated_rows: int
    cost: int

    def like(self, where: Filter | None, parents: Parents | None, generation: int | None) -> "Plan":
        """The plan of another question that differs in keys alone."""
        return Plan(where, parents, generation, *_in_common(self))

    @property
    def facets(self) -> tuple[FacetPlan, ...]:
        """All facets."""
        grouped = (facet for groups in self.groups for facet in groups.facets)
        return (*((self.totals,) if self.totals else ()), *self.series, *grouped)

    @property
    def reads_facts(self) -> bool:
        """Whether any of it is computed from facts."""
        return any(isinstance(scan, FactScan) for facet in self.facets for scan in facet.scans)

    @property
    def sources(self) -> tuple[PlanSource, ...]:
        """What is read, each once: rollups, deltas, facts."""
        found: dict[PlanSource, None] = {}
        for facet in self.facets:
            for scan in facet.scans:
                if isinstance(scan, RollupScan):
                    for part in scan.parts:
                        step = Granularity(part.grain.value)
                        found[PlanSource(scan.rollup, SourceKind.ROLLUP, step)] = None
                    found[PlanSource("rollup_delta", SourceKind.DELTAS)] = None
                else:
                    found[PlanSource(scan.source.value, SourceKind.FACTS)] = None
        kinds = list(SourceKind)
        return tuple(sorted(found, key=lambda source: (kinds.index(source.kind), source.name)))


_in_common = attrgetter(*(part.name for part in fields(Plan)[3:]))
