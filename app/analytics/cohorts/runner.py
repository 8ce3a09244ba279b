"""Runs cohort questions: resolve, ask the cache, one statement, answer."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from app.analytics.cohorts.answer import CohortAnswer, answer_of
from app.analytics.cohorts.query import CohortAsk, CohortBy
from app.analytics.cohorts.resolve import ResolvedCohorts, depends_on, needs_extent, resolve
from app.analytics.cohorts.sql.statement import bound
from app.analytics.extent import extent_of
from app.analytics.planner import DISTINCT_WEIGHT, ROWS_A_DAY
from app.analytics.semantic.sums import Source
from app.cache.answers import Answers, Depends
from app.core.context import Ctx
from app.core.hashing import content_hash
from app.db.session import Database, ReadSession

VERSION = 1
"""Of cached answers: raised when what is kept or what it means changes."""

FIRST_JOINED = """/* cohorts.first_joined */
SELECT min(created_at)
FROM influencers
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id = $2)"""


@dataclass(frozen=True, slots=True)
class CohortRunner:
    """Answers cohort questions from a database and a store of answers."""

    db: Database
    answers: Answers

    async def run(self, ctx: Ctx, asked: CohortAsk) -> CohortAnswer:
        """The table. Raises QueryIssues for a question with mistakes."""
        resolved = await self._resolve(ctx, asked)
        if not resolved.cohorts:
            return answer_of(resolved, (), computed_at=ctx.now, is_cached=False)
        if resolved.converts:
            # Rates are written behind the app's back, so that no note would tell.
            return answer_of(resolved, await self._sums(ctx, resolved), computed_at=ctx.now, is_cached=False)
        key = _key(resolved)
        # The token is handed out before anything is read: a write in between must make this answer stale, not fresh.
        found = await self.answers.get(ctx.tenant_id, key, _depends(resolved))
        if found.body is not None:
            kept = orjson.loads(found.body)
            at = datetime.fromisoformat(kept["at"])
            return answer_of(resolved, kept["sums"], computed_at=at, is_cached=True)
        sums = await self._sums(ctx, resolved)
        if found.token is not None:
            # Numerics as text: what reads the sums takes both forms.
            body = orjson.dumps({"at": ctx.now.isoformat(), "sums": list(map(list, sums))}, default=str)
            await self.answers.put(ctx.tenant_id, key, found.token, body)
        return answer_of(resolved, sums, computed_at=ctx.now, is_cached=False)

    async def _sums(self, ctx: Ctx, resolved: ResolvedCohorts) -> list[Any]:
        statement = bound(resolved, ctx.tenant_id)
        async with self.db.snapshot(ctx.tenant_id, plans_once=True) as session:
            return await session.fetch(statement.statement.text, *statement.args)

    async def _resolve(self, ctx: Ctx, asked: CohortAsk) -> ResolvedCohorts:
        data_from = None
        if needs_extent(asked):
            async with self.db.read(ctx.tenant_id) as session:
                data_from = await _first_at(ctx, session, asked.by) or ctx.now
        return resolve(asked, ctx, data_from=data_from)


def cost_of(resolved: ResolvedCohorts) -> int:
    """Points of the question, counted as those of `analytics`: what is read and answered in a busy tenant, weighed."""
    if not resolved.cohorts:
        return 0
    days = (resolved.edges[-1] - resolved.edges[0]) / timedelta(days=1)
    sources = [Source.CREDITS, *([Source.INSTANCES] if resolved.by is CohortBy.FIRST_TOUCH else [])]
    rows = math.ceil(days * sum(ROWS_A_DAY[source] for source in sources))
    return math.ceil(rows * DISTINCT_WEIGHT / 10_000) + math.ceil(resolved.cohorts * resolved.periods / 100)


async def _first_at(ctx: Ctx, session: ReadSession, by: CohortBy) -> datetime | None:
    found = [(await extent_of(ctx, session)).first_at]
    if by is CohortBy.INFLUENCER_JOINED:
        found.append(await session.fetchval(FIRST_JOINED, ctx.tenant_id, ctx.principal.influencer_id))
    return min((at for at in found if at is not None), default=None)


def _key(resolved: ResolvedCohorts) -> str:
    # Everything that changes the sums but the facts. Who may see only own rows has that in the filter; tenants are
    # apart in the store. The request's time is not in it: it decides only how far the sums are shown.
    question = (
        VERSION,
        resolved.by,
        resolved.measure,
        resolved.periods,
        resolved.cohorts,
        resolved.edges,
        resolved.currency,
        resolved.where,
    )
    return "cohorts:" + content_hash(repr(question)).hex()


def _depends(resolved: ResolvedCohorts) -> Depends:
    tags = {"tenant"}
    if resolved.by is CohortBy.INFLUENCER_JOINED:
        tags.add("influencers")
    return Depends(days=(depends_on(resolved),), tags=frozenset(tags))
