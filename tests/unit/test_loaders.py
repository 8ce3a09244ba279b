"""Loaders: what is asked for in one turn is one batch, and whoever leaves or fails takes nothing from the others."""

import asyncio
from collections.abc import Sequence

import pytest

from graphql_schema.batching import Loader


class Doubling:
    """Loads twice of each key, once it is let; remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.may_go = asyncio.Event()
        self.refuses = False

    async def __call__(self, keys: Sequence[int]) -> list[int]:
        self.batches.append(list(keys))
        await self.may_go.wait()
        if self.refuses:
            raise LookupError("refused")
        return [2 * key for key in keys]


async def test_what_is_asked_in_one_turn_is_one_batch() -> None:
    doubling = Doubling()
    doubling.may_go.set()
    loader = Loader(doubling)
    assert await asyncio.gather(loader.load(1), loader.load_many([2, 1]), loader.load(3)) == [2, [4, 2], 6]
    assert await loader.load_many([3, 4, 3]) == [6, 8, 6]
    assert doubling.batches == [[1, 2, 3], [4]]


async def test_keys_under_way_are_waited_for_and_not_asked_again() -> None:
    doubling = Doubling()
    loader = Loader(doubling)
    first = asyncio.ensure_future(loader.load(1))
    await asyncio.sleep(0.01)
    second = asyncio.ensure_future(loader.load_many([1, 2]))
    await asyncio.sleep(0.01)
    doubling.may_go.set()
    assert (await first, await second) == (2, [2, 4])
    assert doubling.batches == [[1], [2]]


async def test_who_is_alone_loads_at_once() -> None:
    doubling = Doubling()
    doubling.may_go.set()
    loader = Loader(doubling)
    loader.is_alone = True
    waiting = loader.load_many([1, 2, 1])
    with pytest.raises(StopIteration) as ended:
        waiting.send(None)
    assert ended.value.value == [2, 4, 2]
    assert await loader.load(2) == 4
    assert doubling.batches == [[1, 2]]


async def test_large_batches_are_cut() -> None:
    doubling = Doubling()
    doubling.may_go.set()
    assert await Loader(doubling, batch_max=2).load_many(range(5)) == [0, 2, 4, 6, 8]
    assert doubling.batches == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize("turns", [0, 3])
async def test_who_leaves_takes_nothing_from_those_who_joined(turns: int) -> None:
    doubling = Doubling()
    loader = Loader(doubling)
    leads, joins = (asyncio.ensure_future(loader.load(key)) for key in (1, 2))
    await asyncio.sleep(0)
    for _ in range(turns):
        await asyncio.sleep(0)
    leads.cancel()
    doubling.may_go.set()
    assert await joins == 4
    with pytest.raises(asyncio.CancelledError):
        await leads
    assert await loader.load_many([1, 2]) == [2, 4]


async def test_who_joined_and_leaves_takes_nothing_from_who_loads() -> None:
    doubling = Doubling()
    loader = Loader(doubling)
    leads, joins = (asyncio.ensure_future(loader.load(key)) for key in (1, 2))
    await asyncio.sleep(0.01)
    joins.cancel()
    doubling.may_go.set()
    assert await leads == 2
    assert await loader.load(2) == 4
    assert doubling.batches == [[1, 2]]


async def test_all_who_asked_are_told_the_error_and_may_ask_again() -> None:
    doubling = Doubling()
    doubling.refuses = True
    doubling.may_go.set()
    loader = Loader(doubling)
    found = await asyncio.gather(loader.load(1), loader.load(2), return_exceptions=True)
    assert [str(error) for error in found] == ["refused", "refused"]
    doubling.refuses = False
    assert await loader.load_many([1, 2]) == [2, 4]
