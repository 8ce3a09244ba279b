"""Questions with their plans, statements and results, a folder each. `--update-golden` rewrites them: read the diff.

The first line of a query says why it is here. A folder named rollup_… is answered from rollups alone, facts_… from
facts alone, mixed_… from both, nothing_… from neither. What is other_… than `analytics`, and what is refused_…, has a
result alone: there is no plan of it. Errors stand in the result beside the data.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from app.analytics import computing
from app.analytics.plan import Plan, SourceKind
from app.analytics.runner import Runner
from app.cache.answers import NullAnswers
from app.cli.explain import Explained, plan_lines, read, statement_lines
from app.core.context import Ctx, TenantInfo
from app.core.ids import ZERO_ID, new_id
from app.runtime import Runtime
from app.settings import Settings
from graphql_schema.execute import Executor
from tests.conftest import add_tenant, make_ctx
from tests.integration.analytics.store import NOW, half_folded

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
TENANT = TenantInfo(ZERO_ID, "golden", reporting_zone="Europe/London", currency="GBP", is_test=False)
SETTINGS = Settings(redis_enabled=False)

EXPECTED = {
    "rollup": {SourceKind.ROLLUP, SourceKind.DELTAS},
    "mixed": {SourceKind.ROLLUP, SourceKind.DELTAS, SourceKind.FACTS},
    "facts": {SourceKind.FACTS},
    "nothing": set(),
}
"""What is read, by the first word of a folder's name."""

PLANNED = [path for path in CASES if path.name.split("_")[0] in EXPECTED]
"""Cases with a plan."""

WARNED = "facts_warned_of"
"""The case whose earlier instances were dropped and whose distinct counts are estimated, though there are few."""

KEPT_SINCE = datetime(2025, 11, 10, 9, 30, tzinfo=UTC)
"""Since when its instances are kept."""

SAMPLE_WHOLE = 64
"""Of how many of its rows all are counted."""


@pytest.fixture
def is_updating(request: pytest.FixtureRequest) -> bool:
    """Whether files are written instead of compared."""
    return bool(request.config.getoption("--update-golden"))


def check(path: Path, text: str, *, is_updating: bool) -> None:
    """Assert that the file holds the text, or write it."""
    if is_updating:
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, "if this is meant: pytest tests/golden --update-golden"


def explained(case: Path) -> list[Explained]:
    """The question's plans, with every rollup stored."""
    if case.name.startswith("nothing"):
        return []
    ctx = make_ctx(TENANT, now=NOW)
    found = []
    for each in read((case / "query.graphql").read_text(encoding="utf-8"), {}, None, SETTINGS):
        plan: Plan = Runner.nominal(ctx, SETTINGS, each.question, each.parents)
        found.append(Explained(each.path, each.parents, plan, Runner.statements(ctx, plan)))
    return found


@pytest.mark.parametrize("case", PLANNED, ids=lambda case: case.name)
def test_plan(case: Path, is_updating: bool) -> None:
    plans = explained(case)

    text = "\n".join(line for each in plans for line in plan_lines(each)) + "\n"
    check(case / "plan.txt", text, is_updating=is_updating)
    kinds = {source.kind for each in plans for source in each.plan.sources}
    assert kinds == EXPECTED[case.name.split("_")[0]]


@pytest.mark.parametrize("case", PLANNED, ids=lambda case: case.name)
def test_statements(case: Path, is_updating: bool) -> None:
    bounds = [bound for each in explained(case) for bound in each.statements]

    text = "\n\n".join("\n".join(statement_lines(bound)) for bound in bounds) + "\n"
    check(case / "expected.sql", text, is_updating=is_updating)


@pytest.fixture(scope="session")
async def facts(runtime: Runtime, admin: "asyncpg.Pool[Any]") -> Ctx:
    """A tenant whose facts are the same in every run, but for their ids."""
    tenant = TenantInfo(new_id(), f"golden {new_id()}", reporting_zone="Europe/London", currency="GBP", is_test=False)
    await add_tenant(admin, tenant)
    ctx = make_ctx(tenant, now=NOW)
    await half_folded(runtime, ctx, seed=7)
    # To a currency that no other test converts to, and none of yen.
    rates = [("GBP", "13.1415"), ("EUR", "11.0902")]
    await admin.executemany(
        """INSERT INTO exchange_rates (base, quote, day, rate, source, recorded_at)
        SELECT $1, 'SEK', day, $2::text::numeric, 'test', $3
        FROM generate_series('2025-09-16'::date, '2026-03-31', '3 days') AS day ON CONFLICT DO NOTHING""",
        [(currency, rate, NOW) for currency, rate in rates],
    )
    return ctx


@pytest.mark.database
@pytest.mark.parametrize("rollups", [True, False], ids=["rollups", "facts"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_result(
    runtime: Runtime, facts: Ctx, case: Path, is_updating: bool, rollups: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {"rollups_enabled": rollups}
    if case.name == WARNED:
        given["instances_since"] = KEPT_SINCE
        monkeypatch.setattr(computing, "SAMPLE_WHOLE", SAMPLE_WHOLE)
    settings = runtime.settings.model_copy(update=given)
    executor = Executor(Runtime(settings, runtime.db, NullAnswers()))

    reply = await executor.execute(facts, document=(case / "query.graphql").read_text(encoding="utf-8"))

    assert ("errors" in reply.payload) == case.name.startswith("refused")
    shown = {name: reply.payload[name] for name in ("errors", "data")} if reply.codes else reply.payload["data"]
    text = orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode() + "\n"
    check(case / "result.json", text, is_updating=is_updating and rollups)
