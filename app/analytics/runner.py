"""Runs questions: resolve, ask the cache, plan, one statement a facet in one snapshot, answer.

The only part of the language that touches the database. A list of entities is asked together, in as many statements as
one.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from app.analytics.answer import Answer, answer_of, answers_of
from app.analytics.computing import OtherRollups, compute, is_one_statement
from app.analytics.extent import Extent, extent_of
from app.analytics.kept import dumped, key_of, loaded
from app.analytics.plan import Plan
from app.analytics.planner import Stored, estimated_rows, everything_stored, layering, plan
from app.analytics.query import Parents, Preset, Question
from app.analytics.resolve import Limits, needs_extent, resolve
from app.analytics.resolved import Resolved
from app.analytics.rollups.catalog import stored
from app.analytics.rollups.demand import Demand
from app.analytics.rows import Computed
from app.analytics.sql.state import ROLLUP_STATE, SIZES
from app.analytics.sql.statement import Bound, bound
from app.analytics.streaming import StreamedTable, streamed, unbounded
from app.cache.answers import Answers, Depends
from app.cache.recording import depends_on
from app.core.context import Ctx
from app.core.timegrain import utc_days
from app.db.session import Database, ReadSession
from app.errors import QueryIssue, QueryIssues
from app.settings import Settings

ASKED_MAX = 100_000
"""Cheap questions of which a process remembers that they were asked."""

_asked: OrderedDict[int, None] = OrderedDict()
# By their hashes: two that share one are kept a time earlier, and no more.

KNOWN_MAX = 10_000
"""Tenants whose rollups a process remembers."""

_known: dict[UUID, Stored] = {}
# What rollups a tenant had when they were last looked up: every use of it is checked against their generation.


@dataclass(frozen=True, slots=True)
class Runner:
    """Answers questions from a database and a store of answers. demand: counts those that are computed."""

    db: Database
    answers: Answers
    settings: Settings
    demand: Demand | None = None
    limits: Limits = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "limits", _limits(self.settings))

    async def run(self, ctx: Ctx, question: Question) -> Answer:
        """The answer. Raises QueryIssues for a question with mistakes."""
        resolved = await self._resolve(ctx, question, None)
        return answer_of(resolved, await self._computed(ctx, resolved))

    async def run_many(self, ctx: Ctx, question: Question, parents: Parents) -> dict[UUID, Answer]:
        """The answer for each parent, in as many statements as for one."""
        resolved = await self._resolve(ctx, question, parents)
        return answers_of(resolved, await self._computed(ctx, resolved))

    @asynccontextmanager
    async def streamed(self, ctx: Ctx, question: Question, *, timeout_s: float) -> AsyncIterator[StreamedTable]:
        """The table that is all of the question, to be read bit by bit in this context, without the bound of a page.

        timeout_s: of each statement. Raises QueryIssues for a question with mistakes.
        """
        whole, first = unbounded(question)
        resolved = await self._resolve(ctx, whole, None)
        async with self.db.snapshot(ctx.tenant_id, timeout_s=timeout_s, plans_once=True) as session:
            planned = self._planned(ctx, resolved, await self._stored(session))
            yield await streamed(session, resolved, planned, first)

    def plan(self, ctx: Ctx, question: Question, parents: Parents | None = None) -> Plan:
        """How the question would be answered with every rollup set stored. Runs nothing, looks nothing up."""
        return self.nominal(ctx, self.settings, question, parents)

    @staticmethod
    def nominal(ctx: Ctx, settings: Settings, question: Question, parents: Parents | None = None) -> Plan:
        """The same without a database at hand."""
        return _affordable(ctx, settings, question, parents, _nominal(question, ctx))[1]

    async def planned(self, ctx: Ctx, question: Question, parents: Parents | None = None) -> Plan:
        """How the question would be answered with what is stored now. Answers nothing."""
        resolved = await self._resolve(ctx, question, parents)
        async with self.db.snapshot(ctx.tenant_id) as session:
            return plan(resolved, await self._stored(session))

    @staticmethod
    def statements(ctx: Ctx, planned: Plan) -> tuple[Bound, ...]:
        """The statements of a plan, in the order in which they would run."""
        return tuple(bound(planned, facet, ctx.tenant_id) for facet in planned.facets)

    async def extent(self, ctx: Ctx) -> Extent:
        """When the facts that the caller may see begin and end."""
        async with self.db.read(ctx.tenant_id) as session:
            return await extent_of(ctx, session)

    async def rollup_sizes(self, ctx: Ctx) -> dict[str, int]:
        """Rows stored of each rollup set that has any."""
        async with self.db.read(ctx.tenant_id) as session:
            rows = await session.fetch(SIZES, ctx.tenant_id)
        return {row["rollup_set"]: row["rows"] for row in rows}

    async def _resolve(self, ctx: Ctx, question: Question, parents: Parents | None) -> Resolved:
        first_at, estimates = None, False
        if needs_extent(question):
            first_at = (await self.extent(ctx)).first_at or ctx.now
        if question.max_cost is not None:
            # Judged as `plan` shows it: without buckets nobody looks when facts begin.
            judged, _ = _affordable(ctx, self.settings, question, parents, first_at or _nominal(question, ctx))
            estimates = judged.estimates
        return resolve(question, ctx, self.limits, parents=parents, data_from=first_at, estimates=estimates)

    async def _computed(self, ctx: Ctx, resolved: Resolved) -> Computed:
        depends = _depends(resolved)
        # What is compared with a running time, or was asked to be of another age, changes by the second.
        depends_on(
            depends, is_lasting=resolved.compared is None and resolved.as_of is None and resolved.max_age is None
        )
        if resolved.max_age == timedelta() or self._is_cheap_and_new(ctx, resolved):
            return await self._compute(ctx, resolved)
        key = key_of(resolved)
        # The token is handed out before anything is read: a write in between must make this answer stale, not fresh.
        found = await self.answers.get(ctx.tenant_id, key, depends, max_age=resolved.max_age)
        if found.body is not None:
            return loaded(found.body)
        computed = await self._compute(ctx, resolved)
        if found.token is not None:
            await self.answers.put(ctx.tenant_id, key, found.token, dumped(computed))
        return computed

    def _is_cheap_and_new(self, ctx: Ctx, resolved: Resolved) -> bool:
        # Whether computing costs less than looking: what is never asked again is then not kept at all.
        known = _known.get(ctx.tenant_id)
        if known is None or estimated_rows(resolved, known) >= self.settings.answer_rows_min:
            return False
        asked = hash((ctx.tenant_id, id(resolved.kept), resolved.where, resolved.parents))
        if asked in _asked:
            _asked.move_to_end(asked)
            return False
        _asked[asked] = None
        if len(_asked) > ASKED_MAX:
            _asked.popitem(last=False)
        return True

    async def _compute(self, ctx: Ctx, resolved: Resolved) -> Computed:
        known = _known.get(ctx.tenant_id) if self.settings.rollups_enabled else None
        if known is not None:
            planned = self._planned(ctx, resolved, known)
            # The first statement tells whether the rollups are still those.
            try:
                async with self._session(ctx, planned) as session:
                    return await compute(session, resolved, planned)
            except OtherRollups:
                _known.pop(ctx.tenant_id, None)
        async with self.db.snapshot(ctx.tenant_id, plans_once=True) as session:
            # Read in the snapshot: a rebuild for another zone or currency is seen whole or not at all.
            planned = self._planned(ctx, resolved, await self._stored(session))
            return await compute(session, resolved, planned, is_checked=True)

    def _session(self, ctx: Ctx, planned: Plan) -> AbstractAsyncContextManager[ReadSession]:
        # How facts are joined must not depend on how many Postgres takes a tenant to have; rollups are found by key.
        if planned.reads_facts:
            return self.db.snapshot(ctx.tenant_id, plans_once=True)
        return self.db.read(ctx.tenant_id) if is_one_statement(planned) else self.db.snapshot(ctx.tenant_id)

    def _planned(self, ctx: Ctx, resolved: Resolved, known: Stored | None) -> Plan:
        # Counted where it is computed, also when it then takes too long: an answer that was kept costs nothing.
        planned = plan(resolved, known)
        if self.demand is not None:
            self.demand.note(ctx.tenant, planned, resolved.kept)
        return planned

    async def _stored(self, session: ReadSession) -> Stored | None:
        if not self.settings.rollups_enabled:
            return None
        state = await session.fetchrow(ROLLUP_STATE, session.tenant_id)
        if state is None:
            return None
        found = Stored(layering(state["zone"], state["currency"], stored(state["sets"])), state["generation"])
        if len(_known) >= KNOWN_MAX:
            _known.clear()
        _known[session.tenant_id] = found
        return found


def _limits(settings: Settings) -> Limits:
    return Limits(settings.page_items_max, timedelta(seconds=settings.write_timeout_s), settings.instances_since)


def _affordable(
    ctx: Ctx, settings: Settings, question: Question, parents: Parents | None, data_from: datetime | None
) -> tuple[Resolved, Plan]:
    # The question as it can be answered within its cost: exactly, or with distinct counts estimated.
    stored = everything_stored(ctx.tenant) if settings.rollups_enabled else None
    limits = _limits(settings)
    resolved = resolve(question, ctx, limits, parents=parents, data_from=data_from)
    planned = plan(resolved, stored)
    most = question.max_cost
    if most is None or planned.cost <= most:
        return resolved, planned
    estimated = resolve(question, ctx, limits, parents=parents, data_from=data_from, estimates=True)
    cheaper = plan(estimated, stored)
    if cheaper.cost <= most:
        return estimated, cheaper
    exactly = f", {planned.cost} without estimates" if planned.cost > cheaper.cost else ""
    message = f"The question costs {cheaper.cost} points{exactly}; `maxCost` is {most}."
    suggestion = "Ask a shorter range, fewer groups or measures, or allow more."
    raise QueryIssues([QueryIssue("QUERY_TOO_COSTLY", message, ("maxCost",), suggestion)])


def _nominal(question: Question, ctx: Ctx) -> datetime | None:
    # A plan looks nothing up: ALL_TIME by time is shown for a year of facts.
    return ctx.now.replace(year=ctx.now.year - 1, day=1) if question.range is Preset.ALL_TIME else None


def _depends(resolved: Resolved) -> Depends:
    days = [utc_days(resolved.interval)]
    if resolved.compared is not None:
        days.append(utc_days(resolved.compared.interval))
    if resolved.reaches_back:
        # Whether a customer is new depends on every order before.
        days = [(date.min, max(last for _, last in days))]
    tags = {"tenant", "rates"} if resolved.converts else {"tenant"}
    return Depends(days=tuple(days), tags=frozenset(tags))
