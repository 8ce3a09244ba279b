"""Cached answers on a real Redis: served while nothing they depend on was touched, and never afterwards."""

import asyncio
import random
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import uvloop
from redis.asyncio import Redis

from app.cache import answers as answers_module
from app.cache.answers import Answers, Depends, RedisAnswers
from app.settings import Settings
from tests.factories.redis_server import RedisServer, SlowProxy, answers_on, server_binaries

MARCH = (date(2024, 3, 1), date(2024, 3, 31))
QUESTION = "question"


@pytest.fixture(scope="module", params=server_binaries(), ids=lambda path: path.name)
def binary(request: pytest.FixtureRequest) -> Path:
    """Each kind of server in turn."""
    path: Path = request.param
    return path


@pytest.fixture
def server(binary: Path) -> Iterator[RedisServer]:
    """A server of this test's own."""
    server = RedisServer(binary)
    server.start()
    yield server
    server.remove()


@pytest.fixture
async def answers(server: RedisServer) -> AsyncIterator[RedisAnswers]:
    """Answers of one process."""
    async with answers_on(server.url) as opened:
        yield opened


@pytest.fixture
async def others(server: RedisServer) -> AsyncIterator[RedisAnswers]:
    """Answers of another process."""
    async with answers_on(server.url) as opened:
        yield opened


async def _keep(answers: Answers, tenant: UUID, depends: Depends, body: bytes = b"body") -> None:
    lookup = await answers.get(tenant, QUESTION, depends)
    assert lookup.body is None
    assert lookup.token is not None
    await answers.put(tenant, QUESTION, lookup.token, body)


async def _body(answers: Answers, tenant: UUID, depends: Depends) -> bytes | None:
    return (await answers.get(tenant, QUESTION, depends)).body


DEPENDS = Depends(days=(MARCH,), tags=frozenset({"tenant", "campaign:1"}))


async def test_kept_answer_is_served_to_every_process(answers: RedisAnswers, others: RedisAnswers) -> None:
    tenant = uuid.uuid4()

    await _keep(answers, tenant, DEPENDS, b"\x00 any bytes \xff")

    assert await _body(answers, tenant, DEPENDS) == b"\x00 any bytes \xff"
    assert await _body(others, tenant, DEPENDS) == b"\x00 any bytes \xff"


@pytest.mark.parametrize(
    ("days", "tags", "is_served"),
    [
        ([date(2024, 3, 1)], [], False),
        ([date(2024, 3, 31)], [], False),
        ([date(2024, 2, 29)], [], True),
        ([date(2024, 4, 1)], [], True),
        ([date(1999, 12, 31), date(2030, 1, 1)], ["campaign:2", "product:1"], True),
        ([date(2024, 4, 1), date(2024, 3, 15)], [], False),
        ([], ["campaign:1"], False),
        ([], ["tenant"], False),
        ([], [], True),
    ],
)
async def test_note_invalidates_exactly_what_it_touches(
    answers: RedisAnswers, others: RedisAnswers, days: list[date], tags: list[str], is_served: bool
) -> None:
    tenant = uuid.uuid4()
    await _keep(answers, tenant, DEPENDS)

    await others.note(tenant, days, tags)

    assert await _body(answers, tenant, DEPENDS) == (b"body" if is_served else None)


async def test_open_spans_reach_for_ever(answers: RedisAnswers) -> None:
    tenant, depends = uuid.uuid4(), Depends(days=((date(2024, 3, 1), None),))
    await _keep(answers, tenant, depends)

    await answers.note(tenant, [date(2024, 2, 29)], [])
    assert await _body(answers, tenant, depends) == b"body"

    await answers.note(tenant, [date(9999, 12, 31)], [])
    assert await _body(answers, tenant, depends) is None


async def test_tags_found_while_computing_count(answers: RedisAnswers) -> None:
    tenant, depends = uuid.uuid4(), Depends(days=(MARCH,))
    token = (await answers.get(tenant, QUESTION, depends)).token
    assert token is not None
    await answers.put(tenant, QUESTION, token, b"body", tags={"influencer:7", "influencer:8"})

    await answers.note(tenant, [], ["influencer:9"])
    assert await _body(answers, tenant, depends) == b"body"

    await answers.note(tenant, [], ["influencer:8"])
    assert await _body(answers, tenant, depends) is None


async def test_write_between_token_and_put_makes_the_answer_stale(answers: RedisAnswers, others: RedisAnswers) -> None:
    tenant = uuid.uuid4()
    token = (await answers.get(tenant, QUESTION, DEPENDS)).token
    assert token is not None

    await others.note(tenant, [MARCH[0]], [])
    await answers.put(tenant, QUESTION, token, b"computed before the write")

    assert await _body(answers, tenant, DEPENDS) is None


async def test_stale_answer_is_replaced_by_a_fresh_one(answers: RedisAnswers) -> None:
    tenant = uuid.uuid4()
    await _keep(answers, tenant, DEPENDS, b"old")
    await answers.note(tenant, [MARCH[0]], [])

    await _keep(answers, tenant, DEPENDS, b"new")

    assert await _body(answers, tenant, DEPENDS) == b"new"


async def test_tenants_never_share(answers: RedisAnswers) -> None:
    mine, theirs = uuid.uuid4(), uuid.uuid4()
    await _keep(answers, mine, DEPENDS, b"mine")

    assert await _body(answers, theirs, DEPENDS) is None
    await _keep(answers, theirs, DEPENDS, b"theirs")
    assert await _body(answers, mine, DEPENDS) == b"mine"

    await answers.note(theirs, [MARCH[0]], [])
    assert await _body(answers, mine, DEPENDS) == b"mine"
    assert await _body(answers, theirs, DEPENDS) is None


async def test_token_of_another_tenant_keeps_nothing(answers: RedisAnswers) -> None:
    mine, theirs = uuid.uuid4(), uuid.uuid4()
    token = (await answers.get(theirs, QUESTION, DEPENDS)).token
    await answers.get(mine, QUESTION, DEPENDS)
    assert token is not None

    await answers.put(mine, QUESTION, token, b"body")

    assert await _body(answers, mine, DEPENDS) is None


async def test_answer_that_names_another_key_is_not_served(server: RedisServer, answers: RedisAnswers) -> None:
    mine, theirs = uuid.uuid4(), uuid.uuid4()
    await _keep(answers, mine, DEPENDS)
    async with Redis.from_url(server.url) as redis:
        await redis.hset(f"scoville:{{{mine}}}:answer:{QUESTION}", "key", f"scoville:{{{theirs}}}:answer:{QUESTION}")

    assert await _body(answers, mine, DEPENDS) is None


@pytest.mark.parametrize("lost", ["notes", "everything"])
async def test_lost_notes_void_answers(server: RedisServer, answers: RedisAnswers, lost: str) -> None:
    tenant = uuid.uuid4()
    token = (await answers.get(tenant, QUESTION, DEPENDS)).token
    assert token is not None
    await answers.put(tenant, QUESTION, token, b"body")

    async with Redis.from_url(server.url) as redis:
        await (redis.delete(f"scoville:{{{tenant}}}:notes") if lost == "notes" else redis.flushall())

    assert await _body(answers, tenant, DEPENDS) is None
    await answers.put(tenant, QUESTION, token, b"under the lost incarnation")
    assert await _body(answers, tenant, DEPENDS) is None


async def test_every_key_of_a_tenant_has_its_slot_and_an_end(server: RedisServer, answers: RedisAnswers) -> None:
    tenant = uuid.uuid4()
    await _keep(answers, tenant, DEPENDS)
    await answers.note(tenant, [MARCH[0]], [])
    await _keep(answers, tenant, DEPENDS)

    async with Redis.from_url(server.url, decode_responses=True) as redis:
        lives = {key: await redis.pttl(key) for key in await redis.keys("*")}

    assert set(lives) == {f"scoville:{{{tenant}}}:notes", f"scoville:{{{tenant}}}:answer:{QUESTION}"}
    assert 0 < lives[f"scoville:{{{tenant}}}:answer:{QUESTION}"] <= 60_000
    assert 60_000 < lives[f"scoville:{{{tenant}}}:notes"] <= 600_000


async def test_life_of_an_answer_begins_with_its_token(server: RedisServer, answers: RedisAnswers) -> None:
    tenant = uuid.uuid4()
    token = (await answers.get(tenant, QUESTION, DEPENDS)).token
    assert token is not None
    origin, sequence, at_ms = token.split(":")

    await answers.put(tenant, QUESTION, f"{origin}:{sequence}:{int(at_ms) - 59_000}", b"computed for 59 seconds")
    async with Redis.from_url(server.url) as redis:
        life_ms = await redis.pttl(f"scoville:{{{tenant}}}:answer:{QUESTION}")
    assert 0 < life_ms <= 1_000

    await answers.put(tenant, "slow", f"{origin}:{sequence}:{int(at_ms) - 60_000}", b"computed for a minute")
    assert (await answers.get(tenant, "slow", DEPENDS)).body is None


async def test_large_answers_are_not_kept(server: RedisServer) -> None:
    async with answers_on(server.url) as answers:
        tenant = uuid.uuid4()
        limit = Settings().answer_bytes_max
        await _keep(answers, tenant, DEPENDS, b"x" * (limit + 1))
        assert await _body(answers, tenant, DEPENDS) is None

        await _keep(answers, tenant, DEPENDS, b"x" * limit)
        assert await _body(answers, tenant, DEPENDS) == b"x" * limit


async def test_dropped_notes_make_older_answers_stale(
    answers: RedisAnswers, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers_module, "NOTES_MAX", 40)
    tenant, first_day = uuid.uuid4(), date(2020, 1, 1)
    depends = Depends(days=((first_day, first_day),))
    await _keep(answers, tenant, depends)

    await answers.note(tenant, [first_day], [])
    for offset in range(1, 200):
        await answers.note(tenant, [first_day + timedelta(days=offset)], [])

    async with Redis.from_url(server.url, decode_responses=True) as redis:
        notes = await redis.zrange(f"scoville:{{{tenant}}}:notes", 0, -1)
        assert len(notes) <= 41
        assert "d2020-01-01" not in notes
    assert await _body(answers, tenant, depends) is None

    # A newer answer survives the dropping of notes older than it.
    await _keep(answers, tenant, depends)
    for offset in range(200, 215):
        await answers.note(tenant, [first_day + timedelta(days=offset)], [])
    assert await _body(answers, tenant, depends) == b"body"


async def test_note_of_very_many_days_touches_everything(answers: RedisAnswers) -> None:
    tenant, depends = uuid.uuid4(), Depends(days=((date(1990, 1, 1), date(1990, 1, 1)),))
    await _keep(answers, tenant, depends)

    await answers.note(tenant, [date(2000, 1, 1) + timedelta(days=offset) for offset in range(3_000)], [])

    assert await _body(answers, tenant, depends) is None
    await _keep(answers, tenant, depends)
    assert await _body(answers, tenant, depends) == b"body"


async def test_random_notes_equal_a_model(answers: RedisAnswers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers_module, "NOTES_MAX", 30)
    dice, tenant, first_day = random.Random(7), uuid.uuid4(), date(2024, 1, 1)
    questions = {}
    for number in range(12):
        start = first_day + timedelta(days=dice.randrange(60))
        end = None if dice.random() < 0.2 else start + timedelta(days=dice.randrange(10))
        tags = frozenset(f"t{dice.randrange(20)}" for _ in range(dice.randrange(3)))
        questions[f"q{number}"] = Depends(days=((start, end),), tags=tags)
    fresh: dict[str, bool] = {}
    hits = 0

    for _ in range(1_500):
        key = dice.choice(list(questions))
        if dice.random() < 0.3:
            days = {first_day + timedelta(days=dice.randrange(70)) for _ in range(dice.randrange(3))}
            touched = {f"t{dice.randrange(20)}" for _ in range(dice.randrange(2))}
            await answers.note(tenant, days, touched)
            for name, depends in questions.items():
                start, end = depends.days[0]
                if depends.tags & touched or any(start <= day and (end is None or day <= end) for day in days):
                    fresh[name] = False
        else:
            lookup = await answers.get(tenant, key, questions[key])
            # A hit is always right; a miss of a fresh answer may be the price of dropped notes.
            assert lookup.body is None or fresh.get(key), key
            hits += lookup.body is not None
            if lookup.body is None:
                assert lookup.token is not None
                await answers.put(tenant, key, lookup.token, key.encode())
                fresh[key] = True

    assert hits > 100


async def test_restart_voids_answers_and_goes_on(server: RedisServer, answers: RedisAnswers) -> None:
    tenant = uuid.uuid4()
    await _keep(answers, tenant, DEPENDS)

    server.kill()
    server.start()

    # The first command after the restart finds a dead connection and an unknown script, and still answers.
    await _keep(answers, tenant, DEPENDS)
    assert await _body(answers, tenant, DEPENDS) == b"body"


async def test_restart_from_an_older_dump_serves_nothing_of_it(binary: Path) -> None:
    server = RedisServer(binary)
    server.start()
    async with answers_on(server.url) as answers:
        tenant = uuid.uuid4()
        await _keep(answers, tenant, DEPENDS)
        async with Redis.from_url(server.url) as redis:
            await redis.save()

        await answers.note(tenant, [MARCH[0]], [])
        server.kill()
        server.start()

        async with Redis.from_url(server.url) as redis:
            assert await redis.exists(f"scoville:{{{tenant}}}:answer:{QUESTION}") == 1
        assert await _body(answers, tenant, DEPENDS) is None
    server.remove()


async def test_dead_redis_costs_nothing_and_is_used_again(server: RedisServer, answers: RedisAnswers) -> None:
    tenant = uuid.uuid4()
    await _keep(answers, tenant, DEPENDS)
    server.kill()
    for _ in range(5):
        assert await _body(answers, tenant, DEPENDS) is None

    began = time.monotonic()
    for _ in range(1_000):
        lookup = await answers.get(tenant, QUESTION, DEPENDS)
        assert (lookup.body, lookup.token) == (None, None)
    assert time.monotonic() - began < 0.5

    server.start()
    back = time.monotonic()
    while (await answers.get(tenant, QUESTION, DEPENDS)).token is None:
        assert time.monotonic() - back < 5
        await asyncio.sleep(0.05)
    await _keep(answers, tenant, DEPENDS)
    assert await _body(answers, tenant, DEPENDS) == b"body"


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_process_that_stood_still_does_not_blame_redis(
    server: RedisServer, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    tenant, timeout_s = uuid.uuid4(), 0.1

    async def ask() -> bytes | None:
        async with answers_on(server.url, timeout_s=timeout_s) as answers:
            await _keep(answers, tenant, DEPENDS)
            asked = asyncio.ensure_future(_body(answers, tenant, DEPENDS))
            await asyncio.sleep(0)
            # Nothing is sent meanwhile, and nothing read.
            time.sleep(3 * timeout_s)  # noqa: ASYNC251
            return await asked

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(ask()) == b"body"


async def test_owed_note_is_written_when_redis_is_back(server: RedisServer) -> None:
    # Frozen, not killed: the answers survive, and only the note that could not be written makes them stale.
    async with answers_on(server.url, timeout_s=0.1) as writer, answers_on(server.url) as reader:
        tenant, bystander = uuid.uuid4(), uuid.uuid4()
        await _keep(writer, tenant, DEPENDS)
        await _keep(writer, bystander, DEPENDS)
        assert await _body(reader, tenant, DEPENDS) == b"body"

        server.freeze()
        began = time.monotonic()
        await writer.note(tenant, [MARCH[0]], [])
        assert time.monotonic() - began < 1
        # Acknowledged now: this process must not serve the old answer, nor keep one.
        assert await writer.get(tenant, QUESTION, DEPENDS) == answers_module.Lookup(body=None, token=None)
        server.thaw()

        deadline = time.monotonic() + 5
        while (await writer.get(tenant, QUESTION, DEPENDS)).token is None:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        assert await _body(writer, tenant, DEPENDS) is None
        assert await _body(reader, tenant, DEPENDS) is None
        assert await _body(reader, bystander, DEPENDS) == b"body"


async def test_cancelled_note_is_owed(server: RedisServer, answers: RedisAnswers) -> None:
    tenant = uuid.uuid4()
    await _keep(answers, tenant, DEPENDS)
    server.freeze()
    writing = asyncio.create_task(answers.note(tenant, [MARCH[0]], []))
    await asyncio.sleep(0.05)

    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    server.thaw()

    assert await answers.get(tenant, QUESTION, DEPENDS) == answers_module.Lookup(body=None, token=None)
    await asyncio.sleep(0.5)
    lookup = await answers.get(tenant, QUESTION, DEPENDS)
    assert lookup.body is None
    assert lookup.token is not None


async def test_full_redis_never_serves_what_it_could_not_note(binary: Path) -> None:
    server = RedisServer(binary, "--maxmemory-policy", "noeviction")
    server.start()
    async with answers_on(server.url) as answers:
        tenant = uuid.uuid4()
        await _keep(answers, tenant, DEPENDS)
        async with Redis.from_url(server.url) as redis:
            await redis.config_set("maxmemory", "1")

        await answers.note(tenant, [MARCH[0]], [])
        assert await _body(answers, tenant, DEPENDS) is None

        async with Redis.from_url(server.url) as redis:
            await redis.config_set("maxmemory", "0")
        deadline = time.monotonic() + 5
        while (await answers.get(tenant, QUESTION, DEPENDS)).token is None:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        assert await _body(answers, tenant, DEPENDS) is None
    server.remove()


async def test_cancel_storm_never_mixes_replies(server: RedisServer) -> None:
    dice = random.Random(11)
    tenants = [uuid.uuid4() for _ in range(20)]
    async with (
        SlowProxy(server.socket, delay_s=0.002) as proxy,
        answers_on(proxy.url, timeout_s=5) as answers,
    ):
        for tenant in tenants:
            await _keep(answers, tenant, DEPENDS, str(tenant).encode())
        served = cancelled = 0

        async def ask(tenant: UUID) -> None:
            nonlocal served
            body = await _body(answers, tenant, DEPENDS)
            assert body == str(tenant).encode()
            served += 1

        for _ in range(100):
            tasks = [asyncio.create_task(ask(dice.choice(tenants))) for _ in range(30)]
            for task in tasks:
                if dice.random() < 0.7:
                    asyncio.get_running_loop().call_later(dice.random() * 0.01, task.cancel)
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(result, asyncio.CancelledError):
                    cancelled += 1
                elif result is not None:
                    raise result

        assert cancelled > 500
        assert served > 500
        async with Redis.from_url(server.url) as redis:
            clients = len(await redis.client_list())
        assert clients == 2, "whoever leaves takes no connection away"
