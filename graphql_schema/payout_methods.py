"""Payout methods of influencers and payout policies of the tenant, as they are read."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import strawberry

from app.core.context import Scope
from app.core.payout_words import (
    PayoutMethodStatus,
    PayoutProviderName,
    PayoutSchedule,
    TaxState,
)
from app.db.keyset import Condition
from app.influencers.queries import INFLUENCERS
from app.payouts.queries import (
    PAYOUT_METHODS,
    PAYOUT_POLICIES,
)
from graphql_schema.families import one_row, shows
from graphql_schema.filters import IdFilter, StringFilter, any_of, on, ordering
from graphql_schema.lists import root_list
from graphql_schema.node import Node
from graphql_schema.rows import Read, money, of_row
from graphql_schema.scalars import CurrencyCode

if TYPE_CHECKING:
    from graphql_schema.influencers import Influencer

LazyInfluencer = Annotated["Influencer", strawberry.lazy("graphql_schema.influencers")]

REFERENCE = (
    "What the provider knows the influencer by, shortened to its last four characters: an account, an e-mail address, "
    "an IBAN."
)


def short(reference: str | None) -> str | None:
    """The reference as it is shown."""
    return None if reference is None else f"…{reference[-4:]}"


SHORTENED = Read(("reference",), lambda references: list(map(short, references)))


@shows(PAYOUT_METHODS, Scope.MONEY_READ)
@strawberry.type(description="How an influencer is paid in a currency.")
class PayoutMethod(Node):
    """How an influencer is paid in a currency."""

    currency: CurrencyCode = strawberry.field(description="The currency in which it pays.")
    provider: PayoutProviderName = strawberry.field(description="By whom.")
    reference: str | None = strawberry.field(description=REFERENCE)
    holder: str | None = strawberry.field(description="The account holder's name; null: the influencer's.")
    status: PayoutMethodStatus = strawberry.field(description="Whether it is used.")
    is_default: bool = strawberry.field(description="Whether balances in other currencies are converted and paid too.")
    tax_state: TaxState = strawberry.field(description="How far the collection of tax data is.")
    tax_document: str | None = strawberry.field(description="Where the tax data lie, in the caller's words.")
    created_at: datetime = strawberry.field(description="When it was entered.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    influencer_id: strawberry.Private[strawberry.ID]

    of = of_row(reference=SHORTENED)

    influencer = one_row(LazyInfluencer, INFLUENCERS, "influencer_id", "Who is paid.")


@shows(PAYOUT_POLICIES, Scope.MONEY_READ)
@strawberry.type(description="From which balance on a currency is paid out, and when.")
class PayoutPolicy(Node):
    """From which balance on a currency is paid out, and when."""

    currency: CurrencyCode = strawberry.field(description="Currency of the balances.")
    threshold: Decimal = strawberry.field(description="Least balance that is paid out, major units.")
    schedule: PayoutSchedule = strawberry.field(description="How often batches are made.")
    day: int | None = strawberry.field(
        description="Of the week, Monday is 1, or of the month; null for other schedules."
    )
    needs_tax_data: bool = strawberry.field(description="Whether nobody is paid whose tax data are missing.")
    next_at: datetime | None = strawberry.field(description="When the next batches are made; null: by hand.")
    created_at: datetime = strawberry.field(description="When it was entered.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")

    of = of_row(threshold=money("threshold_minor"))


@strawberry.type(description="A page where an influencer gives a provider their data.")
class PayoutOnboarding:
    """A page where an influencer gives a provider their data."""

    url: str = strawberry.field(description="The page; for the influencer alone.")
    reference: str = strawberry.field(description="What the provider knows them by: set it as a method's reference.")
    expires_at: datetime | None = strawberry.field(description="Until when it can be opened; null: not told.")


@strawberry.input(description="Which payout methods to list. Conditions are combined by AND.")
class PayoutMethodFilter:
    """Which payout methods to list."""

    influencer: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Who is paid.")
    currency: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="Their currencies.")
    provider: list[PayoutProviderName] | None = strawberry.field(default=strawberry.UNSET, description="Any of these.")
    status: list[PayoutMethodStatus] | None = strawberry.field(default=strawberry.UNSET, description="Any of these.")
    tax_state: list[TaxState] | None = strawberry.field(default=strawberry.UNSET, description="Any of these.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *on("influencer_id", self.influencer),
            *on("currency", self.currency),
            *any_of("provider", self.provider),
            *any_of("status", self.status),
            *any_of("tax_state", self.tax_state),
        ]


@strawberry.input(description="Which payout policies to list. Conditions are combined by AND.")
class PayoutPolicyFilter:
    """Which payout policies to list."""

    currency: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="Their currencies.")
    schedule: list[PayoutSchedule] | None = strawberry.field(default=strawberry.UNSET, description="Any of these.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [*on("currency", self.currency), *any_of("schedule", self.schedule)]


PayoutOrder = ordering("Payout", "payout methods, policies, batches and items", CREATED_AT="When they were made.")


@strawberry.type
class Query:
    """Fields of this file."""

    payout_methods = root_list(
        PayoutMethod,
        PAYOUT_METHODS,
        where=PayoutMethodFilter,
        order=PayoutOrder,
        description="Payout methods, oldest first.",
        scope=Scope.MONEY_READ,
    )

    payout_policies = root_list(
        PayoutPolicy,
        PAYOUT_POLICIES,
        where=PayoutPolicyFilter,
        order=PayoutOrder,
        description="Payout policies, oldest first. A currency without one is paid out from any balance on, by hand.",
        scope=Scope.MONEY_READ,
    )


TYPES = (PayoutMethod, PayoutPolicy)
