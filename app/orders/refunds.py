"""Writes refunds and their lines; finds those that wait for an order."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import new_ids
from app.core.words import RefundKind, RefundState
from app.db.looks import Look
from app.db.parts import in_parts
from app.db.session import WriteSession
from app.orders.checks import refund_from_json
from app.orders.inputs import RefundInput
from app.orders.open_lines import Taken


@dataclass(frozen=True, slots=True)
class KnownRefund:
    """A refund as it is stored. amount: taken back so far, in minor units of currency; None while it waits."""

    id: UUID
    external_id: str
    content_hash: bytes
    state: RefundState
    order_id: UUID | None
    reject_code: str | None
    amount: int | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class RefundRow:
    """A refund to be inserted: APPLIED to its order, or WAITING for it (order_id None)."""

    id: UUID
    external_id: str
    order_external_id: str
    order_id: UUID | None
    kind: RefundKind
    reason: str | None
    occurred_at: datetime
    content_hash: bytes
    request: dict[str, Any]


class RefundLineRow(NamedTuple):
    """What an applied refund takes back of one line."""

    refund_id: UUID
    order_id: UUID
    taken: Taken
    currency: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class WaitingRefund:
    """A refund whose order has come."""

    id: UUID
    refund: RefundInput


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a waiting refund. reject_code: None when it was applied."""

    refund_id: UUID
    order_id: UUID
    reject_code: str | None


async def known_refunds(ctx: Ctx, session: WriteSession, external_ids: Collection[str]) -> dict[str, KnownRefund]:
    """Those of the refunds that exist, by external id."""
    rows = await session.fetch(
        """/* refunds.known */
        SELECT refunds.id, refunds.external_id, refunds.content_hash, refunds.state, refunds.order_id,
          refunds.reject_code, sum(line.amount_minor)::bigint AS amount_minor, min(line.currency) AS currency
        FROM refunds
        LEFT JOIN refund_lines AS line
          ON line.tenant_id = $1 AND line.refund_id = refunds.id
        WHERE refunds.tenant_id = $1 AND refunds.external_id = ANY($2::text[])
        GROUP BY refunds.tenant_id, refunds.id""",
        ctx.tenant_id,
        list(external_ids),
    )
    return {
        row["external_id"]: KnownRefund(
            id=row["id"],
            external_id=row["external_id"],
            content_hash=row["content_hash"],
            state=RefundState(row["state"]),
            order_id=row["order_id"],
            reject_code=row["reject_code"],
            amount=row["amount_minor"],
            currency=row["currency"],
        )
        for row in rows
    }


async def insert_refunds(
    ctx: Ctx, session: WriteSession, refunds: Sequence[RefundRow], lines: Sequence[RefundLineRow]
) -> None:
    """Insert refunds and their lines. lines may also belong to refunds that waited.

    A refund id that another transaction took meanwhile, for another order, has this one run again.
    """
    if refunds:
        ordered = sorted(refunds, key=lambda row: row.external_id)
        await session.insert_new(
            len(ordered),
            """/* refunds.insert */
            INSERT INTO refunds (tenant_id, id, external_id, order_external_id, order_id, kind, state, reason,
              occurred_at, recorded_at, settled_at, content_hash, request)
            SELECT $1, new.id, new.external_id, new.order_external_id, new.order_id, new.kind,
              CASE WHEN new.order_id IS NULL THEN 'WAITING' ELSE 'APPLIED' END, new.reason,
              new.occurred_at, $2::timestamptz, CASE WHEN new.order_id IS NOT NULL THEN $2::timestamptz END,
              new.content_hash, new.request
            FROM unnest($3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::text[], $9::timestamptz[],
                $10::bytea[], $11::jsonb[])
              AS new (id, external_id, order_external_id, order_id, kind, reason, occurred_at, content_hash, request)
            ON CONFLICT (tenant_id, external_id) DO NOTHING""",
            ctx.tenant_id,
            ctx.now,
            [row.id for row in ordered],
            [row.external_id for row in ordered],
            [row.order_external_id for row in ordered],
            [row.order_id for row in ordered],
            [row.kind for row in ordered],
            [row.reason for row in ordered],
            [row.occurred_at for row in ordered],
            [row.content_hash for row in ordered],
            [row.request for row in ordered],
        )
    for part in in_parts(lines):
        await session.execute(
            """/* refunds.insert_lines */
            INSERT INTO refund_lines (tenant_id, id, refund_id, order_id, position, kind, product_id, quantity,
              currency, amount_minor, amount_base_minor, occurred_at, recorded_at)
            SELECT $1, line.id, line.refund_id, line.order_id, line.position, line.kind, line.product_id,
              line.quantity, line.currency, line.amount_minor, line.amount_base_minor, line.occurred_at, $2
            FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::integer[], $7::text[], $8::uuid[], $9::bigint[],
                $10::text[], $11::bigint[], $12::bigint[], $13::timestamptz[])
              AS line (id, refund_id, order_id, position, kind, product_id, quantity, currency, amount_minor,
                amount_base_minor, occurred_at)""",
            ctx.tenant_id,
            ctx.now,
            new_ids(len(part)),
            [row.refund_id for row in part],
            [row.order_id for row in part],
            [row.taken.position for row in part],
            [row.taken.kind for row in part],
            [row.taken.product_id for row in part],
            [row.taken.quantity for row in part],
            [row.currency for row in part],
            [row.taken.amount for row in part],
            [row.taken.base for row in part],
            [row.occurred_at for row in part],
        )


def look_for_waiting(order_external_ids: Collection[str]) -> Look[set[str]]:
    """Those of these orders, whose claims are held, for which a refund waits."""
    return Look(
        """/* refunds.waited_for */
        SELECT order_external_id
        FROM refunds
        WHERE tenant_id = $1 AND state = 'WAITING' AND order_external_id = ANY($2::text[])""",
        ("order_external_id",),
        lambda rows: {external_id for (external_id,) in rows},
        list(order_external_ids),
    )


async def waiting_refunds(ctx: Ctx, session: WriteSession, order_external_ids: Collection[str]) -> list[WaitingRefund]:
    """The refunds that wait for one of these orders, in order of their time; locked."""
    rows = await session.fetch(
        """/* refunds.waiting */
        SELECT id, external_id, order_external_id, kind, reason, occurred_at, request
        FROM refunds
        WHERE tenant_id = $1 AND state = 'WAITING' AND order_external_id = ANY($2::text[])
        ORDER BY occurred_at, id
        FOR NO KEY UPDATE""",
        ctx.tenant_id,
        list(order_external_ids),
    )
    return [WaitingRefund(row["id"], refund_from_json(row)) for row in rows]


async def refunded_at(ctx: Ctx, session: WriteSession, order_ids: Collection[UUID]) -> list[datetime]:
    """When the refunds of these orders happened."""
    rows = await session.fetch(
        """/* refunds.refunded_at */
        SELECT DISTINCT occurred_at
        FROM refunds
        WHERE tenant_id = $1 AND order_id = ANY($2::uuid[]) AND state = 'APPLIED'""",
        ctx.tenant_id,
        list(order_ids),
    )
    return [row["occurred_at"] for row in rows]


async def settle(ctx: Ctx, session: WriteSession, settled: Sequence[Settled]) -> None:
    """Move waiting refunds to APPLIED, or to REJECTED with a code."""
    if not settled:
        return
    await session.execute(
        """/* refunds.settle */
        UPDATE refunds
        SET state = CASE WHEN settled.reject_code IS NULL THEN 'APPLIED' ELSE 'REJECTED' END,
          order_id = settled.order_id, settled_at = $2, reject_code = settled.reject_code
        FROM unnest($3::uuid[], $4::uuid[], $5::text[]) AS settled (id, order_id, reject_code)
        WHERE refunds.tenant_id = $1 AND refunds.id = settled.id""",
        ctx.tenant_id,
        ctx.now,
        [row.refund_id for row in settled],
        [row.order_id for row in settled],
        [row.reject_code for row in settled],
    )
