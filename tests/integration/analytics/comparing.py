"""Random questions of the oracle, put to the app: how they are translated, paged through and compared.

The oracle knows nothing of the app, so the words of the two meet here.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from app.analytics import query, series
from app.analytics.answer import Answer
from app.analytics.figures import Figures
from app.analytics.pages import Group
from app.analytics.runner import Runner
from app.core.context import Ctx
from app.core.timegrain import Granularity
from app.errors import QueryIssues
from tests.oracle import ask as asked
from tests.oracle import oracle as right
from tests.oracle.ask import (
    Ask,
    Between,
    Both,
    Earlier,
    Either,
    Groups,
    Having,
    Is,
    Isnt,
    Last,
    Of,
    Preset,
    Sort,
    Where,
)
from tests.oracle.grouping import OTHERS, grouped
from tests.oracle.measures import MEASURES, dimensions
from tests.oracle.oracle import Oracle
from tests.oracle.series import Bucket
from tests.oracle.series import series as buckets

PAGES_MAX = 3
"""Pages that are read of one grouping."""

ENTITIES = frozenset({"influencer", "campaign", "product"})
"""Dimensions whose keys are ids."""

Rows: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a question gave, as plain values that can be compared: of each part the rows in their order.

    total: number of groups; whole: their totals.
    """

    totals: Rows = ()
    series: Rows = ()
    groups: Rows = ()
    total: int = 0
    whole: Rows = ()
    has_next: bool = False


async def answered(runner: Runner, ctx: Ctx, ask: Ask) -> Answered:
    """The app's answer; groups page by page."""
    ctx = replace(ctx, now=ask.now)
    question = question_of(ask)
    answer = await runner.run(ctx, question)
    found = _answered(answer, question, ask)
    for _ in range(PAGES_MAX - 1):
        if not found.has_next:
            break
        page = answer.groups[0]
        after = replace(question.groups[0], after=page.cursor(page.groups[-1].number))
        next_question = replace(question, groups=(after,), totals=query.Columns(), series=())
        answer = await runner.run(ctx, next_question)
        following = _answered(answer, next_question, replace(ask, totals=(), series=None))
        found = replace(following, totals=found.totals, series=found.series, groups=(*found.groups, *following.groups))
    return found


async def answered_each(runner: Runner, ctx: Ctx, ask: Ask, parents: query.Parents) -> dict[UUID, Answered]:
    """The app's answers to the question about each of the parents, asked together; of groups the first page."""
    question = question_of(ask)
    answers = await runner.run_many(replace(ctx, now=ask.now), question, parents)
    return {parent: _answered(answer, question, ask) for parent, answer in answers.items()}


def _answered(answer: Answer, question: query.Question, ask: Ask) -> Answered:
    found = Answered()
    if ask.totals:
        assert answer.totals is not None
        places = [answer.resolved.totals.values.index(of) for of in question.totals.values]
        found = replace(found, totals=_figures(answer.totals, places))
    if ask.series is not None:
        found = replace(found, series=tuple(map(_bucket, answer.series[0])))
    if ask.groups is None:
        return found
    page, resolved = answer.groups[0], answer.resolved
    known = resolved.totals.values if ask.groups.having is None else resolved.groups[0].totals
    values: Rows = ()
    if page.totals is not None:
        values = tuple(page.totals.value(known.index(of)) for of in question.groups[0].columns.values)
    return replace(
        found,
        groups=tuple(_group(each, ask.groups) for each in page.groups),
        total=page.total,
        whole=values,
        has_next=page.has_next,
    )


def expected(oracle: Oracle, ask: Ask, *, pages: int = PAGES_MAX) -> Answered:
    """The oracle's answer to the same."""
    asking = oracle.asking(ask)
    found = Answered()
    if ask.totals:
        found = replace(found, totals=_right(asking.totals()))
    if ask.series is not None:
        found = replace(found, series=tuple(map(_right_bucket, buckets(asking, ask.series))))
    if ask.groups is None:
        return found
    most = pages * ask.groups.first
    groups = grouped(asking, shown_max=most)
    rows = tuple(
        (
            row.key,
            rank,
            _right(row.figures),
            row.figures.shares,
            row.members,
            tuple(map(_right_bucket, row.series)),
        )
        for rank, row in enumerate(groups.rows[:most], start=1)
    )
    return replace(
        found, groups=rows, total=len(groups.rows), whole=groups.totals, has_next=len(groups.rows) > len(rows)
    )


async def differences_each(
    oracle: Oracle, runner: Runner, ctx: Ctx, questions: Iterable[tuple[str, Ask]], parents: query.Parents
) -> list[str]:
    """The same as `differences`, of questions asked about each of the parents, as far as the measures have them."""
    found = []
    for question, ask in questions:
        if any(parents.dimension not in dimensions(of.name) for of in measures_of(ask)):
            continue
        try:
            given = await answered_each(runner, ctx, ask, parents)
        except QueryIssues as error:
            found.append(f"{question}: {ask}\n  refused: {error.issues}")
            continue
        for parent in parents.ids:
            only: Where = Is(parents.dimension, isin=(str(parent),))
            of_parent = replace(ask, where=only if ask.where is None else Both((only, ask.where)))
            correct = expected(oracle, of_parent, pages=1)
            if given[parent] != correct:
                found.append(f"{question}, {parents.dimension}: {of_parent}\n  {difference(given[parent], correct)}")
    return found


def measures_of(ask: Ask) -> Iterator[Of]:
    """Every measure that a question names."""
    yield from ask.totals
    if ask.series is not None:
        yield from ask.series.measures
    if ask.groups is not None:
        yield from ask.groups.measures
        yield from (of for of, _ in ask.groups.sought)
        yield from (top.by for _, top in ask.groups.tops)
        if ask.groups.series is not None:
            yield from ask.groups.series.measures


async def differences(
    oracle: Oracle, runners: Mapping[str, Runner], ctx: Ctx, questions: Iterable[tuple[str, Ask]]
) -> list[str]:
    """The questions, each with its name, that a runner answers otherwise than the oracle, told so as to be repeated."""
    found = []
    for question, ask in questions:
        correct = expected(oracle, ask)
        for name, runner in runners.items():
            try:
                given = await answered(runner, ctx, ask)
            except QueryIssues as error:
                found.append(f"{question}, {name}: {ask}\n  refused: {error.issues}")
                continue
            if given != correct:
                found.append(f"{question}, {name}: {ask}\n  {difference(given, correct)}")
    return found


def whole(start: datetime, end: datetime, zone: str, currency: str | None = None) -> list[tuple[str, Ask]]:
    """Every measure over the whole range: in total, by month, and by each dimension it has."""
    measures = tuple(Of(name, at=0.5 if MEASURES[name].takes == "at" else None) for name in MEASURES)
    ask = Ask(end + timedelta(days=1_000), Between(start, end), zone, currency=currency)
    found = [("totals", replace(ask, totals=measures, series=asked.Series("MONTH", measures)))]
    for name in sorted(set().union(*map(dimensions, MEASURES)) - {"is_purchase"}):
        has = tuple(of for of in measures if name in dimensions(of.name))
        found.append((name, replace(ask, groups=Groups((name,), has))))
    return found


def difference(given: Answered, correct: Answered) -> str:
    """The first row in which the two differ."""
    for part in ("totals", "series", "groups"):
        pairs = itertools.zip_longest(getattr(given, part), getattr(correct, part))
        for number, (app, oracle) in enumerate(pairs):
            if app != oracle:
                return f"{part}, row {number}:\n    app    {app}\n    oracle {oracle}"
    app, oracle = ((each.total, each.whole, each.has_next) for each in (given, correct))
    return f"all groups:\n    app    {app}\n    oracle {oracle}"


def question_of(ask: Ask) -> query.Question:
    """The question in the app's words. Everything that is shown of an answer is asked for."""
    compare = ask.compare is not None
    return query.Question(
        range=_range(ask.range),
        where=_filter(ask.where),
        zone=ask.zone,
        attribution=query.Attribution(ask.attribution),
        currency=ask.currency,
        compare=_compare(ask.compare),
        as_of=ask.as_of,
        totals=_columns(ask.totals, compare=compare),
        series=() if ask.series is None else (_series(ask.series, compare=compare),),
        groups=() if ask.groups is None else (_groups(ask.groups, compare=compare),),
    )


def _range(asked_: asked.Range) -> query.RangeAsk:
    match asked_:
        case Between():
            return query.Between(asked_.start, asked_.end)
        case Last():
            return query.Last(asked_.n, Granularity(asked_.unit), asked_.include_current)
        case Preset():
            return query.Preset(asked_.name)


def _compare(compare: asked.Compare | None) -> query.CompareAsk | None:
    match compare:
        case None:
            return None
        case Between():
            return query.Between(compare.start, compare.end)
        case Earlier():
            align = query.Align(compare.align)
            return query.PreviousPeriod(align) if compare.what == "PERIOD" else query.PreviousYear(align)


def _of(of: Of) -> query.Ask:
    return query.Ask(of.name, of.states, of.at, where=_filter(of.where))


def _columns(measures: Sequence[Of], *, compare: bool, shares: Sequence[Of] = ()) -> query.Columns:
    asks = tuple(map(_of, measures))
    return query.Columns(asks, asks if compare else (), tuple(map(_of, shares)))


def _series(asked_: asked.Series, *, compare: bool) -> query.Series:
    return query.Series(
        Granularity(asked_.every),
        _columns(asked_.measures, compare=compare),
        query.Fill(asked_.fill),
        asked_.cumulative,
    )


def _groups(groups: Groups, *, compare: bool) -> query.Groups:
    tops = dict(groups.tops)
    by: list[query.GroupElement] = []
    for name in groups.by:
        top = tops.get(name)
        app = None if top is None else query.Top(top.n, _of(top.by), top.others, top.per_bucket)
        by.append(query.ByDimension(name, app))
    time = (query.ByTime(Granularity(groups.every)),) if groups.every else ()
    return query.Groups(
        by=(*by, *time),
        columns=_columns(groups.measures, compare=compare, shares=groups.shares),
        order=tuple(map(_sort, groups.order)),
        having=_having(groups.having),
        first=groups.first,
        is_counted=True,
        is_ranked=True,
        totals=tuple(map(_of, groups.measures)),
        members=True,
        series=() if groups.series is None else (_series(groups.series, compare=compare),),
    )


def _sort(sort: Sort) -> query.OrderElement:
    direction = query.Direction.DESC if sort.descending else query.Direction.ASC
    if isinstance(sort.by, Of):
        nulls = query.Nulls.FIRST if sort.nulls_first else query.Nulls.LAST
        return query.MeasureOrder(_of(sort.by), direction, nulls, query.Facet(sort.of))
    return query.TimeOrder(direction) if sort.by == "time" else query.DimensionOrder(sort.by, direction)


def _having(having: Having | None) -> query.Having | None:
    match having:
        case None:
            return None
        case asked.Bound():
            return query.Condition(_of(having.measure), query.Facet(having.of), having.bounds, having.is_null)
        case asked.Joint():
            parts = tuple(found for part in having.parts if (found := _having(part)) is not None)
            return query.HavingJoint(having.word, parts)


def _filter(where: Where | None) -> query.Filter | None:
    return None if where is None else _condition(where)


def _condition(where: Where) -> query.Filter:
    match where:
        case Both():
            return query.AllOf(tuple(map(_condition, where.parts)))
        case Either():
            return query.AnyOf(tuple(map(_condition, where.parts)))
        case Isnt():
            return query.Not(_condition(where.part))
        case Is():
            name = where.dimension
            isin, not_in = _keys(name, where.isin), _keys(name, where.not_in)
            return query.Matches(name, isin, not_in, where.starts_with, where.is_null)


def _keys(dimension: str, keys: tuple[str, ...] | None) -> tuple[UUID | str, ...] | None:
    return tuple(UUID(key) for key in keys) if keys is not None and dimension in ENTITIES else keys


def _figures(figures: Figures, places: Sequence[int] | None = None) -> Rows:
    # places: of the measures that are asked for, where there may be more.
    places = range(len(figures.values)) if places is None else places
    values = tuple(figures.value(place) for place in places)
    if not figures.reader.before:
        return values, (), ()
    return values, tuple(figures.before(place) for place in places), tuple(figures.change(place) for place in places)


def _right(figures: right.Figures) -> Rows:
    return figures.values, figures.previous, figures.changes


def _bucket(bucket: series.Bucket) -> Rows:
    return bucket.start, bucket.is_partial, bucket.is_filled, bucket.is_null, _figures(bucket.figures)


def _right_bucket(bucket: Bucket) -> Rows:
    return bucket.start, bucket.is_partial, bucket.is_filled, bucket.is_null, _right(bucket.figures)


def _group(group: Group, groups: Groups) -> Rows:
    pairs = zip(group.keys, group.others, strict=True)
    keys: list[Any] = [OTHERS if rest else str(key) if isinstance(key, UUID) else key for key, rest in pairs]
    shares = tuple(group.figures.share(groups.measures.index(of)) for of in groups.shares)
    nested = tuple(map(_bucket, group.series[0])) if group.series else ()
    key = (*keys, *([group.time.start] if group.time else []))
    return key, group.rank, _figures(group.figures), shares, group.members, nested
