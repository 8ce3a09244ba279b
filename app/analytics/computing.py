"""Runs the statements of a plan in one snapshot: totals first, then series, then groups with what belongs to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from app.analytics.answer import whole_totals
from app.analytics.figures import Numbers, sums_of, whole_numbers
from app.analytics.plan import FacetPlan, GroupsPlan, Plan
from app.analytics.query import AllOf, Filter, Matches
from app.analytics.resolved import Resolved, ResolvedGroups
from app.analytics.rows import Computed, GroupRows, Rows, is_id, key_of
from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.semantic.sums import SUMS
from app.analytics.sql.cells import PARENT
from app.analytics.sql.shapes import NOTHING, Given, TopKeys, View
from app.analytics.sql.state import GENERATION
from app.analytics.sql.statement import SHAPES_MAX, Bound, Statement, bound
from app.db.columns import JOINED, by_column, listed
from app.db.session import ReadSession

SAMPLE_WHOLE = 2**16
"""Rows that a sample of one cell is taken from at least."""

SAMPLE_SPLIT = 2**19
"""The same where they are split into many cells."""


async def compute(session: ReadSession, resolved: Resolved, planned: Plan, *, is_checked: bool = False) -> Computed:
    """The rows of every facet. The session sees one moment throughout, or the plan is one statement.

    is_checked: whether it was planned with the rollups of that moment. Otherwise OtherRollups is raised where it was
    planned with others.
    """
    computing = _Computing(session, resolved, planned, is_checked=is_checked or planned.generation is None)
    totals = None if planned.totals is None else await computing.rows(planned.totals)
    series = [await computing.rows(facet) for facet in planned.series]
    if resolved.totals_by_series:
        totals, series[0] = _apart(series[0])
    whole = whole_totals(resolved, totals)
    groups = [
        await computing.groups(asked, each, whole) for asked, each in zip(resolved.groups, planned.groups, strict=True)
    ]
    return Computed(resolved.now, totals, tuple(series), tuple(groups), planned)


def is_one_statement(planned: Plan) -> bool:
    """Whether all of the plan is one statement, which sees one moment in any transaction."""
    facets = planned.facets
    has_more = any(each.has_totals or each.has_members for each in planned.groups)
    return len(facets) == 1 and not has_more and not any(layer.sizing for layer in facets[0].layers)


class OtherRollups(Exception):
    """The rollups are of another generation than those that the plan was made for. Raised before anything is used."""


def _apart(rows: Rows) -> tuple[Rows, Rows]:
    # The sums over all buckets stand under none.
    buckets = rows.of("bucket")
    last = len(buckets) - 1
    if buckets and buckets[last] is None and buckets.count(None) == 1:
        # As with one parent, or none.
        return rows.cut(last, last + 1), rows.cut(0, last)
    totals = [place for place, bucket in enumerate(buckets) if bucket is None]
    return rows.picked(totals), rows.picked([place for place, bucket in enumerate(buckets) if bucket is not None])


@dataclass(frozen=True, slots=True)
class Opened:
    """The statement of a grouping's page, ready to be read bit by bit. totals: of the question, if they are asked.

    samples: of each layer, one of so many keys is counted. ranked: of each top, by the measure that ranks.
    """

    page: Bound
    samples: tuple[int, ...]
    ranked: tuple[int, ...]
    totals: Rows | None


async def opened(session: ReadSession, resolved: Resolved, planned: Plan) -> Opened:
    """The page of the plan's only grouping, with everything run that comes before it."""
    computing = _Computing(session, resolved, planned, is_checked=True)
    (asked,), (groups,) = resolved.groups, planned.groups
    totals = None if planned.totals is None else await computing.rows(planned.totals)
    tops, ranked = await computing.tops(asked, groups)
    page, samples = await computing.made(groups.page, tops, whole_totals(resolved, totals))
    return Opened(page, samples, ranked, totals)


class _Computing:
    """One plan being run. is_checked: whether its rollups are known to be those that there are."""

    def __init__(self, session: ReadSession, resolved: Resolved, planned: Plan, *, is_checked: bool) -> None:
        self._session, self._resolved, self._planned = session, resolved, planned
        self._is_checked = is_checked

    async def groups(self, asked: ResolvedGroups, planned: GroupsPlan, whole: tuple[Numbers, ...]) -> GroupRows:
        """The page of a grouping and what belongs to it."""
        tops, ranked = await self.tops(asked, planned)
        page = await self.rows(planned.page, tops, whole)
        totals = members = None
        if planned.has_totals:
            totals = await self.rows(planned.page, tops, whole, View.TOTALS)
        if planned.has_members:
            members = await self.rows(planned.page, tops, whole, View.MEMBERS)
        only = _shown_keys(page, asked) if planned.series else None
        series = [await self.rows(_narrowed(facet, only), tops) for facet in planned.series]
        return GroupRows(page, totals, members, tuple(series), ranked)

    async def tops(self, asked: ResolvedGroups, planned: GroupsPlan) -> tuple[dict[str, TopKeys], tuple[int, ...]]:
        """The keys that stand for themselves, of each dimension that has such; and one of how many keys ranked them."""
        keys, ranked = {}, []
        for top, (number, facet) in zip(asked.tops, planned.tops, strict=True):
            found = await self.rows(facet)
            keys[asked.dimensions[number]] = _top_keys(facet, found)
            ranked.append(found.sample(top.layout.readings[top.top.by, False].layer))
        return keys, tuple(ranked)

    async def rows(
        self,
        facet: FacetPlan,
        tops: Mapping[str, TopKeys] | None = None,
        whole: tuple[Numbers, ...] = (),
        view: View = View.CELLS,
    ) -> Rows:
        """The rows of one statement."""
        made, samples = await self.made(facet, tops or {}, whole, view)
        return Rows(made.statement.columns, await self._columns(made), samples)

    async def _columns(self, made: Bound) -> tuple[Sequence[Any], ...]:
        tells = not self._is_checked
        found = await self._session.fetchrow(_in_one_row(made.statement, tells_generation=tells), *made.args)
        assert found is not None, "columns stand in one row"
        row = list(found)
        if tells:
            generation = row.pop()
            if generation != self._planned.generation:
                raise OtherRollups
            self._is_checked = True
        return tuple(map(listed, row))

    async def made(
        self, facet: FacetPlan, tops: Mapping[str, TopKeys], whole: tuple[Numbers, ...], view: View = View.CELLS
    ) -> tuple[Bound, tuple[int, ...]]:
        """A statement ready to be run, and of each of its layers the one of so many keys that is counted."""
        samples = await self._samples(facet)
        given = Given(tops, whole, samples) if tops or whole or samples else NOTHING
        return bound(self._planned, facet, self._session.tenant_id, given, view), samples

    async def _samples(self, facet: FacetPlan) -> tuple[int, ...]:
        if not any(layer.sizing for layer in facet.layers):
            return ()
        target = SAMPLE_SPLIT if facet.dimensions or facet.has_time else SAMPLE_WHOLE
        found = []
        for layer in facet.layers:
            size = 0
            if layer.sizing is not None:
                sizing = FacetPlan("sizing", (), (), (layer.sizing,))
                made = bound(self._planned, sizing, self._session.tenant_id)
                rows = Rows(made.statement.columns, await self._columns(made))
                size = max(sum(whole_numbers(rows.of(name))) // 10 ** SUMS[name].decimals for name in layer.sizing.sums)
            found.append(1 << max((size // target).bit_length() - 1, 0))
        return tuple(found)


@lru_cache(maxsize=SHAPES_MAX)
def _in_one_row(statement: Statement, *, tells_generation: bool) -> str:
    # Behind the comment that names it. Ids and numerics stay texts, as what reads rows takes both: most ids come again
    # and again, texts are told apart in a fifth of the time, and sums are whole numbers, which `whole_numbers` reads.
    comment, body = statement.text.split("\n", 1)
    texts = [name for name in statement.columns if name in statement.numerics or is_id(name)]
    more = (GENERATION,) if tells_generation else ()
    return f"{comment}\n{by_column(body, statement.columns, dict.fromkeys(texts, JOINED), more)}"


def _top_keys(facet: FacetPlan, rows: Rows) -> TopKeys:
    def read(name: str) -> tuple[Any, ...]:
        return tuple(rows.of(name)) if name in rows.columns else ()

    return TopKeys(read(facet.dimensions[0]), read("bucket"), read(PARENT))


def _shown_keys(page: Rows, asked: ResolvedGroups) -> Filter | None:
    # What every group that is shown fits, where that narrows anything: its series need not be read for others.
    found: list[Filter] = []
    present = page.of(sums_of(page.columns, asked.layout)[0])
    rows = page.picked([place for place, value in enumerate(present) if value is not None])
    for number, name in enumerate(asked.dimensions):
        has_others = any(each.dimension == number and each.top.others for each in asked.tops)
        if not DIMENSIONS[name].is_filter or has_others:
            continue
        keys = dict.fromkeys(key_of(name, value) for value in dict.fromkeys(rows.of(name)))
        known = tuple(key for key in keys if key is not None and not isinstance(key, int))
        found.append(Matches(name, isin=known, is_null=True if None in keys else None))
    return AllOf(tuple(found)) if found else None


def _narrowed(facet: FacetPlan, only: Filter | None) -> FacetPlan:
    return replace(facet, layers=tuple(replace(layer, only=only) for layer in facet.layers))
