"""Facts to ask about, and runners and clients with rollups on and off."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from app.analytics.runner import Runner
from app.cache.answers import NullAnswers
from app.core.context import TenantInfo
from app.core.ids import new_id
from app.runtime import Runtime
from tests.client import Client
from tests.conftest import add_tenant, make_ctx
from tests.integration.analytics.asking import MakeKey, asking
from tests.integration.analytics.naive import Naive
from tests.integration.analytics.store import NOW, Store, half_folded


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


@pytest.fixture(params=["rollups", "facts"])
async def asker(
    request: pytest.FixtureRequest, runtime: Runtime, store: Store, make_key: MakeKey
) -> AsyncIterator[Client]:
    """An analyst of the store, answered from rollups where they can, and never."""
    async with asking(runtime, store, make_key, rollups=request.param == "rollups") as client:
        yield client
