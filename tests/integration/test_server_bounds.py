"""The server on a real socket: slow and endless clients are cut off, and do not stand in anyone's way."""

import asyncio
import dataclasses
import logging
import socket
import struct
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress

import httpx
import orjson
import pytest

from app.main import create_app
from app.runtime import Runtime
from app.web import protocol
from tests.factories.listener import Listener, listening

pytestmark = pytest.mark.database


@pytest.fixture
async def server(runtime: Runtime) -> AsyncIterator[Listener]:
    """A server in this process."""
    async with listening(create_app(runtime)) as listener:
        yield listener


async def answer_to(server: Listener, *parts: bytes, pause_s: float = 0.0) -> tuple[bytes, float]:
    """What came back until the connection was closed, and after how long."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    started_s = time.monotonic()
    received = b""

    async def receive() -> None:
        nonlocal received
        # Cut off while it sends, a client sees its connection reset.
        with suppress(ConnectionError):
            while chunk := await reader.read(65_536):
                received += chunk

    async with asyncio.timeout(5):
        receiving = asyncio.create_task(receive())
        with suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause_s)
        await receiving
    writer.close()
    return received, time.monotonic() - started_s


KEPT = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
HEALTH = KEPT.replace(b"Host: x", b"Host: x\r\nConnection: close")
QUERY = orjson.dumps({"query": "{ viewer { role } }"})


def post(body_bytes: int, *, key: str | None = None, **headers: str) -> bytes:
    """The head of an operation's request."""
    given = {"Authorization": f"Bearer {key}"} if key else {}
    lines = {"Host": "x", "Content-Type": "application/json", "Content-Length": str(body_bytes), **given, **headers}
    return "".join(
        ["POST /graphql HTTP/1.1\r\n", *(f"{name}: {value}\r\n" for name, value in lines.items()), "\r\n"]
    ).encode()


async def test_request_on_a_socket_is_answered(server: Listener) -> None:
    received, _ = await answer_to(server, HEALTH)

    assert received.startswith(b"HTTP/1.1 200 OK")
    assert b"x-request-id: " in received
    assert b"server: " not in received


# --- heads


async def test_half_a_head_is_cut_off(server: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.2)

    silent, silent_s = await answer_to(server)
    half, half_s = await answer_to(server, HEALTH[:20])
    trickled, trickled_s = await answer_to(server, HEALTH[:-2], *[b"X: y\r\n"] * 20, pause_s=0.05)

    assert (silent, half, trickled) == (b"", b"", b"")
    assert 0.15 < silent_s < 2
    assert 0.15 < half_s < 2
    assert 0.15 < trickled_s < 2


@pytest.mark.parametrize("rest", [HEALTH[:20], b"\r\n", b"\r", b"\n\n\n"])
async def test_half_a_further_head_is_cut_off(server: Listener, monkeypatch: pytest.MonkeyPatch, rest: bytes) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.2)

    received, seconds = await answer_to(server, KEPT, rest, pause_s=0.05)

    assert received.count(b"HTTP/1.1 200 OK") == 1
    assert seconds < 2


async def test_endless_head_is_cut_off(server: Listener) -> None:
    endless, endless_s = await answer_to(server, HEALTH[:-2] + b"X-Padding: ", *[b"x" * 8_000] * 50, b"\r\n\r\n")

    assert b" 200 OK" not in endless
    assert endless_s < 3


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (HEALTH[:-2] + b"X: y\r\n" * 98 + b"\r\n", b"200 OK"),
        (HEALTH[:-2] + b"X: y\r\n" * 99 + b"\r\n", b"431 Request Header Fields Too Large"),
        (HEALTH[:-2] + b"X: " + b"y" * 66_000 + b"\r\n\r\n", b"431 Request Header Fields Too Large"),
        (HEALTH.replace(b"/healthz", b"/healthz?" + b"y" * 66_000), b"431 Request Header Fields Too Large"),
        (HEALTH.replace(b"/healthz", b"/healthz?" + b"y" * 60_000), b"200 OK"),
    ],
    ids=["100 lines", "101 lines", "a long line", "a long target", "a target that is long enough"],
)
async def test_large_heads_are_refused(server: Listener, head: bytes, status: bytes) -> None:
    received, _ = await answer_to(server, head)

    assert received.startswith(b"HTTP/1.1 " + status)


async def test_refused_head_has_the_one_error_shape(server: Listener) -> None:
    received, _ = await answer_to(server, b"\x16\x03\x01\x02\x00\x01\x00")

    head, _, body = received.partition(b"\r\n\r\n")
    (error,) = orjson.loads(body)["errors"]
    assert head.startswith(b"HTTP/1.1 400 Bad Request")
    assert error["extensions"] == {"code": "BAD_REQUEST"}


@pytest.mark.parametrize("pause_s", [0.0, 0.05])
async def test_upgrade_is_not_followed(
    server: Listener, make_key: Callable[..., Awaitable[str]], pause_s: float
) -> None:
    head = post(len(QUERY), key=await make_key(), Connection="Upgrade, HTTP2-Settings", Upgrade="h2c")
    parts = [head, QUERY, KEPT.replace(b"Host: x", b"Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket"), HEALTH]

    received, _ = await answer_to(server, *(parts if pause_s else [b"".join(parts)]), pause_s=pause_s)

    assert received.count(b"HTTP/1.1 200 OK") == 3
    assert b'"role":"ADMIN"' in received
    assert received.count(b'{"status":"ok"}') == 2


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (HEALTH.replace(b"Host: x\r\n", b""), b"400 Bad Request"),
        (HEALTH.replace(b"Host: x\r\n", b"Host: x\r\nHost: y\r\n"), b"400 Bad Request"),
        (HEALTH.replace(b"Host: x\r\n", b"").replace(b"HTTP/1.1", b"HTTP/1.0"), b"200 OK"),
    ],
    ids=["none", "two", "none in HTTP/1.0"],
)
async def test_request_names_its_host_once(server: Listener, head: bytes, status: bytes) -> None:
    received, _ = await answer_to(server, head)

    assert received.startswith(b"HTTP/1.1 " + status)


async def test_nothing_is_tunnelled(server: Listener) -> None:
    received, _ = await answer_to(server, b"CONNECT localhost:5432 HTTP/1.1\r\nHost: x\r\n\r\n")

    assert received.startswith(b"HTTP/1.1 400 Bad Request")


# --- bodies


async def test_large_body_is_no_head(server: Listener, make_key: Callable[..., Awaitable[str]]) -> None:
    body = orjson.dumps({"query": "{ viewer { role } }", "variables": {"text": "x" * 500_000}})
    head = post(len(body), key=await make_key(), Connection="close")

    received, _ = await answer_to(server, head, body[:250_000], body[250_000:], pause_s=0.05)

    assert received.startswith(b"HTTP/1.1 200 OK")


async def test_declared_body_that_is_too_large_is_refused_before_it_is_sent(
    server: Listener, runtime: Runtime, make_key: Callable[..., Awaitable[str]]
) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(post(runtime.settings.body_bytes_max + 1, key=await make_key()))
    async with asyncio.timeout(2):
        status = await reader.readline()
    writer.close()

    assert status.startswith(b"HTTP/1.1 413 ")


async def test_client_that_sends_a_large_body_whole_reads_its_refusal_and_goes_on(
    server: Listener, runtime: Runtime, make_key: Callable[..., Awaitable[str]]
) -> None:
    headers = {"authorization": f"Bearer {await make_key()}", "content-type": "application/json"}
    limits = httpx.Limits(max_connections=1)
    async with httpx.AsyncClient(base_url=server.url, headers=headers, limits=limits) as client:
        refused = await client.post("/graphql", content=b" " * (runtime.settings.body_bytes_max + 1))
        answered = await client.post("/graphql", content=QUERY)

    assert refused.json()["errors"][0]["extensions"] == {"code": "PAYLOAD_TOO_LARGE"}
    assert (refused.status_code, answered.status_code) == (413, 200)


async def test_slow_body_is_408(runtime: Runtime, make_key: Callable[..., Awaitable[str]]) -> None:
    settings = runtime.settings.model_copy(update={"body_timeout_s": 0.2})
    head = post(len(QUERY), key=await make_key())
    async with listening(create_app(dataclasses.replace(runtime, settings=settings))) as listener:
        received, seconds = await answer_to(listener, head, *(bytes([byte]) for byte in QUERY[:-1]), pause_s=0.05)

    assert received.startswith(b"HTTP/1.1 408 Request Timeout")
    assert 0.15 < seconds < 2


async def test_rest_of_a_refused_body_is_not_waited_for(server: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "REST_TIMEOUT_S", 0.2)

    silent, silent_s = await answer_to(server, post(1_000))
    trickled, trickled_s = await answer_to(server, post(1_000), *[b"x"] * 20, pause_s=0.05)

    for received, seconds in ((silent, silent_s), (trickled, trickled_s)):
        assert received.startswith(b"HTTP/1.1 401 Unauthorized")
        assert 0.15 < seconds < 2


# --- clients that send on after the last answer


async def connections_end(server: Listener) -> None:
    """Return when the server holds none; fail when that is not soon."""
    async with asyncio.timeout(3):
        while server.connections:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)


async def test_client_that_sends_on_is_heard_out_for_a_while(server: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "REST_TIMEOUT_S", 0.5)
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(post(1_000, Connection="close"))
    started_s = time.monotonic()
    async with asyncio.timeout(3):
        received = await reader.read()
    told_s = time.monotonic() - started_s
    writer.write(b"x")
    await writer.drain()
    await asyncio.sleep(0.1)

    assert received.startswith(b"HTTP/1.1 401 Unauthorized")
    assert b"\r\nconnection: close\r\n" in received
    assert told_s < 0.4
    assert len(server.connections) == 1
    await connections_end(server)
    assert time.monotonic() - started_s < 2
    writer.close()


async def test_client_that_sends_on_and_leaves_is_not_waited_for(server: Listener) -> None:
    received, _ = await answer_to(server, post(1_000, Connection="close"))

    assert received.startswith(b"HTTP/1.1 401 Unauthorized")
    await connections_end(server)


async def test_client_that_sends_on_without_end_is_cut_off(server: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "REST_BYTES_MAX", 1_000_000)
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(post(100_000_000, Connection="close"))
    received = await reader.read()
    with pytest.raises(ConnectionError):
        async with asyncio.timeout(3):
            while True:
                writer.write(b"x" * 100_000)
                await writer.drain()

    assert received.startswith(b"HTTP/1.1 401 Unauthorized")
    await connections_end(server)


async def test_stopping_server_does_not_hear_clients_out(runtime: Runtime) -> None:
    async with listening(create_app(runtime)) as listener:
        reader, writer = await asyncio.open_connection(listener.host, listener.port)
        writer.write(post(1_000, Connection="close"))
        assert (await reader.read()).startswith(b"HTTP/1.1 401 Unauthorized")
        assert len(listener.connections) == 1
        started_s = time.monotonic()

    assert time.monotonic() - started_s < 2
    writer.close()


async def test_stopping_server_does_not_hear_out_whom_it_refuses(
    runtime: Runtime, make_key: Callable[..., Awaitable[str]]
) -> None:
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {await make_key()}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    async with AsyncExitStack() as stack:
        listener = await stack.enter_async_context(listening(create_app(runtime)))
        reader, writer = await asyncio.open_connection(listener.host, listener.port)
        writer.write(head.encode() + b"1\r\n{\r\n")
        await asyncio.sleep(0.1)
        stopping = asyncio.create_task(stack.aclose())
        await asyncio.sleep(0.1)
        started_s = time.monotonic()
        size = runtime.settings.body_bytes_max
        writer.write(f"{size:x}\r\n".encode() + b"x" * size)
        received = await reader.readuntil(b"\r\n")
        await stopping

    assert received.startswith(b"HTTP/1.1 413 ")
    assert time.monotonic() - started_s < 5
    writer.close()


@pytest.mark.parametrize("behind", [b"GET / HTTP/1.1\r\n\r\n", b"nothing\r\n\r\n"])
async def test_a_refusal_is_never_the_answer_to_the_request_before_it(
    server: Listener, make_key: Callable[..., Awaitable[str]], behind: bytes
) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)

    writer.write(post(len(QUERY), key=await make_key()) + QUERY + behind)

    assert await reader.read() == b""
    writer.close()


async def test_what_is_cut_off_is_not_told_and_what_met_a_cancellation_is() -> None:
    told: list[bool] = []

    async def fail() -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            told.append(protocol.connection_warnings.filter(record()))

    async def meet() -> None:
        other = asyncio.get_running_loop().create_future()
        other.cancel()
        try:
            await other
        except asyncio.CancelledError:
            told.append(protocol.connection_warnings.filter(record()))

    def record() -> logging.LogRecord:
        return protocol.connection_warnings.makeRecord("", logging.ERROR, "", 0, "", (), sys.exc_info())

    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    task.cancel()
    await task
    await meet()

    assert list(map(bool, told)) == [False, True]


# --- connections


async def test_connection_is_kept_for_further_requests(
    server: Listener, make_key: Callable[..., Awaitable[str]]
) -> None:
    request = post(len(QUERY), key=await make_key()) + QUERY

    apart, _ = await answer_to(server, KEPT, request, KEPT, HEALTH, pause_s=0.05)
    at_once, _ = await answer_to(server, KEPT + request + KEPT + HEALTH)

    for received in (apart, at_once):
        assert received.count(b"HTTP/1.1 200 OK") == 4
        assert received.count(b'{"status":"ok"}') == 3
        assert received.endswith(b'{"status":"ok"}')


@pytest.mark.parametrize("is_answered_early", [False, True])
async def test_idle_connection_is_closed(runtime: Runtime, is_answered_early: bool) -> None:
    parts = (post(5), b"12345") if is_answered_early else (KEPT,)
    async with listening(create_app(runtime), keep_alive_s=0.3) as listener:
        received, seconds = await answer_to(listener, *parts, pause_s=0.05)

    assert received.count(b"HTTP/1.1 ") == 1
    assert 0.2 < seconds < 2


async def test_client_that_does_not_fetch_its_answers_is_cut_off(
    server: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "FETCH_TIMEOUT_S", 0.2)
    asset = KEPT.replace(b"/healthz", b"/graphql/assets/graphiql.min.js")

    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        slow.connect((server.host, server.port))
        slow.sendall(asset * 5)
        async with asyncio.timeout(5):
            while not server.connections:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            while server.connections:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    received, _ = await answer_to(server, HEALTH)
    assert received.startswith(b"HTTP/1.1 200 OK")


async def test_client_that_fetches_slowly_gets_all(server: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "FETCH_TIMEOUT_S", 0.2)
    path = "/graphql/assets/graphiql.min.js"
    async with httpx.AsyncClient(base_url=server.url) as client:
        whole = (await client.get(path)).content

    fetched = b""
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        slow.connect((server.host, server.port))
        slow.setblocking(False)
        slow.send(HEALTH.replace(b"/healthz", path.encode()))
        while chunk := await asyncio.get_running_loop().sock_recv(slow, 100_000):
            fetched += chunk
            await asyncio.sleep(0.005)

    assert fetched.endswith(whole)


async def test_connections_that_are_reset_leave_nothing_behind(server: Listener) -> None:
    assert not server.connections
    tasks = len(asyncio.all_tasks())

    for request in (b"", HEALTH[:20], HEALTH, KEPT, post(1_000), KEPT * 50):
        for _ in range(30):
            _, writer = await asyncio.open_connection(server.host, server.port)
            writer.write(request)
            # No further word to the other end: a reset.
            opened = writer.get_extra_info("socket")
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async with asyncio.timeout(5):
        while server.connections or len(asyncio.all_tasks()) > tasks:  # noqa: ASYNC110 - nor for this
            await asyncio.sleep(0.01)


async def test_slow_senders_stand_in_nobodys_way(server: Listener) -> None:
    slow = [await asyncio.open_connection(server.host, server.port) for _ in range(200)]
    for _, writer in slow:
        writer.write(HEALTH[:20])

    received, seconds = await answer_to(server, HEALTH)

    assert received.startswith(b"HTTP/1.1 200 OK")
    assert seconds < 1
    for _, writer in slow:
        writer.close()
