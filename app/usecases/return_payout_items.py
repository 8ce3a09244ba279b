"""Has payments taken back by their provider: the worker asks for it."""

from collections.abc import Sequence
from dataclasses import replace

from app.core.context import Ctx
from app.core.outcomes import ItemOutcome
from app.core.payout_words import PayoutItemState as S
from app.core.payout_words import PayoutProviderName
from app.errors import DomainError
from app.payouts.inputs import PayoutDecision
from app.payouts.machine import Item, Step
from app.runtime import Runtime
from app.usecases.items import Unread
from app.usecases.payout_item_decisions import checked_decision, decide_items, not_now


async def return_payout_items(
    runtime: Runtime, ctx: Ctx, items: Sequence[PayoutDecision | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each item, in the order given: the worker asks the provider to take its payment back.

    Refused with PAYOUT_STATE where it is not paid, NOT_SUPPORTED where it was paid by hand.
    """

    def decide(item: Item, _: PayoutDecision) -> Step | None:
        if item.state in (S.RETURNING, S.RETURNED):
            return None
        if item.provider is PayoutProviderName.MANUAL:
            raise DomainError("NOT_SUPPORTED", "Payments by hand come back by hand: confirm it.", path=("id",))
        if item.state is not S.SUCCEEDED:
            raise not_now(item, "taken back")
        return Step(replace(item, state=S.RETURNING, next_at=ctx.now))

    return await decide_items(runtime, ctx, items, "returnPayoutItems", checked_decision, decide, idempotency_key)
