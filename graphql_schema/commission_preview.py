"""`previewCommission`: what an order would earn if it were recorded now."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from app.campaigns.queries import CAMPAIGNS
from app.commissions.accrue import Share
from app.commissions.plans.queries import PLAN_VERSIONS
from app.commissions.service import NewCommission
from app.core.context import Scope
from app.core.money import from_minor
from app.core.words import CommissionKind, PlanCap
from app.influencers.queries import INFLUENCERS
from app.usecases.earning import Earned
from app.usecases.preview_commission import preview_commission
from graphql_schema.attribution import AttributionExplanation
from graphql_schema.commission_ratings import CommissionRating, previewed_rating
from graphql_schema.context import Info
from graphql_schema.families import one_row
from graphql_schema.order_writes import OrderInput
from graphql_schema.permissions import requires
from graphql_schema.scalars import CurrencyCode

if TYPE_CHECKING:
    from graphql_schema.campaigns import Campaign
    from graphql_schema.commission_plans import CommissionPlanVersion
    from graphql_schema.influencers import Influencer

LazyCampaign = Annotated["Campaign", strawberry.lazy("graphql_schema.campaigns")]
LazyInfluencer = Annotated["Influencer", strawberry.lazy("graphql_schema.influencers")]
LazyPlanVersion = Annotated["CommissionPlanVersion", strawberry.lazy("graphql_schema.commission_plans")]


@strawberry.type(description="What one line would earn.")
class PreviewedLine:
    """What one line would earn."""

    position: int = strawberry.field(description="Number of the line within the order; -1 for what no line earns.")
    sku: str | None = strawberry.field(description="Its product's SKU.")
    amount: Decimal = strawberry.field(description="Major units of the commission's currency.")
    rule: str | None = strawberry.field(description="Key of the rule that gives it; null without a plan.")
    rate: Decimal | None = strawberry.field(description="Share that the rule gives, six digits; null for amounts.")


@strawberry.type(description="A commission that the order would earn.")
class PreviewedCommission:
    """A commission that the order would earn."""

    kind: CommissionKind = strawberry.field(description="ACCRUAL, or BONUS where a threshold would be reached.")
    currency: CurrencyCode = strawberry.field(description="The order's; a bonus's is the tenant's.")
    amount: Decimal = strawberry.field(description="Major units.")
    rate: Decimal | None = strawberry.field(description="Share of the commission base, where it is one for all lines.")
    capped_by: PlanCap | None = strawberry.field(description="Which limit of the plan cuts it; null: none.")
    lacks_exchange_rate: bool = strawberry.field(
        description="For want of a rate of the order's day some rule of the plan, or all of it, cannot be applied."
    )
    lines: list[PreviewedLine] = strawberry.field(description="Its parts, in order of position.")
    rating: CommissionRating | None = strawberry.field(
        description="How its plan would rate its credit; of a bonus, the credit that it comes with. Null without "
        "a plan."
    )
    influencer_id: strawberry.Private[UUID]
    campaign_id: strawberry.Private[UUID | None]
    plan_version_id: strawberry.Private[UUID | None]

    influencer = one_row(LazyInfluencer, INFLUENCERS, "influencer_id", "Who would earn it.")

    campaign = one_row(LazyCampaign, CAMPAIGNS, "campaign_id", "The campaign whose terms apply; null without one.")

    plan_version = one_row(
        LazyPlanVersion, PLAN_VERSIONS, "plan_version_id", "The version whose rules give it; null without a plan."
    )


@strawberry.type(description="What an order would earn if it were recorded now. Nothing is written.")
class CommissionPreview:
    """What an order would earn."""

    attribution: AttributionExplanation = strawberry.field(
        description="Why it would, or would not, be credited. Its `orderId` is of no order."
    )
    commissions: list[PreviewedCommission] = strawberry.field(description="What it would earn, and bonuses with it.")


def _previewed(info: Info, earned: Earned, row: NewCommission, skus: Mapping[int, str | None]) -> PreviewedCommission:
    is_accrual, rated = row is earned.accrual, earned.rated
    return PreviewedCommission(
        kind=row.kind,
        currency=CurrencyCode(row.currency),
        amount=from_minor(row.amount.amount, row.currency),
        rate=row.terms.rate,
        capped_by=rated.cap if rated is not None and is_accrual else None,
        lacks_exchange_rate=earned.lacks_rate,
        lines=_lines(row.amount.shares, row.currency, skus),
        rating=None
        if earned.rating is None or earned.version is None
        else previewed_rating(earned.rating, earned.version, info.context.ctx.tenant.currency),
        influencer_id=row.terms.influencer_id,
        campaign_id=row.terms.campaign_id,
        plan_version_id=row.terms.plan_version_id,
    )


def _lines(shares: Sequence[Share], currency: str, skus: Mapping[int, str | None]) -> list[PreviewedLine]:
    return [
        PreviewedLine(
            position=share.place[0],
            sku=skus.get(share.place[0]),
            amount=from_minor(share.amount, currency),
            rule=share.rule,
            rate=share.rate,
        )
        for share in shares
    ]


@strawberry.type
class Query:
    """Fields of this file."""

    @strawberry.field(
        description="What an order would be credited to and earn if it were recorded now, by the functions that would "
        "record it: bonuses and limits included. Nothing is written, customers and products included.",
        extensions=[requires(Scope.MONEY_READ)],
    )
    async def preview_commission(
        self,
        info: Info,
        order: Annotated[OrderInput, strawberry.argument(description="The order as it would be recorded.")],
    ) -> CommissionPreview:
        """What an order would earn."""
        asked = order.value()
        preview = await preview_commission(info.context.runtime, info.context.ctx, asked)
        skus = {index if line.position is None else line.position: line.sku for index, line in enumerate(asked.lines)}
        return CommissionPreview(
            attribution=AttributionExplanation.stored(info, preview.order_id, preview.explanation),
            commissions=[
                _previewed(info, earned, row, skus)
                for earned in preview.earned
                for row in (earned.accrual, *earned.bonuses)
            ],
        )
