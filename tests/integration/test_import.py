"""The import of Online Retail: what answers say of it equals the file itself, to the cent, from wherever they are read.

tests/oracle/csv_figures reads the file by itself and knows nothing of the app.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from app.analytics.answer import Answer
from app.analytics.pages import Group
from app.analytics.plan import SourceKind
from app.analytics.query import Between, ByDimension, ByTime, GroupElement, Groups, Question
from app.analytics.rollups.fold import fold
from app.analytics.rollups.verify import verify
from app.analytics.runner import Runner
from app.cache.answers import NullAnswers
from app.core.context import Ctx, TenantInfo, nobody
from app.core.ids import new_id
from app.core.outcomes import Outcome
from app.core.timegrain import Granularity
from app.core.words import LineKind
from app.errors import DomainError
from app.influencers.inputs import InfluencerInput
from app.integrations.online_retail import survey
from app.runtime import Runtime
from app.seeding.online_retail import Imported, import_online_retail
from app.seeding.program import CAMPAIGNS, PERSONAS
from app.usecases.create_influencers import create_influencers
from tests.conftest import add_tenant
from tests.factories.online_retail import FULL, SLICE, needs_full, row, write
from tests.factories.orders import Look
from tests.integration.analytics.asking import asks, values
from tests.oracle.csv_figures import Figures, FileFigures, figures

pytestmark = pytest.mark.database

Admin: TypeAlias = "asyncpg.Pool[Any]"

LONDON = ZoneInfo("Europe/London")
ALL_OF_IT = Between(datetime(2010, 12, 1, tzinfo=LONDON), datetime(2012, 1, 1, tzinfo=LONDON))
MEASURES = ("orders", "customers", "units", "grossRevenue", "refunds", "netRevenue")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A tenant with a whole file in it, what the import said, and what the file says by itself."""

    ctx: Ctx
    imported: Imported
    file: FileFigures


def expected(of: Figures) -> tuple[Any, ...]:
    """What the file says of MEASURES."""
    return len(of.orders), len(of.customers), of.units, of.gross, of.refunds, of.net


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(SLICE, id="slice"),
        pytest.param(FULL, id="whole", marks=[pytest.mark.slow, needs_full]),
    ],
)
async def loaded(request: pytest.FixtureRequest, runtime: Runtime, admin: Admin) -> Loaded:
    """The file, imported with its program; the deltas are not folded yet."""
    path: Path = request.param
    ctx = await fresh_tenant(admin)
    imported = await import_online_retail(runtime, ctx, survey(path))
    return Loaded(ctx, imported, figures(path))


async def fresh_tenant(admin: Admin) -> Ctx:
    """A request of whoever imports into a new tenant."""
    tenant = TenantInfo(new_id(), f"shop {uuid.uuid4().hex}", "Europe/London", "GBP", is_test=False)
    await add_tenant(admin, tenant)
    return nobody(tenant, datetime.now(LONDON))


@pytest.fixture(params=["deltas", "rollups", "facts", "cache"])
async def runner(request: pytest.FixtureRequest, runtime: Runtime, loaded: Loaded) -> Runner:
    """Answers from deltas that wait, from folded rollups, from facts alone, and from the cache."""
    settings = runtime.settings.model_copy(
        update={"rollups_enabled": request.param != "facts", "page_items_max": 10_000, "answer_bytes_max": 50_000_000}
    )
    if request.param != "deltas":
        await fold(runtime.db, loaded.ctx.tenant_id, now=loaded.ctx.now)
    return Runner(runtime.db, runtime.answers if request.param == "cache" else NullAnswers(), settings)


async def asked(runner: Runner, ctx: Ctx, question: Question) -> Answer:
    """The answer; with a cache the remembered one."""
    answer = await runner.run(ctx, question)
    if isinstance(runner.answers, NullAnswers):
        return answer
    again = await runner.run(ctx, question)
    assert again.plan is None, "what comes from the cache was not planned"
    return again


async def cells(runner: Runner, ctx: Ctx, *by: GroupElement) -> list[Group]:
    """All groups, page by page."""
    found: list[Group] = []
    after = None
    while True:
        answer = await asked(runner, ctx, Question(ALL_OF_IT, groups=(Groups(by, asks(*MEASURES), after=after),)))
        (page,) = answer.groups
        found += page.groups
        if not page.has_next:
            return found
        after = page.cursor(page.groups[-1].number)


async def test_nothing_was_refused(loaded: Loaded) -> None:
    assert loaded.imported.is_whole
    phases = {name: (phase.recorded, phase.replayed) for name, phase in loaded.imported.phases.items()}
    report = loaded.imported.report
    assert phases["orders"] == (report.orders, 0)
    assert phases["refunds"] == (report.refunds, 0)
    assert phases["adjustments"] == (report.adjustments, 0)
    assert phases["instances"][0] > report.orders


async def test_lines_and_units_equal_the_file_by_month_and_product(runtime: Runtime, loaded: Loaded) -> None:
    async with runtime.db.read(loaded.ctx.tenant_id) as session:
        rows = await session.fetch(
            """/* test.lines */
            SELECT to_char(line.occurred_at AT TIME ZONE 'Europe/London', 'YYYY-MM') AS month,
              product.external_id AS product, count(*) AS lines, sum(line.quantity)::bigint AS units,
              sum(line.amount_minor)::bigint AS pence
            FROM order_lines AS line
            JOIN products AS product ON product.tenant_id = $1 AND product.id = line.product_id
            WHERE line.tenant_id = $1
            GROUP BY 1, 2""",
            loaded.ctx.tenant_id,
        )

    found = {(row["month"], row["product"]): (row["lines"], row["units"], Decimal(row["pence"]) / 100) for row in rows}
    assert found == {cell: (of.lines, of.units, of.gross) for cell, of in loaded.file.cells.items() if of.lines}
    assert sum(lines for lines, _, _ in found.values()) == loaded.file.whole.lines
    assert await Look(runtime.db, loaded.ctx).value("count(*)", "order_lines", f"kind <> '{LineKind.ITEM}'") == 0


async def test_totals_equal_the_file(runner: Runner, loaded: Loaded) -> None:
    answer = await asked(runner, loaded.ctx, Question(ALL_OF_IT, totals=asks(*MEASURES)))

    assert values(answer.totals) == expected(loaded.file.whole)


async def test_months_equal_the_file(runner: Runner, loaded: Loaded) -> None:
    found = {
        group.time.local_date.strftime("%Y-%m"): values(group.figures)
        for group in await cells(runner, loaded.ctx, ByTime(Granularity.MONTH))
        if group.time is not None
    }

    assert found == {month: expected(of) for month, of in loaded.file.months.items()}


async def test_products_equal_the_file(runner: Runner, runtime: Runtime, loaded: Loaded) -> None:
    codes = {row["id"]: row["external_id"] for row in await Look(runtime.db, loaded.ctx).rows("products")}

    found = {
        codes[group.keys[0]]: values(group.figures) for group in await cells(runner, loaded.ctx, ByDimension("product"))
    }

    assert found == {product: expected(of) for product, of in loaded.file.products.items()}


async def test_products_of_a_month_equal_the_file(runner: Runner, runtime: Runtime, loaded: Loaded) -> None:
    codes = {row["id"]: row["external_id"] for row in await Look(runtime.db, loaded.ctx).rows("products")}
    by = (ByTime(Granularity.MONTH), ByDimension("product"))

    found = {
        (group.time.local_date.strftime("%Y-%m"), codes[group.keys[0]]): values(group.figures)
        for group in await cells(runner, loaded.ctx, *by)
        if group.time is not None
    }

    assert found == {cell: expected(of) for cell, of in loaded.file.cells.items()}


async def test_money_by_month_comes_from_rollups(runtime: Runtime, loaded: Loaded) -> None:
    await fold(runtime.db, loaded.ctx.tenant_id, now=loaded.ctx.now)
    measures = ("orders", "units", "grossRevenue", "refunds", "netRevenue")
    question = Question(ALL_OF_IT, groups=(Groups((ByTime(Granularity.MONTH),), asks(*measures)),))

    answer = await Runner(runtime.db, NullAnswers(), runtime.settings).run(loaded.ctx, question)

    assert answer.plan is not None
    assert {source.kind for source in answer.plan.sources} == {SourceKind.ROLLUP, SourceKind.DELTAS}
    found = {
        group.time.local_date.strftime("%Y-%m"): values(group.figures)
        for group in answer.groups[0].groups
        if group.time
    }
    assert found == {
        month: (len(of.orders), of.units, of.gross, of.refunds, of.net) for month, of in loaded.file.months.items()
    }


async def test_a_repeated_question_is_answered_from_the_cache(
    runtime: Runtime, loaded: Loaded, count_statements: Callable[[], Any]
) -> None:
    runner = Runner(runtime.db, runtime.answers, runtime.settings)
    question = Question(ALL_OF_IT, totals=asks(*MEASURES))
    await runner.run(loaded.ctx, question)

    with count_statements() as statements:
        answer = await runner.run(loaded.ctx, question)

    assert statements == []
    assert values(answer.totals) == expected(loaded.file.whole)


async def test_attribution_has_work(runtime: Runtime, loaded: Loaded) -> None:
    measures = ("orders", "commission", "purchases", "clicks")
    question = Question(
        ALL_OF_IT, totals=asks(*measures), groups=(Groups((ByDimension("influencer"),), asks(*measures)),)
    )

    answer = await Runner(runtime.db, NullAnswers(), runtime.settings).run(loaded.ctx, question)

    orders, commission, purchases, clicks = values(answer.totals)
    credited = [group for group in answer.groups[0].groups if group.keys[0] is not None]
    assert len(credited) == len(PERSONAS)
    assert all(values(group.figures)[3] for group in credited), "everybody is clicked"
    assert 0.25 < purchases / orders < 0.5  # type: ignore[operator]
    assert commission > 0  # type: ignore[operator]
    assert clicks > orders  # type: ignore[operator]
    look = Look(runtime.db, loaded.ctx)
    assert await look.value("sum(amount_minor)", "ledger_entries") == 0
    assert await look.value("count(DISTINCT campaign_id)", "credits") == len(CAMPAIGNS)
    assert await look.value("count(DISTINCT platform)", "instances") > 5
    assert await look.value("count(DISTINCT influencer_id)", "engagement_snapshots") == len(PERSONAS)
    assert await look.value("count(DISTINCT campaign_id)", "engagement_snapshots") == len(CAMPAIGNS)
    assert await look.value("count(DISTINCT campaign_id)", "spend") == len(CAMPAIGNS)
    assert await look.value("count(*)", "spend", "amount_base_minor IS NULL OR influencer_id IS NULL") > 50


async def test_rollups_equal_the_facts(runtime: Runtime, loaded: Loaded) -> None:
    await fold(runtime.db, loaded.ctx.tenant_id, now=loaded.ctx.now)

    assert await verify(runtime.db, loaded.ctx.tenant_id) == []


async def test_a_second_import_replays(runtime: Runtime, admin: Admin, tmp_path: Path) -> None:
    path = write(
        tmp_path / "small.csv",
        row("536365", "85123A", 6),
        row("536366", "22632", 2, "1.85", customer=""),
        row("C536367", "85123A", -1, at="2010-12-02 10:00:00"),
        row("C536368", "22632", -1, "1.85", customer="", at="2010-12-02 10:05:00"),
    )
    ctx = await fresh_tenant(admin)
    first = await import_online_retail(runtime, ctx, survey(path))
    look = Look(runtime.db, ctx)
    tables = (
        "orders",
        "order_lines",
        "refunds",
        "adjustments",
        "instances",
        "credits",
        "commissions",
        "links",
        "codes",
        "engagement_snapshots",
        "spend",
    )
    before = await look.counts(*tables)

    second = await import_online_retail(runtime, ctx, survey(path))

    assert first.is_whole
    assert second.is_whole
    assert {name: phase.recorded for name, phase in second.phases.items()} == dict.fromkeys(first.phases, 0)
    assert {name: phase.replayed for name, phase in second.phases.items()} == {
        name: phase.recorded for name, phase in first.phases.items()
    }
    assert await look.counts(*tables) == before
    assert (before["orders"], before["order_lines"], before["refunds"], before["adjustments"]) == (2, 2, 1, 1)


async def test_without_program_orders_come_as_the_file_has_them(runtime: Runtime, admin: Admin, tmp_path: Path) -> None:
    ctx = await fresh_tenant(admin)

    imported = await import_online_retail(
        runtime, ctx, survey(write(tmp_path / "small.csv", row())), with_program=False
    )

    assert set(imported.phases) == {"customers", "products", "orders"}
    (order,) = await Look(runtime.db, ctx).rows("orders")
    assert (order["visitor_id"], order["click_id"], order["codes"]) == (None, None, [])


async def test_what_is_known_with_other_content_is_refused_and_told(
    runtime: Runtime, admin: Admin, tmp_path: Path
) -> None:
    ctx = await fresh_tenant(admin)
    await import_online_retail(runtime, ctx, survey(write(tmp_path / "one.csv", row())), with_program=False)

    imported = await import_online_retail(
        runtime, ctx, survey(write(tmp_path / "two.csv", row(quantity=7))), with_program=False
    )

    assert not imported.is_whole
    (refusal,) = imported.to_json()["phases"]["orders"]["rejections"]
    assert (refusal["externalId"], refusal["code"]) == ("536365", "CONFLICTING_DUPLICATE")


async def test_a_program_that_cannot_be_laid_ends_the_import_with_a_reason(
    runtime: Runtime, admin: Admin, tmp_path: Path
) -> None:
    ctx = await fresh_tenant(admin)
    (taken,) = await create_influencers(
        runtime, ctx, [InfluencerInput("Somebody else", external_id=PERSONAS[0].handle)]
    )
    assert taken.outcome is Outcome.RECORDED

    with pytest.raises(DomainError, match="cannot be laid") as refused:
        await import_online_retail(runtime, ctx, survey(write(tmp_path / "one.csv", row())))

    assert refused.value.code == "CONFLICTING_DUPLICATE"
    assert await Look(runtime.db, ctx).counts("orders", "instances") == {"orders": 0, "instances": 0}
