"""Takes what people tell of payments: by hand, of those that stay unknown, and of those that came back."""

from collections.abc import Sequence
from dataclasses import replace

from app.core.context import Ctx
from app.core.money import checked_amount
from app.core.outcomes import ItemOutcome
from app.core.payout_words import PayoutItemState as S
from app.core.payout_words import PayoutProviderName
from app.core.texts import checked_instant, checked_optional
from app.errors import DomainError
from app.payouts.inputs import PayoutConfirmation
from app.payouts.machine import Item, Step, after
from app.payouts.port import Report, Told
from app.runtime import Runtime
from app.usecases.items import Unread
from app.usecases.payout_item_decisions import decide_items, not_now

CONFIRMABLE = {
    "SUCCEEDED": frozenset({S.SENT, S.UNKNOWN, S.FAILED}),
    "FAILED": frozenset({S.SENT, S.UNKNOWN}),
    "RETURNED": frozenset({S.SUCCEEDED, S.RETURNING}),
}
"""Outcome → states in which a person can tell it. Of payments by a provider only what is UNKNOWN, or came back."""


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
        # By hand it may have been paid before the worker looked at what was approved.
        is_early = by_hand and item.state in (S.RESERVED, S.SENDING) and item.next_at is not None
        state = S.SENT if is_early else item.state
        if state not in CONFIRMABLE[told.outcome] or not (by_hand or state in (S.UNKNOWN, S.SUCCEEDED, S.RETURNING)):
            raise not_now(item, told.outcome.lower())
        fee = None if told.fee is None else checked_amount(told.fee, item.currency, "fee")
        if fee is not None and fee < 0:
            raise DomainError("INVALID_AMOUNT", "`fee` must not be negative.", path=("fee",))
        report = Report(
            Told(told.outcome),
            item.id,
            # What a provider itself calls it, once that is known, is what it can be asked by.
            provider_id=told.reference if by_hand or item.provider_id is None else None,
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

    return await decide_items(runtime, ctx, items, "confirmPayoutItems", checked, decide, idempotency_key)
