"""Batches of 100 orders of three lines, sustained with folds running, against a bare multi-row INSERT of the same.

Both write through two connections for some seconds a round, in turn: A B, then B A. Ours does everything that recording
an order does, while the tenant's deltas are folded all the time as the worker folds them; the bare contender writes
orders and order_lines alone, its columns ready made. Goal: at least 0.25 of its rate.

`python -m tests.benchmarks.bench_sustained --seconds 60` is the whole minute.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from app.analytics.rollups.fold import fold
from app.core.context import Ctx
from tests.benchmarks.bench_orders import batch, columns, insert_bare, known, prepare, record
from tests.benchmarks.stage import Stage, stage

ORDERS = 100
LINES = 3
AT_ONCE = 2
ROUNDS = 4
GOAL = 0.25

SLICE = 200
"""Batches that are made ready at once for the bare contender, while its clock stands."""


async def _folding(stage: Stage, ctx: Ctx) -> None:
    while True:
        await fold(stage.runtime.db, ctx.tenant_id, now=datetime.now(UTC))
        await asyncio.sleep(stage.settings.fold_interval_s)


async def measure(stage: Stage, seconds: float) -> None:
    """Print the rates of every round, and their ratio."""
    ours, bare = await stage.new_ctx(), await stage.new_ctx()
    await prepare(stage, ours)
    await prepare(stage, bare)
    # Whom and what the measured batches name is known to both.
    await record(stage, ours, batch(orders=ORDERS, lines=LINES))
    await record(stage, bare, batch(orders=ORDERS, lines=LINES))
    products, customers = await known(stage, bare, "products"), await known(stage, bare, "customers")

    async def run_ours() -> float:
        start = time.perf_counter()
        done = 0

        async def go() -> None:
            nonlocal done
            while time.perf_counter() - start < seconds:
                await record(stage, ours, batch(codes=("SPICY20",), orders=ORDERS, lines=LINES))
                done += ORDERS

        folding = asyncio.create_task(_folding(stage, ours))
        await asyncio.gather(*(go() for _ in range(AT_ONCE)))
        rate = done / (time.perf_counter() - start)
        folding.cancel()
        return rate

    async def run_bare() -> float:
        spent, done = 0.0, 0
        while spent < seconds:
            ready = [columns(batch(orders=ORDERS, lines=LINES), products, customers) for _ in range(SLICE)]
            start = time.perf_counter()
            await asyncio.gather(*(_insert_all(stage, bare, ready) for _ in range(AT_ONCE)))
            spent += time.perf_counter() - start
            done += SLICE * ORDERS
        return done / spent

    ratios = []
    for number in range(ROUNDS):
        if number % 2 == 0:
            mine, theirs = await run_ours(), await run_bare()
        else:
            theirs, mine = await run_bare(), await run_ours()
        ratios.append(mine / theirs)
        print(f"{mine:10,.0f} orders/s recorded {theirs:10,.0f} orders/s inserted {ratios[-1]:6.3f}", flush=True)
    print(f"median {statistics.median(ratios):.3f}, least {min(ratios):.3f}, goal {GOAL}")


async def _insert_all(stage: Stage, ctx: Ctx, ready: list[Any]) -> None:
    # Several take from the same list.
    while ready:
        await insert_bare(stage, ctx, *ready.pop())


async def run(seconds: float) -> None:
    """On a stage of its own."""
    async with stage() as made:
        await measure(made, seconds)


def main(arguments: Sequence[str] = ()) -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description="Sustained batches of orders against a bare INSERT.")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each contender in each round")
    asyncio.run(run(parser.parse_args(arguments).seconds))


if __name__ == "__main__":
    main(sys.argv[1:])
