"""Fixtures of the tests of commission plans."""

from typing import Any

import asyncpg
import pytest

from app.core.context import Ctx
from app.runtime import Runtime
from tests.factories.orders import Look, ProgramRows
from tests.factories.plans import Plans


@pytest.fixture
def program(runtime: Runtime, admin: "asyncpg.Pool[Any]", ctx: Ctx) -> ProgramRows:
    """Inserts the tenant's program."""
    return ProgramRows(runtime.db, admin, ctx)


@pytest.fixture
def look(runtime: Runtime, ctx: Ctx) -> Look:
    """Looks at the tenant's rows."""
    return Look(runtime.db, ctx)


@pytest.fixture
def plans(runtime: Runtime, ctx: Ctx) -> Plans:
    """Makes commission plans."""
    return Plans(runtime, ctx)
