"""Rejects commissions: what is left of them is taken back for good. One transaction."""

from app.core.context import Ctx
from app.core.outcomes import ItemOutcome
from app.runtime import Runtime
from app.usecases.moving_commissions import Items, move_by_hand


async def reject_commissions(
    runtime: Runtime, ctx: Ctx, items: Items, *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each: what is left of it is taken back, for good. Each needs a reason; none may be paid."""
    return await move_by_hand(runtime, ctx, items, "rejectCommissions", None, idempotency_key, needs_reason=True)
