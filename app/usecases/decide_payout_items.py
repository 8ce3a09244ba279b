"""What people decide and tell of single payouts: to leave one out, that one was paid or not, to take one back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from app.core.context import Ctx
from app.core.money import checked_amount
from app.core.outcomes import ItemOutcome, Outcome
from app.core.texts import checked_instant, checked_optional
from app.core.words import PayoutItemState, PayoutProviderName
from app.db.session import WriteSession
from app.errors import DomainError
from app.payouts.inputs import PayoutConfirmation, PayoutDecision
from app.payouts.machine import Item, Step, after, release
from app.payouts.port import Report, Told
from app.payouts.service import lock_items
from app.runtime import Runtime
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, in_order, refused
from app.usecases.settle_payouts import book

NAME = "payoutItems"

S = PayoutItemState

CONFIRMABLE = {
    "SUCCEEDED": frozenset({S.SENT, S.UNKNOWN, S.FAILED}),
    "FAILED": frozenset({S.SENT, S.UNKNOWN}),
    "RETURNED": frozenset({S.SUCCEEDED}),
}
"""Outcome → states in which a person can tell it. Of payments by a provider only what is UNKNOWN, or came back."""

Decide = Callable[[Item, Any], Step | None]
"""The step that an item takes; None where it has taken it already. Raises DomainError."""


async def cancel_payout_items(
    runtime: Runtime, ctx: Ctx, items: Sequence[PayoutDecision | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each item, in the order given: left out of its batch before it is sent, its balance payable again.

    Refused with PAYOUT_STATE where it was sent.
    """

    def decide(item: Item, _: PayoutDecision) -> Step | None:
        if item.state is S.CANCELLED:
            return None
        if item.state is not S.RESERVED or item.attempts or item.next_at is not None:
            raise _not_now(item, "cancelled")
        return Step(replace(item, state=S.CANCELLED, next_at=None), postings=(release(item),))

    return await _decide(runtime, ctx, items, "cancelPayoutItems", _checked, decide, idempotency_key)


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
            raise _not_now(item, "taken back")
        return Step(replace(item, state=S.RETURNING, next_at=ctx.now))

    return await _decide(runtime, ctx, items, "returnPayoutItems", _checked, decide, idempotency_key)


async def confirm_payout_items(
    runtime: Runtime, ctx: Ctx, items: Sequence[PayoutConfirmation | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each item, in the order given: a person tells what came of payments by hand, and of others whose
    outcome stays unknown.

    Refused with PAYOUT_STATE where that cannot be, or is the provider's to tell.
    """

    def decide(item: Item, told: PayoutConfirmation) -> Step | None:
        if item.state.value == told.outcome:
            return None
        by_hand = item.provider is PayoutProviderName.MANUAL
        if item.state not in CONFIRMABLE[told.outcome] or not (by_hand or item.state in (S.UNKNOWN, S.SUCCEEDED)):
            raise _not_now(item, told.outcome.lower())
        fee = None if told.fee is None else checked_amount(told.fee, item.currency, "fee")
        if fee is not None and fee < 0:
            raise DomainError("INVALID_AMOUNT", "`fee` must not be negative.", path=("fee",))
        report = Report(
            Told(told.outcome),
            item.id,
            provider_id=told.reference,
            message=told.reason,
            fee=fee,
            fee_currency=item.currency,
            at=told.at,
        )
        return after(item, report, now=ctx.now, ask_s=runtime.settings.payout_ask_s)

    def checked(item: PayoutConfirmation) -> PayoutConfirmation:
        if item.outcome not in CONFIRMABLE:
            raise DomainError(
                "BAD_USER_INPUT", f"`outcome` must be one of {', '.join(CONFIRMABLE)}.", path=("outcome",)
            )
        checked_optional(item.reason, "reason")
        checked_optional(item.reference, "reference", length_max=200)
        latest = ctx.now + runtime.settings.future_tolerance
        return item if item.at is None else replace(item, at=checked_instant(item.at, "at", latest=latest))

    return await _decide(runtime, ctx, items, "confirmPayoutItems", checked, decide, idempotency_key)


async def _decide(
    runtime: Runtime,
    ctx: Ctx,
    items: Sequence[Any],
    operation: str,
    check: Callable[[Any], Any],
    decide: Decide,
    idempotency_key: str | None,
) -> tuple[ItemOutcome, ...]:
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


def _checked(item: PayoutDecision) -> PayoutDecision:
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


def _not_now(item: Item, what: str) -> DomainError:
    return DomainError("PAYOUT_STATE", f"The item is {item.state.value} and cannot be {what} so.", path=("id",))
