"""How people decide single payouts: each is locked, looked at and answered in its place. One transaction for a call."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from app.core.context import Ctx
from app.core.outcomes import ItemOutcome, Outcome
from app.core.texts import checked_optional
from app.db.session import WriteSession
from app.errors import DomainError
from app.payouts.inputs import PayoutDecision
from app.payouts.items import lock_items
from app.payouts.machine import Item, Step
from app.runtime import Runtime
from app.usecases.door import check_batch, perform
from app.usecases.items import check_each, in_order, refused
from app.usecases.settle_payouts import book

NAME = "payoutItems"

Decide = Callable[[Item, Any], Step | None]
"""The step that an item takes; None where it has taken it already. Raises DomainError."""


async def decide_items(
    runtime: Runtime,
    ctx: Ctx,
    items: Sequence[Any],
    operation: str,
    check: Callable[[Any], Any],
    decide: Decide,
    idempotency_key: str | None,
) -> tuple[ItemOutcome, ...]:
    """What became of each item, in the order given. check: the item as it is taken; raises DomainError."""
    check_batch(runtime, items, name=NAME)
    checked, bad = await check_each(items, check, name=NAME, external_id=lambda item: None)
    return await perform(
        runtime,
        ctx,
        operation=operation,
        body=items,
        idempotency_key=idempotency_key,
        work=partial(_all, ctx, checked, bad, decide),
    )


def checked_decision(item: PayoutDecision) -> PayoutDecision:
    """The decision, if its reason can be kept. Raises DomainError."""
    checked_optional(item.reason, "reason")
    return item


async def _all(
    ctx: Ctx, checked: Mapping[int, Any], bad: Mapping[int, ItemOutcome], decide: Decide, session: WriteSession
) -> tuple[ItemOutcome, ...]:
    outcomes = dict(bad)
    found = await lock_items(ctx, session, {item.id for item in checked.values()})
    steps: dict[UUID, Step] = {}
    reasons: dict[UUID, str | None] = {}
    for index, item in checked.items():
        try:
            row = found.get(item.id)
            if row is None:
                raise DomainError("NOT_FOUND", "There is no such item. Use an id that the API gave.", path=("id",))
            if row.id in steps:
                raise DomainError("DUPLICATE_IN_BATCH", "The item occurs earlier in the batch.", path=("id",))
            step = decide(row, item)
        except DomainError as error:
            outcomes[index] = refused(error, index, name=NAME, external_id=None)
            continue
        if step is not None:
            steps[row.id], reasons[row.id] = step, item.reason
        outcomes[index] = ItemOutcome(index, Outcome.REPLAYED if step is None else Outcome.RECORDED, row.id)
    await book(ctx, session, found, steps, source="person", reasons=reasons)
    return in_order(outcomes, len(outcomes))


def not_now(item: Item, what: str) -> DomainError:
    """The refusal of what cannot be done to the item any more."""
    return DomainError("PAYOUT_STATE", f"The item is {item.state.value} and cannot be {what} so.", path=("id",))
