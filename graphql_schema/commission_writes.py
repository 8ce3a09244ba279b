"""Mutations of commissions: their states, and corrections by hand."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import strawberry

from app.analytics.query import Direction
from app.campaigns.queries import CAMPAIGNS
from app.commissions import inputs as plain
from app.commissions.queries import COMMISSION_ADJUSTMENTS, COMMISSIONS
from app.core.context import Scope
from app.core.words import AdjustmentState
from app.db.keyset import Condition
from app.influencers.queries import INFLUENCERS
from app.orders.queries import ORDERS
from app.usecases.adjust_commissions import adjust_commissions
from app.usecases.approve_commissions import approve_commissions
from app.usecases.decide_commission_adjustments import decide_commission_adjustments
from app.usecases.hold_commissions import hold_commissions
from app.usecases.reject_commissions import reject_commissions
from app.usecases.release_commissions import release_commissions
from graphql_schema.commissions import Commission
from graphql_schema.families import one_row, shows
from graphql_schema.filters import IdFilter, StringFilter, TimeFilter, any_of, on, ordering
from graphql_schema.lists import root_list
from graphql_schema.node import Node
from graphql_schema.rows import money, of_row
from graphql_schema.scalars import CurrencyCode
from graphql_schema.writes import IDEMPOTENCY_KEY, ItemResult, Payload, batch, id_named, own_id, present

if TYPE_CHECKING:
    from graphql_schema.campaigns import Campaign
    from graphql_schema.influencers import Influencer
    from graphql_schema.orders import Order

LazyCampaign = Annotated["Campaign", strawberry.lazy("graphql_schema.campaigns")]
LazyInfluencer = Annotated["Influencer", strawberry.lazy("graphql_schema.influencers")]
LazyOrder = Annotated["Order", strawberry.lazy("graphql_schema.orders")]

REASON = "Why; kept with the commission's history."


@strawberry.input(description="A commission to move. What else its credit earned moves with it.")
class CommissionMoveInput:
    """A commission to move."""

    id: strawberry.ID = strawberry.field(description="Of the commission.")
    reason: str | None = strawberry.field(default=strawberry.UNSET, description=REASON)

    def value(self) -> plain.CommissionMove:
        """The move as the use case takes it."""
        return plain.CommissionMove(id=own_id(self.id), **present(self, "id"))


@strawberry.input(description="Commissions to move, at most 1,000 items.")
class MoveCommissionsInput:
    """Commissions to move."""

    commissions: list[CommissionMoveInput] = strawberry.field(description="Which, in the order they are moved.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.type(description="What became of one commission that was to be moved.")
class CommissionResult(ItemResult):
    """What became of one commission."""

    commission = one_row(Commission, COMMISSIONS, "row_id", "As it is now; null when rejected.")


@strawberry.type(description="What became of the commissions that were to be moved.")
class MoveCommissionsPayload(Payload[CommissionResult]):
    """What became of the commissions."""


@shows(COMMISSION_ADJUSTMENTS, Scope.MONEY_READ)
@strawberry.type(description="A correction by hand of what an influencer earned.")
class CommissionAdjustment(Node):
    """A correction by hand."""

    external_id: str = strawberry.field(description="The caller's own id of it.")
    state: AdjustmentState = strawberry.field(description="Whether it counts.")
    currency: CurrencyCode = strawberry.field(description="Of the amount.")
    amount: Decimal = strawberry.field(description="Major units; negative takes back.")
    reason: str = strawberry.field(description="Why.")
    occurred_at: datetime = strawberry.field(description="The date it counts on.")
    created_at: datetime = strawberry.field(description="When it was proposed.")
    proposed_by: strawberry.ID = strawberry.field(description="Id of the key that proposed it.")
    decided_by: strawberry.ID | None = strawberry.field(
        description="Id of the other key that decided it; null where none had to."
    )
    decided_at: datetime | None = strawberry.field(description="When it was decided.")
    decision_reason: str | None = strawberry.field(description="Why it was decided so.")
    influencer_id: strawberry.Private[strawberry.ID]
    campaign_id: strawberry.Private[strawberry.ID | None]
    order_id: strawberry.Private[strawberry.ID | None]
    commission_id: strawberry.Private[strawberry.ID | None]

    of = of_row(amount=money("amount_minor"))

    influencer = one_row(LazyInfluencer, INFLUENCERS, "influencer_id", "Whose earnings it corrects.")

    campaign = one_row(LazyCampaign, CAMPAIGNS, "campaign_id", "For which campaign; null without one.")

    order = one_row(LazyOrder, ORDERS, "order_id", "For which order; null without one.", scope=Scope.ORDERS_READ)

    commission = one_row(Commission, COMMISSIONS, "commission_id", "What it became; null unless it was posted.")


@strawberry.input(description="Which corrections to list. Conditions are combined by AND.")
class CommissionAdjustmentFilter:
    """Which corrections to list."""

    external_id: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="The caller's own ids.")
    influencer: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Whose earnings.")
    state: list[AdjustmentState] | None = strawberry.field(default=strawberry.UNSET, description="Any of these states.")
    created: TimeFilter | None = strawberry.field(default=strawberry.UNSET, description="When they were proposed.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *on("external_id", self.external_id),
            *on("influencer_id", self.influencer),
            *any_of("state", self.state),
            *on("created_at", self.created),
        ]


CommissionAdjustmentOrder = ordering(
    "CommissionAdjustment", "corrections", direction=Direction.DESC, CREATED_AT="When they were proposed."
)


@strawberry.input(
    description="A correction by hand of what an influencer earned. One above the tenant's limit is proposed, and "
    "counts once another key accepts it."
)
class CommissionAdjustmentInput:
    """A correction by hand."""

    external_id: str = strawberry.field(description="The caller's own id, which makes it one however often it is sent.")
    influencer_id: strawberry.ID = strawberry.field(description="Whose earnings it corrects.")
    currency: CurrencyCode = strawberry.field(description="Of the amount.")
    amount: Decimal = strawberry.field(description="Major units, not 0; negative takes back.")
    reason: str = strawberry.field(description="Why; the influencer sees it.")
    campaign_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="For which campaign.")
    order_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="For which order.")
    occurred_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="The date it counts on; now when not given."
    )

    def value(self) -> plain.CommissionAdjustmentInput:
        """The correction as the use case takes it."""
        return plain.CommissionAdjustmentInput(
            influencer_id=own_id(self.influencer_id),
            campaign_id=id_named(self.campaign_id),
            order_id=id_named(self.order_id),
            **present(self, "influencer_id", "campaign_id", "order_id"),
        )


@strawberry.input(description="Corrections to make, at most 1,000 items.")
class AdjustCommissionsInput:
    """Corrections to make."""

    adjustments: list[CommissionAdjustmentInput] = strawberry.field(description="What is corrected.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.input(description="What another key than the proposing one says of a correction.")
class AdjustmentDecisionInput:
    """What another key says of a correction."""

    id: strawberry.ID = strawberry.field(description="Of the correction.")
    accept: bool = strawberry.field(description="True: it is posted. False: it is declined.")
    reason: str | None = strawberry.field(default=strawberry.UNSET, description="Why; needed where it is declined.")

    def value(self) -> plain.AdjustmentDecision:
        """The decision as the use case takes it."""
        return plain.AdjustmentDecision(id=own_id(self.id), is_accepted=self.accept, **present(self, "id", "accept"))


@strawberry.input(description="Decisions on corrections, at most 1,000 items.")
class DecideAdjustmentsInput:
    """Decisions on corrections."""

    decisions: list[AdjustmentDecisionInput] = strawberry.field(description="What is decided.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.type(description="What became of one correction.")
class CommissionAdjustmentResult(ItemResult):
    """What became of one correction."""

    adjustment = one_row(CommissionAdjustment, COMMISSION_ADJUSTMENTS, "row_id", "The correction; null when rejected.")


@strawberry.type(description="What became of the corrections.")
class AdjustCommissionsPayload(Payload[CommissionAdjustmentResult]):
    """What became of the corrections."""


@strawberry.type
class Query:
    """Fields of this file."""

    commission_adjustments = root_list(
        CommissionAdjustment,
        COMMISSION_ADJUSTMENTS,
        where=CommissionAdjustmentFilter,
        order=CommissionAdjustmentOrder,
        description="Corrections by hand of what influencers earned, newest first. None to an influencer's key.",
        scope=Scope.MONEY_READ,
    )


@strawberry.type
class Mutation:
    """Fields of this file."""

    approve_commissions = batch(
        approve_commissions,
        "commissions",
        input=MoveCommissionsInput,
        payload=MoveCommissionsPayload,
        result=CommissionResult,
        description="Makes PENDING or HELD commissions APPROVED, also before their hold period has ended. Refused "
        "where the order lacks what the terms ask for, or nothing is left of the commission.",
        scope=Scope.MONEY_WRITE,
    )

    hold_commissions = batch(
        hold_commissions,
        "commissions",
        input=MoveCommissionsInput,
        payload=MoveCommissionsPayload,
        result=CommissionResult,
        description="Makes PENDING or APPROVED commissions HELD. Each needs a reason.",
        scope=Scope.MONEY_WRITE,
    )

    release_commissions = batch(
        release_commissions,
        "commissions",
        input=MoveCommissionsInput,
        payload=MoveCommissionsPayload,
        result=CommissionResult,
        description="Makes HELD commissions PENDING again.",
        scope=Scope.MONEY_WRITE,
    )

    reject_commissions = batch(
        reject_commissions,
        "commissions",
        input=MoveCommissionsInput,
        payload=MoveCommissionsPayload,
        result=CommissionResult,
        description="Takes back what is left of commissions, for good: a row of kind REJECTION. Each needs a reason; "
        "what was paid out cannot be rejected.",
        scope=Scope.MONEY_WRITE,
    )

    adjust_commissions = batch(
        adjust_commissions,
        "adjustments",
        input=AdjustCommissionsInput,
        payload=AdjustCommissionsPayload,
        result=CommissionAdjustmentResult,
        description="Corrects what influencers earned, by hand: APPROVED commissions of kind ADJUSTMENT, of either "
        "sign. Above the tenant's limit a correction is PROPOSED until another key decides.",
        scope=Scope.MONEY_WRITE,
    )

    decide_commission_adjustments = batch(
        decide_commission_adjustments,
        "decisions",
        input=DecideAdjustmentsInput,
        payload=AdjustCommissionsPayload,
        result=CommissionAdjustmentResult,
        description="Accepts or declines proposed corrections, by another key than the one that proposed them.",
        scope=Scope.MONEY_WRITE,
    )


TYPES = (CommissionAdjustment,)
