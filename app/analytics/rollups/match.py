"""Can this rollup answer? Three small questions: its dimensions, its sums, its buckets."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.analytics.plan import Part
from app.analytics.query import Attribution
from app.analytics.rollups.catalog import RollupSet, zone_of
from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.semantic.sums import SUMS, Source
from app.core import timegrain
from app.core.timegrain import Granularity, Interval
from app.core.words import Grain
from app.errors import DomainError

CREDITED = frozenset({Source.CREDITS, Source.LINES, Source.REFUNDS, Source.ORDERS})
"""Facts that count by credit."""


@dataclass(frozen=True, slots=True)
class Cover:
    """A range cut into whole buckets and the rest, which only facts can answer. Both in order of time."""

    parts: tuple[Part, ...]
    rest: tuple[Interval, ...]


def has_dimensions(rollup: RollupSet, needed: Collection[str]) -> bool:
    """Whether every dimension that is grouped or filtered by is one of the set's."""
    return set(needed) <= set(rollup.dimensions)


def stored_sums(sums: Iterable[str]) -> tuple[str, ...]:
    """Those of the sums that rollups hold: distinct counts do not add up over buckets."""
    return tuple(name for name in sums if SUMS[name].is_stored)


def rollable_sums(sums: Sequence[str], needed: Collection[str], attribution: Attribution) -> tuple[str, ...]:
    """Those of the sums that a set with the needed dimensions answers, if there is one.

    A kind of facts that must be read whole gives all its sums: they need no rollup besides.
    """
    whole = {source for name in sums if not SUMS[name].is_stored for source in SUMS[name].sources}
    found = tuple(name for name in stored_sums(sums) if not whole.issuperset(SUMS[name].sources))
    if attribution is Attribution.BOOKED or not any(DIMENSIONS[name].is_credited for name in needed):
        return found
    # What another model would have credited is not stored. An order counts whole where nobody asks by credit.
    return tuple(name for name in found if not CREDITED.intersection(SUMS[name].sources))


def covered(interval: Interval, breaks: Sequence[datetime], grains: Sequence[Grain], zone: str) -> Cover:
    """The interval in whole buckets of the grains, coarsest first, and the rest.

    breaks: edges of the answer's cells, sorted: no bucket may hold one inside, or it would belong to two cells.
    zone: of days and months; hours are UTC's.
    """
    parts: list[Part] = []
    rest = [interval]
    for grain in grains:
        finer: list[Interval] = []
        for fragment in rest:
            found = _whole_buckets(fragment, breaks, grain, zone)
            parts += found
            finer += _between(fragment, found)
        rest = finer
    parts.sort(key=lambda part: part.interval.start)
    return Cover(tuple(parts), merged(rest))


def lie_apart(parts: Sequence[Part], edges: Sequence[datetime]) -> bool:
    """Whether each bucket of the parts, which are in order, is the only one of its cell.

    edges: of the cells that they cover, () of one. No bucket lies in two.
    """
    if not edges:
        return sum(part.buckets for part in parts) == 1
    reached = 0
    for part in parts:
        first, last = bisect_right(edges, part.interval.start), bisect_left(edges, part.interval.end)
        if first <= reached or last - first + 1 != part.buckets:
            return False
        reached = last
    return True


def merged(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """The same instants in as few intervals as possible, in order."""
    found: list[Interval] = []
    for interval in sorted(intervals, key=lambda item: item.start):
        if found and found[-1].end == interval.start:
            found[-1] = Interval(found[-1].start, interval.end)
        else:
            found.append(interval)
    return tuple(found)


def _whole_buckets(fragment: Interval, breaks: Sequence[datetime], grain: Grain, zone: str) -> list[Part]:
    try:
        edges = timegrain.edges(fragment, Granularity(grain.value), zone_of(grain, zone))
    except DomainError:
        # More buckets than one question may have: not worth reading one by one.
        return []
    first = 0 if edges[0] == fragment.start else 1
    last = len(edges) - 1 if edges[-1] == fragment.end else len(edges) - 2
    inside = breaks[bisect_right(breaks, fragment.start) : bisect_left(breaks, fragment.end)]
    known = set(edges)
    cut = sorted({bisect_right(edges, point) - 1 for point in inside if point not in known})
    parts = []
    for start, end in _runs(first, last, cut):
        parts.append(Part(grain, Interval(edges[start], edges[end]), end - start))
    return parts


def _runs(first: int, last: int, cut: Iterable[int]) -> Iterable[tuple[int, int]]:
    # Runs [start, end) of bucket numbers from first to last, without those that are cut.
    start = first
    for number in cut:
        if first <= number < last:
            if start < number:
                yield start, number
            start = number + 1
    if start < last:
        yield start, last


def _between(fragment: Interval, parts: Sequence[Part]) -> list[Interval]:
    found = []
    at = fragment.start
    for part in parts:
        if at < part.interval.start:
            found.append(Interval(at, part.interval.start))
        at = part.interval.end
    if at < fragment.end:
        found.append(Interval(at, fragment.end))
    return found
