"""From a question to one that can be planned: range and zone made concrete, every mistake found, nothing looked up.

All mistakes are raised together as QueryIssues. A principal that may see only its own rows gets a filter here that
nothing lifts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.analytics.order import Place, Sort, place_after, sorts_of
from app.analytics.query import (
    AllOf,
    AnyOf,
    ByDimension,
    ByTime,
    DimensionOrder,
    Filter,
    Groups,
    Matches,
    MeasureOrder,
    Not,
    Parents,
    Preset,
    Question,
    TimeOrder,
    dimensions_of,
)
from app.analytics.ranges import edges_of, interval_of, known_zone
from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.semantic.measures import MEASURES
from app.core.context import Ctx
from app.core.timegrain import Granularity, Interval, floor
from app.errors import DomainError, QueryIssue, QueryIssues

CELLS_MAX = 100_000
"""Cells of one facet, all parents together."""

ELEMENTS_MAX = 4
"""Elements of one grouping."""

FILTER_PARTS_MAX = 50
"""Conditions and connectives of one filter."""

FILTER_VALUES_MAX = 1_000
"""Values of one list in a filter."""


@dataclass(frozen=True, slots=True)
class ResolvedSeries:
    """A series and the edges of its buckets; the first and last may reach beyond the range."""

    every: Granularity
    edges: tuple[datetime, ...]
    measures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResolvedGroups:
    """Groups with a total order and a bound. edges: of their buckets, () without time. place: after which to start.

    identity: what their cursors are bound to.
    """

    by: tuple[ByDimension | ByTime, ...]
    edges: tuple[datetime, ...]
    measures: tuple[str, ...]
    sorts: tuple[Sort, ...]
    limit: int
    place: Place | None
    is_table: bool
    is_counted: bool
    is_ranked: bool
    identity: str

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions it is grouped by, in the order asked."""
        return tuple(element.name for element in self.by if isinstance(element, ByDimension))


@dataclass(frozen=True, slots=True)
class Resolved:
    """A question without mistakes, its range and zone concrete. as_of: the request's time."""

    interval: Interval
    as_of: datetime
    zone: str
    currency: str
    where: Filter | None
    parents: Parents | None
    totals: tuple[str, ...]
    series: tuple[ResolvedSeries, ...]
    groups: tuple[ResolvedGroups, ...]
    wants_warnings: bool


def needs_extent(question: Question) -> bool:
    """Whether the range depends on when the tenant's facts begin: buckets of ALL_TIME start with the first."""
    return question.range is Preset.ALL_TIME and bool(question.steps)


def resolve(
    question: Question,
    ctx: Ctx,
    *,
    page_items_max: int,
    parents: Parents | None = None,
    data_from: datetime | None = None,
) -> Resolved:
    """The question made concrete for the caller. Raises QueryIssues with every mistake in it.

    data_from: when the tenant's facts begin, for ALL_TIME.
    """
    issues: list[QueryIssue] = []
    zone = known_zone(question.zone or ctx.tenant.reporting_zone, issues)
    interval = None
    if zone is not None:
        if data_from is not None:
            # Nothing is before it: the first bucket of each facet is whole.
            coarsest = max(question.steps, key=list(Granularity).index, default=Granularity.DAY)
            data_from = floor(data_from, coarsest, zone)
        interval = interval_of(question.range, zone, ctx.now, data_from, issues)
    where = _own_rows(ctx, question.where)
    _check_filter(question.where, issues)
    filtered = dimensions_of(where) | ({parents.dimension} if parents else set())
    _check_measures(question.totals, filtered, ("totals",), issues)
    series = []
    most = CELLS_MAX // max(len(parents.ids) if parents else 1, 1)
    for facet in question.series:
        _check_measures(facet.measures, filtered, facet.path, issues)
        if interval is not None and zone is not None:
            path = (*facet.path, "every")
            edges = edges_of(interval, facet.every, zone, most=most, path=path, issues=issues)
            series.append(ResolvedSeries(facet.every, edges, facet.measures))
    groups = []
    for asked in question.groups:
        identity = repr((question.range, where, zone, asked.by, asked.order, parents and parents.dimension))
        _check_groups(asked, filtered, issues)
        limit = _limit(asked, page_items_max, most, issues)
        edges = ()
        if interval is not None and zone is not None and asked.every is not None:
            path = (*asked.path, "by")
            edges = edges_of(interval, asked.every, zone, most=CELLS_MAX, path=path, issues=issues)
        place = _place(asked, identity, edges, issues)
        groups.append(
            ResolvedGroups(
                by=asked.by,
                edges=edges,
                measures=asked.measures,
                sorts=sorts_of(asked),
                limit=limit,
                place=place,
                is_table=asked.is_table,
                is_counted=asked.is_counted,
                is_ranked=asked.is_ranked,
                identity=identity,
            )
        )
    if issues or interval is None or zone is None:
        raise QueryIssues(issues)
    return Resolved(
        interval=interval,
        as_of=ctx.now,
        zone=zone,
        currency=ctx.tenant.currency,
        where=where,
        parents=parents,
        totals=question.totals,
        series=tuple(series),
        groups=tuple(groups),
        wants_warnings=question.wants_warnings,
    )


def _own_rows(ctx: Ctx, where: Filter | None) -> Filter | None:
    own = ctx.principal.influencer_id
    if own is None:
        return where
    mine = Matches("influencer", isin=(own,))
    return mine if where is None else AllOf((mine, where))


def _check_measures(
    measures: Iterable[str], dimensions: Iterable[str], path: Sequence[str], issues: list[QueryIssue]
) -> None:
    for name in measures:
        measure = MEASURES[name]
        for dimension in sorted(set(dimensions) - set(measure.dimensions)):
            fits = ", ".join(DIMENSIONS[fit].api_name for fit in measure.dimensions)
            issues.append(
                QueryIssue(
                    "MEASURE_NOT_BY_DIMENSION",
                    f"{measure.api_name} has no {DIMENSIONS[dimension].api_name}: its facts do not know it.",
                    (*path, name),
                    f"It can be split and filtered by {fits}, and by time.",
                )
            )


def _check_groups(groups: Groups, filtered: frozenset[str] | set[str], issues: list[QueryIssue]) -> None:
    by = (*groups.path, "by")
    if not groups.by:
        issues.append(QueryIssue("BAD_USER_INPUT", "`by` is empty.", by, "Name a dimension or a granularity."))
    if len(groups.by) > ELEMENTS_MAX:
        message = f"`by` has {len(groups.by)} elements; at most {ELEMENTS_MAX} are grouped."
        issues.append(QueryIssue("TOO_MANY_GROUPS", message, by, "Group by fewer, or filter by some of them."))
    for index, element in enumerate(groups.by):
        known = groups.by[:index]
        if element in known:
            issues.append(QueryIssue("BAD_USER_INPUT", "`by` names this twice.", (*by, str(index)), "Name it once."))
        elif isinstance(element, ByTime) and any(isinstance(other, ByTime) for other in known):
            message = "`by` has two granularities; groups have one time."
            issues.append(QueryIssue("NOT_SUPPORTED", message, (*by, str(index)), "Keep the finer one."))
    ordered = [element.measure for element in groups.order if isinstance(element, MeasureOrder)]
    measures = dict.fromkeys((*groups.measures, *ordered))
    _check_measures(measures, filtered | set(groups.dimensions), groups.path, issues)
    for index, order in enumerate(groups.order):
        path = (*groups.path, "orderBy", str(index))
        if isinstance(order, DimensionOrder) and order.name not in groups.dimensions:
            message = f"{DIMENSIONS[order.name].api_name} is not in `by`, so groups have no order by it."
            issues.append(QueryIssue("BAD_USER_INPUT", message, path, "Add it to `by`, or order by another."))
        if isinstance(order, TimeOrder) and groups.every is None:
            message = "`by` has no time, so groups have no order by it."
            issues.append(QueryIssue("BAD_USER_INPUT", message, path, "Add a time element to `by`."))
    if len(groups.order) > 2 * ELEMENTS_MAX:
        message = f"`orderBy` has {len(groups.order)} elements; at most {2 * ELEMENTS_MAX} are used."
        issues.append(QueryIssue("TOO_MANY_GROUPS", message, (*groups.path, "orderBy"), "Order by fewer."))


def _limit(groups: Groups, page_items_max: int, cells_max: int, issues: list[QueryIssue]) -> int:
    most = page_items_max
    if groups.is_table:
        # Two columns for an entity (id and name), one for any other key and for each measure.
        most = cells_max // max(2 * len(groups.by) + len(groups.measures), 1)
    if groups.first is None:
        return most
    if not 0 <= groups.first <= most:
        message = f"`first` is {groups.first}; it must be 0 to {most}."
        issues.append(
            QueryIssue("INVALID_PAGE", message, (*groups.path, "first"), "Take more pages: `after` continues.")
        )
    return groups.first


def _place(groups: Groups, identity: str, edges: tuple[datetime, ...], issues: list[QueryIssue]) -> Place | None:
    if groups.after is None:
        return None
    try:
        return place_after(identity, sorts_of(groups), groups.after, edges)
    except DomainError as error:
        suggestion = "Start again without `after`, or repeat the arguments of the page before."
        issues.append(QueryIssue(error.code, error.message, (*groups.path, "after"), suggestion))
        return None


def _check_filter(where: Filter | None, issues: list[QueryIssue]) -> None:
    if where is None:
        return
    parts = list(_conditions(where))
    if len(parts) > FILTER_PARTS_MAX:
        message = f"The filter has {len(parts)} parts; at most {FILTER_PARTS_MAX} are allowed."
        issues.append(QueryIssue("BAD_USER_INPUT", message, ("where",), "Use lists (`in`) instead of `or`."))
    for part in parts:
        if not isinstance(part, Matches):
            continue
        longest = max(len(part.isin or ()), len(part.not_in or ()))
        if longest > FILTER_VALUES_MAX:
            message = f"A list of the filter has {longest} values; at most {FILTER_VALUES_MAX} are allowed."
            issues.append(QueryIssue("BAD_USER_INPUT", message, ("where", part.dimension), "Split the question."))


def _conditions(where: Filter) -> Iterable[Filter]:
    yield where
    match where:
        case Not():
            yield from _conditions(where.part)
        case AllOf() | AnyOf():
            for part in where.parts:
                yield from _conditions(part)
        case Matches():
            return
