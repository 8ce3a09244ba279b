"""Time series: a bucket for every step of the range, also where nothing lies in it. Pure.

Buckets are columns: of a series most is read by column, and few are ever looked at one by one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import overload

from app.analytics.figures import Figures, Reader
from app.analytics.layout import column
from app.analytics.query import Fill
from app.analytics.resolved import Resolved, ResolvedSeries
from app.core.timegrain import DAYS_KEPT_MAX, bucket_of, local_date

Numbers = Sequence[int | None]
"""A measure of each bucket, as whole numbers of its last shown digit."""


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


class BucketList(Sequence[Bucket]):
    """Buckets, in order, by column: what a Bucket has of each of them.

    values: of each measure that is asked, before: of each that is asked of the compared time.
    """

    def __init__(
        self,
        starts: Sequence[datetime],
        ends: Sequence[datetime],
        local_dates: Sequence[date],
        are_partial: Sequence[bool],
        are_filled: Sequence[bool],
        are_null: Sequence[bool],
        values: Sequence[Numbers],
        before: Sequence[Numbers],
        reader: Reader,
    ) -> None:
        self.starts, self.ends, self.local_dates = starts, ends, local_dates
        self.are_partial, self.are_filled, self.are_null = are_partial, are_filled, are_null
        self.values, self.before, self.reader = values, before, reader

    @cached_property
    def buckets(self) -> list[Bucket]:
        """One by one."""
        figures = self.reader.figures(self.values, self.before, len(self.starts))
        flags = (self.are_partial, self.are_filled, self.are_null)
        return list(map(Bucket, self.starts, self.ends, self.local_dates, *flags, figures))

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, index: int) -> Bucket: ...
    @overload
    def __getitem__(self, index: slice) -> list[Bucket]: ...
    def __getitem__(self, index: int | slice) -> Bucket | list[Bucket]:
        return self.buckets[index]


Cells = Mapping[int, Sequence[int]]
"""Sums by number of their time cell, from 0."""


def buckets(resolved: Resolved, asked: ResolvedSeries, sums: Sequence[str], cells: Cells, read: Reader) -> BucketList:
    """The buckets of the range, as far as it has passed. sums: names of the cells' sums."""
    edges = asked.buckets.edges
    known = _known(asked, sums, cells)
    if asked.cumulative:
        cells = _running(cells, len(edges) - 1, len(sums))
    # Buckets that have not begun are left out, unless a fact is dated there already.
    last = min(max(bucket_of(resolved.now, edges), max(known, default=-1)), len(edges) - 2)
    places = range(last + 1)
    return _filled(resolved, asked, places, places, known, len(sums), cells, read)


def buckets_within(
    resolved: Resolved,
    asked: ResolvedSeries,
    sums: Sequence[str],
    cells: Cells,
    read: Reader,
    cuts: Sequence[datetime],
    span: tuple[datetime, datetime],
) -> BucketList:
    """The same of a group by time: the buckets that its span touches. cuts: edges of the cells."""
    edges = asked.buckets.edges
    known = _known(asked, sums, cells)
    first, end = bucket_of(span[0], cuts), bucket_of(span[1], cuts)
    # A span ends at an edge of the cells; the last one of all is no cell's start.
    end = end if cuts[end] == span[1] else end + 1
    last = max(bucket_of(resolved.now, cuts), max(known, default=-1))
    pairs = [(bucket_of(cuts[cell], edges), cell) for cell in range(max(first, 0), min(end, last + 1))]
    # What of a group's time lies beyond the range is in no bucket.
    pairs = [(bucket, cell) for bucket, cell in pairs if 0 <= bucket < len(edges) - 1]
    numbers, places = [bucket for bucket, _ in pairs], [cell for _, cell in pairs]
    return _filled(resolved, asked, numbers, places, known, len(sums), cells, read, span)


def _known(asked: ResolvedSeries, sums: Sequence[str], cells: Cells) -> set[int]:
    # Cells in which something of the range lies that is asked; what lies in the compared time alone does not count.
    readings = [asked.layout.readings[ask, False] for ask in asked.columns.values]
    own = {column(name, reading.layer) for reading in readings for name in reading.formula.sums}
    if not own or own.issuperset(sums):
        return {number for number, row in cells.items() if any(row)}
    places = [index for index, name in enumerate(sums) if name in own]
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
    numbers: Sequence[int],
    places: Sequence[int],
    known: set[int],
    width: int,
    cells: Cells,
    read: Reader,
    span: tuple[datetime, datetime] | None = None,
) -> BucketList:
    # numbers: of the buckets; places: of their cells. Of what is empty there is what `fill` says. span: of the group.
    edges, fill = asked.buckets.edges, asked.fill
    if fill is Fill.NONE:
        pairs = [(number, cell) for number, cell in zip(numbers, places, strict=True) if cell in known]
        numbers, places = [number for number, _ in pairs], [cell for _, cell in pairs]
    nothing = (0,) * width
    rows = [cells.get(cell, nothing) for cell in places]
    sums: Sequence[Sequence[int]] = list(zip(*rows, strict=True)) if rows else [()] * width
    values: Sequence[Numbers] = [formula(sums) for formula in read.values]
    are_filled = [cell not in known for cell in places]
    are_null = [False] * len(places)
    if fill in (Fill.ZERO, Fill.NULL, Fill.PREVIOUS) and True in are_filled:
        values, are_null = _filled_in(values, are_filled, fill)
    starts, ends = [edges[number] for number in numbers], [edges[number + 1] for number in numbers]
    dates = _local_dates(edges, resolved.zone)
    begin, finish = resolved.interval.start, min(resolved.interval.end, resolved.now)
    if span is not None:
        begin, finish = max(begin, span[0]), min(finish, span[1])
    return BucketList(
        starts,
        ends,
        [dates[number] for number in numbers],
        [start < begin or end > finish for start, end in zip(starts, ends, strict=True)],
        are_filled,
        are_null,
        values,
        read.earlier(sums),
        read,
    )


def _filled_in(
    values: Sequence[Numbers], are_filled: Sequence[bool], fill: Fill
) -> tuple[Sequence[Numbers], list[bool]]:
    # What stands where nothing lies, and where nothing stands.
    if fill is Fill.ZERO:
        found = [
            [value or 0 if is_filled else value for value, is_filled in zip(each, are_filled, strict=True)]
            for each in values
        ]
        return found, [False] * len(are_filled)
    # The bucket that each is shown as; None: as null.
    shown: list[int | None] = []
    for place, is_filled in enumerate(are_filled):
        before = shown[-1] if shown and fill is Fill.PREVIOUS else None
        shown.append(before if is_filled else place)
    return [[None if place is None else each[place] for place in shown] for each in values], [
        place is None for place in shown
    ]


@lru_cache(maxsize=256)
def _local_dates(edges: tuple[datetime, ...], zone: str) -> tuple[date, ...]:
    return tuple([_local_date(start, zone) for start in edges])


_local_date = lru_cache(maxsize=DAYS_KEPT_MAX)(local_date)
