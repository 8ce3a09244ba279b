"""What came before an order: its customer's orders, and those of them that are credited to an influencer."""

from bisect import bisect_left
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
    the first was placed. others: when further orders were placed, in order: of these only earlier ones came before.
    """

    firsts: dict[UUID, datetime] = field(default_factory=dict)
    credited: dict[tuple[UUID, UUID], tuple[int, datetime]] = field(default_factory=dict)
    others: dict[tuple[UUID, UUID], list[datetime]] = field(default_factory=dict)

    def before(self, influencer_id: UUID, customer_id: UUID, at: datetime) -> tuple[int, datetime | None]:
        """How many of the customer's orders before this one are credited to the influencer, and when the first was."""
        count, first = self.credited.get((influencer_id, customer_id), (0, None))
        earlier = bisect_left(times := self.others.get((influencer_id, customer_id), []), at)
        if earlier:
            first = times[0] if first is None else min(first, times[0])
        return count + earlier, first

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
    in_time: bool = False,
) -> History:
    """What is known of these customers, orders in `but` left out. in_time: what came before is so by its own time."""
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
        SELECT influencer_id, customer_id, count(*) AS orders, min(occurred_at) AS first_at,
          CASE WHEN $5 THEN array_agg(occurred_at ORDER BY occurred_at) END AS times
        FROM (
          SELECT DISTINCT influencer_id, customer_id, order_id, occurred_at
          FROM credits
          WHERE tenant_id = $1 AND customer_id = ANY($2::uuid[]) AND order_id <> ALL($3::uuid[])
            AND influencer_id = ANY($4::uuid[]) AND weight_booked > 0 AND superseded_at = 'infinity'
        ) AS credited
        GROUP BY influencer_id, customer_id""",
        *args,
        list(influencers),
        in_time,
    )
    for row in rows:
        pair = row["influencer_id"], row["customer_id"]
        if in_time:
            history.others[pair] = row["times"]
        else:
            history.credited[pair] = row["orders"], row["first_at"]
    return history
