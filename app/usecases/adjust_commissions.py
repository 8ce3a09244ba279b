"""Corrects what influencers earned, by hand: with a reason, and above a limit with a second key. One transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from uuid import UUID

from app import outbox
from app.analytics.rollups import deltas
from app.commissions import corrections, service
from app.commissions.corrections import Correction
from app.commissions.inputs import AdjustmentDecision, CommissionAdjustmentInput
from app.commissions.service import NewCommission
from app.commissions.terms import load_terms
from app.core.context import Ctx
from app.core.ids import new_id
from app.core.money import checked_amount, checked_currency
from app.core.outcomes import ItemOutcome, Outcome
from app.core.texts import checked_external_id, checked_instant, checked_optional, checked_text
from app.core.words import AdjustmentState
from app.db.session import WriteSession
from app.errors import DomainError
from app.orders.conversion import Rates, key_of, load_rates
from app.runtime import Runtime
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, in_order, other_content, refused
from app.usecases.references import check_references

NAME = "adjustments"
DECISIONS = "decisions"


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
    times = await corrections.order_times(ctx, session, _orders(checked.values()))
    rates = await _rates(ctx, session, checked.values(), times)
    limit = (await load_terms(ctx, session)).adjustment_limit_minor
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
                outcomes[index] = _outcome(index, Outcome.REPLAYED, original)
                continue
            base = _base(rates, item, times)
        except DomainError as error:
            outcomes[index] = refused(error, index, name=NAME, external_id=item.external_id)
            continue
        # Without a rate nobody knows whether it is above the limit: another key looks.
        if limit is not None and base is not None and abs(base) <= limit:
            item, row = item.posted(base)
            posted.append(row)
        fresh.append(item)
        known[item.external_id] = item
        outcomes[index] = _outcome(index, Outcome.RECORDED, item)
    await _post(ctx, session, posted)
    await corrections.insert(ctx, session, fresh)
    await outbox.append(ctx, session, [_event(item) for item in fresh])
    return in_order(outcomes, len(outcomes))


async def decide_adjustments(
    runtime: Runtime, ctx: Ctx, decisions: Sequence[AdjustmentDecision | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each decision: accepted ones are posted. Whoever proposed one cannot decide it."""
    check_batch(runtime, decisions, name=DECISIONS)

    def check(item: AdjustmentDecision) -> AdjustmentDecision:
        if item.is_accepted:
            checked_optional(item.reason, "reason")
        else:
            checked_text(item.reason or "", "reason")
        return item

    checked, bad = await check_each(decisions, check, name=DECISIONS, external_id=lambda _: None)
    return await perform(
        runtime,
        ctx,
        operation="decideCommissionAdjustments",
        body=decisions,
        idempotency_key=idempotency_key,
        work=partial(_decide, ctx, checked, bad),
    )


async def _decide(
    ctx: Ctx, checked: Mapping[int, AdjustmentDecision], bad: Mapping[int, ItemOutcome], session: WriteSession
) -> tuple[ItemOutcome, ...]:
    outcomes = dict(bad)
    rows = await corrections.lock(ctx, session, {item.id for item in checked.values()})
    times = await corrections.order_times(ctx, session, _orders(rows.values()))
    rates = await _rates(ctx, session, rows.values(), times)
    decided: list[Correction] = []
    posted: list[NewCommission] = []
    for index, item in checked.items():
        try:
            row = rows.get(item.id)
            if row is None:
                raise DomainError("UNKNOWN_ADJUSTMENT", "No adjustment of commissions has this id.", path=("id",))
            wanted = AdjustmentState.POSTED if item.is_accepted else AdjustmentState.DECLINED
            if row.state is wanted:
                outcomes[index] = _outcome(index, Outcome.REPLAYED, row)
                continue
            if row.state is not AdjustmentState.PROPOSED:
                raise DomainError("WRONG_STATE", f"The adjustment is {row.state.value} already.", path=("id",))
            if row.proposed_by == ctx.principal.key_id:
                raise DomainError(
                    "SECOND_KEY_NEEDED", "This key proposed the adjustment: another one has to decide.", path=("id",)
                )
            if item.is_accepted:
                row, commission = row.posted(_base(rates, row, times))
                posted.append(commission)
        except DomainError as error:
            outcomes[index] = refused(error, index, name=DECISIONS, external_id=None)
            continue
        rows[item.id] = replace(row, state=wanted, decided_by=ctx.principal.key_id, decision_reason=item.reason)
        decided.append(rows[item.id])
        outcomes[index] = _outcome(index, Outcome.RECORDED, rows[item.id])
    await _post(ctx, session, posted)
    await corrections.decide(ctx, session, decided)
    await outbox.append(ctx, session, [_event(item) for item in decided])
    return in_order(outcomes, len(outcomes))


async def _post(ctx: Ctx, session: WriteSession, rows: Sequence[NewCommission]) -> None:
    await service.post(ctx, session, rows)
    await deltas.append(ctx, session, [service.contribution_of(row) for row in rows])
    session.touch_days({row.occurred_at.date() for row in rows})


def _orders(items: Iterable[Correction]) -> set[UUID]:
    return {item.order_id for item in items if item.order_id is not None}


async def _rates(ctx: Ctx, session: WriteSession, items: Iterable[Correction], times: Mapping[UUID, datetime]) -> Rates:
    return await load_rates(ctx, session, {key_of(item.currency, _rated_at(item, times)) for item in items})


def _rated_at(item: Correction, times: Mapping[UUID, datetime]) -> datetime:
    # A commission has its order's rate.
    return item.occurred_at if item.order_id is None else times.get(item.order_id, item.occurred_at)


def _base(rates: Rates, item: Correction, times: Mapping[UUID, datetime]) -> int | None:
    return rates.convert_one(item.amount, item.currency, _rated_at(item, times))


def _event(item: Correction) -> outbox.Event:
    commission = {} if item.commission_id is None else {"commissionId": str(item.commission_id)}
    return outbox.Event(
        f"correction.{item.state.lower()}",
        item.id,
        {
            "influencerId": str(item.influencer_id),
            "amountMinor": item.amount,
            "currency": item.currency,
            **commission,
        },
    )


def _outcome(index: int, outcome: Outcome, item: Correction) -> ItemOutcome:
    return ItemOutcome(
        index=index, outcome=outcome, id=item.id, external_id=item.external_id, detail={"state": item.state.value}
    )
