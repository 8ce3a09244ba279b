"""Orders that nobody is credited for, and wait for a touch that may be told later than they were.

A touch that is recorded looks for them. One recorded at the very same time may not see the order yet, nor the order
the touch: for that the worker looks once more, when both must have been committed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.attribution.service import JudgedOrder
from app.attribution.touches import VISITORS_MAX
from app.core.context import Ctx
from app.db.session import ReadSession, WriteSession
from app.settings import Settings

DEADLINES = 2
"""Longest write deadlines after which the worker looks once more."""


# Indexes: awaited_touches_visitor, _click, _customer; instances_visitor, instances_customer; orders_visitor,
# orders_customer_occurred.
_WAITING = """FROM unnest($2::text[], $3::text[], $4::uuid[], $5::timestamptz[], $6::timestamptz[])
  AS asked (visitor_id, click_id, customer_id, first_at, until)
CROSS JOIN LATERAL (
  SELECT order_id, occurred_at FROM awaited_touches
  WHERE tenant_id = $1 AND visitor_id = asked.visitor_id
  UNION ALL
  SELECT order_id, occurred_at FROM awaited_touches
  WHERE tenant_id = $1 AND click_id = asked.click_id
  UNION ALL
  SELECT order_id, occurred_at FROM awaited_touches
  WHERE tenant_id = $1 AND customer_id = asked.customer_id
  UNION ALL
  SELECT theirs.order_id, theirs.occurred_at
  FROM (
    SELECT customer_id FROM instances
    WHERE tenant_id = $1 AND visitor_id = asked.visitor_id AND customer_id IS NOT NULL
      AND occurred_at BETWEEN asked.first_at - $7::interval AND asked.until
    UNION
    SELECT customer_id FROM orders
    WHERE tenant_id = $1 AND visitor_id = asked.visitor_id AND customer_id IS NOT NULL
      AND occurred_at BETWEEN asked.first_at - $7::interval AND asked.until
    LIMIT $8
  ) AS met
  JOIN awaited_touches AS theirs ON theirs.tenant_id = $1 AND theirs.customer_id = met.customer_id
  UNION ALL
  SELECT theirs.order_id, theirs.occurred_at
  FROM (
    SELECT visitor_id FROM instances
    WHERE tenant_id = $1 AND customer_id = asked.customer_id AND order_id IS NULL AND visitor_id IS NOT NULL
      AND occurred_at BETWEEN asked.first_at - $7::interval AND asked.until
    UNION
    SELECT visitor_id FROM orders
    WHERE tenant_id = $1 AND customer_id = asked.customer_id AND visitor_id IS NOT NULL
      AND occurred_at BETWEEN asked.first_at - $7::interval AND asked.until
    LIMIT $8
  ) AS met
  JOIN awaited_touches AS theirs ON theirs.tenant_id = $1 AND theirs.visitor_id = met.visitor_id
) AS waiting
WHERE waiting.occurred_at BETWEEN asked.first_at AND asked.until"""


@dataclass(frozen=True, slots=True)
class Mark:
    """What recorded instances have in common that an order may know them by, and when they happened."""

    visitor_id: str | None
    click_id: str | None
    customer_id: UUID | None
    first_at: datetime
    last_at: datetime


def look_at(settings: Settings, now: datetime) -> datetime:
    """When whatever is being recorded now is recorded, or has failed."""
    return now + DEADLINES * timedelta(seconds=settings.write_timeout_s)


async def await_touches(ctx: Ctx, session: WriteSession, orders: Sequence[JudgedOrder], *, look_at: datetime) -> None:
    """Let those of the orders wait that nobody is credited for and that a touch could be found by, in one statement."""
    waiting = [
        order
        for order in orders
        if order.verdict.winner is None
        and not order.is_test
        and (order.visitor_id is not None or order.click_id is not None or order.customer_id is not None)
    ]
    if not waiting:
        return
    await session.later(
        """/* attribution.await_touches */
        INSERT INTO awaited_touches
          (tenant_id, order_id, occurred_at, visitor_id, click_id, customer_id, recorded_at, look_at)
        SELECT $1, new.*, $2, $3
        FROM unnest($4::uuid[], $5::timestamptz[], $6::text[], $7::text[], $8::uuid[])
          AS new (order_id, occurred_at, visitor_id, click_id, customer_id)""",
        ctx.tenant_id,
        ctx.now,
        look_at,
        [order.order_id for order in waiting],
        [order.occurred_at for order in waiting],
        [order.visitor_id for order in waiting],
        [order.click_id for order in waiting],
        [order.customer_id for order in waiting],
    )


async def waiting_for(
    ctx: Ctx, session: ReadSession, marks: Sequence[Mark], *, lookback: timedelta, count: int
) -> list[UUID]:
    """Orders that may have waited for instances with these marks, at most `count`; found as judging finds touches."""
    if not marks:
        return []
    rows = await session.fetch(
        f"""/* attribution.waiting_for */
        SELECT DISTINCT waiting.order_id
        {_WAITING}
        LIMIT $9""",
        *_asked(ctx, marks, lookback),
        count,
    )
    return [row["order_id"] for row in rows]


async def look_again(
    ctx: Ctx, session: WriteSession, marks: Sequence[Mark], *, lookback: timedelta, look_at: datetime
) -> None:
    """Have the worker look, at that time, for the touches of all orders that may wait for such instances."""
    await session.execute(
        f"""/* attribution.look_again */
        UPDATE awaited_touches SET look_at = $9
        WHERE tenant_id = $1 AND order_id IN (
          SELECT waiting.order_id {_WAITING}
        )""",  # noqa: S608 - only texts of this file
        *_asked(ctx, marks, lookback),
        look_at,
    )


def _asked(ctx: Ctx, marks: Sequence[Mark], lookback: timedelta) -> tuple[Any, ...]:
    return (
        ctx.tenant_id,
        [mark.visitor_id for mark in marks],
        [mark.click_id for mark in marks],
        [mark.customer_id for mark in marks],
        [mark.first_at for mark in marks],
        [mark.last_at + lookback for mark in marks],
        lookback,
        VISITORS_MAX,
    )


async def still_waiting(ctx: Ctx, session: ReadSession, order_ids: Collection[UUID]) -> set[UUID]:
    """Those of the orders, which are locked, that still wait."""
    rows = await session.fetch(
        """/* attribution.still_waiting */
        SELECT order_id FROM awaited_touches WHERE tenant_id = $1 AND order_id = ANY($2::uuid[])""",
        ctx.tenant_id,
        list(order_ids),
    )
    return {row["order_id"] for row in rows}


async def end_waiting(ctx: Ctx, session: WriteSession, order_ids: Collection[UUID]) -> None:
    """Let the orders wait no longer: they were judged once more."""
    if order_ids:
        await session.execute(
            """/* attribution.end_waiting */
            DELETE FROM awaited_touches WHERE tenant_id = $1 AND order_id = ANY($2::uuid[])""",
            ctx.tenant_id,
            list(order_ids),
        )


async def take_up(ctx: Ctx, session: WriteSession, order_ids: Collection[UUID]) -> set[UUID]:
    """Those of the orders, which are locked, that still wait: the worker looks for their touches now, and not again.

    Before it reads any touch: who records one meanwhile has them looked at again after this transaction.
    """
    rows = await session.fetch(
        """/* attribution.take_up */
        UPDATE awaited_touches SET look_at = NULL
        WHERE tenant_id = $1 AND order_id = ANY($2::uuid[])
        RETURNING order_id""",
        ctx.tenant_id,
        list(order_ids),
    )
    return {row["order_id"] for row in rows}


async def due(ctx: Ctx, session: ReadSession, *, count: int) -> list[UUID]:
    """Orders whose touches are to be looked for by now, at most `count`, those due first."""
    rows = await session.fetch(
        """/* attribution.due_looks */
        SELECT order_id FROM awaited_touches
        WHERE tenant_id = $1 AND look_at <= $2
        ORDER BY look_at, order_id
        LIMIT $3""",
        ctx.tenant_id,
        ctx.now,
        count,
    )
    return [row["order_id"] for row in rows]


async def forget_waiting(session: WriteSession, *, before: datetime, count: int) -> int:
    """Number of orders, at most `count`, that waited since before a time and wait no longer."""
    tag = await session.execute(
        """/* attribution.forget_waiting */
        DELETE FROM awaited_touches
        WHERE tenant_id = $1 AND order_id = ANY(
          ARRAY(SELECT order_id FROM awaited_touches WHERE tenant_id = $1 AND recorded_at < $2 LIMIT $3)
        )""",
        session.tenant_id,
        before,
        count,
    )
    return int(tag.rsplit(" ", 1)[-1])
