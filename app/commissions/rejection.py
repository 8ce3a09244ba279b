"""Rejects commissions: what is left of one is taken back for good, and nothing of its order earns for it any more."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from app import outbox
from app.commissions.accrue import Amount, Share
from app.commissions.inputs import CommissionMove
from app.commissions.service import NewCommission, Terms
from app.commissions.states import Passages, Row
from app.core.ids import new_id
from app.core.words import CommissionKind, CommissionState
from app.errors import DomainError

REJECTABLE = frozenset({CommissionState.PENDING, CommissionState.HELD, CommissionState.APPROVED})


def reject(
    passages: Passages, item: CommissionMove, parts: Mapping[UUID, Sequence[Share]], *, at: datetime
) -> NewCommission | None:
    """The row that takes back what is left of the commission, entered among the locked ones; None when it was rejected.

    parts: what is left of each credit by line. Raises UNKNOWN_COMMISSION, WRONG_STATE, or NOT_SUPPORTED for
    adjustments and bonuses.
    """
    row = passages.named(item.id)
    if row.credit_id is None or row.order_id is None:
        raise DomainError(
            "NOT_SUPPORTED", "Adjustments and bonuses are not rejected. Adjust by the opposite amount.", path=("id",)
        )
    if passages.is_rejected(row):
        return None
    of_credit = passages.of_credit[row.credit_id]
    if row.state not in REJECTABLE or any(each.state is CommissionState.PAID for each in of_credit):
        raise DomainError("WRONG_STATE", f"The commission is {row.state.value} and cannot be rejected.", path=("id",))
    net = passages.net(row)
    bases = [each.base for each in of_credit]
    base = None if None in bases else -sum(each for each in bases if each is not None)
    rejection = NewCommission(
        id=new_id(),
        kind=CommissionKind.REJECTION,
        terms=Terms(row.credit_id, row.influencer_id, row.campaign_id, row.code, 0, None),
        order_id=row.order_id,
        refund_id=None,
        currency=row.currency,
        amount=Amount(
            basis=0,
            amount=-net,
            base=base,
            shares=tuple(
                Share(part.place, -part.amount, None if part.base is None else -part.base)
                for part in parts.get(row.credit_id, ())
            ),
        ),
        occurred_at=at,
        reason=item.reason,
        takings=passages.take_all(row),
    )
    of_credit.append(_entered(row, rejection))
    passages.messages.append(
        outbox.Event(
            "commission.rejected",
            row.id,
            {
                "influencerId": str(row.influencer_id),
                "from": row.state.value,
                "amountMinor": net,
                "currency": row.currency,
            },
        )
    )
    return rejection


def _entered(row: Row, rejection: NewCommission) -> Row:
    return Row(
        id=rejection.id,
        kind=rejection.kind,
        state=rejection.state,
        was=rejection.state,
        credit_id=row.credit_id,
        order_id=row.order_id,
        influencer_id=row.influencer_id,
        campaign_id=row.campaign_id,
        code=row.code,
        currency=row.currency,
        amount=rejection.amount.amount,
        base=rejection.amount.base,
        occurred_at=rejection.occurred_at,
    )
