"""The server on a real socket: slow and endless senders are cut off, and do not stand in anyone's way."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import orjson
import pytest
import uvicorn

from app.cli.server import Server
from app.main import create_app
from app.runtime import Runtime
from app.web import protocol
from app.web.protocol import BoundedProtocol

pytestmark = pytest.mark.database

Address = tuple[str, int]


@pytest.fixture
async def server(runtime: Runtime) -> AsyncIterator[Address]:
    """Host and port of a server in this process."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            create_app(runtime), http=BoundedProtocol, ws="none", lifespan="off", log_config=None, access_log=False
        )
        running = Server(config)
        task = asyncio.ensure_future(running.serve(sockets=[bound]))
        while not running.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        yield bound.getsockname()
        running.should_exit = True
        await task


async def answer_to(server: Address, *parts: bytes, pause_s: float = 0.0) -> tuple[bytes, float]:
    """What came back until the connection was closed, and after how long."""
    reader, writer = await asyncio.open_connection(*server)
    started_s = time.monotonic()
    received = b""
    # Cut off while it sends, a client sees its connection reset.
    with suppress(ConnectionError):
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)
        async with asyncio.timeout(5):
            received = await reader.read()
    writer.close()
    return received, time.monotonic() - started_s


HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def test_request_on_a_socket_is_answered(server: Address) -> None:
    received, _ = await answer_to(server, HEALTH)

    assert received.startswith(b"HTTP/1.1 200 OK")
    assert b"x-request-id: " in received


async def test_half_a_head_is_cut_off(server: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.2)

    silent, silent_s = await answer_to(server)
    half, half_s = await answer_to(server, HEALTH[:20])
    after_a_first, _ = await answer_to(server, HEALTH.replace(b"close", b"keep-alive"), HEALTH[:20], pause_s=0.05)

    assert (silent, half) == (b"", b"")
    assert 0.15 < silent_s < 2
    assert 0.15 < half_s < 2
    assert after_a_first.count(b"HTTP/1.1") == 1


async def test_endless_head_is_cut_off(server: Address) -> None:
    padding = [b"X-Padding: " + b"x" * 8_000 + b"\r\n"] * 50

    received, seconds = await answer_to(server, HEALTH[:-2], *padding, b"\r\n")

    assert received == b""
    assert seconds < 3


async def test_large_body_is_no_head(server: Address, make_key: Callable[..., Awaitable[str]]) -> None:
    body = orjson.dumps({"query": "{ viewer { role } }", "variables": {"text": "x" * 500_000}})
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {await make_key()}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )

    received, _ = await answer_to(server, head.encode(), body[:250_000], body[250_000:], pause_s=0.05)

    assert received.startswith(b"HTTP/1.1 200 OK")


async def test_slow_senders_stand_in_nobodys_way(server: Address) -> None:
    slow = [await asyncio.open_connection(*server) for _ in range(200)]
    for _, writer in slow:
        writer.write(HEALTH[:20])

    received, seconds = await answer_to(server, HEALTH)

    assert received.startswith(b"HTTP/1.1 200 OK")
    assert seconds < 1
    for _, writer in slow:
        writer.close()

