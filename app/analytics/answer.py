"""The answer, as values: rows of sums become figures, cells stand where they belong, pages get their cursors.

Rows come from the database or, as JSON, from the cache; both are read the same way. Pure.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from math import sqrt
from uuid import UUID

from app.analytics.figures import NOTHING_ASKED, Figures, Numbers, measured, reader
from app.analytics.layout import Layout, netted
from app.analytics.pages import GroupPage, beside, page_of
from app.analytics.plan import Plan
from app.analytics.query import Columns
from app.analytics.resolved import Resolved, ResolvedGroups
from app.analytics.rows import Computed, Rows, by_parent, missing_rates, places_by_parent
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

    @staticmethod
    def of_missing_rates(count: int, currency: str) -> "Warned":
        """That so many amounts are left out, for they have no rate to the currency."""
        message = f"Amounts without exchange rate to {currency}, left out: {count}."
        return Warned(WarningCode.MISSING_EXCHANGE_RATE, message, count)


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
    totals: Figures
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
        resolved = self.resolved
        partial = sum(sum(each.are_partial) for each in self.series) + sum(map(resolved.cut_times, resolved.groups))
        estimated = [each.measure for each in self.estimates]
        return warned(resolved, partial=partial, missing_rates=self.missing_rates, estimated=estimated)


def warned(resolved: Resolved, *, partial: int, missing_rates: int, estimated: Sequence[str]) -> tuple[Warned, ...]:
    """What a reader of an answer or a file should know. partial: how many buckets are. estimated: measures that are."""
    found = []
    if partial:
        message = f"Buckets cut by the range or still running: {partial}."
        found.append(Warned(WarningCode.PARTIAL_BUCKET, message, partial))
    if missing_rates:
        found.append(Warned.of_missing_rates(missing_rates, resolved.currency))
    if resolved.cut_at is not None:
        message = f"Instances before {resolved.cut_at.isoformat()} are no longer kept, and missing."
        found.append(Warned(WarningCode.RETENTION_CUT, message))
    if estimated:
        message = f"Estimated: {', '.join(estimated)}. `estimates` tells how far off."
        found.append(Warned(WarningCode.ESTIMATED_VALUES, message, len(estimated)))
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
    parents: Sequence[UUID | None] = resolved.parents.ids if resolved.parents else (None,)
    assert totals is not None, "what shares are of is asked with the totals"
    assert resolved.layout is not None
    whole = _Whole(resolved, resolved.totals, resolved.layout, totals)
    figures = [whole.of(parent) for parent in parents]
    places = [resolved.totals.values.index(ask) for ask in resolved.shares]
    return tuple(tuple(each.values[place] for each in figures) for place in places)


class _Whole:
    """The figures of everything together, of each parent: a row each, or none where nothing is."""

    def __init__(self, resolved: Resolved, columns: Columns, layout: Layout, rows: Rows) -> None:
        self._reader = reader(columns, layout, rows.columns, exponent(resolved.currency))
        self._sums = self._reader.numbers(rows.values)
        self.places = places_by_parent(rows, resolved.parents)

    def of(self, parent: UUID | None) -> Figures:
        """The figures of the parent."""
        places = self.places.get(parent, ())
        return self._reader.read([column[places[0]] if places else 0 for column in self._sums])


class _Reading:
    """The rows of all facets, told apart by parent once."""

    def __init__(self, resolved: Resolved, computed: Computed) -> None:
        self._resolved = resolved
        self._computed = computed
        self._totals: _Whole | None = None
        if computed.totals is not None and resolved.layout is not None:
            self._totals = _Whole(resolved, resolved.totals, resolved.layout, computed.totals)
        digits = exponent(resolved.currency)
        self._series = [
            (asked, Cells(asked, rows, digits), places_by_parent(rows, resolved.parents))
            for asked, rows in zip(resolved.series, computed.series, strict=True)
        ]
        self._pages = [by_parent(rows.page, resolved.parents) for rows in computed.groups]
        self._wholes = [
            # Where groups are commission states each has its own amount; together they are the net, as everywhere.
            None if rows.totals is None else _Whole(resolved, Columns(asked.totals), netted(asked.layout), rows.totals)
            for asked, rows in zip(resolved.groups, computed.groups, strict=True)
        ]
        self._members = [by_parent(rows.members, resolved.parents) for rows in computed.groups]
        self._nested = [[by_parent(rows, resolved.parents) for rows in each.series] for each in computed.groups]

    def answer(self, parent: UUID | None) -> Answer:
        """The answer for the parent."""
        resolved, computed = self._resolved, self._computed
        totals, missing = NOTHING_ASKED, 0
        if self._totals is not None and computed.totals is not None:
            totals = self._totals.of(parent)
            missing = missing_rates(computed.totals, self._totals.places.get(parent, ()))
        series = tuple([buckets(resolved, asked, cells, of.get(parent, ())) for asked, cells, of in self._series])
        groups = tuple([self._page(number, parent, totals) for number in range(len(resolved.groups))])
        estimates = _estimates(self._estimated(totals, series, groups)) if resolved.is_sampled else ()
        return Answer(resolved, computed.plan, computed.at, totals, series, groups, missing, estimates)

    def _page(self, number: int, parent: UUID | None, totals: Figures) -> GroupPage:
        resolved, asked, rows = self._resolved, self._resolved.groups[number], self._computed.groups[number]
        asks = resolved.totals.values
        own = self._wholes[number]
        if own is not None:
            asks, totals = asked.totals, own.of(parent)
        whole = tuple([totals.values[asks.index(ask)] for ask in asked.columns.shares])
        read_beside = beside(self._members[number], self._nested[number], parent)
        page = self._pages[number].get(parent)
        return page_of(resolved, asked, rows, page, read_beside, totals, whole)

    def _estimated(
        self, totals: Figures, series: Sequence[BucketList], groups: Sequence[GroupPage]
    ) -> Iterator["_Estimated"]:
        resolved, computed = self._resolved, self._computed
        if computed.totals is not None and resolved.layout is not None:
            yield from _shown(resolved.totals, resolved.layout, computed.totals, [totals])
        for asked, rows, found in zip(resolved.series, computed.series, series, strict=True):
            yield from _shown(asked.columns, asked.layout, rows, [bucket.figures for bucket in found])
        for grouping, each, page in zip(resolved.groups, computed.groups, groups, strict=True):
            yield from _shown(grouping.columns, grouping.layout, each.page, [group.figures for group in page.groups])
            yield from _looked_at(grouping, page.rows, exponent(resolved.currency))
            if each.totals is not None:
                yield from _shown(Columns(grouping.totals), grouping.layout, each.totals, [page.totals])
            for top, sample in zip(grouping.tops, each.ranked, strict=True):
                yield _Estimated(top.top.by.name, sample)
            for number, (nested, rows) in enumerate(zip(grouping.series, each.series, strict=True)):
                of_groups = [bucket.figures for group in page.groups for bucket in group.series[number]]
                yield from _shown(nested.columns, nested.layout, rows, of_groups)


@dataclass(frozen=True, slots=True)
class _Estimated:
    """A measure of which one of so many keys was counted, and a value of it: 0 or None where none is shown."""

    measure: str
    sample: int
    value: int | None = None

    @property
    def error(self) -> float:
        """By what part of it the value may be off; without one, the least that an estimate other than 0 can be."""
        # Each key is in the sample with the same chance: the spread of how many are is that of a binomial.
        return DEVIATIONS * sqrt((self.sample - 1) / (self.value or self.sample))


def _shown(columns: Columns, layout: Layout, rows: Rows, figures: Sequence[Figures]) -> Iterator[_Estimated]:
    for asks, is_previous in ((columns.values, False), (columns.previous, True)):
        for place, ask in enumerate(asks):
            sample = rows.sample(layout.readings[ask, is_previous].layer)
            if sample > 1:
                yield _Estimated(ask.name, sample)
                for each in figures:
                    numbers = each.previous if is_previous else each.values
                    if numbers:
                        yield _Estimated(ask.name, sample, numbers[place])


def _looked_at(asked: ResolvedGroups, rows: Rows, digits: int) -> Iterator[_Estimated]:
    # What conditions and orders look at decides which groups are shown, whether it is shown or not.
    shown = {*((ask, False) for ask in asked.columns.values), *((ask, True) for ask in asked.columns.previous)}
    sought = [reading for term in asked.terms for reading in (term.value, term.previous)]
    for (ask, is_previous), reading in asked.layout.readings.items():
        sample = rows.sample(reading.layer)
        if sample > 1 and reading in sought and (ask, is_previous) not in shown:
            yield _Estimated(ask.name, sample)
            values = measured(reading, asked.layout, rows.columns, rows.values, digits)
            yield from (_Estimated(ask.name, sample, value) for value in values)


def _estimates(found: Iterable[_Estimated]) -> tuple[Estimate, ...]:
    # The largest error of all that is shown, or else what it may be.
    errors: dict[str, tuple[bool, float]] = {}
    for each in found:
        if each.sample > 1:
            error = bool(each.value), each.error
            errors[each.measure] = max(error, errors.get(each.measure, error))
    digits = Decimal("0.000001")
    return tuple(
        Estimate(name, Decimal(error).quantize(digits, rounding=ROUND_CEILING)) for name, (_, error) in errors.items()
    )
