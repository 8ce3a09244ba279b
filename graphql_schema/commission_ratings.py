"""How a plan rated a credit, as it is shown: of a commission, and of one that a preview tells of."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import strawberry

from app.commissions.plans.evaluate import REVENUE
from app.commissions.plans.ratings import Rating
from app.commissions.plans.rules import Version
from app.core import words
from app.core.money import WEIGHT_ONE, from_minor
from app.core.words import PlanCap
from graphql_schema.scalars import CurrencyCode
from graphql_schema.words import vocabulary

vocabulary(
    words.PlanCap,
    "Which limit of a plan cut what an order earned.",
    ORDER="Per order.",
    PERIOD="Per influencer and period.",
    INFLUENCER="Per influencer.",
    CAMPAIGN="The campaign's budget.",
)

NOTHING = (0, 0)


@strawberry.type(
    description="What was counted of an influencer in the order's period: before the credit, and what it added."
)
class CountedVolume:
    """What was counted of an influencer."""

    rule: str | None = strawberry.field(
        description="Key of the rule whose tiers look at it; null: of all that the plan rated, which bonuses look at."
    )
    revenue_before: Decimal = strawberry.field(description="Revenue before, major units.")
    orders_before: Decimal = strawberry.field(description="Orders before, by credit.")
    revenue: Decimal = strawberry.field(description="Revenue that it added, major units.")
    orders: Decimal = strawberry.field(description="Orders that it added: its share of the order.")


@strawberry.type(
    description="How a plan rated a credit, the last time that it was rated. With rules, tiers and lines it tells why "
    "so much was earned."
)
class CommissionRating:
    """How a plan rated a credit."""

    sequence: int | None = strawberry.field(
        description="Its number among the ratings of plan and influencer, in the order in which they were counted; "
        "null where the version counts nothing, and of a credit that is not counted any more."
    )
    capped_by: PlanCap | None = strawberry.field(description="Which limit of the plan cut it; null: none.")
    lacks_exchange_rate: bool = strawberry.field(
        description="For want of a rate of the order's day some rule of the plan, or all of it, could not be applied."
    )
    currency: CurrencyCode = strawberry.field(description="Of revenue that was counted: the tenant's.")
    counted: list[CountedVolume] = strawberry.field(
        description="What was counted, by rules whose tiers decided lines, in order of their keys; then, where there "
        "are bonuses, of all that the plan rated."
    )


def recorded_rating(row: Any, version: Any) -> CommissionRating:
    """How a commission was rated. row: of COMMISSION_RATINGS. version: of APPLIED_VERSIONS."""
    return CommissionRating(
        sequence=row["sequence"],
        capped_by=None if row["cap"] is None else PlanCap(row["cap"]),
        lacks_exchange_rate=row["lacks_rate"],
        currency=CurrencyCode(version["currency"]),
        counted=_counted(row["added"], row["volumes"], bool(version["terms"]["bonuses"]), version["currency"]),
    )


def previewed_rating(rating: Rating, version: Version, currency: str) -> CommissionRating:
    """How a credit would be rated. currency: the tenant's."""
    cap = rating.outcome["cap"]
    return CommissionRating(
        sequence=rating.sequence,
        capped_by=None if cap is None else PlanCap(cap),
        lacks_exchange_rate=rating.lacks_rate,
        currency=CurrencyCode(currency),
        counted=_counted(rating.outcome["added"], rating.before.volumes, bool(version.bonuses), currency),
    )


def _counted(
    added: Mapping[str, Sequence[int]], before: Mapping[str, Sequence[int]], has_bonuses: bool, currency: str
) -> list[CountedVolume]:
    counters = sorted(added.keys() - {REVENUE}) + ([REVENUE] if has_bonuses and REVENUE in added else [])
    return [
        CountedVolume(
            rule=None if counter == REVENUE else counter,
            revenue_before=from_minor(before.get(counter, NOTHING)[0], currency),
            orders_before=_orders(before.get(counter, NOTHING)[1]),
            revenue=from_minor(added[counter][0], currency),
            orders=_orders(added[counter][1]),
        )
        for counter in counters
    ]


def _orders(weight: int) -> Decimal:
    # Quotients of this are exact: credits have nine digits.
    return (Decimal(weight) / WEIGHT_ONE).normalize()
