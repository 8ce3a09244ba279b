"""Which rollup sets would make the questions that are asked cheaper, and which stored ones nobody needs. Pure.

Sets are chosen greedily: of all that could be declared, the grain of a set that saves the most rows, then the next, as
the planner would use them beside those there are. Rows are estimated without what filters leave out, for sets and facts
alike; how many a set has is measured (rollups/sizes).
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

from app.analytics.planner import Layering, cheapest, days_of
from app.analytics.rollups.catalog import DIMENSION_SETS, GRAINS, ROLLUP_DIMENSIONS, RollupSet
from app.analytics.rollups.demand import Reading, Shape
from app.analytics.rollups.match import has_dimensions
from app.analytics.rollups.sizes import Sizes
from app.core.timegrain import Interval
from app.core.words import Grain

GRAINS_MAX = 12
"""Grains of sets that are proposed at most."""

COMPRESSION_MIN = 2.0
"""Facts in one row from which on a grain is worth keeping: below, reading the facts costs about as much."""

READINGS_MAX = 1_000
"""Readings by which sets are chosen: those that read the most rows. What the chosen ones save is told of all."""

SAVED_SHARE_MIN = 0.01
"""Share of all rows read that a proposed grain saves at least."""

Sets: TypeAlias = tuple[RollupSet, ...]
Used: TypeAlias = frozenset[tuple[str, Grain]]


@dataclass(frozen=True, slots=True)
class Workload:
    """What one tenant's questions needed, and how large its facts are."""

    questions: Mapping[Shape, int]
    sizes: Sizes


@dataclass(frozen=True, slots=True)
class Proposal:
    """A set to declare, or one to declare with more grains. grains: the new ones. before, after: rows read.

    questions: that would read fewer rows. rows: that it would store. facts_per_row: of its finest new grain.
    """

    declared: RollupSet
    grains: tuple[Grain, ...]
    is_new: bool
    questions: int
    before: int
    after: int
    rows: int
    facts_per_row: float


@dataclass(frozen=True, slots=True)
class Use:
    """A grain of a set that there is. rows: stored. questions: that read it."""

    name: str
    grain: Grain
    rows: int
    facts_per_row: float | None
    questions: int


@dataclass(frozen=True, slots=True)
class Unserved:
    """Questions that no set can serve. needs: dimensions that sets cannot have; () where buckets are too short."""

    needs: tuple[str, ...]
    questions: int
    rows: int


@dataclass(frozen=True, slots=True)
class Advice:
    """All of it. questions: on record. rows: read for sums that rollups hold. without: that need no such sum."""

    questions: int
    rows: int
    without: int
    proposals: tuple[Proposal, ...]
    uses: tuple[Use, ...]
    unserved: tuple[Unserved, ...]


def advise(workloads: Sequence[Workload], catalog: Sets) -> Advice:
    """The advice for all tenants together, as they share the catalog."""
    return _Advising(workloads, catalog).advice()


class _Advising:
    def __init__(self, workloads: Sequence[Workload], catalog: Sets) -> None:
        self.workloads, self.catalog = workloads, catalog
        self.known: dict[tuple[int, Reading, Sets], tuple[float, Used]] = {}
        self.months = [workload.sizes.months for workload in workloads]
        self.readings: list[Counter[Reading]] = []
        for workload in workloads:
            count: Counter[Reading] = Counter()
            for shape, questions in workload.questions.items():
                for reading in shape.readings:
                    count[reading] += questions
            self.readings.append(count)

    def advice(self) -> Advice:
        """All of it."""
        shapes = [(shape, count) for workload in self.workloads for shape, count in workload.questions.items()]
        return Advice(
            questions=sum(count for _, count in shapes),
            rows=round(self._total(self.catalog)),
            without=sum(count for shape, count in shapes if not shape.readings),
            proposals=tuple(self._proposals()),
            uses=tuple(self._uses()),
            unserved=tuple(self._unserved()),
        )

    def _total(self, sets: Sets) -> float:
        return sum(
            count * self._read(number, reading, sets)[0]
            for number, readings in enumerate(self.readings)
            for reading, count in readings.items()
        )

    def _read(self, number: int, reading: Reading, sets: Sets) -> tuple[float, Used]:
        # Rows that a tenant's reading takes, and which grains of sets it takes them from.
        fit = _fit(reading, sets)
        found = self.known.get((number, reading, fit))
        if found is None:
            start, end = self.months[number].start, self.months[number].end
            start, end = max(reading.interval.start, start), min(reading.interval.end, end)
            within = Interval(start, max(start, end))
            found = self.known[number, reading, fit] = _read(self.workloads[number].sizes, reading, within, fit)
        return found

    @cached_property
    def _heaviest(self) -> list[tuple[int, Reading, int]]:
        found = [
            (count * self._read(number, reading, self.catalog)[0], number, reading, count)
            for number, readings in enumerate(self.readings)
            for reading, count in readings.items()
        ]
        found.sort(key=lambda each: each[0], reverse=True)
        return [(number, reading, count) for rows, number, reading, count in found[:READINGS_MAX] if rows]

    def _proposals(self) -> Iterable[Proposal]:
        enough = SAVED_SHARE_MIN * self._total(self.catalog)
        chosen: dict[tuple[str, ...], list[Grain]] = {}
        sets = self.catalog
        for _ in range(GRAINS_MAX):
            best, most = None, enough
            for dimensions, grain in self._candidates(sets):
                saved = self._saved(sets, self._with(sets, dimensions, [grain]), dimensions)
                # What is stored must be less than what is saved while as much is asked again.
                if saved > most and saved > self._rows(dimensions, [grain]):
                    best, most = (dimensions, grain), saved
            if best is None:
                break
            chosen.setdefault(best[0], []).append(best[1])
            sets = self._with(sets, best[0], [best[1]])
        sets = self.catalog
        for dimensions, grains in chosen.items():
            more = self._with(sets, dimensions, grains)
            yield self._proposal(sets, more, dimensions, tuple(grain for grain in GRAINS if grain in grains))
            sets = more

    def _candidates(self, sets: Sets) -> Iterable[tuple[tuple[str, ...], Grain]]:
        for dimensions in DIMENSION_SETS:
            there = _of(sets, dimensions)
            for grain in GRAINS:
                if (there is None or grain not in there.grains) and self._packs(dimensions, grain) >= COMPRESSION_MIN:
                    yield dimensions, grain

    def _saved(self, sets: Sets, more: Sets, dimensions: tuple[str, ...]) -> float:
        return sum(
            count * (self._read(number, reading, sets)[0] - self._read(number, reading, more)[0])
            for number, reading, count in self._heaviest
            if set(reading.dimensions) <= set(dimensions)
        )

    def _with(self, sets: Sets, dimensions: tuple[str, ...], grains: Sequence[Grain]) -> Sets:
        there = _of(sets, dimensions)
        together = [grain for grain in GRAINS if grain in grains or (there is not None and grain in there.grains)]
        if there is not None:
            more = replace(there, grains=tuple(together))
            return tuple(more if rollup is there else rollup for rollup in sets)
        cells = max(workload.sizes.cells[frozenset(dimensions), together[0]] for workload in self.workloads)
        name = "_".join(dimensions) or "total"
        return (*sets, RollupSet(name, dimensions, tuple(together), cells=max(math.ceil(cells), 1)))

    def _rows(self, dimensions: Iterable[str], grains: Iterable[Grain]) -> float:
        wanted = frozenset(dimensions)
        return sum(workload.sizes.rows(wanted, grain) for workload in self.workloads for grain in grains)

    def _packs(self, dimensions: Iterable[str], grain: Grain) -> float:
        rows = self._rows(dimensions, [grain])
        return sum(workload.sizes.facts for workload in self.workloads) / rows if rows else 0.0

    def _proposal(self, sets: Sets, more: Sets, dimensions: tuple[str, ...], grains: tuple[Grain, ...]) -> Proposal:
        declared = _of(more, dimensions)
        assert declared is not None, "the set was added"
        served, before, after = 0, 0.0, 0.0
        for number, workload in enumerate(self.workloads):
            for shape, count in workload.questions.items():
                rows = sum(self._read(number, reading, sets)[0] for reading in shape.readings)
                fewer = sum(self._read(number, reading, more)[0] for reading in shape.readings)
                if fewer < rows:
                    served, before, after = served + count, before + count * rows, after + count * fewer
        stored, packs = self._rows(dimensions, grains), self._packs(dimensions, grains[-1])
        is_new = _of(sets, dimensions) is None
        return Proposal(declared, grains, is_new, served, round(before), round(after), round(stored), packs)

    def _uses(self) -> Iterable[Use]:
        questions: Counter[tuple[str, Grain]] = Counter()
        for number, workload in enumerate(self.workloads):
            for shape, count in workload.questions.items():
                used = (self._read(number, reading, self.catalog)[1] for reading in shape.readings)
                questions.update(dict.fromkeys(frozenset[tuple[str, Grain]]().union(*used), count))
        for rollup in self.catalog:
            for grain in rollup.grains:
                rows = sum(workload.sizes.stored.get((rollup.name, grain), 0) for workload in self.workloads)
                packs = self._packs(rollup.dimensions, grain) or None
                yield Use(rollup.name, grain, rows, packs, questions[rollup.name, grain])

    def _unserved(self) -> Iterable[Unserved]:
        questions: Counter[tuple[str, ...]] = Counter()
        rows: Counter[tuple[str, ...]] = Counter()
        for number, workload in enumerate(self.workloads):
            for shape, count in workload.questions.items():
                found: dict[tuple[str, ...], float] = {}
                for reading in shape.readings:
                    needs = tuple(name for name in reading.dimensions if name not in ROLLUP_DIMENSIONS)
                    if needs or reading.grain is None:
                        found[needs] = found.get(needs, 0.0) + self._read(number, reading, self.catalog)[0]
                for needs, read in found.items():
                    questions[needs] += count
                    rows[needs] += round(count * read)
        for needs, read in rows.most_common():
            yield Unserved(needs, questions[needs], read)


def _of(sets: Sets, dimensions: Iterable[str]) -> RollupSet | None:
    wanted = frozenset(dimensions)
    return next((rollup for rollup in sets if frozenset(rollup.dimensions) == wanted), None)


def _fit(reading: Reading, sets: Sets) -> Sets:
    # The sets that can answer it, with the grains that do: a longer bucket would lie in several cells of the answer.
    grains = GRAINS if reading.breaks is not None else GRAINS[GRAINS.index(reading.grain) :] if reading.grain else ()
    found = []
    for rollup in sets:
        own = tuple(grain for grain in rollup.grains if grain in grains)
        if own and has_dimensions(rollup, reading.dimensions):
            found.append(replace(rollup, grains=own))
    return tuple(found)


def _read(sizes: Sizes, reading: Reading, interval: Interval, sets: Sets) -> tuple[float, Used]:
    if interval.is_empty:
        # It asks of times that have no facts.
        return 0.0, frozenset()
    daily = sum(sizes.daily[source] for source in reading.sources)
    needed, sources = frozenset(reading.dimensions), frozenset(reading.sources)
    found = cheapest(interval, reading.breaks or (), needed, sources, Layering(sizes.zone, "", sets))
    if found is None:
        return days_of(interval) * daily, frozenset()
    rollup, cover = found
    rows = sum(part.buckets * sizes.cells[frozenset(rollup.dimensions), part.grain] for part in cover.parts)
    rows += sum(map(days_of, cover.rest)) * daily
    return rows, frozenset((rollup.name, part.grain) for part in cover.parts)
