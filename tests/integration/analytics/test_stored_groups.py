"""Groups that are rows of a rollup as they are: the same whether everything is folded, something, or nothing."""

from datetime import UTC, datetime

import pytest

from app.analytics.query import Ask, Between, ByDimension, ByTime, Columns, GroupElement, Groups, Question
from app.analytics.rollups.fold import fold
from app.analytics.runner import Runner
from app.cache.answers import NullAnswers
from app.core.context import Ctx
from app.core.timegrain import Granularity
from app.runtime import Runtime
from tests.conftest import make_ctx
from tests.factories.facts import Facts, contribute, insert, made_up
from tests.integration.analytics.store import NOW, START

pytestmark = pytest.mark.database

MONTHS = Between(datetime(2025, 11, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
MEASURES = Columns(tuple(map(Ask, ("clicks", "netRevenue", "orders", "averageOrderValue"))))

BY: dict[str, tuple[GroupElement, ...]] = {
    "months of campaigns": (ByTime(Granularity.MONTH), ByDimension("campaign"), ByDimension("platform")),
    "months of influencers": (ByDimension("influencer"), ByTime(Granularity.MONTH)),
    "days of platforms": (ByTime(Granularity.DAY), ByDimension("platform")),
}


@pytest.mark.parametrize("name", BY)
async def test_groups_are_those_of_the_facts_however_much_is_folded(runtime: Runtime, ctx: Ctx, name: str) -> None:
    ctx = make_ctx(ctx.tenant, now=NOW)
    runner = Runner(runtime.db, NullAnswers(), runtime.settings)
    by_facts = Runner(runtime.db, NullAnswers(), runtime.settings.model_copy(update={"rollups_enabled": False}))
    question = Question(MONTHS, groups=(Groups(BY[name], MEASURES, first=1_000),))

    async def check() -> None:
        found, expected = await runner.run(ctx, question), await by_facts.run(ctx, question)
        assert found.plan is not None
        assert [facet.is_stored for facet in found.plan.facets] == [True]
        shown = [[(group.keys, group.figures.values) for group in each.groups[0].groups] for each in (found, expected)]
        assert shown[0] == shown[1] != []

    async def add(seed: int) -> Facts:
        facts = made_up(ctx.tenant, seed=seed, start=START, days=150, orders=60, instances=200)
        for table in ("customers", "products", "orders", "refunds", "adjustments"):
            for row in facts.rows[table]:
                row["external_id"] = f"{seed}-{row['external_id']}"
        await insert(runtime.db, facts)
        await contribute(runtime.db, ctx, facts)
        return facts

    await add(1)
    await check()
    await fold(runtime.db, ctx.tenant_id, now=NOW)
    await check()
    await add(2)
    await check()
    await fold(runtime.db, ctx.tenant_id, now=NOW)
    await check()
