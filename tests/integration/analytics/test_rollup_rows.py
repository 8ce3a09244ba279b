"""How much of the rollups is read: the buckets that are asked for, however many others there are."""

from collections.abc import Iterator
from typing import Any

import asyncpg
import orjson
import pytest

from app.analytics.query import AllOf, Ask, Columns, Filter, Last, Matches, Question, Series
from app.analytics.rollups.catalog import TOKENS
from app.analytics.runner import Runner
from app.cache.answers import NullAnswers
from app.core.context import Ctx
from app.core.ids import ZERO_ID, new_id
from app.core.timegrain import Granularity
from app.db.session import Database
from app.runtime import Runtime
from tests.conftest import make_ctx
from tests.integration.analytics.store import NOW

pytestmark = pytest.mark.database

DAYS = 365
ASKED = Last(10, Granularity.DAY)
PAGES_MAX = 30
"""Of the index and the table, for ten days of one key: all its days need some 40, all keys of the days 200 to 1,000."""

_STATE = """/* test.state */
INSERT INTO rollup_state (tenant_id, generation, zone, currency, sets) VALUES ($1, 1, 'Europe/London', 'GBP', $2)"""

_ROWS = """/* test.rows */
INSERT INTO rollups (tenant_id, rollup_set, grain, campaign_id, influencer_id, platform, bucket, instances)
SELECT $1, $2, 'DAY', campaign, influencer, platform, date_trunc('day', $6::timestamptz) - day * interval '1 day', 1
FROM generate_series(0, $7) AS day, unnest($3::uuid[]) AS campaign, unnest($4::uuid[]) AS influencer,
  unnest($5::text[]) AS platform
ORDER BY campaign, influencer, day, platform"""

IDS = [new_id() for _ in range(100)]
NONE = [ZERO_ID]

FILTERS: dict[str, Filter] = {
    "campaign": Matches("campaign", isin=(IDS[0],)),
    "campaign on a platform": AllOf((Matches("campaign", isin=(IDS[0],)), Matches("platform", isin=("platform 1",)))),
    "influencer": Matches("influencer", isin=(IDS[0],)),
}


@pytest.fixture
async def days(runtime: Runtime, ctx: Ctx, admin: "asyncpg.Pool[Any]") -> Ctx:
    """A tenant with a year of days of campaigns, campaigns on platforms, influencers, and platforms."""
    platforms = [f"platform {number}" for number in range(8)]
    sets = {
        "campaign": (IDS, NONE, [""]),
        "campaign_platform": (IDS[:20], NONE, platforms),
        "influencer": (NONE, IDS, [""]),
        "platform": (NONE, NONE, platforms),
    }
    async with runtime.db.write(ctx.tenant_id) as session:
        await session.execute(_STATE, ctx.tenant_id, list(TOKENS))
        for name, keys in sets.items():
            await session.execute(_ROWS, ctx.tenant_id, name, *keys, NOW, DAYS)
    await admin.execute("ANALYZE rollups")
    return make_ctx(ctx.tenant, now=NOW)


@pytest.mark.parametrize("name", FILTERS)
async def test_days_of_one_key_are_read_alone(runtime: Runtime, days: Ctx, name: str) -> None:
    series = Series(Granularity.DAY, Columns((Ask("instances"),)))
    question = Question(ASKED, where=FILTERS[name], series=(series,))
    runner = Runner(runtime.db, NullAnswers(), runtime.settings)

    pages = await _pages_of_rollups(runtime.db, runner, days, question)

    assert 0 < pages < PAGES_MAX


async def _pages_of_rollups(db: Database, runner: Runner, ctx: Ctx, question: Question) -> int:
    bounds = runner.statements(ctx, await runner.planned(ctx, question))
    scans: list[dict[str, Any]] = []
    async with db.snapshot(ctx.tenant_id, plans_once=True) as session:
        for bound in bounds:
            explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {bound.statement.text}"
            (plan,) = orjson.loads(await session.fetchval(explain, *bound.args))
            scans += _scans(plan["Plan"])
    assert scans, "the question is answered from rollups"
    return sum(node["Shared Hit Blocks"] + node["Shared Read Blocks"] for node in scans)


def _scans(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if node.get("Relation Name") == "rollups":
        yield node
    for child in node.get("Plans", ()):
        yield from _scans(child)
