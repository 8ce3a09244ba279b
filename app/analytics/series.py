"""Time series: a bucket for every step of the range, also where nothing lies in it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache

from app.analytics.figures import Figures, Reader
from app.analytics.layout import column
from app.analytics.query import Fill
from app.analytics.resolved import Resolved, ResolvedSeries
from app.core.timegrain import bucket_of, local_date


@dataclass(frozen=True, slots=True)
class Bucket:
    """A time bucket and its figures.

    is_partial: cut by the range or its group, or still running. is_filled: nothing is in it. is_null: so that it has no
    measures.
    """

    start: datetime
    end: datetime
    local_date: date
    is_partial: bool
    is_filled: bool
    is_null: bool
    figures: Figures


Cells = Mapping[int, Sequence[int]]
"""Sums by number of their time cell, from 0."""


def buckets(resolved: Resolved, asked: ResolvedSeries, sums: Sequence[str], cells: Cells, read: Reader) -> list[Bucket]:
    """The buckets of the range, as far as it has passed. sums: names of the cells' sums."""
    edges = asked.buckets.edges
    known = _known(asked, sums, cells)
    if asked.cumulative:
        cells = _running(cells, len(edges) - 1, len(sums))
    # Buckets that have not begun are left out, unless a fact is dated there already.
    last = min(max(bucket_of(resolved.now, edges), max(known, default=-1)), len(edges) - 2)
    return list(
        _filled(resolved, asked, ((number, number) for number in range(last + 1)), known, len(sums), cells, read)
    )


def buckets_within(
    resolved: Resolved,
    asked: ResolvedSeries,
    sums: Sequence[str],
    cells: Cells,
    read: Reader,
    cuts: Sequence[datetime],
    span: tuple[datetime, datetime],
) -> list[Bucket]:
    """The same of a group by time: the buckets that its span touches. cuts: edges of the cells."""
    edges = asked.buckets.edges
    known = _known(asked, sums, cells)
    first, end = bucket_of(span[0], cuts), bucket_of(span[1], cuts)
    # A span ends at an edge of the cells; the last one of all is no cell's start.
    end = end if cuts[end] == span[1] else end + 1
    last = max(bucket_of(resolved.now, cuts), max(known, default=-1))
    places = ((bucket_of(cuts[cell], edges), cell) for cell in range(max(first, 0), min(end, last + 1)))
    # What of a group's time lies beyond the range is in no bucket.
    pairs = [(bucket, cell) for bucket, cell in places if 0 <= bucket < len(edges) - 1]
    found = _filled(resolved, asked, pairs, known, len(sums), cells, read)
    return [
        replace(bucket, is_partial=bucket.is_partial or bucket.start < span[0] or bucket.end > span[1])
        for bucket in found
    ]


def _known(asked: ResolvedSeries, sums: Sequence[str], cells: Cells) -> set[int]:
    # Cells in which something of the range lies that is asked; what lies in the compared time alone does not count.
    readings = [asked.layout.readings[ask, False] for ask in asked.columns.values]
    own = {column(name, reading.layer) for reading in readings for name in reading.formula.sums}
    places = [index for index, name in enumerate(sums) if not own or name in own]
    return {number for number, row in cells.items() if any(row[place] for place in places)}


def _running(cells: Cells, count: int, width: int) -> Cells:
    total = [0] * width
    found = {}
    for number in range(count):
        row = cells.get(number)
        if row is not None:
            total = [before + value for before, value in zip(total, row, strict=True)]
        found[number] = total
    return found


def _filled(
    resolved: Resolved,
    asked: ResolvedSeries,
    places: Iterable[tuple[int, int]],
    known: set[int],
    width: int,
    cells: Cells,
    read: Reader,
) -> Iterable[Bucket]:
    # places: bucket and cell. Of what is empty there is what `fill` says.
    edges, fill = asked.buckets.edges, asked.fill
    dates = _local_dates(edges, resolved.zone)
    begin, finish = resolved.interval.start, min(resolved.interval.end, resolved.now)
    nothing = read.read([0] * width)
    before: Figures | None = None
    for number, cell in places:
        is_known = cell in known
        if not is_known and fill is Fill.NONE:
            continue
        row = cells.get(cell)
        figures = nothing if row is None else read.read(row)
        is_null = False
        if is_known:
            before = figures
        elif fill is Fill.ZERO:
            figures = replace(figures, values=tuple(value or 0 for value in figures.values))
        elif fill is Fill.PREVIOUS and before is not None:
            figures = replace(figures, values=before.values)
        elif fill in (Fill.NULL, Fill.PREVIOUS):
            figures = replace(figures, values=(None,) * len(figures.values))
            is_null = True
        start, end = edges[number], edges[number + 1]
        yield Bucket(start, end, dates[number], start < begin or end > finish, not is_known, is_null, figures)


@lru_cache(maxsize=256)
def _local_dates(edges: tuple[datetime, ...], zone: str) -> tuple[date, ...]:
    return tuple(local_date(start, zone) for start in edges)
