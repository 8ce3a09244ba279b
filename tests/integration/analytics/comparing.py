"""Random questions of the oracle, put to the app: how they are translated, paged through and compared.

The oracle knows nothing of the app, so the words of the two meet here.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from app.analytics.answer import Group
from app.analytics.query import (
    AllOf,
    AnyOf,
    Between,
    ByDimension,
    ByTime,
    DimensionOrder,
    Direction,
    Filter,
    Groups,
    Matches,
    MeasureOrder,
    Not,
    Nulls,
    OrderElement,
    Question,
    Series,
    TimeOrder,
)
from app.analytics.runner import Runner
from app.analytics.semantic.formula import Value
from app.core.context import Ctx
from app.core.timegrain import Granularity
from tests.oracle.ask import Ask, Both, Either, Is, Isnt, Where
from tests.oracle.measures import MEASURES, dimensions
from tests.oracle.oracle import Key, Oracle
from tests.oracle.ordering import ordered
from tests.oracle.questions import By, Random

PAGES_MAX = 4
"""Pages that are read of one grouping."""

ENTITIES = frozenset({"influencer", "campaign", "product"})
"""Dimensions whose keys are ids."""

Rows: TypeAlias = Sequence[tuple[Key, tuple[Value, ...]]]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a question gave. rows: in order; a group's rank and the number of all groups stand in `ranks`, `total`."""

    rows: Rows
    ranks: tuple[int, ...] = ()
    total: int = 0
    has_next: bool = False


async def asked(runner: Runner, ctx: Ctx, random: Random) -> Answered:
    """The app's answer; groups page by page."""
    ask = random.ask
    between = Between(ask.start, ask.end)
    where = None if ask.where is None else _filter(ask.where)
    match random.kind:
        case "totals":
            answer = await runner.run(ctx, Question(between, where, ask.zone, totals=ask.measures))
            return Answered([((), answer.totals)])
        case "series":
            assert ask.every is not None
            series = Series(Granularity(ask.every), ask.measures)
            answer = await runner.run(ctx, Question(between, where, ask.zone, series=(series,)))
            return Answered([((bucket.start,), bucket.values) for bucket in answer.series[0]])
    found: list[Group] = []
    cursor = None
    for _ in range(PAGES_MAX):
        groups = _groups(random, cursor)
        answer = await runner.run(ctx, Question(between, where, ask.zone, groups=(groups,)))
        page = answer.groups[0]
        found += page.groups
        if not page.has_next:
            break
        cursor = page.cursor(page.groups[-1])
    return Answered(
        rows=[(_key(group), group.values) for group in found],
        ranks=tuple(group.rank for group in found),
        total=page.total,
        has_next=page.has_next,
    )


def expected(oracle: Oracle, random: Random) -> Answered:
    """The oracle's answer to the same."""
    ask = random.ask
    match random.kind:
        case "totals":
            return Answered([((), oracle.total(ask))])
        case "series":
            return Answered(oracle.series(ask))
    rows = ordered(oracle.groups(ask), ask, random.order)
    shown = rows[: PAGES_MAX * random.first]
    return Answered(shown, tuple(range(1, len(shown) + 1)), len(rows), has_next=len(rows) > len(shown))


async def differences(
    oracle: Oracle, runners: dict[str, Runner], ctx: Ctx, questions: Sequence[tuple[str, Random]]
) -> list[str]:
    """The questions, each with its name, that a runner answers otherwise than the oracle, told so as to be repeated."""
    found = []
    for question, random in questions:
        right = expected(oracle, random)
        for name, runner in runners.items():
            given = await asked(runner, ctx, random)
            if given != right:
                found.append(f"{question}, {name}: {random}\n  {_difference(given, right)}")
    return found


def whole(start: datetime, end: datetime, zone: str) -> list[tuple[str, Random]]:
    """Every measure over the whole range: in total, by month, and by each dimension it has."""
    found = [
        ("totals", Random("totals", Ask(start, end, zone, tuple(MEASURES)))),
        ("months", Random("series", Ask(start, end, zone, tuple(MEASURES), every="MONTH"))),
    ]
    for name in sorted(set().union(*map(dimensions, MEASURES))):
        measures = tuple(measure for measure in MEASURES if name in dimensions(measure))
        found.append((name, Random("groups", Ask(start, end, zone, measures, by=(name,)))))
    return found


def _difference(given: Answered, right: Answered) -> str:
    for number, (app, oracle) in enumerate(itertools.zip_longest(given.rows, right.rows)):
        if app != oracle:
            return f"row {number}: app {app}, oracle {oracle}"
    return f"app {given.ranks, given.total, given.has_next}, oracle {right.ranks, right.total, right.has_next}"


def _groups(random: Random, after: str | None) -> Groups:
    ask = random.ask
    time = (ByTime(Granularity(ask.every)),) if ask.every else ()
    return Groups(
        by=(*map(ByDimension, ask.by), *time),
        measures=ask.measures,
        order=tuple(_order(element) for element in random.order),
        first=random.first,
        after=after,
        is_counted=True,
        is_ranked=True,
    )


def _order(by: By) -> OrderElement:
    direction = Direction.DESC if by.is_descending else Direction.ASC
    if by.name in MEASURES:
        return MeasureOrder(by.name, direction, Nulls.FIRST if by.nulls_first else Nulls.LAST)
    return TimeOrder(direction) if by.name == "time" else DimensionOrder(by.name, direction)


def _filter(where: Where) -> Filter:
    match where:
        case Both():
            return AllOf(tuple(map(_filter, where.parts)))
        case Either():
            return AnyOf(tuple(map(_filter, where.parts)))
        case Isnt():
            return Not(_filter(where.part))
        case Is():
            name = where.dimension
            isin, not_in = _keys(name, where.isin), _keys(name, where.not_in)
            return Matches(name, isin, not_in, where.starts_with, where.is_null)


def _keys(dimension: str, keys: tuple[str, ...] | None) -> tuple[UUID | str, ...] | None:
    return tuple(UUID(key) for key in keys) if keys is not None and dimension in ENTITIES else keys


def _key(group: Group) -> Key:
    keys: list[Any] = [str(key) if isinstance(key, UUID) else key for key in group.keys]
    return (*keys, *([group.time.start] if group.time else []))
