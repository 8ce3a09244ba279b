"""Recording batches of 1,000 orders under a plan of 20 rules against the same batches under the campaign's rate.

Orders of 2 and of 20 lines, all by the code of one influencer, 2,000 products in 50 categories. Of rules there are
all kinds: shares by category and product, amounts, both kinds of tiers, new customers, countries, codes, recurring,
bonuses and all caps. Goal: at most 2 × the time without rules.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from decimal import Decimal

from app.commissions.plans.inputs import (
    AssignmentInput,
    BonusInput,
    CapsInput,
    ConditionsInput,
    PlanInput,
    RecurringInput,
    RuleInput,
    TermsInput,
    TierInput,
)
from app.core.context import Ctx
from app.core.outcomes import Outcome
from app.core.words import CustomerKind, PlanMetric, RuleKind, TierMode
from app.products.inputs import ProductInput
from app.usecases.assign_commission_plans import assign_commission_plans
from app.usecases.create_commission_plans import create_commission_plans
from app.usecases.upsert_products import upsert_products
from tests.benchmarks.bench_orders import ORDERS, PRODUCTS, START, batch, prepare, record
from tests.benchmarks.stage import Stage, in_turn, report, stage

ROUNDS = 7
CATEGORIES = 50


def rules() -> tuple[RuleInput, ...]:
    """Twenty rules; every order and every line has to be held against several of them."""

    def rate(number: int) -> Decimal:
        return Decimal(number).scaleb(-2)

    steps = tuple(TierInput(Decimal(start), rate(5 + number)) for number, start in enumerate((0, 5_000, 50_000)))
    by_category = [
        RuleInput(
            f"category-{number}",
            RuleKind.PERCENTAGE,
            priority=10,
            rate=rate(number + 1),
            when=ConditionsInput(categories=(f"c-{number}", f"c-{number + 10}")),
        )
        for number in range(8)
    ]
    by_product = [
        RuleInput(
            f"product-{number}",
            RuleKind.PERCENTAGE,
            priority=20,
            rate=rate(30 + number),
            when=ConditionsInput(products=tuple(f"sku-{number * 50 + more}" for more in range(20))),
        )
        for number in range(4)
    ]
    return (
        *by_category,
        *by_product,
        RuleInput("item", RuleKind.PER_ITEM, 15, amount=Decimal("0.10"), when=ConditionsInput(categories=("c-20",))),
        RuleInput("order", RuleKind.PER_ORDER, 15, amount=Decimal("1.00"), when=ConditionsInput(categories=("c-21",))),
        RuleInput(
            "new",
            RuleKind.PERCENTAGE,
            5,
            rate=rate(25),
            when=ConditionsInput(customer_kind=CustomerKind.NEW, categories=("c-22",)),
        ),
        RuleInput("german", RuleKind.PERCENTAGE, 5, rate=rate(2), when=ConditionsInput(countries=("DE",))),
        RuleInput("own", RuleKind.PERCENTAGE, 5, rate=rate(3), when=ConditionsInput(codes=("OTHER",))),
        RuleInput(
            "again",
            RuleKind.PERCENTAGE,
            4,
            rate=rate(9),
            when=ConditionsInput(categories=("c-23",)),
            recurring=RecurringInput(5, 12),
        ),
        RuleInput(
            "whole",
            RuleKind.TIERS,
            3,
            tiers=steps,
            mode=TierMode.WHOLE_VOLUME,
            when=ConditionsInput(categories=tuple(f"c-{number}" for number in range(24, 35))),
        ),
        RuleInput("rest", RuleKind.TIERS, tiers=steps),
    )


async def agree(made: Stage, ctx: Ctx) -> None:
    """Assign a plan of these rules to the tenant."""
    terms = TermsInput(
        effective_from=START,
        rules=rules(),
        bonuses=(
            BonusInput("much", Decimal(100_000), Decimal(500)),
            BonusInput("many", Decimal(1_000), Decimal(100), PlanMetric.ORDERS),
        ),
        caps=CapsInput(Decimal(100_000), Decimal(10**8), Decimal(10**9), Decimal(10**10)),
    )
    assert len(terms.rules) == 20
    (plan,) = await create_commission_plans(made.runtime, ctx, [PlanInput("Everything", terms)])
    (assigned,) = await assign_commission_plans(made.runtime, ctx, [AssignmentInput(plan.id, START)])
    assert assigned.outcome is Outcome.RECORDED, (plan, assigned)


async def categorise(made: Stage, ctx: Ctx) -> None:
    """Give the products their categories."""
    chance = random.Random(3)
    for start in range(0, PRODUCTS, 1_000):
        items = [
            ProductInput(f"sku-{number}", category=f"c-{chance.randrange(CATEGORIES)}")
            for number in range(start, start + 1_000)
        ]
        await upsert_products(made.runtime, ctx, items)


async def measure(made: Stage, *, lines: int) -> None:
    """Print the rates with so many lines an order."""
    plain, ruled = await made.new_ctx(), await made.new_ctx()
    for ctx in (plain, ruled):
        await prepare(made, ctx)
        await categorise(made, ctx)
    await agree(made, ruled)
    for ctx in (plain, ruled):
        await record(made, ctx, batch(lines=lines, codes=("SPICY20",)))

    def contender(ctx: Ctx) -> Callable[[], Awaitable[None]]:
        ready = [batch(lines=lines, codes=("SPICY20",)) for _ in range(ROUNDS)]

        async def run() -> None:
            await record(made, ctx, ready.pop())

        return run

    print(f"\n{ORDERS} orders of {lines} lines")
    times = await in_turn(
        {
            "the campaign's rate": contender(plain),
            "a plan of 20 rules": contender(ruled),
        },
        rounds=ROUNDS,
    )
    report(times, items=ORDERS, unit="orders", base="the campaign's rate")


async def run() -> None:
    """Short orders, and long ones."""
    async with stage() as made:
        await measure(made, lines=2)
        await measure(made, lines=20)


def main() -> None:
    """Print the comparison."""
    asyncio.run(run())
