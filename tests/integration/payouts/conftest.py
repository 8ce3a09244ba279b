"""Fixtures of payouts: a tenant that pays, and providers' servers."""

from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from app.core.context import Ctx
from app.runtime import Runtime
from tests.factories.orders import Look, ProgramRows
from tests.factories.payouts import Payouts
from tests.fakes.paypal import FakePayPal
from tests.fakes.stripe import FakeStripe
from tests.fakes.tipalti import FakeTipalti


@pytest.fixture
def payouts(runtime: Runtime, admin: "asyncpg.Pool[Any]", ctx: Ctx) -> Payouts:
    """The test's tenant, as it pays out."""
    return Payouts(runtime, ctx, ProgramRows(runtime.db, admin, ctx), Look(runtime.db, ctx))


@pytest.fixture
def stripe() -> Iterator[FakeStripe]:
    """Stripe's server."""
    with FakeStripe() as server:
        yield server


@pytest.fixture
def paypal() -> Iterator[FakePayPal]:
    """PayPal's server."""
    with FakePayPal() as server:
        yield server


@pytest.fixture
def tipalti() -> Iterator[FakeTipalti]:
    """Tipalti's server."""
    with FakeTipalti() as server:
        yield server
