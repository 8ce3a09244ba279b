"""Payouts as they are read: batches, and single influencers' items with what happened to them."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import strawberry

from app.core.context import Scope
from app.core.payout_words import (
    PayoutBatchState,
    PayoutItemState,
    PayoutPaymentKind,
    PayoutProviderName,
)
from app.db.keyset import Condition
from app.influencers.queries import INFLUENCERS
from app.payouts.queries import (
    PAYOUT_BATCHES,
    PAYOUT_EVENTS,
    PAYOUT_ITEMS,
    PAYOUT_METHODS,
    PAYOUT_PAYMENTS,
)
from graphql_schema.families import one_row, shows
from graphql_schema.filters import IdFilter, StringFilter, TimeFilter, any_of, on
from graphql_schema.lists import OLDEST, child_list, each, nested_list, root_list
from graphql_schema.loaders import Children
from graphql_schema.node import Node
from graphql_schema.payout_methods import REFERENCE, SHORTENED, PayoutMethod, PayoutOrder
from graphql_schema.rows import money, of_row
from graphql_schema.scalars import CurrencyCode

if TYPE_CHECKING:
    from graphql_schema.influencers import Influencer

LazyInfluencer = Annotated["Influencer", strawberry.lazy("graphql_schema.influencers")]
LazyItem = Annotated["PayoutItem", strawberry.lazy("graphql_schema.payouts")]
LazyBatch = Annotated["PayoutBatch", strawberry.lazy("graphql_schema.payouts")]


@strawberry.type(description="A payout's passage from one state to the next.")
class PayoutEvent:
    """A payout's passage from one state to the next."""

    from_state: PayoutItemState | None = strawberry.field(description="Where it was; null: it was made.")
    to_state: PayoutItemState = strawberry.field(description="Where it came.")
    source: str = strawberry.field(
        description="What told: `person`, `worker`, `answer:STRIPE` to a call or question, `webhook:STRIPE`."
    )
    reason: str | None = strawberry.field(description="Why, where a reason was told.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")

    of = of_row()


@strawberry.type(description="Money that went to an influencer, or came back: what the measure payouts counts.")
class PayoutPayment:
    """Money that went to an influencer, or came back."""

    kind: PayoutPaymentKind = strawberry.field(description="Which way it went.")
    currency: CurrencyCode = strawberry.field(description="Currency of the amount.")
    amount: Decimal = strawberry.field(description="Major units; negative came back.")
    occurred_at: datetime = strawberry.field(description="When: the date it counts on.")

    of = of_row(amount=money("amount_minor"))


_EVENTS = Children(PAYOUT_EVENTS, "item_id", "item.recorded_at, item.id")
_PAYMENTS = Children(PAYOUT_PAYMENTS, "item_id", "item.recorded_at, item.id")


@shows(PAYOUT_ITEMS, Scope.MONEY_READ)
@strawberry.type(description="One influencer's payout: a balance in one currency, paid in its batch's.")
class PayoutItem(Node):
    """One influencer's payout."""

    state: PayoutItemState = strawberry.field(description="Where it is.")
    currency: CurrencyCode = strawberry.field(description="The currency in which it is paid.")
    amount: Decimal = strawberry.field(description="What is paid, major units.")
    reserved_currency: CurrencyCode = strawberry.field(description="Currency of the balance that it pays.")
    reserved: Decimal = strawberry.field(description="The balance that it pays, major units of reservedCurrency.")
    rate: Decimal | None = strawberry.field(
        description="Units of currency for one of reservedCurrency, at which it was converted; null where both are one."
    )
    reference: str | None = strawberry.field(description=REFERENCE)
    provider_id: str | None = strawberry.field(description="Its id at the provider, once that is known.")
    failure_code: str | None = strawberry.field(
        description="Why it failed or came back, the provider's code; or which obstacle it was CANCELLED for."
    )
    failure: str | None = strawberry.field(description="Why it failed or came back, in the provider's words.")
    fee_currency: CurrencyCode | None = strawberry.field(description="Currency of the fee.")
    fee: Decimal | None = strawberry.field(description="What the provider charged, major units.")
    returned: Decimal = strawberry.field(description="What came back so far, major units of currency.")
    sent_at: datetime | None = strawberry.field(description="When its first call was about to be made.")
    paid_at: datetime | None = strawberry.field(description="When it was paid: the date it counts on.")
    created_at: datetime = strawberry.field(description="When it was reserved.")
    updated_at: datetime = strawberry.field(description="When it last changed.")
    influencer_id: strawberry.Private[strawberry.ID]
    batch_id: strawberry.Private[strawberry.ID]
    method_id: strawberry.Private[strawberry.ID]
    row_id: strawberry.Private[strawberry.ID]

    of = of_row(
        amount=money("amount_minor"),
        reserved=money("reserved_minor", currency="reserved_currency"),
        fee=money("fee_minor", currency="fee_currency"),
        returned=money("returned_minor"),
        reference=SHORTENED,
        row_id="id",
    )

    influencer = one_row(LazyInfluencer, INFLUENCERS, "influencer_id", "Who is paid.")

    batch = one_row(LazyBatch, PAYOUT_BATCHES, "batch_id", "Its batch; null to the influencer, as it tells of others.")

    method = one_row(PayoutMethod, PAYOUT_METHODS, "method_id", "How they are paid.")

    payments = child_list(
        PayoutPayment,
        _PAYMENTS,
        show=each(PayoutPayment.of),
        description="What was paid and came back, as it was recorded.",
    )

    events = child_list(
        PayoutEvent,
        _EVENTS,
        show=each(PayoutEvent.of),
        description="How it came where it is, oldest first. Not shown to influencers.",
    )


@shows(PAYOUT_BATCHES, Scope.MONEY_READ)
@strawberry.type(description="Payouts that are approved and sent together: by one provider, in one currency.")
class PayoutBatch(Node):
    """Payouts that are approved and sent together."""

    provider: PayoutProviderName = strawberry.field(description="By whom.")
    currency: CurrencyCode = strawberry.field(description="The currency in which it pays.")
    state: PayoutBatchState = strawberry.field(description="Where it is.")
    note: str | None = strawberry.field(description="The caller's words for what it is.")
    made_by: strawberry.ID | None = strawberry.field(description="Id of the key that made it; null: the schedule did.")
    approved_by: strawberry.ID | None = strawberry.field(description="Id of the key that approved it.")
    created_at: datetime = strawberry.field(description="When it was made.")
    approved_at: datetime | None = strawberry.field(description="When it was approved.")
    finished_at: datetime | None = strawberry.field(description="When everything in it was decided.")
    total: Decimal = strawberry.field(description="What it pays, major units, but for items that were cancelled.")
    item_count: int = strawberry.field(description="Items in it, but for those that were cancelled.")
    row_id: strawberry.Private[strawberry.ID]

    of = of_row(total=money("total_minor"), row_id="id")

    items = nested_list(
        LazyItem, PAYOUT_ITEMS, parent="batch_id", sort=OLDEST, description="Its items, in the order they were made."
    )


@strawberry.input(description="Which payout batches to list. Conditions are combined by AND.")
class PayoutBatchFilter:
    """Which payout batches to list."""

    id: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Their ids.")
    provider: list[PayoutProviderName] | None = strawberry.field(default=strawberry.UNSET, description="Any of these.")
    currency: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="Their currencies.")
    state: list[PayoutBatchState] | None = strawberry.field(default=strawberry.UNSET, description="Any of these.")
    created: TimeFilter | None = strawberry.field(default=strawberry.UNSET, description="When they were made.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *on("id", self.id),
            *any_of("provider", self.provider),
            *on("currency", self.currency),
            *any_of("state", self.state),
            *on("created_at", self.created),
        ]


@strawberry.input(description="Which payouts to list. Conditions are combined by AND.")
class PayoutItemFilter:
    """Which payouts to list."""

    influencer: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Who is paid.")
    batch: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Their batches.")
    currency: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="Their currencies.")
    state: list[PayoutItemState] | None = strawberry.field(default=strawberry.UNSET, description="Any of these.")
    created: TimeFilter | None = strawberry.field(default=strawberry.UNSET, description="When they were reserved.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *on("influencer_id", self.influencer),
            *on("batch_id", self.batch),
            *on("currency", self.currency),
            *any_of("state", self.state),
            *on("created_at", self.created),
        ]


@strawberry.type
class Query:
    """Fields of this file."""

    payout_batches = root_list(
        PayoutBatch,
        PAYOUT_BATCHES,
        where=PayoutBatchFilter,
        order=PayoutOrder,
        description="Payout batches, oldest first.",
        scope=Scope.MONEY_READ,
    )

    payout_items = root_list(
        PayoutItem,
        PAYOUT_ITEMS,
        where=PayoutItemFilter,
        order=PayoutOrder,
        description="Payouts of single influencers, oldest first.",
        scope=Scope.MONEY_READ,
    )


TYPES = (PayoutBatch, PayoutItem)
