"""Answers equal a slow computation over the facts, from rollups and from facts alike."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.analytics.answer import Answer
from app.analytics.plan import SourceKind
from app.analytics.query import (
    AllOf,
    AnyOf,
    Ask,
    Asks,
    Between,
    ByDimension,
    ByTime,
    Columns,
    Filter,
    GroupElement,
    Groups,
    Matches,
    Not,
    Question,
    Series,
    dimensions_of,
)
from app.analytics.runner import Runner
from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.semantic.formula import Value
from app.analytics.semantic.measures import MEASURES
from app.core import timegrain
from app.core.timegrain import Granularity, Interval
from tests.integration.analytics.asking import asks, values
from tests.integration.analytics.naive import Cell, Keys, is_listed, value
from tests.integration.analytics.store import START, Store

pytestmark = pytest.mark.database

ZONES = (
    "Europe/London",
    "Europe/Berlin",
    "Asia/Kolkata",
    "America/Santiago",
    "Australia/Lord_Howe",
    "America/New_York",
)
ALL = tuple(Ask(name, at=0.5 if measure.takes == "at" else None) for name, measure in MEASURES.items())
GROUPED = tuple(name for name, dimension in DIMENSIONS.items() if dimension.is_group)


def fitting(dimensions: set[str]) -> Asks:
    """The measures that have all the dimensions."""
    return tuple(ask for ask in ALL if dimensions <= set(MEASURES[ask.name].dimensions))


def right(columns: Columns, cell: Cell, keys: Keys | None = None) -> tuple[Value, ...]:
    """The same of a naive cell. keys: of its group."""
    keys = keys or {}
    state = keys.get("commission_state")
    states = None if state is None else (state,)
    currency = keys.get("currency", "GBP")
    return tuple(value(ask.name, cell, currency, at=ask.at or 0, states=ask.states or states) for ask in columns.values)


def has_any(columns: Columns, cell: Cell) -> bool:
    """Whether a cell is there."""
    return is_listed([ask.name for ask in columns.values], cell)


def holds(where: Filter | None) -> Callable[[Keys], bool]:
    """The filter as a function of keys."""

    def test(keys: Keys, part: Filter) -> bool:
        match part:
            case AllOf():
                return all(test(keys, inner) for inner in part.parts)
            case AnyOf():
                return any(test(keys, inner) for inner in part.parts)
            case Not():
                return not test(keys, part.part)
            case Matches():
                key = keys.get(part.dimension)
                found = True
                if part.isin is not None:
                    found = key in part.isin if key is not None else part.is_null is True
                elif part.is_null is not None:
                    found = (key is None) == part.is_null
                if part.is_null is False:
                    found = found and key is not None
                if part.not_in is not None:
                    found = found and (key is None or key not in part.not_in)
                if part.starts_with is not None:
                    found = found and key is not None and key.startswith(part.starts_with)
                return found

    return lambda keys: where is None or test(keys, where)


def check(store: Store, question: Question, answer: Answer) -> None:
    """Assert that the answer is what the facts give."""
    assert isinstance(question.range, Between)
    start, end = question.range.start, question.range.end
    uses_product = "product" in dimensions_of(question.where)
    common: dict[str, Any] = {"where": holds(question.where), "uses_product": uses_product}
    zone = question.zone or "Europe/London"

    totals = store.naive.cells(start, end, **common).get((), Cell())
    if question.totals.values:
        assert values(answer.totals) == right(question.totals, totals), question
    for series, buckets in zip(question.series, answer.series, strict=True):
        edges = timegrain.edges(Interval(start, end), series.every, zone)
        cells = store.naive.cells(start, end, edges=edges, **common)
        assert [bucket.start for bucket in buckets] == edges[: len(buckets)]
        for number, bucket in enumerate(buckets):
            if (number,) in cells and has_any(series.columns, cells[number,]):
                assert values(bucket.figures) == right(series.columns, cells[number,]), question
                assert not bucket.is_filled
            else:
                assert bucket.is_filled
                assert not any(values(bucket.figures))
    for groups, page in zip(question.groups, answer.groups, strict=True):
        names = groups.dimensions
        edges = timegrain.edges(Interval(start, end), groups.every, zone) if groups.every else []
        cells = store.naive.cells(start, end, by=names, edges=edges, zone=zone, **common)
        listed = {key: cell for key, cell in cells.items() if has_any(groups.columns, cell)}
        found = set()
        for group in page.groups:
            key = group.keys if group.time is None else (*group.keys, edges.index(group.time.start))
            found.add(key)
            keys = dict(zip(names, group.keys, strict=True))
            assert values(group.figures) == right(groups.columns, cells[key], keys), (question, key)
        assert found == set(listed), question


async def test_totals_of_everything(runner: Runner, store: Store) -> None:
    question = Question(Between(START, START + timedelta(days=200)), totals=Columns(ALL))

    answer = await runner.run(store.ctx, question)

    check(store, question, answer)
    assert answer.totals is not None
    assert answer.totals.values[0] > 800  # type: ignore[operator]


async def test_rollups_are_read_where_they_can_answer_unless_they_are_off(runner: Runner, store: Store) -> None:
    question = Question(Between(START, START + timedelta(days=200)), totals=asks("orders", "netRevenue", "clicks"))

    answer = await runner.run(store.ctx, question)

    # Without this, the comparisons here would hold as well if nothing but facts were ever read.
    assert answer.plan is not None
    whole_days_and_edges = {SourceKind.ROLLUP, SourceKind.DELTAS, SourceKind.FACTS}
    read = {source.kind for source in answer.plan.sources}
    assert read == (whole_days_and_edges if runner.settings.rollups_enabled else {SourceKind.FACTS})


@pytest.mark.parametrize("dimension", GROUPED)
async def test_groups_by_every_dimension(runner: Runner, store: Store, dimension: str) -> None:
    groups = Groups((ByDimension(dimension),), Columns(fitting({dimension})))
    question = Question(Between(START + timedelta(days=3), START + timedelta(days=101)), groups=(groups,))

    check(store, question, await runner.run(store.ctx, question))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("every", Granularity)
async def test_series_in_every_zone(runner: Runner, store: Store, zone: str, every: Granularity) -> None:
    start = datetime(2025, 10, 24, 1, 17, tzinfo=UTC)
    days = 9 if every is Granularity.HOUR else 120
    question = Question(
        Between(start, start + timedelta(days=days, hours=5)),
        zone=zone,
        totals=asks("orders", "netRevenue", "clicks"),
        series=(Series(every, Columns(ALL)),),
    )

    answer = await runner.run(store.ctx, question)

    check(store, question, answer)
    (buckets,) = answer.series
    assert answer.totals is not None
    # Rounded cells of money need not add up to the rounded total.
    for number, measure in ((0, "orders"), (2, "clicks")):
        place = list(MEASURES).index(measure)
        assert sum(bucket.figures.value(place) for bucket in buckets) == answer.totals.value(number)  # type: ignore[misc]


def random_question(store: Store, chance: random.Random) -> Question:
    """Any question that is no mistake."""
    where = _filter(store, chance, depth=2) if chance.random() < 0.6 else None
    filtered = dimensions_of(where)
    start = START + timedelta(seconds=chance.randrange(120 * 86_400))
    if chance.random() < 0.5:
        start = timegrain.floor(start, chance.choice(list(Granularity)), chance.choice(ZONES))
    end = start + timedelta(seconds=chance.randrange(1, 100 * 86_400))
    if chance.random() < 0.5:
        end = timegrain.floor(end, Granularity.DAY, "Europe/London") + timedelta(days=1)
    series = []
    if chance.random() < 0.6:
        every = chance.choice(list(Granularity)[1:])
        columns = _some(fitting(set(filtered)), chance)
        # Of nothing that fits there are no buckets either.
        series += [Series(every, columns)] if columns.values else []
    groups = []
    for _ in range(chance.randint(0, 2)):
        names = chance.sample(GROUPED, chance.randint(0, 3))
        by: list[GroupElement] = [ByDimension(name) for name in names]
        if chance.random() < 0.4 or not by:
            by.insert(chance.randint(0, len(by)), ByTime(chance.choice(list(Granularity)[1:])))
        measures = fitting({*names, *filtered})
        if measures:
            groups.append(Groups(tuple(by), _some(measures, chance)))
    return Question(
        Between(start, end),
        where=where,
        zone=chance.choice(ZONES),
        totals=_some(fitting(set(filtered)), chance),
        series=tuple(series),
        groups=tuple(groups),
    )


def _some(measures: Asks, chance: random.Random) -> Columns:
    return Columns(tuple(chance.sample(measures, chance.randint(1, min(5, len(measures))))) if measures else ())


def _filter(store: Store, chance: random.Random, depth: int) -> Filter:
    kind = chance.random()
    if depth and kind < 0.2:
        return Not(_filter(store, chance, depth - 1))
    if depth and kind < 0.5:
        parts = tuple(_filter(store, chance, depth - 1) for _ in range(chance.randint(1, 2)))
        return AllOf(parts) if kind < 0.35 else AnyOf(parts)
    name = chance.choice([name for name, dimension in DIMENSIONS.items() if dimension.is_filter])
    known: dict[str, list[Any]] = {
        "influencer": store.facts.ids("influencers"),
        "campaign": store.facts.ids("campaigns"),
        "product": store.facts.ids("products"),
        "code": ["SPICY20", "SPICY10", "HOT"],
        "platform": ["TIKTOK", "YOUTUBE", "X"],
        "channel": ["social", "email"],
        "country": ["GB", "DE", "FR"],
        "customer_kind": ["NEW", "RETURNING"],
        "commission_state": ["PENDING", "HELD", "APPROVED", "PAID", "REVERSED"],
        "is_purchase": ["true", "false"],
    }
    some = tuple(chance.sample(known[name], chance.randint(0, 2)))
    match chance.randint(0, 4):
        case 0:
            return Matches(name, isin=some)
        case 1:
            return Matches(name, not_in=some)
        case 2:
            return Matches(name, isin=some, is_null=True)
        case 3:
            return Matches(name, is_null=chance.random() < 0.5)
        case _:
            prefix = {"code": "SPICY", "channel": "so", "country": "D"}.get(name)
            return Matches(name, starts_with=prefix) if prefix else Matches(name, isin=some, not_in=some[:1])


@pytest.mark.parametrize("seed", range(6))
async def test_random_questions(runner: Runner, store: Store, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(25):
        question = random_question(store, chance)
        check(store, question, await runner.run(store.ctx, question))
