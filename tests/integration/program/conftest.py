"""Fixtures of the program's tests."""

import pytest

from app.core.context import Ctx
from app.runtime import Runtime
from tests.factories.orders import Look


@pytest.fixture
def look(runtime: Runtime, ctx: Ctx) -> Look:
    """Looks at the tenant's rows as they are stored."""
    return Look(runtime.db, ctx)
