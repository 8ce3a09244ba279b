"""Releases commissions that were held. One transaction."""

from app.commissions.approval import Earned
from app.commissions.inputs import CommissionMove
from app.commissions.states import Move, Passages
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome
from app.core.words import CommissionState
from app.errors import DomainError
from app.runtime import Runtime
from app.usecases.moving_commissions import Items, move_by_hand


async def release_commissions(
    runtime: Runtime, ctx: Ctx, items: Items, *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each: HELD becomes PENDING again, and is approved as any other."""
    return await move_by_hand(runtime, ctx, items, "releaseCommissions", _release, idempotency_key)


def _release(passages: Passages, _: Earned, item: CommissionMove) -> bool:
    row = passages.named(item.id)
    if row.state is not CommissionState.HELD and row.state is not CommissionState.PENDING:
        raise DomainError("WRONG_STATE", f"The commission is {row.state.value}, not HELD.", path=("id",))
    return passages.enter(Move(item.id, CommissionState.PENDING, item.reason))
