"""Amounts of orders, refunds and adjustments that had no rate when they came, converted once there is one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import plain
from app.core.words import REVENUE_KINDS, LineKind
from app.db.late import LateAmounts
from app.db.session import ReadSession, WriteSession
from app.orders.conversion import Rates

ROWS_MAX = 500
"""Orders, or facts beside them, that one transaction converts."""

LATE_ADJUSTMENTS = LateAmounts("adjustments")

_LINES, _REFUND_LINES = LateAmounts("order_lines"), LateAmounts("refund_lines")


@dataclass(frozen=True, slots=True)
class LateOrder:
    """An order of which something is not converted."""

    id: UUID
    currency: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Converted:
    """A line that was converted: of an order, or of a refund. occurred_at: the order's, or the refund's."""

    order_id: UUID
    occurred_at: datetime
    is_revenue: bool
    base: int


async def late_orders(session: ReadSession, *, after: UUID) -> list[LateOrder]:
    """The next orders of which lines, refunds or commissions are not converted, in order of id, at most ROWS_MAX."""
    rows = await session.fetch(
        """/* late.orders */
        SELECT orders.id, orders.currency, orders.occurred_at
        FROM orders
        WHERE orders.tenant_id = $1 AND orders.id > $2 AND orders.id IN (
          SELECT order_id FROM order_lines WHERE tenant_id = $1 AND amount_base_minor IS NULL
          UNION ALL
          SELECT order_id FROM refund_lines WHERE tenant_id = $1 AND amount_base_minor IS NULL
          UNION ALL
          SELECT order_id FROM commissions
          WHERE tenant_id = $1 AND amount_base_minor IS NULL AND order_id IS NOT NULL
        )
        ORDER BY orders.id
        LIMIT $3""",
        session.tenant_id,
        after,
        ROWS_MAX,
    )
    return [LateOrder(plain(row["id"]), row["currency"], row["occurred_at"]) for row in rows]


async def lock(ctx: Ctx, session: WriteSession, order_ids: Collection[UUID]) -> None:
    """Lock the orders in order of id: nobody edits them or takes back from them until the end of the transaction."""
    await session.execute(
        """/* late.lock */
        SELECT id FROM orders WHERE tenant_id = $1 AND id = ANY($2::uuid[]) ORDER BY id FOR NO KEY UPDATE""",
        ctx.tenant_id,
        list(order_ids),
    )


async def convert_lines(
    ctx: Ctx, session: WriteSession, rates: Rates, orders: Mapping[UUID, LateOrder]
) -> list[Converted]:
    """Convert the orders' lines."""
    rows = await session.fetch(
        """/* late.order_lines */
        SELECT id, order_id, kind, amount_minor, occurred_at
        FROM order_lines
        WHERE tenant_id = $1 AND order_id = ANY($2::uuid[]) AND amount_base_minor IS NULL
        ORDER BY order_id, id""",
        ctx.tenant_id,
        list(orders),
    )
    bases: dict[UUID, int] = {}
    found: list[Converted] = []
    for row in rows:
        order = orders[row["order_id"]]
        base = _base(rates, order, row["amount_minor"])
        bases[row["id"]] = base
        found.append(Converted(order.id, row["occurred_at"], LineKind(row["kind"]) in REVENUE_KINDS, base))
    await _LINES.write(session, bases)
    return found


async def convert_refunds(
    ctx: Ctx, session: WriteSession, rates: Rates, orders: Mapping[UUID, LateOrder]
) -> list[Converted]:
    """Convert what was taken back of the orders, at the orders' rate.

    By what has come back of a line so far, so that a line that came back whole gave back what it was worth.
    """
    rows = await session.fetch(
        """/* late.refund_lines */
        SELECT id, order_id, position, kind, amount_minor, amount_base_minor, occurred_at
        FROM refund_lines
        WHERE tenant_id = $1 AND order_id = ANY($2::uuid[])
        ORDER BY order_id, position, recorded_at, id""",
        ctx.tenant_id,
        list(orders),
    )
    sums: dict[tuple[UUID, int], int] = {}
    bases: dict[UUID, int] = {}
    found: list[Converted] = []
    for row in rows:
        order, key = orders[row["order_id"]], (row["order_id"], row["position"])
        before = sums.get(key, 0)
        sums[key] = before + row["amount_minor"]
        if row["amount_base_minor"] is None:
            base = _base(rates, order, sums[key]) - _base(rates, order, before)
            bases[row["id"]] = base
            found.append(Converted(order.id, row["occurred_at"], LineKind(row["kind"]) in REVENUE_KINDS, base))
    await _REFUND_LINES.write(session, bases)
    return found


async def late_keys(session: ReadSession, *, limit: int) -> list[tuple[str, datetime]]:
    """Currency and time of facts beside orders that are not converted: adjustments, spend and the like."""
    rows = await session.fetch(
        """/* late.keys */
        SELECT DISTINCT currency, occurred_at
        FROM (
          SELECT currency, occurred_at FROM adjustments WHERE tenant_id = $1 AND amount_base_minor IS NULL
          UNION ALL
          SELECT currency, occurred_at FROM spend WHERE tenant_id = $1 AND amount_base_minor IS NULL
          UNION ALL
          SELECT currency, occurred_at FROM payout_payments WHERE tenant_id = $1 AND amount_base_minor IS NULL
          UNION ALL
          SELECT currency, occurred_at
          FROM commissions
          WHERE tenant_id = $1 AND amount_base_minor IS NULL AND order_id IS NULL
        ) AS late
        LIMIT $2""",
        session.tenant_id,
        limit,
    )
    return [(row["currency"], row["occurred_at"]) for row in rows]


def _base(rates: Rates, order: LateOrder, amount: int) -> int:
    base = rates.convert_one(amount, order.currency, order.occurred_at)
    assert base is not None, "the order has a rate"
    return base
