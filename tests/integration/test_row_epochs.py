"""The epochs of tenants' rows on a real Redis: each lasts as long as nobody notes that a row changed."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from app.cache.answers import RedisAnswers, rows_key
from tests.factories.redis_server import RedisServer, answers_on, server_binaries


@pytest.fixture(params=server_binaries(), ids=lambda path: path.name)
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A server of this test's own, of each kind in turn."""
    binary: Path = request.param
    server = RedisServer(binary, "--maxmemory-policy", "noeviction")
    server.start()
    yield server
    server.remove()


@asynccontextmanager
async def _connected(url: str, timeout_s: float = 1.0) -> AsyncIterator[RedisAnswers]:
    async with answers_on(url, timeout_s) as answers:
        # What is asked before there is a connection is of none.
        assert await answers.rows_epoch(uuid.uuid4()) is None
        yield answers


async def test_an_epoch_ends_with_the_note_of_a_row(server: RedisServer) -> None:
    async with _connected(server.url) as mine, _connected(server.url) as theirs:
        one, two = uuid.uuid4(), uuid.uuid4()
        first, other = await mine.rows_epoch(one), await mine.rows_epoch(two)
        assert None not in (first, other)
        assert first != other

        await theirs.note(one, [date(2026, 3, 1)], [])
        await theirs.note(one, [], ["rates", "campaigns"])
        assert await mine.rows_epoch(one) == first
        await theirs.note(one, [], ["campaign:1"])
        second = await mine.rows_epoch(one)
        assert second not in (None, first)
        # So many days that they are noted as everything.
        await theirs.note(one, [date(2000, 1, 1) + timedelta(days=number) for number in range(3_000)], [])
        assert await mine.rows_epoch(one) not in (None, first, second)

        assert await mine.rows_epoch(two) == other
        # Whoever asks and leaves takes nothing away.
        theirs.rows_epoch(two)
        assert await theirs.rows_epoch(two) is not None


async def test_a_server_that_was_started_again_begins_new_ones(server: RedisServer) -> None:
    # From a dump that is older than the last note: it tells a word that was replaced.
    tenant = uuid.uuid4()
    async with _connected(server.url) as answers:
        first = await answers.rows_epoch(tenant)
        async with Redis.from_url(server.url) as redis:
            await redis.save()
        await answers.note(tenant, [], ["campaign:1"])
        second = await answers.rows_epoch(tenant)

        server.kill()
        server.start()

        async with Redis.from_url(server.url) as redis:
            assert await redis.get(rows_key(tenant)) is not None
        later = [await answers.rows_epoch(tenant) for _ in range(3)]
        assert later[1] == later[2] is not None
        assert not {first, second} & set(later)


async def test_a_full_server_ends_the_epoch(server: RedisServer) -> None:
    tenant = uuid.uuid4()
    async with _connected(server.url) as answers, Redis.from_url(server.url) as redis:
        first = await answers.rows_epoch(tenant)
        await redis.config_set("maxmemory", "1")

        await answers.note(tenant, [], ["campaign:1"])

        assert await answers.rows_epoch(tenant) is None
        await redis.config_set("maxmemory", "0")
        assert await answers.rows_epoch(tenant) not in (None, first)


async def test_there_is_none_while_a_note_is_owed(server: RedisServer) -> None:
    tenant = uuid.uuid4()
    async with _connected(server.url, timeout_s=0.1) as writer, _connected(server.url) as reader:
        first = await writer.rows_epoch(tenant)
        assert first is not None
        server.freeze()
        await writer.note(tenant, [], ["campaign:1"])
        assert await writer.rows_epoch(tenant) is None
        server.thaw()
        for _ in range(100):
            if (later := await writer.rows_epoch(tenant)) is not None:
                break
            await asyncio.sleep(0.05)

        assert later not in (None, first)
        assert await reader.rows_epoch(tenant) is not None


async def test_it_is_unknown_when_redis_is_away_or_says_something_else(server: RedisServer) -> None:
    async with _connected("unix:///nonexistent/redis.sock", timeout_s=0.1) as answers:
        assert await answers.rows_epoch(uuid.uuid4()) is None

    tenant = uuid.uuid4()
    async with _connected(server.url) as answers, Redis.from_url(server.url) as redis:
        await redis.set(rows_key(tenant), "the reply to another command", ex=60)
        assert await answers.rows_epoch(tenant) is None
