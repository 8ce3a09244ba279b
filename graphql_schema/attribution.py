"""Why an order was, or was not, credited: `explainAttribution`, and the same under orders and what records them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from app.analytics.query import Attribution
from app.attribution.explained import ExplainedCandidate, ExplainedTouch, explained
from app.attribution.queries import ATTRIBUTION_CHANGES, ATTRIBUTIONS
from app.campaigns.queries import CAMPAIGNS
from app.core.context import Scope
from app.core.money import WEIGHT_ONE
from app.core.words import AttributionCause, AttributionRule, RejectReason, TouchKind
from app.influencers.queries import INFLUENCERS
from graphql_schema.context import Info
from graphql_schema.families import one_row
from graphql_schema.loaders import Children
from graphql_schema.permissions import requires
from graphql_schema.scalars import required_uuid

if TYPE_CHECKING:
    from graphql_schema.campaigns import Campaign
    from graphql_schema.influencers import Influencer

LazyCampaign = Annotated["Campaign", strawberry.lazy("graphql_schema.campaigns")]
LazyInfluencer = Annotated["Influencer", strawberry.lazy("graphql_schema.influencers")]

_ATTRIBUTION = Children(ATTRIBUTIONS, "order_id", "item.judged_at")
_HISTORY = Children(ATTRIBUTION_CHANGES, "order_id", "item.revision")

_RULES = {
    AttributionRule.CODE_AT_CHECKOUT: "a valid code was given with the order, which comes before any click",
    AttributionRule.LATEST_TOUCH: "no valid code was given: the latest touch that counts chose the campaign, and its "
    "model shares the credit",
    AttributionRule.NO_TOUCH: "no touch counts; nobody is credited",
    AttributionRule.TEST_ORDER: "test orders are never credited",
}


@strawberry.type(
    description="A tracked interaction, seen as evidence for attribution. To an influencer's key the touches of others "
    "are unnamed: no influencer, campaign and code, and an id of no other use."
)
class Touch:
    """A tracked interaction, seen as evidence for attribution."""

    id: strawberry.ID = strawberry.field(
        description="Id of its instance. A code given at checkout has none, and an id made for this order alone."
    )
    kind: TouchKind = strawberry.field(description="How it reached the customer.")
    occurred_at: datetime = strawberry.field(description="When it did; a code's time is the order's.")
    code: str | None = strawberry.field(description="The coupon code, in upper case.")
    influencer_id: strawberry.Private[UUID | None]
    campaign_id: strawberry.Private[UUID | None]

    @staticmethod
    def of(touch: ExplainedTouch) -> "Touch":
        """The touch as it is shown."""
        return Touch(
            id=strawberry.ID(str(touch.id)),
            kind=touch.kind,
            occurred_at=touch.at,
            code=touch.code,
            influencer_id=touch.influencer_id,
            campaign_id=touch.campaign_id,
        )

    influencer = one_row(LazyInfluencer, INFLUENCERS, "influencer_id", "Whose touch it was; null when unknown.")

    campaign = one_row(LazyCampaign, CAMPAIGNS, "campaign_id", "For which campaign; null: outside any.")


@strawberry.type(description="A touch that was looked at for an order, with its credit or why it earned none.")
class Candidate:
    """A touch that was looked at for an order."""

    touch: Touch = strawberry.field(description="The touch.")
    credit: Decimal = strawberry.field(description="Booked share of the order, 0 to 1, nine digits.")
    rejected: RejectReason | None = strawberry.field(description="Why it earned nothing; null if it did.")

    @staticmethod
    def each(candidates: Iterable[ExplainedCandidate]) -> "list[Candidate]":
        """The candidates as they are shown."""
        return [
            Candidate(
                touch=Touch.of(candidate.touch),
                credit=Decimal(candidate.weight) / WEIGHT_ONE,
                rejected=candidate.reason,
            )
            for candidate in candidates
        ]


@strawberry.type(description="How an order was judged before it was judged again.")
class FormerAttribution:
    """How an order was judged before it was judged again."""

    revision: int = strawberry.field(description="Which of its judgements it was, from 1.")
    model: Attribution = strawberry.field(description="How the credit was shared.")
    rule: str = strawberry.field(description="What decided.")
    winner: Touch | None = strawberry.field(description="The touch whose purchase the order was; null: nobody's.")
    candidates: list[Candidate] = strawberry.field(description="All touches that were looked at, with their credit.")
    judged_at: datetime = strawberry.field(description="When it was judged so.")
    replaced_at: datetime = strawberry.field(description="When it was judged otherwise.")
    cause: AttributionCause = strawberry.field(description="Why it was judged otherwise.")
    reason: str | None = strawberry.field(description="In the words of who asked for it.")


@strawberry.type(description="Why an order is, or is not, credited: as it was judged last.")
class AttributionExplanation:
    """Why an order was, or was not, credited."""

    order_id: strawberry.ID = strawberry.field(description="Of the order.")
    model: Attribution = strawberry.field(description="How the credit was shared.")
    winner: Touch | None = strawberry.field(
        description="The touch whose purchase the order is; null: nobody is credited."
    )
    rule: str = strawberry.field(
        description=f"What decided. {'; '.join(f'{rule.value}: {words}' for rule, words in _RULES.items())}."
    )
    candidates: list[Candidate] = strawberry.field(
        description="All touches that were looked at: codes as they were given, then the others, latest first."
    )
    cause: AttributionCause = strawberry.field(description="Why it was judged so.")
    revision: int = strawberry.field(description="Which of its judgements this is: 1 when it was recorded.")
    row_id: strawberry.Private[UUID]

    @staticmethod
    def stored(info: Info, order_id: UUID, why: Mapping[str, Any]) -> "AttributionExplanation":
        """The stored explanation (attribution.explanation) as the caller sees it."""
        found = explained(
            order_id, why["model"], why["rule"], why["candidates"], own=info.context.ctx.principal.influencer_id
        )
        return AttributionExplanation(
            order_id=strawberry.ID(str(found.order_id)),
            model=Attribution(found.model.value),
            winner=None if found.winner is None else Touch.of(found.winner),
            rule=found.rule.value,
            candidates=Candidate.each(found.candidates),
            # Answers that were stored under an idempotency key before there was more than one judgement lack these.
            cause=AttributionCause(why.get("cause", AttributionCause.BOOKED)),
            revision=why.get("revision", 1),
            row_id=order_id,
        )

    @strawberry.field(description="How it was judged before, the first judgement first.")
    async def history(self, info: Info) -> list[FormerAttribution]:
        """How it was judged before."""
        own = info.context.ctx.principal.influencer_id
        former = []
        for row in await info.context.loaders.get(_HISTORY).rows_of(self.row_id):
            found = explained(self.row_id, row["model"], row["rule"], row["candidates"], own=own)
            former.append(
                FormerAttribution(
                    revision=row["revision"],
                    model=Attribution(found.model.value),
                    rule=found.rule.value,
                    winner=None if found.winner is None else Touch.of(found.winner),
                    candidates=Candidate.each(found.candidates),
                    judged_at=row["judged_at"],
                    replaced_at=row["recorded_at"],
                    cause=AttributionCause(row["cause"]),
                    reason=row["reason"] if own is None else None,
                )
            )
        return former


async def explanation_of(info: Info, order_id: UUID) -> AttributionExplanation | None:
    """Why the order was credited; None when there is no such order, or it is not the caller's. Batched."""
    rows = await info.context.loaders.get(_ATTRIBUTION).rows_of(order_id)
    if not rows:
        return None
    names = ("model", "rule", "candidates", "cause", "revision")
    return AttributionExplanation.stored(info, order_id, {name: rows[0][name] for name in names})


@strawberry.type
class Query:
    """Fields of this file."""

    @strawberry.field(
        description="Why an order was, or was not, credited: the touch that won, by which rule, and why the others did "
        "not. Null when there is no such order; a key of role influencer sees it for orders credited to them.",
        extensions=[requires(Scope.ORDERS_READ)],
    )
    async def explain_attribution(
        self, info: Info, order_id: Annotated[strawberry.ID, strawberry.argument(description="The order's id.")]
    ) -> AttributionExplanation | None:
        """Why an order was, or was not, credited."""
        return await explanation_of(info, required_uuid(order_id, path=("orderId",)))
