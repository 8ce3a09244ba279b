"""Changes on a real Redis: told before a write is acknowledged, to whom they concern, and never lost unnoticed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.cache import pubsub
from app.cache.answers import EVERYTHING, Depends, RedisAnswers
from app.cache.client import RedisClient
from app.cache.pubsub import NullChanges, RedisChanges, touches
from app.settings import Settings
from tests.factories.redis_server import RedisServer, server_binaries

DAY = date(2026, 3, 1)


@pytest.fixture
async def changes(services: Settings) -> AsyncIterator[RedisChanges]:
    """A listener."""
    assert services.redis_url is not None
    made = RedisChanges(services.redis_url.get_secret_value(), timeout_s=2)
    yield made
    await made.close()


@pytest.fixture
async def answers(services: Settings) -> AsyncIterator[RedisAnswers]:
    """A writer."""
    assert services.redis_url is not None
    client = RedisClient(services.redis_url.get_secret_value(), timeout_s=2)
    yield RedisAnswers(client, services)
    await client.close()


async def test_what_was_noted_before_is_told_when_it_is_settled(changes: RedisChanges, answers: RedisAnswers) -> None:
    tenant, other = uuid4(), uuid4()
    heard: list[Any] = []
    with changes.listen(tenant, heard.append):
        assert await changes.settled(tenant)
        heard.clear()
        await answers.note(tenant, [DAY], ["campaign:1"])
        await answers.note(other, [DAY], [])
        assert await changes.settled(tenant)

    assert heard == [frozenset({"d2026-03-01", "tcampaign:1"})]


async def test_listeners_come_and_go(changes: RedisChanges, answers: RedisAnswers) -> None:
    tenants = [uuid4() for _ in range(3)]
    heard: dict[UUID, list[Any]] = {tenant: [] for tenant in tenants}
    with ExitStack() as stack:
        for tenant in tenants:
            stack.enter_context(changes.listen(tenant, heard[tenant].append))
        assert await changes.settled(tenants[0])
    first, *_ = tenants
    twice: list[Any] = []
    with changes.listen(first, heard[first].append):
        with changes.listen(first, twice.append):
            assert await changes.settled(first)
        for each in (*heard.values(), twice):
            each.clear()
        for tenant in tenants:
            await answers.note(tenant, [DAY], [])
        assert await changes.settled(first)

    assert [len(each) for each in heard.values()] == [1, 0, 0]
    assert twice == []


async def test_many_may_ask_at_once(changes: RedisChanges) -> None:
    tenant = uuid4()
    with changes.listen(tenant, lambda _: None):
        assert all(await asyncio.gather(*(changes.settled(tenant) for _ in range(500))))


@pytest.mark.parametrize("binary", server_binaries(), ids=lambda path: path.name)
async def test_a_link_that_breaks_is_told_as_everything(binary: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pubsub, "RETRY_PAUSE_S", 0.05)
    redis = RedisServer(binary)
    redis.start()
    changes = RedisChanges(redis.url, timeout_s=1)
    tenant = uuid4()
    heard: asyncio.Queue[frozenset[str]] = asyncio.Queue()
    try:
        with changes.listen(tenant, heard.put_nowait):
            async with asyncio.timeout(10):
                assert await changes.settled(tenant)
                assert await heard.get() == EVERYTHING
                redis.kill()
                assert await heard.get() == EVERYTHING
                assert not changes.is_up
                assert not await changes.settled(tenant)
                redis.start()
                assert await heard.get() == EVERYTHING
                assert await changes.settled(tenant)
    finally:
        await changes.close()
        redis.remove()


async def test_a_server_that_says_nothing_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pubsub, "PROBE_INTERVAL_S", 0.05)
    redis = RedisServer(server_binaries()[0])
    redis.start()
    changes = RedisChanges(redis.url, timeout_s=0.3)
    tenant = uuid4()
    heard: asyncio.Queue[frozenset[str]] = asyncio.Queue()
    try:
        with changes.listen(tenant, heard.put_nowait):
            async with asyncio.timeout(10):
                assert await changes.settled(tenant)
                await heard.get()
                redis.freeze()
                assert await heard.get() == EVERYTHING
            assert not changes.is_up
            redis.thaw()
            async with asyncio.timeout(10):
                assert await heard.get() == EVERYTHING
            assert changes.is_up
    finally:
        await changes.close()
        redis.remove()


async def test_nobody_is_told_without_redis() -> None:
    changes, tenant = NullChanges(), uuid4()
    with changes.listen(tenant, lambda _: None):
        assert not await changes.settled(tenant)
        assert not changes.is_up


@pytest.mark.parametrize(
    ("names", "is_touched"),
    [
        ({"d2026-03-01"}, True),
        ({"d2026-03-31"}, True),
        ({"d2026-02-28", "d2026-04-01"}, False),
        ({"d2027-01-01"}, True),
        ({"tcampaign:1"}, True),
        ({"*"}, True),
    ],
)
def test_what_touches(names: set[str], is_touched: bool) -> None:
    depends = Depends(days=((date(2026, 3, 1), date(2026, 3, 31)), (date(2027, 1, 1), None)))

    assert touches(frozenset(names), depends) is is_touched


@pytest.mark.parametrize("binary", server_binaries(), ids=lambda path: path.name)
async def test_who_may_not_publish_still_writes_notes(services: Settings, binary: Any) -> None:
    redis = RedisServer(binary)
    redis.start()
    owner = RedisClient(redis.url, timeout_s=2)
    await owner.command("ACL", "SETUSER", "limited", "on", ">word", "~*", "+@all", "resetchannels")
    client = RedisClient(redis.url.replace("unix://", "unix://limited:word@"), timeout_s=2)
    changes = RedisChanges(redis.url.replace("unix://", "unix://limited:word@"), timeout_s=1)
    answers, tenant, depends = RedisAnswers(client, services), uuid4(), Depends(days=((DAY, DAY),))
    try:
        with changes.listen(tenant, lambda _: None):
            assert not await changes.settled(tenant)
        token = (await answers.get(tenant, "key", depends)).token
        assert token is not None
        await answers.put(tenant, "key", token, b"answer")
        assert (await answers.get(tenant, "key", depends)).body == b"answer"

        await answers.note(tenant, [DAY], [])

        looked_up = await answers.get(tenant, "key", depends)
        assert (looked_up.body, looked_up.token is None) == (None, False)
    finally:
        await changes.close()
        await client.close()
        await owner.close()
        redis.remove()
