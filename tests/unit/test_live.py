"""Work that is shared by all who ask for the same meanwhile."""

import asyncio

from graphql_schema.live import Flights


async def test_who_comes_meanwhile_joins_and_who_needs_newer_does_not() -> None:
    flights, loop = Flights(), asyncio.get_running_loop()
    begun: list[asyncio.Event] = []

    async def work() -> int:
        number, landed = len(begun), asyncio.Event()
        begun.append(landed)
        await landed.wait()
        return number

    asked_s = loop.time()
    first = asyncio.create_task(flights.join("key", asked_s, work))
    joined = asyncio.create_task(flights.join("key", asked_s, work))
    other = asyncio.create_task(flights.join("another", asked_s, work))
    await asyncio.sleep(0.01)
    newer = asyncio.create_task(flights.join("key", loop.time(), work))
    await asyncio.sleep(0.01)

    # The newer one lands before the one that it overtook.
    for landed in reversed(begun):
        landed.set()
        await asyncio.sleep(0)

    assert list(await asyncio.gather(first, joined, other, newer)) == [0, 0, 1, 2]
    assert len(begun) == 3
    again = asyncio.create_task(flights.join("key", asked_s, work))
    await asyncio.sleep(0.01)
    assert len(begun) == 4, "what has landed is over"
    await flights.close()
    assert (await asyncio.gather(again, return_exceptions=True))[0].__class__ is asyncio.CancelledError


async def test_who_leaves_does_not_end_it_for_others() -> None:
    flights, landed = Flights(), asyncio.Event()

    async def work() -> str:
        await landed.wait()
        return "done"

    leaving, staying = (asyncio.create_task(flights.join("key", 0.0, work)) for _ in range(2))
    await asyncio.sleep(0.01)
    leaving.cancel()
    await asyncio.sleep(0.01)
    landed.set()

    assert await staying == "done"
