"""Writes adjustments: credit notes whose order cannot be known."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.core.context import Ctx
from app.db.sent import SentRows
from app.db.session import WriteSession
from app.orders.checks import CheckedAdjustment


@dataclass(frozen=True, slots=True)
class NewAdjustment:
    """An adjustment about to be recorded. base: in the tenant's currency, if a rate is known."""

    id: UUID
    checked: CheckedAdjustment
    product_id: UUID | None
    customer_id: UUID | None
    base: int | None


ADJUSTMENTS = SentRows("adjustments")


async def insert_adjustments(ctx: Ctx, session: WriteSession, adjustments: Sequence[NewAdjustment]) -> None:
    """Insert adjustments, in one statement. One that another transaction inserted meanwhile has this one run again."""
    if not adjustments:
        return
    # In order of the ids: two batches with the same ones wait for each other instead of blocking each other.
    rows = sorted(adjustments, key=lambda row: row.checked.external_id)
    await session.insert_new(
        len(rows),
        """/* adjustments.insert */
        INSERT INTO adjustments (tenant_id, id, external_id, occurred_at, recorded_at, product_id, customer_id, country,
          quantity, currency, amount_minor, amount_base_minor, reason, content_hash)
        SELECT $1, new.id, new.external_id, new.occurred_at, $2, new.product_id, new.customer_id, new.country,
          new.quantity, new.currency, new.amount_minor, new.amount_base_minor, new.reason, new.content_hash
        FROM unnest($3::uuid[], $4::text[], $5::timestamptz[], $6::uuid[], $7::uuid[], $8::text[], $9::bigint[],
            $10::text[], $11::bigint[], $12::bigint[], $13::text[], $14::bytea[])
          AS new (id, external_id, occurred_at, product_id, customer_id, country, quantity, currency, amount_minor,
            amount_base_minor, reason, content_hash)
        ON CONFLICT (tenant_id, external_id) DO NOTHING""",
        ctx.tenant_id,
        ctx.now,
        [row.id for row in rows],
        [row.checked.external_id for row in rows],
        [row.checked.occurred_at for row in rows],
        [row.product_id for row in rows],
        [row.customer_id for row in rows],
        [row.checked.country for row in rows],
        [row.checked.quantity for row in rows],
        [row.checked.currency for row in rows],
        [row.checked.amount for row in rows],
        [row.base for row in rows],
        [row.checked.reason for row in rows],
        [row.checked.content_hash for row in rows],
    )
