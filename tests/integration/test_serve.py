"""`scoville serve` as a process: it answers, shares its port, stops in order, and leaves nothing behind when killed."""

import asyncio
import json
import signal
import socket
import struct
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeAlias

import asyncpg
import httpx
import psutil
import pytest

from app.settings import Settings
from tests.factories.commands import COMMAND, clean_environment
from tests.factories.databases import empty_database, member_login
from tests.factories.listener import Listener
from tests.factories.subscriptions import Socket

pytestmark = pytest.mark.database

Admin: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


class Served:
    """A running `scoville serve`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.log: list[str] = []
        self.url = ""
        assert process.stderr is not None
        for line in process.stderr:
            self.log.append(line)
            if line.startswith("{") and json.loads(line).get("event") == "listening":
                self.url = json.loads(line)["url"]
                break

    def is_up(self) -> bool:
        """Whether it answers."""
        try:
            return httpx.get(f"{self.url}/healthz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def listener(self) -> Listener:
        """Where it answers."""
        url = httpx.URL(self.url)
        assert url.port is not None
        return Listener(url.host, url.port, ())


NOT_FOUND = 'scoville_http_requests_total{method="GET",route="unmatched",status="404"}'
UNDER_WAY = "scoville_http_in_progress_requests"
LIVE = 'scoville_live_connections{{protocol="{}"}}'
CLOSES = 'scoville_live_closes_total{{code="{}"}}'

FOLLOWED = 'subscription { analytics(range: {preset: TODAY}, every: "PT5S") { totals { orders } } }'
HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)


def metric(served: Served, series: str) -> float:
    """A series' value by /metrics; 0 when it is not there."""
    for line in httpx.get(f"{served.url}/metrics", timeout=5).text.splitlines():
        if line.startswith(f"{series} "):
            return float(line.rpartition(" ")[2])
    return 0.0


def unfinished_request(served: Served, key: str, body_bytes: int) -> socket.socket:
    """A connection with a request that is under way: its body is awaited."""
    listener = served.listener()
    client = socket.create_connection((listener.host, listener.port), timeout=20)
    client.sendall(
        f"POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nExpect: 100-continue\r\n"
        f"Content-Type: application/json\r\nContent-Length: {body_bytes}\r\n\r\n".encode()
    )
    assert client.recv(100).startswith(b"HTTP/1.1 100 Continue")
    return client


def request_of(body: object, key: str, **headers: str) -> bytes:
    """A request for an operation."""
    sent = json.dumps(body).encode()
    lines = {"Host": "x", "Authorization": f"Bearer {key}", "Content-Type": "application/json", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST /graphql HTTP/1.1\r\n{head}Content-Length: {len(sent)}\r\n\r\n".encode() + sent


def servers_of(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    """The living server processes behind the port."""
    found = []
    for child in psutil.Process(process.pid).children():
        try:
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.Error:
            # Killed, and not yet buried.
            continue
    return found


def wait_until(claim: Callable[[], bool], timeout_s: float = 60.0) -> bool:
    """Whether the claim came true in time, which is long: the machine may be busy."""
    deadline = time.monotonic() + timeout_s
    while not claim():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def serve(settings: Settings) -> Iterator[Callable[..., Served]]:
    """Starts servers on the suite's database; ends them."""
    assert settings.database_url is not None
    assert settings.redis_url is not None
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **environment: str) -> Served:
        given = {
            "DATABASE_URL": settings.database_url.get_secret_value() if settings.database_url else "",
            "DATABASE_ADMIN_URL": settings.owner_url,
            "REDIS_URL": settings.redis_url.get_secret_value() if settings.redis_url else "",
        }
        process = subprocess.Popen(
            [*COMMAND, "serve", *arguments],
            env=clean_environment(**(given | environment)),
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return Served(process)

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
async def key(make_key: Callable[..., Awaitable[str]]) -> str:
    """A key of the test's tenant."""
    return await make_key()


def test_it_answers_and_stops_in_order(serve: Callable[..., Served]) -> None:
    served = serve("--port", "0")
    assert wait_until(served.is_up)

    served.process.send_signal(signal.SIGTERM)
    _, rest = served.process.communicate(timeout=60)

    assert served.process.returncode == 0
    assert '"event":"server_stopped"' in rest
    assert "Traceback" not in rest


def test_a_request_under_way_is_answered_before_it_stops(serve: Callable[..., Served], key: str) -> None:
    served = serve("--port", "0")
    assert wait_until(served.is_up)
    body = json.dumps({"query": "{ viewer { role } }"}).encode()

    with unfinished_request(served, key, len(body)) as client:
        served.process.send_signal(signal.SIGTERM)
        assert wait_until(lambda: not served.is_up())
        client.sendall(body)
        answer = b""
        while chunk := client.recv(65_536):
            answer += chunk

    served.process.communicate(timeout=60)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"\r\nconnection: close\r\n" in answer
    assert b'"role":"ADMIN"' in answer
    assert served.process.returncode == 0


def stopped_without_a_failure(served: Served) -> bool:
    """Whether its log has nothing but information, now that it was stopped."""
    served.process.send_signal(signal.SIGTERM)
    _, rest = served.process.communicate(timeout=60)
    return served.process.returncode == 0 and all('"level":"info"' in line for line in rest.splitlines())


def test_clients_that_leave_their_socket_are_no_failures(serve: Callable[..., Served], key: str) -> None:
    served = serve("--port", "0")
    assert wait_until(served.is_up)
    listener = served.listener()

    async def vanish(after_s: float) -> None:
        async with Socket(listener) as opened:
            await opened.init(key)
            for number in range(60):
                await opened.subscribe("{ viewer { role } }", id=str(number))
            await asyncio.sleep(after_s)
            opened.connection.transport.abort()

    for turn in range(20):
        asyncio.run(vanish(0.002 * turn))
    for _ in range(20):
        with socket.create_connection((listener.host, listener.port), timeout=20) as hasty:
            hasty.sendall(HANDSHAKE)
            # No further word to the other end: a reset.
            hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert wait_until(lambda: metric(served, LIVE.format("websocket")) == 0)
    assert metric(served, CLOSES.format(1011)) == 0
    assert stopped_without_a_failure(served)


def test_clients_that_leave_their_stream_are_no_failures(serve: Callable[..., Served], key: str) -> None:
    served = serve("--port", "0", SCOVILLE_LIVE_PING_S="0.2")
    assert wait_until(served.is_up)
    listener = served.listener()
    stream = request_of({"query": FOLLOWED}, key, Accept="text/event-stream")
    # Behind it waits a request, which is the one whose client uvicorn knows to have left.
    sent = stream + request_of({"query": "{ viewer { role } }"}, key)

    for _ in range(10):
        with socket.create_connection((listener.host, listener.port), timeout=20) as client:
            client.sendall(sent)

    # Streams are found to have no reader when they give signs of life.
    assert wait_until(lambda: metric(served, UNDER_WAY) == 1)
    assert metric(served, LIVE.format("sse")) == 0

    # One that stays is told to end when the server stops, whatever waits behind it.
    with socket.create_connection((listener.host, listener.port), timeout=20) as client:
        client.sendall(sent)
        assert wait_until(lambda: metric(served, LIVE.format("sse")) == 1)
        started_s = time.monotonic()
        assert stopped_without_a_failure(served)
    assert time.monotonic() - started_s < 15


def test_text_that_is_none_is_no_failure(serve: Callable[..., Served]) -> None:
    served = serve("--port", "0")
    assert wait_until(served.is_up)

    async def send_no_text() -> int:
        async with Socket(served.listener()) as opened:
            await opened.connection.send(b"\xff\xfe", text=True)
            code, _ = await opened.closed()
        return code

    assert asyncio.run(send_no_text()) == 1007
    assert wait_until(lambda: metric(served, CLOSES.format(1007)) == 1)
    assert stopped_without_a_failure(served)


@pytest.mark.parametrize("protocol", ["Sec-WebSocket-Protocol: graphql-transport-ws\r\n", ""])
@pytest.mark.parametrize(
    ("frame", "code"),
    [(b"\x81\x82\0\0\0\0\xff\xfe", 1007), (b"\x83\x80\0\0\0\0", 1002), (b"\x88\x82\0\0\0\0\x03\xe8", 1000)],
    ids=["text that is none", "a kind that is none", "goodbye"],
)
def test_frames_that_come_with_the_head_are_no_failure(
    serve: Callable[..., Served], frame: bytes, code: int, protocol: str
) -> None:
    served = serve("--port", "0")
    assert wait_until(served.is_up)
    listener = served.listener()
    head = (
        f"GET /graphql HTTP/1.1\r\nHost: {listener.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n{protocol}\r\n"
    )

    with socket.create_connection((listener.host, listener.port), timeout=10) as connection:
        connection.sendall(head.encode() + frame)
        answered = b""
        while part := connection.recv(65_536):
            answered += part

    assert answered.startswith(b"HTTP/1.1 101 ")
    if protocol:
        assert code.to_bytes(2) in answered.partition(b"\r\n\r\n")[2]
    assert stopped_without_a_failure(served)


def test_client_that_sends_all_before_it_reads_sees_why_it_is_refused(serve: Callable[..., Served], key: str) -> None:
    served = serve("--port", "0")
    assert wait_until(served.is_up)
    headers = {"Content-Type": "application/json"}
    many_lines = {f"X-{number}": 10_000 * "x" for number in range(99)}

    def status(headers: dict[str, str], body: bytes) -> int:
        # Says `Connection: close`, as Python's own client always does.
        request = urllib.request.Request(f"{served.url}/graphql", data=body, headers=headers)
        with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(request, timeout=20):
            pass
        assert json.loads(refused.value.read())["errors"]
        return refused.value.code

    for _ in range(5):
        assert status(headers | {"Authorization": f"Bearer {key}"}, b"x" * 8_000_001) == 413
        assert status(headers, b"x" * 8_000_001) == 401
        assert status(headers | many_lines, b"{}") == 431
    assert wait_until(lambda: metric(served, UNDER_WAY) == 1)


def test_metrics_of_several_processes_add_up(serve: Callable[..., Served], key: str) -> None:
    served = serve("--port", "0", "--workers", "2")
    assert wait_until(served.is_up)
    assert wait_until(lambda: len(servers_of(served.process)) == 2)
    # Both have started when each answers alone.
    one, other = servers_of(served.process)
    for suspended in (one, other):
        suspended.suspend()
        assert wait_until(served.is_up)
        suspended.resume()
    before = metric(served, NOT_FOUND)

    for suspended in (one, other):
        suspended.suspend()
        for _ in range(3):
            assert httpx.get(f"{served.url}/nowhere", timeout=5).status_code == 404
        suspended.resume()

    assert metric(served, NOT_FOUND) == before + 6
    assert metric(served, UNDER_WAY) == 1

    # What a killed process counted stays counted; what it had under way is not.
    held = [unfinished_request(served, key, 100) for _ in range(8)]
    assert wait_until(lambda: metric(served, UNDER_WAY) == 9)
    for process in (one, other):
        process.kill()
    assert wait_until(lambda: not {one, other} & set(servers_of(served.process)))
    assert wait_until(served.is_up)
    assert wait_until(lambda: metric(served, UNDER_WAY) == 1)
    assert metric(served, NOT_FOUND) == before + 6
    for client in held:
        client.close()


def test_several_processes_answer_behind_one_port_and_die_with_their_parent(serve: Callable[..., Served]) -> None:
    served = serve("--port", "0", "--workers", "2")
    assert wait_until(served.is_up)
    assert wait_until(lambda: len(servers_of(served.process)) == 2)
    children = servers_of(served.process)

    served.process.kill()
    served.process.wait()

    gone, alive = psutil.wait_procs(children, timeout=60)
    assert (len(gone), alive) == (2, [])


def test_a_killed_process_of_several_is_replaced(serve: Callable[..., Served]) -> None:
    served = serve("--port", "0", "--workers", "2")
    assert wait_until(served.is_up)
    assert wait_until(lambda: len(servers_of(served.process)) == 2)
    before = servers_of(served.process)

    before[0].kill()

    assert wait_until(lambda: len(servers_of(served.process)) == 2 and before[0] not in servers_of(served.process))
    assert wait_until(served.is_up)
    served.process.send_signal(signal.SIGINT)
    served.process.communicate(timeout=60)
    assert served.process.returncode == 0


def test_a_port_in_use_is_one_clear_line(serve: Callable[..., Served]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        served = serve("--port", str(taken.getsockname()[1]))

    served.process.wait(timeout=60)
    assert served.process.returncode == 1
    assert served.log[-1].startswith("scoville: Cannot listen on 127.0.0.1:")
    assert "Traceback" not in "".join(served.log)


async def test_a_given_database_with_an_old_schema_is_left_alone(
    serve: Callable[..., Served], services: Settings
) -> None:
    async with empty_database(services) as settings:
        old = settings.owner_url
        served = serve("--port", "0", DATABASE_URL=old, DATABASE_ADMIN_URL=old)
        served.process.wait(timeout=60)

        connection = await asyncpg.connect(old)
        tables = await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        await connection.close()
    assert tables == 0
    assert served.process.returncode == 1
    assert "Run `scoville migrate`" in served.log[-1]


async def test_a_login_that_is_only_a_member_of_the_apps_role_can_serve(
    serve: Callable[..., Served], settings: Settings, key: str
) -> None:
    async with member_login(settings) as url:
        served = serve("--port", "0", DATABASE_URL=url, DATABASE_ADMIN_URL="")
        assert await asyncio.to_thread(wait_until, served.is_up)
        customers = {"customers": [{"externalId": "ann"}]}
        document = """mutation($input: UpsertCustomersInput!) {
          upsertCustomers(input: $input) { recordedCount } }"""
        async with httpx.AsyncClient(timeout=20) as client:
            answer = await client.post(
                f"{served.url}/graphql",
                json={"query": document, "variables": {"input": customers}},
                headers={"Authorization": f"Bearer {key}"},
            )
        connection = await asyncpg.connect(url)
        await connection.execute("RESET ROLE")
        seen = await connection.fetchval("SELECT count(*) FROM customers")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("ALTER TABLE customers NO FORCE ROW LEVEL SECURITY")
        await connection.close()
        served.process.send_signal(signal.SIGTERM)
        served.process.communicate(timeout=60)

    assert answer.json()["data"] == {"upsertCustomers": {"recordedCount": 1}}
    assert seen == 0
