"""Renames commission plans. One transaction. What a plan says is in its versions, which never change."""

from collections.abc import Sequence
from functools import partial

from app.commissions.plans.inputs import PlanChange
from app.commissions.plans.service import PLAN_KIND, changed
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome
from app.runtime import Runtime
from app.usecases.entities import update
from app.usecases.items import Unread


async def update_commission_plans(
    runtime: Runtime, ctx: Ctx, changes: Sequence[PlanChange | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each change, in the order given. A change that changes nothing is REPLAYED."""
    return await update(runtime, ctx, PLAN_KIND, changes, apply=partial(changed, ctx), idempotency_key=idempotency_key)
