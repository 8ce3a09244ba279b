"""From a question to one that can be planned: range and zone made concrete, every mistake found, nothing looked up.

All mistakes are raised together as QueryIssues. A principal that may see only its own rows gets a filter here that
nothing lifts.
"""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from itertools import count
from operator import attrgetter
from typing import Any

from app.analytics.checks import check_asks, check_filter, check_groups, check_presence, check_series
from app.analytics.compare import Compared, aligned, compared
from app.analytics.large import is_any_large
from app.analytics.layout import Layout, laid_out, presence, terms_of
from app.analytics.order import Place, place_after, sorts_of
from app.analytics.plan import Wanted, WantedJoint
from app.analytics.query import (
    AllOf,
    Asks,
    Columns,
    Condition,
    Facet,
    Filter,
    Groups,
    Having,
    Matches,
    Parents,
    Preset,
    Question,
    Series,
    dimensions_of,
)
from app.analytics.ranges import edges_of, interval_of, known_zone
from app.analytics.resolved import Buckets, Resolved, ResolvedGroups, ResolvedSeries, ResolvedTop
from app.analytics.semantic.measures import MEASURES
from app.analytics.semantic.sums import MISSING_OF, MISSING_RATES, SUMS, Source
from app.analytics.sql.filters import shape_of
from app.core.context import Ctx
from app.core.timegrain import Granularity, Interval, floor
from app.errors import DomainError, QueryIssue, QueryIssues

_of_any_range = attrgetter(*(part.name for part in fields(Question) if part.name not in ("range", "where")))
# All of a question but its range and its filter.

KEPT_MAX = 2_000
"""Resolved questions that a process remembers."""

CELLS_MAX = 100_000
"""Cells of one facet, all parents together."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a question. page_items_max: groups of a page.

    settled_after: how old an instant must be so that no write under way can still land before it. instances_since:
    before it instances were dropped.
    """

    page_items_max: int
    settled_after: timedelta
    instances_since: datetime | None = None


def needs_extent(question: Question) -> bool:
    """Whether the range depends on when the tenant's facts begin: buckets of ALL_TIME start with the first."""
    return question.range is Preset.ALL_TIME and bool(question.steps)


def resolve(
    question: Question,
    ctx: Ctx,
    limits: Limits,
    *,
    parents: Parents | None = None,
    data_from: datetime | None = None,
    estimates: bool = False,
) -> Resolved:
    """The question made concrete for the caller. Raises QueryIssues with every mistake in it.

    data_from: when the tenant's facts begin, for ALL_TIME. estimates: distinct counts asked as AUTO are estimated.
    """
    resolving = _Resolving(question, ctx, limits, parents, data_from, estimates=estimates)
    key = resolving.key()
    found = None if key is None else _kept.get(key)
    if found is None:
        found = resolving.resolved()
        if key is not None:
            _kept[key] = found
            if len(_kept) > KEPT_MAX:
                _kept.popitem(last=False)
        return found
    assert key is not None
    _kept.move_to_end(key)
    return resolving.like(found)


def own_rows(ctx: Ctx, where: Filter | None) -> Filter | None:
    """The filter of what the caller may see: all of it, or of what is asked its own alone."""
    own = ctx.principal.influencer_id
    if own is None:
        return where
    mine = Matches("influencer", isin=(own,))
    return mine if where is None else AllOf((mine, where))


_kept: OrderedDict[Hashable, Resolved] = OrderedDict()
# Questions that differ in keys alone are resolved and planned once.


class _Resolving:
    """One question being made concrete. Every step adds its mistakes to `issues`."""

    def __init__(
        self,
        question: Question,
        ctx: Ctx,
        limits: Limits,
        parents: Parents | None,
        data_from: datetime | None,
        *,
        estimates: bool,
    ) -> None:
        self.question, self.ctx, self.limits = question, ctx, limits
        self.parents, self.estimates = parents, estimates
        self.issues = list(question.mistakes)
        self.where = own_rows(ctx, question.where)
        self.filtered = frozenset(dimensions_of(self.where) | ({parents.dimension} if parents else set()))
        self.most = CELLS_MAX // max(len(parents.ids) if parents else 1, 1)
        self.zone = known_zone(question.zone or ctx.tenant.reporting_zone, self.issues)
        self.interval: Interval | None = None
        self.compared: Compared | None = None
        # Without a zone that is known, mistakes of the range are told all the same.
        self.clock = self.zone or "UTC"
        self._find_times(data_from)
        check_filter(question.where, ("where",), self.issues)

    def _find_times(self, data_from: datetime | None) -> None:
        question, now, zone = self.question, self.ctx.now, self.clock
        if data_from is not None:
            # Nothing is before it: the first bucket of each facet is whole.
            coarsest = max(question.steps, key=list(Granularity).index, default=Granularity.DAY)
            data_from = floor(data_from, coarsest, zone)
        self.interval = interval_of(question.range, zone, now, data_from, self.issues)
        if self.interval is not None and question.compare is not None:
            self.compared = compared(question.compare, question.range, self.interval, zone, now, self.issues)

    def key(self) -> Hashable | None:
        """What all questions have in common that differ from this in keys alone; None where more depends on the moment.

        Cursors are checked against their question, and what is under way is compared with what has passed of it.
        """
        question, interval = self.question, self.interval
        if interval is None or self.issues or question.as_of is not None or any(g.after for g in question.groups):
            return None
        if (question.compare is not None and self.ctx.now < interval.end) or is_any_large(question):
            return None
        shape = None if self.where is None else shape_of(self.where, {}, count())
        parents = None if self.parents is None else (self.parents.dimension, len(self.parents.ids))
        asked = _of_any_range(question), question.range if question.compare is not None else None
        tenant = self.ctx.tenant
        return asked, interval, self.zone, shape, parents, tenant.currency, self.limits, self.estimates

    def like(self, found: Resolved) -> Resolved:
        """The question, from one that differs in keys alone."""
        return found.like(self.where, self.parents, self.ctx.now, map(self._identity, self.question.groups))

    def resolved(self) -> Resolved:
        """All of it."""
        question = self.question
        self._check_freshness()
        sought = (each for groups in question.groups for each in groups.sought)
        shares = tuple(dict.fromkeys(ask for ask, of in sought if of is Facet.SHARE))
        whole = (groups for groups in question.groups if groups.having is None)
        connected = (ask for groups in whole for ask in (*groups.totals, *groups.columns.shares))
        totals = Columns(
            tuple(dict.fromkeys((*question.totals.every, *connected, *shares))), self._previous(question.totals)
        )
        check_asks(totals.every, self.filtered, ("totals",), self.issues)
        series = tuple(map(self._series, question.series))
        groups = tuple(self._groups(facet, shares) for facet in question.groups)
        if self.issues or self.interval is None or self.zone is None:
            raise QueryIssues(self.issues)
        currency = question.currency or self.ctx.tenant.currency
        more = self._missing(totals, series, groups) if question.wants_warnings else ()
        layout = None
        if totals.values or more:
            layout = laid_out(totals.values, totals.previous, estimates=self.estimates, more=more)
        shared = self._shared(totals, series, more) if layout is not None else None
        if shared is not None:
            layout = shared
            series = (replace(series[0], layout=shared), *series[1:])
        return Resolved(
            interval=self.interval,
            compared=self.compared,
            now=self.ctx.now,
            as_of=question.as_of,
            max_age=question.max_age,
            max_cost=question.max_cost,
            zone=self.zone,
            currency=currency,
            converts=currency != self.ctx.tenant.currency,
            attribution=question.attribution,
            where=self.where,
            parents=self.parents,
            estimates=self.estimates,
            totals=totals,
            layout=layout,
            shares=shares,
            series=series,
            groups=groups,
            totals_by_series=shared is not None,
            cut_at=self._cut_at(layout, series, groups),
        )

    def _cut_at(
        self, layout: Layout | None, series: Sequence[ResolvedSeries], groups: Sequence[ResolvedGroups]
    ) -> datetime | None:
        # Since when instances are kept, where earlier ones are asked.
        since = self.limits.instances_since
        times = (self.interval, None if self.compared is None else self.compared.interval)
        if since is None or min(each.start for each in times if each is not None) >= since:
            return None
        layouts = [*(each.layout for each in series), *(each.layout for each in groups), *([layout] if layout else [])]
        asked = {name for each in layouts for names in each.sums for name in names}
        return since if any(Source.INSTANCES in SUMS[name].sources for name in asked) else None

    def _shared(self, totals: Columns, series: Sequence[ResolvedSeries], more: tuple[str, ...]) -> Layout | None:
        # One layout for the totals and the first series, where one statement can give both.
        if not series or self.compared is not None or not series[0].columns.values:
            return None
        asks = tuple(dict.fromkeys((*series[0].columns.values, *totals.values)))
        layout = laid_out(asks, estimates=self.estimates, more=more)
        return layout if all(SUMS[name].is_additive for sums in layout.sums for name in sums) else None

    @staticmethod
    def _missing(
        totals: Columns, series: Sequence[ResolvedSeries], groups: Sequence[ResolvedGroups]
    ) -> tuple[str, ...]:
        # Sums that count the facts without a rate, which are missing from money in the answer's one currency.
        facets = [totals, *(facet.columns for facet in series)]
        facets += [facet.columns for facet in groups if "currency" not in facet.dimensions]
        asked = {name for facet in facets for ask in facet.every for name in MEASURES[ask.name].formula.sums}
        money = {name for name in asked if SUMS[name].is_money}
        missing = {MISSING_OF.get(name, MISSING_RATES[0]) for name in money}
        return tuple(name for name in MISSING_RATES if name in missing)

    def _check_freshness(self) -> None:
        question, settled_after = self.question, self.limits.settled_after
        if question.as_of is not None and question.as_of > self.ctx.now - settled_after:
            seconds = f"{settled_after.total_seconds():g}"
            message = f"`asOf` is less than {seconds} s ago: what is being written may still be recorded before it."
            self._issue("RANGE_INVALID", message, ("freshness", "asOf"), "Give an earlier instant.")
        if question.max_age is not None and question.max_age < timedelta():
            message = "`maxAge` is negative."
            self._issue("BAD_USER_INPUT", message, ("freshness", "maxAge"), "PT0S asks for a fresh answer.")

    def _issue(self, code: str, message: str, path: tuple[str, ...], suggestion: str) -> None:
        self.issues.append(QueryIssue(code, message, path, suggestion))

    def _previous(self, columns: Columns) -> Asks:
        return columns.previous if self.question.compare is not None else ()

    def _buckets(self, every: Granularity, most: int, path: tuple[str, ...]) -> Buckets:
        if self.interval is None:
            return Buckets(every, ())
        found = edges_of(self.interval, every, self.clock, most=most, path=path, issues=self.issues)
        if not found or self.compared is None:
            return Buckets(every, found)
        earlier = edges_of(self.compared.interval, every, self.clock, most=most, path=path, issues=self.issues)
        if not earlier:
            return Buckets(every, found)
        return Buckets(every, found, earlier, aligned(found, earlier, self.compared.step, every, self.clock))

    def _series(self, facet: Series) -> ResolvedSeries:
        check_series(facet, self.filtered, self.issues)
        return self._laid_series(facet, self._buckets(facet.every, self.most, (*facet.path, "every")), ())

    def _laid_series(self, facet: Series, buckets: Buckets, dimensions: tuple[str, ...]) -> ResolvedSeries:
        previous = self._previous(facet.columns)
        layout = self._laid(facet.columns.every, previous, dimensions, facet.path)
        columns = Columns(facet.columns.every, previous)
        return ResolvedSeries(buckets, columns, layout, facet.fill, facet.cumulative)

    def _laid(self, values: Asks, previous: Asks, dimensions: tuple[str, ...], path: tuple[str, ...]) -> Layout:
        needed = {*dimensions, *self.filtered}
        by_state = "commission_state" in dimensions
        layout = laid_out(values, previous, estimates=self.estimates, by_state=by_state, presence=presence(needed))
        check_presence(layout, needed, path, self.issues)
        return layout

    def _laid_top(self, name: str, by: Asks) -> Layout:
        return laid_out(by, estimates=self.estimates, by_state=name == "commission_state")

    def _groups(self, asked: Groups, shares: Asks) -> ResolvedGroups:
        check_groups(asked, self.question, self.filtered, self.issues)
        limit = _limit(asked, self.limits.page_items_max, self.most, self.issues)
        buckets = None
        if asked.every is not None:
            buckets = self._buckets(asked.every, CELLS_MAX, (*asked.path, "by"))
        identity = self._identity(asked)
        place = _place(asked, identity, buckets.edges if buckets else (), self.issues)
        columns = Columns(asked.columns.every, self._previous(asked.columns), asked.columns.shares)
        totals = tuple(dict.fromkeys((*asked.totals, *columns.shares))) if asked.having is not None else ()
        now = (ask for ask, of in asked.sought if of is not Facet.PREVIOUS)
        before = (ask for ask, of in asked.sought if of in (Facet.PREVIOUS, Facet.CHANGE))
        values = tuple(dict.fromkeys((*columns.values, *now, *totals)))
        layout = self._laid(values, tuple(dict.fromkeys((*columns.previous, *before))), asked.dimensions, asked.path)
        return ResolvedGroups(
            by=asked.by,
            buckets=buckets,
            columns=columns,
            layout=layout,
            terms=terms_of(asked.sought, layout, shares),
            sorts=sorts_of(asked),
            having=_wanted(asked),
            limit=limit,
            place=place,
            is_table=asked.is_table,
            is_counted=asked.is_counted,
            is_ranked=asked.is_ranked,
            totals=totals,
            members=asked.members,
            tops=tuple(
                # States are ranked by what their groups show.
                ResolvedTop(asked.dimensions.index(name), top, self._laid_top(name, (top.by,)))
                for name, top in asked.tops.items()
            ),
            series=tuple(self._group_series(facet, asked, limit) for facet in asked.series),
            identity=identity,
        )

    def _identity(self, asked: Groups) -> tuple[Any, ...]:
        # Whatever the order of groups depends on.
        question = self.question
        return (
            question.range,
            self.where,
            self.zone,
            question.attribution,
            question.currency,
            question.compare,
            question.as_of,
            asked.by,
            asked.order,
            asked.having,
            self.parents and self.parents.dimension,
        )

    def _group_series(self, facet: Series, asked: Groups, limit: int) -> ResolvedSeries:
        check_series(facet, self.filtered | set(asked.dimensions), self.issues)
        if asked.every is not None and self._previous(facet.columns):
            message = "A series of groups by time has no compared time."
            way_out = "Leave time out of `by`, or `previous` and `change` out of the series."
            self._issue("NOT_SUPPORTED", message, facet.path, way_out)
        most = max(self.most // max(limit, 1), 1)
        return self._laid_series(facet, self._buckets(facet.every, most, (*facet.path, "every")), asked.dimensions)


def _wanted(groups: Groups) -> Wanted | WantedJoint | None:
    places = {sought: place for place, sought in enumerate(groups.sought)}

    def found(having: Having) -> Wanted | WantedJoint:
        if isinstance(having, Condition):
            return Wanted(places[having.measure, having.of], having.bounds, having.is_null)
        return WantedJoint(having.word, tuple(map(found, having.parts)))

    return found(groups.having) if groups.having else None


def _limit(groups: Groups, page_items_max: int, cells_max: int, issues: list[QueryIssue]) -> int:
    most = page_items_max
    if groups.is_table:
        # Two columns for an entity (id and name), one for any other key, for each measure, and for each rest of keys.
        others = sum(top.others for top in groups.tops.values())
        most = cells_max // max(2 * len(groups.by) + len(groups.columns.values) + others, 1)
    if groups.first is None:
        return most
    if not 0 <= groups.first <= most:
        message = f"`first` is {groups.first}; it must be 0 to {most}."
        way_out = "Take more pages: `after` continues."
        issues.append(QueryIssue("INVALID_PAGE", message, (*groups.path, "first"), way_out))
    return groups.first


def _place(
    groups: Groups, identity: tuple[Any, ...], edges: tuple[datetime, ...], issues: list[QueryIssue]
) -> Place | None:
    if groups.after is None:
        return None
    try:
        return place_after(identity, sorts_of(groups), groups.after, edges)
    except DomainError as error:
        suggestion = "Start again without `after`, or repeat the arguments of the page before."
        issues.append(QueryIssue(error.code, error.message, (*groups.path, "after"), suggestion))
        return None
