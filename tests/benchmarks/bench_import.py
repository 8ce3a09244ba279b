"""The import of Online Retail against a bare multi-row INSERT of the same orders and lines: same tables, indexes, role.

The import does all it does: it reads the file twice, lays its program and clicks over the orders, attributes them,
accrues commissions, posts the ledger, appends deltas, outbox and audit, and records refunds and adjustments; its
seconds are those of everything. The bare contender is given its columns ready made, in the same batches, and writes
orders and order_lines alone, a transaction a batch: one at a time, and as many at once as the import has under way.
Goal: at least 0.25 of its rate.

`python -m tests.benchmarks.bench_import --lines N` takes the first N lines; ONLINE_RETAIL_CSV names the whole file (the
slice of the demo else).
"""

import argparse
import asyncio
import csv
import gzip
import itertools
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.core.context import Ctx
from app.customers.inputs import CustomerInput
from app.db.partitions import ensure_partitions
from app.integrations.online_retail import Reading, survey
from app.orders.inputs import OrderInput
from app.products.inputs import ProductInput
from app.seeding.online_retail import BATCH_LINES, extent_of, import_online_retail
from app.seeding.pump import IN_FLIGHT_MAX, batched
from app.usecases.upsert_customers import upsert_customers
from app.usecases.upsert_products import upsert_products
from tests.benchmarks.bench_orders import columns, insert_bare, known
from tests.benchmarks.stage import Stage, in_turn, report, stage
from tests.factories.online_retail import FULL, SLICE

LINES = 100_000
ROUNDS = 3


def first_lines(path: Path, lines: int, into: Path) -> Path:
    """A file of the first lines of another."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as whole, into.open("w", newline="") as part:
        csv.writer(part).writerows(itertools.islice(csv.reader(whole), lines + 1))
    return into


def batches(path: Path) -> list[list[OrderInput]]:
    """The file's orders in batches as the import makes them."""
    made: list[list[OrderInput]] = [[]]
    lines = 0
    for fact in Reading(survey(path)).facts():
        if isinstance(fact, OrderInput):
            made[-1].append(fact)
            lines += len(fact.lines)
            if lines >= BATCH_LINES or len(made[-1]) == 1_000:
                made.append([])
                lines = 0
    return [batch for batch in made if batch]


async def bare_tenant(stage: Stage, path: Path) -> tuple[Ctx, dict[str, Any], dict[str, Any]]:
    """A tenant that knows the file's customers and products: ids by external id, None for no customer."""
    ctx, found = await stage.new_ctx(), survey(path)
    for customers in batched(found.customers, 1_000):
        await upsert_customers(stage.runtime, ctx, [CustomerInput(customer) for customer in customers])
    for products in batched(found.products.items(), 1_000):
        await upsert_products(stage.runtime, ctx, [ProductInput(sku, title=title) for sku, title in products])
    return ctx, await known(stage, ctx, "products"), {**await known(stage, ctx, "customers"), "": None}


async def compare(stage: Stage, path: Path) -> None:
    """Print the rates for a file."""
    span = extent_of(survey(path))
    await asyncio.to_thread(
        ensure_partitions, stage.settings.owner_url, now=datetime.now(UTC), months_ahead=0, span=span
    )
    orders = batches(path)
    lines = sum(len(order.lines) for batch in orders for order in batch)
    contexts = [await stage.new_ctx() for _ in range(ROUNDS)]
    tenants = [await bare_tenant(stage, path) for _ in range(2 * ROUNDS)]
    ready = [(ctx, [columns(batch, products, customers) for batch in orders]) for ctx, products, customers in tenants]

    async def ours() -> None:
        imported = await import_online_retail(stage.runtime, contexts.pop(), survey(path))
        assert imported.is_whole
        assert imported.phases["orders"].recorded == sum(map(len, orders))

    async def bare(at_once: int) -> None:
        ctx, rows = ready.pop()
        left = iter(rows)

        async def insert() -> None:
            for of_orders, of_lines in left:
                await insert_bare(stage, ctx, of_orders, of_lines)

        await asyncio.gather(*(insert() for _ in range(at_once)))

    print(f"{sum(map(len, orders)):,} orders of {lines:,} lines", flush=True)
    one, several = "bare INSERT", f"bare INSERT, {IN_FLIGHT_MAX} at once"
    times = await in_turn({one: lambda: bare(1), several: lambda: bare(IN_FLIGHT_MAX), "import": ours}, rounds=ROUNDS)
    report(times, items=lines, unit="lines", base=one)
    report({several: times[several], "import": times["import"]}, items=lines, unit="lines", base=several)


async def run(lines: int) -> None:
    """Compare on the first lines of the whole file, or of the slice."""
    with tempfile.TemporaryDirectory(prefix="scoville-bench-") as directory:
        path = first_lines(FULL if FULL.is_file() else SLICE, lines, Path(directory) / "part.csv")
        async with stage() as made:
            await compare(made, path)


def main(arguments: Sequence[str] = ()) -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description="The import against a bare INSERT.")
    parser.add_argument("--lines", type=int, default=LINES, help="lines of the file that are imported")
    asyncio.run(run(parser.parse_args(arguments).lines))


if __name__ == "__main__":
    main(sys.argv[1:])
