"""Approves batches, by another key than the one that made them: the worker sends them then.

What must not be paid any more is left out: its balance is payable again, as far as it still is.
"""

from collections.abc import Sequence
from dataclasses import replace

from app import outbox
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome
from app.core.payout_words import PayoutBatchState
from app.db.session import WriteSession
from app.errors import DomainError
from app.payouts.batches import Batch, update_batches
from app.payouts.due import obstacles_of
from app.payouts.inputs import PayoutDecision
from app.payouts.items import lock_items_of
from app.payouts.machine import Step, cancel
from app.runtime import Runtime
from app.usecases.items import Unread
from app.usecases.payout_batch_decisions import decide_batches, not_now
from app.usecases.settle_payouts import book


async def approve_payout_batches(
    runtime: Runtime, ctx: Ctx, batches: Sequence[PayoutDecision | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each batch, in the order given. One that is approved already is REPLAYED.

    Refused with SECOND_KEY_NEEDED where the same key made it, PAYOUT_STATE where it is no draft any more, and
    NOTHING_DUE where all that is in it must not be paid any more.
    """
    return await decide_batches(
        runtime, ctx, batches, "approvePayoutBatches", _approve, PayoutBatchState.APPROVED, idempotency_key
    )


async def _approve(ctx: Ctx, session: WriteSession, batch: Batch, reason: str | None) -> None:
    if batch.state is not PayoutBatchState.DRAFT:
        raise not_now(batch, "approved")
    if batch.made_by == ctx.principal.key_id:
        raise DomainError(
            "SECOND_KEY_NEEDED", "Who made a batch cannot approve it. Let another key do so.", path=("id",)
        )
    items = {item.id: item for item in await lock_items_of(ctx, session, batch.id)}
    waiting = [item for item in items.values() if item.is_unsent]
    obstacles = await obstacles_of(ctx, session, waiting)
    if len(obstacles) == len(waiting):
        raise DomainError(
            "NOTHING_DUE",
            f"Nothing in the batch can be paid now: {', '.join(sorted(set(obstacles.values())))}. Cancel it.",
            path=("id",),
        )
    approved = replace(batch, state=PayoutBatchState.APPROVED, approved_by=ctx.principal.key_id, approved_at=ctx.now)
    await update_batches(ctx, session, [approved])
    steps = {
        item.id: cancel(item, obstacles[item.id]) if item.id in obstacles else Step(replace(item, next_at=ctx.now))
        for item in waiting
    }
    await book(ctx, session, items, steps, source="person", reasons={**dict.fromkeys(steps, reason), **obstacles})
    counts = {"items": len(waiting) - len(obstacles), "leftOut": len(obstacles)}
    await outbox.append(ctx, session, [outbox.Event("payout_batch.approved", batch.id, counts)])
