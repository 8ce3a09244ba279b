"""Pages of groups: their keys, times, figures and series, and cursors after them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from app.analytics.figures import Figures, Numbers, Reader, reader, whole_number
from app.analytics.order import Place, SortKind, cursor_after
from app.analytics.resolved import Resolved, ResolvedGroups, ResolvedSeries
from app.analytics.rows import Apart, GroupColumns, GroupId, GroupRows, Keys, Rows, key_of
from app.analytics.semantic.formula import Value
from app.analytics.series import BucketList, Cells, buckets, buckets_within
from app.analytics.sql.cells import others
from app.core.money import exponent
from app.core.timegrain import local_date


@dataclass(frozen=True, slots=True)
class Time:
    """The time of a group."""

    start: datetime
    end: datetime
    local_date: date


@dataclass(frozen=True, slots=True)
class Group:
    """A group and its figures.

    others: of which dimensions it is the rest. members: keys in it. rank: from 1, 0 if not asked. series: in the order
    asked. row: as it was read.
    """

    keys: Keys
    others: tuple[bool, ...]
    time: Time | None
    figures: Figures
    members: int
    rank: int
    series: tuple[BucketList, ...]
    row: Sequence[Any]

    @property
    def is_others(self) -> bool:
        """Whether it is the rest of a dimension's keys."""
        return any(self.others)


class GroupPage:
    """One page of groups. totals: figures of all groups. total: number of all groups, if asked."""

    def __init__(
        self,
        asked: ResolvedGroups,
        columns: tuple[str, ...],
        rows: Sequence[Sequence[Any]],
        reading: "_Reading",
        totals: Figures | None,
        *,
        has_next: bool,
        total: int,
    ) -> None:
        self.asked = asked
        self.columns = columns
        self.rows = rows
        self.totals = totals
        self.has_next = has_next
        self.total = total
        self._reading = reading

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The groups, in order."""
        return tuple(self._reading.groups(self.rows))

    def values(self, place: int) -> list[Value]:
        """A measure of every group; place: among the facet's values."""
        return self._reading.values(self.rows, place)

    def written(self, place: int) -> list[Any]:
        """The same as it stands in JSON."""
        return self._reading.written(self.rows, place)

    def keys(self, number: int) -> list[UUID | str | int | None]:
        """A key of every group; number: of its dimension."""
        return self._reading.keys(self.rows, number)

    def others(self, number: int) -> list[bool] | None:
        """Whether each group is the rest of a dimension's keys, None where none is; number: of the dimension."""
        return self._reading.others(self.rows, number)

    def starts(self) -> list[datetime]:
        """When the time of each group begins."""
        return self._reading.starts(self.rows)

    @property
    def has_previous(self) -> bool:
        """Whether groups precede the page."""
        return self.asked.place is not None

    def cursor(self, group: Group) -> str:
        """A cursor after the group."""
        return self.cursor_at(group.row)

    def cursor_at(self, row: Sequence[Any]) -> str:
        """A cursor after the group of a row."""
        asked = self.asked
        return cursor_after(asked.identity, asked.sorts, self._place(row), asked.edges)

    def _place(self, row: Sequence[Any]) -> Place:
        found: list[Any] = []
        for sort in self.asked.sorts:
            match sort.kind:
                case SortKind.MEASURE:
                    value = row[self.columns.index(f"term_{sort.term}")]
                    found.append(None if value is None else whole_number(value))
                case SortKind.TIME:
                    found.append(row[self.columns.index("bucket")])
                case SortKind.OTHERS:
                    found.append(bool(row[self.columns.index(others(sort.name))]))
                case SortKind.DIMENSION:
                    found.append(key_of(sort.name, row[self.columns.index(sort.name)]))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Beside:
    """What was read beside a page, of one parent: number of keys in groups of others, and series."""

    members: Sequence[Sequence[Any]]
    series: tuple[Sequence[Sequence[Any]], ...]


def page_of(
    resolved: Resolved,
    asked: ResolvedGroups,
    rows: GroupRows,
    found: Sequence[Sequence[Any]],
    beside: Beside,
    totals: Figures | None,
    whole: Numbers,
) -> GroupPage:
    """The page of the rows found. whole: of what the asked shares are parts."""
    columns = rows.page.columns
    sums = rows.page.sums(asked.layout)
    total = int(found[0][columns.index("total")]) if "total" in columns and found else 0
    if "total" in columns:
        # Where the page is empty the number of groups stands alone: a group is never without a sum.
        found = [row for row in found if row[columns.index(sums[0])] is not None]
    reading = _Reading(resolved, asked, rows, beside, sums, whole)
    rows_shown = found[: asked.limit]
    return GroupPage(asked, columns, rows_shown, reading, totals, has_next=len(found) > asked.limit, total=total)


class _Reading:
    """Reads the groups of one page."""

    def __init__(
        self,
        resolved: Resolved,
        asked: ResolvedGroups,
        rows: GroupRows,
        beside: Beside,
        sums: tuple[str, ...],
        whole: Numbers,
    ) -> None:
        self._resolved, self._asked, self._sums, self._whole = resolved, asked, sums, whole
        columns = rows.page.columns
        at = {name: index for index, name in enumerate(columns)}
        self._places = [at[name] for name in sums]
        self._columns = GroupColumns.of(columns, asked.dimensions)
        self._currency, self._rank = at.get("currency"), at.get("rank")
        self._readers: dict[int, Reader] = {}
        self._numbers: tuple[Sequence[Sequence[Any]], Sequence[Sequence[int]]] | None = None
        self._times: dict[int, Time] = {}
        self._members = _members(rows.members, beside.members, asked)
        self._series = [
            _Nested(resolved, asked, each, of_series, cells)
            for each, of_series, cells in zip(asked.series, rows.series, beside.series, strict=True)
        ]

    def groups(self, rows: Sequence[Sequence[Any]]) -> list[Group]:
        """The groups of the rows."""
        return [self._group(row, figures) for row, figures in zip(rows, self._figures(rows), strict=True)]

    def _group(self, row: Sequence[Any], figures: Figures) -> Group:
        keys, rest = self._columns.id(row)
        place = self._columns.time(row)
        time = None if place is None else self._time(place)
        digits = self._digits(row)
        return Group(
            keys=keys,
            others=rest,
            time=time,
            figures=figures,
            members=self._members.get(((keys, rest), place), 1),
            rank=0 if self._rank is None else int(row[self._rank]),
            series=tuple([nested.of((keys, rest), time, digits) for nested in self._series]),
            row=row,
        )

    def values(self, rows: Sequence[Sequence[Any]], place: int) -> list[Value]:
        """A measure of every row."""
        if self._currency is not None:
            # Each currency has its own digits.
            return [figures.value(place) for figures in self._figures(rows)]
        read = self._reader(exponent(self._resolved.currency))
        shown = read.shown[place]
        return [None if scaled is None else shown(scaled) for scaled in read.values[place](self._sums_of(rows))]

    def written(self, rows: Sequence[Sequence[Any]], place: int) -> list[Any]:
        """The same as it stands in JSON."""
        if self._currency is not None:
            return [figures.written(place) for figures in self._figures(rows)]
        read = self._reader(exponent(self._resolved.currency))
        return read.written[place](read.values[place](self._sums_of(rows)))

    def _figures(self, rows: Sequence[Sequence[Any]]) -> list[Figures]:
        columns = self._sums_of(rows)
        if self._currency is None:
            return self._reader(exponent(self._resolved.currency)).read_all(columns, len(rows), self._whole)
        readers = [self._reader(self._digits(row)) for row in rows]
        sums = zip(*columns, strict=True)
        return [read.read(row, self._whole) for read, row in zip(readers, sums, strict=True)]

    def _digits(self, row: Sequence[Any]) -> int:
        # The rest of the currencies has none, and no amounts.
        own = None if self._currency is None else row[self._currency]
        return exponent(own or self._resolved.currency)

    def _sums_of(self, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[int]]:
        # By column; of one page they are asked again and again.
        if self._numbers is None or self._numbers[0] is not rows:
            self._numbers = rows, [[whole_number(row[index]) for row in rows] for index in self._places]
        return self._numbers[1]

    def keys(self, rows: Sequence[Sequence[Any]], number: int) -> list[UUID | str | int | None]:
        """A key of every row."""
        name, at = self._columns.keys[number]
        # Keys come again and again: each is read once.
        known: dict[Any, UUID | str | int | None] = {row[at]: None for row in rows}
        for key in known:
            known[key] = key_of(name, key)
        return [known[row[at]] for row in rows]

    def others(self, rows: Sequence[Sequence[Any]], number: int) -> list[bool] | None:
        """Whether each row is the rest of a dimension's keys; None where none is."""
        at = self._columns.others[number]
        return None if at is None else [bool(row[at]) for row in rows]

    def starts(self, rows: Sequence[Sequence[Any]]) -> list[datetime]:
        """When the time of each row begins."""
        at, edges = self._columns.bucket, self._asked.edges
        assert at is not None, "it is grouped by time"
        return [edges[row[at] - 1] for row in rows]

    def _reader(self, digits: int) -> Reader:
        read = self._readers.get(digits)
        if read is None:
            read = reader(self._asked.columns, self._asked.layout, self._sums, digits)
            self._readers[digits] = read
        return read

    def _time(self, place: int) -> Time:
        found = self._times.get(place)
        if found is None:
            edges = self._asked.edges
            start = edges[place - 1]
            found = self._times[place] = Time(start, edges[place], local_date(start, self._resolved.zone))
        return found


def _members(
    rows: Rows | None, found: Sequence[Sequence[Any]], asked: ResolvedGroups
) -> Mapping[tuple[GroupId, int | None], int]:
    if rows is None:
        return {}
    columns = GroupColumns.of(rows.columns, asked.dimensions)
    counted = rows.columns.index("members")
    return {(columns.id(row), columns.time(row)): int(row[counted]) for row in found}


class _Nested:
    """One series of every group."""

    def __init__(
        self,
        resolved: Resolved,
        asked: ResolvedGroups,
        series: ResolvedSeries,
        rows: Rows,
        found: Sequence[Sequence[Any]],
    ) -> None:
        self._resolved, self._series = resolved, series
        self._sums = rows.sums(series.layout)
        self._cuts = tuple(sorted({*series.buckets.edges, *asked.edges})) if asked.buckets else ()
        columns = GroupColumns.of(rows.columns, asked.dimensions)
        self._cells: dict[GroupId, dict[int, Sequence[int]]] = {}
        numbers = rows.numbers(self._sums)
        for row in found:
            place = columns.time(row)
            assert place is not None, "a series has time"
            self._cells.setdefault(columns.id(row), {})[place - 1] = numbers(row)

    def of(self, group: GroupId, time: Time | None, digits: int) -> BucketList:
        """The buckets of a group."""
        series, sums = self._series, self._sums
        cells: Cells = self._cells.get(group, {})
        read = reader(series.columns, series.layout, sums, digits)
        if time is None:
            return buckets(self._resolved, series, sums, cells, read)
        span = (time.start, time.end)
        return buckets_within(self._resolved, series, sums, cells, read, self._cuts, span)


def beside(members: Apart, series: Sequence[Apart], parent: Any) -> Beside:
    """What was read beside the page of one parent."""
    return Beside(members.get(parent, []), tuple(each.get(parent, []) for each in series))
