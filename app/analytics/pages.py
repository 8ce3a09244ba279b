"""Pages of groups: their keys, times, figures and series, and cursors after them. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, TypeVar

from app.analytics.figures import Figures, Numbers, Reader, reader, sums_of, whole_number
from app.analytics.order import Place, SortKind, cursor_after
from app.analytics.resolved import Resolved, ResolvedGroups, ResolvedSeries
from app.analytics.rows import Apart, GroupColumns, GroupId, GroupRows, Keys, Rows, key_of
from app.analytics.semantic.formula import Value
from app.analytics.series import BucketList, Cells, buckets, buckets_within
from app.analytics.sql.cells import others
from app.core.money import exponent
from app.core.timegrain import local_date

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Time:
    """The time of a group."""

    start: datetime
    end: datetime
    local_date: date


@dataclass(frozen=True, slots=True)
class Group:
    """A group and its figures.

    number: on its page, from 0. others: of which dimensions it is the rest. members: keys in it. rank: from 1, 0 if not
    asked. series: in the order asked.
    """

    number: int
    keys: Keys
    others: tuple[bool, ...]
    time: Time | None
    figures: Figures
    members: int
    rank: int
    series: tuple[BucketList, ...]

    @property
    def is_others(self) -> bool:
        """Whether it is the rest of a dimension's keys."""
        return any(self.others)


class GroupPage:
    """One page of groups. totals: figures of all groups, as far as asked. total: number of all groups, if asked."""

    def __init__(
        self,
        asked: ResolvedGroups,
        rows: Rows,
        reading: "_Reading",
        totals: Figures,
        *,
        has_next: bool,
        total: int,
    ) -> None:
        self.asked = asked
        self.rows = rows
        self.totals = totals
        self.has_next = has_next
        self.total = total
        self._reading = reading

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The groups, in order."""
        return tuple(self._reading.groups())

    def values(self, place: int) -> list[Value]:
        """A measure of every group; place: among the facet's values."""
        return self._reading.values(place)

    def written(self, place: int) -> list[Any]:
        """The same as it stands in JSON."""
        return self._reading.written(place)

    def keys(self, number: int) -> list[str | int | None]:
        """The key of a dimension (by its number) of every group, ids as texts."""
        return self._reading.keys(number)

    @cached_property
    def times(self) -> list[Time | None]:
        """The time of every group, None where they are not grouped by it."""
        return self._reading.times()

    @property
    def reader(self) -> Reader | None:
        """What reads all of them; None where their currencies differ."""
        return self._reading.reader

    @property
    def measures(self) -> Sequence[Sequence[int | None]]:
        """Of all groups, by column, where they have one reader."""
        return self._reading.measures

    @property
    def figures(self) -> list[Figures]:
        """Of every group."""
        return self._reading.figures

    def others(self, number: int) -> list[bool] | None:
        """Whether each group is the rest of a dimension's keys, None where none is; number: of the dimension."""
        return self._reading.others(number)

    def starts(self, shown: Callable[[datetime], T]) -> list[T]:
        """When the time of each group begins, as it is shown: once a bucket."""
        return self._reading.starts(shown)

    @property
    def has_previous(self) -> bool:
        """Whether groups precede the page."""
        return self.asked.place is not None

    def cursor(self, number: int) -> str:
        """A cursor after a group, by its number on the page."""
        asked = self.asked
        return cursor_after(asked.identity, asked.sorts, self._place(number), asked.edges)

    def _place(self, number: int) -> Place:
        found: list[Any] = []
        for sort in self.asked.sorts:
            match sort.kind:
                case SortKind.MEASURE:
                    value = self.rows.of(f"term_{sort.term}")[number]
                    found.append(None if value is None else whole_number(value))
                case SortKind.TIME:
                    found.append(self.rows.of("bucket")[number])
                case SortKind.OTHERS:
                    found.append(bool(self.rows.of(others(sort.name))[number]))
                case SortKind.DIMENSION:
                    found.append(key_of(sort.name, self.rows.of(sort.name)[number]))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Beside:
    """What was read beside a page, of one parent: number of keys in groups of others, and series."""

    members: Rows | None
    series: tuple[Rows | None, ...]


def page_of(
    resolved: Resolved,
    asked: ResolvedGroups,
    rows: GroupRows,
    found: Rows | None,
    beside: Beside,
    totals: Figures,
    whole: Numbers,
) -> GroupPage:
    """The page of the rows found. whole: of what the asked shares are parts."""
    page = rows.page.picked(()) if found is None else found
    total = 0
    if "total" in page.columns:
        total = next(iter(page.of("total")), 0)
        # Where the page is empty the number of groups stands alone: a group is never without a sum.
        present = page.of(sums_of(page.columns, asked.layout)[0])
        if None in present:
            page = page.picked([place for place, value in enumerate(present) if value is not None])
    shown = page.first(asked.limit)
    reading = _Reading(resolved, asked, rows, shown, beside, whole)
    return GroupPage(asked, shown, reading, totals, has_next=len(page) > asked.limit, total=total)


class _Reading:
    """Reads the groups of one page."""

    def __init__(
        self,
        resolved: Resolved,
        asked: ResolvedGroups,
        rows: GroupRows,
        shown: Rows,
        beside: Beside,
        whole: Numbers,
    ) -> None:
        self._resolved, self._asked, self._rows, self._whole = resolved, asked, shown, whole
        self._columns = GroupColumns.of(shown.columns, asked.dimensions)
        self._readers: dict[int, Reader] = {}
        self._times: dict[int, Time] = {}
        self._members = _members(beside.members, asked)
        self._series = [
            _Nested(resolved, asked, each, of_series, cells)
            for each, of_series, cells in zip(asked.series, rows.series, beside.series, strict=True)
        ]

    @cached_property
    def _sums(self) -> list[Sequence[int]]:
        return self._reader(exponent(self._resolved.currency)).numbers(self._rows.values)

    @cached_property
    def _digits(self) -> Sequence[int] | None:
        """Of each row's currency; None where all have the answer's."""
        if "currency" not in self._rows.columns:
            return None
        # The rest of the currencies has none, and no amounts.
        return [exponent(own or self._resolved.currency) for own in self._rows.of("currency")]

    @property
    def reader(self) -> Reader | None:
        """What reads all rows; None where their currencies differ."""
        return self._reader(exponent(self._resolved.currency)) if self._digits is None else None

    @cached_property
    def measures(self) -> list[Sequence[int | None]]:
        """Of all rows, by column, in the answer's currency."""
        return self._reader(exponent(self._resolved.currency)).measures(self._sums)

    @cached_property
    def figures(self) -> list[Figures]:
        """Of every row."""
        read = self.reader
        if read is not None:
            return read.figures(self.measures, read.earlier(self._sums), len(self._rows), self._whole)
        digits: Sequence[int] = self._digits or ()
        rows = zip(digits, zip(*self._sums, strict=True), strict=True)
        return [self._reader(digits).read(row, self._whole) for digits, row in rows]

    def groups(self) -> list[Group]:
        """The groups, in order."""
        count = len(self._rows)
        ranks: Sequence[int] = self._rows.of("rank") if "rank" in self._rows.columns else [0] * count
        digits = self._digits or [exponent(self._resolved.currency)] * count
        ids, times = self._columns.ids(self._rows), self._columns.times(self._rows)
        found = zip(ids, times, self.figures, ranks, digits, strict=True)
        return [self._group(number, *group) for number, group in enumerate(found)]

    def _group(self, number: int, group: GroupId, place: int | None, figures: Figures, rank: int, digits: int) -> Group:
        time = None if place is None else self._time(place)
        return Group(
            number=number,
            keys=group[0],
            others=group[1],
            time=time,
            figures=figures,
            members=self._members.get((group, place), 1),
            rank=rank,
            series=tuple([nested.of(group, time, digits) for nested in self._series]),
        )

    def values(self, place: int) -> list[Value]:
        """A measure of every row."""
        read = self.reader
        if read is None:
            # Each currency has its own digits.
            return [figures.value(place) for figures in self.figures]
        shown = read.shown[place]
        return [None if scaled is None else shown(scaled) for scaled in self.measures[place]]

    def written(self, place: int) -> list[Any]:
        """The same as it stands in JSON."""
        read = self.reader
        if read is None:
            return [figures.written(place) for figures in self.figures]
        return read.written[place](self.measures[place])

    def keys(self, number: int) -> list[str | int | None]:
        """The key of a dimension of every row, ids as texts."""
        return list(self._rows.values[self._columns.keys[number][1]])

    def times(self) -> list[Time | None]:
        """The time of every row, None where they are not grouped by it."""
        return [None if place is None else self._time(place) for place in self._columns.times(self._rows)]

    def others(self, number: int) -> list[bool] | None:
        """Whether each row is the rest of a dimension's keys; None where none is."""
        at = self._columns.others[number]
        return None if at is None else list(map(bool, self._rows.values[at]))

    def starts(self, shown: Callable[[datetime], T]) -> list[T]:
        """When the time of each row begins, as it is shown: once a bucket."""
        # Buckets are numbered from 1.
        places: Sequence[int] = self._rows.of("bucket")
        found = {place: shown(self._asked.edges[place - 1]) for place in set(places)}
        return list(map(found.__getitem__, places))

    def _reader(self, digits: int) -> Reader:
        read = self._readers.get(digits)
        if read is None:
            read = reader(self._asked.columns, self._asked.layout, self._rows.columns, digits)
            self._readers[digits] = read
        return read

    def _time(self, place: int) -> Time:
        found = self._times.get(place)
        if found is None:
            edges = self._asked.edges
            start = edges[place - 1]
            found = self._times[place] = Time(start, edges[place], local_date(start, self._resolved.zone))
        return found


def _members(found: Rows | None, asked: ResolvedGroups) -> Mapping[tuple[GroupId, int | None], int]:
    if found is None:
        return {}
    columns = GroupColumns.of(found.columns, asked.dimensions)
    places = zip(columns.ids(found), columns.times(found), strict=True)
    return dict(zip(places, found.of("members"), strict=True))


class _Nested:
    """One series of every group."""

    def __init__(
        self,
        resolved: Resolved,
        asked: ResolvedGroups,
        series: ResolvedSeries,
        rows: Rows,
        found: Rows | None,
    ) -> None:
        self._resolved, self._series = resolved, series
        self._rows = rows.picked(()) if found is None else found
        self._cuts = tuple(sorted({*series.buckets.edges, *asked.edges})) if asked.buckets else ()
        self._cells: dict[int, Cells] = {}
        self._places: dict[GroupId, list[int]] = {}
        for place, group in enumerate(GroupColumns.of(rows.columns, asked.dimensions).ids(self._rows)):
            self._places.setdefault(group, []).append(place)

    def of(self, group: GroupId, time: Time | None, digits: int) -> BucketList:
        """The buckets of a group."""
        cells = self._cells.get(digits)
        if cells is None:
            cells = self._cells[digits] = Cells(self._series, self._rows, digits)
        places = self._places.get(group, ())
        if time is None:
            return buckets(self._resolved, self._series, cells, places)
        return buckets_within(self._resolved, self._series, cells, places, self._cuts, (time.start, time.end))


def beside(members: Apart, series: Sequence[Apart], parent: Any) -> Beside:
    """What was read beside the page of one parent."""
    return Beside(members.get(parent), tuple(each.get(parent) for each in series))
