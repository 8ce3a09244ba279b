"""`recomputeCommissions`: rating recorded orders anew."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import strawberry

from app.campaigns.queries import CAMPAIGNS
from app.core.context import Scope
from app.core.words import CommissionKind
from app.influencers.queries import INFLUENCERS
from app.orders.queries import ORDERS
from app.usecases.recompute_commissions import ORDERS_MAX, Recomputation, recompute_commissions
from graphql_schema.campaigns import Campaign
from graphql_schema.context import Info
from graphql_schema.families import one_row
from graphql_schema.influencers import Influencer
from graphql_schema.orders import Order
from graphql_schema.permissions import requires
from graphql_schema.scalars import CurrencyCode, required_uuid, uuid_of
from graphql_schema.writes import IDEMPOTENCY_KEY, ItemResult, Payload


@strawberry.input(
    description="Orders to rate anew, in the order of their time: as they are now, by the plans and versions that hold "
    "for their dates now. What orders outside the range had counted for tiers, bonuses and caps counts before them: "
    "give whole periods."
)
class RecomputeCommissionsInput:
    """Orders to rate anew."""

    from_: datetime = strawberry.field(name="from", description="Orders placed from this instant on.")
    until: datetime = strawberry.field(description=f"Until before this instant; at most {ORDERS_MAX} orders.")
    reason: str = strawberry.field(description="Why; kept with every commission that is posted.")
    influencers: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET,
        description="Only what these earn. Others who are credited for the same orders keep their terms, and get or "
        "lose a unit at most, by the rounding of the whole order.",
    )
    campaigns: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET, description="Only what is earned in these."
    )
    post: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The mark of a preview of the same: post what it showed, if that is still what changes. Without it "
        "nothing is changed: this is the preview.",
    )
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)

    def value(self) -> Recomputation:
        """What is asked, as the use case takes it."""
        return Recomputation(
            start=self.from_,
            end=self.until,
            reason=self.reason,
            influencer_ids=_ids(self.influencers, "influencers"),
            campaign_ids=_ids(self.campaigns, "campaigns"),
            post=self.post if isinstance(self.post, str) else None,
        )


def _ids(ids: list[strawberry.ID] | None, name: str) -> tuple[UUID, ...] | None:
    if ids is None or ids is strawberry.UNSET:
        return None
    return tuple(required_uuid(each, path=("input", name)) for each in ids)


@strawberry.type(description="What an influencer gets, or loses, when an order is rated anew.")
class RatingDifference:
    """What an influencer gets, or loses."""

    kind: CommissionKind = strawberry.field(description="ACCRUAL, EDIT, REVERSAL or BONUS: what is posted.")
    amount: Decimal = strawberry.field(description="Major units; negative where it is lost.")
    currency: CurrencyCode = strawberry.field(description="The order's; of a bonus the tenant's.")
    influencer_id: strawberry.Private[UUID | None]
    campaign_id: strawberry.Private[UUID | None]

    influencer = one_row(Influencer, INFLUENCERS, "influencer_id", "Whose it is.")

    campaign = one_row(Campaign, CAMPAIGNS, "campaign_id", "By which campaign; null: outside any.")


@strawberry.type(description="An order that earns otherwise when it is rated anew, or, in a preview, would.")
class ReratedOrder(ItemResult):
    """An order that earns otherwise."""

    order = one_row(Order, ORDERS, "row_id", "The order.")

    @strawberry.field(description="What it moves, by influencer, campaign and kind.")
    def differences(self) -> list[RatingDifference]:
        """What it moves."""
        return [
            RatingDifference(
                kind=CommissionKind(each["kind"]),
                amount=Decimal(each["amount"]),
                currency=CurrencyCode(each["currency"]),
                influencer_id=uuid_of(each["influencerId"]),
                campaign_id=None if each["campaignId"] is None else uuid_of(each["campaignId"]),
            )
            for each in self.detail.get("differences", ())
        ]


@strawberry.type(description="Orders that were rated anew: those that earn otherwise.")
class RecomputeCommissionsPayload(Payload[ReratedOrder]):
    """Orders that were rated anew."""

    is_preview: bool = strawberry.field(
        description="Whether nothing was changed: outcomes and counts are what posting it would give."
    )
    post: str | None = strawberry.field(
        description="Of a preview that shows changes: what to give as `post` to have exactly these posted."
    )
    order_count: int = strawberry.field(description="Orders looked at, those that stay as they are among them.")


@strawberry.type
class Mutation:
    """Fields of this file."""

    @strawberry.mutation(
        description="Rates recorded orders anew by the plans of now: after a version dated back, an edit or an order "
        "that came late, which change nothing else by themselves. Without `post` it shows what would change; with it, "
        "it posts exactly that, as differences. Credits without a plan, then and now, keep the rate they were booked "
        "at.",
        extensions=[requires(Scope.MONEY_WRITE)],
    )
    async def recompute_commissions(
        self,
        info: Info,
        input: Annotated[
            RecomputeCommissionsInput,
            strawberry.argument(description="Which orders, why, and whether to post."),
        ],
    ) -> RecomputeCommissionsPayload:
        """Rate recorded orders anew."""
        found = await recompute_commissions(
            info.context.runtime,
            info.context.ctx,
            input.value(),
            idempotency_key=input.idempotency_key or None,
        )
        info.context.loaders.forget()
        return RecomputeCommissionsPayload(
            results=[ReratedOrder.of(outcome) for outcome in found.outcomes],
            recorded_count=len(found.outcomes),
            replayed_count=0,
            rejected_count=0,
            is_preview=found.is_preview,
            post=found.mark,
            order_count=found.orders,
        )
