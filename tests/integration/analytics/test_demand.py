"""The record of what questions needed of rollups: counted, bounded, written now and then; and the advice it gives."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import orjson
import pytest
import structlog

from app import worker
from app.analytics.query import Ask, Between, ByDimension, Columns, Groups, Matches, Question
from app.analytics.rollups import rebuild as rebuilding
from app.analytics.rollups import record as recording_module
from app.analytics.rollups.catalog import DIMENSION_SETS, GRAINS, RollupSet
from app.analytics.rollups.demand import Demand
from app.analytics.rollups.record import Asked, asked, record, recording
from app.analytics.rollups.sizes import sizes
from app.analytics.runner import Runner
from app.cache.answers import NullAnswers
from app.core.clock import FixedClock
from app.core.context import Ctx, TenantInfo
from app.core.ids import new_id
from app.db.session import Database
from app.errors import OutsideError
from app.runtime import Runtime
from app.settings import Settings
from tests.conftest import add_tenant, make_ctx
from tests.factories.commands import Commands, Scoville, output
from tests.factories.facts import contribute, insert, made_up
from tests.factories.orders import Look
from tests.integration.analytics.asking import RANGE, UNTIL, MakeKey, asking
from tests.integration.analytics.store import START, Store

pytestmark = pytest.mark.database

CLICKS = Columns((Ask("clicks"),))
TODAY = datetime(2026, 3, 1, tzinfo=UTC)


def by(*dimensions: str, **more: Any) -> Question:
    """Clicks by these."""
    return Question(Between(START, UNTIL), groups=(Groups(tuple(map(ByDimension, dimensions)), CLICKS),), **more)


def counting(runtime: Runtime, demand: Demand) -> Runner:
    """A runner that counts, and remembers no answers."""
    return Runner(runtime.db, NullAnswers(), runtime.settings, demand)


async def on_record(db: Database, ctx: Ctx, *, since: datetime = TODAY) -> Asked:
    """What is on record of the tenant."""
    async with db.read(ctx.tenant_id) as session:
        return await asked(session, since=since)


def counts(found: Asked) -> dict[tuple[str, ...], int]:
    """Questions by the dimensions of their only reading."""
    return {shape.readings[0].dimensions: count for shape, count in found.questions.items()}


@pytest.fixture
async def shop(runtime: Runtime, admin: "asyncpg.Pool[Any]") -> Store:
    """A tenant of this test's own, with facts of three months at most."""
    tenant = TenantInfo(new_id(), f"shop {new_id()}", reporting_zone="Europe/London", currency="GBP", is_test=False)
    await add_tenant(admin, tenant)
    ctx = make_ctx(tenant)
    start = datetime(2026, 1, 5, tzinfo=UTC)
    facts = made_up(tenant, seed=11, start=start, days=30, orders=40, instances=2_000)
    await insert(runtime.db, facts)
    await contribute(runtime.db, ctx, facts)
    return Store(ctx, facts, None)  # type: ignore[arg-type]  # nothing is computed a second way here


async def test_questions_are_recorded_by_shape_and_day(runtime: Runtime, shop: Store) -> None:
    demand = Demand()
    runner = counting(runtime, demand)

    for _ in range(3):
        await runner.run(shop.ctx, by("campaign"))
    await runner.run(shop.ctx, by("platform", "influencer"))
    await record(runtime.db, demand, now=TODAY + timedelta(hours=5))
    await runner.run(shop.ctx, by("campaign"))
    await record(runtime.db, demand, now=TODAY + timedelta(hours=23))
    await runner.run(shop.ctx, by("campaign"))
    await record(runtime.db, demand, now=TODAY + timedelta(days=1))

    found = await on_record(runtime.db, shop.ctx)
    assert (counts(found), found.since, found.beyond) == (
        {("campaign",): 5, ("influencer", "platform"): 1},
        TODAY,
        0,
    )
    later = await on_record(runtime.db, shop.ctx, since=TODAY + timedelta(days=1, hours=7))
    assert (counts(later), later.since) == ({("campaign",): 1}, TODAY + timedelta(days=1))


async def test_no_value_of_a_filter_is_recorded(runtime: Runtime, shop: Store) -> None:
    demand, secret = Demand(), new_id()
    where = Matches("campaign", isin=(secret,))

    await counting(runtime, demand).run(shop.ctx, by("platform", where=where))
    await record(runtime.db, demand, now=TODAY)

    (row,) = await Look(runtime.db, shop.ctx).rows("rollup_demand")
    assert row.keys() == {"tenant_id", "day", "shape", "readings", "questions"}
    (reading,) = row["readings"]
    assert reading == {
        "dimensions": ["campaign", "platform"],
        "sources": ["instances"],
        "grain": "YEAR",
        "start": START.isoformat(),
        "end": UNTIL.isoformat(),
        "breaks": [],
    }
    assert str(secret) not in orjson.dumps(row, default=str).decode()


async def test_answers_that_were_kept_are_not_counted(runtime: Runtime, shop: Store) -> None:
    demand = Demand()
    runner = replace(counting(runtime, demand), answers=runtime.answers)

    for _ in range(4):
        await runner.run(shop.ctx, by("campaign"))

    (gathered,) = demand.take().gathered
    assert gathered.questions == 1


async def test_questions_of_the_api_and_files_are_counted(runtime: Runtime, shop: Store, make_key: MakeKey) -> None:
    demand = Demand()
    table = "table(by: [{dimension: {name: CAMPAIGN}}], measures: [{name: CLICKS}]) { rowCount }"
    groups = "groups(by: [{dimension: {name: INFLUENCER}}]) { nodes { measures { clicks } } }"
    async with asking(replace(runtime, demand=demand), shop, make_key) as client:
        await client.data(f"{{ analytics({RANGE}) {{ {groups} }} }}")
        document = f"{{ analytics({RANGE}) {{ {table} }} }}"
        file = await client.post({"query": document}, headers={"Accept": "text/csv"})
    assert (file.status_code, file.headers["Content-Type"].split(";")[0]) == (200, "text/csv")

    await record(runtime.db, demand, now=TODAY)

    assert counts(await on_record(runtime.db, shop.ctx)) == {("campaign",): 1, ("influencer",): 1}


async def test_shapes_of_a_day_are_bounded(runtime: Runtime, shop: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_module, "SHAPES_MAX", 2)
    demand = Demand()
    runner = counting(runtime, demand)

    for dimensions, times in ((("campaign",), 3), (("platform",), 2), (("country",), 1)):
        for _ in range(times):
            await runner.run(shop.ctx, by(*dimensions))
    await record(runtime.db, demand, now=TODAY)
    await runner.run(shop.ctx, by("campaign"))
    await runner.run(shop.ctx, by("influencer"))
    await record(runtime.db, demand, now=TODAY)

    found = await on_record(runtime.db, shop.ctx)
    assert (counts(found), found.beyond) == ({("campaign",): 4, ("platform",): 2}, 2)
    assert len(await Look(runtime.db, shop.ctx).rows("rollup_demand")) == 3


async def test_the_record_is_written_now_and_then_and_at_the_end(runtime: Runtime, shop: Store) -> None:
    demand = Demand()
    runner = counting(runtime, demand)

    async with recording(runtime.db, demand, FixedClock(TODAY), interval_s=0.01):
        await runner.run(shop.ctx, by("campaign"))
        async with asyncio.timeout(20):
            while not (await on_record(runtime.db, shop.ctx)).questions:  # noqa: ASYNC110 - what another task writes
                await asyncio.sleep(0.01)
    async with recording(runtime.db, demand, FixedClock(TODAY), interval_s=3600):
        await runner.run(shop.ctx, by("platform"))

    assert counts(await on_record(runtime.db, shop.ctx)) == {("campaign",): 1, ("platform",): 1}


async def test_a_record_that_cannot_be_written_is_logged_and_lost(
    runtime: Runtime, shop: Store, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    demand = Demand()
    runner = counting(runtime, demand)
    await runner.run(store.ctx, by("campaign"))
    await runner.run(shop.ctx, by("campaign"))
    write = runtime.db.write

    def failing(tenant_id: Any, **more: Any) -> Any:
        if tenant_id == store.ctx.tenant_id:
            raise OutsideError("The database is away.", retryable=True)
        return write(tenant_id, **more)

    monkeypatch.setattr(runtime.db, "write", failing)
    with structlog.testing.capture_logs() as logs:
        await record(runtime.db, demand, now=TODAY)

    assert [(line["event"], line["tenant_id"]) for line in logs] == [("demand_not_recorded", str(store.ctx.tenant_id))]
    assert counts(await on_record(runtime.db, shop.ctx)) == {("campaign",): 1}
    assert demand.take().gathered == ()


async def test_the_worker_forgets_old_records(runtime: Runtime, shop: Store) -> None:
    demand, kept = Demand(), timedelta(days=runtime.settings.demand_days)
    for age in (kept + timedelta(days=1), kept, timedelta()):
        await counting(runtime, demand).run(shop.ctx, by("campaign"))
        await record(runtime.db, demand, now=TODAY - age)

    await worker.forget_demand(replace(runtime, clock=FixedClock(TODAY + timedelta(hours=3))))

    rows = await Look(runtime.db, shop.ctx).rows("rollup_demand", order="day")
    assert [row["day"] for row in rows] == [TODAY - kept, TODAY]


@pytest.fixture
def scoville(commands: Commands, settings: Settings) -> Scoville:
    """Runs a command against the suite's servers."""
    return commands.on(settings)


@contextmanager
def declared(sets: tuple[RollupSet, ...]) -> Iterator[None]:
    """Another catalog for rebuilds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rebuilding, "CATALOG", sets)
        patch.setattr(rebuilding, "TOKENS", tuple(each.token(grain) for each in sets for grain in each.grains))
        yield


async def test_sizes_are_those_that_a_rebuild_stores(runtime: Runtime, shop: Store) -> None:
    zone = shop.ctx.tenant.reporting_zone
    every = tuple(RollupSet("+".join(each), each, GRAINS, cells=1) for each in DIMENSION_SETS)
    async with runtime.db.snapshot(shop.ctx.tenant_id) as session:
        measured = await sizes(session, zone)
    assert measured is not None

    with declared(every):
        await rebuilding.rebuild(runtime.db, shop.ctx.tenant, now=shop.ctx.now)

    async with runtime.db.snapshot(shop.ctx.tenant_id) as session:
        after = await sizes(session, zone)
    assert after is not None
    assert len(after.stored) == len(DIMENSION_SETS) * len(GRAINS)
    for each in DIMENSION_SETS:
        for grain in GRAINS:
            expected = after.stored["+".join(each), grain]
            assert measured.rows(frozenset(each), grain) == pytest.approx(expected), (each, grain)
    look = Look(runtime.db, shop.ctx)
    facts = sum([await look.value("count(*)", source.value) for source in measured.daily])
    assert measured.facts == pytest.approx(facts)


async def test_what_is_asked_most_is_what_advice_is_of(runtime: Runtime, shop: Store, scoville: Scoville) -> None:
    demand = Demand()
    runner = counting(runtime, demand)
    tenant = ("--tenant", shop.ctx.tenant.name)
    before = output(scoville("rollups", "advise", *tenant, "--json"))
    text = scoville("rollups", "advise", *tenant).stdout
    assert (before["questions"], before["since"], before["proposals"]) == (0, None, [])
    assert text.startswith("No question is on record yet")
    assert "never used" not in text

    for _ in range(500):
        await runner.run(shop.ctx, Question(Between(START, UNTIL), totals=CLICKS))
    await runner.run(shop.ctx, by("country"))
    await record(runtime.db, demand, now=datetime.now(UTC))

    found = output(scoville("rollups", "advise", *tenant, "--json"))
    (proposal,) = [each for each in found["proposals"] if each["name"] == "total"]
    assert (proposal["is_new"], proposal["dimensions"], proposal["questions"]) == (True, [], 500)
    assert "MONTH" in proposal["grains"]
    assert proposal["rows_after"] < proposal["rows_before"]
    assert proposal["declaration"].startswith('RollupSet("total", (), (Grain.MONTH,')
    assert [(each["needs"], each["questions"]) for each in found["unserved"]] == [(["country"], 1)]
    unused = {(each["name"], each["grain"]) for each in found["stored"] if not each["questions"]}
    assert ("influencer", "DAY") in unused
    text = scoville("rollups", "advise", *tenant).stdout
    assert "Declare total by MONTH" in text
    assert proposal["declaration"] in text
    assert "No set can serve 1 questions" in text
    assert "never used" in text
    assert output(scoville("rollups", "advise", *tenant, "--days", "1", "--json")) == found
