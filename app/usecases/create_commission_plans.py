"""Creates commission plans with their first versions. One transaction."""

from collections.abc import Sequence
from functools import partial

from app.commissions.plans.inputs import PlanInput
from app.commissions.plans.service import PLAN_KIND, drafted
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome
from app.runtime import Runtime
from app.usecases.entities import create
from app.usecases.items import Unread


async def create_commission_plans(
    runtime: Runtime, ctx: Ctx, plans: Sequence[PlanInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each plan, in the order given. A known external id with the same first version is REPLAYED."""
    return await create(runtime, ctx, PLAN_KIND, plans, draft=partial(drafted, ctx), idempotency_key=idempotency_key)
