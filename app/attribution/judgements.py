"""Judgements as they are stored: read to be judged again, and replaced. What is replaced stays, and is no longer in
force: credits and purchases since when, explanations as history.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from app.attribution.judge import Touch
from app.attribution.judging import Placed, remembered
from app.attribution.service import Credit, JudgedOrder
from app.attribution.touches import Trail
from app.core.context import Ctx
from app.core.words import AttributionCause, TouchKind
from app.db.session import ReadSession, WriteSession


@dataclass(frozen=True, slots=True)
class StoredCredit:
    """A credit in force. earns_as: the credit that its commissions name: itself, or the one that it continues."""

    credit: Credit
    earns_as: UUID

    @property
    def terms(self) -> tuple[UUID | None, UUID | None, str | None, int]:
        """What a commission depends on: influencer, campaign, code, booked weight."""
        return terms_of(self.credit)


@dataclass(frozen=True, slots=True)
class Judgement:
    """How an order was judged last, and what of it a judgement needs."""

    order_id: UUID
    external_id: str
    occurred_at: datetime
    recorded_at: datetime
    currency: str
    country: str | None
    customer_id: UUID | None
    customer: str | None
    visitor_id: str | None
    click_id: str | None
    codes: Sequence[str]
    is_test: bool
    model: str
    rule: str
    candidates: Sequence[dict[str, Any]]
    revision: int
    cause: str
    credits: list[StoredCredit] = field(default_factory=list)

    def placed(self, *, booked_at: datetime | None) -> Placed:
        """The order as it is judged. booked_at: the time whose statuses count; None means now."""
        return Placed(
            trail=Trail(self.occurred_at, self.visitor_id, self.click_id, self.customer_id),
            codes=self.codes,
            customer=self.customer,
            is_test=self.is_test,
            booked_at=booked_at,
            remembered=remembered(self.candidates),
        )


def terms_of(credit: Credit) -> tuple[UUID | None, UUID | None, str | None, int]:
    """What a credit's commission depends on: influencer, campaign, code, booked weight."""
    touch = credit.touch
    return (
        (None, None, None, credit.booked)
        if touch is None
        else (touch.influencer_id, touch.campaign_id, touch.code, credit.booked)
    )


def content_of(credit: Credit) -> tuple[Any, ...]:
    """All of a credit but its id: two judgements with equal contents credit alike."""
    touch = credit.touch
    keys = None
    if touch is not None:
        keys = (
            touch.kind,
            touch.id,
            touch.at,
            touch.influencer_id,
            touch.campaign_id,
            touch.link_id,
            touch.code,
            touch.platform,
            touch.channel,
        )
    weights = (credit.booked, credit.last, credit.first, credit.linear, credit.time_decay, credit.by_position)
    return (credit.position, keys, *weights)


async def load_judgements(ctx: Ctx, session: ReadSession, order_ids: Collection[UUID]) -> dict[UUID, Judgement]:
    """The judgements in force of these orders, by order."""
    if not order_ids:
        return {}
    ids = list(order_ids)
    rows = await session.fetch(
        """/* attribution.judgements */
        SELECT orders.id, orders.external_id, orders.occurred_at, orders.recorded_at, orders.currency, orders.country,
          orders.customer_id, customers.external_id AS customer, orders.visitor_id, orders.click_id, orders.codes,
          orders.is_test, judged.model, judged.rule, judged.candidates, judged.revision, judged.cause
        FROM orders
        JOIN attributions AS judged ON judged.tenant_id = $1 AND judged.order_id = orders.id
        LEFT JOIN customers ON customers.tenant_id = $1 AND customers.id = orders.customer_id
        WHERE orders.tenant_id = $1 AND orders.id = ANY($2::uuid[])""",
        ctx.tenant_id,
        ids,
    )
    found = {
        row["id"]: Judgement(
            order_id=row["id"],
            external_id=row["external_id"],
            occurred_at=row["occurred_at"],
            recorded_at=row["recorded_at"],
            currency=row["currency"],
            country=row["country"],
            customer_id=row["customer_id"],
            customer=row["customer"],
            visitor_id=row["visitor_id"],
            click_id=row["click_id"],
            codes=row["codes"],
            is_test=row["is_test"],
            model=row["model"],
            rule=row["rule"],
            candidates=row["candidates"],
            revision=row["revision"],
            cause=row["cause"],
        )
        for row in rows
    }
    credits = await session.fetch(
        """/* attribution.credits_in_force */
        SELECT order_id, id, position, continues_id, influencer_id, campaign_id, link_id, code, platform, channel,
          touch_kind, touch_id, touched_at, weight_booked, weight_last, weight_first, weight_linear, weight_time_decay,
          weight_position
        FROM credits
        WHERE tenant_id = $1 AND order_id = ANY($2::uuid[]) AND superseded_at = 'infinity'
        ORDER BY order_id, position""",
        ctx.tenant_id,
        ids,
    )
    for row in credits:
        found[row["order_id"]].credits.append(StoredCredit(_credit(row), row["continues_id"] or row["id"]))
    return found


def _credit(row: Any) -> Credit:
    touch = None
    if row["touch_kind"] is not None:
        touch = Touch(
            kind=TouchKind(row["touch_kind"]),
            at=row["touched_at"],
            id=row["touch_id"],
            influencer_id=row["influencer_id"],
            campaign_id=row["campaign_id"],
            link_id=row["link_id"],
            code=row["code"],
            platform=row["platform"],
            channel=row["channel"],
        )
    return Credit(
        id=row["id"],
        position=row["position"],
        touch=touch,
        booked=row["weight_booked"],
        last=row["weight_last"],
        first=row["weight_first"],
        linear=row["weight_linear"],
        time_decay=row["weight_time_decay"],
        by_position=row["weight_position"],
    )


async def supersede_credits(ctx: Ctx, session: WriteSession, order_ids: Collection[UUID]) -> None:
    """Put the credits of these orders, which are locked, out of force."""
    if order_ids:
        await session.execute(
            """/* attribution.supersede_credits */
            UPDATE credits SET superseded_at = $2
            WHERE tenant_id = $1 AND order_id = ANY($3::uuid[]) AND superseded_at = 'infinity'""",
            ctx.tenant_id,
            ctx.now,
            list(order_ids),
        )


@dataclass(frozen=True, slots=True)
class Purchase:
    """A PURCHASE that was put out of force."""

    occurred_at: datetime
    campaign_id: UUID | None
    influencer_id: UUID | None
    platform: str | None


async def supersede_purchases(ctx: Ctx, session: WriteSession, orders: Mapping[UUID, datetime]) -> list[Purchase]:
    """Put the purchases of these orders, by the order's time, out of force. Those dropped by age are not among them."""
    if not orders:
        return []
    # Index: the key, by tenant and time.
    rows = await session.fetch(
        """/* attribution.supersede_purchases */
        UPDATE instances SET superseded_at = $2
        FROM unnest($3::uuid[], $4::timestamptz[]) AS judged (order_id, occurred_at)
        WHERE instances.tenant_id = $1 AND instances.occurred_at = judged.occurred_at
          AND instances.order_id = judged.order_id AND instances.kind = 'PURCHASE'
          AND instances.superseded_at = 'infinity'
        RETURNING instances.occurred_at, instances.campaign_id, instances.influencer_id, instances.platform""",
        ctx.tenant_id,
        ctx.now,
        list(orders),
        list(orders.values()),
    )
    return [Purchase(**dict(row)) for row in rows]


async def replace_explanations(
    ctx: Ctx,
    session: WriteSession,
    judged: Sequence[tuple[Judgement, JudgedOrder]],
    *,
    cause: AttributionCause,
    reason: str | None,
) -> None:
    """Keep the explanations that were, and put others in their place: two statements."""
    if not judged:
        return
    await session.execute(
        """/* attribution.keep_explanations */
        INSERT INTO attribution_changes (tenant_id, order_id, revision, cause, reason, model, rule, candidates,
          judged_at, key_id, recorded_at)
        SELECT $1, was.order_id, was.revision, $2, $3, was.model, was.rule, was.candidates, was.judged_at, $4, $5
        FROM attributions AS was
        WHERE was.tenant_id = $1 AND was.order_id = ANY($6::uuid[])""",
        ctx.tenant_id,
        cause,
        reason,
        ctx.principal.key_id,
        ctx.now,
        [before.order_id for before, _ in judged],
    )
    await session.execute(
        """/* attribution.replace_explanations */
        UPDATE attributions
        SET model = judged.model, rule = judged.rule, candidates = judged.candidates::jsonb, judged_at = $2,
          revision = attributions.revision + 1, cause = $3
        FROM unnest($4::uuid[], $5::text[], $6::text[], $7::text[]) AS judged (order_id, model, rule, candidates)
        WHERE attributions.tenant_id = $1 AND attributions.order_id = judged.order_id""",
        ctx.tenant_id,
        ctx.now,
        cause,
        [before.order_id for before, _ in judged],
        [after.verdict.model for _, after in judged],
        [after.verdict.rule for _, after in judged],
        [orjson.dumps(after.verdict.to_json()).decode() for _, after in judged],
    )


async def external_ids(ctx: Ctx, session: ReadSession, order_ids: Collection[UUID]) -> list[str]:
    """The stores' ids of these orders."""
    rows = await session.fetch(
        """/* attribution.external_ids */
        SELECT external_id FROM orders WHERE tenant_id = $1 AND id = ANY($2::uuid[])""",
        ctx.tenant_id,
        list(order_ids),
    )
    return [row["external_id"] for row in rows]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of orders begins: behind the order of this time and id."""

    occurred_at: datetime
    id: UUID


async def orders_between(
    ctx: Ctx,
    session: ReadSession,
    start: datetime,
    end: datetime,
    *,
    campaign_ids: Sequence[UUID] | None,
    after: Place | None,
    count: int,
) -> list[Place]:
    """Orders, tests left out, of the time, oldest first, at most `count`.

    campaign_ids: only those that a candidate of one of the campaigns was looked at for.
    """
    place = after or Place(start, UUID(int=0))
    # Index: orders_occurred.
    rows = await session.fetch(
        """/* attribution.orders_between */
        SELECT orders.id, orders.occurred_at
        FROM orders
        WHERE orders.tenant_id = $1 AND orders.occurred_at >= $2 AND orders.occurred_at < $3
          AND (orders.occurred_at, orders.id) > ($4, $5) AND NOT orders.is_test
          AND ($6::text[] IS NULL OR EXISTS (
            SELECT 1
            FROM attributions AS judged, jsonb_array_elements(judged.candidates) AS candidate
            WHERE judged.tenant_id = $1 AND judged.order_id = orders.id AND candidate->>'campaignId' = ANY($6::text[])
          ))
        ORDER BY orders.occurred_at, orders.id
        LIMIT $7""",
        ctx.tenant_id,
        start,
        end,
        place.occurred_at,
        place.id,
        None if campaign_ids is None else [str(campaign_id) for campaign_id in campaign_ids],
        count,
    )
    return [Place(row["occurred_at"], row["id"]) for row in rows]


@dataclass(frozen=True, slots=True)
class Sums:
    """What an order's revenue lines, or what was taken back of them at a time, add up to, before credit.

    units: of items. base: in minor units of the tenant's currency. missing: lines without an amount in it.
    """

    occurred_at: datetime
    units: int
    base: int
    missing: int


async def revenue_sums(
    ctx: Ctx, session: ReadSession, order_ids: Collection[UUID]
) -> tuple[dict[UUID, Sums], dict[UUID, list[Sums]]]:
    """By order what its lines add up to, edits included, and what was taken back of it, by time."""
    sold = await session.fetch(
        """/* attribution.sold */
        SELECT order_id, min(occurred_at) AS occurred_at,
          coalesce(sum(quantity) FILTER (WHERE kind = 'ITEM'), 0)::bigint AS units,
          coalesce(sum(amount_base_minor), 0)::bigint AS base,
          count(*) FILTER (WHERE amount_base_minor IS NULL) AS missing
        FROM order_lines
        WHERE tenant_id = $1 AND order_id = ANY($2::uuid[]) AND kind IN ('ITEM', 'DISCOUNT')
        GROUP BY order_id""",
        ctx.tenant_id,
        list(order_ids),
    )
    taken = await session.fetch(
        """/* attribution.taken_back */
        SELECT order_id, occurred_at, coalesce(sum(amount_base_minor), 0)::bigint AS base,
          count(*) FILTER (WHERE amount_base_minor IS NULL) AS missing
        FROM refund_lines
        WHERE tenant_id = $1 AND order_id = ANY($2::uuid[]) AND kind IN ('ITEM', 'DISCOUNT')
        GROUP BY order_id, occurred_at""",
        ctx.tenant_id,
        list(order_ids),
    )
    back: dict[UUID, list[Sums]] = defaultdict(list)
    for row in taken:
        back[row["order_id"]].append(Sums(row["occurred_at"], 0, row["base"], row["missing"]))
    return (
        {row["order_id"]: Sums(row["occurred_at"], row["units"], row["base"], row["missing"]) for row in sold},
        back,
    )
