"""Brings customers up to date: those not known yet are created. One transaction."""

from collections.abc import Sequence
from functools import partial

from app.core.context import Ctx
from app.core.outcomes import ItemOutcome
from app.customers.inputs import CustomerInput
from app.customers.service import CUSTOMER_KIND, changed, checked_customer, drafted
from app.runtime import Runtime
from app.usecases.entities import upsert
from app.usecases.items import Unread


async def upsert_customers(
    runtime: Runtime, ctx: Ctx, customers: Sequence[CustomerInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each customer, in the order given. One that changes nothing is REPLAYED."""
    return await upsert(
        runtime,
        ctx,
        CUSTOMER_KIND,
        customers,
        check=checked_customer,
        key_of=lambda item: (item.external_id,),
        draft=partial(drafted, ctx),
        apply=partial(changed, ctx),
        idempotency_key=idempotency_key,
    )
