"""What came before an order: its customer's orders, and those of them that are credited to an influencer."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.core.context import Ctx
from app.core.words import CustomerKind
from app.db.session import ReadSession, WriteSession


@dataclass(slots=True)
class History:
    """Kept up as orders are gone through in the order of recording.

    firsts: when each customer's first order was placed. credited: by influencer and customer, how many orders, and when
    the first was placed.
    """

    firsts: dict[UUID, datetime] = field(default_factory=dict)
    credited: dict[tuple[UUID, UUID], tuple[int, datetime]] = field(default_factory=dict)

    def kind(self, customer_id: UUID | None, at: datetime) -> CustomerKind | None:
        """NEW when no order of the customer that was recorded before was placed before."""
        if customer_id is None:
            return None
        first = self.firsts.get(customer_id)
        return CustomerKind.NEW if first is None or first >= at else CustomerKind.RETURNING

    def add(self, customer_id: UUID | None, at: datetime, influencers: Collection[UUID]) -> None:
        """Enter an order of the customer that is credited to these influencers."""
        if customer_id is None:
            return
        self.firsts[customer_id] = min(at, self.firsts.get(customer_id, at))
        for influencer_id in influencers:
            count, first = self.credited.get((influencer_id, customer_id), (0, at))
            self.credited[influencer_id, customer_id] = count + 1, min(at, first)


async def lock_customers(ctx: Ctx, session: WriteSession, customers: Collection[UUID]) -> None:
    """Wait until nobody else asks which order of these customers theirs is; in order of id."""
    if customers:
        await session.execute(
            """/* customers.lock_history */
            SELECT id
            FROM customers
            WHERE tenant_id = $1 AND id = ANY($2::uuid[])
            ORDER BY id
            FOR NO KEY UPDATE""",
            ctx.tenant_id,
            list(customers),
        )


async def load_history(
    ctx: Ctx,
    session: ReadSession,
    customers: Collection[UUID],
    influencers: Collection[UUID],
    *,
    but: Collection[UUID] = (),
) -> History:
    """What is known of these customers, orders in `but` left out."""
    history = History()
    if not customers:
        return history
    args = ctx.tenant_id, list(customers), list(but)
    rows = await session.fetch(
        """/* commission_plans.first_orders */
        SELECT customer_id, min(occurred_at) AS first_at
        FROM orders
        WHERE tenant_id = $1 AND customer_id = ANY($2::uuid[]) AND NOT is_test AND id <> ALL($3::uuid[])
        GROUP BY customer_id""",
        *args,
    )
    history.firsts.update({row["customer_id"]: row["first_at"] for row in rows})
    rows = await session.fetch(
        """/* commission_plans.credited_orders */
        SELECT influencer_id, customer_id, count(DISTINCT order_id) AS orders, min(occurred_at) AS first_at
        FROM credits
        WHERE tenant_id = $1 AND customer_id = ANY($2::uuid[]) AND order_id <> ALL($3::uuid[])
          AND influencer_id = ANY($4::uuid[]) AND weight_booked > 0 AND superseded_at = 'infinity'
        GROUP BY influencer_id, customer_id""",
        *args,
        list(influencers),
    )
    history.credited.update(
        {(row["influencer_id"], row["customer_id"]): (row["orders"], row["first_at"]) for row in rows}
    )
    return history
