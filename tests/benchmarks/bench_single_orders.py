"""One order of three lines a call, against a bare insert of such an order: a transaction of two INSERTs, nothing else.

Callers send one call after the other, 1 or 16 at a time, all of one tenant, in one process. Goal at 16: at least 0.5 of
the bare rate, everything happening (see bench_orders); calls share commits, and each is answered after its own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from app.core.context import Ctx
from app.core.ids import new_id
from tests.benchmarks.bench_orders import batch, columns, insert_bare, known, prepare, record
from tests.benchmarks.stage import Stage, in_turn, report, stage

CALLS = 800
LINES = 3
ROUNDS = 7
CALLERS = (1, 16)


async def send(calls: Sequence[Callable[[], Awaitable[Any]]], callers: int) -> None:
    """All calls, so many at a time."""
    left = iter(calls)

    async def caller() -> None:
        for call in left:
            await call()

    await asyncio.gather(*(caller() for _ in range(callers)))


async def measure(stage: Stage, *, callers: int) -> None:
    """Print the rates with so many callers."""
    ours, bare = await stage.new_ctx(), await stage.new_ctx()
    for ctx in (ours, bare):
        await prepare(stage, ctx)
        # Whom and what the measured orders name is known to both.
        await record(stage, ctx, batch(orders=1_000, lines=LINES))
    products, customers = await known(stage, bare, "products"), await known(stage, bare, "customers")
    count = CALLS if callers > 1 else CALLS // 4

    def contender(**more: Any) -> Callable[[], Awaitable[None]]:
        ready = [batch(orders=count, lines=LINES, **more) for _ in range(ROUNDS)]

        def call(order: Any) -> Callable[[], Awaitable[None]]:
            return lambda: record(stage, replace(ours, request_id=str(new_id()), now=datetime.now(UTC)), [order])

        async def run() -> None:
            await send([call(order) for order in ready.pop()], callers)

        return run

    rows = [
        [columns([order], products, customers) for order in batch(orders=count, lines=LINES)] for _ in range(ROUNDS)
    ]

    def bare_call(ctx: Ctx, row: Any) -> Callable[[], Awaitable[None]]:
        return lambda: insert_bare(stage, ctx, *row)

    async def run_bare() -> None:
        await send([bare_call(bare, row) for row in rows.pop()], callers)

    print(f"\n{count} calls of one order of {LINES} lines, {callers} at a time")
    times = await in_turn(
        {
            "bare INSERT": run_bare,
            "record_orders, one code each": contender(codes=("SPICY20",)),
            "record_orders, clicks and code": contender(codes=("SPICY20",), visits=True),
        },
        rounds=ROUNDS,
    )
    report(times, items=count, unit="orders", base="bare INSERT")


async def run() -> None:
    """Callers alone, and together."""
    async with stage() as made:
        for callers in CALLERS:
            await measure(made, callers=callers)


def main() -> None:
    """Print the comparison."""
    asyncio.run(run())
