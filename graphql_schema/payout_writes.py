"""Payouts as they are written: batches, what people decide and tell of them, and influencers' wishes."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import strawberry

from app.core.context import Scope
from app.core.payout_words import PayoutProviderName
from app.payouts import inputs as plain
from app.payouts.queries import PAYOUT_BATCHES, PAYOUT_ITEMS
from app.usecases.approve_payout_batches import approve_payout_batches
from app.usecases.cancel_payout_batches import cancel_payout_batches
from app.usecases.cancel_payout_items import cancel_payout_items
from app.usecases.confirm_payout_items import confirm_payout_items
from app.usecases.create_payout_batches import create_payout_batches
from app.usecases.request_payouts import request_payouts
from app.usecases.return_payout_items import return_payout_items
from graphql_schema.families import one_row
from graphql_schema.payouts import PayoutBatch, PayoutItem
from graphql_schema.scalars import CurrencyCode
from graphql_schema.words import vocabulary
from graphql_schema.writes import IDEMPOTENCY_KEY, NO_ROW, ItemResult, Payload, batch, id_named, own_id, present

_REASON = "Why; kept with the passage."


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


class PayoutOutcome(StrEnum):
    """What a person can tell of a payment."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    RETURNED = "RETURNED"


vocabulary(
    PayoutOutcome,
    "What a person can tell of a payment.",
    SUCCEEDED="It was paid.",
    FAILED="It was not paid, and will not be.",
    RETURNED="It had been paid, and came back whole.",
)


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
        return plain.PayoutConfirmation(id=own_id(self.id), outcome=str(self.outcome), **present(self, "id", "outcome"))


@strawberry.input(description="An influencer's wish to be paid.")
class PayoutRequestInput:
    """An influencer's wish to be paid."""

    currency: CurrencyCode = strawberry.field(description="Currency of the balance.")

    def value(self) -> plain.PayoutRequestInput:
        """The wish as the use case takes it."""
        return plain.PayoutRequestInput(currency=self.currency)


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
        description="Approves drafts, which another key made: the worker sends them. What must not be paid any more is "
        "CANCELLED, and says why. SECOND_KEY_NEEDED for one's own, NOTHING_DUE where nothing is left.",
        scope=Scope.MONEY_WRITE,
    )

    cancel_payout_batches = batch(
        cancel_payout_batches,
        "payout_batches",
        input=DecidePayoutBatchesInput,
        payload=PayoutBatchesPayload,
        result=PayoutBatchResult,
        description="Cancels batches, or what is left of them, while nothing is under way; balances are payable again.",
        scope=Scope.MONEY_WRITE,
    )

    cancel_payout_items = batch(
        cancel_payout_items,
        "payout_items",
        input=DecidePayoutItemsInput,
        payload=PayoutItemsPayload,
        result=PayoutItemResult,
        description="Leaves payouts out of batches before they are sent; their balances are payable again.",
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
