"""How facts are joined where the database knows nothing of them: new tables, and times later than its statistics.

It then expects a row wherever it looks, and takes any join for cheap. Only one that looks up by order stays so.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import asyncpg
import orjson
import pytest

from app.analytics.query import Ask, ByDimension, ByTime, Columns, Filter, Groups, Last, Matches, Question
from app.analytics.runner import Runner
from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.semantic.measures import MEASURES
from app.cache.answers import NullAnswers
from app.core.context import TenantInfo
from app.core.ids import new_id
from app.core.timegrain import Granularity
from app.runtime import Runtime, open_runtime
from app.settings import Settings
from tests.conftest import make_ctx
from tests.factories.databases import let_no_table_be_analyzed, migrated_database, rows_read
from tests.factories.facts import insert, made_up
from tests.integration.analytics.store import NOW

pytestmark = pytest.mark.database

TENANT = TenantInfo(new_id(), "unknown", reporting_zone="Europe/London", currency="GBP", is_test=False)
RANGE = Last(30, Granularity.DAY)
LOOK_UPS = ("order_id = ", "commission_id = ", "customer_id = ", "(id = ")
FACTS = {"credits", "order_lines", "refund_lines", "commissions", "commission_lines"}

FILTERS: dict[str, Filter | None] = {
    "all": None,
    "influencer": Matches("influencer", isin=(new_id(),)),
    "product": Matches("product", isin=(new_id(),)),
    "not_product": Matches("product", not_in=(new_id(),)),
}
BY = {"nothing": (), "month": (ByTime(Granularity.MONTH),)} | {
    name: (ByDimension(name),) for name, dimension in DIMENSIONS.items() if dimension.is_group
}


@pytest.fixture(scope="module")
async def unknown(services: Settings) -> AsyncIterator[Runtime]:
    """A runtime on a database that has not looked through its tables since they were filled, and does not begin to."""
    async with migrated_database(services) as settings, open_runtime(settings) as runtime:
        await let_no_table_be_analyzed(settings)
        facts = made_up(TENANT, seed=1, start=NOW - timedelta(days=30), days=30, orders=1_000, instances=1)
        await insert(runtime.db, facts)
        yield runtime


async def test_a_tenant_that_came_after_the_statistics_is_read_once(services: Settings) -> None:
    async with migrated_database(services) as settings, open_runtime(settings) as runtime:
        await let_no_table_be_analyzed(settings)
        for seed in range(10):
            other = TenantInfo(new_id(), f"known {seed}", reporting_zone="Europe/London", currency="GBP", is_test=False)
            start = NOW - timedelta(days=30)
            await insert(runtime.db, made_up(other, seed=seed, start=start, days=30, orders=30, instances=1))
        connection = await asyncpg.connect(settings.owner_url)
        await connection.execute("ANALYZE")
        await connection.close()
        facts = made_up(TENANT, seed=11, start=NOW - timedelta(days=30), days=30, orders=500, instances=1)
        await insert(runtime.db, facts)
        ctx = make_ctx(TENANT, now=NOW)
        measures = Columns(tuple(map(Ask, ("orders", "customers", "units", "netRevenue", "refunds"))))
        question = Question(RANGE, groups=(Groups(BY["product"], measures),))
        runner = Runner(runtime.db, NullAnswers(), settings)

        planned = await runner.planned(ctx, question)
        async with runner._session(ctx, planned) as session:
            for bound in runner.statements(ctx, planned):
                await session.fetch(bound.statement.text, *bound.args)
            read = await rows_read(session, *FACTS)

    # Each fact by some scans, and not by one for each order.
    assert read < 20 * sum(len(facts.rows[table]) for table in FACTS)


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize("where", FILTERS)
async def test_joins_look_up_by_order(unknown: Runtime, by: str, where: str) -> None:
    keys = {by, where.removeprefix("not_")} & set(DIMENSIONS)
    fitting = (name for name, declared in MEASURES.items() if keys <= set(declared.dimensions))
    measures = Columns(tuple(Ask(name, at=0.5 if MEASURES[name].takes == "at" else None) for name in fitting))
    if by == "nothing":
        question = Question(RANGE, where=FILTERS[where], totals=measures)
    else:
        question = Question(RANGE, where=FILTERS[where], groups=(Groups(BY[by], measures),))
    ctx = make_ctx(TENANT, now=NOW)
    runner = Runner(unknown.db, NullAnswers(), unknown.settings.model_copy(update={"rollups_enabled": False}))

    async with unknown.db.snapshot(TENANT.id) as session:
        plans = [
            orjson.loads(await session.fetchval(f"EXPLAIN (FORMAT JSON) {bound.statement.text}", *bound.args))
            for bound in runner.statements(ctx, await runner.planned(ctx, question))
        ]

    joined = [node for plan in plans for node in _inner_scans(plan[0]["Plan"])]
    conditions = [(node["Relation Name"], node.get("Index Cond", "none")) for node in joined]
    assert [found for found in conditions if not any(key in found[1] for key in LOOK_UPS)] == []


def _inner_scans(node: dict[str, Any], *, is_inner: bool = False) -> Iterator[dict[str, Any]]:
    # Scans of facts that run again for each row of something else.
    if is_inner and node.get("Relation Name") in FACTS:
        yield node
    for number, child in enumerate(node.get("Plans", ())):
        runs_again = node["Node Type"] == "Nested Loop" and number == 1
        yield from _inner_scans(child, is_inner=is_inner or runs_again)
