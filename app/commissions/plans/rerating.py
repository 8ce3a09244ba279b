"""Which credits are rated anew: read, with the others of their orders, for the step that does it
(usecases/rerating.py)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from app.core.context import Ctx
from app.db.session import ReadSession


class CreditInForce(NamedTuple):
    """A credit that may earn. earns_as: the credit that its commissions name. is_asked: whether it is to be rated."""

    earns_as: UUID
    influencer_id: UUID
    campaign_id: UUID | None
    code: str | None
    weight: int
    is_asked: bool


@dataclass(frozen=True, slots=True)
class OrderToRate:
    """An order with its credits, the oldest first: one of them at least is asked for."""

    id: UUID
    external_id: str
    occurred_at: datetime
    currency: str
    country: str | None
    customer_id: UUID | None
    credits: tuple[CreditInForce, ...]


@dataclass(frozen=True, slots=True)
class Which:
    """Credits of orders placed from start until before end; of these influencers, and campaigns, if any are named."""

    start: datetime
    end: datetime
    influencer_ids: Sequence[UUID] | None = None
    campaign_ids: Sequence[UUID] | None = None

    def has(self, influencer_id: UUID, campaign_id: UUID | None) -> bool:
        """Whether such a credit is asked for."""
        return (self.influencer_ids is None or influencer_id in self.influencer_ids) and (
            self.campaign_ids is None or campaign_id in self.campaign_ids
        )


async def orders_to_rate(ctx: Ctx, session: ReadSession, which: Which, *, count: int) -> list[OrderToRate]:
    """At most so many of the orders that have such a credit, in the order of their time."""
    rows = await session.fetch(
        """/* commission_plans.orders_to_rate */
        SELECT placed.id, placed.external_id, placed.occurred_at, placed.currency, placed.country, placed.customer_id,
          coalesce(credit.continues_id, credit.id) AS earns_as, credit.influencer_id, credit.campaign_id, credit.code,
          credit.weight_booked
        FROM (
          SELECT id, external_id, occurred_at, currency, country, customer_id
          FROM orders
          WHERE tenant_id = $1 AND occurred_at >= $2 AND occurred_at < $3 AND NOT is_test
            AND EXISTS (
              SELECT 1
              FROM credits AS own
              WHERE own.tenant_id = $1 AND own.order_id = orders.id AND own.weight_booked > 0
                AND own.superseded_at = 'infinity' AND own.influencer_id IS NOT NULL
                AND ($4::uuid[] IS NULL OR own.influencer_id = ANY($4))
                AND ($5::uuid[] IS NULL OR own.campaign_id = ANY($5))
            )
          ORDER BY occurred_at, id
          LIMIT $6
        ) AS placed
        JOIN credits AS credit ON credit.tenant_id = $1 AND credit.order_id = placed.id
        WHERE credit.tenant_id = $1 AND credit.weight_booked > 0 AND credit.superseded_at = 'infinity'
          AND credit.influencer_id IS NOT NULL
        ORDER BY placed.occurred_at, placed.id, credit.position""",
        ctx.tenant_id,
        which.start,
        which.end,
        None if which.influencer_ids is None else list(which.influencer_ids),
        None if which.campaign_ids is None else list(which.campaign_ids),
        count,
    )
    return _orders(rows, lambda row: which.has(row["influencer_id"], row["campaign_id"]))


async def orders_of_credits(ctx: Ctx, session: ReadSession, credits: Mapping[UUID, UUID]) -> list[OrderToRate]:
    """The orders of these credits, which are asked for as far as they are in force, in the order of their time.

    credits: as their commissions name them, with their orders.
    """
    rows = await session.fetch(
        """/* commission_plans.orders_of_credits */
        SELECT placed.id, placed.external_id, placed.occurred_at, placed.currency, placed.country, placed.customer_id,
          coalesce(credit.continues_id, credit.id) AS earns_as, credit.influencer_id, credit.campaign_id, credit.code,
          credit.weight_booked
        FROM orders AS placed
        JOIN credits AS credit ON credit.tenant_id = $1 AND credit.order_id = placed.id
        WHERE placed.tenant_id = $1 AND placed.id = ANY($2::uuid[]) AND credit.weight_booked > 0
          AND credit.superseded_at = 'infinity' AND credit.influencer_id IS NOT NULL
        ORDER BY placed.occurred_at, placed.id, credit.position""",
        ctx.tenant_id,
        list(set(credits.values())),
    )
    return _orders(rows, lambda row: row["earns_as"] in credits)


def _orders(rows: Sequence[Any], is_asked: Callable[[Any], bool]) -> list[OrderToRate]:
    found: dict[UUID, OrderToRate] = {}
    for row in rows:
        credit = CreditInForce(
            row["earns_as"],
            row["influencer_id"],
            row["campaign_id"],
            row["code"],
            row["weight_booked"],
            is_asked(row),
        )
        before = found.get(row["id"])
        found[row["id"]] = OrderToRate(
            row["id"],
            row["external_id"],
            row["occurred_at"],
            row["currency"],
            row["country"],
            row["customer_id"],
            (credit,) if before is None else (*before.credits, credit),
        )
    return list(found.values())
