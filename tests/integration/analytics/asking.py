"""How tests ask: clients that ask about the made-up store over HTTP, and questions and rows without one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from app.analytics.figures import Figures
from app.analytics.query import Ask, Columns
from app.analytics.semantic.formula import Value
from app.cache.answers import NullAnswers
from app.core.context import Ctx, Role
from app.main import create_app
from app.runtime import Runtime
from tests.client import Client
from tests.integration.analytics.store import START, Store

UNTIL = START.replace(year=2026, month=4)
RANGE = f'range: {{between: {{from: "{START.isoformat()}", until: "{UNTIL.isoformat()}"}}}}'
"""All that happened in the store."""

MakeKey = Callable[..., Awaitable[str]]


def asks(*names: str) -> Columns:
    """The values of these measures."""
    return Columns(tuple(map(Ask, names)))


def values(figures: Figures | None) -> tuple[Value, ...]:
    """The values of a row that is there."""
    assert figures is not None
    return tuple(figures.value(place) for place in range(len(figures.values)))


def camel(name: str) -> str:
    """A dimension's name as the API's keys have it."""
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def between(start: str, until: str) -> str:
    """The argument `range` of an `analytics` field: between two instants in RFC 3339."""
    return f'range: {{between: {{from: "{start}", until: "{until}"}}}}'


@asynccontextmanager
async def asking_cached(
    runtime: Runtime, ctx: Ctx, make_key: MakeKey, role: Role = Role.ANALYST
) -> AsyncIterator[Client]:
    """A client of the application as it is, which remembers answers."""
    async with Client(create_app(runtime), await make_key(role, of=ctx.tenant)) as client:
        yield client


@asynccontextmanager
async def asking(
    runtime: Runtime, store: Store, make_key: MakeKey, role: Role = Role.ANALYST, *, rollups: bool = True, **more: Any
) -> AsyncIterator[Client]:
    """A client with a key of the store, of an application that remembers no answers."""
    settings = runtime.settings.model_copy(update={"rollups_enabled": rollups})
    app = create_app(replace(runtime, settings=settings, answers=NullAnswers()))
    async with Client(app, await make_key(role, of=store.ctx.tenant, **more)) as client:
        yield client
