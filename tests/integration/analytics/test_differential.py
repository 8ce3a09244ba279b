"""Random questions over the whole language, from rollups and from facts, against the oracle over exported facts.

A difference is told with its seed and number. `ORACLE_SEEDS=7,8 pytest -m slow tests/integration/analytics` asks those
of seeds 7 and 8, in the same order.
"""

import ast
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.analytics.query import Parents
from app.analytics.rollups.fold import fold
from app.analytics.rollups.verify import verify
from app.analytics.runner import Runner
from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.semantic.measures import MEASURES
from app.cache.answers import NullAnswers
from app.core.clock import FixedClock
from app.core.context import Ctx, Role, TenantInfo
from app.core.ids import new_id
from app.main import create_app
from app.runtime import Runtime
from app.seeding.export import export_facts
from tests.client import Client
from tests.conftest import add_tenant, make_ctx
from tests.factories.facts import contribute, insert, made_up
from tests.factories.moves import move_some
from tests.factories.rates import OWN_CURRENCIES, add_own_rates, add_rates
from tests.integration.analytics import documents
from tests.integration.analytics.asking import MakeKey
from tests.integration.analytics.comparing import difference, differences, differences_each, expected, whole
from tests.invariants.source import python_files
from tests.oracle import measures as oracle_measures
from tests.oracle.oracle import Oracle
from tests.oracle.questions import Questions

START = datetime(2025, 9, 1, 7, 30, tzinfo=UTC)
"""Before clocks change: in Santiago on the 7th, where midnight is skipped, and on Lord Howe by half an hour."""

DAYS = 190
END = START + timedelta(days=DAYS + 40)
"""After the last refund, and after clocks have changed back."""

TENANTS = (
    ("Europe/London", "GBP"),
    ("Europe/Berlin", "EUR"),
    ("Asia/Kolkata", "KWD"),
    ("America/Santiago", "JPY"),
    ("Australia/Lord_Howe", "GBP"),
)
"""Reporting zones and currencies: summer time, half hours, a midnight that is skipped, three and no digits."""

ALIKE = 40
"""Questions in a row that differ in times, keys and numbers only: what makes a statement costs more than to run it."""

QUESTIONS = 5_000
"""Of all tenants together."""

DOCUMENTS = 300
"""Questions that are asked as GraphQL."""

LISTS = 300
"""Questions that are asked about each of some entities, together."""

SEEDS = tuple(int(seed) for seed in os.environ.get("ORACLE_SEEDS", "1").split(","))
"""Of the long form."""


async def exported(
    runtime: Runtime, admin: "asyncpg.Pool[Any]", directory: Path, zone: str, currency: str, *, seed: int
) -> tuple[Ctx, Oracle, tuple[str, ...]]:
    """A new tenant of the zone and currency with facts that follow from the seed, half of them folded, and their
    export; and currencies that there are rates to."""
    tenant = TenantInfo(new_id(), f"tenant {new_id()}", reporting_zone=zone, currency=currency, is_test=False)
    await add_tenant(admin, tenant)
    ctx = make_ctx(tenant, now=END)
    await add_rates(admin, seed=seed, first=START.date(), days=DAYS)
    await add_own_rates(runtime.db, ctx, seed=seed, first=START.date(), days=DAYS)
    for number in range(2):
        facts = made_up(tenant, seed=1_000 * seed + number, start=START, days=DAYS, orders=60, instances=150)
        for table in ("customers", "products", "orders", "refunds", "adjustments"):
            for row in facts.rows[table]:
                row["external_id"] = f"{number}-{row['external_id']}"
        await insert(runtime.db, facts)
        await contribute(runtime.db, ctx, facts)
        if number == 0:
            await fold(runtime.db, tenant.id, now=END)
            assert await move_some(runtime.db, ctx, seed=seed, until=END - timedelta(hours=5)) > 0
    # Some by deltas of their own, of commissions that are folded and of such that are not.
    assert await move_some(runtime.db, ctx, seed=seed, until=END) > 0
    assert await verify(runtime.db, tenant.id) == []
    await export_facts(runtime.db, tenant, directory, now=END)
    return ctx, Oracle(directory), OWN_CURRENCIES


def runners(runtime: Runtime) -> dict[str, Runner]:
    """Answers from rollups where it can, and never."""
    return {
        name: Runner(runtime.db, NullAnswers(), runtime.settings.model_copy(update={"rollups_enabled": is_enabled}))
        for name, is_enabled in (("rollups", True), ("facts", False))
    }


async def wrong_answers(
    runtime: Runtime,
    admin: "asyncpg.Pool[Any]",
    directory: Path,
    zone: str,
    currency: str,
    *,
    seed: int,
    questions: int,
    alike: int = ALIKE,
) -> list[str]:
    """What a tenant of the zone and currency, whose facts and questions follow from the seed, is told wrongly."""
    ctx, oracle, currencies = await exported(runtime, admin, directory, zone, currency, seed=seed)
    made = Questions(oracle, seed, first=START, last=END, currencies=currencies, alike=alike)
    asked = [(f"{zone}, seed {seed}, question {number}", made.next()) for number in range(questions)]
    both = runners(runtime)
    wrong = await differences(oracle, both, ctx, whole(START, END, zone))
    for each in currencies:
        # Never from rollups.
        wrong += await differences(oracle, {"facts": both["facts"]}, ctx, whole(START, END, zone, each))
    for number, name in enumerate(both):
        # Each way half of them: what one way answers wrongly the other may answer right.
        wrong += await differences(oracle, {name: both[name]}, ctx, asked[number::2])
    return wrong


@pytest.mark.database
@pytest.mark.parametrize(("zone", "currency"), TENANTS)
async def test_random_answers_are_the_oracles(
    runtime: Runtime, admin: "asyncpg.Pool[Any]", tmp_path: Path, zone: str, currency: str
) -> None:
    seed = 5 + TENANTS.index((zone, currency))

    wrong = await wrong_answers(
        runtime, admin, tmp_path, zone, currency, seed=seed, questions=QUESTIONS // len(TENANTS)
    )

    assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong[:20])


@pytest.mark.database
async def test_random_answers_of_lists_are_the_oracles(
    runtime: Runtime, admin: "asyncpg.Pool[Any]", tmp_path: Path
) -> None:
    seed = 21
    ctx, oracle, currencies = await exported(runtime, admin, tmp_path, "Europe/London", "GBP", seed=seed)
    made = Questions(oracle, seed, first=START, last=END, currencies=currencies, alike=10)
    asked = [(f"seed {seed}, question {number}", made.next()) for number in range(LISTS)]
    wrong = []

    for number, dimension in enumerate(("influencer", "campaign", "product")):
        parents = Parents(dimension, tuple(map(UUID, [*oracle.keys(dimension)[:3], str(new_id())])))
        runner = runners(runtime)["rollups" if number % 2 == 0 else "facts"]
        wrong += await differences_each(oracle, runner, ctx, asked[number::3], parents)

    assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong[:10])


@pytest.mark.database
async def test_random_documents_are_answered_as_the_oracle_answers(
    runtime: Runtime, admin: "asyncpg.Pool[Any]", make_key: MakeKey, tmp_path: Path
) -> None:
    seed = 11
    ctx, oracle, currencies = await exported(runtime, admin, tmp_path, "Europe/Berlin", "GBP", seed=seed)
    made = Questions(oracle, seed, first=START, last=END, currencies=currencies, alike=10)
    clock = FixedClock(END)
    app = create_app(replace(runtime, answers=NullAnswers(), clock=clock))
    wrong = []

    async with Client(app, await make_key(Role.ANALYST, of=ctx.tenant)) as client:
        for number in range(DOCUMENTS):
            ask = documents.asked(made.next())
            correct = documents.shown(ask, expected(oracle, ask))
            given = await documents.answered(client, clock, ask)
            if given != correct:
                told = given if isinstance(given, str) else difference(given, correct)
                wrong.append(f"seed {seed}, document {number}: {documents.document(ask)}\n  {told}")

    assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong[:10])


@pytest.mark.slow
@pytest.mark.database
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("zone", "currency"), TENANTS)
async def test_thousands_of_random_answers_are_the_oracles(
    runtime: Runtime, admin: "asyncpg.Pool[Any]", tmp_path: Path, zone: str, currency: str, seed: int
) -> None:
    wrong = await wrong_answers(runtime, admin, tmp_path, zone, currency, seed=seed, questions=2_000, alike=4)

    assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong[:20])


async def test_a_fact_that_the_oracle_does_not_know_is_noticed(
    runtime: Runtime, admin: "asyncpg.Pool[Any]", tmp_path: Path
) -> None:
    ctx, oracle, _ = await exported(runtime, admin, tmp_path, "Europe/London", "GBP", seed=3)
    late = made_up(ctx.tenant, seed=4, start=START, days=30, orders=0, instances=1)
    for table in ("customers", "products", "engagement_snapshots"):
        late.rows[table].clear()
    await insert(runtime.db, late)
    facts = {"facts": runners(runtime)["facts"]}

    wrong = await differences(oracle, facts, ctx, whole(START, END, "UTC")[:1])

    assert len(wrong) == 1
    assert wrong[0].startswith("totals, facts: Ask(")


def test_the_oracle_has_every_measure_and_dimension() -> None:
    known = {name: oracle_measures.dimensions(name) for name in oracle_measures.MEASURES}

    assert known == {name: set(measure.dimensions) for name, measure in MEASURES.items()}
    assert set().union(*known.values()) == set(DIMENSIONS)


def test_the_oracle_shares_no_code_with_the_app() -> None:
    allowed = {*sys.stdlib_module_names, "duckdb"}
    files = list(python_files("tests/oracle"))

    shared = [
        f"{path.name}: {name}"
        for path in files
        for name in _imported(path)
        if not name.startswith("tests.oracle.") and name.split(".")[0] not in allowed
    ]

    assert len(files) > 5
    assert shared == []


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom():
                assert node.level == 0
                yield str(node.module)
