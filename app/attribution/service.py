"""Writes what was judged: credits, the explanation, and the purchase of an attributed order; reads credits back."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from app.attribution.judge import Touch, Verdict
from app.core.context import Ctx
from app.core.ids import new_id, new_ids
from app.core.money import WEIGHT_ONE
from app.core.words import AttributionCause, InstanceKind
from app.db.session import ReadSession, WriteSession


class JudgedOrder(NamedTuple):
    """A verdict with what credits and the purchase need of the order. is_test: then nothing but the explanation."""

    order_id: UUID
    occurred_at: datetime
    currency: str
    country: str | None
    customer_id: UUID | None
    visitor_id: str | None
    click_id: str | None
    is_test: bool
    verdict: Verdict


class Credit(NamedTuple):
    """A row of credits. touch: None in the one row of an order that nobody is credited for."""

    id: UUID
    position: int
    touch: Touch | None
    booked: int
    last: int
    first: int
    linear: int
    time_decay: int
    by_position: int


def credits_of(verdict: Verdict) -> list[Credit]:
    """The credits of an order, oldest touch first: under every model they sum to 10**9."""
    weights = verdict.weights
    rows = zip(
        verdict.accepted or (None,),
        verdict.booked,
        weights.last,
        weights.first,
        weights.linear,
        weights.time_decay,
        weights.position,
        strict=True,
    )
    return [Credit(new_id(), position, *row) for position, row in enumerate(rows)]


async def insert_credits(
    ctx: Ctx,
    session: WriteSession,
    credits: Sequence[tuple[JudgedOrder, Sequence[Credit]]],
    *,
    continues: Mapping[UUID, UUID] | None = None,
) -> None:
    """Insert the credits of the orders, in one statement. What groups and filters need of the order goes beside.

    continues: of a credit of an order that was judged before, the one whose commissions it keeps.
    """
    rows = [(order, credit) for order, of_order in credits for credit in of_order]
    if not rows:
        return
    for _, of_order in credits:
        assert sum(credit.booked for credit in of_order) == WEIGHT_ONE
    await session.later(
        """/* attribution.insert_credits */
        INSERT INTO credits (tenant_id, id, order_id, position, influencer_id, campaign_id, link_id, code, platform,
          channel, touch_kind, touch_id, touched_at, weight_booked, weight_last, weight_first, weight_linear,
          weight_time_decay, weight_position, occurred_at, country, currency, customer_id, continues_id, recorded_at)
        SELECT $1, credit.*, $2
        FROM unnest($3::uuid[], $4::uuid[], $5::integer[], $6::uuid[], $7::uuid[], $8::uuid[], $9::text[], $10::text[],
            $11::text[], $12::text[], $13::uuid[], $14::timestamptz[], $15::integer[], $16::integer[], $17::integer[],
            $18::integer[], $19::integer[], $20::integer[], $21::timestamptz[], $22::text[], $23::text[], $24::uuid[],
            $25::uuid[])
          AS credit (id, order_id, position, influencer_id, campaign_id, link_id, code, platform, channel, touch_kind,
            touch_id, touched_at, weight_booked, weight_last, weight_first, weight_linear, weight_time_decay,
            weight_position, occurred_at, country, currency, customer_id, continues_id)""",
        ctx.tenant_id,
        ctx.now,
        [credit.id for _, credit in rows],
        [order.order_id for order, _ in rows],
        [credit.position for _, credit in rows],
        *zip(*(_keys(credit.touch) for _, credit in rows), strict=True),
        [credit.booked for _, credit in rows],
        [credit.last for _, credit in rows],
        [credit.first for _, credit in rows],
        [credit.linear for _, credit in rows],
        [credit.time_decay for _, credit in rows],
        [credit.by_position for _, credit in rows],
        [order.occurred_at for order, _ in rows],
        [order.country for order, _ in rows],
        [order.currency for order, _ in rows],
        [order.customer_id for order, _ in rows],
        [None if continues is None else continues.get(credit.id) for _, credit in rows],
    )


def _keys(touch: Touch | None) -> tuple[Any, ...]:
    # influencer to touched_at, as the statement lists them.
    if touch is None:
        return (None,) * 9
    return (
        touch.influencer_id,
        touch.campaign_id,
        touch.link_id,
        touch.code,
        touch.platform,
        touch.channel,
        touch.kind,
        touch.id,
        touch.at,
    )


async def insert_explanations(
    ctx: Ctx, session: WriteSession, orders: Sequence[JudgedOrder], candidates: Sequence[list[dict[str, Any]]]
) -> None:
    """Keep why each order was judged as it was, in one statement. candidates: of each order's verdict, as stored."""
    if not orders:
        return
    await session.later(
        """/* attribution.insert_explanations */
        INSERT INTO attributions (tenant_id, order_id, model, rule, candidates, judged_at)
        SELECT $1, judged.order_id, judged.model, judged.rule, judged.candidates::jsonb, $2
        FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[]) AS judged (order_id, model, rule, candidates)""",
        ctx.tenant_id,
        ctx.now,
        [order.order_id for order in orders],
        [order.verdict.model for order in orders],
        [order.verdict.rule for order in orders],
        # As text: of a list of lists the driver would make an array of two dimensions.
        [orjson.dumps(of_order).decode() for of_order in candidates],
    )


async def insert_purchases(ctx: Ctx, session: WriteSession, orders: Sequence[JudgedOrder]) -> None:
    """Insert the one PURCHASE instance of each attributed order: whose it is by its winner, the rest by the order."""
    won = [(order, order.verdict.winner) for order in orders if order.verdict.winner is not None]
    if not won:
        return
    await session.later(
        """/* attribution.insert_purchases */
        INSERT INTO instances (tenant_id, occurred_at, id, kind, influencer_id, campaign_id, link_id, code, platform,
          channel, country, visitor_id, customer_id, order_id, recorded_at)
        SELECT $1, won.occurred_at, won.id, $3, won.influencer_id, won.campaign_id, won.link_id, won.code, won.platform,
          won.channel, won.country, won.visitor_id, won.customer_id, won.order_id, $2
        FROM unnest($4::uuid[], $5::timestamptz[], $6::uuid[], $7::uuid[], $8::uuid[], $9::text[], $10::text[],
            $11::text[], $12::text[], $13::text[], $14::uuid[], $15::uuid[])
          AS won (id, occurred_at, influencer_id, campaign_id, link_id, code, platform, channel, country, visitor_id,
            customer_id, order_id)""",
        ctx.tenant_id,
        ctx.now,
        InstanceKind.PURCHASE,
        new_ids(len(won)),
        [order.occurred_at for order, _ in won],
        [touch.influencer_id for _, touch in won],
        [touch.campaign_id for _, touch in won],
        [touch.link_id for _, touch in won],
        [touch.code for _, touch in won],
        [touch.platform for _, touch in won],
        [touch.channel for _, touch in won],
        [order.country for order, _ in won],
        [order.visitor_id for order, _ in won],
        [order.customer_id for order, _ in won],
        [order.order_id for order, _ in won],
    )


@dataclass(frozen=True, slots=True)
class BookedCredit:
    """A stored credit of a booked weight above 0. code: its touch's."""

    order_id: UUID
    credit_id: UUID
    campaign_id: UUID | None
    influencer_id: UUID | None
    platform: str | None
    code: str | None
    weight: int


async def booked_credits(ctx: Ctx, session: ReadSession, order_ids: Collection[UUID]) -> dict[UUID, list[BookedCredit]]:
    """Credits in force with a booked weight above 0, by order, oldest touch first; test orders have none."""
    rows = await session.fetch(
        """/* attribution.booked_credits */
        SELECT order_id, id, campaign_id, influencer_id, platform, code, weight_booked
        FROM credits
        WHERE tenant_id = $1 AND order_id = ANY($2::uuid[]) AND weight_booked > 0 AND superseded_at = 'infinity'
        ORDER BY order_id, position""",
        ctx.tenant_id,
        list(order_ids),
    )
    found: dict[UUID, list[BookedCredit]] = {}
    for row in rows:
        found.setdefault(row["order_id"], []).append(
            BookedCredit(
                order_id=row["order_id"],
                credit_id=row["id"],
                campaign_id=row["campaign_id"],
                influencer_id=row["influencer_id"],
                platform=row["platform"],
                code=row["code"],
                weight=row["weight_booked"],
            )
        )
    for of_order in found.values():
        assert sum(credit.weight for credit in of_order) == WEIGHT_ONE
    return found


async def explanations(ctx: Ctx, session: ReadSession, order_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """The explanations as JSON values, by order."""
    rows = await session.fetch(
        """/* attribution.explanations */
        SELECT order_id, model, rule, candidates, cause, revision
        FROM attributions
        WHERE tenant_id = $1 AND order_id = ANY($2::uuid[])""",
        ctx.tenant_id,
        list(order_ids),
    )
    return {
        row["order_id"]: explanation(
            row["model"], row["rule"], row["candidates"], cause=row["cause"], revision=row["revision"]
        )
        for row in rows
    }


def explanation(
    model: str,
    rule: str,
    candidates: Sequence[dict[str, Any]],
    *,
    cause: str = AttributionCause.BOOKED,
    revision: int = 1,
) -> dict[str, Any]:
    """The explanation as it is answered: model, rule, and the candidates as stored (Judged.to_json)."""
    return {
        "model": str(model),
        "rule": str(rule),
        "candidates": list(candidates),
        "cause": str(cause),
        "revision": revision,
    }
