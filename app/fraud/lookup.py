"""Looks up what the tenant's rules of fraud ask for. One statement each, for a whole batch of commissions."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import plain
from app.db.session import WriteSession
from app.fraud.rules import FraudRules
from app.fraud.suspicion import Known, Refunded, Suspect, plain_name

ORDERS_MAX = 1_000
"""Newest orders of an influencer that are looked at for the share of refunds."""


async def look_up(
    ctx: Ctx,
    session: WriteSession,
    rules: FraudRules,
    suspects: Sequence[Suspect],
    batch: Sequence[tuple[UUID, str | None, UUID | None]],
) -> Known:
    """What is known of them. Who is counted is locked until the transaction's end.

    batch: order, visitor and customer of all orders that the suspects are among, in their order: what an order names
    counts for those after it as if it were recorded.
    """
    influencers = sorted({suspect.influencer_id for suspect in suspects})
    customers = sorted({suspect.customer_id for suspect in suspects if suspect.customer_id is not None})
    own = rules.own_purchases
    return Known(
        before={} if rules.velocity_orders is None else await _before(ctx, session, rules, suspects),
        refunds={} if rules.refund_share is None else await _refunds(ctx, session, rules, influencers),
        twins=await _twins(ctx, session, influencers) if rules.duplicate_accounts else {},
        domains=await _domains(ctx, session, customers) if rules.suspicious_domains and customers else {},
        visits=await _visits(ctx, session, suspects, batch) if own else frozenset(),
        buyers=await _buyers(ctx, session, customers) if own and customers else {},
        payees=await _payees(ctx, session, influencers) if own and customers else {},
    )


async def _before(ctx: Ctx, session: WriteSession, rules: FraudRules, suspects: Sequence[Suspect]) -> dict[UUID, int]:
    # Orders of one influencer that come at the same time count one after the other.
    await session.execute(
        """/* fraud.lock_influencers */
        SELECT id FROM influencers WHERE tenant_id = $1 AND id = ANY($2::uuid[]) ORDER BY id FOR NO KEY UPDATE""",
        ctx.tenant_id,
        sorted({suspect.influencer_id for suspect in suspects}),
    )
    # Of the batch itself nothing is written yet, or it is put out of force. An order has several credits where several
    # touches of one influencer count: read along credits_influencer_orders, of equal times once each, up to the limit.
    rows = await session.fetch(
        """/* fraud.velocity */
        SELECT asked.commission_id, earlier.orders
        FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::timestamptz[])
          AS asked (commission_id, order_id, influencer_id, since, until)
        CROSS JOIN LATERAL (
          SELECT count(*) AS orders
          FROM (
            SELECT DISTINCT occurred_at, order_id
            FROM credits
            WHERE tenant_id = $1 AND influencer_id = asked.influencer_id AND occurred_at > asked.since
              AND occurred_at <= asked.until AND weight_booked > 0 AND superseded_at = 'infinity'
              AND order_id <> ALL($8::uuid[])
            ORDER BY occurred_at, order_id
            LIMIT $7
          ) AS counted
        ) AS earlier""",
        ctx.tenant_id,
        [suspect.commission_id for suspect in suspects],
        [suspect.order_id for suspect in suspects],
        [suspect.influencer_id for suspect in suspects],
        [suspect.occurred_at - timedelta(hours=rules.velocity_hours) for suspect in suspects],
        [suspect.occurred_at for suspect in suspects],
        rules.velocity_orders,
        sorted({suspect.order_id for suspect in suspects}),
    )
    return {plain(row["commission_id"]): row["orders"] for row in rows}


async def _refunds(
    ctx: Ctx, session: WriteSession, rules: FraudRules, influencers: Sequence[UUID]
) -> dict[UUID, Refunded]:
    rows = await session.fetch(
        """/* fraud.refund_rate */
        SELECT asked.influencer_id, sold.orders, sold.refunded
        FROM unnest($2::uuid[]) AS asked (influencer_id)
        CROSS JOIN LATERAL (
          SELECT count(*) AS orders, count(*) FILTER (
            WHERE EXISTS (
              SELECT 1 FROM refunds
              WHERE refunds.tenant_id = $1 AND refunds.order_id = newest.order_id AND refunds.state = 'APPLIED'
            )
          ) AS refunded
          FROM (
            SELECT DISTINCT occurred_at, order_id
            FROM credits
            WHERE tenant_id = $1 AND influencer_id = asked.influencer_id AND occurred_at > $3 AND occurred_at <= $4
              AND weight_booked > 0 AND superseded_at = 'infinity'
            ORDER BY occurred_at DESC, order_id DESC
            LIMIT $5
          ) AS newest
        ) AS sold""",
        ctx.tenant_id,
        influencers,
        ctx.now - timedelta(days=rules.refund_days),
        ctx.now,
        ORDERS_MAX,
    )
    return {plain(row["influencer_id"]): Refunded(row["orders"], row["refunded"]) for row in rows}


async def _twins(ctx: Ctx, session: WriteSession, influencers: Sequence[UUID]) -> dict[UUID, list[tuple[str, UUID]]]:
    # Indexes: influencers_email_hash, influencers_customer, payout_methods_reference.
    rows = await session.fetch(
        """/* fraud.twins */
        SELECT own.id, 'EMAIL' AS by, other.id AS other_id
        FROM influencers AS own
        JOIN influencers AS other ON other.tenant_id = $1 AND other.email_hash = own.email_hash AND other.id <> own.id
        WHERE own.tenant_id = $1 AND own.id = ANY($2::uuid[])
        UNION
        SELECT own.id, 'CUSTOMER', other.id
        FROM influencers AS own
        JOIN influencers AS other ON other.tenant_id = $1 AND other.customer = own.customer AND other.id <> own.id
        WHERE own.tenant_id = $1 AND own.id = ANY($2::uuid[])
        UNION
        SELECT own.influencer_id, 'PAYOUT_ACCOUNT', other.influencer_id
        FROM payout_methods AS own
        JOIN payout_methods AS other ON other.tenant_id = $1 AND other.reference = own.reference
          AND other.provider = own.provider AND other.influencer_id <> own.influencer_id
        WHERE own.tenant_id = $1 AND own.influencer_id = ANY($2::uuid[])
        ORDER BY 1, 2, 3""",
        ctx.tenant_id,
        influencers,
    )
    found: dict[UUID, list[tuple[str, UUID]]] = defaultdict(list)
    for row in rows:
        found[plain(row["id"])].append((row["by"], plain(row["other_id"])))
    return found


async def _domains(ctx: Ctx, session: WriteSession, customers: Collection[UUID]) -> dict[UUID, str]:
    rows = await session.fetch(
        """/* fraud.domains */
        SELECT customer_id, email
        FROM customer_identities
        WHERE tenant_id = $1 AND customer_id = ANY($2::uuid[]) AND email IS NOT NULL""",
        ctx.tenant_id,
        list(customers),
    )
    return {plain(row["customer_id"]): row["email"].rpartition("@")[2].strip().casefold() for row in rows}


async def _visits(
    ctx: Ctx,
    session: WriteSession,
    suspects: Sequence[Suspect],
    batch: Sequence[tuple[UUID, str | None, UUID | None]],
) -> frozenset[UUID]:
    asked = {suspect.commission_id: suspect for suspect in suspects if suspect.visitor_id is not None}
    if not asked:
        return frozenset()
    # Indexes: instances_visitor, orders_visitor.
    rows = await session.fetch(
        """/* fraud.own_visits */
        SELECT asked.commission_id, customers.id AS own_id,
          EXISTS (
            SELECT 1 FROM orders
            WHERE orders.tenant_id = $1 AND orders.visitor_id = asked.visitor_id AND orders.customer_id = customers.id
          ) OR EXISTS (
            SELECT 1 FROM instances
            WHERE instances.tenant_id = $1 AND instances.visitor_id = asked.visitor_id
              AND instances.customer_id = customers.id
          ) AS is_seen
        FROM unnest($2::uuid[], $3::uuid[], $4::text[]) AS asked (commission_id, influencer_id, visitor_id)
        JOIN influencers ON influencers.tenant_id = $1 AND influencers.id = asked.influencer_id
        JOIN customers ON customers.tenant_id = $1 AND customers.external_id = influencers.customer""",
        ctx.tenant_id,
        list(asked),
        [suspect.influencer_id for suspect in asked.values()],
        [suspect.visitor_id for suspect in asked.values()],
    )
    places = {order_id: place for place, (order_id, _, _) in enumerate(batch)}
    first_seen: dict[tuple[str | None, UUID | None], int] = {}
    for place, (_, visitor_id, customer_id) in enumerate(batch):
        first_seen.setdefault((visitor_id, customer_id), place)

    def is_seen_before(suspect: Suspect, own_id: UUID) -> bool:
        place = places[suspect.order_id]
        return first_seen.get((suspect.visitor_id, own_id), place) < place

    return frozenset(
        plain(commission_id)
        for commission_id, own_id, is_seen in rows
        if is_seen or is_seen_before(asked[commission_id], own_id)
    )


async def _buyers(ctx: Ctx, session: WriteSession, customers: Collection[UUID]) -> dict[UUID, str]:
    rows = await session.fetch(
        """/* fraud.buyers */
        SELECT customer_id, name
        FROM customer_identities
        WHERE tenant_id = $1 AND customer_id = ANY($2::uuid[]) AND name IS NOT NULL""",
        ctx.tenant_id,
        list(customers),
    )
    return {plain(row["customer_id"]): name for row in rows if (name := plain_name(row["name"]))}


async def _payees(ctx: Ctx, session: WriteSession, influencers: Collection[UUID]) -> dict[UUID, frozenset[str]]:
    rows = await session.fetch(
        """/* fraud.payees */
        SELECT id, name,
          ARRAY(
            SELECT holder FROM payout_methods
            WHERE tenant_id = $1 AND influencer_id = influencers.id AND holder IS NOT NULL
          ) AS holders
        FROM influencers
        WHERE tenant_id = $1 AND id = ANY($2::uuid[])""",
        ctx.tenant_id,
        list(influencers),
    )
    return {plain(row["id"]): frozenset(plain_name(name) for name in (row["name"], *row["holders"])) for row in rows}
