"""Approves batches, by another key than the one that made them, and cancels batches that were not sent."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from app import outbox
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome, Outcome
from app.core.texts import checked_optional
from app.core.words import PayoutBatchState, PayoutItemState
from app.db.session import WriteSession
from app.errors import DomainError
from app.payouts.inputs import PayoutDecision
from app.payouts.machine import Step, release
from app.payouts.service import Batch, lock_batches, lock_items_of, update_batches, update_items
from app.runtime import Runtime
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, in_order, refused
from app.usecases.settle_payouts import book

NAME = "payoutBatches"

Decide = Callable[[Ctx, WriteSession, Batch, str | None], Awaitable[None]]


async def approve_payout_batches(
    runtime: Runtime, ctx: Ctx, batches: Sequence[PayoutDecision | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each batch, in the order given. One that is approved already is REPLAYED.

    Refused with SECOND_KEY_NEEDED where the same key made it, PAYOUT_STATE where it is no draft any more.
    """
    return await _decide(
        runtime, ctx, batches, "approvePayoutBatches", _approve, PayoutBatchState.APPROVED, idempotency_key
    )


async def cancel_payout_batches(
    runtime: Runtime, ctx: Ctx, batches: Sequence[PayoutDecision | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each batch, in the order given. Its balances are payable again. One cancelled already is REPLAYED.

    Refused with PAYOUT_STATE where any of it was sent.
    """
    return await _decide(
        runtime, ctx, batches, "cancelPayoutBatches", _cancel, PayoutBatchState.CANCELLED, idempotency_key
    )


async def _decide(
    runtime: Runtime,
    ctx: Ctx,
    batches: Sequence[PayoutDecision | Unread],
    operation: str,
    decide: Decide,
    target: PayoutBatchState,
    idempotency_key: str | None,
) -> tuple[ItemOutcome, ...]:
    check_batch(runtime, batches, name=NAME)
    checked, bad = await check_each(batches, _checked, name=NAME, external_id=lambda item: None)
    return await perform(
        runtime,
        ctx,
        operation=operation,
        body=batches,
        idempotency_key=idempotency_key,
        work=partial(_all, ctx, checked, bad, decide, target),
    )


def _checked(item: PayoutDecision) -> PayoutDecision:
    checked_optional(item.reason, "reason")
    return item


async def _all(
    ctx: Ctx,
    checked: Mapping[int, PayoutDecision],
    bad: Mapping[int, ItemOutcome],
    decide: Decide,
    target: PayoutBatchState,
    session: WriteSession,
) -> tuple[ItemOutcome, ...]:
    outcomes = dict(bad)
    found = await lock_batches(ctx, session, {item.id for item in checked.values()})
    for index, item in checked.items():
        try:
            batch = found.get(item.id)
            if batch is None:
                raise DomainError("NOT_FOUND", "There is no such batch. Use an id that the API gave.", path=("id",))
            if batch.state is target:
                outcomes[index] = ItemOutcome(index, Outcome.REPLAYED, batch.id)
                continue
            await decide(ctx, session, batch, item.reason)
        except DomainError as error:
            outcomes[index] = refused(error, index, name=NAME, external_id=None)
            continue
        found[item.id] = replace(batch, state=target)
        outcomes[index] = ItemOutcome(index, Outcome.RECORDED, batch.id)
    return in_order(outcomes, len(outcomes))


async def _approve(ctx: Ctx, session: WriteSession, batch: Batch, reason: str | None) -> None:
    if batch.state is not PayoutBatchState.DRAFT:
        raise _not_now(batch, "approved")
    if batch.made_by == ctx.principal.key_id:
        raise DomainError(
            "SECOND_KEY_NEEDED", "Who made a batch cannot approve it. Let another key do so.", path=("id",)
        )
    approved = replace(batch, state=PayoutBatchState.APPROVED, approved_by=ctx.principal.key_id, approved_at=ctx.now)
    await update_batches(ctx, session, [approved])
    items = await lock_items_of(ctx, session, batch.id)
    waiting = [item for item in items if item.state is PayoutItemState.RESERVED]
    await update_items(ctx, session, [replace(item, next_at=ctx.now) for item in waiting])
    await outbox.append(ctx, session, [outbox.Event("payout_batch.approved", batch.id, {"items": len(waiting)})])


async def _cancel(ctx: Ctx, session: WriteSession, batch: Batch, reason: str | None) -> None:
    if batch.state not in (PayoutBatchState.DRAFT, PayoutBatchState.APPROVED):
        raise _not_now(batch, "cancelled")
    items = {item.id: item for item in await lock_items_of(ctx, session, batch.id)}
    waiting = [item for item in items.values() if item.state is not PayoutItemState.CANCELLED]
    if any(item.state is not PayoutItemState.RESERVED or item.attempts for item in waiting):
        raise _not_now(batch, "cancelled")
    await update_batches(ctx, session, [replace(batch, state=PayoutBatchState.CANCELLED, finished_at=ctx.now)])
    steps = {
        item.id: Step(replace(item, state=PayoutItemState.CANCELLED, next_at=None), postings=(release(item),))
        for item in waiting
    }
    await book(ctx, session, items, steps, source="person", reasons=dict.fromkeys(steps, reason))
    await outbox.append(ctx, session, [outbox.Event("payout_batch.cancelled", batch.id, {"items": len(waiting)})])


def _not_now(batch: Batch, what: str) -> DomainError:
    return DomainError("PAYOUT_STATE", f"The batch is {batch.state.value} and cannot be {what}.", path=("id",))
