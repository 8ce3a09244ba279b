"""Mutations of attribution: the tenant's rules, and judging recorded orders again."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import strawberry

from app.attribution.rules import RULES, OwnRules, RulesChange
from app.campaigns.queries import CAMPAIGNS
from app.core.context import Scope
from app.core.outcomes import Outcome
from app.core.words import AttributionModel, CodePolicy, PaidSearch
from app.influencers.queries import INFLUENCERS
from app.orders.queries import ORDERS
from app.usecases.recompute_attribution import ORDERS_MAX, Recomputation, recompute_attribution
from app.usecases.set_attribution_rules import set_attribution_rules
from graphql_schema.attribution import AttributionExplanation
from graphql_schema.campaigns import Campaign
from graphql_schema.context import Info
from graphql_schema.families import one_row
from graphql_schema.influencers import Influencer
from graphql_schema.orders import Order
from graphql_schema.permissions import requires
from graphql_schema.scalars import CurrencyCode, required_uuid, uuid_of
from graphql_schema.writes import IDEMPOTENCY_KEY, ItemResult, Payload, given


@strawberry.type(
    description="The tenant's rules of attribution: for touches outside campaigns, and for campaigns that do not say "
    "otherwise."
)
class AttributionRules:
    """The tenant's rules of attribution."""

    model: AttributionModel = strawberry.field(description="How the credit of an order is shared.")
    half_life_days: int = strawberry.field(description="Days by which a touch counts half as much under TIME_DECAY.")
    window_days: int | None = strawberry.field(
        description="Days after a touch outside campaigns during which an order is credited to it; null: the server's."
    )
    code_policy: CodePolicy = strawberry.field(description="When codes outside campaigns count.")
    paid_search: PaidSearch = strawberry.field(
        description="What becomes of touches outside campaigns that came by an advertisement in a search engine."
    )

    @staticmethod
    def of(rules: OwnRules) -> "AttributionRules":
        """The rules as they are shown."""
        return AttributionRules(
            model=rules.model,
            half_life_days=rules.half_life_days,
            window_days=rules.window_days,
            code_policy=rules.code_policy,
            paid_search=rules.paid_search,
        )


async def _rules(info: Info) -> AttributionRules:
    ctx = info.context.ctx
    async with info.context.runtime.db.read(ctx.tenant_id) as session:
        return AttributionRules.of(await RULES.load(ctx, session))


@strawberry.input(description="What changes of the tenant's rules. Recorded orders are credited as they were.")
class SetAttributionRulesInput:
    """What changes of the tenant's rules."""

    model: AttributionModel | None = strawberry.field(
        default=strawberry.UNSET, description="How credit is shared; cannot be null."
    )
    half_life_days: int | None = strawberry.field(
        default=strawberry.UNSET, description="1 to 365, under TIME_DECAY; cannot be null."
    )
    window_days: int | None = strawberry.field(
        default=strawberry.UNSET, description="1 to 730, of touches outside campaigns; null: the server's setting."
    )
    code_policy: CodePolicy | None = strawberry.field(
        default=strawberry.UNSET, description="Of codes outside campaigns; cannot be null."
    )
    paid_search: PaidSearch | None = strawberry.field(
        default=strawberry.UNSET, description="Of touches outside campaigns; cannot be null."
    )
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.type(description="What became of a change of rules.")
class AttributionRulesResult(ItemResult):
    """What became of a change of rules."""

    @strawberry.field(description="The rules as they are now.")
    async def rules(self, info: Info) -> AttributionRules:
        """The rules as they are now."""
        return await _rules(info)


@strawberry.type(description="What became of a change of rules.")
class SetAttributionRulesPayload(Payload[AttributionRulesResult]):
    """What became of a change of rules."""


@strawberry.input(
    description="Orders to judge again by the rules of now, a page at a time, oldest first: windows, policies, models, "
    "codes, identities and touches recorded since. Statuses of influencers, campaigns and enrollments count as they "
    "were when an order was recorded."
)
class RecomputeAttributionInput:
    """Orders to judge again."""

    from_: datetime = strawberry.field(name="from", description="Orders placed from this instant on.")
    until: datetime = strawberry.field(description="Until before this instant.")
    reason: str = strawberry.field(description="Why: kept with each judgement that is replaced.")
    campaigns: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET, description="Only orders for which a touch of one of these was looked at."
    )
    first: int | None = strawberry.field(
        default=strawberry.UNSET, description=f"Orders of the page, 1 to {ORDERS_MAX}, which it is when not given."
    )
    after: str | None = strawberry.field(
        default=strawberry.UNSET, description="Where the page begins: what the page before gave."
    )
    post: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The mark of a preview of the same page: post what it showed, if that is still what changes. "
        "Without it nothing is changed: this is the preview.",
    )
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)

    def value(self) -> Recomputation:
        """What is asked, as the use case takes it."""
        campaigns = self.campaigns if self.campaigns is not strawberry.UNSET else None
        return Recomputation(
            start=self.from_,
            end=self.until,
            reason=self.reason,
            campaign_ids=None
            if campaigns is None
            else tuple(required_uuid(each, path=("campaigns",)) for each in campaigns),
            first=self.first if isinstance(self.first, int) else ORDERS_MAX,
            after=self.after if isinstance(self.after, str) else None,
            post=self.post if isinstance(self.post, str) else None,
        )


@strawberry.type(description="What an influencer gets, or loses, when an order is judged otherwise.")
class CommissionDifference:
    """What an influencer gets, or loses."""

    amount: Decimal = strawberry.field(description="Major units; negative where it is lost.")
    currency: CurrencyCode = strawberry.field(description="The order's currency; of a bonus the tenant's.")
    influencer_id: strawberry.Private[UUID | None]
    campaign_id: strawberry.Private[UUID | None]

    influencer = one_row(Influencer, INFLUENCERS, "influencer_id", "Whose it is.")

    campaign = one_row(Campaign, CAMPAIGNS, "campaign_id", "By which campaign; null: outside any.")


@strawberry.type(description="An order that is judged otherwise, or, in a preview, would be.")
class RecomputedOrder(ItemResult):
    """An order that is judged otherwise, or would be."""

    order = one_row(Order, ORDERS, "row_id", "The order.")

    @strawberry.field(description="How it was judged.")
    def before(self, info: Info) -> AttributionExplanation | None:
        """How it was judged."""
        return self._told(info, "before")

    @strawberry.field(description="How it is judged now.")
    def after(self, info: Info) -> AttributionExplanation | None:
        """How it is judged now."""
        return self._told(info, "after")

    @strawberry.field(description="What it moves of commissions: nothing where influencers keep what they had.")
    def differences(self) -> list[CommissionDifference]:
        """What it moves of commissions."""
        return [
            CommissionDifference(
                amount=Decimal(each["amount"]),
                currency=CurrencyCode(each["currency"]),
                influencer_id=uuid_of(each["influencerId"]),
                campaign_id=None if each["campaignId"] is None else uuid_of(each["campaignId"]),
            )
            for each in self.detail.get("differences", ())
        ]

    def _told(self, info: Info, which: str) -> AttributionExplanation | None:
        why: dict[str, Any] | None = self.detail.get(which)
        if why is None:
            return None
        assert self.row_id is not None, "what is explained was recorded"
        return AttributionExplanation.stored(info, self.row_id, why)


@strawberry.type(description="A page of orders that were judged again: those that are judged otherwise.")
class RecomputeAttributionPayload(Payload[RecomputedOrder]):
    """A page of orders that were judged again."""

    is_preview: bool = strawberry.field(
        description="Whether nothing was changed: outcomes and counts are what posting it would give."
    )
    post: str | None = strawberry.field(
        description="Of a preview that shows changes: what to give as `post` to have exactly these posted."
    )
    order_count: int = strawberry.field(description="Orders of the page, those that stay as they are among them.")
    after: str | None = strawberry.field(description="Where the next page begins; null: this was the last.")


@strawberry.type
class Query:
    """Fields of this file."""

    @strawberry.field(
        description="The tenant's rules of attribution.",
        extensions=[requires(Scope.PROGRAM_READ)],
    )
    async def attribution_rules(self, info: Info) -> AttributionRules:
        """The tenant's rules of attribution."""
        return await _rules(info)


@strawberry.type
class Mutation:
    """Fields of this file."""

    @strawberry.mutation(
        description="Sets the tenant's rules of attribution: only what is mentioned. Recorded orders are credited as "
        "they were; `recomputeAttribution` judges them again.",
        extensions=[requires(Scope.PROGRAM_WRITE)],
    )
    async def set_attribution_rules(
        self,
        info: Info,
        input: Annotated[
            SetAttributionRulesInput,
            strawberry.argument(description="The rules, and what makes the call safe to repeat."),
        ],
    ) -> SetAttributionRulesPayload:
        """Set the tenant's rules."""
        outcomes = await set_attribution_rules(
            info.context.runtime,
            info.context.ctx,
            RulesChange(**given(input, "idempotency_key")),
            idempotency_key=input.idempotency_key or None,
        )
        return SetAttributionRulesPayload.of(outcomes, AttributionRulesResult)

    @strawberry.mutation(
        description="Judges recorded orders again by the rules of now. Without `post` it shows what would change; with "
        "it, it posts exactly that: credits from now on, commissions as differences, and the judgements that were as "
        "history.",
        extensions=[requires(Scope.MONEY_WRITE)],
    )
    async def recompute_attribution(
        self,
        info: Info,
        input: Annotated[
            RecomputeAttributionInput,
            strawberry.argument(description="Which orders, why, and whether to post."),
        ],
    ) -> RecomputeAttributionPayload:
        """Judge recorded orders again."""
        found = await recompute_attribution(
            info.context.runtime,
            info.context.ctx,
            input.value(),
            idempotency_key=input.idempotency_key or None,
        )
        info.context.loaders.forget()
        return RecomputeAttributionPayload(
            results=[RecomputedOrder.of(outcome) for outcome in found.outcomes],
            recorded_count=sum(outcome.outcome is Outcome.RECORDED for outcome in found.outcomes),
            replayed_count=sum(outcome.outcome is Outcome.REPLAYED for outcome in found.outcomes),
            rejected_count=0,
            is_preview=found.is_preview,
            post=found.mark,
            order_count=found.orders,
            after=found.after,
        )
