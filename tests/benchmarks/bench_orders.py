"""Recording orders against a bare multi-row INSERT of the same orders and lines: same tables, indexes, role, policies.

Batches of 1,000 orders of 20 lines each, 2,000 products, 800 customers. The bare contender is given its columns ready
made and writes orders and order_lines alone, in one transaction. Goal: at least 0.25 of its rate, everything happening:
checks, customers, products, touches, credits, explanation, commissions by line, ledger, deltas, outbox, audit.
"""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from app.core.context import Ctx
from app.core.ids import new_id
from app.core.money import to_minor
from app.core.outcomes import Outcome
from app.core.words import LineKind
from app.orders.inputs import LineInput, OrderInput
from app.usecases.record_orders import record_orders
from tests.benchmarks.stage import Stage, in_turn, report, stage

ORDERS = 1_000
LINES = 20
PRODUCTS = 2_000
CUSTOMERS = 800
ROUNDS = 7
START = datetime(2026, 1, 1, tzinfo=UTC)

_numbers = itertools.count()


def batch(
    *, codes: tuple[str, ...] = (), lines: int = LINES, orders: int = ORDERS, visits: bool = False
) -> list[OrderInput]:
    """A batch of fresh orders, the same for the same arguments but for their ids."""
    chance = random.Random(7)
    made = []
    for _ in range(orders):
        of_order = tuple(_line(chance) for _ in range(lines))
        made.append(
            OrderInput(
                external_id=f"order-{next(_numbers)}",
                occurred_at=START + timedelta(seconds=chance.randrange(90 * 86_400)),
                currency="GBP",
                total=sum((line.amount for line in of_order), Decimal(0)),
                lines=of_order,
                customer=f"customer-{chance.randrange(CUSTOMERS)}",
                visitor_id=f"visitor-{chance.randrange(CUSTOMERS)}" if visits else None,
                codes=codes,
                country="GB",
            )
        )
    return made


def _line(chance: random.Random) -> LineInput:
    sku = chance.randrange(PRODUCTS)
    return LineInput(
        LineKind.ITEM,
        Decimal(chance.randrange(1, 9_999)).scaleb(-2),
        chance.randint(1, 12),
        f"sku-{sku}",
        f"Sauce {sku}",
    )


def columns(orders: Sequence[OrderInput], products: dict[str, Any], customers: dict[str, Any]) -> tuple[Any, Any]:
    """The columns of a batch, ready to be inserted."""
    ids = [new_id() for _ in orders]
    lines = [
        (order_id, order, position, line)
        for order_id, order in zip(ids, orders, strict=True)
        for position, line in enumerate(order.lines)
    ]
    minor = [to_minor(line.amount, "GBP") for _, _, _, line in lines]
    return (
        (
            ids,
            [order.external_id for order in orders],
            [order.occurred_at for order in orders],
            [customers[order.customer or ""] for order in orders],
        ),
        (
            [new_id() for _ in lines],
            [order_id for order_id, _, _, _ in lines],
            [position for _, _, position, _ in lines],
            [products[line.sku or ""] for _, _, _, line in lines],
            [line.title for _, _, _, line in lines],
            [line.quantity for _, _, _, line in lines],
            minor,
            [order.occurred_at for _, order, _, _ in lines],
        ),
    )


async def insert_bare(stage: Stage, ctx: Ctx, orders: Any, lines: Any) -> None:
    """The bare contender: two multi-row INSERTs in one transaction of the app's role."""
    async with stage.runtime.db.write(ctx.tenant_id) as session:
        await session.execute(
            """/* bench.orders */
            INSERT INTO orders (tenant_id, id, external_id, occurred_at, recorded_at, version, total_minor, gross_minor,
              currency, customer_id, codes, country, is_test)
            SELECT $1, new.id, new.external_id, new.occurred_at, $2, 1, 0, 0, 'GBP', new.customer_id, '{}', 'GB', false
            FROM unnest($3::uuid[], $4::text[], $5::timestamptz[], $6::uuid[])
              AS new (id, external_id, occurred_at, customer_id)""",
            ctx.tenant_id,
            ctx.now,
            *orders,
        )
        await session.execute(
            """/* bench.lines */
            INSERT INTO order_lines (tenant_id, id, order_id, version, position, kind, product_id, title, quantity,
              currency, amount_minor, amount_base_minor, is_reversal, occurred_at, recorded_at)
            SELECT $1, line.id, line.order_id, 1, line.position, 'ITEM', line.product_id, line.title, line.quantity,
              'GBP', line.amount_minor, line.amount_minor, false, line.occurred_at, $2
            FROM unnest($3::uuid[], $4::uuid[], $5::integer[], $6::uuid[], $7::text[], $8::bigint[], $9::bigint[],
                $10::timestamptz[])
              AS line (id, order_id, position, product_id, title, quantity, amount_minor, occurred_at)""",
            ctx.tenant_id,
            ctx.now,
            *lines,
        )


async def prepare(stage: Stage, ctx: Ctx) -> None:
    """A program with ten influencers in a campaign, with codes and clicks; all products and customers known."""
    campaign = new_id()
    influencers = [new_id() for _ in range(10)]
    async with stage.runtime.db.write(ctx.tenant_id) as session:
        await session.execute(
            """INSERT INTO influencers (tenant_id, id, name, status, created_at, updated_at)
            SELECT $1, id, 'Ina', 'ACTIVE', $3, $3 FROM unnest($2::uuid[]) AS id""",
            ctx.tenant_id,
            influencers,
            START,
        )
        await session.execute(
            """INSERT INTO campaigns (tenant_id, id, name, status, starts_at, currency, attribution_model,
              click_window_days, commission_rate, created_at, updated_at)
            VALUES ($1, $2, 'Spring', 'ACTIVE', $3, 'GBP', 'LAST_TOUCH', 30, 0.1, $3, $3)""",
            ctx.tenant_id,
            campaign,
            START,
        )
        await session.execute(
            """INSERT INTO codes (tenant_id, id, influencer_id, campaign_id, code, status, created_at, updated_at)
            VALUES ($1, $2, $3, $4, 'SPICY20', 'ACTIVE', $5, $5)""",
            ctx.tenant_id,
            new_id(),
            influencers[0],
            campaign,
            START,
        )
        await session.execute(
            """INSERT INTO instances (tenant_id, occurred_at, id, kind, influencer_id, campaign_id, visitor_id,
              recorded_at)
            SELECT $1, at, id, 'CLICK', influencer_id, $2, visitor_id, at
            FROM unnest($3::timestamptz[], $4::uuid[], $5::uuid[], $6::text[])
              AS click (at, id, influencer_id, visitor_id)""",
            ctx.tenant_id,
            campaign,
            [START + timedelta(minutes=number * 6) for number in range(20_000)],
            [new_id() for _ in range(20_000)],
            [influencers[number % 10] for number in range(20_000)],
            [f"visitor-{number * 7 % CUSTOMERS}" for number in range(20_000)],
        )
    for _ in range(5):
        await record(stage, ctx, batch(orders=200))


async def record(stage: Stage, ctx: Ctx, orders: list[OrderInput]) -> None:
    """Our contender."""
    outcomes = await record_orders(stage.runtime, ctx, orders)
    assert all(outcome.outcome is Outcome.RECORDED for outcome in outcomes)


async def known(stage: Stage, ctx: Ctx, table: str) -> dict[str, Any]:
    """Ids of a tenant's rows by external id."""
    async with stage.runtime.db.read(ctx.tenant_id) as session:
        rows = await session.fetch(f"SELECT external_id, id FROM {table} WHERE tenant_id = $1", ctx.tenant_id)
    return {row["external_id"]: row["id"] for row in rows}


async def measure(stage: Stage, *, lines: int) -> None:
    """Print the rates with so many lines an order."""
    ours, bare = await stage.new_ctx(), await stage.new_ctx()
    await prepare(stage, ours)
    await prepare(stage, bare)
    # Whom and what the measured batches name is known to both.
    await record(stage, bare, batch(lines=lines))
    await record(stage, ours, batch(lines=lines))
    products, customers = await known(stage, bare, "products"), await known(stage, bare, "customers")

    def contender(**more: Any) -> Callable[[], Awaitable[None]]:
        ready = [batch(lines=lines, **more) for _ in range(ROUNDS)]

        async def run() -> None:
            await record(stage, ours, ready.pop())

        return run

    rows = [columns(batch(lines=lines), products, customers) for _ in range(ROUNDS)]

    async def run_bare() -> None:
        await insert_bare(stage, bare, *rows.pop())

    print(f"\n{ORDERS} orders of {lines} lines")
    times = await in_turn(
        {
            "bare INSERT": run_bare,
            "record_orders, nobody credited": contender(),
            "record_orders, one code each": contender(codes=("SPICY20",)),
            "record_orders, clicks and code": contender(codes=("SPICY20",), visits=True),
        },
        rounds=ROUNDS,
    )
    report(times, items=ORDERS * lines, unit="lines", base="bare INSERT")


async def run() -> None:
    """Long orders as in the imported data set, and short ones."""
    async with stage() as made:
        await measure(made, lines=LINES)
        await measure(made, lines=2)


def main() -> None:
    """Print the comparison."""
    asyncio.run(run())
