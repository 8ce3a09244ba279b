"""Clients that ask about the made-up store over HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from app.cache.answers import NullAnswers
from app.core.context import Role
from app.main import create_app
from app.runtime import Runtime
from tests.client import Client
from tests.integration.analytics.store import START, Store

UNTIL = START.replace(year=2026, month=4)
RANGE = f'range: {{between: {{from: "{START.isoformat()}", until: "{UNTIL.isoformat()}"}}}}'
"""All that happened in the store."""

MakeKey = Callable[..., Awaitable[str]]


@asynccontextmanager
async def asking(
    runtime: Runtime, store: Store, make_key: MakeKey, role: Role = Role.ANALYST, *, rollups: bool = True, **more: Any
) -> AsyncIterator[Client]:
    """A client with a key of the store, of an application that remembers no answers."""
    settings = runtime.settings.model_copy(update={"rollups_enabled": rollups})
    app = create_app(replace(runtime, settings=settings, answers=NullAnswers()))
    async with Client(app, await make_key(role, of=store.ctx.tenant, **more)) as client:
        yield client
