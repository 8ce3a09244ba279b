"""Brings products up to date: those not known yet are created. One transaction."""

from collections.abc import Sequence
from functools import partial

from app.core.context import Ctx
from app.core.outcomes import ItemOutcome
from app.products.inputs import ProductInput
from app.products.service import PRODUCT_KIND, changed, checked_product, drafted
from app.runtime import Runtime
from app.usecases.entities import upsert
from app.usecases.items import Unread


async def upsert_products(
    runtime: Runtime, ctx: Ctx, products: Sequence[ProductInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each product, in the order given. One that changes nothing is REPLAYED."""
    return await upsert(
        runtime,
        ctx,
        PRODUCT_KIND,
        products,
        check=checked_product,
        key_of=lambda item: (item.external_id,),
        draft=partial(drafted, ctx),
        apply=partial(changed, ctx),
        idempotency_key=idempotency_key,
    )
