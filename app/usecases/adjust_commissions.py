"""Corrects what influencers earned, by hand: with a reason, and above a limit with a second key. One transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

from app import outbox
from app.commissions import corrections
from app.commissions.corrections import Correction
from app.commissions.inputs import CommissionAdjustmentInput
from app.commissions.service import NewCommission
from app.commissions.terms import TERMS
from app.core.context import Ctx
from app.core.ids import new_id
from app.core.money import checked_amount, checked_currency
from app.core.outcomes import ItemOutcome, Outcome
from app.core.texts import checked_external_id, checked_instant, checked_text
from app.core.words import AdjustmentState
from app.db.session import WriteSession
from app.errors import DomainError
from app.runtime import Runtime
from app.usecases.correcting_commissions import base_of, event_of, load_rates_of, orders_of, outcome_of, post
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, in_order, other_content, refused
from app.usecases.references import check_references

NAME = "adjustments"


async def adjust_commissions(
    runtime: Runtime,
    ctx: Ctx,
    adjustments: Sequence[CommissionAdjustmentInput | Unread],
    *,
    idempotency_key: str | None = None,
) -> tuple[ItemOutcome, ...]:
    """What became of each, in the order given; `detail` says whether it was posted or waits for another key.

    Raises BATCH_TOO_LARGE, BAD_USER_INPUT or IDEMPOTENCY_CONFLICT for the call as a whole.
    """
    check_batch(runtime, adjustments, name=NAME)
    latest = ctx.now + runtime.settings.future_tolerance
    checked, bad = await check_each(
        adjustments, partial(_checked, ctx, latest), name=NAME, external_id=lambda item: item.external_id
    )
    return await perform(
        runtime,
        ctx,
        operation="adjustCommissions",
        body=adjustments,
        idempotency_key=idempotency_key,
        work=partial(_adjust, ctx, checked, bad),
    )


def _checked(ctx: Ctx, latest: datetime, item: CommissionAdjustmentInput) -> Correction:
    checked_external_id(item.external_id, "externalId")
    checked_currency(item.currency)
    amount = checked_amount(item.amount, item.currency, "amount")
    if amount == 0:
        raise DomainError("INVALID_AMOUNT", "`amount` is 0: nothing is corrected.", path=("amount",))
    at = ctx.now if item.occurred_at is None else checked_instant(item.occurred_at, "occurredAt", latest=latest)
    return Correction(
        id=new_id(),
        external_id=item.external_id,
        influencer_id=item.influencer_id,
        campaign_id=item.campaign_id,
        order_id=item.order_id,
        currency=item.currency,
        amount=amount,
        reason=checked_text(item.reason, "reason"),
        occurred_at=at,
        state=AdjustmentState.PROPOSED,
        proposed_by=ctx.principal.key_id,
    )


async def _adjust(
    ctx: Ctx, checked: Mapping[int, Correction], bad: Mapping[int, ItemOutcome], session: WriteSession
) -> tuple[ItemOutcome, ...]:
    outcomes = dict(bad)
    refusals = await check_references(ctx, session, checked)
    times = await corrections.order_times(ctx, session, orders_of(checked.values()))
    rates = await load_rates_of(ctx, session, checked.values(), times)
    limit = (await TERMS.load(ctx, session)).adjustment_limit_minor
    lately = await corrections.posted_lately(ctx, session, {item.influencer_id for item in checked.values()})
    known = await corrections.known(ctx, session, [item.external_id for item in checked.values()])
    stored = set(known)
    fresh: list[Correction] = []
    posted: list[NewCommission] = []
    for index, item in checked.items():
        try:
            if index in refusals:
                raise refusals[index]
            if item.order_id is not None and item.order_id not in times:
                raise DomainError("UNKNOWN_ORDER", "No order has this id.", path=("orderId",))
            original = known.get(item.external_id)
            if original is not None:
                if original.content() != item.content():
                    raise other_content("adjustment", item.external_id, is_stored=item.external_id in stored)
                session.touch_days([original.occurred_at.date()])
                outcomes[index] = outcome_of(index, Outcome.REPLAYED, original)
                continue
            base = base_of(rates, item, times)
        except DomainError as error:
            outcomes[index] = refused(error, index, name=NAME, external_id=item.external_id)
            continue
        # Without a rate nobody knows whether it is above the limit: another key looks.
        together = None if base is None else lately.get(item.influencer_id, 0) + abs(base)
        if limit is not None and together is not None and together <= limit:
            item, row = item.posted(base)
            lately[item.influencer_id] = together
            posted.append(row)
        fresh.append(item)
        known[item.external_id] = item
        outcomes[index] = outcome_of(index, Outcome.RECORDED, item)
    await post(ctx, session, posted)
    await corrections.insert(ctx, session, fresh)
    await outbox.append(ctx, session, [event_of(item) for item in fresh])
    return in_order(outcomes, len(outcomes))
