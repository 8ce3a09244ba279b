"""The application on a real socket of this process, for what only a connection shows."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from app.cli.server import Server
from app.web.protocol import BoundedProtocol

Address = tuple[str, int]


@asynccontextmanager
async def listening(app: ASGIApp, *, keep_alive_s: float = 30.0) -> AsyncIterator[Address]:
    """Host and port at which the application answers; stopped at the end. keep_alive_s: patience with idle clients."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app,
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=keep_alive_s,  # type: ignore[arg-type]  # it is only ever handed to call_later
        )
        server = Server(config)
        task = asyncio.create_task(server.serve(sockets=[bound]))
        try:
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            yield bound.getsockname()
        finally:
            server.should_exit = True
            await task
