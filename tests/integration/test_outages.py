"""What callers see while Postgres is away or hangs, or when they leave: a code in time, and nothing that runs on."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import orjson
import pytest
from pydantic import SecretStr

from app.core.context import Ctx, Role
from app.db.connection import OPEN_UNUSED_S_MAX
from app.db.session import Database
from app.errors import OutsideError
from app.main import create_app
from app.runtime import Runtime, open_runtime
from app.settings import Settings
from graphql_schema import schema, viewer
from graphql_schema.execute import Executor
from tests.client import Client
from tests.factories import probe
from tests.factories.databases import empty_database
from tests.factories.postgres_proxy import PostgresProxy

pytestmark = pytest.mark.database

MakeKey = Callable[..., Awaitable[str]]
PROBING = schema.build((viewer, sys.modules[probe.__name__]))
ASK = "{ slow(seconds: 0) }"


@pytest.fixture(autouse=True)
def _nothing_ended() -> None:
    probe.ends.clear()


@pytest.fixture
async def proxy(settings: Settings) -> AsyncIterator[PostgresProxy]:
    assert settings.database_url is not None
    async with PostgresProxy(settings.database_url.get_secret_value()) as proxy:
        yield proxy


@pytest.fixture
async def through(proxy: PostgresProxy, settings: Settings, make_key: MakeKey) -> AsyncIterator[Client]:
    """A client of an application that reaches Postgres through the proxy."""
    other = settings.model_copy(update={"database_url": SecretStr(proxy.url)})
    async with (
        open_runtime(other) as runtime,
        Client(create_app(runtime, Executor(runtime, schema=PROBING)), await make_key()) as client,
    ):
        yield client


async def timed(answer: Awaitable[Any]) -> tuple[Any, float]:
    started_s = time.monotonic()
    return await answer, time.monotonic() - started_s


@pytest.mark.parametrize("fail", ["cut", "freeze"])
async def test_postgres_away_is_told_in_time_and_forgotten_after(
    through: Client, proxy: PostgresProxy, fail: str
) -> None:
    assert await through.data(ASK) == {"slow": 1}
    # What is under way, or goes on with what was just read, waits as long as its statement may take.
    await asyncio.sleep(2 * OPEN_UNUSED_S_MAX)

    if fail == "cut":
        await proxy.cut()
    else:
        proxy.freeze()
    answers = await asyncio.gather(*(timed(through.query(ASK)) for _ in range(15)))
    unknown, unknown_s = await timed(through.post({"query": ASK}, key="sk_live_" + "0" * 32))
    ready = await through.http.get("/readyz")
    alive = await through.http.get("/healthz")

    for answer, seconds in answers:
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        assert "127.0.0.1" not in str(answer)
        assert "Errno" not in str(answer)
        assert seconds < 3
    assert (unknown.status_code, unknown.headers["retry-after"]) == (503, "1")
    assert unknown_s < 3
    assert (ready.status_code, ready.json()["postgres"]) == (503, "unreachable")
    assert alive.status_code == 200

    if fail == "cut":
        await proxy.mend()
    else:
        proxy.thaw()
    deadline_s = time.monotonic() + 5
    while "errors" in await through.query(ASK):
        assert time.monotonic() < deadline_s, "not back 5 s after its return"
        await asyncio.sleep(0.1)
    assert await asyncio.gather(*(through.data(ASK) for _ in range(15))) == [{"slow": 1}] * 15


async def test_a_database_that_stands_still_between_two_statements_is_given_up(
    proxy: PostgresProxy, settings: Settings, ctx: Ctx
) -> None:
    """Postgres ends a statement after its time; where it does not even do that, nobody waits for much longer."""
    hurried = {"statement_timeout_s": 0.3, "pool_acquire_timeout_s": 0.2}
    db = await Database.open(settings.model_copy(update={"database_url": SecretStr(proxy.url), **hurried}))
    started_s = time.monotonic()
    with pytest.raises(OutsideError) as refused:
        async with db.read(ctx.tenant_id) as session:
            await session.fetchval("/* test */ SELECT 1")
            proxy.freeze()
            await session.fetchval("/* test */ SELECT 2")
    seconds = time.monotonic() - started_s
    proxy.thaw()

    assert refused.value.retryable
    # A second of it is ROLLBACK's, which is not answered either.
    assert seconds < 2.5
    async with db.read(ctx.tenant_id) as session:
        assert await session.fetchval("/* test */ SELECT 3") == 3
    await db.close()


async def test_ready_without_redis_is_degraded(runtime: Runtime, make_key: MakeKey, settings: Settings) -> None:
    gone = settings.model_copy(update={"redis_url": SecretStr("unix:///nonexistent/redis.sock")})
    async with (
        open_runtime(gone) as cut_off,
        Client(create_app(cut_off, Executor(cut_off)), await make_key()) as client,
    ):
        ready = await client.http.get("/readyz")
        answered = await client.data("{ viewer { role } }")

    assert (ready.status_code, ready.json()) == (200, {"status": "degraded", "postgres": "ok", "redis": "unreachable"})
    assert answered == {"viewer": {"role": "ADMIN"}}


async def test_unmigrated_database_is_not_ready(services: Settings) -> None:
    async with (
        empty_database(services) as empty,
        open_runtime(empty) as runtime,
        Client(create_app(runtime, Executor(runtime)), None) as client,
    ):
        ready = await client.http.get("/readyz")

    assert (ready.status_code, ready.json()["postgres"]) == (503, "not migrated")


async def test_read_beyond_its_deadline_is_told_and_ended(runtime: Runtime, make_key: MakeKey) -> None:
    hurried = Executor(_with(runtime, operation_timeout_s=0.2), schema=PROBING)
    async with Client(create_app(runtime, hurried), await make_key()) as client:
        response, seconds = await timed(client.post({"query": "{ slow(seconds: 20) }"}))

    assert response.status_code == 503
    assert orjson.loads(response.content)["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
    assert "data" not in orjson.loads(response.content)
    assert seconds < 2
    assert probe.ends == ["CancelledError"]


class Leaving:
    """One HTTP request, at the level of ASGI, whose client leaves when told to."""

    def __init__(self, key: str, document: str) -> None:
        self._body = orjson.dumps({"query": document})
        self._is_sent = False
        self.leaves = asyncio.Event()
        self.answered: list[Any] = []
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self.scope = {
            "type": "http",
            "method": "POST",
            "path": "/graphql",
            "raw_path": b"/graphql",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }

    async def receive(self) -> dict[str, Any]:
        if not self._is_sent:
            self._is_sent = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.answered.append(message)


async def running(admin: "asyncpg.Pool[Any]", tag: str) -> int:
    found: int = await admin.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1", f"/* {tag} */%"
    )
    return found


async def test_read_ends_on_the_server_when_its_caller_leaves(
    runtime: Runtime, make_key: MakeKey, admin: "asyncpg.Pool[Any]"
) -> None:
    app = create_app(runtime, Executor(runtime, schema=PROBING))
    request = Leaving(await make_key(), "{ a: slow(seconds: 20) b: slow(seconds: 20) }")
    serving = asyncio.ensure_future(app(request.scope, request.receive, request.send))
    while await running(admin, "probe.slow") < 2:
        assert not serving.done()
        await asyncio.sleep(0.02)

    request.leaves.set()
    _, seconds = await timed(serving)
    while await running(admin, "probe.slow"):
        seconds += 0.02
        await asyncio.sleep(0.02)

    assert seconds < 1
    assert request.answered == []
    assert probe.ends == ["CancelledError", "CancelledError"]


async def test_mutation_runs_to_its_end_when_its_caller_leaves(runtime: Runtime, make_key: MakeKey) -> None:
    executor = Executor(runtime, schema=PROBING)
    request = Leaving(await make_key(), "mutation { a: slowWrite(seconds: 0.2) b: slowWrite(seconds: 0.2) }")
    serving = asyncio.ensure_future(create_app(runtime, executor)(request.scope, request.receive, request.send))
    await asyncio.sleep(0.1)

    request.leaves.set()
    await serving
    assert probe.ends == []
    await executor.drain()

    assert request.answered == []
    assert probe.ends == ["written", "written"]


async def test_client_that_leaves_while_it_sends_is_not_an_error(runtime: Runtime, make_key: MakeKey) -> None:
    request = Leaving(await make_key(), "{ viewer { role } }")
    request._is_sent = True
    request.leaves.set()

    await create_app(runtime, Executor(runtime))(request.scope, request.receive, request.send)

    assert request.answered == []


async def test_body_that_does_not_arrive_is_408(runtime: Runtime, make_key: MakeKey) -> None:
    hurried = _with(runtime, body_timeout_s=0.1)
    request = Leaving(await make_key(), "")
    request._is_sent = True

    _, seconds = await timed(create_app(hurried, Executor(hurried))(request.scope, request.receive, request.send))

    assert request.answered[0]["status"] == 408
    assert (b"connection", b"close") in request.answered[0]["headers"]
    assert seconds < 1


async def test_nothing_leaks_after_many_left(runtime: Runtime, make_key: MakeKey, admin: "asyncpg.Pool[Any]") -> None:
    app = create_app(runtime, Executor(runtime, schema=PROBING))
    key = await make_key(Role.ADMIN)

    async def left(number: int) -> None:
        request = Leaving(key, "{ slow(seconds: 30) }")
        serving = asyncio.ensure_future(app(request.scope, request.receive, request.send))
        await asyncio.sleep(0.002 * (number % 20))
        request.leaves.set()
        await serving

    for _ in range(10):
        await asyncio.gather(*(left(number) for number in range(20)))

    async with Client(app, key) as client:
        answers = await asyncio.gather(*(client.data(ASK) for _ in range(30)))
    assert answers == [{"slow": 1}] * 30
    # The server ends them when it is told to, a moment later; what nobody told runs on until its limit of 15 s.
    for _ in range(400):
        if await running(admin, "probe.slow") == 0:
            break
        await asyncio.sleep(0.02)
    assert await running(admin, "probe.slow") == 0


def _with(runtime: Runtime, **settings: Any) -> Runtime:
    return Runtime(
        settings=runtime.settings.model_copy(update=settings),
        db=runtime.db,
        answers=runtime.answers,
        clock=runtime.clock,
        key_epochs=runtime.key_epochs,
    )
