"""The epochs of API keys, and of tenants' rows, on a real Redis."""

import uuid
from datetime import date, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from app.cache.answers import RedisAnswers, rows_key
from app.cache.client import RedisClient
from app.cache.keys import Epochs, RedisKeyEpochs
from app.settings import Settings
from tests.factories.redis_server import RedisServer, server_binaries


def _client(settings: Settings) -> RedisClient:
    assert settings.redis_url is not None
    return RedisClient(settings.redis_url.get_secret_value(), timeout_s=2)


async def test_epoch_changes_only_when_bumped(services: Settings) -> None:
    # A key of this test's own: others that share the server revoke keys too.
    clients, key = (_client(services), _client(services)), f"scoville:{{{uuid.uuid4()}}}:epoch"
    mine, theirs = (RedisKeyEpochs(client, key=key) for client in clients)
    first = await mine.current()
    assert first is not None
    assert await theirs.current() == first

    assert await theirs.bump() is True

    assert await mine.current() not in (None, first)
    for client in clients:
        await client.close()


async def test_epoch_is_unknown_when_redis_is_away() -> None:
    client = RedisClient("unix:///nonexistent/redis.sock", timeout_s=0.1)

    assert await RedisKeyEpochs(client).current() is None
    assert await RedisKeyEpochs(client).bump() is False
    await client.close()


async def test_what_is_no_epoch_is_not_taken_for_one(services: Settings) -> None:
    client, key = _client(services), f"scoville:{{{uuid.uuid4()}}}:epoch"
    await client.command("SET", key, "the reply to another command", "EX", 60)

    assert await RedisKeyEpochs(client, key=key).current() is None

    assert await RedisKeyEpochs(client, key=key).bump() is True
    assert await RedisKeyEpochs(client, key=key).current() is not None
    await client.close()


async def test_rows_of_each_tenant_have_an_epoch_of_their_own(services: Settings) -> None:
    clients, key = (_client(services), _client(services)), f"scoville:{{{uuid.uuid4()}}}:epoch"
    mine, theirs = (RedisKeyEpochs(client, key=key) for client in clients)
    answers = RedisAnswers(clients[1], services)
    one, two = uuid.uuid4(), uuid.uuid4()
    # What is asked before there is a connection is of none.
    assert (await mine.with_rows(one)).rows is not None
    first, other = await mine.with_rows(one), await mine.with_rows(two)
    assert first.keys == await theirs.current()
    assert None not in (first.rows, other.rows)
    assert await mine.with_rows(one) == first

    await answers.note(one, [date(2026, 3, 1)], [])
    await answers.note(one, [], ["rates", "campaigns"])
    assert await mine.with_rows(one) == first
    await answers.note(one, [], ["campaign:1"])
    second = await mine.with_rows(one)
    assert second.keys == first.keys
    assert second.rows not in (None, first.rows)
    # So many names that they are noted as everything.
    await answers.note(one, [date(2000, 1, 1) + timedelta(days=number) for number in range(3_000)], [])
    assert (await mine.with_rows(one)).rows not in (None, first.rows, second.rows)

    assert await mine.with_rows(two) == other
    assert await mine.with_rows(None) == Epochs(first.keys, None)
    await answers.close()
    for client in clients:
        await client.close()


@pytest.mark.parametrize("binary", server_binaries(), ids=lambda path: path.name)
async def test_a_server_that_was_started_again_begins_epochs_of_rows(binary: Path) -> None:
    # From a dump that is older than the last note: it tells a word that was replaced.
    server, tenant = RedisServer(binary), uuid.uuid4()
    server.start()
    client = RedisClient(server.url, timeout_s=1)
    epochs, answers = RedisKeyEpochs(client), RedisAnswers(client, Settings(redis_url=server.url))
    await epochs.current()
    first = await epochs.with_rows(tenant)
    async with Redis.from_url(server.url) as redis:
        await redis.save()
    await answers.note(tenant, [], ["campaign:1"])
    second = await epochs.with_rows(tenant)

    server.kill()
    server.start()

    async with Redis.from_url(server.url) as redis:
        assert await redis.get(rows_key(tenant)) is not None
    # The first reply may still be of the connection that was lost.
    await epochs.with_rows(tenant)
    third = await epochs.with_rows(tenant)
    assert len({first.rows, second.rows, third.rows, None}) == 4
    await answers.close()
    await client.close()
    server.remove()


@pytest.mark.parametrize("binary", server_binaries(), ids=lambda path: path.name)
async def test_a_full_server_ends_the_epoch_of_rows(binary: Path) -> None:
    server, tenant = RedisServer(binary, "--maxmemory-policy", "noeviction"), uuid.uuid4()
    server.start()
    client = RedisClient(server.url, timeout_s=1)
    epochs, answers = RedisKeyEpochs(client), RedisAnswers(client, Settings(redis_url=server.url))
    await epochs.current()
    first = await epochs.with_rows(tenant)
    async with Redis.from_url(server.url) as redis:
        await redis.config_set("maxmemory", "1")

    await answers.note(tenant, [], ["campaign:1"])

    assert (await epochs.with_rows(tenant)).rows != first.rows
    async with Redis.from_url(server.url) as redis:
        await redis.config_set("maxmemory", "0")
    assert (await epochs.with_rows(tenant)).rows not in (None, first.rows)
    await answers.close()
    await client.close()
    server.remove()


async def test_epochs_of_rows_are_unknown_when_redis_is_away(services: Settings) -> None:
    client = RedisClient("unix:///nonexistent/redis.sock", timeout_s=0.1)
    assert await RedisKeyEpochs(client).with_rows(uuid.uuid4()) == Epochs(None, None)
    await client.close()

    client, tenant = _client(services), uuid.uuid4()
    await client.command("SET", rows_key(tenant), "the reply to another command", "EX", 60)
    assert (await RedisKeyEpochs(client).with_rows(tenant)).rows is None
    await client.close()
