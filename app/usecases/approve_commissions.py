"""Approves commissions by hand, before they are due. One transaction."""

from app.commissions.approval import Earned
from app.commissions.inputs import CommissionMove
from app.commissions.states import Move, Passages, Row
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome
from app.core.words import CommissionState
from app.errors import DomainError
from app.runtime import Runtime
from app.usecases.moving_commissions import Items, move_by_hand


async def approve_commissions(
    runtime: Runtime, ctx: Ctx, items: Items, *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each: PENDING or HELD becomes APPROVED, before its hold period has ended too.

    Refused where the order lacks what the terms ask for, or nothing is left of the commission.
    """
    return await move_by_hand(runtime, ctx, items, "approveCommissions", _approve, idempotency_key)


def _approve(passages: Passages, earned: Earned, item: CommissionMove) -> bool:
    row = passages.named(item.id)
    if row.state in (CommissionState.PENDING, CommissionState.HELD):
        earned.check(row)
        _check_left(passages, row)
    elif row.state is CommissionState.PAID:
        # Its way back is a payment's that came back.
        raise DomainError("WRONG_STATE", "The commission is PAID and cannot become APPROVED by hand.", path=("id",))
    return passages.enter(Move(item.id, CommissionState.APPROVED, item.reason))


def _check_left(passages: Passages, row: Row) -> None:
    if passages.net(row) == 0:
        raise DomainError("WRONG_STATE", "Nothing is left of the commission.", path=("id",))
