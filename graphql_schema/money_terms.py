"""Terms of money, by which commissions are approved, taken back and corrected; and payments of what was invoiced."""

from decimal import Decimal
from typing import Annotated

import strawberry

from app.commissions import inputs as plain
from app.commissions.terms import TERMS, load_own
from app.core.context import Scope
from app.core.money import from_minor
from app.core.words import Approval, Clawback, EarnedWhen
from app.usecases.record_invoice_payments import record_invoice_payments
from app.usecases.set_money_terms import set_money_terms
from graphql_schema.context import Info
from graphql_schema.permissions import requires
from graphql_schema.scalars import CurrencyCode, uuid_of
from graphql_schema.writes import IDEMPOTENCY_KEY, ItemResult, Payload, batch, given, id_named, own_id, present


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
        description="Corrections of more than this, for an influencer within 24 hours, need a second key: major units "
        "of the tenant's currency. Null: all."
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
        description="Corrections of more than this, for an influencer within 24 hours, need a second key: major units "
        "of the tenant's currency. Null: all. Needs the scope `operate`.",
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
            terms = await TERMS.load(ctx, session)
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
