"""Approves commissions that are due: the worker's. Batch by batch, each one transaction."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from app.commissions import states
from app.commissions.approval import START, find_due
from app.commissions.states import Move
from app.commissions.terms import TERMS
from app.core.context import Ctx, TenantInfo, nobody
from app.core.outcomes import ItemOutcome, Outcome
from app.core.words import CommissionState
from app.db.session import WriteSession
from app.runtime import Runtime
from app.usecases.door import perform

DUE = "Due after its hold period."


async def approve_due(runtime: Runtime, tenant: TenantInfo) -> int:
    """Number of the tenant's commissions that were due and are approved now: batch by batch, each one transaction."""
    ctx = nobody(tenant, runtime.clock.now())
    approved = 0
    place = START
    while True:
        async with runtime.db.read(tenant.id) as session:
            terms = await TERMS.load(ctx, session)
            due, following = await find_due(session, terms, now=ctx.now, after=place)
        if due:
            outcomes = await perform(
                runtime, ctx, operation="approveDueCommissions", body=[], work=partial(_approve_due, ctx, due)
            )
            approved += len(outcomes)
        if following is None:
            return approved
        place = following


async def _approve_due(ctx: Ctx, due: Sequence[UUID], session: WriteSession) -> tuple[ItemOutcome, ...]:
    passages = await states.lock(ctx, session, due)
    outcomes: list[ItemOutcome] = []
    for commission_id in due:
        row = passages.named(commission_id)
        # Another worker, a caller or a refund may have been faster.
        if row.state is not CommissionState.PENDING or passages.net(row) == 0:
            continue
        passages.enter(Move(commission_id, CommissionState.APPROVED, DUE))
        outcomes.append(ItemOutcome(index=len(outcomes), outcome=Outcome.RECORDED, id=commission_id))
    await states.write(ctx, session, passages)
    return tuple(outcomes)
