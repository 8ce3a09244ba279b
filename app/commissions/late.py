"""Commissions that had no rate when they were booked, converted once there is one, at their order's.

Each line by what it has earned, or given back, so far, so that what came back whole is worth what was earned; a
commission is the sum of its lines.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.analytics.rollups.deltas import Contribution
from app.commissions.service import in_state
from app.core.context import Ctx
from app.core.ids import plain
from app.core.words import TAKING_BACK_KINDS, CommissionKind, CommissionState
from app.db.session import WriteSession

Convert = Callable[[int, str, datetime], int | None]
"""Minor units of the tenant's currency for an amount, its currency and the time whose rate counts; None without one."""


@dataclass(frozen=True, slots=True)
class LateCommission:
    """A commission that is not converted, locked. rated_at: whose day's rate counts, its order's where it has one."""

    id: UUID
    kind: CommissionKind
    state: CommissionState
    credit_id: UUID | None
    influencer_id: UUID
    campaign_id: UUID | None
    currency: str
    occurred_at: datetime
    rated_at: datetime

    @property
    def takes_back(self) -> bool:
        """Whether it takes back what was earned."""
        return self.kind in TAKING_BACK_KINDS


async def lock_late(
    ctx: Ctx, session: WriteSession, *, order_ids: Collection[UUID] | None, after: UUID, limit: int
) -> list[LateCommission]:
    """Commissions that are not converted, in order of id: of these orders, which are locked; or of none at all."""
    rows = await session.fetch(
        """/* late.commissions */
        SELECT item.id, item.kind, item.state, item.credit_id, item.influencer_id, item.campaign_id, item.currency,
          item.occurred_at, coalesce(ordered.occurred_at, item.occurred_at) AS rated_at
        FROM commissions AS item
        LEFT JOIN orders AS ordered ON ordered.tenant_id = $1 AND ordered.id = item.order_id
        WHERE item.tenant_id = $1 AND item.amount_base_minor IS NULL AND item.id > $3
          AND CASE WHEN $2::uuid[] IS NULL THEN item.order_id IS NULL ELSE item.order_id = ANY($2::uuid[]) END
        ORDER BY item.id
        LIMIT $4
        FOR NO KEY UPDATE OF item""",
        ctx.tenant_id,
        None if order_ids is None else list(order_ids),
        after,
        limit,
    )
    return [
        LateCommission(
            id=plain(row["id"]),
            kind=CommissionKind(row["kind"]),
            state=CommissionState(row["state"]),
            credit_id=row["credit_id"],
            influencer_id=row["influencer_id"],
            campaign_id=row["campaign_id"],
            currency=row["currency"],
            occurred_at=row["occurred_at"],
            rated_at=row["rated_at"],
        )
        for row in rows
    ]


async def convert(
    ctx: Ctx, session: WriteSession, commissions: Collection[LateCommission], rate: Convert
) -> list[Contribution]:
    """Convert the commissions and their lines, and what that adds to the rollups. All have a rate."""
    if not commissions:
        return []
    late = {row.id: row for row in commissions}
    credits = {row.credit_id for row in commissions if row.credit_id is not None}
    lines = await session.fetch(
        """/* late.commission_lines */
        SELECT line.id, line.commission_id, line.position, line.product_id, line.amount_minor,
          coalesce(whole.credit_id, whole.id) AS chain, whole.kind IN ('REVERSAL', 'REJECTION') AS takes_back
        FROM commissions AS whole
        JOIN commission_lines AS line ON line.tenant_id = $1 AND line.commission_id = whole.id
        WHERE whole.tenant_id = $1 AND (
          whole.id = ANY($2::uuid[])
          OR (whole.credit_id = ANY($3::uuid[]) AND whole.order_id IN (
            SELECT named.order_id FROM commissions AS named WHERE named.tenant_id = $1 AND named.id = ANY($2::uuid[])
          ))
        )
        ORDER BY whole.recorded_at, whole.id, line.position, line.id""",
        ctx.tenant_id,
        list(late),
        list(credits),
    )
    sums: dict[tuple[UUID, int, UUID | None, bool], int] = {}
    bases: dict[UUID, int] = {}
    totals = dict.fromkeys(late, 0)
    for line in lines:
        key = line["chain"], line["position"], line["product_id"], line["takes_back"]
        before = sums.get(key, 0)
        sums[key] = before + line["amount_minor"]
        row = late.get(line["commission_id"])
        if row is None:
            continue
        after_base, before_base = (rate(amount, row.currency, row.rated_at) for amount in (sums[key], before))
        assert after_base is not None
        assert before_base is not None
        bases[line["id"]] = after_base - before_base
        totals[row.id] += after_base - before_base
    await session.execute(
        """/* late.write_commission_lines */
        UPDATE commission_lines
        SET amount_base_minor = known.base
        FROM unnest($2::uuid[], $3::bigint[]) AS known (id, base)
        WHERE commission_lines.tenant_id = $1 AND commission_lines.id = known.id""",
        ctx.tenant_id,
        list(bases),
        list(bases.values()),
    )
    await session.execute(
        """/* late.write_commissions */
        UPDATE commissions
        SET amount_base_minor = known.base, updated_at = $2
        FROM unnest($3::uuid[], $4::bigint[]) AS known (id, base)
        WHERE commissions.tenant_id = $1 AND commissions.id = known.id""",
        ctx.tenant_id,
        ctx.now,
        list(totals),
        list(totals.values()),
    )
    return [
        Contribution(
            occurred_at=row.occurred_at,
            campaign_id=row.campaign_id,
            influencer_id=row.influencer_id,
            missing_rates=-1,
            **in_state(row.state, -totals[row.id] if row.takes_back else totals[row.id]),
        )
        for row in commissions
    ]
