"""Corrections of commissions by hand: posted at once, or proposed and decided by another key. Writes and locks rows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.commissions.accrue import Amount, Share
from app.commissions.service import NewCommission, Terms
from app.core.context import Ctx
from app.core.ids import new_id, plain
from app.core.words import AdjustmentState, CommissionKind, CommissionState
from app.db.session import WriteSession
from app.ledger.invoices import lock_influencers

LATELY = timedelta(hours=24)
"""Within which corrections of one influencer are added up and held against the limit: a large one in parts is large."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A row of commission_adjustments. amount: minor units."""

    id: UUID
    external_id: str
    influencer_id: UUID
    campaign_id: UUID | None
    order_id: UUID | None
    currency: str
    amount: int
    reason: str
    occurred_at: datetime
    state: AdjustmentState
    proposed_by: UUID
    decided_by: UUID | None = None
    decision_reason: str | None = None
    commission_id: UUID | None = None

    def content(self) -> tuple[Any, ...]:
        """What makes two of one external id the same; the time only where the caller gave one."""
        return (self.influencer_id, self.campaign_id, self.order_id, self.currency, self.amount, self.reason)

    def posted(self, base: int | None) -> tuple["Correction", NewCommission]:
        """It as a commission, approved from the start, and the row that says so. base: in the tenant's currency."""
        row = NewCommission(
            id=new_id(),
            kind=CommissionKind.ADJUSTMENT,
            terms=Terms(None, self.influencer_id, self.campaign_id, None, 0, None),
            order_id=self.order_id,
            refund_id=None,
            currency=self.currency,
            amount=Amount(0, self.amount, base, (Share((0, None), self.amount, base),)),
            occurred_at=self.occurred_at,
            starts_as=CommissionState.APPROVED,
            reason=self.reason,
        )
        return replace(self, state=AdjustmentState.POSTED, commission_id=row.id), row


async def known(ctx: Ctx, session: WriteSession, external_ids: Collection[str]) -> dict[str, Correction]:
    """Those that are known, by external id."""
    return {
        row["external_id"]: _correction(row)
        for row in await session.fetch(
            """/* commission_adjustments.known */
            SELECT *
            FROM commission_adjustments
            WHERE tenant_id = $1 AND external_id = ANY($2::text[])""",
            ctx.tenant_id,
            list(external_ids),
        )
    }


async def lock(ctx: Ctx, session: WriteSession, ids: Collection[UUID]) -> dict[UUID, Correction]:
    """Those with these ids, locked in order of id until the end of the transaction."""
    return {
        plain(row["id"]): _correction(row)
        for row in await session.fetch(
            """/* commission_adjustments.lock */
            SELECT *
            FROM commission_adjustments
            WHERE tenant_id = $1 AND id = ANY($2::uuid[])
            ORDER BY id
            FOR NO KEY UPDATE""",
            ctx.tenant_id,
            list(ids),
        )
    }


async def posted_lately(ctx: Ctx, session: WriteSession, influencer_ids: Collection[UUID]) -> dict[UUID, int]:
    """What was posted for each influencer by one key alone within LATELY: minor units of the tenant's currency, each
    amount without its sign. Nobody else posts for them until the end of the transaction."""
    await lock_influencers(ctx, session, influencer_ids)
    rows = await session.fetch(
        """/* commission_adjustments.posted_lately */
        SELECT item.influencer_id, sum(abs(posted.amount_base_minor))::bigint AS amount_minor
        FROM commission_adjustments AS item
        JOIN commissions AS posted ON posted.tenant_id = $1 AND posted.id = item.commission_id
        WHERE item.tenant_id = $1 AND item.influencer_id = ANY($2::uuid[]) AND item.created_at > $3
          AND item.state = 'POSTED' AND item.decided_by IS NULL
        GROUP BY item.influencer_id""",
        ctx.tenant_id,
        list(influencer_ids),
        ctx.now - LATELY,
    )
    return {plain(row["influencer_id"]): row["amount_minor"] or 0 for row in rows}


async def insert(ctx: Ctx, session: WriteSession, rows: Sequence[Correction]) -> None:
    """Insert corrections. One that another transaction entered meanwhile is a conflict: all is run again."""
    if not rows:
        return
    await session.insert_new(
        len(rows),
        """/* commission_adjustments.insert */
        INSERT INTO commission_adjustments (tenant_id, id, external_id, influencer_id, campaign_id, order_id, currency,
          amount_minor, reason, occurred_at, state, proposed_by, commission_id, created_at)
        SELECT $1, new.*, $2
        FROM unnest($3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::bigint[], $10::text[],
            $11::timestamptz[], $12::text[], $13::uuid[], $14::uuid[])
          AS new (id, external_id, influencer_id, campaign_id, order_id, currency, amount_minor, reason, occurred_at,
            state, proposed_by, commission_id)
        ON CONFLICT (tenant_id, external_id) DO NOTHING""",
        ctx.tenant_id,
        ctx.now,
        [row.id for row in rows],
        [row.external_id for row in rows],
        [row.influencer_id for row in rows],
        [row.campaign_id for row in rows],
        [row.order_id for row in rows],
        [row.currency for row in rows],
        [row.amount for row in rows],
        [row.reason for row in rows],
        [row.occurred_at for row in rows],
        [row.state for row in rows],
        [row.proposed_by for row in rows],
        [row.commission_id for row in rows],
    )


async def decide(ctx: Ctx, session: WriteSession, rows: Sequence[Correction]) -> None:
    """Write what was decided of proposed corrections."""
    if not rows:
        return
    await session.execute(
        """/* commission_adjustments.decide */
        UPDATE commission_adjustments
        SET state = decided.state, decided_by = $2, decided_at = $3, decision_reason = decided.reason,
          commission_id = decided.commission_id
        FROM unnest($4::uuid[], $5::text[], $6::text[], $7::uuid[]) AS decided (id, state, reason, commission_id)
        WHERE commission_adjustments.tenant_id = $1 AND commission_adjustments.id = decided.id""",
        ctx.tenant_id,
        ctx.principal.key_id,
        ctx.now,
        [row.id for row in rows],
        [row.state for row in rows],
        [row.decision_reason for row in rows],
        [row.commission_id for row in rows],
    )


async def order_times(ctx: Ctx, session: WriteSession, order_ids: Collection[UUID]) -> Mapping[UUID, datetime]:
    """When these orders happened; those that the tenant has."""
    rows = await session.fetch(
        """/* commission_adjustments.order_times */
        SELECT id, occurred_at
        FROM orders
        WHERE tenant_id = $1 AND id = ANY($2::uuid[])""",
        ctx.tenant_id,
        list(order_ids),
    )
    return {plain(row["id"]): row["occurred_at"] for row in rows}


def _correction(row: Any) -> Correction:
    return Correction(
        id=plain(row["id"]),
        external_id=row["external_id"],
        influencer_id=plain(row["influencer_id"]),
        campaign_id=None if row["campaign_id"] is None else plain(row["campaign_id"]),
        order_id=None if row["order_id"] is None else plain(row["order_id"]),
        currency=row["currency"],
        amount=row["amount_minor"],
        reason=row["reason"],
        occurred_at=row["occurred_at"],
        state=AdjustmentState(row["state"]),
        proposed_by=plain(row["proposed_by"]),
        decided_by=None if row["decided_by"] is None else plain(row["decided_by"]),
        decision_reason=row["decision_reason"],
        commission_id=None if row["commission_id"] is None else plain(row["commission_id"]),
    )
