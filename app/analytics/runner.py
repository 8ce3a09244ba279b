"""Runs questions: resolve, ask the cache, plan, one statement a facet in one snapshot, answer.

The only part of the language that touches the database. A list of entities is asked together, in as many statements as
one.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from app.analytics.answer import Answer, Computed, Rows, answer_of, answers_of
from app.analytics.plan import FacetPlan, Plan
from app.analytics.planner import Stored, everything_stored, plan
from app.analytics.query import Parents, Preset, Question
from app.analytics.resolve import Resolved, needs_extent, resolve
from app.analytics.rollups.catalog import stored
from app.analytics.sql.state import EXTENT, OWN_EXTENT, ROLLUP_STATE, SIZES
from app.analytics.sql.statement import Bound, bound
from app.cache.answers import Answers, Depends
from app.core.context import Ctx
from app.core.hashing import content_hash
from app.core.timegrain import utc_days
from app.db.session import Database, ReadSession
from app.settings import Settings

VERSION = 1
"""Of cached answers: raised when what is kept or what it means changes."""


@dataclass(frozen=True, slots=True)
class Extent:
    """When facts begin and end; None without facts."""

    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class Runner:
    """Answers questions from a database and a store of answers."""

    db: Database
    answers: Answers
    settings: Settings

    async def run(self, ctx: Ctx, question: Question) -> Answer:
        """The answer. Raises QueryIssues for a question with mistakes."""
        resolved = await self._resolve(ctx, question, None)
        return answer_of(resolved, await self._computed(ctx, resolved))

    async def run_many(self, ctx: Ctx, question: Question, parents: Parents) -> dict[UUID, Answer]:
        """The answer for each parent, in as many statements as for one."""
        resolved = await self._resolve(ctx, question, parents)
        return answers_of(resolved, await self._computed(ctx, resolved))

    def plan(self, ctx: Ctx, question: Question, parents: Parents | None = None) -> Plan:
        """How the question would be answered with every rollup set stored. Runs nothing, looks nothing up."""
        return self.nominal(ctx, self.settings, question, parents)

    @staticmethod
    def nominal(ctx: Ctx, settings: Settings, question: Question, parents: Parents | None = None) -> Plan:
        """The same without a database at hand."""
        resolved = resolve(
            question,
            ctx,
            page_items_max=settings.page_items_max,
            parents=parents,
            data_from=_nominal(question, ctx),
        )
        return plan(resolved, everything_stored(ctx.tenant) if settings.rollups_enabled else None)

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
        own = ctx.principal.influencer_id
        async with self.db.read(ctx.tenant_id) as session:
            if own is None:
                row = await session.fetchrow(EXTENT, ctx.tenant_id)
            else:
                row = await session.fetchrow(OWN_EXTENT, ctx.tenant_id, own)
        assert row is not None, "an aggregate has a row"
        return Extent(row["first_at"], row["last_at"])

    async def rollup_sizes(self, ctx: Ctx) -> dict[str, int]:
        """Rows stored of each rollup set that has any."""
        async with self.db.read(ctx.tenant_id) as session:
            rows = await session.fetch(SIZES, ctx.tenant_id)
        return {row["rollup_set"]: row["rows"] for row in rows}

    async def _resolve(self, ctx: Ctx, question: Question, parents: Parents | None) -> Resolved:
        first_at = None
        if needs_extent(question):
            first_at = (await self.extent(ctx)).first_at or ctx.now
        return resolve(question, ctx, page_items_max=self.settings.page_items_max, parents=parents, data_from=first_at)

    async def _computed(self, ctx: Ctx, resolved: Resolved) -> Computed:
        key = _key(resolved)
        # The token is handed out before anything is read: a write in between must make this answer stale, not fresh.
        found = await self.answers.get(ctx.tenant_id, key, _depends(resolved))
        if found.body is not None:
            return _loaded(found.body)
        computed = await self._compute(ctx, resolved)
        if found.token is not None:
            body = _dumped(computed)
            if len(body) <= self.settings.answer_bytes_max:
                await self.answers.put(ctx.tenant_id, key, found.token, body)
        return computed

    async def _compute(self, ctx: Ctx, resolved: Resolved) -> Computed:
        async with self.db.snapshot(ctx.tenant_id) as session:
            # Read in the snapshot: a rebuild for another zone or currency is seen whole or not at all.
            planned = plan(resolved, await self._stored(session))
            totals = None if planned.totals is None else await _rows(session, planned, planned.totals)
            series = [await _rows(session, planned, facet) for facet in planned.series]
            groups = [await _rows(session, planned, facet) for facet in planned.groups]
        return Computed(resolved.as_of, totals, tuple(series), tuple(groups), planned)

    async def _stored(self, session: ReadSession) -> Stored | None:
        if not self.settings.rollups_enabled:
            return None
        state = await session.fetchrow(ROLLUP_STATE, session.tenant_id)
        return None if state is None else Stored(state["zone"], state["currency"], stored(state["sets"]))


async def _rows(session: ReadSession, planned: Plan, facet: FacetPlan) -> Rows:
    statement = bound(planned, facet, session.tenant_id)
    rows = await session.fetch(statement.statement.text, *statement.args)
    return Rows(statement.statement.columns, rows)


def _nominal(question: Question, ctx: Ctx) -> datetime | None:
    # A plan looks nothing up: ALL_TIME by time is shown for a year of facts.
    return ctx.now.replace(year=ctx.now.year - 1, day=1) if question.range is Preset.ALL_TIME else None


# ------------------------------------------------------------------ cached answers


def _key(resolved: Resolved) -> str:
    # Everything that changes the answer but the facts. Who may see only own rows has that in the filter; tenants are
    # apart in the store. The request's time is not in it: the range is.
    question = (
        VERSION,
        resolved.interval,
        resolved.zone,
        resolved.currency,
        resolved.where,
        resolved.parents,
        resolved.totals,
        tuple((facet.every, facet.measures) for facet in resolved.series),
        tuple(
            (facet.by, facet.measures, facet.sorts, facet.limit, facet.place, facet.is_counted, facet.is_ranked)
            for facet in resolved.groups
        ),
        resolved.wants_warnings,
    )
    return "analytics:" + content_hash(repr(question)).hex()


def _depends(resolved: Resolved) -> Depends:
    first, last = utc_days(resolved.interval)
    measures = set(resolved.totals).union(*(facet.measures for facet in resolved.series))
    measures = measures.union(*(facet.measures for facet in resolved.groups))
    measures |= {sort.name for facet in resolved.groups for sort in facet.sorts}
    if "newCustomers" in measures:
        # Whether a customer is new depends on every order before.
        first = date.min
    return Depends(days=((first, last),), tags=frozenset({"tenant"}))


def _dumped(computed: Computed) -> bytes:
    def rows(item: Rows) -> dict[str, Any]:
        return {"columns": item.columns, "rows": [list(row) for row in item.rows]}

    body = {
        "at": computed.at.isoformat(),
        "totals": None if computed.totals is None else rows(computed.totals),
        "series": [rows(item) for item in computed.series],
        "groups": [rows(item) for item in computed.groups],
    }
    # Ids and numerics as text: what reads rows takes both forms.
    return orjson.dumps(body, default=str)


def _loaded(body: bytes) -> Computed:
    def rows(item: dict[str, Any]) -> Rows:
        return Rows(tuple(item["columns"]), item["rows"])

    value = orjson.loads(body)
    return Computed(
        at=datetime.fromisoformat(value["at"]),
        totals=None if value["totals"] is None else rows(value["totals"]),
        series=tuple(map(rows, value["series"])),
        groups=tuple(map(rows, value["groups"])),
        plan=None,
    )
