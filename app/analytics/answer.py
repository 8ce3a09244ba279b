"""The answer, as values: rows of sums become shown values, cells stand where they belong, pages get their cursors.

Rows come from the database or, as JSON, from the cache; both are read the same way. Pure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeAlias
from uuid import UUID

from app.analytics.order import Place, SortKind, cursor_after
from app.analytics.plan import Plan
from app.analytics.resolve import Resolved, ResolvedGroups, ResolvedSeries
from app.analytics.semantic.dimensions import DIMENSIONS, KeyKind
from app.analytics.semantic.formula import Value
from app.analytics.semantic.measures import MEASURES
from app.analytics.semantic.sums import SUMS
from app.core.ids import plain
from app.core.money import exponent
from app.core.timegrain import bucket_of, local_date

Values: TypeAlias = tuple[Value, ...]
"""Shown values, in the order of the facet's measures."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What the statement of one facet gave."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Computed:
    """What all statements of a question gave; None where nothing of the totals was asked. plan: None from the cache."""

    at: datetime
    totals: Rows | None
    series: tuple[Rows, ...]
    groups: tuple[Rows, ...]
    plan: Plan | None


@dataclass(frozen=True, slots=True)
class Bucket:
    """A time bucket and its values. is_partial: cut by the range, or still running. is_filled: nothing is in it."""

    start: datetime
    end: datetime
    local_date: date
    is_partial: bool
    is_filled: bool
    values: Values


@dataclass(frozen=True, slots=True)
class Time:
    """The time of a group."""

    start: datetime
    end: datetime
    local_date: date


@dataclass(frozen=True, slots=True)
class Group:
    """A group and its values.

    keys: in the order of the facet's dimensions, None where unknown. rank: from 1, 0 if not asked. row: as it was read.
    """

    keys: tuple[UUID | str | None, ...]
    time: Time | None
    values: Values
    rank: int
    row: Sequence[Any]


@dataclass(frozen=True, slots=True)
class GroupPage:
    """One page of groups. total: number of all groups, if asked."""

    asked: ResolvedGroups
    columns: tuple[str, ...]
    groups: tuple[Group, ...]
    has_next: bool
    total: int

    @property
    def has_previous(self) -> bool:
        """Whether groups precede the page."""
        return self.asked.place is not None

    def cursor(self, group: Group) -> str:
        """A cursor after the group."""
        asked = self.asked
        return cursor_after(asked.identity, asked.sorts, self._place(group.row), asked.edges)

    def _place(self, row: Sequence[Any]) -> Place:
        found: list[Any] = []
        for number, sort in enumerate(self.asked.sorts):
            match sort.kind:
                case SortKind.MEASURE:
                    value = row[self.columns.index(f"sort_{number}")]
                    found.append(None if value is None else _whole(value))
                case SortKind.TIME:
                    found.append(row[self.columns.index("bucket")])
                case SortKind.DIMENSION:
                    found.append(_key(sort.name, row[self.columns.index(sort.name)]))
        return tuple(found)


class WarningCode(StrEnum):
    """What a reader of the answer should know."""

    PARTIAL_BUCKET = "PARTIAL_BUCKET"
    MISSING_EXCHANGE_RATE = "MISSING_EXCHANGE_RATE"


@dataclass(frozen=True, slots=True)
class Warned:
    """Something a reader of the answer should know. count: of what it is about."""

    code: WarningCode
    message: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """All facets of one question, in the order asked."""

    resolved: Resolved
    plan: Plan | None
    computed_at: datetime
    totals: Values
    series: tuple[tuple[Bucket, ...], ...]
    groups: tuple[GroupPage, ...]
    missing_rates: int

    @property
    def is_truncated(self) -> bool:
        """Whether there are more groups than are shown."""
        return any(page.has_next for page in self.groups)

    @property
    def warnings(self) -> tuple[Warned, ...]:
        """What a reader should know."""
        found = []
        partial = sum(bucket.is_partial for buckets in self.series for bucket in buckets)
        if partial:
            message = f"{partial} buckets are cut by the range or still running."
            found.append(Warned(WarningCode.PARTIAL_BUCKET, message, partial))
        if self.missing_rates:
            message = (
                f"{self.missing_rates} amounts have no exchange rate to {self.resolved.currency} and are left out."
            )
            found.append(Warned(WarningCode.MISSING_EXCHANGE_RATE, message, self.missing_rates))
        return tuple(found)


def answer_of(resolved: Resolved, computed: Computed) -> Answer:
    """The answer to a question without parents."""
    assert resolved.parents is None
    return _Reading(resolved, computed).answer(None)


def answers_of(resolved: Resolved, computed: Computed) -> dict[UUID, Answer]:
    """The answer for each parent, in the order asked."""
    assert resolved.parents is not None
    reading = _Reading(resolved, computed)
    return {parent: reading.answer(parent) for parent in resolved.parents.ids}


class _Reading:
    """The rows of all facets, told apart by parent once."""

    def __init__(self, resolved: Resolved, computed: Computed) -> None:
        self._resolved = resolved
        self._computed = computed
        self._totals = None if computed.totals is None else _by_parent(computed.totals)
        self._series = [_by_parent(rows) for rows in computed.series]
        self._groups = [_by_parent(rows) for rows in computed.groups]

    def answer(self, parent: UUID | None) -> Answer:
        """The answer for the parent."""
        resolved, computed = self._resolved, self._computed
        totals: Values = ()
        missing = 0
        if self._totals is not None and computed.totals is not None:
            rows = self._totals.get(parent, [])
            sums = _summed(computed.totals.columns)
            row = _numbers(rows[0], computed.totals.columns, sums) if rows else [0] * len(sums)
            totals = _shown(resolved.totals, sums, exponent(resolved.currency), row)
            if "missing_rates" in sums:
                missing = row[sums.index("missing_rates")]
        series = tuple(
            _buckets(resolved, asked, rows.columns, found.get(parent, []))
            for asked, rows, found in zip(resolved.series, computed.series, self._series, strict=True)
        )
        groups = tuple(
            _page(resolved, asked, rows.columns, found.get(parent, []))
            for asked, rows, found in zip(resolved.groups, computed.groups, self._groups, strict=True)
        )
        return Answer(resolved, computed.plan, computed.at, totals, series, groups, missing)


def _by_parent(rows: Rows) -> dict[UUID | None, list[Sequence[Any]]]:
    if "parent" not in rows.columns:
        return {None: list(rows.rows)}
    at = rows.columns.index("parent")
    found: dict[UUID | None, list[Sequence[Any]]] = {}
    for row in rows.rows:
        found.setdefault(_id(row[at]), []).append(row)
    return found


def _id(value: Any) -> UUID:
    return plain(value) if isinstance(value, UUID) else UUID(value)


def _whole(value: Any) -> int:
    # Numerics come as Decimal from the database and as text from the cache, with zeros behind the point where they were
    # divided. No sum over no rows.
    return 0 if value is None else int(Decimal(value))


def _summed(columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in columns if name in SUMS)


def _numbers(row: Sequence[Any], columns: tuple[str, ...], sums: Sequence[str]) -> list[int]:
    return [_whole(row[columns.index(name)]) for name in sums]


def _key(dimension: str, value: Any) -> UUID | str | None:
    is_entity = DIMENSIONS[dimension].kind is KeyKind.ENTITY
    return _id(value) if is_entity and value is not None else value


@lru_cache(maxsize=4_096)
def _formulas(measures: tuple[str, ...], sums: tuple[str, ...], digits: int) -> tuple[Callable[[Any], Value], ...]:
    columns = {name: index for index, name in enumerate(sums)}
    return tuple(MEASURES[measure].formula.compiled(columns, digits) for measure in measures)


def _shown(measures: tuple[str, ...], sums: tuple[str, ...], digits: int, row: Sequence[int]) -> Values:
    return tuple([formula(row) for formula in _formulas(measures, sums, digits)])


def _buckets(
    resolved: Resolved, asked: ResolvedSeries, columns: tuple[str, ...], rows: Sequence[Sequence[Any]]
) -> tuple[Bucket, ...]:
    sums = _summed(columns)
    at = columns.index("bucket")
    found = {row[at] - 1: _numbers(row, columns, sums) for row in rows}
    known = {number for number, row in found.items() if any(row)}
    formulas = _formulas(asked.measures, sums, exponent(resolved.currency))
    empty = tuple([formula([0] * len(sums)) for formula in formulas])
    # Buckets that have not begun are left out, unless a fact is dated there already.
    last = max(bucket_of(resolved.as_of, asked.edges), max(known, default=-1))
    buckets = []
    for number in range(min(last + 1, len(asked.edges) - 1)):
        start, end = asked.edges[number], asked.edges[number + 1]
        is_known = number in known
        buckets.append(
            Bucket(
                start=start,
                end=end,
                local_date=local_date(start, resolved.zone),
                is_partial=start < resolved.interval.start or end > min(resolved.interval.end, resolved.as_of),
                is_filled=not is_known,
                values=tuple([formula(found[number]) for formula in formulas]) if is_known else empty,
            )
        )
    return tuple(buckets)


def _page(
    resolved: Resolved, asked: ResolvedGroups, columns: tuple[str, ...], rows: Sequence[Sequence[Any]]
) -> GroupPage:
    sums = _summed(columns)
    total = int(rows[0][columns.index("total")]) if "total" in columns and rows else 0
    if "total" in columns:
        # Where the page is empty the number of groups stands alone: a group is never without a sum.
        rows = [row for row in rows if row[columns.index(sums[0])] is not None]
    read = _reader(resolved, asked, columns)
    groups = tuple([read(row) for row in rows[: asked.limit]])
    return GroupPage(asked, columns, groups, has_next=len(rows) > asked.limit, total=total)


def _reader(resolved: Resolved, asked: ResolvedGroups, columns: tuple[str, ...]) -> Callable[[Sequence[Any]], Group]:
    at = {name: index for index, name in enumerate(columns)}
    sums = _summed(columns)
    places = [at[name] for name in sums]
    keys = [(name, at[name]) for name in asked.dimensions]
    digits = exponent(resolved.currency)
    currency, bucket, rank = at.get("currency"), at.get("bucket"), at.get("rank")
    times: dict[int, Time] = {}

    def time_of(number: int) -> Time:
        found = times.get(number)
        if found is None:
            start = asked.edges[number - 1]
            found = times[number] = Time(start, asked.edges[number], local_date(start, resolved.zone))
        return found

    def read(row: Sequence[Any]) -> Group:
        shown = digits if currency is None else exponent(row[currency])
        return Group(
            keys=tuple([_key(name, row[index]) for name, index in keys]),
            time=None if bucket is None else time_of(row[bucket]),
            values=_shown(asked.measures, sums, shown, [_whole(row[place]) for place in places]),
            rank=0 if rank is None else int(row[rank]),
            row=row,
        )

    return read
