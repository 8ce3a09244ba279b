"""What a credit has earned and given back so far, and where it stands: read under locks, kept up through a batch."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.commissions.accrue import Amount, Balance, Place, Share, added, difference
from app.commissions.clawbacks import Clawed, clawed_back
from app.commissions.service import NewCommission, Terms
from app.commissions.standing import Part, Standing
from app.core.context import Ctx
from app.core.ids import new_id, plain
from app.core.pauses import Pauses
from app.core.words import CommissionKind, CommissionState
from app.db.parts import READ_MAX, in_parts
from app.db.session import ReadSession, WriteSession


@dataclass(slots=True)
class Earnings:
    """A credit's terms, the sums of its commissions, and where they stand; kept up as a batch is applied."""

    terms: Terms
    earned: Balance = field(default_factory=Balance)
    reversed: Balance = field(default_factory=Balance)
    standing: Standing = field(default_factory=Standing)


def earnings_of(accrual: NewCommission) -> Earnings:
    """The earnings of a credit that has only just accrued."""
    earnings = Earnings(accrual.terms, earned=added(Balance(), accrual.amount))
    earnings.standing.enter(accrual.id, accrual.state, accrual.amount.amount)
    return earnings


def amended(
    earnings: Earnings, amount: Amount, *, order_id: UUID, currency: str, occurred_at: datetime
) -> NewCommission | None:
    """The row that makes this amount of what a credit has earned, its earnings with it; None where nothing moves."""
    moved = difference(amount, earnings.earned)
    if moved.is_empty:
        return None
    earnings.earned = added(earnings.earned, moved)
    row = NewCommission(
        id=new_id(),
        kind=CommissionKind.EDIT,
        terms=earnings.terms,
        order_id=order_id,
        refund_id=None,
        currency=currency,
        amount=moved,
        occurred_at=occurred_at,
        starts_as=earnings.standing.state,
    )
    earnings.standing.enter(row.id, row.state, moved.amount)
    return row


class OfCredit(Protocol):
    """A commission: of which credit and order it is."""

    credit_id: UUID | None
    order_id: UUID | None


async def load_earnings(ctx: Ctx, session: WriteSession, order_ids: Collection[UUID]) -> dict[UUID, list[Earnings]]:
    """What the credits of these orders have earned and given back so far, by order; without those that were rejected.

    The orders are locked. What they earned is locked here, so that no state moves before this transaction's end.
    """
    ids = list(order_ids)
    await session.execute(
        """/* commissions.lock_of_orders */
        SELECT id
        FROM commissions
        WHERE tenant_id = $1 AND order_id = ANY($2::uuid[]) AND kind NOT IN ('REVERSAL', 'REJECTION')
        ORDER BY id
        FOR NO KEY UPDATE""",
        ctx.tenant_id,
        ids,
    )
    rows = await session.fetch(
        """/* commissions.balances */
        SELECT commissions.order_id, commissions.credit_id, commissions.influencer_id, commissions.campaign_id,
          commissions.code, credits.weight_booked,
          (array_agg(commissions.rate ORDER BY commissions.id DESC))[1] AS rate,
          (array_agg(commissions.plan_version_id ORDER BY commissions.id DESC))[1] AS plan_version_id,
          commissions.kind IN ('REVERSAL', 'REJECTION') AS is_reversal,
          bool_or(commissions.kind = 'REJECTION') AS is_rejected,
          array_agg(commissions.id ORDER BY commissions.id) AS ids,
          array_agg(commissions.state ORDER BY commissions.id) AS states,
          array_agg(commissions.taken_minor ORDER BY commissions.id) AS taken,
          array_agg(commissions.amount_minor ORDER BY commissions.id) AS amounts,
          sum(commissions.amount_minor)::bigint AS amount_minor,
          CASE WHEN bool_and(commissions.amount_base_minor IS NOT NULL)
            THEN sum(commissions.amount_base_minor)::bigint END AS amount_base_minor
        FROM commissions
        JOIN credits ON credits.tenant_id = $1 AND credits.order_id = commissions.order_id
          AND coalesce(credits.continues_id, credits.id) = commissions.credit_id AND credits.superseded_at = 'infinity'
        WHERE commissions.tenant_id = $1 AND commissions.order_id = ANY($2::uuid[])
          AND commissions.kind IN ('ACCRUAL', 'EDIT', 'REVERSAL', 'REJECTION')
        GROUP BY commissions.order_id, commissions.credit_id, commissions.influencer_id, commissions.campaign_id,
          commissions.code, credits.weight_booked, credits.position, is_reversal
        ORDER BY commissions.order_id, credits.position, is_reversal""",
        ctx.tenant_id,
        ids,
    )
    if not rows:
        return {}
    shares = await _shares(ctx, session, ids)
    clawed = await clawed_back(ctx, session, ids) if any("PAID" in row["states"] for row in rows) else Clawed()
    found: dict[UUID, dict[UUID, Earnings]] = {}
    for row in rows:
        credit_id = row["credit_id"]
        of_order = found.setdefault(row["order_id"], {})
        if credit_id not in of_order:
            # Every reversal follows an accrual, which names the rate.
            assert not row["is_reversal"]
            of_order[credit_id] = Earnings(
                Terms(
                    credit_id=credit_id,
                    influencer_id=row["influencer_id"],
                    campaign_id=row["campaign_id"],
                    code=row["code"],
                    weight=row["weight_booked"],
                    rate=row["rate"],
                    plan_version_id=row["plan_version_id"],
                ),
                standing=clawed.standing(
                    credit_id,
                    [
                        Part(plain(id), CommissionState(state), amount - taken, taken)
                        for id, state, amount, taken in zip(
                            row["ids"], row["states"], row["amounts"], row["taken"], strict=True
                        )
                    ],
                ),
            )
        if row["is_rejected"]:
            del of_order[credit_id]
            continue
        key = credit_id, row["is_reversal"]
        balance = Balance(row["amount_minor"], row["amount_base_minor"], shares.get(key, {}))
        if row["is_reversal"]:
            of_order[credit_id].reversed = balance
        else:
            of_order[credit_id].earned = balance
    return {order_id: list(of_order.values()) for order_id, of_order in found.items()}


async def load_booked(ctx: Ctx, session: ReadSession, order_ids: Collection[UUID]) -> dict[UUID, dict[UUID, Terms]]:
    """The newest terms of these orders' credits that earned, by order and credit, the oldest credit first.

    Those whose commission was rejected are among them.
    """
    rows = await session.fetch(
        """/* commissions.booked_terms */
        SELECT commissions.order_id, commissions.credit_id, commissions.influencer_id, commissions.campaign_id,
          commissions.code, credits.weight_booked,
          (array_agg(commissions.rate ORDER BY commissions.id DESC))[1] AS rate,
          (array_agg(commissions.plan_version_id ORDER BY commissions.id DESC))[1] AS plan_version_id
        FROM commissions
        JOIN credits ON credits.tenant_id = $1 AND credits.order_id = commissions.order_id
          AND coalesce(credits.continues_id, credits.id) = commissions.credit_id AND credits.superseded_at = 'infinity'
        WHERE commissions.tenant_id = $1 AND commissions.order_id = ANY($2::uuid[])
          AND commissions.kind IN ('ACCRUAL', 'EDIT')
        GROUP BY commissions.order_id, commissions.credit_id, commissions.influencer_id, commissions.campaign_id,
          commissions.code, credits.weight_booked, credits.position
        ORDER BY commissions.order_id, credits.position""",
        ctx.tenant_id,
        list(order_ids),
    )
    found: dict[UUID, dict[UUID, Terms]] = {}
    for order_id, credit_id, influencer_id, campaign_id, code, weight, rate, plan_version_id in rows:
        terms = Terms(credit_id, influencer_id, campaign_id, code, weight, rate, plan_version_id)
        found.setdefault(order_id, {})[credit_id] = terms
    return found


async def _shares(
    ctx: Ctx, session: ReadSession, order_ids: list[UUID]
) -> dict[tuple[UUID, bool], dict[Place, tuple[int, int | None]]]:
    rows = await session.fetch(
        """/* commissions.balances_by_line */
        SELECT commissions.credit_id, commissions.kind = 'REVERSAL' AS is_reversal, line.position, line.product_id,
          sum(line.amount_minor)::bigint AS amount_minor,
          CASE WHEN bool_and(line.amount_base_minor IS NOT NULL)
            THEN sum(line.amount_base_minor)::bigint END AS amount_base_minor
        FROM commissions
        JOIN commission_lines AS line ON line.tenant_id = $1 AND line.commission_id = commissions.id
        WHERE commissions.tenant_id = $1 AND commissions.order_id = ANY($2::uuid[])
          AND commissions.kind IN ('ACCRUAL', 'EDIT', 'REVERSAL')
        GROUP BY commissions.credit_id, is_reversal, line.position, line.product_id""",
        ctx.tenant_id,
        order_ids,
    )
    found: dict[tuple[UUID, bool], dict[Place, tuple[int, int | None]]] = {}
    pauses = Pauses()
    for part in in_parts(rows, READ_MAX):
        for credit_id, is_reversal, position, product_id, amount, base in part:
            found.setdefault((credit_id, is_reversal), {})[position, product_id] = amount, base
        await pauses.take()
    return found


async def shares_left(ctx: Ctx, session: ReadSession, rows: Collection[OfCredit]) -> dict[UUID, list[Share]]:
    """What is left of the credits of these commissions by order line, after what was taken back; no empty lines."""
    credits = {row.credit_id for row in rows if row.credit_id is not None}
    found = await session.fetch(
        """/* commissions.left_by_line */
        SELECT commissions.credit_id, line.position, line.product_id, sum(line.amount_minor)::bigint AS amount_minor,
          CASE WHEN bool_and(line.amount_base_minor IS NOT NULL)
            THEN sum(line.amount_base_minor)::bigint END AS amount_base_minor
        FROM commissions
        JOIN commission_lines AS line ON line.tenant_id = $1 AND line.commission_id = commissions.id
        WHERE commissions.tenant_id = $1 AND commissions.order_id = ANY($2::uuid[])
          AND commissions.credit_id = ANY($3::uuid[])
        GROUP BY commissions.credit_id, line.position, line.product_id
        HAVING sum(line.amount_minor) <> 0 OR sum(line.amount_base_minor) <> 0
        ORDER BY commissions.credit_id, line.position, line.product_id""",
        ctx.tenant_id,
        list({row.order_id for row in rows if row.order_id is not None}),
        list(credits),
    )
    shares: dict[UUID, list[Share]] = {}
    for credit_id, position, product_id, amount, base in found:
        shares.setdefault(credit_id, []).append(Share((position, product_id), amount, base))
    return shares
