"""Ratings as rows: what a credit was rated by is kept, so that an edit is rated as the order was. Append-only."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from app.commissions.plans.evaluate import Before, Facts, Rated
from app.core.context import Ctx
from app.core.ids import new_ids
from app.core.words import CustomerKind, PlanCap
from app.db.session import ReadSession, WriteSession


@dataclass(frozen=True, slots=True)
class Rating:
    """A row of commission_ratings. categories: of the order's products as they were; only where a rule asks. refunded:
    by position, what of the lines had come back by then."""

    order_id: UUID
    credit_id: UUID
    influencer_id: UUID
    campaign_id: UUID | None
    plan_id: UUID
    version_id: UUID
    sequence: int | None
    budget_sequence: int | None
    facts: Facts
    before: Before
    categories: dict[UUID, str]
    refunded: dict[int, int]
    outcome: dict[str, Any]

    @property
    def lacks_rate(self) -> bool:
        """Whether a rule could not be applied for want of an exchange rate."""
        lacks: bool = self.outcome["lacksRate"]
        return lacks

    def to_json(self) -> dict[str, Any]:
        """What is kept of it beside its keys."""
        facts = self.facts
        return {
            "weight": facts.weight,
            "ownRate": facts.own_rate,
            "code": facts.code,
            "country": facts.country,
            "customerKind": facts.customer_kind,
            "ordersBefore": facts.orders_before,
            "monthsUntil": {str(months): until.isoformat() for months, until in facts.months_until.items()},
            "factor": None if facts.factor is None else str(facts.factor),
            "volumes": {counter: list(pair) for counter, pair in self.before.volumes.items()},
            "rooms": {str(cap): room for cap, room in self.before.rooms.items()},
            "categories": {str(product_id): category for product_id, category in self.categories.items()},
            "refunded": {str(position): amount for position, amount in self.refunded.items()},
            **self.outcome,
        }


NOTHING: dict[str, Any] = {"added": {}, "dues": [], "earned": 0, "cap": None, "lacksRate": False}
"""The outcome of a rating that counts for nothing any more."""


def outcome_of(rated: Rated) -> dict[str, Any]:
    """What came of a rating beside the commission: kept, so that what was counted can be told and taken back."""
    return {
        "added": {counter: list(pair) for counter, pair in rated.added.items()},
        "dues": [list(due) for due in rated.dues],
        "earned": rated.earned,
        "cap": rated.cap,
        "lacksRate": rated.lacks_rate,
    }


async def insert_ratings(ctx: Ctx, session: WriteSession, ratings: Sequence[Rating]) -> None:
    """Insert the ratings, in one statement."""
    if not ratings:
        return
    await session.later(
        """/* commission_ratings.insert */
        INSERT INTO commission_ratings (tenant_id, id, order_id, credit_id, influencer_id, campaign_id, plan_id,
          version_id, sequence, budget_sequence, facts, occurred_at, recorded_at)
        SELECT $1, rating.*, $2
        FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[], $9::uuid[], $10::bigint[],
            $11::bigint[], $12::jsonb[], $13::timestamptz[])
          AS rating (id, order_id, credit_id, influencer_id, campaign_id, plan_id, version_id, sequence,
            budget_sequence, facts, occurred_at)""",
        ctx.tenant_id,
        ctx.now,
        new_ids(len(ratings)),
        [rating.order_id for rating in ratings],
        [rating.credit_id for rating in ratings],
        [rating.influencer_id for rating in ratings],
        [rating.campaign_id for rating in ratings],
        [rating.plan_id for rating in ratings],
        [rating.version_id for rating in ratings],
        [rating.sequence for rating in ratings],
        [rating.budget_sequence for rating in ratings],
        [rating.to_json() for rating in ratings],
        [rating.facts.occurred_at for rating in ratings],
    )


async def newest_ratings(ctx: Ctx, session: ReadSession, order_ids: Collection[UUID]) -> dict[UUID, Rating]:
    """The newest rating of each credit of these orders, by credit, also of credits that are not in force any more."""
    if not order_ids:
        return {}
    rows = await session.fetch(
        """/* commission_ratings.newest */
        SELECT DISTINCT ON (credit_id) order_id, credit_id, influencer_id, campaign_id, plan_id, version_id, sequence,
          budget_sequence, facts, occurred_at
        FROM commission_ratings
        WHERE tenant_id = $1 AND order_id = ANY($2::uuid[])
        ORDER BY credit_id, id DESC""",
        ctx.tenant_id,
        list(order_ids),
    )
    return {row["credit_id"]: _rating(row) for row in rows}


def _rating(row: Any) -> Rating:
    facts = row["facts"]
    return Rating(
        order_id=row["order_id"],
        credit_id=row["credit_id"],
        influencer_id=row["influencer_id"],
        campaign_id=row["campaign_id"],
        plan_id=row["plan_id"],
        version_id=row["version_id"],
        sequence=row["sequence"],
        budget_sequence=row["budget_sequence"],
        facts=facts_of(facts, row["occurred_at"]),
        before=Before(
            {counter: (pair[0], pair[1]) for counter, pair in facts["volumes"].items()},
            {PlanCap(cap): room for cap, room in facts["rooms"].items()},
        ),
        categories={UUID(product_id): category for product_id, category in facts["categories"].items()},
        refunded={int(position): amount for position, amount in facts["refunded"].items()},
        outcome={name: facts[name] for name in ("added", "dues", "earned", "cap", "lacksRate")},
    )


def facts_of(value: dict[str, Any], occurred_at: datetime) -> Facts:
    """The facts that `to_json` kept."""
    return Facts(
        occurred_at=occurred_at,
        weight=value["weight"],
        own_rate=value["ownRate"],
        code=value["code"],
        country=value["country"],
        customer_kind=None if value["customerKind"] is None else CustomerKind(value["customerKind"]),
        orders_before=value["ordersBefore"],
        months_until={int(months): datetime.fromisoformat(until) for months, until in value["monthsUntil"].items()},
        factor=None if value["factor"] is None else Fraction(value["factor"]),
    )
