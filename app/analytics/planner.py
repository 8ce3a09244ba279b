"""From a resolved question to its plan: rollups where a set can answer, facts for the rest.

A facet takes the stored set that reads the fewest rows: whole months, then days, then hours, each within one cell of
the answer; what no bucket covers at the edges comes from facts. Pure: decides from the question and what is stored.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.analytics.plan import FacetPlan, FactScan, Paging, Plan, RollupScan, Scan
from app.analytics.query import dimensions_of
from app.analytics.resolve import Resolved, ResolvedGroups
from app.analytics.rollups.catalog import CATALOG, RollupSet
from app.analytics.rollups.match import covered, has_dimensions, merged, stored_sums
from app.analytics.semantic.measures import MEASURES
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
}
"""Facts of one day in a busy tenant. Only for choosing and for the estimate shown: nothing is looked up to plan."""

DISTINCT_WEIGHT = 8
"""How much more an exact distinct count costs than a sum over the same rows."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What rollups a tenant has: in which zone and currency, and which sets with which grains."""

    zone: str
    currency: str
    sets: tuple[RollupSet, ...]


def everything_stored(tenant: TenantInfo) -> Stored:
    """What a tenant has stored that never changed its zone or currency."""
    return Stored(tenant.reporting_zone, tenant.currency, CATALOG)


def plan(resolved: Resolved, stored: Stored | None) -> Plan:
    """How the question is answered. stored: None where no rollup may be used."""
    if stored is not None and stored.currency != resolved.currency:
        stored = None
    totals = None
    asked = sums_of(resolved.totals)
    if resolved.wants_warnings and is_converted(resolved):
        asked = (*asked, "missing_rates")
    if asked:
        totals = _facet(resolved, stored, "totals", (), (), asked)
    series = tuple(
        _facet(resolved, stored, "series", (), cut(facet.edges, resolved.interval), _asked(resolved, facet.measures))
        for facet in resolved.series
    )
    groups = tuple(_groups(resolved, stored, facet) for facet in resolved.groups)
    facets = [*([totals] if totals else ()), *series, *groups]
    cells = sum(_cells(facet, resolved) for facet in facets)
    rows = sum(_rows(scan) for facet in facets for scan in facet.scans)
    weighed = sum(_rows(scan) * _weight(scan) for facet in facets for scan in facet.scans)
    return Plan(
        interval=resolved.interval,
        where=resolved.where,
        parents=resolved.parents,
        currency=resolved.currency,
        totals=totals,
        series=series,
        groups=groups,
        estimated_rows=rows,
        cost=math.ceil(weighed / 10_000) + math.ceil(cells / 100),
    )


def sums_of(measures: Iterable[str]) -> tuple[str, ...]:
    """The sums that the measures are made of, each once."""
    return tuple(dict.fromkeys(name for measure in measures for name in MEASURES[measure].formula.sums))


def cut(edges: Sequence[datetime], interval: Interval) -> tuple[datetime, ...]:
    """The edges with the first and last moved to the range's: cells are what of the buckets lies in the range."""
    return (interval.start, *edges[1:-1], interval.end) if edges else ()


def is_converted(resolved: Resolved) -> bool:
    """Whether the answer holds money in the tenant's currency, from which facts without a rate are missing."""
    facets = [resolved.totals, *(facet.measures for facet in resolved.series)]
    facets += [facet.measures for facet in resolved.groups if "currency" not in facet.dimensions]
    return any(MEASURES[measure].is_money for facet in facets for measure in facet)


def _groups(resolved: Resolved, stored: Stored | None, asked: ResolvedGroups) -> FacetPlan:
    ordering = [sort.name for sort in asked.sorts if sort.name in MEASURES]
    sums = _asked(resolved, (*asked.measures, *ordering), asked.dimensions)
    paging = Paging(asked.sorts, asked.limit, asked.place, asked.is_counted, asked.is_ranked)
    edges = cut(asked.edges, resolved.interval)
    return _facet(resolved, stored, "groups", asked.dimensions, edges, sums, paging)


def _asked(resolved: Resolved, measures: Iterable[str], dimensions: Iterable[str] = ()) -> tuple[str, ...]:
    # Where keys or buckets alone are asked, they are there if anything was tracked or ordered in them.
    needed = {*dimensions, *_filtered(resolved)}
    presence = [measure for measure in ("instances", "orders") if needed <= set(MEASURES[measure].dimensions)]
    return sums_of(measures) or sums_of(presence)


def _filtered(resolved: Resolved) -> frozenset[str]:
    parent = frozenset({resolved.parents.dimension}) if resolved.parents else frozenset()
    return dimensions_of(resolved.where) | parent


def _facet(
    resolved: Resolved,
    stored: Stored | None,
    name: str,
    dimensions: tuple[str, ...],
    edges: tuple[datetime, ...],
    sums: tuple[str, ...],
    paging: Paging | None = None,
) -> FacetPlan:
    # A kind of facts that must be read whole gives all its sums: they need no rollup besides.
    whole = {source for item in sums if not SUMS[item].is_stored for source in SUMS[item].sources}
    rollable = tuple(item for item in stored_sums(sums) if not whole.issuperset(SUMS[item].sources))
    needed = frozenset(dimensions) | _filtered(resolved)
    scan, rest = _rollup(resolved.interval, edges, needed, rollable, stored)
    scans: list[Scan] = [] if scan is None else [scan]
    if scan is None:
        rollable = ()
    plain = [item for item in sums if item not in rollable]
    scans += _facts(plain, (resolved.interval,))
    scans += _facts(rollable, rest)
    return FacetPlan(name, dimensions, edges, sums, tuple(scans), "currency" in dimensions, paging)


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
    stored: Stored | None,
) -> tuple[RollupScan | None, tuple[Interval, ...]]:
    # The scan of the set that reads the fewest rows, edges from facts included, and those edges.
    if stored is None or not sums:
        return None, ()
    sources = {source for item in sums for source in SUMS[item].sources}
    daily = sum(ROWS_A_DAY[source] for source in sources)
    best: tuple[RollupScan | None, tuple[Interval, ...]] = (None, ())
    fewest = _days(interval) * daily
    for rollup in stored.sets:
        if not has_dimensions(rollup, needed):
            continue
        cover = covered(interval, edges[1:-1], rollup.grains, stored.zone)
        if not cover.parts or len(cover.parts) > PARTS_MAX or len(cover.rest) > SPANS_MAX:
            continue
        buckets = sum(part.buckets for part in cover.parts)
        rows = buckets * rollup.cells + sum(map(_days, cover.rest)) * daily
        if rows < fewest:
            fewest = rows
            spans = merged(part.interval for part in cover.parts)
            best = RollupScan(rollup.name, rollup.cells, sums, cover.parts, spans), cover.rest
    return best


def _days(interval: Interval) -> float:
    return (interval.end - interval.start) / timedelta(days=1)


def _rows(scan: Scan) -> int:
    if isinstance(scan, RollupScan):
        return sum(part.buckets for part in scan.parts) * scan.cells
    return math.ceil(sum(map(_days, scan.spans)) * ROWS_A_DAY[scan.source])


def _weight(scan: Scan) -> int:
    return sum(1 if SUMS[item].is_stored else DISTINCT_WEIGHT for item in scan.sums)


def _cells(facet: FacetPlan, resolved: Resolved) -> int:
    rows = facet.paging.limit if facet.paging else max(len(facet.edges) - 1, 1)
    asked_for = len(resolved.parents.ids) if resolved.parents else 1
    return rows * asked_for * len(facet.sums)
