"""Files of tables on a real socket: constant memory, clients that leave, servers that stop, failures in the middle."""

import asyncio
import dataclasses
import socket
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeAlias

import asyncpg
import httpx
import psutil
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from app.analytics import streaming
from app.core.context import TenantInfo
from app.db.session import ReadSession
from app.errors import OutsideError
from app.main import create_app
from app.observability import metrics
from app.runtime import Runtime
from app.tenancy.service import hash_key
from app.web import protocol
from tests.conftest import make_ctx
from tests.factories.clicks import add_clicks
from tests.factories.influencers import make_influencers
from tests.factories.listener import Listener, listening

pytestmark = pytest.mark.database

MakeKey: TypeAlias = Callable[..., Awaitable[str]]
Admin: TypeAlias = "asyncpg.Pool[Any]"

START = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = 20_000
WIDTH = 1_000
MILLION = 1_000_000

RECEIVES = (socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
"""A client's buffer that holds no more: what is sent and not read waits at the server."""

ASKED = """query Channels { analytics(range: {between: {from: "2026-01-01T00:00:00Z", until: "2026-03-01T00:00:00Z"}}) {
  table(by: [{dimension: {name: CHANNEL}}, {dimension: {name: INFLUENCER}}],
    measures: [{name: CLICKS}, {name: CONVERSION_RATE}, {name: NET_REVENUE}]) { rowCount }
} }"""
"""A row for each click."""

CSV, PARQUET, ARROW = "text/csv", "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream"


@asynccontextmanager
async def exporting(listener: Listener, key: str, accept: str = CSV) -> AsyncIterator[httpx.Response]:
    """An export whose head is there."""
    headers = {"accept": accept, "authorization": f"Bearer {key}"}
    async with (
        httpx.AsyncClient(timeout=60, transport=httpx.AsyncHTTPTransport(socket_options=[RECEIVES])) as client,
        client.stream("POST", f"{listener.url}/export", json={"query": ASKED}, headers=headers) as response,
    ):
        yield response


@pytest.fixture
async def server(runtime: Runtime) -> AsyncIterator[Listener]:
    """A server in this process."""
    async with listening(create_app(runtime)) as listener:
        yield listener


@pytest.fixture
async def many(runtime: Runtime, tenant: TenantInfo) -> int:
    """Clicks of the tenant, more than the buffers between us and a client hold."""
    await add_clicks(runtime.db, tenant.id, ROWS, start=START, width=WIDTH)
    return ROWS


async def read_away(server: Listener, key: str, accept: str, at_each: Callable[[], None] = lambda: None) -> int:
    """Bytes of the file, of which nothing is kept."""
    size = 0
    async with exporting(server, key, accept) as response:
        async for piece in response.aiter_raw(65_536):
            size += len(piece)
            at_each()
    return size


async def statements_under_way(admin: Admin) -> int:
    """Connections of the app that are in a transaction of an export."""
    found: int = await admin.fetchval(
        """SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state <> 'idle' AND query LIKE '/* analytics.groups%'"""
    )
    return found


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Return when it holds; fail when it does not soon."""
    async with asyncio.timeout(5):
        while not await holds():  # noqa: ASYNC110 - what others see has no event
            await asyncio.sleep(0.01)


def ended(ending: str, format: str = "csv") -> float:
    """Exports that ended so."""
    labels = {"format": format, "ending": ending}
    return metrics.REGISTRY.get_sample_value("scoville_exports_total", labels) or 0.0


@pytest.mark.parametrize("accept", [CSV, PARQUET, ARROW])
async def test_every_row_arrives_once(server: Listener, many: int, make_key: MakeKey, accept: str) -> None:
    async with exporting(server, await make_key(), accept) as response:
        file = await response.aread()

    assert response.headers["transfer-encoding"] == "chunked"
    assert "scoville-rows" not in response.headers
    if accept == CSV:
        channels = [line.partition('",')[0] for line in file.decode().splitlines()[1:]]
    elif accept == ARROW:
        channels = arrow.ipc.open_stream(file).read_all().column("channel").to_pylist()
    else:
        channels = parquet.read_table(arrow.BufferReader(file)).column("channel").to_pylist()
    assert len(channels) == len(set(channels)) == many


async def test_memory_holds_a_few_rows_of_a_file(
    server: Listener, many: int, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "CHUNK_ROWS", 200)
    key = await make_key()
    await read_away(server, key, CSV)
    tracemalloc.start()
    try:
        size = await read_away(server, key, CSV)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert size > many * WIDTH
    assert peak < size / 4


@pytest.mark.slow
@pytest.mark.parametrize("accept", [CSV, PARQUET, ARROW])
async def test_memory_stays_where_it_is_over_a_million_rows(
    runtime: Runtime, server: Listener, tenant: TenantInfo, make_key: MakeKey, accept: str
) -> None:
    ctx, key = make_ctx(tenant), await make_key()
    influencers = await make_influencers(runtime, ctx, *(f"Influencer {number}" for number in range(500)))
    await add_clicks(runtime.db, tenant.id, MILLION, start=START, by=influencers)
    process = psutil.Process()
    resident: list[int] = []

    size = await read_away(server, key, accept, lambda: resident.append(process.memory_info().rss))

    # When a tenth has arrived, everything is loaded and every buffer is full once.
    grown = max(resident) - max(resident[: len(resident) // 10])
    print(f"{accept}: {size / 1e6:.0f} MB, resident at most {max(resident) / 1e6:.0f} MB, of it {grown / 1e6:.0f} late")
    assert grown < 50_000_000


async def test_others_are_answered_meanwhile(server: Listener, many: int, make_key: MakeKey) -> None:
    slowest = 0.0
    async with exporting(server, await make_key()) as response, httpx.AsyncClient() as other:

        async def read() -> None:
            async for _ in response.aiter_bytes():
                pass

        reading = asyncio.create_task(read())
        while not reading.done():
            started = asyncio.get_running_loop().time()
            await other.get(f"{server.url}/healthz")
            slowest = max(slowest, asyncio.get_running_loop().time() - started)
            await asyncio.sleep(0)
        await reading

    assert slowest < 1.0


async def test_client_that_leaves_ends_the_statement(
    server: Listener, many: int, make_key: MakeKey, admin: Admin
) -> None:
    left = ended("left")
    async with exporting(server, await make_key()) as response:
        pieces = response.aiter_raw(1_000)
        await anext(pieces)
        assert await statements_under_way(admin) == 1

    await until(lambda: _is(statements_under_way(admin), 0))
    await until(lambda: _is(_now(lambda: ended("left")), left + 1))


async def test_client_that_leaves_before_the_first_row_ends_the_statement(
    server: Listener, make_key: MakeKey, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = ReadSession.stream

    def sleeping(session: Any, sql: str, *args: Any, batch: int) -> Any:
        return read(session, "/* analytics.groups */ SELECT pg_sleep(60)", batch=batch)

    monkeypatch.setattr(ReadSession, "stream", sleeping)
    key = await make_key()

    async def ask() -> None:
        async with exporting(server, key):
            pytest.fail("nothing was found, and told")

    asking = asyncio.create_task(ask())
    await until(lambda: _is(statements_under_way(admin), 1))
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    await until(lambda: _is(statements_under_way(admin), 0))


async def test_client_that_fetches_nothing_is_cut_off(
    server: Listener, many: int, make_key: MakeKey, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "FETCH_TIMEOUT_S", 0.2)
    body = httpx.Request("POST", "http://x", json={"query": ASKED}).content
    head = f"POST /export HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {await make_key()}"
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        slow.connect((server.host, server.port))
        slow.sendall(f"{head}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await until(lambda: _is(statements_under_way(admin), 1))
        await until(lambda: _is(statements_under_way(admin), 0))


@pytest.mark.parametrize("error", [OutsideError("away", retryable=True), RuntimeError("a bug")])
async def test_failure_in_the_middle_breaks_off(
    server: Listener,
    many: int,
    make_key: MakeKey,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    chunks = streaming._chunks

    async def failing(*args: Any) -> AsyncIterator[Any]:
        number = 0
        async for chunk in chunks(*args):
            number += 1
            if number == 4:
                raise error
            yield chunk

    monkeypatch.setattr(streaming, "_chunks", failing)
    failed = ended("failed")

    with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
        async with exporting(server, await make_key()) as response:
            assert response.status_code == 200
            await response.aread()

    await until(lambda: _is(_now(lambda: ended("failed")), failed + 1))


async def test_file_that_takes_too_long_breaks_off(
    runtime: Runtime, many: int, make_key: MakeKey, admin: Admin
) -> None:
    hurried = dataclasses.replace(runtime, settings=runtime.settings.model_copy(update={"export_timeout_s": 1.0}))
    expired = ended("expired")
    async with listening(create_app(hurried)) as listener:
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
            async with exporting(listener, await make_key()) as response:
                pieces = response.aiter_raw(1_000)
                await anext(pieces)
                # Slower than the server has patience.
                await until(lambda: _is(statements_under_way(admin), 0))
                async for _ in pieces:
                    pass

    assert ended("expired") == expired + 1


async def test_revoked_key_gets_no_more(
    runtime: Runtime, server: Listener, many: int, make_key: MakeKey, admin: Admin
) -> None:
    key, revoked = await make_key(), ended("revoked")

    with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
        async with exporting(server, key) as response:
            pieces = response.aiter_raw(1_000)
            await anext(pieces)
            await admin.execute("UPDATE api_keys SET revoked_at = now() WHERE key_hash = $1", hash_key(key))
            await runtime.key_epochs.bump()
            await until(lambda: _is(statements_under_way(admin), 0))
            async for _ in pieces:
                pass

    assert ended("revoked") == revoked + 1


async def test_stopping_server_lets_a_file_end(runtime: Runtime, many: int, make_key: MakeKey) -> None:
    key = await make_key()
    begun = asyncio.Event()

    async def read(listener: Listener) -> bytes:
        async with exporting(listener, key, ARROW) as response:
            begun.set()
            return await response.aread()

    async with listening(create_app(runtime)) as listener:
        reading = asyncio.create_task(read(listener))
        await begun.wait()

    assert arrow.ipc.open_stream(await reading).read_all().num_rows == many


async def test_stopped_server_breaks_off_what_goes_on(
    runtime: Runtime, many: int, make_key: MakeKey, admin: Admin, caplog: pytest.LogCaptureFixture
) -> None:
    stopped = ended("stopped")
    async with AsyncExitStack() as stack:
        async with listening(create_app(runtime), grace_s=1) as listener:
            response = await stack.enter_async_context(exporting(listener, await make_key()))
            pieces = response.aiter_raw(1_000)
            await anext(pieces)
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
            async for _ in pieces:
                pass

    await until(lambda: _is(statements_under_way(admin), 0))
    assert ended("stopped") == stopped + 1
    assert "Exception in ASGI application" not in caplog.text


async def _is(found: Awaitable[float], wanted: float) -> bool:
    return await found == wanted


async def _now(read: Callable[[], float]) -> float:
    return read()
