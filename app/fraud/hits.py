"""Hits of the rules of fraud: written, locked for review, and decided."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import new_ids, plain
from app.core.words import FraudHitState, FraudRule
from app.db.session import ReadSession, WriteSession
from app.fraud.suspicion import Found


@dataclass(frozen=True, slots=True)
class Hit:
    """A row of fraud_hits, as it is reviewed. reason: why it was decided so."""

    id: UUID
    rule: FraudRule
    commission_id: UUID
    order_id: UUID
    influencer_id: UUID
    state: FraudHitState
    reason: str | None = None


async def insert(ctx: Ctx, session: WriteSession, found: Sequence[Found]) -> list[Hit]:
    """Insert what was found, as open. Orders and commissions are written."""
    if not found:
        return []
    hits = [
        Hit(id, each.rule, each.suspect.commission_id, each.suspect.order_id, each.suspect.influencer_id, _OPEN)
        for id, each in zip(new_ids(len(found)), found, strict=True)
    ]
    await session.later(
        """/* fraud_hits.insert */
        INSERT INTO fraud_hits (tenant_id, id, rule, commission_id, order_id, influencer_id, evidence, state, found_at)
        SELECT $1, new.*, 'OPEN', $2
        FROM unnest($3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::uuid[], $8::jsonb[])
          AS new (id, rule, commission_id, order_id, influencer_id, evidence)""",
        ctx.tenant_id,
        ctx.now,
        [hit.id for hit in hits],
        [hit.rule for hit in hits],
        [hit.commission_id for hit in hits],
        [hit.order_id for hit in hits],
        [hit.influencer_id for hit in hits],
        [dict(each.evidence) for each in found],
    )
    return hits


_OPEN = FraudHitState.OPEN


async def lock(ctx: Ctx, session: WriteSession, ids: Collection[UUID]) -> dict[UUID, Hit]:
    """The hits with these ids and all others of their commissions, locked in order of id until the end."""
    rows = await session.fetch(
        """/* fraud_hits.lock */
        SELECT id, rule, commission_id, order_id, influencer_id, state, review_reason
        FROM fraud_hits
        WHERE tenant_id = $1 AND commission_id IN (
          SELECT named.commission_id FROM fraud_hits AS named WHERE named.tenant_id = $1 AND named.id = ANY($2::uuid[])
        )
        ORDER BY id
        FOR NO KEY UPDATE""",
        ctx.tenant_id,
        list(ids),
    )
    return {
        plain(row["id"]): Hit(
            id=plain(row["id"]),
            rule=FraudRule(row["rule"]),
            commission_id=plain(row["commission_id"]),
            order_id=plain(row["order_id"]),
            influencer_id=plain(row["influencer_id"]),
            state=FraudHitState(row["state"]),
            reason=row["review_reason"],
        )
        for row in rows
    }


async def decide(ctx: Ctx, session: WriteSession, hits: Sequence[Hit]) -> None:
    """Write what was decided of hits."""
    if not hits:
        return
    await session.execute(
        """/* fraud_hits.decide */
        UPDATE fraud_hits
        SET state = decided.state, reviewed_at = $2, reviewed_by = $3, review_reason = decided.reason
        FROM unnest($4::uuid[], $5::text[], $6::text[]) AS decided (id, state, reason)
        WHERE fraud_hits.tenant_id = $1 AND fraud_hits.id = decided.id""",
        ctx.tenant_id,
        ctx.now,
        ctx.principal.key_id,
        [hit.id for hit in hits],
        [hit.state for hit in hits],
        [hit.reason for hit in hits],
    )


async def to_be_reviewed(ctx: Ctx, session: ReadSession, commission_ids: Collection[UUID]) -> set[UUID]:
    """Those of the commissions that have an open hit."""
    rows = await session.fetch(
        """/* fraud_hits.open */
        SELECT DISTINCT commission_id
        FROM fraud_hits
        WHERE tenant_id = $1 AND commission_id = ANY($2::uuid[]) AND state = 'OPEN'""",
        ctx.tenant_id,
        list(commission_ids),
    )
    return {plain(row["commission_id"]) for row in rows}
