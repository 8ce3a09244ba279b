"""Finds what judging looks at: recorded touches and coupon codes. One statement each, for a whole batch of orders.

Touches are joined over sessions and devices. An order's touches are those of its click id, its visitor and its
customer, and those of every visitor that is known to be the customer: because an instance or an order named both, by
the order's time. Who names no customer is the visitor's, as long as that is one only. A touch that names a customer is
never another's. Orders of a batch that stand before an order count as if they were recorded.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.attribution.encounters import Encounters
from app.attribution.judge import Touch
from app.core.context import Ctx
from app.core.pauses import Pauses
from app.core.words import OfferStatus, RejectReason, TouchKind
from app.db.looks import Look
from app.db.session import ReadSession

OUT_OF_ORDER = timedelta(days=1)
"""How long after the order a touch of the order's own click id is still looked for, to be shown as AFTER_ORDER."""

VISITORS_MAX = 20
"""Visitors of one customer whose touches are looked at: those seen last."""


@dataclass(frozen=True, slots=True)
class Trail:
    """What an order knows of who led to it. Any of the three may be missing."""

    occurred_at: datetime
    visitor_id: str | None
    click_id: str | None
    customer_id: UUID | None

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be looked up by it."""
        return self.visitor_id is None and self.click_id is None and self.customer_id is None


@dataclass(frozen=True, slots=True)
class CodeOffer:
    """A coupon code as it was given out. customer: the store's id of the only one who may use it."""

    code: str
    influencer_id: UUID
    campaign_id: UUID | None
    platform: str | None
    is_active: bool
    starts_at: datetime | None
    ends_at: datetime | None
    customer: str | None = None

    def touch(self, at: datetime, customer: str | None = None) -> Touch:
        """Its use at a checkout. customer: who used it."""
        return Touch(
            kind=TouchKind.CODE,
            at=at,
            influencer_id=self.influencer_id,
            campaign_id=self.campaign_id,
            code=self.code,
            platform=self.platform,
            refusal=self._refusal(at, customer),
        )

    def _refusal(self, at: datetime, customer: str | None) -> RejectReason | None:
        in_force = (
            self.is_active
            and (self.starts_at is None or self.starts_at <= at)
            and (self.ends_at is None or at < self.ends_at)
        )
        if not in_force:
            return RejectReason.CODE_NOT_IN_FORCE
        return None if self.is_for(customer) else RejectReason.CODE_NOT_OWNED

    def is_for(self, customer: str | None) -> bool:
        """Whether the customer may use it."""
        return self.customer is None or self.customer == customer


@dataclass(frozen=True, slots=True)
class Found:
    """What was found by the trails, by each one's number in their sequence.

    touches: latest first; trails without any are absent. owners: the customers of the orders, also those of orders
    that named only their visitor.
    """

    touches: dict[int, list[Touch]] = field(default_factory=dict)
    owners: dict[int, UUID] = field(default_factory=dict)


async def find_touches(
    ctx: Ctx,
    session: ReadSession,
    trails: Sequence[Trail],
    *,
    met: Encounters,
    lookback: timedelta,
    candidates_max: int,
    viewed: Collection[UUID] = (),
) -> Found:
    """The touches of the trails. met: whom they name together, by the same numbers. viewed: the campaigns for which
    views are touches.

    Those of visitors and customers count up to the order; those of the click id are shown a little beyond. Per order
    the latest candidates_max are looked at.
    """
    asked = [(number, trail) for number, trail in enumerate(trails) if not trail.is_empty]
    if not asked:
        return Found()
    owners = await _owners(ctx, session, asked, met, lookback)
    owned = [(number, trail, owners[number]) for number, trail in asked if number in owners]
    visitors = await _visitors(ctx, session, owned, met, lookback)
    # (number, trail, visitor, click, customer, whose touches it may be): one row for each visitor beyond the first.
    rows: list[tuple[int, Trail, str | None, str | None, UUID | None, UUID | None]] = []
    for number, trail in asked:
        owner = owners.get(number)
        rows.append((number, trail, trail.visitor_id, trail.click_id, owner, owner))
        rows.extend(
            (number, trail, visitor, None, None, owner)
            for visitor in visitors.get(number, ())
            if visitor != trail.visitor_id
        )
    # Indexes: instances_visitor, instances_click, instances_unordered; partitions outside the days are pruned.
    records = await session.fetch(
        """/* attribution.find_touches */
        SELECT asked.number, touch.*
        FROM unnest($2::integer[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::text[],
            $8::uuid[], $9::uuid[])
          AS asked (number, since, until, until_click, visitor_id, click_id, customer_id, owner_id)
        CROSS JOIN LATERAL (
          SELECT id, occurred_at, kind, influencer_id, campaign_id, link_id, code, platform, channel, ad_click
          FROM instances
          WHERE tenant_id = $1 AND visitor_id = asked.visitor_id
            AND (kind IN ('CLICK', 'CODE') OR (kind = 'VIEW' AND campaign_id = ANY($11::uuid[])))
            AND (customer_id IS NULL OR asked.owner_id IS NULL OR customer_id = asked.owner_id)
            AND occurred_at BETWEEN asked.since AND asked.until
          UNION
          SELECT id, occurred_at, kind, influencer_id, campaign_id, link_id, code, platform, channel, ad_click
          FROM instances
          WHERE tenant_id = $1 AND customer_id = asked.customer_id AND order_id IS NULL
            AND (kind IN ('CLICK', 'CODE') OR (kind = 'VIEW' AND campaign_id = ANY($11::uuid[])))
            AND occurred_at BETWEEN asked.since AND asked.until
          UNION
          SELECT id, occurred_at, kind, influencer_id, campaign_id, link_id, code, platform, channel, ad_click
          FROM instances
          WHERE tenant_id = $1 AND click_id = asked.click_id AND kind IN ('CLICK', 'CODE')
            AND occurred_at BETWEEN asked.since AND asked.until_click
          ORDER BY occurred_at DESC, id DESC
          LIMIT $10
        ) AS touch""",
        ctx.tenant_id,
        [row[0] for row in rows],
        [row[1].occurred_at - lookback for row in rows],
        [row[1].occurred_at for row in rows],
        [row[1].occurred_at + OUT_OF_ORDER for row in rows],
        [row[2] for row in rows],
        [row[3] for row in rows],
        [row[4] for row in rows],
        [row[5] for row in rows],
        candidates_max,
        list(viewed),
    )
    found: dict[int, dict[UUID, Touch]] = defaultdict(dict)
    for record in records:
        # A touch may be found by several visitors' rows.
        found[record["number"]].setdefault(record["id"], _touch(record))
    return Found({number: _latest(of_trail.values(), candidates_max) for number, of_trail in found.items()}, owners)


def _touch(record: Any) -> Touch:
    return Touch(
        kind=TouchKind(record["kind"]),
        at=record["occurred_at"],
        id=record["id"],
        influencer_id=record["influencer_id"],
        campaign_id=record["campaign_id"],
        link_id=record["link_id"],
        code=record["code"],
        platform=record["platform"],
        channel=record["channel"],
        ad_click=record["ad_click"],
    )


def _latest(touches: Iterable[Touch], count: int) -> list[Touch]:
    return sorted(touches, key=lambda touch: (touch.at, touch.id), reverse=True)[:count]


async def _owners(
    ctx: Ctx, session: ReadSession, asked: Sequence[tuple[int, Trail]], met: Encounters, lookback: timedelta
) -> dict[int, UUID]:
    """The customers of the trails: as named, or the only one that the visitor is known to be by then."""
    owners = {number: trail.customer_id for number, trail in asked if trail.customer_id is not None}
    unnamed = [
        (number, trail, trail.visitor_id)
        for number, trail in asked
        if trail.customer_id is None and trail.visitor_id is not None
    ]
    if not unnamed:
        return owners
    # Indexes: instances_visitor, orders_visitor.
    records = await session.fetch(
        """/* attribution.find_owners */
        SELECT asked.number, seen.customer_id
        FROM unnest($2::integer[], $3::timestamptz[], $4::timestamptz[], $5::text[])
          AS asked (number, since, until, visitor_id)
        CROSS JOIN LATERAL (
          SELECT customer_id
          FROM instances
          WHERE tenant_id = $1 AND visitor_id = asked.visitor_id AND customer_id IS NOT NULL
            AND occurred_at BETWEEN asked.since AND asked.until
          UNION
          SELECT customer_id
          FROM orders
          WHERE tenant_id = $1 AND visitor_id = asked.visitor_id AND customer_id IS NOT NULL AND NOT is_test
            AND occurred_at BETWEEN asked.since AND asked.until
          LIMIT 2
        ) AS seen""",
        ctx.tenant_id,
        [number for number, _, _ in unnamed],
        [trail.occurred_at - lookback for _, trail, _ in unnamed],
        [trail.occurred_at for _, trail, _ in unnamed],
        [visitor for _, _, visitor in unnamed],
    )
    seen: dict[int, set[UUID]] = defaultdict(set)
    for record in records:
        seen[record["number"]].add(record["customer_id"])
    pauses = Pauses()
    for number, trail, visitor in unnamed:
        await pauses.take()
        at = trail.occurred_at
        customers = seen[number] | met.customers(visitor, number, at - lookback, at, count=2)
        # Of a device that several customers use nobody knows whose order it was.
        if len(customers) == 1:
            (owners[number],) = customers
    return owners


async def _visitors(
    ctx: Ctx, session: ReadSession, owned: Sequence[tuple[int, Trail, UUID]], met: Encounters, lookback: timedelta
) -> dict[int, Collection[str]]:
    """The visitors that the trails' customers are known to be by then: those seen last."""
    if not owned:
        return {}
    # What the purchase of an order names the order names. Indexes: instances_unordered, orders_customer_occurred.
    records = await session.fetch(
        """/* attribution.find_visitors */
        SELECT asked.number, seen.visitor_id, seen.last_at
        FROM unnest($2::integer[], $3::timestamptz[], $4::timestamptz[], $5::uuid[])
          AS asked (number, since, until, customer_id)
        CROSS JOIN LATERAL (
          SELECT visitor_id, max(occurred_at) AS last_at
          FROM (
            SELECT visitor_id, occurred_at
            FROM instances
            WHERE tenant_id = $1 AND customer_id = asked.customer_id AND order_id IS NULL AND visitor_id IS NOT NULL
              AND occurred_at BETWEEN asked.since AND asked.until
            UNION ALL
            SELECT visitor_id, occurred_at
            FROM orders
            WHERE tenant_id = $1 AND customer_id = asked.customer_id AND visitor_id IS NOT NULL AND NOT is_test
              AND occurred_at BETWEEN asked.since AND asked.until
          ) AS met
          GROUP BY visitor_id
          ORDER BY last_at DESC, visitor_id COLLATE "C"
          LIMIT $6
        ) AS seen""",
        ctx.tenant_id,
        [number for number, _, _ in owned],
        [trail.occurred_at - lookback for _, trail, _ in owned],
        [trail.occurred_at for _, trail, _ in owned],
        [owner for _, _, owner in owned],
        VISITORS_MAX,
    )
    found: dict[int, dict[str, datetime]] = defaultdict(dict)
    for record in records:
        found[record["number"]][record["visitor_id"]] = record["last_at"]
    pauses = Pauses()
    for number, trail, owner in owned:
        await pauses.take()
        at = trail.occurred_at
        if of_batch := met.visitors(owner, number, at - lookback, at, count=VISITORS_MAX):
            found[number] = _seen_last(found[number], of_batch)
    return {number: list(visitors) for number, visitors in found.items()}


def _seen_last(recorded: Mapping[str, datetime], of_batch: Mapping[str, datetime]) -> dict[str, datetime]:
    # As the statement above chooses: of those seen at the same time the first by their ids.
    last_at = dict(recorded)
    for visitor, at in of_batch.items():
        last_at[visitor] = max(at, last_at.get(visitor, at))
    latest = sorted(sorted(last_at), key=last_at.__getitem__, reverse=True)
    return {visitor: last_at[visitor] for visitor in latest[:VISITORS_MAX]}


def look_for_codes(codes: Collection[str]) -> Look[dict[str, CodeOffer]]:
    """Those of the codes (upper case) that exist, by their text."""
    return Look(
        """/* attribution.find_codes */
        SELECT code, influencer_id, campaign_id, platform, status, starts_at, ends_at, customer
        FROM codes
        WHERE tenant_id = $1 AND code = ANY($2::text[])""",
        ("code", "influencer_id", "campaign_id", "platform", "status", "starts_at", "ends_at", "customer"),
        lambda rows: {
            code: CodeOffer(code, influencer, campaign, platform, status == OfferStatus.ACTIVE, starts, ends, customer)
            for code, influencer, campaign, platform, status, starts, ends, customer in rows
        },
        list(codes),
    )


def code_touches(
    codes: Iterable[str], offers: Mapping[str, CodeOffer], at: datetime, customer: str | None = None
) -> list[Touch]:
    """The codes given at a checkout as candidates, unknown ones among them, in the order given."""
    return [
        Touch(kind=TouchKind.CODE, at=at, code=code, refusal=RejectReason.CODE_UNKNOWN)
        if (offer := offers.get(code)) is None
        else offer.touch(at, customer)
        for code in codes
    ]
