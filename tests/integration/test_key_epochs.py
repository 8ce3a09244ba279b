"""The epoch of API keys on a real Redis."""

import uuid

from app.cache.client import RedisClient
from app.cache.keys import RedisKeyEpochs
from app.settings import Settings


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
