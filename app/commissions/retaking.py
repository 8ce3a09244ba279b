"""Takes back all that a credit earned, because its order is judged otherwise; and what a new credit of an old order
gives back for what was refunded before; and what a credit that stays gets, now that the order's whole is split anew.
Each amount at the date of what it belongs to. Pure but for one query.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from app.commissions.accrue import Amount, Place, Revenue, Share, added, reversal, reversal_by_line
from app.commissions.accrue import Refunded as RefundedLine
from app.commissions.earnings import Earnings, amended, earnings_of
from app.commissions.service import NewCommission
from app.commissions.standing import Taking
from app.core.context import Ctx
from app.core.ids import new_id
from app.core.words import CommissionKind, CommissionState
from app.db.session import ReadSession

REASON = "The order was judged again."


@dataclass(frozen=True, slots=True)
class Reversed:
    """What reversals of one refund took from a credit, negative. refund_id: None where an edit moved it."""

    refund_id: UUID | None
    occurred_at: datetime
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Refunded:
    """What one refund took back of an order's revenue lines."""

    refund_id: UUID
    occurred_at: datetime
    lines: tuple[Revenue, ...]


@dataclass(frozen=True, slots=True)
class Sold:
    """An order as far as commissions depend on it. basis: its gross revenue. refunds: in the order of their time.

    amounts: of its revenue lines as they are now. refunded: what has come back of them.
    """

    id: UUID
    occurred_at: datetime
    currency: str
    basis: int
    amounts: Mapping[Place, int]
    refunds: Sequence[Refunded]
    refunded: Sequence[Revenue]


async def reversals_of(ctx: Ctx, session: ReadSession, credit_ids: Collection[UUID]) -> dict[UUID, list[Reversed]]:
    """What reversals took from these credits, by credit."""
    rows = await session.fetch(
        """/* commissions.reversals */
        SELECT commissions.credit_id, commissions.refund_id, commissions.occurred_at, line.position, line.product_id,
          sum(line.amount_minor)::bigint AS amount_minor,
          CASE WHEN bool_and(line.amount_base_minor IS NOT NULL)
            THEN sum(line.amount_base_minor)::bigint END AS amount_base_minor
        FROM credits
        JOIN commissions ON commissions.tenant_id = $1 AND commissions.order_id = credits.order_id
          AND commissions.credit_id = credits.id AND commissions.kind = 'REVERSAL'
        JOIN commission_lines AS line ON line.tenant_id = $1 AND line.commission_id = commissions.id
        WHERE credits.tenant_id = $1 AND credits.id = ANY($2::uuid[])
        GROUP BY commissions.credit_id, commissions.refund_id, commissions.occurred_at, line.position, line.product_id
        ORDER BY commissions.credit_id, commissions.occurred_at, commissions.refund_id, line.position""",
        ctx.tenant_id,
        list(credit_ids),
    )
    shares: dict[tuple[UUID, UUID | None, datetime], list[Share]] = defaultdict(list)
    for row in rows:
        share = Share((row["position"], row["product_id"]), row["amount_minor"], row["amount_base_minor"])
        shares[row["credit_id"], row["refund_id"], row["occurred_at"]].append(share)
    found: dict[UUID, list[Reversed]] = defaultdict(list)
    for (credit_id, refund_id, occurred_at), of_refund in shares.items():
        found[credit_id].append(Reversed(refund_id, occurred_at, tuple(of_refund)))
    return found


async def refunds_of(ctx: Ctx, session: ReadSession, order_ids: Collection[UUID]) -> dict[UUID, list[Refunded]]:
    """What was taken back of the orders' revenue lines, by order, in the order of time."""
    rows = await session.fetch(
        """/* commissions.refunds */
        SELECT order_id, refund_id, occurred_at, position, product_id, amount_minor, amount_base_minor
        FROM refund_lines
        WHERE tenant_id = $1 AND order_id = ANY($2::uuid[]) AND kind IN ('ITEM', 'DISCOUNT')
        ORDER BY order_id, occurred_at, refund_id, position""",
        ctx.tenant_id,
        list(order_ids),
    )
    lines: dict[tuple[UUID, UUID, datetime], list[Revenue]] = defaultdict(list)
    for row in rows:
        line = Revenue((row["position"], row["product_id"]), row["amount_minor"], row["amount_base_minor"])
        lines[row["order_id"], row["refund_id"], row["occurred_at"]].append(line)
    found: dict[UUID, list[Refunded]] = defaultdict(list)
    for (order_id, refund_id, occurred_at), of_refund in lines.items():
        found[order_id].append(Refunded(refund_id, occurred_at, tuple(of_refund)))
    return found


def taken_back(order: Sold, earnings: Earnings, reversals: Sequence[Reversed]) -> list[NewCommission]:
    """Rows that leave nothing of what a credit earned: of its earnings at the order's date, of each reversal at its."""
    rows = []
    standing = earnings.standing
    earned = earnings.earned
    shares = _shares(earned.shares or {})
    if earned.amount or earned.base or shares:
        back = Amount(order.basis, -earned.amount, _minus(earned.base), shares)
        # What was taken back already is given back below: one makes up for the other.
        takings = standing.take_all(extra=earnings.reversed.amount)
        rows.append(_reversal(order, earnings, back, None, order.occurred_at, takings))
    for each in reversals:
        base = [share.base for share in each.shares]
        amount = Amount(
            order.basis,
            -sum(share.amount for share in each.shares),
            None if None in base else -sum(value for value in base if value is not None),
            tuple(Share(share.place, -share.amount, _minus(share.base)) for share in each.shares),
        )
        takings = standing.give_extra(amount.amount)
        rows.append(_reversal(order, earnings, amount, each.refund_id, each.occurred_at, takings))
    return rows


def given_back(order: Sold, accrual: NewCommission) -> list[NewCommission]:
    """What is taken back at once of what a new credit earns, for refunds that came before: at each refund's date."""
    earnings = earnings_of(accrual)
    rows: list[NewCommission] = []
    so_far: dict[Place, Revenue] = {}
    for refund in order.refunds:
        for line in refund.lines:
            before = so_far.get(line.place)
            so_far[line.place] = line if before is None else _sum(before, line)
        rows += _reversed(order, earnings, list(so_far.values()), refund.refund_id, refund.occurred_at)
    # What edits left of it, if they touched what had been refunded: at the order's date, as edits do.
    return rows + _reversed(order, earnings, order.refunded, None, order.occurred_at)


def parted_anew(order: Sold, earnings: Earnings, amount: Amount) -> list[NewCommission]:
    """Rows that make this amount of what a credit that stays has earned: at the order's date, as edits do.

    Nothing, mostly: a unit may move where another credit of the order earns more or less than the one before it.
    """
    row = amended(earnings, amount, order_id=order.id, currency=order.currency, occurred_at=order.occurred_at)
    if row is None:
        return []
    return [replace(row, reason=REASON), *_reversed(order, earnings, order.refunded, None, order.occurred_at)]


def _reversed(
    order: Sold, earnings: Earnings, refunded: Sequence[Revenue], refund_id: UUID | None, at: datetime
) -> list[NewCommission]:
    if earnings.terms.plan_version_id is None:
        amount = reversal(order.basis, refunded, earned_so_far=earnings.earned, reversed_so_far=earnings.reversed)
    else:
        back = {line.place: line.amount for line in refunded}
        lines = [RefundedLine(place, whole, back.get(place, 0)) for place, whole in order.amounts.items()]
        amount = reversal_by_line(lines, earned_so_far=earnings.earned, reversed_so_far=earnings.reversed)
    if amount.is_empty:
        return []
    earnings.reversed = added(earnings.reversed, amount)
    return [_reversal(order, earnings, amount, refund_id, at, earnings.standing.take(amount.amount))]


def _reversal(
    order: Sold, earnings: Earnings, amount: Amount, refund_id: UUID | None, at: datetime, takings: tuple[Taking, ...]
) -> NewCommission:
    return NewCommission(
        id=new_id(),
        kind=CommissionKind.REVERSAL,
        terms=earnings.terms,
        order_id=order.id,
        refund_id=refund_id,
        currency=order.currency,
        amount=amount,
        occurred_at=at,
        reason=REASON,
        takings=takings,
    )


async def rejected_of(ctx: Ctx, session: ReadSession, order_ids: Collection[UUID]) -> set[tuple[UUID, UUID]]:
    """Orders and influencers whose commission was rejected: another judgement does not earn it by itself."""
    rows = await session.fetch(
        """/* commissions.rejected */
        SELECT DISTINCT order_id, influencer_id
        FROM commissions
        WHERE tenant_id = $1 AND order_id = ANY($2::uuid[]) AND kind = 'REJECTION'""",
        ctx.tenant_id,
        list(order_ids),
    )
    return {(row["order_id"], row["influencer_id"]) for row in rows}


HELD = CommissionState.HELD
HELD_REASON = "What the influencer earned by the order before was rejected."


def _shares(shares: Mapping[Place, tuple[int, int | None]]) -> tuple[Share, ...]:
    return tuple(Share(place, -amount, _minus(base)) for place, (amount, base) in shares.items() if amount or base)


def _sum(one: Revenue, other: Revenue) -> Revenue:
    base = None if one.base is None or other.base is None else one.base + other.base
    return Revenue(one.place, one.amount + other.amount, base)


def _minus(value: int | None) -> int | None:
    return None if value is None else -value
