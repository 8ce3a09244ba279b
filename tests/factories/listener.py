"""The application on a real socket of this process, for what only a connection shows."""

import asyncio
import socket
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from app.cli.server import Server
from app.web.protocol import BoundedProtocol
from app.web.socket_protocol import BoundedWebSocket

MESSAGE_BYTES_MAX = 200_000
"""Bytes of a WebSocket message."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A server that answers. connections: those that are open."""

    host: str
    port: int
    connections: Collection[object]

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{self.host}:{self.port}"


@asynccontextmanager
async def listening(app: ASGIApp, *, keep_alive_s: float = 30.0, grace_s: int | None = None) -> AsyncIterator[Listener]:
    """A server of the application, stopped at the end.

    keep_alive_s: patience with idle clients. grace_s: with requests under way when it stops; None: all it takes.
    """
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app,
            http=BoundedProtocol,
            ws=BoundedWebSocket,
            ws_max_size=MESSAGE_BYTES_MAX,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=grace_s,
            timeout_keep_alive=keep_alive_s,  # type: ignore[arg-type]  # it is only ever handed to call_later
        )
        server = Server(config)
        task = asyncio.create_task(server.serve(sockets=[bound]))
        try:
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            host, port = bound.getsockname()
            yield Listener(host, port, server.server_state.connections)
        finally:
            server.should_exit = True
            await task
