"""Which orders a write names are known, and their locks. Used by every write that comes after an order's recording."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.core.context import Ctx
from app.core.pauses import Pauses
from app.core.words import LineKind
from app.db.looks import Look, ask
from app.db.parts import READ_MAX, in_parts
from app.db.session import WriteSession
from app.errors import DomainError
from app.orders.open_lines import OpenLine

LINES_READ_MAX = 300_000
"""Lines of orders that one call locks: those of many more orders than are sent at a time, unless all are huge."""


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """An order as it was first recorded. content_hash: of its first version."""

    id: UUID
    external_id: str
    content_hash: bytes


@dataclass(slots=True)
class OrderState:
    """An order at its newest version, locked, with what is open. Changes as the items of one batch are applied.

    is_read: False when its lines are beyond LINES_READ_MAX; then it has none here.
    """

    id: UUID
    external_id: str
    occurred_at: datetime
    currency: str
    is_test: bool
    version: int
    total: int
    lines: list[OpenLine]
    last_position: int
    is_read: bool = True


def check_read(order: OrderState) -> None:
    """Raise BATCH_TOO_LARGE for an order whose lines were not read."""
    if not order.is_read:
        raise DomainError(
            "BATCH_TOO_LARGE",
            f"The orders of this call have more than {LINES_READ_MAX} lines. Send this item in a further call.",
            path=("orderExternalId",),
        )


def order_named(orders: Mapping[str, OrderState], external_id: str) -> OrderState:
    """The order that an item names. Raises UNKNOWN_ORDER, or BATCH_TOO_LARGE when its lines were not read."""
    order = orders.get(external_id)
    if order is None:
        raise DomainError(
            "UNKNOWN_ORDER", f"No order has the id {external_id!r}. Record it first.", path=("orderExternalId",)
        )
    check_read(order)
    return order


def look_for_orders(external_ids: Collection[str]) -> Look[dict[str, KnownOrder]]:
    """Those of the orders that exist, by external id."""
    # One by one: who believes that the tenant has few orders, as Postgres does until it looks through them, reads all.
    return Look(
        """/* orders.known */
        SELECT known.id, named.external_id, (
          SELECT content_hash FROM order_versions WHERE tenant_id = $1 AND order_id = known.id AND version = 1
        ) AS content_hash
        FROM unnest($2::text[]) AS named (external_id)
        CROSS JOIN LATERAL (
          SELECT id FROM orders WHERE tenant_id = $1 AND external_id = named.external_id LIMIT 1
        ) AS known""",
        ("id", "external_id", "content_hash"),
        lambda rows: {row[1]: KnownOrder(*row) for row in rows},
        list(external_ids),
    )


async def known_orders(ctx: Ctx, session: WriteSession, external_ids: Collection[str]) -> dict[str, KnownOrder]:
    """The same, of these alone."""
    known = look_for_orders(external_ids)
    await ask(ctx, session, known)
    return known.found


async def lock_orders(
    ctx: Ctx, session: WriteSession, external_ids: Collection[str], *, is_bounded: bool = True
) -> dict[str, OrderState]:
    """Those of the orders that exist, by external id, locked in id order until the end of the transaction.

    What is open is read after the locks are held: nobody can take it back at the same time. Orders whose lines would
    exceed LINES_READ_MAX come without them, unless the caller holds them anyway (is_bounded False).
    """
    if not external_ids:
        return {}
    rows = await session.fetch(
        """/* orders.lock */
        SELECT id, external_id, occurred_at, currency, is_test, version, total_minor
        FROM orders
        WHERE tenant_id = $1 AND external_id = ANY($2::text[])
        ORDER BY id
        FOR NO KEY UPDATE""",
        ctx.tenant_id,
        list(external_ids),
    )
    if not rows:
        return {}
    ids = [row["id"] for row in rows]
    lines, last_positions = await _open_lines(ctx, session, ids, LINES_READ_MAX if is_bounded else None)
    return {
        row["external_id"]: OrderState(
            id=row["id"],
            external_id=row["external_id"],
            occurred_at=row["occurred_at"],
            currency=row["currency"],
            is_test=row["is_test"],
            version=row["version"],
            total=row["total_minor"],
            lines=lines.get(row["id"], []),
            last_position=last_positions.get(row["id"], 0),
            is_read=row["id"] in lines,
        )
        for row in rows
    }


async def _open_lines(
    ctx: Ctx, session: WriteSession, order_ids: list[UUID], lines_max: int | None
) -> tuple[dict[UUID, list[OpenLine]], dict[UUID, int]]:
    # The newest row of a position is either the line as it is now or the reversal that ended it. What was refunded is
    # read apart: joined, every line met every sum, for the server expects few of either.
    rows = await session.fetch(
        """/* orders.open_lines */
        SELECT DISTINCT ON (order_id, position)
          order_id, position, kind, product_id, external_id, title, quantity, amount_minor, amount_base_minor,
          is_reversal
        FROM order_lines
        WHERE tenant_id = $1 AND order_id = ANY($2::uuid[])
        ORDER BY order_id, position, version DESC, is_reversal
        LIMIT $3""",
        ctx.tenant_id,
        order_ids,
        None if lines_max is None else lines_max + 1,
    )
    if lines_max is not None and len(rows) > lines_max:
        # The last order may have come in part: it and all after it are left for another call.
        last = rows[-1]["order_id"]
        order_ids = order_ids[: order_ids.index(last)]
        rows = [row for row in rows if row["order_id"] != last]
    sums = await session.fetch(
        """/* orders.refunded_lines */
        SELECT order_id, position, sum(quantity)::bigint AS quantity, sum(amount_minor)::bigint AS amount_minor,
          coalesce(sum(amount_base_minor), 0)::bigint AS amount_base_minor
        FROM refund_lines
        WHERE tenant_id = $1 AND order_id = ANY($2::uuid[])
        GROUP BY order_id, position""",
        ctx.tenant_id,
        order_ids,
    )
    pauses = Pauses()
    refunded: dict[tuple[UUID, int], tuple[int, int, int]] = {}
    for part in in_parts(sums, READ_MAX):
        refunded.update({(row[0], row[1]): (row[2], row[3], row[4]) for row in part})
        await pauses.take()
    lines: dict[UUID, list[OpenLine]] = {order_id: [] for order_id in order_ids}
    last_positions: dict[UUID, int] = {}
    for part in in_parts(rows, READ_MAX):
        for order_id, position, kind, *rest, is_reversal in part:
            last_positions[order_id] = position
            if not is_reversal:
                back = refunded.get((order_id, position), _NOTHING)
                lines[order_id].append(OpenLine._make((position, _KINDS[kind], *rest, *back)))
        await pauses.take()
    return lines, last_positions


_KINDS = {kind.value: kind for kind in LineKind}
_NOTHING = (0, 0, 0)
