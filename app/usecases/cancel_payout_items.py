"""Leaves payouts out of batches before they are sent: their balances are payable again."""

from collections.abc import Sequence

from app.core.context import Ctx
from app.core.outcomes import ItemOutcome
from app.core.payout_words import PayoutItemState as S
from app.payouts.inputs import PayoutDecision
from app.payouts.machine import Item, Step, cancel
from app.runtime import Runtime
from app.usecases.items import Unread
from app.usecases.payout_item_decisions import checked_decision, decide_items, not_now


async def cancel_payout_items(
    runtime: Runtime, ctx: Ctx, items: Sequence[PayoutDecision | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each item, in the order given: left out of its batch before it is sent, its balance payable again.

    Refused with PAYOUT_STATE where it was sent.
    """

    def decide(item: Item, _: PayoutDecision) -> Step | None:
        if item.state is S.CANCELLED:
            return None
        if not item.is_unsent:
            raise not_now(item, "cancelled")
        return cancel(item)

    return await decide_items(runtime, ctx, items, "cancelPayoutItems", checked_decision, decide, idempotency_key)
