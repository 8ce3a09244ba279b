"""The answer, as values: rows of sums become figures, cells stand where they belong, pages get their cursors.

Rows come from the database or, as JSON, from the cache; both are read the same way. Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from math import sqrt
from uuid import UUID

from app.analytics.figures import Figures, Numbers, reader
from app.analytics.layout import Layout, netted
from app.analytics.pages import GroupPage, beside, page_of
from app.analytics.plan import Plan
from app.analytics.query import Columns
from app.analytics.resolved import Resolved, ResolvedSeries
from app.analytics.rows import Computed, Rows, by_parent, missing_rates
from app.analytics.series import BucketList, Cells, buckets
from app.core.money import exponent

DEVIATIONS = 3
"""Standard deviations that an estimate's stated error spans: 997 of 1,000 estimates are nearer."""


class WarningCode(StrEnum):
    """What a reader of the answer should know."""

    PARTIAL_BUCKET = "PARTIAL_BUCKET"
    MISSING_EXCHANGE_RATE = "MISSING_EXCHANGE_RATE"
    RETENTION_CUT = "RETENTION_CUT"
    ESTIMATED_VALUES = "ESTIMATED_VALUES"


@dataclass(frozen=True, slots=True)
class Warned:
    """Something a reader of the answer should know. count: of what it is about."""

    code: WarningCode
    message: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measure that was estimated. error: 997 of 1,000 such estimates are off by at most this part of them."""

    measure: str
    error: Decimal


@dataclass(frozen=True, slots=True)
class Answer:
    """All facets of one question, in the order asked. estimates: the largest error of each measure."""

    resolved: Resolved
    plan: Plan | None
    computed_at: datetime
    totals: Figures | None
    series: tuple[BucketList, ...]
    groups: tuple[GroupPage, ...]
    missing_rates: int
    estimates: tuple[Estimate, ...]

    @property
    def is_truncated(self) -> bool:
        """Whether there are more groups than are shown."""
        return any(page.has_next for page in self.groups)

    @property
    def warnings(self) -> tuple[Warned, ...]:
        """What a reader should know."""
        found = []
        partial = sum(sum(each.are_partial) for each in self.series)
        if partial:
            message = f"{partial} buckets are cut by the range or still running."
            found.append(Warned(WarningCode.PARTIAL_BUCKET, message, partial))
        if self.missing_rates:
            message = (
                f"{self.missing_rates} amounts have no exchange rate to {self.resolved.currency} and are left out."
            )
            found.append(Warned(WarningCode.MISSING_EXCHANGE_RATE, message, self.missing_rates))
        if self.resolved.cut_at is not None:
            message = f"Instances before {self.resolved.cut_at.isoformat()} are no longer kept, and missing."
            found.append(Warned(WarningCode.RETENTION_CUT, message))
        if self.estimates:
            names = ", ".join(each.measure for each in self.estimates)
            message = f"Estimated: {names}. `estimates` tells how far off."
            found.append(Warned(WarningCode.ESTIMATED_VALUES, message, len(self.estimates)))
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


def whole_totals(resolved: Resolved, totals: Rows | None) -> tuple[Numbers, ...]:
    """Totals of the measures whose shares decide which groups come: of each one value, or one for each parent."""
    if not resolved.shares:
        return ()
    apart = by_parent(totals)
    parents: Sequence[UUID | None] = resolved.parents.ids if resolved.parents else (None,)
    assert totals is not None, "what shares are of is asked with the totals"
    assert resolved.layout is not None
    figures = [_whole(resolved, resolved.totals, resolved.layout, totals, apart.get(parent)) for parent in parents]
    places = [resolved.totals.values.index(ask) for ask in resolved.shares]
    return tuple(tuple(each.values[place] for each in figures) for place in places)


def _whole(resolved: Resolved, columns: Columns, layout: Layout, rows: Rows, found: Rows | None) -> Figures:
    sums = rows.sums(layout)
    row = [column[0] for column in found.numbers(sums)] if found is not None and len(found) else [0] * len(sums)
    return reader(columns, layout, sums, exponent(resolved.currency)).read(row)


class _Reading:
    """The rows of all facets, told apart by parent once."""

    def __init__(self, resolved: Resolved, computed: Computed) -> None:
        self._resolved = resolved
        self._computed = computed
        self._totals = by_parent(computed.totals)
        self._series = [by_parent(rows) for rows in computed.series]
        self._pages = [by_parent(rows.page) for rows in computed.groups]
        self._wholes = [by_parent(rows.totals) for rows in computed.groups]
        self._members = [by_parent(rows.members) for rows in computed.groups]
        self._nested = [[by_parent(rows) for rows in each.series] for each in computed.groups]

    def answer(self, parent: UUID | None) -> Answer:
        """The answer for the parent."""
        resolved, computed = self._resolved, self._computed
        totals = None
        if computed.totals is not None and resolved.layout is not None:
            found = self._totals.get(parent)
            totals = _whole(resolved, resolved.totals, resolved.layout, computed.totals, found)
        series = tuple(
            self._buckets(asked, rows, apart.get(parent))
            for asked, rows, apart in zip(resolved.series, computed.series, self._series, strict=True)
        )
        groups = tuple(self._page(number, parent, totals) for number, _ in enumerate(resolved.groups))
        of_parent = self._totals.get(parent)
        missing = 0 if of_parent is None else missing_rates(of_parent)
        errors = _largest(self._errors(totals, series, groups)) if resolved.is_sampled else {}
        estimates = tuple(Estimate(name, error) for name, error in errors.items())
        return Answer(resolved, computed.plan, computed.at, totals, series, groups, missing, estimates)

    def _buckets(self, asked: ResolvedSeries, rows: Rows, found: Rows | None) -> BucketList:
        sums = rows.sums(asked.layout)
        cells: Cells = {}
        if found is not None:
            places = [bucket - 1 for bucket in found.of("bucket")]
            cells = dict(zip(places, zip(*found.numbers(sums), strict=True), strict=True)) if sums else {}
        read = reader(asked.columns, asked.layout, sums, exponent(self._resolved.currency))
        return buckets(self._resolved, asked, sums, cells, read)

    def _page(self, number: int, parent: UUID | None, totals: Figures | None) -> GroupPage:
        resolved, asked, rows = self._resolved, self._resolved.groups[number], self._computed.groups[number]
        asks = resolved.totals.values
        if rows.totals is not None:
            asks = asked.totals
            found = self._wholes[number].get(parent)
            # Where groups are commission states each has its own amount; together they are the net, as everywhere.
            totals = _whole(resolved, Columns(asks), netted(asked.layout), rows.totals, found)
        whole: Numbers = ()
        if totals is not None and asked.columns.shares:
            whole = tuple(totals.values[asks.index(ask)] for ask in asked.columns.shares)
        read_beside = beside(self._members[number], self._nested[number], parent)
        page = self._pages[number].get(parent)
        return page_of(resolved, asked, rows, page, read_beside, totals, whole)

    def _errors(
        self, totals: Figures | None, series: Sequence[BucketList], groups: Sequence[GroupPage]
    ) -> Iterator[tuple[str, float]]:
        resolved, computed = self._resolved, self._computed
        if totals is not None and computed.totals is not None and resolved.layout is not None:
            yield from _errors(resolved.totals, resolved.layout, computed.totals, [totals])
        for asked, rows, found in zip(resolved.series, computed.series, series, strict=True):
            yield from _errors(asked.columns, asked.layout, rows, [bucket.figures for bucket in found])
        for grouping, each, page in zip(resolved.groups, computed.groups, groups, strict=True):
            shown = [group.figures for group in page.groups]
            yield from _errors(grouping.columns, grouping.layout, each.page, shown)
            for number, (nested, rows) in enumerate(zip(grouping.series, each.series, strict=True)):
                of_groups = [bucket.figures for group in page.groups for bucket in group.series[number]]
                yield from _errors(nested.columns, nested.layout, rows, of_groups)


def _errors(columns: Columns, layout: Layout, rows: Rows, figures: Sequence[Figures]) -> Iterator[tuple[str, float]]:
    # Each key is in the sample with the same chance, 1 in so many: the spread of how many are is that of a binomial.
    for place, ask in enumerate(columns.values):
        sample = rows.samples[layout.readings[ask, False].layer] if rows.samples else 1
        if sample == 1:
            continue
        for each in figures:
            value = each.values[place]
            if value:
                yield ask.name, DEVIATIONS * sqrt((1 - 1 / sample) * sample / value)


def _largest(errors: Iterator[tuple[str, float]]) -> dict[str, Decimal]:
    found: dict[str, float] = {}
    for name, error in errors:
        found[name] = max(error, found.get(name, 0))
    digits = Decimal("0.000001")
    return {name: Decimal(error).quantize(digits, rounding=ROUND_CEILING) for name, error in found.items()}
