"""Cancels batches, or what is left of them and was not sent: its balances are payable again."""

from collections.abc import Sequence
from dataclasses import replace

from app import outbox
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome
from app.core.payout_words import PayoutBatchState, PayoutItemState
from app.db.session import WriteSession
from app.payouts.batches import Batch, update_batches
from app.payouts.inputs import PayoutDecision
from app.payouts.items import lock_items_of
from app.payouts.machine import FINAL, cancel
from app.runtime import Runtime
from app.usecases.items import Unread
from app.usecases.payout_batch_decisions import decide_batches, not_now
from app.usecases.settle_payouts import book


async def cancel_payout_batches(
    runtime: Runtime, ctx: Ctx, batches: Sequence[PayoutDecision | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each batch, in the order given. One cancelled already is REPLAYED.

    All that it has not decided is cancelled, and its balances are payable again; a batch of which some was paid or
    failed before ends as that did. Refused with PAYOUT_STATE where any of it is under way, or everything is decided.
    """
    return await decide_batches(
        runtime, ctx, batches, "cancelPayoutBatches", _cancel, PayoutBatchState.CANCELLED, idempotency_key
    )


async def _cancel(ctx: Ctx, session: WriteSession, batch: Batch, reason: str | None) -> None:
    items = {item.id: item for item in await lock_items_of(ctx, session, batch.id)}
    waiting = [item for item in items.values() if item.state not in FINAL]
    if not waiting or not all(item.is_unsent for item in waiting):
        raise not_now(batch, "cancelled")
    if all(item.is_unsent or item.state is PayoutItemState.CANCELLED for item in items.values()):
        await update_batches(ctx, session, [replace(batch, state=PayoutBatchState.CANCELLED, finished_at=ctx.now)])
    steps = {item.id: cancel(item) for item in waiting}
    await book(ctx, session, items, steps, source="person", reasons=dict.fromkeys(steps, reason))
    await outbox.append(ctx, session, [outbox.Event("payout_batch.cancelled", batch.id, {"items": len(waiting)})])
