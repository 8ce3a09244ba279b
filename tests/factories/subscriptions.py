"""Clients of subscriptions over real sockets: graphql-transport-ws, message by message, and event streams."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import httpx
import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from app.web.websocket import PROTOCOL
from tests.factories.listener import Listener

PATIENCE_S = 5.0
"""Seconds to wait for what must come."""


class Socket:
    """One WebSocket connection."""

    def __init__(self, listener: Listener, *, subprotocol: str | None = PROTOCOL, **more: Any) -> None:
        self._opening = connect(
            f"ws://{listener.host}:{listener.port}/graphql",
            subprotocols=None if subprotocol is None else [Subprotocol(subprotocol)],
            compression=None,
            max_size=None,
            **more,
        )
        self.connection: ClientConnection

    async def __aenter__(self) -> Self:
        self.connection = await self._opening.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._opening.__aexit__(kind, error, trace)

    async def send(self, message: Any) -> None:
        """Send a message: text and bytes as they are, anything else as JSON."""
        await self.connection.send(message if isinstance(message, str | bytes) else orjson.dumps(message).decode())

    async def init(self, key: str) -> None:
        """Say who calls, and wait until it is taken."""
        await self.send({"type": "connection_init", "payload": {"authorization": f"Bearer {key}"}})
        assert await self.next() == {"type": "connection_ack"}

    async def subscribe(self, document: str, variables: Mapping[str, Any] | None = None, *, id: str = "1") -> None:
        """Start an operation."""
        payload = {"query": document, "variables": dict(variables or {})}
        await self.send({"id": id, "type": "subscribe", "payload": payload})

    async def next(self, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """The next message."""
        async with asyncio.timeout(patience_s):
            message: dict[str, Any] = orjson.loads(await self.connection.recv())
        return message

    async def data(self) -> dict[str, Any]:
        """The data of the next answer, which has no errors."""
        message = await self.next()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        data: dict[str, Any] = message["payload"]["data"]["analytics"]
        return data

    async def silence(self, seconds: float) -> None:
        """Nothing comes for so long."""
        try:
            message = await self.next(seconds)
        except TimeoutError:
            return
        raise AssertionError(f"something came: {message}")

    async def closed(self) -> tuple[int, str]:
        """The code and reason of the close, which is the next thing that comes."""
        with pytest.raises(ConnectionClosed) as closed:
            await self.next()
        close = closed.value.rcvd
        assert close is not None, "closed without a word"
        return close.code, close.reason


class Events:
    """One event stream. is_complete: whether it ended as agreed."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.is_complete = False
        self.comments = 0
        self._lines = response.aiter_lines()

    async def next(self) -> dict[str, Any] | None:
        """The next response of GraphQL, None at the end of the stream."""
        async with asyncio.timeout(PATIENCE_S):
            kind, data = "", ""
            async for line in self._lines:
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data:"):
                    data = line.removeprefix("data:").strip()
                elif line.startswith(":"):
                    self.comments += 1
                elif kind == "next":
                    found: dict[str, Any] = orjson.loads(data)
                    return found
                elif kind == "complete":
                    self.is_complete = True
                    kind = ""
        return None

    async def data(self) -> dict[str, Any]:
        """The data of the next answer, which has no errors."""
        found = await self.next()
        assert found is not None, "the stream ended"
        assert "errors" not in found, found
        data: dict[str, Any] = found["data"]["analytics"]
        return data


@asynccontextmanager
async def streamed(
    listener: Listener,
    key: str,
    document: str,
    variables: Mapping[str, Any] | None = None,
    *,
    accept: str = "text/event-stream",
) -> AsyncIterator[Events]:
    """The stream of a subscription."""
    async with (
        httpx.AsyncClient(timeout=PATIENCE_S) as client,
        client.stream(
            "POST",
            f"{listener.url}/graphql",
            json={"query": document, "variables": dict(variables or {})},
            headers={"accept": accept, "authorization": f"Bearer {key}"},
        ) as response,
    ):
        yield Events(response)
