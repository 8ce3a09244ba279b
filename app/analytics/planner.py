"""From a resolved question to its plan: rollups where a set can answer, facts for the rest.

A facet takes the stored set that reads the fewest rows: whole quarters, then months, days, hours, each within one cell
of the answer; what no bucket covers at the edges comes from facts. Pure: decides from the question and what is stored.
"""

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from app.analytics.layout import LayerKey, Layout, Output, alone, terms_of
from app.analytics.order import Sort, SortKind
from app.analytics.plan import FacetPlan, FactScan, Fold, GroupsPlan, Layer, Paging, Plan, RollupScan, Scan
from app.analytics.query import AllOf, ByDimension, Facet, Filter, dimensions_of
from app.analytics.resolved import Buckets, Resolved, ResolvedGroups, ResolvedSeries, ResolvedTop
from app.analytics.rollups.catalog import CATALOG, RollupSet
from app.analytics.rollups.match import Cover, covered, has_dimensions, lie_apart, merged, rollable_sums
from app.analytics.semantic.sums import SUMS, Source
from app.core.context import TenantInfo
from app.core.timegrain import Interval

PARTS_MAX = 400
"""Runs of rollup buckets in one facet; beyond it facts are read."""

SPANS_MAX = 16
"""Intervals of facts beside rollups in one facet; beyond it only facts are read."""

ROWS_A_DAY: dict[Source, int] = {
    Source.INSTANCES: 20_000,
    Source.CREDITS: 1_000,
    Source.LINES: 3_000,
    Source.REFUNDS: 200,
    Source.ADJUSTMENTS: 20,
    Source.COMMISSIONS: 1_000,
    Source.ORDERS: 3_000,
    Source.ENGAGEMENT: 500,
    Source.SPEND: 10,
    Source.PAYOUTS: 10,
}
"""Facts of one day in a busy tenant. Only for choosing and for the estimate shown: nothing is looked up to plan."""

DISTINCT_WEIGHT = 8
"""How much more an exact distinct count costs than a sum over the same rows."""

ESTIMATE_WEIGHT = 2
"""The same of an estimated one."""

QUANTILE_WEIGHT = 6
"""The same of a quantile."""

SIZES = {"visitors": "instances", "customers": "orders_e9"}
"""What tells how much there is to count distinct ones of."""


@dataclass(frozen=True, slots=True)
class Layering:
    """Which rollups there are, in which zone and currency: most tenants have the same."""

    zone: str
    currency: str
    sets: tuple[RollupSet, ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """What rollups a tenant has. generation: of the rebuild that made them so."""

    layering: Layering
    generation: int = 0


@lru_cache(maxsize=1_000)
def layering(zone: str, currency: str, sets: tuple[RollupSet, ...]) -> Layering:
    """The same once: plans are kept for it."""
    return Layering(zone, currency, sets)


def everything_stored(tenant: TenantInfo) -> Stored:
    """What a tenant has stored that never changed its zone or currency."""
    return Stored(layering(tenant.reporting_zone, tenant.currency, CATALOG))


def plan(resolved: Resolved, stored: Stored | None) -> Plan:
    """How the question is answered. stored: None where no rollup may be used."""
    made = _made(resolved, stored)
    generation = None if stored is None or made.generation is None else stored.generation
    return made.like(resolved.where, resolved.parents, generation)


def estimated_rows(resolved: Resolved, stored: Stored | None) -> int:
    """Rows that the plan would read in a busy tenant."""
    return _made(resolved, stored).estimated_rows


def _made(resolved: Resolved, stored: Stored | None) -> Plan:
    # Planned once for all that differ in keys alone, and for all tenants that have the same rollups.
    layers = None if stored is None else stored.layering
    kept = resolved.kept.get(id(layers))
    if kept is None:
        kept = resolved.kept[id(layers)] = _Planning(resolved, layers).plan(), layers
    found: Plan = kept[0]
    return found


def cut(edges: Sequence[datetime], interval: Interval) -> tuple[datetime, ...]:
    """The edges with the first and last moved to the range's: cells are what of the buckets lies in the range."""
    return (interval.start, *edges[1:-1], interval.end) if edges else ()


def both(where: Filter | None, own: Filter | None) -> Filter | None:
    """What fits both filters."""
    if where is None or own is None:
        return where if own is None else own
    return AllOf((where, own))


class _Planning:
    """One question being planned."""

    def __init__(self, resolved: Resolved, stored: Layering | None) -> None:
        # Rollups hold the tenant's currency, and everything that was recorded until now.
        is_usable = stored is not None and stored.currency == resolved.currency and resolved.as_of is None
        self.resolved = resolved
        self.stored = stored if is_usable else None
        self.parent = frozenset({resolved.parents.dimension}) if resolved.parents else frozenset[str]()

    def plan(self) -> Plan:
        """All of it."""
        resolved = self.resolved
        totals = None
        if resolved.layout is not None and not resolved.totals_by_series:
            totals = self._facet("totals", (), (), None, resolved.layout)
        series = tuple(self._series(each) for each in resolved.series)
        if resolved.totals_by_series:
            series = (replace(series[0], has_total=True), *series[1:])
        groups = tuple(map(self._groups, resolved.groups))
        facets = [*([totals] if totals else ()), *series, *(facet for each in groups for facet in each.facets)]
        weighed = sum(_weighed(layer) for facet in facets for layer in facet.layers)
        cells = sum(map(self._cells, facets))
        return Plan(
            interval=resolved.interval,
            zone=resolved.zone,
            where=resolved.where,
            parents=resolved.parents,
            currency=resolved.currency,
            converts=resolved.converts,
            attribution=resolved.attribution,
            as_of=resolved.as_of,
            generation=None if self.stored is None else 0,
            totals=totals,
            series=series,
            groups=groups,
            estimated_rows=sum(_rows(scan) for facet in facets for scan in facet.scans),
            cost=math.ceil(weighed / 10_000) + math.ceil(cells / 100),
        )

    def _series(self, asked: ResolvedSeries) -> FacetPlan:
        facet = self._facet("series", (), (), asked.buckets, asked.layout)
        return replace(facet, counted=asked.layout.counted(asked.columns.values))

    def _groups(self, asked: ResolvedGroups) -> GroupsPlan:
        folds = tuple(
            None if each.top is None else Fold(each.top.others, each.top.per_bucket)
            for each in asked.by
            if isinstance(each, ByDimension)
        )
        paging = Paging(
            asked.sorts, asked.limit, asked.place, asked.is_counted, asked.is_ranked, asked.terms, asked.having
        )
        return GroupsPlan(
            page=self._facet("groups", asked.dimensions, folds, asked.buckets, asked.layout, paging),
            tops=tuple((each.dimension, self._top(asked, each)) for each in asked.tops),
            series=tuple(self._group_series(asked, folds, each) for each in asked.series),
            has_totals=bool(asked.totals),
            has_members=asked.members and any(fold is not None and fold.has_others for fold in folds),
        )

    def _top(self, asked: ResolvedGroups, top: ResolvedTop) -> FacetPlan:
        name, ask = asked.dimensions[top.dimension], top.top.by
        paging = Paging(
            sorts=(
                Sort(SortKind.MEASURE, ask.name, is_descending=True),
                Sort(SortKind.DIMENSION, name, is_descending=False),
            ),
            limit=top.top.n,
            place=None,
            is_counted=False,
            is_ranked=False,
            terms=terms_of([(ask, Facet.VALUE)], top.layout, ()),
            per_bucket=top.top.per_bucket,
            only_known=True,
        )
        buckets = asked.buckets if top.top.per_bucket else None
        return self._facet("top", (name,), (None,), buckets, top.layout, paging)

    def _group_series(self, asked: ResolvedGroups, folds: tuple[Fold | None, ...], series: ResolvedSeries) -> FacetPlan:
        buckets = series.buckets
        if asked.buckets is not None:
            # Cut at the groups' own edges too: each cell lies in one bucket of the series and in one group.
            buckets = Buckets(buckets.every, tuple(sorted({*buckets.edges, *asked.edges})))
        facet = self._facet("group_series", asked.dimensions, folds, buckets, series.layout)
        facet = replace(facet, counted=series.layout.counted(series.columns.values))
        if any(fold is not None and fold.per_bucket for fold in folds):
            facet = replace(facet, top_edges=asked.edges)
        return facet

    def _facet(
        self,
        name: str,
        dimensions: tuple[str, ...],
        folds: tuple[Fold | None, ...],
        buckets: Buckets | None,
        layout: Layout,
        paging: Paging | None = None,
    ) -> FacetPlan:
        layers = tuple(
            self._layer(key, sums, outputs, dimensions, buckets)
            for key, sums, outputs in zip(layout.layers, layout.sums, layout.outputs, strict=True)
        )
        apart = frozenset(dimensions) | self.parent
        return FacetPlan(
            name,
            dimensions,
            folds,
            layers,
            "currency" in dimensions,
            paging,
            is_stored=paging is not None and not any(folds) and _is_stored(layers, apart),
        )

    def _layer(
        self,
        key: LayerKey,
        sums: tuple[str, ...],
        outputs: tuple[Output, ...],
        dimensions: tuple[str, ...],
        buckets: Buckets | None,
    ) -> Layer:
        resolved = self.resolved
        interval, edges = resolved.interval, buckets.edges if buckets else ()
        aligned: tuple[int, ...] = ()
        if key.is_previous:
            assert resolved.compared is not None, "nothing is read of a time that is not compared"
            interval = resolved.compared.interval
            if buckets is not None:
                edges, aligned = buckets.earlier, buckets.aligned
        edges = cut(edges, interval)
        where = both(resolved.where, key.where)
        needed = frozenset(dimensions) | self.parent | dimensions_of(where)
        scans = self._scans(sums, interval, edges, needed) if sums else ()
        sizing = None
        if key.is_sampled:
            sizes = tuple(SIZES[name] for name in sums)
            counted = self._scans(sizes, interval, (), self.parent | dimensions_of(where))
            sizing = Layer(LayerKey(where=key.where), None, interval, (), (), sizes, alone(sizes), counted)
        return Layer(key, None, interval, edges, aligned, sums, outputs, scans, sizing)

    def _scans(
        self, sums: tuple[str, ...], interval: Interval, edges: tuple[datetime, ...], needed: frozenset[str]
    ) -> tuple[Scan, ...]:
        rollable = rollable_sums(sums, needed, self.resolved.attribution)
        scan, rest = _rollup(interval, edges, needed, rollable, self.stored)
        scans: list[Scan] = [] if scan is None else [scan]
        if scan is None:
            rollable = ()
        plain = [item for item in sums if item not in rollable]
        scans += _facts(plain, (interval,))
        scans += _facts(rollable, rest)
        return tuple(scans)

    def _cells(self, facet: FacetPlan) -> int:
        rows = facet.paging.limit if facet.paging else max(len(facet.layers[0].edges) - 1, 1)
        asked_for = len(self.resolved.parents.ids) if self.resolved.parents else 1
        return rows * asked_for * sum(len(layer.sums) for layer in facet.layers)


def _is_stored(layers: Sequence[Layer], apart: frozenset[str]) -> bool:
    # Whether all there is is one rollup, of whose rows no two lie in one cell. apart: dimensions of the cells.
    if len(layers) != 1 or len(layers[0].scans) != 1:
        return False
    layer, scan = layers[0], layers[0].scans[0]
    return isinstance(scan, RollupScan) and apart.issuperset(scan.dimensions) and lie_apart(scan.parts, layer.edges)


def _facts(sums: Sequence[str], spans: tuple[Interval, ...]) -> list[FactScan]:
    if not spans:
        return []
    found = []
    for source in Source:
        here = tuple(item for item in sums if source in SUMS[item].sources)
        if here:
            found.append(FactScan(source, here, spans))
    return found


def _rollup(
    interval: Interval,
    edges: Sequence[datetime],
    needed: frozenset[str],
    sums: tuple[str, ...],
    stored: Layering | None,
) -> tuple[RollupScan | None, tuple[Interval, ...]]:
    # The scan of the set that reads the fewest rows, and the edges that facts give.
    if stored is None or not sums:
        return None, ()
    sources = frozenset(source for item in sums for source in SUMS[item].sources)
    found = cheapest(interval, edges[1:-1], needed, sources, stored)
    if found is None:
        return None, ()
    rollup, cover = found
    spans = merged(part.interval for part in cover.parts)
    return RollupScan(rollup.name, rollup.dimensions, rollup.cells, sums, cover.parts, spans), cover.rest


def cheapest(
    interval: Interval, breaks: Sequence[datetime], needed: frozenset[str], sources: Set[Source], stored: Layering
) -> tuple[RollupSet, Cover] | None:
    """The set that reads the fewest rows for sums of these facts, and how it covers the interval.

    Edges that facts give count. breaks: see `covered`. None where facts alone are fewer.
    """
    daily = sum(ROWS_A_DAY[source] for source in sources)
    best = None
    fewest = days_of(interval) * daily
    for rollup in stored.sets:
        if not has_dimensions(rollup, needed):
            continue
        cover = covered(interval, breaks, rollup.grains, stored.zone)
        if not cover.parts or len(cover.parts) > PARTS_MAX or len(cover.rest) > SPANS_MAX:
            continue
        buckets = sum(part.buckets for part in cover.parts)
        rows = buckets * rollup.cells + sum(map(days_of, cover.rest)) * daily
        if rows < fewest:
            fewest = rows
            best = rollup, cover
    return best


def days_of(interval: Interval) -> float:
    """Its length in days of 24 hours."""
    return (interval.end - interval.start) / timedelta(days=1)


def _rows(scan: Scan) -> int:
    if isinstance(scan, RollupScan):
        return sum(part.buckets for part in scan.parts) * scan.cells
    return math.ceil(sum(map(days_of, scan.spans)) * ROWS_A_DAY[scan.source])


def _weighed(layer: Layer) -> int:
    return sum(_rows(scan) * sum(_weight(name, layer.key) for name in scan.sums) for scan in layer.scans)


def _weight(name: str, key: LayerKey) -> int:
    if SUMS[name].is_additive:
        return 1
    if key.at is not None:
        return QUANTILE_WEIGHT
    return ESTIMATE_WEIGHT if key.is_sampled else DISTINCT_WEIGHT
