"""The plan of a question: for each facet what is read, over which times, in which order groups come. Values only."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from app.analytics.order import Place, Sort
from app.analytics.query import Filter, Parents
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

    cells: rows of one bucket in a busy tenant.
    """

    rollup: str
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
class Paging:
    """Which of the groups come, in which order. place: after which to start."""

    sorts: tuple[Sort, ...]
    limit: int
    place: Place | None
    is_counted: bool
    is_ranked: bool


@dataclass(frozen=True, slots=True)
class FacetPlan:
    """How one facet is computed, in one statement.

    edges: of the time cells, cut to the range; () for one cell. is_original: amounts in the facts' own currency.
    paging: None where all cells come.
    """

    name: str
    dimensions: tuple[str, ...]
    edges: tuple[datetime, ...]
    sums: tuple[str, ...]
    scans: tuple[Scan, ...]
    is_original: bool = False
    paging: Paging | None = None


@dataclass(frozen=True, slots=True)
class PlanSource:
    """One of the things that is read."""

    name: str
    kind: SourceKind
    granularity: Granularity | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """How a question is answered. series and groups in the order asked; totals None when nothing of them is asked."""

    interval: Interval
    where: Filter | None
    parents: Parents | None
    currency: str
    totals: FacetPlan | None
    series: tuple[FacetPlan, ...]
    groups: tuple[FacetPlan, ...]
    estimated_rows: int
    cost: int

    @property
    def facets(self) -> tuple[FacetPlan, ...]:
        """All facets."""
        return ((self.totals,) if self.totals else ()) + self.series + self.groups

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
