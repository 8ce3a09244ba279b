"""Fixtures of several features' tests."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from app.core.context import Role
from app.main import create_app
from app.runtime import Runtime
from graphql_schema import schema, viewer
from graphql_schema.execute import Executor
from tests.client import Client
from tests.factories import probe


@pytest.fixture
async def probing(runtime: Runtime, make_key: Callable[..., Awaitable[str]]) -> AsyncIterator[Client]:
    """A client of an application whose fields misbehave."""
    probe.ends.clear()
    executor = Executor(runtime, schema=schema.build((viewer, sys.modules[probe.__name__])))
    async with Client(create_app(runtime, executor), await make_key(Role.ADMIN)) as client:
        yield client
