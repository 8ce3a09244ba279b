"""Payout methods and policies as they are written, and pages where influencers tell providers their data."""

from decimal import Decimal
from functools import partial
from typing import Annotated

import strawberry

from app.core.context import Scope
from app.core.payout_words import PayoutMethodStatus, PayoutProviderName, PayoutSchedule, TaxState
from app.integrations.payouts import opened
from app.payouts import inputs as plain
from app.payouts.queries import PAYOUT_METHODS, PAYOUT_POLICIES
from app.usecases.onboard_payout_methods import onboard_payout_methods
from app.usecases.upsert_payout_methods import upsert_payout_methods
from app.usecases.upsert_payout_policies import upsert_payout_policies
from graphql_schema.context import Info
from graphql_schema.families import one_row
from graphql_schema.payout_methods import PayoutMethod, PayoutOnboarding, PayoutPolicy
from graphql_schema.permissions import requires
from graphql_schema.scalars import CurrencyCode
from graphql_schema.writes import IDEMPOTENCY_KEY, NO_ROW, ItemResult, Payload, batch, given, id_named, own_id

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


@strawberry.input(description="A payout method whose influencer is to give the provider their data.")
class PayoutOnboardingInput:
    """A payout method whose influencer is to give the provider their data."""

    id: strawberry.ID = strawberry.field(description="The method; it gets the provider's reference if it has none.")
    return_url: str = strawberry.field(description="Where the influencer comes when done, http or https.")
    refresh_url: str = strawberry.field(description="Where the influencer comes when the page has expired.")


@strawberry.input(description="Payout methods whose influencers are to give providers their data, at most 1,000.")
class OnboardPayoutMethodsInput:
    """Payout methods whose influencers are to give providers their data."""

    payout_methods: list[PayoutOnboardingInput] = strawberry.field(description="The methods.")


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


@strawberry.type(description="What became of one page that was asked for.")
class PayoutOnboardingResult(ItemResult):
    """What became of one page that was asked for."""

    page: PayoutOnboarding | None = strawberry.field(default=None, description="The page; null when rejected.")


@strawberry.type(description="What became of the pages that were asked for.")
class PayoutOnboardingsPayload(Payload[PayoutOnboardingResult]):
    """What became of the pages that were asked for."""


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

    @strawberry.mutation(
        description="Gives pages where influencers tell providers their data: Stripe's and Tipalti's own. Asked again, "
        "it is another page of the same account.",
        extensions=[requires(Scope.MONEY_WRITE)],
    )
    async def onboard_payout_methods(
        self,
        info: Info,
        input: Annotated[
            OnboardPayoutMethodsInput, strawberry.argument(description="Which methods, and where the pages lead to.")
        ],
    ) -> PayoutOnboardingsPayload:
        """Pages where influencers tell providers their data."""
        runtime, ctx = info.context.runtime, info.context.ctx
        outcomes, pages = await onboard_payout_methods(
            runtime,
            ctx,
            [
                plain.PayoutOnboardingInput(own_id(item.id), item.return_url, item.refresh_url)
                for item in input.payout_methods
            ],
            open_provider=partial(opened, runtime.settings, ctx.tenant_id),
        )
        info.context.loaders.forget()
        payload = PayoutOnboardingsPayload.of(outcomes, PayoutOnboardingResult)
        for result in payload.results:
            page = pages.get(result.index)
            if page is not None:
                result.page = PayoutOnboarding(url=page.url, reference=page.reference, expires_at=page.expires_at)
        return payload
