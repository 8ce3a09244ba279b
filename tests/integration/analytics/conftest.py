"""Facts to ask about, and runners with rollups on and off."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from app.analytics.rollups.fold import fold
from app.analytics.runner import Runner
from app.cache.answers import NullAnswers
from app.core.context import Ctx, TenantInfo
from app.core.ids import new_id
from app.runtime import Runtime
from tests.conftest import add_tenant, make_ctx
from tests.factories.facts import Facts, contribute, insert, made_up
from tests.integration.analytics.naive import Naive

START = datetime(2025, 9, 20, 7, 30, tzinfo=UTC)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Store:
    """A tenant with facts: half of its deltas folded, half not."""

    ctx: Ctx
    facts: Facts
    naive: Naive


async def half_folded(runtime: Runtime, ctx: Ctx, *, seed: int, orders: int = 120, instances: int = 400) -> Facts:
    """Half a year of facts, twice so many: the first half folded into rollups, the second still deltas."""
    folded = made_up(ctx.tenant, seed=seed, start=START, days=150, orders=orders, instances=instances)
    await insert(runtime.db, folded)
    await contribute(runtime.db, ctx, folded)
    await fold(runtime.db, ctx.tenant_id, now=NOW)
    pending = made_up(ctx.tenant, seed=seed + 1, start=START, days=160, orders=orders, instances=instances)
    for table in ("customers", "products", "orders", "refunds", "adjustments"):
        for row in pending.rows[table]:
            row["external_id"] = f"second-{row['external_id']}"
    await insert(runtime.db, pending)
    await contribute(runtime.db, ctx, pending)
    for table, rows in pending.rows.items():
        folded.rows[table] += rows
    return folded


@pytest.fixture(scope="session")
async def store(runtime: Runtime, admin: "asyncpg.Pool[Any]") -> Store:
    """Half a year of facts around two changes of the clock, in London."""
    tenant = TenantInfo(new_id(), f"store {new_id()}", reporting_zone="Europe/London", currency="GBP", is_test=False)
    await add_tenant(admin, tenant)
    ctx = make_ctx(tenant, now=NOW)
    facts = await half_folded(runtime, ctx, seed=1)
    return Store(ctx, facts, Naive(facts))


@pytest.fixture(params=["rollups", "facts"])
def runner(request: pytest.FixtureRequest, runtime: Runtime) -> Runner:
    """Answers from rollups where it can, and never."""
    settings = runtime.settings.model_copy(update={"rollups_enabled": request.param == "rollups"})
    return Runner(runtime.db, NullAnswers(), settings)
