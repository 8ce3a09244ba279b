"""Payouts as they are written: methods, policies, batches, what people decide of them, and influencers' wishes."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Annotated

import strawberry

from app.core.context import Scope
from app.core.words import PayoutMethodStatus, PayoutProviderName, PayoutSchedule, TaxState
from app.integrations.payouts import opened
from app.payouts import inputs as plain
from app.payouts.queries import PAYOUT_BATCHES, PAYOUT_ITEMS, PAYOUT_METHODS, PAYOUT_POLICIES
from app.usecases.create_payout_batches import create_payout_batches
from app.usecases.decide_payout_batches import approve_payout_batches, cancel_payout_batches
from app.usecases.decide_payout_items import cancel_payout_items, confirm_payout_items, return_payout_items
from app.usecases.onboard_payout_method import onboard_payout_method
from app.usecases.request_payouts import request_payouts
from app.usecases.upsert_payout_methods import upsert_payout_methods
from app.usecases.upsert_payout_policies import upsert_payout_policies
from graphql_schema.context import Info
from graphql_schema.families import one_row
from graphql_schema.payouts import PayoutBatch, PayoutItem, PayoutMethod, PayoutOnboarding, PayoutPolicy
from graphql_schema.permissions import requires
from graphql_schema.scalars import CurrencyCode
from graphql_schema.writes import IDEMPOTENCY_KEY, NO_ROW, ItemResult, Payload, batch, given, id_named, own_id, present

_REASON = "Why; kept with the passage."


@strawberry.input(
    description="How an influencer is paid in a currency. Only what is mentioned changes; null clears. Bank details, "
    "tax numbers and documents do not belong here."
)
class PayoutMethodInput:
    """How an influencer is paid in a currency."""

    influencer_id: strawberry.ID = strawberry.field(description="Who is paid.")
    currency: CurrencyCode = strawberry.field(description="The currency in which it pays. They have one method each.")
    provider: PayoutProviderName | None = strawberry.field(
        default=strawberry.UNSET, description="By whom; MANUAL when never given. Cannot be null."
    )
    reference: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="What the provider knows them by: STRIPE acct_…, PAYPAL an e-mail address, phone number or account "
        "id, TIPALTI the payee id (idap), MANUAL an IBAN for SEPA files or whatever tells the payer.",
    )
    holder: str | None = strawberry.field(
        default=strawberry.UNSET, description="The account holder's name; the influencer's when never given."
    )
    status: PayoutMethodStatus | None = strawberry.field(
        default=strawberry.UNSET, description="Whether it is used; ACTIVE when never given. Cannot be null."
    )
    is_default: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="Whether balances in currencies without a method of their own are converted and paid by it; false "
        "when never given. Cannot be null.",
    )
    tax_state: TaxState | None = strawberry.field(
        default=strawberry.UNSET, description="How far tax data are; MISSING when never given. Cannot be null."
    )
    tax_document: str | None = strawberry.field(
        default=strawberry.UNSET, description="Where the tax data lie: a reference, at most 200 characters."
    )

    def value(self) -> plain.PayoutMethodInput:
        """The method as the use case takes it."""
        return plain.PayoutMethodInput(
            influencer_id=id_named(self.influencer_id) or NO_ROW, **given(self, "influencer_id")
        )


@strawberry.input(
    description="From which balance on a currency is paid out, and when. Only what is mentioned changes; null clears."
)
class PayoutPolicyInput:
    """From which balance on a currency is paid out, and when."""

    currency: CurrencyCode = strawberry.field(description="Currency of the balances.")
    threshold: Decimal | None = strawberry.field(
        default=strawberry.UNSET, description="Least balance that is paid out, major units; 0 when never given."
    )
    schedule: PayoutSchedule | None = strawberry.field(
        default=strawberry.UNSET,
        description="How often batches are made, as a day in the reporting zone begins; BY_HAND when never given.",
    )
    day: int | None = strawberry.field(
        default=strawberry.UNSET, description="WEEKLY: 1 (Monday) to 7. MONTHLY: 1 to 28. 1 when not given."
    )
    needs_tax_data: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="Whether nobody is paid whose tax data are missing; false when never given.",
    )

    def value(self) -> plain.PayoutPolicyInput:
        """The policy as the use case takes it."""
        return plain.PayoutPolicyInput(**given(self))


@strawberry.input(description="A batch of all that is due by one provider in one currency, or of a part of it.")
class PayoutBatchInput:
    """A batch of what is due."""

    provider: PayoutProviderName = strawberry.field(description="By whom.")
    currency: CurrencyCode = strawberry.field(description="The currency in which it pays.")
    influencers: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET, description="Only of these; of all when not given."
    )
    balance_currencies: list[CurrencyCode] | None = strawberry.field(
        default=strawberry.UNSET, description="Only balances in these currencies; in all when not given."
    )
    note: str | None = strawberry.field(default=strawberry.UNSET, description="What it is, at most 500 characters.")

    def value(self) -> plain.PayoutBatchInput:
        """The batch as the use case takes it."""
        values = present(self)
        chosen = values.pop("influencers", None)
        currencies = values.pop("balance_currencies", None)
        return plain.PayoutBatchInput(
            influencer_ids=None if chosen is None else tuple(id_named(each) or NO_ROW for each in chosen),
            balance_currencies=None if currencies is None else tuple(currencies),
            **values,
        )


@strawberry.input(description="A batch or an item, and why it is decided so.")
class PayoutDecisionInput:
    """A batch or an item, and why it is decided so."""

    id: strawberry.ID = strawberry.field(description="Which one.")
    reason: str | None = strawberry.field(default=strawberry.UNSET, description=_REASON)

    def value(self) -> plain.PayoutDecision:
        """The decision as the use case takes it."""
        return plain.PayoutDecision(own_id(self.id), **present(self, "id"))


@strawberry.enum(description="What a person can tell of a payment.")
class PayoutOutcome(Enum):
    """What a person can tell of a payment."""

    SUCCEEDED = strawberry.enum_value("SUCCEEDED", description="It was paid.")
    FAILED = strawberry.enum_value("FAILED", description="It was not paid, and will not be.")
    RETURNED = strawberry.enum_value("RETURNED", description="It had been paid, and came back whole.")


@strawberry.input(description="What a person knows of a payment.")
class PayoutConfirmationInput:
    """What a person knows of a payment."""

    id: strawberry.ID = strawberry.field(description="Which payout.")
    outcome: PayoutOutcome = strawberry.field(description="What came of it.")
    at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="When: the date it counts on; now when not given."
    )
    fee: Decimal | None = strawberry.field(
        default=strawberry.UNSET, description="What paying cost, major units of the payout's currency."
    )
    reference: str | None = strawberry.field(default=strawberry.UNSET, description="The bank's own id of the payment.")
    reason: str | None = strawberry.field(default=strawberry.UNSET, description=_REASON)

    def value(self) -> plain.PayoutConfirmation:
        """The confirmation as the use case takes it."""
        return plain.PayoutConfirmation(
            id=own_id(self.id), outcome=self.outcome.value, **present(self, "id", "outcome")
        )


@strawberry.input(description="An influencer's wish to be paid.")
class PayoutRequestInput:
    """An influencer's wish to be paid."""

    currency: CurrencyCode = strawberry.field(description="Currency of the balance.")

    def value(self) -> plain.PayoutRequestInput:
        """The wish as the use case takes it."""
        return plain.PayoutRequestInput(currency=self.currency)


@strawberry.input(description="Payout methods to bring up to date, at most 1,000.")
class UpsertPayoutMethodsInput:
    """Payout methods to bring up to date."""

    payout_methods: list[PayoutMethodInput] = strawberry.field(description="The methods.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Payout policies to bring up to date, at most 1,000.")
class UpsertPayoutPoliciesInput:
    """Payout policies to bring up to date."""

    payout_policies: list[PayoutPolicyInput] = strawberry.field(description="The policies.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Payout batches to make, at most 1,000.")
class CreatePayoutBatchesInput:
    """Payout batches to make."""

    payout_batches: list[PayoutBatchInput] = strawberry.field(description="The batches.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Payout batches to decide, at most 1,000.")
class DecidePayoutBatchesInput:
    """Payout batches to decide."""

    payout_batches: list[PayoutDecisionInput] = strawberry.field(description="The batches.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Payouts to decide, at most 1,000.")
class DecidePayoutItemsInput:
    """Payouts to decide."""

    payout_items: list[PayoutDecisionInput] = strawberry.field(description="The payouts.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Payouts to confirm, at most 1,000.")
class ConfirmPayoutItemsInput:
    """Payouts to confirm."""

    payout_items: list[PayoutConfirmationInput] = strawberry.field(description="The payouts.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.input(description="An influencer's wishes to be paid, at most 1,000.")
class RequestPayoutsInput:
    """An influencer's wishes to be paid."""

    payout_requests: list[PayoutRequestInput] = strawberry.field(description="The wishes.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A page where an influencer gives the provider of a payout method their data.")
class OnboardPayoutMethodInput:
    """A page where an influencer gives a provider their data."""

    method_id: strawberry.ID = strawberry.field(description="The method; it gets the provider's reference.")
    return_url: str = strawberry.field(description="Where the influencer comes when done, http or https.")
    refresh_url: str = strawberry.field(description="Where the influencer comes when the page has expired.")


@strawberry.type(description="What became of one payout method of a write.")
class PayoutMethodResult(ItemResult):
    """What became of one payout method of a write."""

    payout_method = one_row(PayoutMethod, PAYOUT_METHODS, "row_id", "The method as it is now; null when rejected.")


@strawberry.type(description="What became of the payout methods of a write.")
class PayoutMethodsPayload(Payload[PayoutMethodResult]):
    """What became of the payout methods of a write."""


@strawberry.type(description="What became of one payout policy of a write.")
class PayoutPolicyResult(ItemResult):
    """What became of one payout policy of a write."""

    payout_policy = one_row(PayoutPolicy, PAYOUT_POLICIES, "row_id", "The policy as it is now; null when rejected.")


@strawberry.type(description="What became of the payout policies of a write.")
class PayoutPoliciesPayload(Payload[PayoutPolicyResult]):
    """What became of the payout policies of a write."""


@strawberry.type(description="What became of one payout batch of a write.")
class PayoutBatchResult(ItemResult):
    """What became of one payout batch of a write."""

    payout_batch = one_row(PayoutBatch, PAYOUT_BATCHES, "row_id", "The batch as it is now; null when rejected.")


@strawberry.type(description="What became of the payout batches of a write.")
class PayoutBatchesPayload(Payload[PayoutBatchResult]):
    """What became of the payout batches of a write."""


@strawberry.type(description="What became of one payout of a write.")
class PayoutItemResult(ItemResult):
    """What became of one payout of a write."""

    payout_item = one_row(PayoutItem, PAYOUT_ITEMS, "row_id", "The payout as it is now; null when rejected.")


@strawberry.type(description="What became of the payouts of a write.")
class PayoutItemsPayload(Payload[PayoutItemResult]):
    """What became of the payouts of a write."""


@strawberry.type(description="What became of one wish to be paid.")
class PayoutRequestResult(ItemResult):
    """What became of one wish to be paid."""


@strawberry.type(description="What became of wishes to be paid.")
class PayoutRequestsPayload(Payload[PayoutRequestResult]):
    """What became of wishes to be paid."""


@strawberry.type
class Mutation:
    """Fields of this file."""

    upsert_payout_methods = batch(
        upsert_payout_methods,
        "payout_methods",
        input=UpsertPayoutMethodsInput,
        payload=PayoutMethodsPayload,
        result=PayoutMethodResult,
        description="Brings payout methods up to date; those not known yet are created. A method's change does not "
        "touch payouts that are under way.",
        scope=Scope.MONEY_WRITE,
    )

    upsert_payout_policies = batch(
        upsert_payout_policies,
        "payout_policies",
        input=UpsertPayoutPoliciesInput,
        payload=PayoutPoliciesPayload,
        result=PayoutPolicyResult,
        description="Brings payout policies up to date; those not known yet are created.",
        scope=Scope.MONEY_WRITE,
    )

    create_payout_batches = batch(
        create_payout_batches,
        "payout_batches",
        input=CreatePayoutBatchesInput,
        payload=PayoutBatchesPayload,
        result=PayoutBatchResult,
        description="Makes batches of what is due, at most 15,000 payouts each, and reserves the balances. Nothing is "
        "sent before another key approves it. NOTHING_DUE where nothing is.",
        scope=Scope.MONEY_WRITE,
    )

    approve_payout_batches = batch(
        approve_payout_batches,
        "payout_batches",
        input=DecidePayoutBatchesInput,
        payload=PayoutBatchesPayload,
        result=PayoutBatchResult,
        description="Approves drafts, which another key made: the worker sends them. SECOND_KEY_NEEDED for one's own.",
        scope=Scope.MONEY_WRITE,
    )

    cancel_payout_batches = batch(
        cancel_payout_batches,
        "payout_batches",
        input=DecidePayoutBatchesInput,
        payload=PayoutBatchesPayload,
        result=PayoutBatchResult,
        description="Cancels batches of which nothing was sent; their balances are payable again.",
        scope=Scope.MONEY_WRITE,
    )

    cancel_payout_items = batch(
        cancel_payout_items,
        "payout_items",
        input=DecidePayoutItemsInput,
        payload=PayoutItemsPayload,
        result=PayoutItemResult,
        description="Leaves payouts out of batches that are not approved; their balances are payable again.",
        scope=Scope.MONEY_WRITE,
    )

    confirm_payout_items = batch(
        confirm_payout_items,
        "payout_items",
        input=ConfirmPayoutItemsInput,
        payload=PayoutItemsPayload,
        result=PayoutItemResult,
        description="Tells what came of payments by hand, and of others that stay UNKNOWN or came back.",
        scope=Scope.MONEY_WRITE,
    )

    return_payout_items = batch(
        return_payout_items,
        "payout_items",
        input=DecidePayoutItemsInput,
        payload=PayoutItemsPayload,
        result=PayoutItemResult,
        description="Has payments taken back by their provider: the worker asks for it.",
        scope=Scope.MONEY_WRITE,
    )

    request_payouts = batch(
        request_payouts,
        "payout_requests",
        input=RequestPayoutsInput,
        payload=PayoutRequestsPayload,
        result=PayoutRequestResult,
        description="An influencer wishes to be paid what is due in a currency: the next batch holds it, whatever the "
        "threshold. For influencers' own keys.",
        scope=Scope.PAYOUTS_REQUEST,
    )

    @strawberry.mutation(
        description="A page where an influencer gives the provider of a payout method their data. Asked again, it is "
        "another page of the same account.",
        extensions=[requires(Scope.MONEY_WRITE)],
    )
    async def onboard_payout_method(
        self,
        info: Info,
        input: Annotated[
            OnboardPayoutMethodInput, strawberry.argument(description="Which method, and where the page leads to.")
        ],
    ) -> PayoutOnboarding:
        """A page where an influencer gives a provider their data."""
        runtime, ctx = info.context.runtime, info.context.ctx
        page = await onboard_payout_method(
            runtime,
            ctx,
            own_id(input.method_id),
            return_url=input.return_url,
            refresh_url=input.refresh_url,
            open_provider=partial(opened, runtime.settings, ctx.tenant_id),
        )
        info.context.loaders.forget()
        return PayoutOnboarding(url=page.url, reference=page.reference, expires_at=page.expires_at)
