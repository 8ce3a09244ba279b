"""Executing documents: compiled against graphql-core's executor, and values in the document against variables.

Real rows over real Postgres, without a cache; the same documents through the same `Executor`, from text to JSON bytes.
Nested: 50 campaigns, 20 influencers each, their 5 latest orders there, and each order's commissions. Flat: 1,000
instances with 8 fields. Goals: compiled far ahead where objects are many; values in the document at most 1.3 of the
time with variables; a known document read, checked and planned in at most 0.1 ms.
"""

import asyncio
import itertools
import timeit
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from app.core.context import Ctx
from app.core.ids import new_id
from app.core.words import LineKind
from app.orders.inputs import LineInput, OrderInput
from app.usecases.record_orders import record_orders
from graphql_schema.execute import Executor, Ready
from tests.benchmarks.stage import Stage, in_turn, report, stage

CAMPAIGNS, ENROLLED, ORDERS_EACH, INSTANCES = 50, 20, 5, 1_000
ROUNDS = 7
START = datetime(2026, 1, 1, tzinfo=UTC)

NESTED = """query Nested($campaigns: Int!, $influencers: Int!, $orders: Int!) {
  campaigns(first: $campaigns) { nodes { id name status
    enrollments(first: $influencers) { nodes { influencer { id name country }
      orders(first: $orders) { nodes { id externalId currency total occurredAt
        commissions { id state amount } } } } } } }
}"""
FLAT = """query Flat($instances: Int!) {
  instances(first: $instances) { nodes { id kind occurredAt recordedAt code platform channel country } }
}"""
SMALL = """query Small($name: String!, $from: DateTime!, $first: Int!) {
  campaigns(first: $first, where: {name: {in: [$name]}, starts: {from: $from}}) { nodes { id name status startsAt } }
}"""
_names = itertools.count()


def inline(number: int) -> str:
    """The small document with its values in it, as no other call has them."""
    return f"""{{ campaigns(first: 5, where: {{name: {{in: ["Campaign {number}"]}}, starts: {{from:
      "2025-01-01T00:00:00.{number:06}Z"}}}}) {{ nodes {{ id name status startsAt }} }} }}"""


async def prepare(stage: Stage, ctx: Ctx) -> None:
    """The program, its orders and instances."""
    campaigns = [new_id() for _ in range(CAMPAIGNS)]
    influencers = [new_id() for _ in range(CAMPAIGNS * ENROLLED)]
    pairs = [(campaigns[number // ENROLLED], influencer) for number, influencer in enumerate(influencers)]
    codes = [f"CODE{number}" for number in range(len(pairs))]
    async with stage.runtime.db.write(ctx.tenant_id) as session:
        await session.execute(
            """INSERT INTO influencers (tenant_id, id, name, status, country, created_at, updated_at)
            SELECT $1, id, 'Ina', 'ACTIVE', 'GB', $3, $3 FROM unnest($2::uuid[]) AS id""",
            ctx.tenant_id,
            influencers,
            START,
        )
        await session.execute(
            """INSERT INTO campaigns (tenant_id, id, name, status, starts_at, currency, attribution_model,
              click_window_days, commission_rate, created_at, updated_at)
            SELECT $1, made.id, 'Campaign ' || made.number, 'ACTIVE', $3, 'GBP', 'LAST_TOUCH', 30, 0.1, $3, $3
            FROM unnest($2::uuid[]) WITH ORDINALITY AS made (id, number)""",
            ctx.tenant_id,
            campaigns,
            START,
        )
        await session.execute(
            """INSERT INTO enrollments (tenant_id, id, campaign_id, influencer_id, status, created_at, updated_at)
            SELECT $1, made.*, 'ACTIVE', $5, $5 FROM unnest($2::uuid[], $3::uuid[], $4::uuid[]) AS made""",
            ctx.tenant_id,
            [new_id() for _ in pairs],
            [campaign for campaign, _ in pairs],
            influencers,
            START,
        )
        await session.execute(
            """INSERT INTO codes (tenant_id, id, influencer_id, campaign_id, code, status, created_at, updated_at)
            SELECT $1, made.id, made.influencer_id, made.campaign_id, made.code, 'ACTIVE', $6, $6
            FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[])
              AS made (id, influencer_id, campaign_id, code)""",
            ctx.tenant_id,
            [new_id() for _ in pairs],
            influencers,
            [campaign for campaign, _ in pairs],
            codes,
            START,
        )
        await session.execute(
            """INSERT INTO instances (tenant_id, occurred_at, id, kind, influencer_id, campaign_id, platform,
              recorded_at)
            SELECT $1, at, id, 'CLICK', $2, $3, 'TIKTOK', at
            FROM unnest($4::timestamptz[], $5::uuid[]) AS click (at, id)""",
            ctx.tenant_id,
            influencers[0],
            campaigns[0],
            [START + timedelta(minutes=number) for number in range(2 * INSTANCES)],
            [new_id() for _ in range(2 * INSTANCES)],
        )
    orders = [
        OrderInput(
            external_id=f"order-{number}",
            occurred_at=START + timedelta(minutes=number),
            currency="GBP",
            total=Decimal("12.50"),
            lines=(LineInput(LineKind.ITEM, Decimal("12.50"), 1, "sauce", "Sauce"),),
            codes=(codes[number % len(codes)],),
            country="GB",
        )
        for number in range(len(codes) * ORDERS_EACH)
    ]
    for first in range(0, len(orders), 1_000):
        await record_orders(stage.runtime, ctx, orders[first : first + 1_000])


def asks(executor: Executor, ctx: Ctx, document: str, **variables: Any) -> Callable[[], Awaitable[bytes]]:
    """A contender: one operation, from its text to its answer's bytes."""

    async def ask() -> bytes:
        reply = await executor.execute(ctx, document=document, variables=variables)
        assert not reply.codes, reply.payload["errors"]
        return reply.body

    return ask


async def compare_executors(stage: Stage, ctx: Ctx) -> None:
    """Print what compiled execution gains."""
    compiled, interpreted = Executor(stage.runtime), Executor(stage.runtime, compiles=False)
    for name, items, document, variables in (
        ("nested", 11_000, NESTED, {"campaigns": CAMPAIGNS, "influencers": ENROLLED, "orders": ORDERS_EACH}),
        ("flat", INSTANCES, FLAT, {"instances": INSTANCES}),
    ):
        ours, theirs = (asks(executor, ctx, document, **variables) for executor in (compiled, interpreted))
        assert await ours() == await theirs(), "both answer the same"
        print(f"{name}: {len(await ours()):,} bytes", flush=True)
        base = "graphql-core"
        report(await in_turn({base: theirs, "compiled": ours}, rounds=ROUNDS), items=items, unit="objects", base=base)


async def compare_literals(stage: Stage, ctx: Ctx) -> None:
    """Print what values in the document cost."""
    executor, calls = Executor(stage.runtime), 200

    async def variables() -> None:
        for _ in range(calls):
            number = next(_names)
            when = f"2025-01-01T00:00:00.{number:06}Z"
            name = f"Campaign {number}"
            await asks(executor, ctx, SMALL, **{"name": name, "from": when, "first": 5})()

    async def literals() -> None:
        for _ in range(calls):
            await asks(executor, ctx, inline(next(_names)))()

    await variables()
    await literals()
    times = await in_turn({"variables": variables, "in the document": literals}, rounds=ROUNDS)
    report(times, items=calls, unit="calls", base="variables")


async def tell_warm(ctx: Ctx, executor: Executor) -> None:
    """Print what a known document costs before its first field: found, bounded, its variables read, its plan found."""
    values = {"name": "Campaign 1", "from": "2025-01-01T00:00:00Z", "first": 5}
    await executor.execute(ctx, document=SMALL, variables=values)

    def ready() -> None:
        assert isinstance(executor.ready(ctx, SMALL, None, values), Ready)

    print(f"warm document: {min(timeit.repeat(ready, number=200, repeat=ROUNDS)) / 200 * 1e6:,.0f} µs", flush=True)


async def run() -> None:
    """All comparisons."""
    async with stage() as made:
        ctx = await made.new_ctx()
        await prepare(made, ctx)
        await compare_executors(made, ctx)
        await compare_literals(made, ctx)
        await tell_warm(ctx, Executor(made.runtime))


def main() -> None:
    """Print the comparisons."""
    asyncio.run(run())


if __name__ == "__main__":
    main()
