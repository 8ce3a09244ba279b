"""From what is asked to what can be computed: cohorts and periods as instants. Nothing is looked up."""

from dataclasses import dataclass
from datetime import date, datetime

from app.analytics.checks import check_filter
from app.analytics.cohorts.query import CohortAsk, CohortBy, CohortMeasure
from app.analytics.query import AllOf, AnyOf, Filter, Matches, Not, Preset, dimensions_of
from app.analytics.ranges import edges_of, interval_of, known_zone
from app.analytics.resolve import own_rows
from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.semantic.sums import Source
from app.core import timegrain
from app.core.context import Ctx
from app.core.timegrain import Granularity, Interval
from app.errors import QueryIssue, QueryIssues

PERIODS_MAX = 120
"""Periods of a cohort: ten years of months."""

CELLS_MAX = 10_000
"""Cohorts × periods of one answer."""

MEMBERS = -1
"""The period under which the size of a cohort stands among its sums."""


@dataclass(frozen=True, slots=True)
class ResolvedCohorts:
    """A question without mistakes.

    edges: of the buckets from the first cohort's on, () without cohorts; cohort i, from 0, is bucket i, and its period
    p is bucket i + p. The last period of the last cohort ends at the last edge. converts: the currency is not the
    tenant's. as_of: the request's time.
    """

    by: CohortBy
    measure: CohortMeasure
    periods: int
    cohorts: int
    edges: tuple[datetime, ...]
    zone: str
    currency: str
    converts: bool
    where: Filter | None
    as_of: datetime


def needs_extent(asked: CohortAsk) -> bool:
    """Whether the first cohort is the one in which the tenant's facts begin."""
    return asked.range is Preset.ALL_TIME


def resolve(asked: CohortAsk, ctx: Ctx, *, data_from: datetime | None = None) -> ResolvedCohorts:
    """The question made concrete for the caller. Raises QueryIssues with every mistake in it.

    data_from: when the tenant's facts begin, for ALL_TIME.
    """
    issues: list[QueryIssue] = []
    _check_periods(asked.periods, issues)
    if asked.every is Granularity.HOUR:
        message = "Cohorts are known by their date, so that hours cannot be told apart."
        issues.append(QueryIssue("NOT_SUPPORTED", message, ("every",), "Use DAY."))
    zone = known_zone(asked.zone or ctx.tenant.reporting_zone, issues)
    # Without a zone that is known, mistakes of the range are told all the same.
    clock = zone or "UTC"
    if data_from is not None:
        data_from = timegrain.floor(data_from, asked.every, clock)
    interval = interval_of(asked.range, clock, ctx.now, data_from, issues)
    edges: tuple[datetime, ...] = ()
    cohorts = 0
    if interval is not None and zone is not None and asked.every is not Granularity.HOUR:
        periods = min(max(asked.periods, 1), PERIODS_MAX)
        starts = _starts(interval, asked.every, zone, ctx.now, CELLS_MAX // periods, issues)
        cohorts = len(starts)
        edges = _edges(starts, asked.every, zone, periods) if starts else ()
    _check_filter(asked.where, asked.by, issues)
    if issues or zone is None:
        raise QueryIssues(issues)
    currency = asked.currency or ctx.tenant.currency
    return ResolvedCohorts(
        by=asked.by,
        measure=asked.measure,
        periods=asked.periods,
        cohorts=cohorts,
        edges=edges,
        zone=zone,
        currency=currency,
        converts=currency != ctx.tenant.currency,
        where=own_rows(ctx, asked.where),
        as_of=ctx.now,
    )


def depends_on(resolved: ResolvedCohorts) -> tuple[date, date | None]:
    """The UTC days on whose facts the answer depends, inclusive; None is for ever."""
    if resolved.by is CohortBy.FIRST_ORDER:
        # Whoever ordered before is in no cohort.
        return date.min, resolved.edges[-1].date()
    # An order of any day may tell whose instances a visitor's were, or that an influencer was there before.
    return date.min, None


def influencers_of(where: Filter | None, *, possibly: bool = True) -> Filter | None:
    """What the filter says of influencers alone: holds for all of whom some fact may pass it.

    possibly: whether a condition on anything else is taken to hold, or not to.
    """
    match where:
        case None:
            return None
        case Matches():
            if where.dimension == "influencer":
                return where
            return AllOf(()) if possibly else AnyOf(())
        case Not():
            return Not(_said(where.part, possibly=not possibly))
        case AllOf():
            return AllOf(tuple(_said(part, possibly=possibly) for part in where.parts))
        case AnyOf():
            return AnyOf(tuple(_said(part, possibly=possibly) for part in where.parts))


def _said(part: Filter, *, possibly: bool) -> Filter:
    found = influencers_of(part, possibly=possibly)
    assert found is not None, "of a filter a filter is left"
    return found


def _check_periods(periods: int, issues: list[QueryIssue]) -> None:
    if not 1 <= periods <= PERIODS_MAX:
        message = f"`periods` is {periods}; it must be 1 to {PERIODS_MAX}."
        issues.append(QueryIssue("RANGE_INVALID", message, ("periods",), "Use a coarser `every` to look further."))


def _starts(
    interval: Interval, every: Granularity, zone: str, now: datetime, most: int, issues: list[QueryIssue]
) -> tuple[datetime, ...]:
    """Starts of the buckets that begin in the interval and have begun."""
    first = timegrain.floor(interval.start, every, zone)
    if first < interval.start:
        first = timegrain.shift(first, every, zone, 1)
    running = timegrain.shift(timegrain.floor(now, every, zone), every, zone, 1)
    end = min(interval.end, running)
    if first >= end:
        return ()
    return edges_of(Interval(first, end), every, zone, most=most, path=("every",), issues=issues)[:-1]


def _edges(starts: tuple[datetime, ...], every: Granularity, zone: str, periods: int) -> tuple[datetime, ...]:
    wanted = len(starts) + periods
    end = timegrain.shift(starts[-1], every, zone, periods)
    found = timegrain.edges(Interval(starts[0], end), every, zone)
    while len(found) < wanted:
        # The zone skipped a whole day: the calendar has a bucket more than there are.
        end = timegrain.shift(found[-1], every, zone, 1)
        found = timegrain.edges(Interval(starts[0], end), every, zone)
    return tuple(found[:wanted])


def _check_filter(where: Filter | None, by: CohortBy, issues: list[QueryIssue]) -> None:
    check_filter(where, ("where",), issues)
    if where is None:
        return
    known = {name for name, dimension in DIMENSIONS.items() if dimension.is_filter and _facts(by) <= dimension.sources}
    for name in sorted(dimensions_of(where) - known):
        fits = ", ".join(dimension.api_name for key, dimension in DIMENSIONS.items() if key in known)
        issues.append(
            QueryIssue(
                "MEASURE_NOT_BY_DIMENSION",
                f"{by.value} has no {DIMENSIONS[name].api_name}: its facts do not know it.",
                ("where",),
                f"Cohorts by it can be filtered by {fits}.",
            )
        )


def _facts(by: CohortBy) -> frozenset[Source]:
    # Instances decide who came first, credits and order lines what came of it.
    touches = {Source.INSTANCES} if by is CohortBy.FIRST_TOUCH else set()
    return frozenset({Source.CREDITS, Source.LINES, *touches})
