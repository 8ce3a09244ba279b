"""Time series: a bucket for every step of the range, also where nothing lies in it. Pure.

Buckets are columns: of a series most is read by column, and few are ever looked at one by one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Any, overload

from app.analytics.figures import Figures, Reader, reader
from app.analytics.query import Fill
from app.analytics.resolved import Resolved, ResolvedSeries
from app.analytics.rows import Rows
from app.analytics.sql.cells import KNOWN
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


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which buckets of a series a list shows. numbers: theirs, in order. span: of the group, where it has a time."""

    resolved: Resolved
    asked: ResolvedSeries
    numbers: Sequence[int]
    span: tuple[datetime, datetime] | None = None

    def of(self, column: Sequence[Any]) -> Sequence[Any]:
        """What a column of all buckets holds for these."""
        numbers = self.numbers
        if isinstance(numbers, range):
            return column[numbers.start : numbers.stop]
        return [column[number] for number in numbers]


class BucketList(Sequence[Bucket]):
    """Buckets, in order, by column: what a Bucket has of each of them. Columns are made when they are asked for.

    values: of each measure that is asked, before: of each that is asked of the compared time.
    """

    def __init__(
        self,
        stretch: Stretch,
        are_filled: Sequence[bool],
        are_null: Sequence[bool],
        values: Sequence[Numbers],
        before: Sequence[Numbers],
        reader: Reader,
    ) -> None:
        self._stretch = stretch
        self.are_filled, self.are_null = are_filled, are_null
        self.values, self.before, self.reader = values, before, reader

    @property
    def starts(self) -> Sequence[datetime]:
        """First instants."""
        return self._stretch.of(self._stretch.asked.buckets.edges)

    @property
    def ends(self) -> Sequence[datetime]:
        """First instants after them."""
        return self._stretch.of(self._stretch.asked.buckets.edges[1:])

    @property
    def local_dates(self) -> Sequence[date]:
        """Local dates of their starts."""
        return self._stretch.of(_local_dates(self._stretch.asked.buckets.edges, self._stretch.resolved.zone))

    @property
    def are_partial(self) -> Sequence[bool]:
        """Whether each is cut by the range or its group, or still running."""
        resolved, span = self._stretch.resolved, self._stretch.span
        begin, finish = resolved.passed
        if span is not None:
            begin, finish = max(begin, span[0]), min(finish, span[1])
        return [start < begin or end > finish for start, end in zip(self.starts, self.ends, strict=True)]

    @cached_property
    def buckets(self) -> list[Bucket]:
        """One by one."""
        figures = self.reader.figures(self.values, self.before, len(self))
        flags = (self.are_partial, self.are_filled, self.are_null)
        return list(map(Bucket, self.starts, self.ends, self.local_dates, *flags, figures))

    def __len__(self) -> int:
        return len(self.are_filled)

    @overload
    def __getitem__(self, index: int) -> Bucket: ...
    @overload
    def __getitem__(self, index: slice) -> list[Bucket]: ...
    def __getitem__(self, index: int | slice) -> Bucket | list[Bucket]:
        return self.buckets[index]


class Cells:
    """The rows of a series' statement, by column: all at once, whosever they are. digits: of their currency.

    Behind them stands one more, of a cell in which nothing lies. numbers: of their cells, from 0. sums: the sums that
    are asked. are_known: whether anything lies in each.
    """

    def __init__(self, asked: ResolvedSeries, rows: Rows, digits: int) -> None:
        self.reader = reader(asked.columns, asked.layout, rows.columns, digits)
        self.nothing = len(rows)
        self.numbers = [bucket - 1 for bucket in rows.of("bucket")]
        self.are_known: list[bool] = [*rows.of(KNOWN), False] if KNOWN in rows.columns else [False] * (len(rows) + 1)
        self.sums: list[Sequence[int]] = [[*column, 0] for column in self.reader.numbers(rows.values)]

    @cached_property
    def values(self) -> list[Numbers]:
        """The measures of each."""
        return self.reader.measures(self.sums)

    @cached_property
    def before(self) -> list[Numbers]:
        """Those of the compared time."""
        return self.reader.earlier(self.sums)

    def places(self, own: Sequence[int]) -> dict[int, int]:
        """Of these rows, where each stands by the number of its cell."""
        if not self.reader.sums:
            return {}
        numbers = self.numbers if len(own) == self.nothing else [self.numbers[at] for at in own]
        return dict(zip(numbers, own, strict=True))


def buckets(resolved: Resolved, asked: ResolvedSeries, cells: Cells, own: Sequence[int]) -> BucketList:
    """The buckets of the range, as far as it has passed. own: where the rows stand that are of it."""
    edges = asked.buckets.edges
    places = cells.places(own)
    # Buckets that have not begun are left out, unless a fact is dated there already.
    last = min(_last(resolved, edges, places, cells), len(edges) - 2)
    return _filled(Stretch(resolved, asked, range(last + 1)), range(last + 1), places, cells)


def buckets_within(
    resolved: Resolved,
    asked: ResolvedSeries,
    cells: Cells,
    own: Sequence[int],
    cuts: Sequence[datetime],
    span: tuple[datetime, datetime],
) -> BucketList:
    """The same of a group by time: the buckets that its span touches. cuts: edges of the cells."""
    edges = asked.buckets.edges
    places = cells.places(own)
    first, end = bucket_of(span[0], cuts), bucket_of(span[1], cuts)
    # A span ends at an edge of the cells; the last one of all is no cell's start.
    end = end if cuts[end] == span[1] else end + 1
    last = _last(resolved, cuts, places, cells)
    pairs = [(bucket_of(cuts[cell], edges), cell) for cell in range(max(first, 0), min(end, last + 1))]
    # What of a group's time lies beyond the range is in no bucket.
    pairs = [(bucket, cell) for bucket, cell in pairs if 0 <= bucket < len(edges) - 1]
    numbers, shown = [bucket for bucket, _ in pairs], [cell for _, cell in pairs]
    return _filled(Stretch(resolved, asked, numbers, span), shown, places, cells)


def _last(resolved: Resolved, edges: Sequence[datetime], places: Mapping[int, int], cells: Cells) -> int:
    # The last cell that has begun, or in which something lies.
    last, known = bucket_of(resolved.now, edges), cells.are_known
    return last if last > len(edges) - 2 else max([last, *(cell for cell, at in places.items() if known[at])])


def _filled(stretch: Stretch, shown: Sequence[int], places: Mapping[int, int], cells: Cells) -> BucketList:
    # shown: cells of the buckets. places: of the rows, by their cells. Of what is empty there is what `fill` says.
    asked, known = stretch.asked, cells.are_known
    at = [places.get(cell, cells.nothing) for cell in shown]
    fill = asked.fill
    if fill is Fill.NONE:
        stretch = replace(
            stretch, numbers=[number for number, row in zip(stretch.numbers, at, strict=True) if known[row]]
        )
        shown = [cell for cell, row in zip(shown, at, strict=True) if known[row]]
        at = [row for row in at if known[row]]
    are_filled = [not known[row] for row in at]
    are_null = [False] * len(at)
    if asked.cumulative:
        sums = _running(cells.sums, places, shown, cells.nothing)
        values, before = cells.reader.measures(sums), cells.reader.earlier(sums)
    else:
        values = [[column[row] for row in at] for column in cells.values]
        before = [[column[row] for row in at] for column in cells.before]
    if fill in (Fill.ZERO, Fill.NULL, Fill.PREVIOUS) and True in are_filled:
        values, are_null = _filled_in(values, are_filled, fill)
    return BucketList(stretch, are_filled, are_null, values, before, cells.reader)


def _running(
    sums: Sequence[Sequence[int]], places: Mapping[int, int], shown: Sequence[int], nothing: int
) -> list[Sequence[int]]:
    # Sums over all cells up to each of those that are shown.
    at = [places.get(cell, nothing) for cell in range(max(shown, default=-1) + 1)]
    totals = [list(accumulate([column[row] for row in at])) for column in sums]
    return [[column[cell] for cell in shown] for column in totals]


def _filled_in(values: Sequence[Numbers], are_filled: Sequence[bool], fill: Fill) -> tuple[list[Numbers], list[bool]]:
    # What stands where nothing lies, and where nothing stands.
    if fill is Fill.ZERO:
        found: list[Numbers] = [
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
