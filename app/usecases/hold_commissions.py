"""Holds commissions back. One transaction."""

from app.commissions.approval import Earned
from app.commissions.inputs import CommissionMove
from app.commissions.states import Move, Passages
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome
from app.core.words import CommissionState
from app.runtime import Runtime
from app.usecases.moving_commissions import Items, move_by_hand


async def hold_commissions(
    runtime: Runtime, ctx: Ctx, items: Items, *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each: PENDING or APPROVED becomes HELD. Each needs a reason."""
    return await move_by_hand(runtime, ctx, items, "holdCommissions", _hold, idempotency_key, needs_reason=True)


def _hold(passages: Passages, _: Earned, item: CommissionMove) -> bool:
    return passages.enter(Move(item.id, CommissionState.HELD, item.reason))
