"""Mutations of commissions: their states, corrections by hand, and the terms by which they are approved."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from app.analytics.query import Direction
from app.campaigns.queries import CAMPAIGNS
from app.commissions import inputs as plain
from app.commissions.queries import COMMISSION_ADJUSTMENTS, COMMISSIONS
from app.commissions.terms import load_own, load_terms
from app.core.context import Scope
from app.core.money import from_minor
from app.core.words import AdjustmentState, Approval, Clawback, EarnedWhen
from app.db.keyset import Condition
from app.influencers.queries import INFLUENCERS
from app.orders.queries import ORDERS
from app.usecases.adjust_commissions import adjust_commissions, decide_adjustments
from app.usecases.move_commissions import (
    approve_commissions,
    hold_commissions,
    reject_commissions,
    release_commissions,
)
from app.usecases.record_invoice_payments import record_invoice_payments
from app.usecases.set_money_terms import set_money_terms
from graphql_schema.commissions import Commission
from graphql_schema.context import Info
from graphql_schema.families import one_row, shows
from graphql_schema.filters import IdFilter, StringFilter, TimeFilter, any_of, on, ordering
from graphql_schema.lists import root_list
from graphql_schema.node import Node
from graphql_schema.permissions import requires
from graphql_schema.rows import money, of_row
from graphql_schema.scalars import CurrencyCode, uuid_of
from graphql_schema.writes import IDEMPOTENCY_KEY, ItemResult, Payload, batch, given, id_named, own_id, present

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
    influencer_id: strawberry.Private[UUID]
    campaign_id: strawberry.Private[UUID | None]
    order_id: strawberry.Private[UUID | None]
    commission_id: strawberry.Private[UUID | None]

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


@strawberry.input(description="What an influencer paid of what was invoiced to them: see `Balance.invoiced`.")
class InvoicePaymentInput:
    """What an influencer paid of what was invoiced to them."""

    external_id: str = strawberry.field(description="The caller's own id, which makes it one however often it is sent.")
    influencer_id: strawberry.ID = strawberry.field(description="Who paid.")
    currency: CurrencyCode = strawberry.field(description="Of the amount.")
    amount: Decimal = strawberry.field(description="Major units; at most what is to be invoiced.")

    def value(self) -> plain.InvoicePaymentInput:
        """The payment as the use case takes it."""
        return plain.InvoicePaymentInput(influencer_id=own_id(self.influencer_id), **present(self, "influencer_id"))


@strawberry.input(description="Payments of invoices to record, at most 1,000 items.")
class RecordInvoicePaymentsInput:
    """Payments of invoices to record."""

    payments: list[InvoicePaymentInput] = strawberry.field(description="What was paid.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.type(description="What became of a payment of an invoice. Its id is the cause of its ledger entries.")
class InvoicePaymentResult(ItemResult):
    """What became of a payment of an invoice."""


@strawberry.type(description="What became of the payments of invoices.")
class RecordInvoicePaymentsPayload(Payload[InvoicePaymentResult]):
    """What became of the payments of invoices."""


@strawberry.type(description="The terms by which commissions are approved, taken back and corrected.")
class MoneyTerms:
    """The terms of money."""

    approval: Approval = strawberry.field(description="Who approves pending commissions.")
    earned_when: EarnedWhen = strawberry.field(description="What an order needs before.")
    hold_days: int = strawberry.field(description="Days of 24 hours between that and automatic approval.")
    clawback: Clawback = strawberry.field(description="What becomes of what is taken back after it was paid out.")
    adjustment_limit: Decimal | None = strawberry.field(
        description="Corrections of more than this need a second key: major units of the tenant's currency. Null: all."
    )


@strawberry.input(
    description="Terms of money to change; what is not given stays. With a campaign, of that campaign alone: "
    "`approval`, `earnedWhen` and `holdDays`, where null is the tenant's."
)
class MoneyTermsInput:
    """Terms of money to change."""

    campaign_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Of this campaign; of the tenant when not given."
    )
    approval: Approval | None = strawberry.field(
        default=strawberry.UNSET, description="Who approves pending commissions."
    )
    earned_when: EarnedWhen | None = strawberry.field(
        default=strawberry.UNSET, description="What an order needs before."
    )
    hold_days: int | None = strawberry.field(
        default=strawberry.UNSET, description="Days of 24 hours between that and automatic approval, 0 to 730."
    )
    clawback: Clawback | None = strawberry.field(
        default=strawberry.UNSET, description="What becomes of what is taken back after it was paid out."
    )
    adjustment_limit: Decimal | None = strawberry.field(
        default=strawberry.UNSET,
        description="Corrections of more than this need a second key: major units of the tenant's currency. Null: all.",
    )

    def value(self) -> plain.MoneyTermsInput:
        """The terms as the use case takes them."""
        return plain.MoneyTermsInput(campaign_id=id_named(self.campaign_id), **given(self, "campaign_id"))


@strawberry.input(description="Terms of money to change, at most 1,000 items.")
class SetMoneyTermsInput:
    """Terms of money to change."""

    terms: list[MoneyTermsInput] = strawberry.field(description="Of the tenant, and of campaigns.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.type(description="What became of a change of terms. Its id is the campaign's, or the tenant's.")
class MoneyTermsResult(ItemResult):
    """What became of a change of terms."""


@strawberry.type(description="What became of the changes of terms.")
class SetMoneyTermsPayload(Payload[MoneyTermsResult]):
    """What became of the changes of terms."""


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

    @strawberry.field(
        description="The tenant's terms of money, or those that hold for a campaign.",
        extensions=[requires(Scope.MONEY_WRITE)],
    )
    async def money_terms(
        self,
        info: Info,
        campaign: Annotated[
            strawberry.ID | None, strawberry.argument(description="Whose terms; the tenant's when not given.")
        ] = None,
    ) -> MoneyTerms:
        """The terms of money."""
        ctx = info.context.ctx
        campaign_id = None if campaign is None else uuid_of(campaign)
        async with info.context.runtime.db.read(ctx.tenant_id) as session:
            terms = await load_terms(ctx, session)
            own = {} if campaign_id is None else (await load_own(ctx, session, [campaign_id])).get(campaign_id, {})
        limit = terms.adjustment_limit_minor
        return MoneyTerms(
            approval=own.get("approval") or terms.approval,
            earned_when=own.get("earned_when") or terms.earned_when,
            hold_days=terms.hold_days if own.get("hold_days") is None else own["hold_days"],
            clawback=terms.clawback,
            adjustment_limit=None if limit is None else from_minor(limit, ctx.tenant.currency),
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
        decide_adjustments,
        "decisions",
        input=DecideAdjustmentsInput,
        payload=AdjustCommissionsPayload,
        result=CommissionAdjustmentResult,
        description="Accepts or declines proposed corrections, by another key than the one that proposed them.",
        scope=Scope.MONEY_WRITE,
    )

    record_invoice_payments = batch(
        record_invoice_payments,
        "payments",
        input=RecordInvoicePaymentsInput,
        payload=RecordInvoicePaymentsPayload,
        result=InvoicePaymentResult,
        description="Records that influencers paid what was taken back after it was paid out, and invoiced to them.",
        scope=Scope.MONEY_WRITE,
    )

    set_money_terms = batch(
        set_money_terms,
        "terms",
        input=SetMoneyTermsInput,
        payload=SetMoneyTermsPayload,
        result=MoneyTermsResult,
        description="Sets by which terms commissions are approved, taken back and corrected.",
        scope=Scope.MONEY_WRITE,
    )


TYPES = (CommissionAdjustment,)
