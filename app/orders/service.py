"""Writes orders, their versions, lines and events: set-wise, facts only ever appended."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import new_ids
from app.core.words import OrderEventKind
from app.db.parts import in_parts
from app.db.session import WriteSession
from app.orders.lines import CheckedOrder
from app.orders.open_lines import OpenLine


class NewOrder(NamedTuple):
    """An order about to be recorded: as checked, with what was looked up for it. lines: all open."""

    id: UUID
    checked: CheckedOrder
    customer_id: UUID | None
    lines: Sequence[OpenLine]


def row_of(ctx: Ctx, order: NewOrder) -> dict[str, Any]:
    """The order as lists of orders show it, once it is inserted: by column of `orders`."""
    checked = order.checked
    return {
        "tenant_id": ctx.tenant_id,
        "id": order.id,
        "external_id": checked.external_id,
        "occurred_at": checked.occurred_at,
        "recorded_at": ctx.now,
        "version": 1,
        "currency": checked.currency,
        "customer_id": order.customer_id,
        "visitor_id": checked.visitor_id,
        "click_id": checked.click_id,
        "codes": list(checked.codes),
        "country": checked.country,
        "is_test": checked.is_test,
        "total_minor": checked.total,
        "gross_minor": checked.gross,
    }


class LineRow(NamedTuple):
    """A row of order_lines that an edit appends."""

    order_id: UUID
    version: int
    line: OpenLine
    is_reversal: bool
    currency: str
    occurred_at: datetime


class VersionRow(NamedTuple):
    """A row of order_versions."""

    order_id: UUID
    version: int
    content_hash: bytes
    total: int
    gross: int


class EventRow(NamedTuple):
    """A row of order_events. external_id and reason: the store's, or None for what happened by itself."""

    id: UUID
    order_id: UUID
    kind: OrderEventKind
    occurred_at: datetime
    external_id: str | None = None
    reason: str | None = None


async def insert_orders(ctx: Ctx, session: WriteSession, orders: Sequence[NewOrder]) -> None:
    """Insert orders with their first version and lines, in three statements.

    The caller holds the claims, and looked once it did: none of them exists.
    """
    if not orders:
        return
    await session.later(
        """/* orders.insert */
        INSERT INTO orders (tenant_id, id, external_id, occurred_at, recorded_at, version, total_minor, gross_minor,
          currency, customer_id, visitor_id, click_id, codes, country, is_test)
        SELECT $1, new.id, new.external_id, new.occurred_at, $2, 1, new.total_minor, new.gross_minor, new.currency,
          new.customer_id, new.visitor_id, new.click_id, string_to_array(new.codes, E'\\x1f'), new.country, new.is_test
        FROM unnest($3::uuid[], $4::text[], $5::timestamptz[], $6::text[], $7::uuid[], $8::text[], $9::text[],
            $10::text[], $11::text[], $12::boolean[], $13::bigint[], $14::bigint[])
          AS new (id, external_id, occurred_at, currency, customer_id, visitor_id, click_id, codes, country,
            is_test, total_minor, gross_minor)""",
        ctx.tenant_id,
        ctx.now,
        [order.id for order in orders],
        [order.checked.external_id for order in orders],
        [order.checked.occurred_at for order in orders],
        [order.checked.currency for order in orders],
        [order.customer_id for order in orders],
        [order.checked.visitor_id for order in orders],
        [order.checked.click_id for order in orders],
        # Arrays of arrays cannot be unnested by row: joined by a separator that no code contains.
        ["\x1f".join(order.checked.codes) for order in orders],
        [order.checked.country for order in orders],
        [order.checked.is_test for order in orders],
        [order.checked.total for order in orders],
        [order.checked.gross for order in orders],
    )
    firsts = [
        VersionRow(order.id, 1, order.checked.content_hash, order.checked.total, order.checked.gross)
        for order in orders
    ]
    await _insert_versions(ctx, session, firsts)
    await _insert_first_lines(ctx, session, orders)


async def _insert_versions(ctx: Ctx, session: WriteSession, versions: Sequence[VersionRow]) -> None:
    await session.later(
        """/* orders.insert_versions */
        INSERT INTO order_versions (tenant_id, order_id, version, content_hash, total_minor, gross_minor, recorded_at)
        SELECT $1, new.order_id, new.version, new.content_hash, new.total_minor, new.gross_minor, $2
        FROM unnest($3::uuid[], $4::integer[], $5::bytea[], $6::bigint[], $7::bigint[])
          AS new (order_id, version, content_hash, total_minor, gross_minor)""",
        ctx.tenant_id,
        ctx.now,
        [row.order_id for row in versions],
        [row.version for row in versions],
        [row.content_hash for row in versions],
        [row.total for row in versions],
        [row.gross for row in versions],
    )


async def _insert_first_lines(ctx: Ctx, session: WriteSession, orders: Sequence[NewOrder]) -> None:
    # The hottest statement of all. What lines share with their order is sent once per order and joined here.
    lines = [(number, line) for number, order in enumerate(orders, start=1) for line in order.lines]
    for part in in_parts(lines):
        await session.later(
            """/* orders.insert_first_lines */
            INSERT INTO order_lines (tenant_id, id, order_id, version, position, external_id, kind, product_id, title,
              quantity, currency, amount_minor, amount_base_minor, is_reversal, occurred_at, recorded_at)
            SELECT $1, line.id, placed.id, 1, line.position, line.external_id, line.kind, line.product_id, line.title,
              line.quantity, placed.currency, line.amount_minor, line.amount_base_minor, false, placed.occurred_at, $2
            FROM unnest($3::integer[], $4::uuid[], $5::integer[], $6::text[], $7::text[], $8::uuid[], $9::text[],
                $10::bigint[], $11::bigint[], $12::bigint[])
              AS line (number, id, position, external_id, kind, product_id, title, quantity, amount_minor,
                amount_base_minor)
            JOIN unnest($13::uuid[], $14::text[], $15::timestamptz[]) WITH ORDINALITY
              AS placed (id, currency, occurred_at, number)
              ON placed.number = line.number""",
            ctx.tenant_id,
            ctx.now,
            [number for number, _ in part],
            new_ids(len(part)),
            [line.position for _, line in part],
            [line.external_id for _, line in part],
            [line.kind for _, line in part],
            [line.product_id for _, line in part],
            [line.title for _, line in part],
            [line.quantity for _, line in part],
            [line.amount for _, line in part],
            [line.base for _, line in part],
            [order.id for order in orders],
            [order.checked.currency for order in orders],
            [order.checked.occurred_at for order in orders],
        )


async def append_versions(
    ctx: Ctx, session: WriteSession, versions: Sequence[VersionRow], lines: Sequence[LineRow]
) -> None:
    """Append edited versions and their lines, and point the orders at the newest. The orders are locked."""
    if not versions:
        return
    await _insert_versions(ctx, session, versions)
    signs = [-1 if row.is_reversal else 1 for row in lines]
    await session.later(
        """/* orders.append_lines */
        INSERT INTO order_lines (tenant_id, id, order_id, version, position, external_id, kind, product_id, title,
          quantity, currency, amount_minor, amount_base_minor, is_reversal, occurred_at, recorded_at)
        SELECT $1, line.id, line.order_id, line.version, line.position, line.external_id, line.kind, line.product_id,
          line.title, line.quantity, line.currency, line.amount_minor, line.amount_base_minor, line.is_reversal,
          line.occurred_at, $2
        FROM unnest($3::uuid[], $4::uuid[], $5::integer[], $6::integer[], $7::text[], $8::text[], $9::uuid[],
            $10::text[], $11::bigint[], $12::text[], $13::bigint[], $14::bigint[], $15::boolean[], $16::timestamptz[])
          AS line (id, order_id, version, position, external_id, kind, product_id, title, quantity, currency,
            amount_minor, amount_base_minor, is_reversal, occurred_at)""",
        ctx.tenant_id,
        ctx.now,
        new_ids(len(lines)),
        [row.order_id for row in lines],
        [row.version for row in lines],
        [row.line.position for row in lines],
        [row.line.external_id for row in lines],
        [row.line.kind for row in lines],
        [row.line.product_id for row in lines],
        [row.line.title for row in lines],
        [sign * row.line.quantity for sign, row in zip(signs, lines, strict=True)],
        [row.currency for row in lines],
        [sign * row.line.amount for sign, row in zip(signs, lines, strict=True)],
        [None if row.line.base is None else sign * row.line.base for sign, row in zip(signs, lines, strict=True)],
        [row.is_reversal for row in lines],
        [row.occurred_at for row in lines],
    )
    newest = {row.order_id: row for row in versions}
    await session.execute(
        """/* orders.set_version */
        UPDATE orders
        SET version = newest.version, total_minor = newest.total_minor, gross_minor = newest.gross_minor
        FROM unnest($2::uuid[], $3::integer[], $4::bigint[], $5::bigint[])
          AS newest (order_id, version, total_minor, gross_minor)
        WHERE orders.tenant_id = $1 AND orders.id = newest.order_id""",
        ctx.tenant_id,
        list(newest),
        [row.version for row in newest.values()],
        [row.total for row in newest.values()],
        [row.gross for row in newest.values()],
    )


async def append_events(ctx: Ctx, session: WriteSession, events: Sequence[EventRow]) -> None:
    """Append events, in one statement. The orders are locked or new."""
    if not events:
        return
    await session.later(
        """/* orders.append_events */
        INSERT INTO order_events (tenant_id, id, order_id, external_id, kind, reason, occurred_at, recorded_at)
        SELECT $1, event.id, event.order_id, event.external_id, event.kind, event.reason, event.occurred_at, $2
        FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::timestamptz[])
          AS event (id, order_id, external_id, kind, reason, occurred_at)""",
        ctx.tenant_id,
        ctx.now,
        [event.id for event in events],
        [event.order_id for event in events],
        [event.external_id for event in events],
        [event.kind for event in events],
        [event.reason for event in events],
        [event.occurred_at for event in events],
    )


async def known_events(
    ctx: Ctx, session: WriteSession, order_ids: Sequence[UUID]
) -> Mapping[tuple[UUID, str], EventRow]:
    """Events that the store sent of these orders, by order and the store's id."""
    rows = await session.fetch(
        """/* orders.known_events */
        SELECT id, order_id, external_id, kind, reason, occurred_at
        FROM order_events
        WHERE tenant_id = $1 AND order_id = ANY($2::uuid[]) AND external_id IS NOT NULL""",
        ctx.tenant_id,
        order_ids,
    )
    return {
        (row["order_id"], row["external_id"]): EventRow(
            row["id"],
            row["order_id"],
            OrderEventKind(row["kind"]),
            row["occurred_at"],
            row["external_id"],
            row["reason"],
        )
        for row in rows
    }
