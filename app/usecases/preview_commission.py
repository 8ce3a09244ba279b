"""What an order would earn if it were recorded now: judged and rated as `booking` does, by the same functions, over one
snapshot. Nothing is written: customers and products that are not known are made up for the while.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.attribution import service as attribution
from app.attribution.judging import Placed, judge_all, reach_of
from app.attribution.service import credits_of
from app.attribution.touches import Trail
from app.core.context import Ctx
from app.core.ids import new_id
from app.customers.ensure import known as known_customers
from app.db.session import ReadSession
from app.errors import DomainError
from app.orders.conversion import key_of, load_rates
from app.orders.inputs import OrderInput
from app.orders.lines import CheckedOrder, checked_order
from app.orders.open_lines import open_lines
from app.products.ensure import known as known_products
from app.products.queries import Traits
from app.runtime import Runtime
from app.usecases.earning import Earned, complete, credited_of, open_round, rate_all
from app.usecases.rating_round import Earning


@dataclass(frozen=True, slots=True)
class Preview:
    """What would come of the order. order_id: made up, of no order. explanation: as the answer of a recorded order."""

    order_id: UUID
    explanation: dict[str, Any]
    earned: Sequence[Earned]


async def preview_commission(runtime: Runtime, ctx: Ctx, order: OrderInput) -> Preview:
    """What the order would be credited to and earn. Raises DomainError for what could not be recorded.

    Its external id is not looked up: of an order that is recorded already it shows what another one like it would earn.
    """
    if ctx.principal.influencer_id is not None:
        # It would tell of customers whether they bought before, and of others' codes what they earn.
        raise DomainError("FORBIDDEN", "A key of the role influencer previews no orders.")
    checked = checked_order(order, latest=ctx.now + runtime.settings.future_tolerance)
    async with runtime.db.snapshot(ctx.tenant_id) as session:
        return await _preview(runtime, ctx, session, checked)


async def _preview(runtime: Runtime, ctx: Ctx, session: ReadSession, checked: CheckedOrder) -> Preview:
    customers = await known_customers(ctx, session, [] if checked.customer is None else [checked.customer])
    skus = {line.sku for line in checked.lines if line.sku is not None}
    products = await known_products(ctx, session, skus)
    made_up = {sku: new_id() for sku in skus - products.keys()}
    customer_id = None if checked.customer is None else customers.get(checked.customer, new_id())
    placed = Placed(
        trail=Trail(checked.occurred_at, checked.visitor_id, checked.click_id, customer_id),
        codes=checked.codes,
        customer=checked.customer,
        is_test=checked.is_test,
    )
    (verdict,), program = await judge_all(ctx, session, [placed], reach_of(runtime.settings))
    rates = await load_rates(ctx, session, {key_of(checked.currency, checked.occurred_at)})
    bases = rates.convert([line.amount for line in checked.lines], checked.currency, checked.occurred_at)
    earning = Earning(
        order_id=new_id(),
        occurred_at=checked.occurred_at,
        currency=checked.currency,
        country=checked.country,
        customer_id=customer_id,
        lines=open_lines(checked.lines, products=products | made_up, bases=bases),
        credits=[] if checked.is_test else credited_of(credits_of(verdict), program),
    )
    found = await open_round(ctx, session, [earning])
    await complete(ctx, session, found)
    found.traits = {**found.traits, **_made_up_traits(made_up)}
    earned = await rate_all(ctx, found)
    why = attribution.explanation(verdict.model, verdict.rule, verdict.to_json())
    return Preview(earning.order_id, why, earned[earning.order_id])


def _made_up_traits(products: Mapping[str, UUID]) -> dict[UUID, Traits]:
    return {product_id: Traits(sku, None) for sku, product_id in products.items()}
