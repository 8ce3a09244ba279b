"""Fixtures of the tests of attribution."""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from app.core.context import Ctx
from app.runtime import Runtime
from tests.client import Client
from tests.factories.orders import Look, ProgramRows
from tests.integration.attribution.store import Shop


@pytest.fixture
def program(runtime: Runtime, admin: "asyncpg.Pool[Any]", ctx: Ctx) -> ProgramRows:
    """Inserts the tenant's program."""
    return ProgramRows(runtime.db, admin, ctx)


@pytest.fixture
def look(runtime: Runtime, ctx: Ctx) -> Look:
    """Looks at the tenant's rows."""
    return Look(runtime.db, ctx)


@pytest.fixture
def shop(client: Client, make_key: Callable[..., Awaitable[str]]) -> Shop:
    """A store and its program, over the API alone."""
    return Shop(client, make_key)
