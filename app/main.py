"""The server process: an ASGI application over a runtime that is opened when the server starts, closed when it stops.

`scoville serve` runs uvicorn on `Server(settings)`, with any number of processes (app/cli/server.py); tests call
`create_app(runtime)` with a runtime of their own.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import structlog
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from app.analytics.rollups.record import recording
from app.runtime import Runtime, open_runtime
from app.settings import Settings
from app.usecases import door
from app.web.app import build_app
from graphql_schema.execute import Executor
from graphql_schema.exports import Exports
from graphql_schema.live_hub import Live

log = structlog.get_logger(__name__)

DRAIN_S = 30.0
"""Seconds that a stopping server waits for writes whose clients left; the longest they may hold a lock is less."""


def _recording(runtime: Runtime) -> AbstractAsyncContextManager[None]:
    return recording(runtime.db, runtime.demand, runtime.clock, interval_s=runtime.settings.demand_interval_s)


def create_app(runtime: Runtime, executor: Executor | None = None) -> ASGIApp:
    """The application over an open runtime, which its caller closes. executor: None for one of its own."""
    executor = executor or Executor(runtime)
    return build_app(runtime, executor, Live(runtime, executor), Exports(runtime, executor.documents))


class Server:
    """The application of the settings: opens its runtime at the server's start, before the first request."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lifespan = Router(lifespan=self._serving)
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or the start and stop of the server."""
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        assert self._app is not None, "requests come after the server's start"
        await self._app(scope, receive, send)

    @asynccontextmanager
    async def _serving(self, _: object) -> AsyncIterator[None]:
        async with open_runtime(self._settings) as runtime, _recording(runtime):
            executor = Executor(runtime)
            live = Live(runtime, executor)
            self._app = build_app(runtime, executor, live, Exports(runtime, executor.documents))
            log.info("server_started")
            try:
                yield
            finally:
                try:
                    async with asyncio.timeout(DRAIN_S):
                        await live.close()
                        await executor.drain()
                        await door.drain()
                except TimeoutError:
                    log.error("writes_cut_off", waited_s=DRAIN_S)
                log.info("server_stopped")
