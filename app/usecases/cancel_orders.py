"""Cancels orders: all that is still open goes back, dated at the cancellation. One transaction.

The same as an event CANCELLED, for callers to whom a cancellation is an act and not news.
"""

from collections.abc import Sequence

from app.core.context import Ctx
from app.core.outcomes import ItemOutcome
from app.core.words import OrderEventKind
from app.orders.inputs import CancelInput, OrderEventInput
from app.runtime import Runtime
from app.usecases.items import Unread
from app.usecases.record_order_events import enter_events


async def cancel_orders(
    runtime: Runtime, ctx: Ctx, cancellations: Sequence[CancelInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each cancellation, in the order given; `detail` holds what it took back.

    Raises BATCH_TOO_LARGE, BAD_USER_INPUT or IDEMPOTENCY_CONFLICT for the call as a whole.
    """
    events = [
        item
        if isinstance(item, Unread)
        else OrderEventInput(item.order_external_id, OrderEventKind.CANCELLED, item.occurred_at, reason=item.reason)
        for item in cancellations
    ]
    return await enter_events(
        runtime,
        ctx,
        events,
        operation="cancelOrders",
        name="cancellations",
        body=cancellations,
        idempotency_key=idempotency_key,
    )
