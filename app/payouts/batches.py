"""Payout batches as they are written and read back. A batch is locked before its items."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import plain
from app.core.payout_words import PayoutBatchState, PayoutItemState, PayoutProviderName
from app.db.session import ReadSession, WriteSession
from app.payouts.machine import FINAL


@dataclass(frozen=True, slots=True)
class Batch:
    """A row of payout_batches."""

    id: UUID
    provider: PayoutProviderName
    currency: str
    state: PayoutBatchState
    note: str | None
    made_by: UUID | None
    approved_by: UUID | None = None
    approved_at: datetime | None = None
    finished_at: datetime | None = None


async def insert_batch(ctx: Ctx, session: WriteSession, batch: Batch) -> None:
    """Insert a batch; its items are inserted after it."""
    await session.execute(
        """/* payout_batches.insert */
        INSERT INTO payout_batches (tenant_id, id, provider, currency, state, note, made_by, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)""",
        ctx.tenant_id,
        batch.id,
        batch.provider,
        batch.currency,
        batch.state,
        batch.note,
        batch.made_by,
        ctx.now,
    )


async def lock_batches(ctx: Ctx, session: WriteSession, ids: Collection[UUID]) -> dict[UUID, Batch]:
    """Those of the batches that exist, locked in id order until the end of the transaction."""
    rows = await session.fetch(
        """/* payout_batches.lock */
        SELECT id, provider, currency, state, note, made_by, approved_by, approved_at, finished_at
        FROM payout_batches
        WHERE tenant_id = $1 AND id = ANY($2::uuid[])
        ORDER BY id
        FOR NO KEY UPDATE""",
        ctx.tenant_id,
        list(ids),
    )
    return {batch.id: batch for batch in map(_batch, rows)}


async def waiting_providers(
    ctx: Ctx, session: ReadSession, providers: Collection[PayoutProviderName]
) -> list[PayoutProviderName]:
    """Those of the providers that have items which are to be looked at now."""
    rows = await session.fetch(
        """/* payout_batches.waiting */
        SELECT DISTINCT batch.provider
        FROM payout_items AS item
        JOIN payout_batches AS batch ON batch.tenant_id = $1 AND batch.id = item.batch_id
        WHERE item.tenant_id = $1 AND item.next_at <= $2 AND batch.provider = ANY($3::text[])
        ORDER BY batch.provider""",
        ctx.tenant_id,
        ctx.now,
        sorted(providers),
    )
    return [PayoutProviderName(row["provider"]) for row in rows]


async def lock_next_batch(ctx: Ctx, session: WriteSession, provider: PayoutProviderName) -> UUID | None:
    """A batch of the provider with an item that is to be looked at now, locked; None when there is none, or others are
    at it."""
    row = await session.fetchrow(
        """/* payout_batches.lock_next */
        SELECT batch.id
        FROM payout_batches AS batch
        WHERE batch.tenant_id = $1 AND batch.provider = $3 AND EXISTS (
          SELECT 1
          FROM payout_items AS item
          WHERE item.tenant_id = $1 AND item.batch_id = batch.id AND item.next_at <= $2
        )
        ORDER BY batch.id
        LIMIT 1
        FOR NO KEY UPDATE OF batch SKIP LOCKED""",
        ctx.tenant_id,
        ctx.now,
        provider,
    )
    return None if row is None else plain(row["id"])


async def update_batches(ctx: Ctx, session: WriteSession, batches: Sequence[Batch]) -> None:
    """Write what may change of locked batches."""
    if not batches:
        return
    await session.execute(
        """/* payout_batches.update */
        UPDATE payout_batches
        SET state = new.state, approved_by = new.approved_by, approved_at = new.approved_at,
          finished_at = new.finished_at, updated_at = $2
        FROM unnest($3::uuid[], $4::text[], $5::uuid[], $6::timestamptz[], $7::timestamptz[])
          AS new (id, state, approved_by, approved_at, finished_at)
        WHERE payout_batches.tenant_id = $1 AND payout_batches.id = new.id""",
        ctx.tenant_id,
        ctx.now,
        [batch.id for batch in batches],
        [batch.state for batch in batches],
        [batch.approved_by for batch in batches],
        [batch.approved_at for batch in batches],
        [batch.finished_at for batch in batches],
    )


async def states_of(
    ctx: Ctx, session: ReadSession, batch_ids: Collection[UUID]
) -> dict[UUID, dict[PayoutItemState, int]]:
    """How many items of each batch are in which state."""
    rows = await session.fetch(
        """/* payout_items.states */
        SELECT batch_id, state, count(*) AS items
        FROM payout_items
        WHERE tenant_id = $1 AND batch_id = ANY($2::uuid[])
        GROUP BY batch_id, state""",
        ctx.tenant_id,
        list(batch_ids),
    )
    found: dict[UUID, dict[PayoutItemState, int]] = {}
    for row in rows:
        found.setdefault(row["batch_id"], {})[PayoutItemState(row["state"])] = row["items"]
    return found


def state_of(old: PayoutBatchState, items: Mapping[PayoutItemState, int]) -> PayoutBatchState:
    """The state of a batch with items in these states."""
    states = {state for state, count in items.items() if count}
    if states <= {PayoutItemState.CANCELLED}:
        return PayoutBatchState.CANCELLED
    if old is PayoutBatchState.DRAFT or states <= {PayoutItemState.RESERVED, PayoutItemState.CANCELLED}:
        return old
    if not states <= FINAL:
        return PayoutBatchState.EXECUTING
    is_done = not states & {PayoutItemState.FAILED, PayoutItemState.RETURNED}
    return PayoutBatchState.DONE if is_done else PayoutBatchState.PARTLY_FAILED


def _batch(row: Any) -> Batch:
    return Batch(
        id=plain(row["id"]),
        provider=PayoutProviderName(row["provider"]),
        currency=row["currency"],
        state=PayoutBatchState(row["state"]),
        note=row["note"],
        made_by=row["made_by"],
        approved_by=row["approved_by"],
        approved_at=row["approved_at"],
        finished_at=row["finished_at"],
    )
