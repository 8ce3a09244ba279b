"""Random questions, answered from rollups and from facts, against the oracle over the exported facts.

A difference is told with its seed and number. `ORACLE_SEEDS=7 pytest -m slow tests/integration/analytics` asks those of
seed 7, in the same order.
"""

import ast
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.analytics.runner import Runner
from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.semantic.measures import MEASURES
from app.cache.answers import NullAnswers
from app.core.context import Ctx, TenantInfo
from app.core.ids import new_id
from app.runtime import Runtime
from app.seeding.export import export_facts
from tests.conftest import add_tenant, make_ctx
from tests.factories.facts import insert, made_up
from tests.integration.analytics.comparing import differences, whole
from tests.integration.analytics.store import NOW, START, half_folded
from tests.invariants.source import python_files
from tests.oracle import measures as oracle_measures
from tests.oracle.oracle import Oracle
from tests.oracle.questions import Questions

END = START + timedelta(days=200)
"""After the last refund."""

TENANTS = (("Europe/London", "GBP"), ("Australia/Adelaide", "KWD"), ("America/St_Johns", "JPY"))
"""Reporting zones and currencies: summer time, half hours, three and no digits."""

SEEDS = tuple(int(seed) for seed in os.environ.get("ORACLE_SEEDS", "1").split(","))
"""Of the long form."""


async def wrong_answers(
    runtime: Runtime,
    admin: "asyncpg.Pool[Any]",
    directory: Path,
    zone: str,
    currency: str,
    *,
    seed: int,
    questions: int,
) -> list[str]:
    """What a tenant of the zone and currency, whose facts and questions follow from the seed, is told wrongly."""
    tenant = TenantInfo(new_id(), f"tenant {new_id()}", reporting_zone=zone, currency=currency, is_test=False)
    await add_tenant(admin, tenant)
    ctx = make_ctx(tenant, now=NOW)
    await half_folded(runtime, ctx, seed=1_000 * seed, orders=200, instances=800)
    await export_facts(runtime.db, tenant, directory, now=NOW)
    oracle = Oracle(directory)
    made = Questions(oracle, seed, first=START, last=END)
    asked = [(f"{zone}, seed {seed}, question {number}", made.next()) for number in range(questions)]
    # Asked long after the last bucket has begun: all buckets of a series are shown.
    later = replace(ctx, now=NOW + timedelta(days=1_000))
    return await differences(oracle, _runners(runtime), later, [*whole(START, END, zone), *asked])


def _runners(runtime: Runtime) -> dict[str, Runner]:
    return {
        name: Runner(runtime.db, NullAnswers(), runtime.settings.model_copy(update={"rollups_enabled": is_enabled}))
        for name, is_enabled in (("rollups", True), ("facts", False))
    }


@pytest.mark.database
@pytest.mark.parametrize(("zone", "currency"), TENANTS)
async def test_random_answers_are_the_oracles(
    runtime: Runtime, admin: "asyncpg.Pool[Any]", tmp_path: Path, zone: str, currency: str
) -> None:
    wrong = await wrong_answers(runtime, admin, tmp_path, zone, currency, seed=5, questions=50)

    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.database
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("zone", "currency"), TENANTS)
async def test_thousands_of_random_answers_are_the_oracles(
    runtime: Runtime, admin: "asyncpg.Pool[Any]", tmp_path: Path, zone: str, currency: str, seed: int
) -> None:
    wrong = await wrong_answers(runtime, admin, tmp_path, zone, currency, seed=seed, questions=667)

    assert not wrong, "\n".join(wrong[:20])


async def test_a_fact_that_the_oracle_does_not_know_is_noticed(runtime: Runtime, ctx: Ctx, tmp_path: Path) -> None:
    await half_folded(runtime, ctx, seed=3, orders=20, instances=20)
    await export_facts(runtime.db, ctx.tenant, tmp_path, now=NOW)
    late = made_up(ctx.tenant, seed=4, start=START, days=30, orders=0, instances=1)
    late.rows["customers"].clear()
    late.rows["products"].clear()
    await insert(runtime.db, late)
    runners = {"facts": _runners(runtime)["facts"]}

    wrong = await differences(Oracle(tmp_path), runners, ctx, whole(START, END, "UTC")[:1])

    assert len(wrong) == 1
    assert wrong[0].startswith("totals, facts: Random(kind='totals'")


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
