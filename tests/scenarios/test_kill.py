"""What survives kill -9: a store keeps sending orders over HTTP while server, Postgres, Redis and keepers are killed.

Every order is acknowledged in the end, is there once, and every repetition of a call gives the first one's answer.
"""

import asyncio
import random
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from app.core.context import Role, TenantInfo
from app.core.ids import new_id
from app.db.embedded import EmbeddedServices
from app.db.migrate import migrate
from app.db.owner import OwnerDatabase
from app.db.session import Database
from app.settings import Settings
from app.tenancy.service import create_key
from tests.conftest import add_tenant, make_ctx
from tests.factories.commands import COMMAND, clean_environment
from tests.factories.orders import NOON, Look, ProgramRows
from tests.integration.test_embedded import servers_in
from tests.invariants.books import broken_laws

pytestmark = pytest.mark.embedded

SENDERS = 8

PATIENCE_S = 60.0
"""Seconds until an order must have been acknowledged, whatever was killed meanwhile; on an idle machine about 2.
No claim about speed: only what never comes back is to fail."""

RECORD_ORDERS = """mutation($input: RecordOrdersInput!) {
  recordOrders(input: $input) {
    results { index outcome id externalId code message path } recordedCount replayedCount rejectedCount
  }
}"""

RECORD_REFUNDS = """mutation($input: RecordRefundsInput!) {
  recordRefunds(input: $input) {
    results { index outcome id externalId code message path } recordedCount replayedCount rejectedCount
  }
}"""


class Server:
    """`scoville serve` as a process that is killed and started again, always at the same port."""

    def __init__(self, data_dir: Path, log: Path) -> None:
        self._data_dir = data_dir
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        with socket.create_server(("127.0.0.1", 0)) as found:
            self._port = found.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it; it answers a moment later."""
        command = [*COMMAND, "serve", "--port", str(self._port), "--data-dir", str(self._data_dir)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """Kill it."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()


@dataclass(slots=True)
class Call:
    """A call and the answer that acknowledged it."""

    document: str
    variables: dict[str, Any]
    answer: Any = None


@dataclass
class Store:
    """Sends orders and refunds, and repeats a call until it is acknowledged."""

    client: httpx.AsyncClient
    dice: random.Random
    calls: list[Call] = field(default_factory=list)
    acknowledged_at: float = 0.0
    refused: int = 0

    async def send(self, call: Call) -> Any:
        """The answer that acknowledges the call."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            answer = await self._attempt(call)
            if answer is not None:
                self.acknowledged_at = time.monotonic()
                return answer
            self.refused += 1
            assert time.monotonic() < deadline, "not acknowledged in time"
            await asyncio.sleep(0.05 + self.dice.random() * 0.1)

    async def _attempt(self, call: Call) -> Any:
        try:
            response = await self.client.post("/graphql", json={"query": call.document, "variables": call.variables})
        except httpx.TransportError:
            return None
        body = response.json()
        codes = {error["extensions"]["code"] for error in body.get("errors", ())}
        if codes:
            assert codes == {"SERVICE_UNAVAILABLE"}, body
            return None
        assert response.status_code == 200, body
        return body["data"]

    async def trade(self, sender: int, is_over: asyncio.Event) -> None:
        """Send new orders, refunds of earlier ones, and repetitions, until it is over."""
        known: list[str] = []
        while not is_over.is_set():
            number = len(self.calls)
            if known and self.dice.random() < 0.2:
                call = _refund(f"{sender}-{number}", self.dice.choice(known), self.dice)
            else:
                call = _orders(f"{sender}-{number}", self.dice)
                known += [order["externalId"] for order in call.variables["input"]["orders"]]
            self.calls.append(call)
            call.answer = await self.send(call)
            if self.dice.random() < 0.3:
                repeated = self.dice.choice([each for each in self.calls if each.answer is not None])
                assert await self.send(repeated) == repeated.answer


def _orders(name: str, dice: random.Random) -> Call:
    orders = []
    for number in range(dice.randrange(1, 4)):
        amounts = [dice.randrange(1, 10_000) for _ in range(dice.randrange(1, 4))]
        orders.append(
            {
                "externalId": f"order-{name}-{number}",
                "occurredAt": (NOON + timedelta(minutes=dice.randrange(40_000))).isoformat(),
                "currency": "GBP",
                "total": _decimal(sum(amounts)),
                "lines": [{"kind": "ITEM", "amount": _decimal(amount), "quantity": 1} for amount in amounts],
                "codes": ["SPICY20"] if dice.random() < 0.7 else [],
            }
        )
    return Call(RECORD_ORDERS, {"input": {"idempotencyKey": f"orders-{name}", "orders": orders}})


def _refund(name: str, of: str, dice: random.Random) -> Call:
    refund = {
        "externalId": f"refund-{name}",
        "orderExternalId": of,
        "occurredAt": (NOON + timedelta(days=40)).isoformat(),
        "amount": _decimal(dice.randrange(1, 3_000)),
    }
    return Call(RECORD_REFUNDS, {"input": {"idempotencyKey": f"refund-{name}", "refunds": [refund]}})


def _decimal(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"


@dataclass(frozen=True, slots=True)
class Place:
    """A data directory with running services, a server, and a tenant with a key."""

    settings: Settings
    data_dir: Path
    server: Server
    tenant: TenantInfo
    key: str

    def kill(self, what: str) -> None:
        """Kill the server, the process of a service, or the keepers of both."""
        if what == "server":
            self.server.kill()
            self.server.start()
            return
        for process in servers_in(self.data_dir):
            with suppress(psutil.NoSuchProcess):
                if what == "keepers":
                    _keeper_of(process).kill()
                elif process.name().startswith(what):
                    process.kill()

    @asynccontextmanager
    async def store(self, seed: int) -> AsyncIterator[Store]:
        """A store with a key of the tenant."""
        limits = httpx.Limits(max_keepalive_connections=SENDERS)
        headers = {"authorization": f"Bearer {self.key}"}
        async with httpx.AsyncClient(base_url=self.server.url, headers=headers, timeout=20, limits=limits) as client:
            yield Store(client, random.Random(seed))


def _keeper_of(process: psutil.Process) -> psutil.Process:
    keeper = process.parent()
    if keeper is None or "app.db.keeper" not in keeper.cmdline():
        # Killed before: what is left of the service ends too.
        raise psutil.NoSuchProcess(process.pid)
    return keeper


async def _furnish(settings: Settings) -> tuple[TenantInfo, str]:
    """A tenant with a program in a new database, and a key of its store."""
    admin_url = settings.owner_url
    await asyncio.to_thread(migrate, admin_url)
    tenant = TenantInfo(new_id(), f"Hot & Co {new_id()}", "Europe/London", "GBP", is_test=False)
    async with asyncpg.create_pool(admin_url, min_size=1, max_size=1) as admin:
        await add_tenant(admin, tenant)
        db = await Database.open(settings)
        await ProgramRows(db, admin, make_ctx(tenant)).offer("SPICY20")
        await db.close()
    async with OwnerDatabase.connected(settings) as owner, owner.owner() as session:
        made = await create_key(session, tenant=tenant, role=Role.STORE, name="test", now=datetime.now(UTC))
    return tenant, made.key


@asynccontextmanager
async def _opened(directory: Path) -> AsyncIterator[Place]:
    """A place in the directory. The test holds the services too, so that they outlive a killed server."""
    data_dir = directory / "scoville"
    with EmbeddedServices(Settings(data_dir=data_dir, database_url=None, redis_url=None)) as settings:
        tenant, key = await _furnish(settings)
        server = Server(data_dir, directory / "server.log")
        server.start()
        try:
            yield Place(settings, data_dir, server, tenant, key)
        finally:
            server.kill()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """A place of this test's own, for killing."""
    async with _opened(tmp_path) as place:
        yield place


@pytest.fixture(scope="module")
async def standing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """A place in which nothing is killed."""
    async with _opened(tmp_path_factory.mktemp("standing")) as place:
        yield place


async def _wait_for(claim: Any, timeout_s: float) -> float:
    began = time.monotonic()
    while not claim():
        assert time.monotonic() - began < timeout_s
        await asyncio.sleep(0.01)
    return time.monotonic() - began


async def _check(place: Place, store: Store, *, is_dense: bool = False) -> None:
    """Every acknowledged order is there once, under the id that was answered, and the books are right.

    is_dense: so many calls came at once that some must have shared a transaction.
    """
    db = await Database.open(place.settings)
    look = Look(db, make_ctx(place.tenant))
    answered = {
        result["externalId"]: result["id"]
        for call in store.calls
        if call.document is RECORD_ORDERS
        for result in call.answer["recordOrders"]["results"]
    }
    kept = await look.rows("orders")
    assert len(kept) == len(answered)
    assert {row["external_id"]: str(row["id"]) for row in kept} == answered
    # Each call left exactly one trace: it ran once, however often it was sent.
    assert await look.value("count(*)", "audit_log") == len(store.calls)
    assert await look.value("sum(amount_minor)", "ledger_entries") == 0
    if is_dense:
        # Some shared a transaction, and with it the time at which they were recorded.
        calls = await look.value("count(*)", "audit_log", "action = 'recordOrders'")
        assert await look.value("count(DISTINCT recorded_at)", "orders") < calls
    assert await broken_laws(db, place.tenant.id) == {}
    await db.close()


async def _trade_under_fire(place: Place, *, kills: list[str], seed: int) -> dict[str, list[float]]:
    recoveries: dict[str, list[float]] = {"server": [], "postgres": [], "valkey": [], "keepers": []}
    async with place.store(seed) as store:
        is_over = asyncio.Event()
        trading = [asyncio.create_task(store.trade(sender, is_over)) for sender in range(SENDERS)]
        try:
            await _wait_for(lambda: store.acknowledged_at, 30)
            for what in kills:
                await asyncio.sleep(0.3 + store.dice.random())
                killed_at = time.monotonic()
                await asyncio.to_thread(place.kill, what)
                await _wait_for(lambda at=killed_at: store.acknowledged_at > at, PATIENCE_S)
                recoveries[what].append(store.acknowledged_at - killed_at)
            await asyncio.sleep(0.5)
        finally:
            is_over.set()
            await asyncio.gather(*trading)

        assert store.refused > 0
        assert len(store.calls) > 5 * len(kills)
        for call in store.calls:
            assert await store.send(call) == call.answer
        await _check(place, store, is_dense=True)
    return recoveries


async def test_nothing_acknowledged_is_lost_or_doubled_when_anything_is_killed(place: Place) -> None:
    kills = ["server", "postgres", "valkey", "keepers"] * 4
    random.Random(1).shuffle(kills)

    await _trade_under_fire(place, kills=kills, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 19))
async def test_nothing_is_lost_or_doubled_in_many_rounds(place: Place, seed: int) -> None:
    kills = ["server", "postgres", "valkey", "keepers"] * 4
    random.Random(seed).shuffle(kills)

    await _trade_under_fire(place, kills=kills, seed=seed)


async def test_serve_starts_keepers_again_that_nobody_else_holds(tmp_path: Path) -> None:
    data_dir = tmp_path / "scoville"
    with EmbeddedServices(Settings(data_dir=data_dir, database_url=None, redis_url=None)) as settings:
        tenant, key = await _furnish(settings)
    assert settings.redis_url is not None
    server = Server(data_dir, tmp_path / "server.log")
    server.start()
    place = Place(settings, data_dir, server, tenant, key)
    try:
        async with place.store(5) as store, Redis.from_url(settings.redis_url.get_secret_value()) as cache:
            for name in ("first", "second", "third"):
                call = _orders(name, store.dice)
                call.answer = await store.send(call)
                store.calls.append(call)
                before = servers_in(data_dir)
                assert len(before) == 2

                place.kill("keepers")
                await _wait_for(lambda before=before: not set(before) & set(servers_in(data_dir)), PATIENCE_S)

                assert await store.send(call) == call.answer
                await _wait_for(lambda: len(servers_in(data_dir)) == 2, PATIENCE_S)
                await _ping(cache)
            for call in store.calls:
                assert await store.send(call) == call.answer
            await _check(place, store)
    finally:
        server.kill()
        await _wait_for(lambda: servers_in(data_dir) == [], PATIENCE_S)
    log = (tmp_path / "server.log").read_text()
    assert '"event":"service_lost"' in log
    assert '"event":"service_back"' in log


async def _ping(cache: "Redis") -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            assert await cache.ping()
        except RedisConnectionError:
            assert time.monotonic() < deadline, "Redis is not back at its address"
            await asyncio.sleep(0.05)
        else:
            return


@pytest.mark.parametrize("is_keyed", [True, False])
async def test_the_same_order_sent_fifty_times_at_once_over_http_is_one(standing: Place, is_keyed: bool) -> None:
    tenant, key = await _furnish(standing.settings)
    place = replace(standing, tenant=tenant, key=key)
    async with place.store(3) as store:
        call = _orders("same", store.dice)
        if not is_keyed:
            del call.variables["input"]["idempotencyKey"]

        answers = await asyncio.gather(*(store.send(call) for _ in range(50)))

    results = [answer["recordOrders"]["results"] for answer in answers]
    ids = {tuple(result["id"] for result in each) for each in results}
    assert len(ids) == 1
    if is_keyed:
        assert all(answer == answers[0] for answer in answers)
    else:
        assert sum(result[0]["outcome"] == "RECORDED" for result in results) == 1
    call.answer, store.calls = answers[0], [call]
    db = await Database.open(place.settings)
    assert await Look(db, make_ctx(place.tenant)).value("count(*)", "orders") == len(results[0])
    assert await broken_laws(db, place.tenant.id) == {}
    await db.close()
