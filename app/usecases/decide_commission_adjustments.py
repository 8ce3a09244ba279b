"""Accepts or declines proposed corrections of commissions, by another key than the proposing one. One transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from app import outbox
from app.commissions import corrections
from app.commissions.corrections import Correction
from app.commissions.inputs import AdjustmentDecision
from app.commissions.service import NewCommission
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome, Outcome
from app.core.texts import checked_optional, checked_text
from app.core.words import AdjustmentState
from app.db.session import WriteSession
from app.errors import DomainError
from app.runtime import Runtime
from app.usecases.correcting_commissions import base_of, event_of, load_rates_of, orders_of, outcome_of, post
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, in_order, refused

NAME = "decisions"


async def decide_commission_adjustments(
    runtime: Runtime, ctx: Ctx, decisions: Sequence[AdjustmentDecision | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each decision: accepted ones are posted. Whoever proposed one cannot decide it."""
    check_batch(runtime, decisions, name=NAME)

    def check(item: AdjustmentDecision) -> AdjustmentDecision:
        if item.is_accepted:
            checked_optional(item.reason, "reason")
        else:
            checked_text(item.reason or "", "reason")
        return item

    checked, bad = await check_each(decisions, check, name=NAME, external_id=lambda _: None)
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
    times = await corrections.order_times(ctx, session, orders_of(rows.values()))
    rates = await load_rates_of(ctx, session, rows.values(), times)
    decided: list[Correction] = []
    posted: list[NewCommission] = []
    for index, item in checked.items():
        try:
            row = rows.get(item.id)
            if row is None:
                raise DomainError("UNKNOWN_ADJUSTMENT", "No adjustment of commissions has this id.", path=("id",))
            wanted = AdjustmentState.POSTED if item.is_accepted else AdjustmentState.DECLINED
            if row.state is wanted:
                outcomes[index] = outcome_of(index, Outcome.REPLAYED, row)
                continue
            if row.state is not AdjustmentState.PROPOSED:
                raise DomainError("WRONG_STATE", f"The adjustment is {row.state.value} already.", path=("id",))
            if row.proposed_by == ctx.principal.key_id:
                raise DomainError(
                    "SECOND_KEY_NEEDED", "This key proposed the adjustment: another one has to decide.", path=("id",)
                )
            if item.is_accepted:
                row, commission = row.posted(base_of(rates, row, times))
                posted.append(commission)
        except DomainError as error:
            outcomes[index] = refused(error, index, name=NAME, external_id=None)
            continue
        rows[item.id] = replace(row, state=wanted, decided_by=ctx.principal.key_id, decision_reason=item.reason)
        decided.append(rows[item.id])
        outcomes[index] = outcome_of(index, Outcome.RECORDED, rows[item.id])
    await post(ctx, session, posted)
    await corrections.decide(ctx, session, decided)
    await outbox.append(ctx, session, [event_of(item) for item in decided])
    return in_order(outcomes, len(outcomes))
