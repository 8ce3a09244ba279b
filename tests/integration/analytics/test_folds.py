"""A fact is in exactly one of rollups and deltas, whoever writes, folds and rebuilds at the same time."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from app.analytics.extent import kept_extent
from app.analytics.query import Between, ByDimension, Groups, Question
from app.analytics.rollups.catalog import CATALOG, TOKENS
from app.analytics.rollups.deltas import Contribution, append
from app.analytics.rollups.fold import fold, fold_batch, fold_if_piled_up
from app.analytics.rollups.rebuild import rebuild
from app.analytics.rollups.verify import verify
from app.analytics.runner import Runner
from app.cache.answers import NullAnswers
from app.core.context import Ctx, TenantInfo
from app.core.ids import new_id
from app.core.timegrain import Interval
from app.core.words import Grain
from app.db.session import Database, ReadSession
from app.runtime import Runtime
from tests.conftest import add_tenant, make_ctx
from tests.factories.facts import Facts, contribute, contributions, insert, insert_rows, made_up
from tests.integration.analytics.asking import asks, values

pytestmark = pytest.mark.database

START = datetime(2025, 10, 20, tzinfo=UTC)
NOW = datetime(2026, 3, 1, tzinfo=UTC)


async def count(db: Database, ctx: Ctx, table: str) -> int:
    async with db.read(ctx.tenant_id) as session:
        found: int = await session.fetchval(
            f"/* test.count */ SELECT count(*) FROM {table} WHERE tenant_id = $1", ctx.tenant_id
        )
    return found


async def zoned(admin: "asyncpg.Pool[Any]", zone: str) -> Ctx:
    """An administrator of a fresh tenant in the zone."""
    tenant = TenantInfo(new_id(), f"tenant {new_id()}", reporting_zone=zone, currency="GBP", is_test=False)
    await add_tenant(admin, tenant)
    return make_ctx(tenant, now=NOW)


async def write(db: Database, ctx: Ctx, facts: Facts) -> None:
    """Facts and their contributions in one transaction, as writers do."""
    async with db.write(ctx.tenant_id) as session:
        await insert_rows(session, facts)
        await append(ctx, session, contributions(facts))


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "Asia/Kolkata", "America/Santiago", "Australia/Lord_Howe", "Pacific/Apia"]
)
async def test_folded_rollups_are_what_the_facts_give(runtime: Runtime, admin: "asyncpg.Pool[Any]", zone: str) -> None:
    ctx = await zoned(admin, zone)
    facts = made_up(ctx.tenant, seed=3, start=START, days=130)
    await insert(runtime.db, facts)
    await contribute(runtime.db, ctx, facts)

    assert await verify(runtime.db, ctx.tenant_id) == []
    folded = await fold(runtime.db, ctx.tenant_id, now=NOW)

    assert folded > 400
    assert await count(runtime.db, ctx, "rollup_delta") == 0
    assert await count(runtime.db, ctx, "rollups") > 400
    assert await verify(runtime.db, ctx.tenant_id) == []
    assert await fold(runtime.db, ctx.tenant_id, now=NOW) == 0


async def test_verify_tells_what_differs(runtime: Runtime, ctx: Ctx) -> None:
    influencer = new_id()
    async with runtime.db.write(ctx.tenant_id) as session:
        await append(ctx, session, [Contribution(START, influencer_id=influencer, platform="X", clicks=2)])
    await fold(runtime.db, ctx.tenant_id, now=NOW)

    found = await verify(runtime.db, ctx.tenant_id)

    assert {(item.rollup_set, item.grain) for item in found} == {tuple(token.split(":")) for token in TOKENS}
    by_day = next(item for item in found if item.rollup_set == "influencer" and item.grain == Grain.DAY)
    assert (by_day.influencer_id, by_day.platform, by_day.campaign_id) == (influencer, None, None)
    # 20 October is still summer time in London.
    assert by_day.bucket == datetime(2025, 10, 19, 23, tzinfo=UTC)
    assert by_day.off == {"clicks": -2}


async def test_facts_of_a_tenant_without_rollups_are_all_missing(runtime: Runtime, ctx: Ctx) -> None:
    assert await verify(runtime.db, ctx.tenant_id) == [], "neither has anything"
    facts = made_up(ctx.tenant, seed=5, start=START, days=2, orders=0, instances=1)
    await insert(runtime.db, facts)
    assert await count(runtime.db, ctx, "rollup_state") == 0

    found = await verify(runtime.db, ctx.tenant_id)

    assert {f"{item.rollup_set}:{item.grain}" for item in found} == set(TOKENS)
    assert {item.off["instances"] for item in found} == {1}
    await rebuild(runtime.db, ctx.tenant, now=NOW)
    assert await verify(runtime.db, ctx.tenant_id) == []


async def test_batches_of_years_apart_are_folded_one_after_the_other(runtime: Runtime, ctx: Ctx) -> None:
    years = [datetime(year, 6, 1, tzinfo=UTC) for year in (1950, 1990, 2025)]
    async with runtime.db.write(ctx.tenant_id) as session:
        await append(ctx, session, [Contribution(at, instances=1) for at in years])

    await fold(runtime.db, ctx.tenant_id, now=NOW)

    assert await count(runtime.db, ctx, "rollup_delta") == 0
    per_year = sum(len(rollup.grains) for rollup in CATALOG)
    assert await count(runtime.db, ctx, "rollups") == per_year * len(years)


async def test_nothing_is_lost_or_doubled_by_writers_folds_and_rebuilds_at_once(
    runtime: Runtime, ctx: Ctx, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Facts come between the statements of a rebuild, too.
    monkeypatch.setattr("app.analytics.rollups.rebuild.CHUNK", timedelta(days=10))
    ctx = make_ctx(ctx.tenant, now=NOW)
    batches = [made_up(ctx.tenant, seed=seed, start=START, days=90, orders=12, instances=30) for seed in range(24)]
    for number, facts in enumerate(batches):
        for rows in facts.rows.values():
            for row in rows:
                if "external_id" in row:
                    row["external_id"] = f"{number}-{row['external_id']}"
    under_way = True
    differences: list[Any] = []

    async def writer(mine: list[Facts]) -> None:
        for facts in mine:
            await write(runtime.db, ctx, facts)

    async def folder() -> None:
        while under_way:
            await fold(runtime.db, ctx.tenant_id, now=NOW)
            await asyncio.sleep(0)

    async def rebuilder() -> None:
        for _ in range(3):
            await asyncio.sleep(0.05)
            await rebuild(runtime.db, ctx.tenant, now=NOW)

    async def verifier() -> None:
        while under_way:
            differences.extend(await verify(runtime.db, ctx.tenant_id))
            await asyncio.sleep(0.01)

    others = [asyncio.create_task(work()) for work in (folder, folder, verifier)]
    rebuilding = asyncio.create_task(rebuilder())
    try:
        await asyncio.gather(*(writer(batches[number::4]) for number in range(4)))
        await rebuilding
    finally:
        under_way = False
        await asyncio.gather(*others)

    assert differences == []
    assert await verify(runtime.db, ctx.tenant_id) == []
    await fold(runtime.db, ctx.tenant_id, now=NOW)
    assert await verify(runtime.db, ctx.tenant_id) == []
    async with runtime.db.read(ctx.tenant_id) as session:
        stored = await session.fetchval(
            """/* test.sum */ SELECT sum(instances) FROM rollups
            WHERE tenant_id = $1 AND rollup_set = 'platform' AND grain = 'MONTH'""",
            ctx.tenant_id,
        )
    assert stored == sum(len(facts.rows["instances"]) for facts in batches)


async def test_rebuild_repairs_and_moves_to_the_tenants_new_zone(runtime: Runtime, admin: "asyncpg.Pool[Any]") -> None:
    ctx = await zoned(admin, "Europe/London")
    facts = made_up(ctx.tenant, seed=5, start=START, days=60)
    await insert(runtime.db, facts)
    await contribute(runtime.db, ctx, facts)
    await fold(runtime.db, ctx.tenant_id, now=NOW)
    async with runtime.db.write(ctx.tenant_id) as session:
        await session.execute(
            "/* test.break */ UPDATE rollups SET clicks = clicks + 1 WHERE tenant_id = $1", ctx.tenant_id
        )
    assert await verify(runtime.db, ctx.tenant_id) != []
    moved = TenantInfo(ctx.tenant_id, ctx.tenant.name, reporting_zone="Asia/Tokyo", currency="GBP", is_test=False)

    await rebuild(runtime.db, moved, now=NOW)

    assert await verify(runtime.db, ctx.tenant_id) == []
    async with runtime.db.read(ctx.tenant_id) as session:
        state = await session.fetchrow(
            "/* test.state */ SELECT * FROM rollup_state WHERE tenant_id = $1", ctx.tenant_id
        )
    assert state is not None
    assert (state["generation"], state["zone"], state["rebuilt_at"]) == (2, "Asia/Tokyo", NOW)
    assert set(state["sets"]) == set(TOKENS)


async def test_rebuild_of_a_tenant_without_facts_makes_its_state(runtime: Runtime, ctx: Ctx) -> None:
    await rebuild(runtime.db, ctx.tenant, now=NOW)

    assert await count(runtime.db, ctx, "rollup_state") == 1
    assert await count(runtime.db, ctx, "rollups") == 0


async def test_answers_use_only_the_sets_that_are_stored(runtime: Runtime, ctx: Ctx) -> None:
    ctx = make_ctx(ctx.tenant, now=NOW)
    facts = made_up(ctx.tenant, seed=6, start=START, days=60, orders=20, instances=50)
    await insert(runtime.db, facts)
    await contribute(runtime.db, ctx, facts)
    runner = Runner(runtime.db, NullAnswers(), runtime.settings)
    month = Between(datetime(2025, 11, 1, tzinfo=UTC), datetime(2025, 12, 1, tzinfo=UTC))
    question = Question(month, groups=(Groups((ByDimension("influencer"),), asks("clicks")),))

    before = await runner.run(ctx, question)
    async with runtime.db.write(ctx.tenant_id) as session:
        await session.execute(
            """/* test.unstore */ UPDATE rollup_state SET sets = '{platform:DAY}', generation = generation + 1
            WHERE tenant_id = $1""",
            ctx.tenant_id,
        )
    without = await runner.run(ctx, question)

    assert before.plan is not None
    assert without.plan is not None
    assert [source.kind for source in before.plan.sources] == ["ROLLUP", "DELTAS"]
    assert [source.kind for source in without.plan.sources] == ["FACTS"]
    assert [(group.keys, values(group.figures)) for group in before.groups[0].groups] == [
        (group.keys, values(group.figures)) for group in without.groups[0].groups
    ]


async def test_what_another_release_stores_is_not_folded_past(runtime: Runtime, ctx: Ctx) -> None:
    async with runtime.db.write(ctx.tenant_id) as session:
        await append(ctx, session, [Contribution(START, clicks=1)])
    async with runtime.db.write(ctx.tenant_id) as session:
        await session.execute(
            "/* test.store */ UPDATE rollup_state SET sets = sets || '{later:MONTH}' WHERE tenant_id = $1",
            ctx.tenant_id,
        )

    # Folded without that set, the click would be missing from it for the release that reads it.
    assert await fold(runtime.db, ctx.tenant_id, now=NOW) == 0
    assert (await count(runtime.db, ctx, "rollup_delta"), await count(runtime.db, ctx, "rollups")) == (1, 0)

    await rebuild(runtime.db, ctx.tenant, now=NOW)
    async with runtime.db.write(ctx.tenant_id) as session:
        await append(ctx, session, [Contribution(START, clicks=1)])
    assert await fold(runtime.db, ctx.tenant_id, now=NOW) == 1


async def test_a_writer_folds_once_deltas_have_piled_up(runtime: Runtime, ctx: Ctx) -> None:
    settings = runtime.settings.model_copy(update={"fold_deltas_max": 100})
    items = [Contribution(START + timedelta(seconds=second), clicks=1) for second in range(99)]
    async with runtime.db.write(ctx.tenant_id) as session:
        appended = await append(ctx, session, items)
        await fold_if_piled_up(ctx, session, settings, appended=appended)
    assert await count(runtime.db, ctx, "rollup_delta") == 99

    async with runtime.db.write(ctx.tenant_id) as session:
        await append(ctx, session, [Contribution(START, purchases=1)])
        await fold_if_piled_up(ctx, session, settings, appended=10)

    assert await count(runtime.db, ctx, "rollup_delta") == 0


async def test_a_writer_of_few_facts_rarely_looks(
    runtime: Runtime, ctx: Ctx, count_statements: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.db.piles.random.random", lambda: 0.5)

    async with runtime.db.write(ctx.tenant_id) as session:
        with count_statements() as statements:
            await fold_if_piled_up(ctx, session, runtime.settings, appended=3)

    assert statements == []


async def test_a_writer_does_not_wait_for_a_fold_under_way(runtime: Runtime, ctx: Ctx) -> None:
    async with runtime.db.write(ctx.tenant_id) as session:
        await append(ctx, session, [Contribution(START, clicks=1)])
    async with runtime.db.write(ctx.tenant_id) as folding:
        assert await fold_batch(folding, now=NOW) == 1
        async with runtime.db.write(ctx.tenant_id) as session:
            await append(ctx, session, [Contribution(START, clicks=1)])
            assert await fold_batch(session, now=NOW, wait=False) == 0

    assert await count(runtime.db, ctx, "rollup_delta") == 1


async def test_nobody_waits_for_the_first_rebuild_of_a_tenant(
    runtime: Runtime, ctx: Ctx, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_lock, go_on = asyncio.Event(), asyncio.Event()
    measured = kept_extent

    async def waiting(session: ReadSession) -> Interval | None:
        has_lock.set()
        await go_on.wait()
        return await measured(session)

    monkeypatch.setattr("app.analytics.rollups.rebuild.kept_extent", waiting)
    rebuilding = asyncio.create_task(rebuild(runtime.db, ctx.tenant, now=NOW))
    await has_lock.wait()
    facts = made_up(ctx.tenant, seed=9, start=START, days=10)
    async with asyncio.timeout(5):
        await write(runtime.db, ctx, facts)
    go_on.set()
    await rebuilding

    assert await verify(runtime.db, ctx.tenant_id) == []
    assert await count(runtime.db, ctx, "rollup_delta") == 0


async def test_a_rebuild_waits_for_the_fold_under_way(runtime: Runtime, ctx: Ctx) -> None:
    async with runtime.db.write(ctx.tenant_id) as session:
        await append(ctx, session, [Contribution(START, clicks=1)])
    async with runtime.db.write(ctx.tenant_id) as folding:
        assert await fold_batch(folding, now=NOW) == 1
        rebuilding = asyncio.create_task(rebuild(runtime.db, ctx.tenant, now=NOW))
        done, _ = await asyncio.wait([rebuilding], timeout=0.2)
        assert not done
    await rebuilding

    # There was no fact that this came from.
    assert await count(runtime.db, ctx, "rollups") == 0
    assert await verify(runtime.db, ctx.tenant_id) == []
