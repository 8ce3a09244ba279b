"""Law: an answer that is followed holds every write acknowledged before it was asked for, and in the end all of them.

While several write, followers come and go, in two processes' worth of applications that share one Redis.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.core.context import Ctx, Role
from app.core.words import InstanceKind
from app.main import create_app
from app.runtime import Runtime, open_runtime
from app.settings import Settings
from app.tracking.inputs import InstanceInput
from app.usecases.record_instances import record_instances
from tests.factories.listener import Listener, listening
from tests.factories.subscriptions import Socket

pytestmark = pytest.mark.database

FOLLOWED = """subscription { analytics(range: {last: {n: 2, unit: DAY, includeCurrent: true}}, every: "PT0.2S") {
  totals { clicks }
} }"""

SECONDS = 4.0


@pytest.mark.parametrize("has_redis", [True, False], ids=["redis", "no redis"])
async def test_followers_see_what_was_acknowledged(
    settings: Settings, ctx: Ctx, make_key: Callable[..., Awaitable[str]], has_redis: bool
) -> None:
    dice = random.Random(7)
    changed = settings.model_copy(update={"redis_enabled": has_redis})
    key = await make_key(Role.ANALYST)
    acknowledged, ends_at = 0, asyncio.get_running_loop().time() + SECONDS
    over = asyncio.Event()
    at_the_end = 10**9
    # Without Redis an answer may be as old as `every` and its computation.
    slack = 0 if has_redis else 10**9

    async def click(runtime: Runtime) -> None:
        nonlocal acknowledged
        instance = InstanceInput(kind=InstanceKind.CLICK, occurred_at=datetime.now(UTC))
        await record_instances(runtime, replace(ctx, now=datetime.now(UTC)), [instance])
        acknowledged += 1

    async def write(runtime: Runtime) -> None:
        while asyncio.get_running_loop().time() < ends_at:
            await click(runtime)
            await asyncio.sleep(dice.random() * 0.05)

    async def visit(server: Listener) -> int:
        visits = 0
        while not over.is_set():
            async with Socket(server) as socket:
                await socket.init(key)
                for number in range(3):
                    at_least = acknowledged
                    await socket.subscribe(FOLLOWED, id=str(number))
                    message = await socket.next()
                    while message["id"] != str(number):
                        message = await socket.next()
                    assert message["payload"]["data"]["analytics"]["totals"]["clicks"] >= at_least - slack
                    visits += 1
                    await asyncio.sleep(dice.random() * 0.1)
        return visits

    async def stay(server: Listener) -> list[int]:
        seen: list[int] = []
        async with Socket(server) as socket:
            await socket.init(key)
            await socket.subscribe(FOLLOWED)
            while not seen or seen[-1] < at_the_end:
                seen.append((await socket.data())["totals"]["clicks"])
        return seen

    async with (
        open_runtime(changed) as one,
        open_runtime(changed) as two,
        listening(create_app(one)) as first,
        listening(create_app(two)) as second,
        asyncio.timeout(60),
        asyncio.TaskGroup() as group,
    ):
        staying = [group.create_task(stay(server)) for server in (first, second)]
        visiting = [group.create_task(visit(server)) for server in (first, second, second)]
        await asyncio.gather(*(write(runtime) for runtime in (one, two, two)))
        over.set()
        # Those who stay are told that it is over by one more.
        at_the_end = acknowledged + 1
        await click(one)

    assert acknowledged > 20
    for task in visiting:
        assert task.result() > 5
    for seen in (task.result() for task in staying):
        assert seen == sorted(set(seen)), "each later answer has more"
        assert seen[-1] == acknowledged
