"""Fixtures of the tests of money that moves."""

from typing import Any

import asyncpg
import pytest

from app.core.context import Ctx
from app.runtime import Runtime
from tests.factories.orders import Look, ProgramRows


@pytest.fixture
def program(runtime: Runtime, admin: "asyncpg.Pool[Any]", ctx: Ctx) -> ProgramRows:
    """Inserts the tenant's program."""
    return ProgramRows(runtime.db, admin, ctx)


@pytest.fixture
def look(runtime: Runtime, ctx: Ctx) -> Look:
    """Looks at the tenant's rows."""
    return Look(runtime.db, ctx)
