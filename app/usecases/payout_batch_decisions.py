"""How people decide batches: each is locked, looked at and answered in its place. One transaction for all of a call."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from app.core.context import Ctx
from app.core.outcomes import ItemOutcome, Outcome
from app.core.payout_words import PayoutBatchState
from app.core.texts import checked_optional
from app.db.session import WriteSession
from app.errors import DomainError
from app.payouts.batches import Batch, lock_batches
from app.payouts.inputs import PayoutDecision
from app.runtime import Runtime
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, in_order, refused

NAME = "payoutBatches"

Decide = Callable[[Ctx, WriteSession, Batch, str | None], Awaitable[None]]
"""What becomes of a batch, for a reason. Raises DomainError where it cannot be."""


async def decide_batches(
    runtime: Runtime,
    ctx: Ctx,
    batches: Sequence[PayoutDecision | Unread],
    operation: str,
    decide: Decide,
    target: PayoutBatchState,
    idempotency_key: str | None,
) -> tuple[ItemOutcome, ...]:
    """What became of each batch, in the order given. One that is at the target already is REPLAYED."""
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


def not_now(batch: Batch, what: str) -> DomainError:
    """The refusal of what cannot be done to the batch any more."""
    return DomainError("PAYOUT_STATE", f"The batch is {batch.state.value} and cannot be {what}.", path=("id",))
