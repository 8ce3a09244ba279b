"""Mutations of refunds and adjustments."""

from datetime import datetime
from decimal import Decimal

import strawberry

from app.core.context import Scope
from app.core.words import RefundKind, RefundState
from app.orders import inputs as plain
from app.orders.queries import ADJUSTMENTS, REFUNDS
from app.usecases.record_adjustments import record_adjustments
from app.usecases.record_refunds import record_refunds
from graphql_schema.families import one_row
from graphql_schema.refunds import Adjustment, Refund
from graphql_schema.scalars import CurrencyCode
from graphql_schema.writes import IDEMPOTENCY_KEY, ItemResult, Payload, batch, present


@strawberry.input(
    description="What is taken back of one line, which is named by position or by the store's line id. `quantity` "
    "alone takes the units' share of the line; neither quantity nor amount takes all that is open on it."
)
class RefundLineInput:
    """What is taken back of one line."""

    position: int | None = strawberry.field(default=strawberry.UNSET, description="The line's number in its order.")
    external_id: str | None = strawberry.field(default=strawberry.UNSET, description="The store's line id.")
    quantity: int | None = strawberry.field(default=strawberry.UNSET, description="Units.")
    amount: Decimal | None = strawberry.field(
        default=strawberry.UNSET, description="Major units, with the sign of the line: a discount's is negative."
    )

    def value(self) -> plain.RefundLineInput:
        """The part as the use case takes it."""
        return plain.RefundLineInput(**present(self))


@strawberry.input(
    description="Money taken back from an order: by `lines`, or by `amount` spread over the open lines. It may come "
    "before its order, and then waits for it."
)
class RefundInput:
    """Money taken back from an order."""

    external_id: str = strawberry.field(
        description="The store's id, which makes it one refund however often it is sent."
    )
    order_external_id: str = strawberry.field(description="The store's id of the order.")
    occurred_at: datetime = strawberry.field(description="When it happened: the date it counts on.")
    amount: Decimal | None = strawberry.field(default=strawberry.UNSET, description="In all, major units; positive.")
    lines: list[RefundLineInput] | None = strawberry.field(default=strawberry.UNSET, description="Line by line.")
    currency: CurrencyCode | None = strawberry.field(
        default=strawberry.UNSET, description="The order's, and any other is refused; assumed when not given."
    )
    kind: RefundKind | None = strawberry.field(
        default=strawberry.UNSET, description="Why money went back; REFUND when not given."
    )
    reason: str | None = strawberry.field(default=strawberry.UNSET, description="The store's words for why.")

    def value(self) -> plain.RefundInput:
        """The refund as the use case takes it."""
        return plain.RefundInput(lines=tuple(line.value() for line in self.lines or ()), **present(self, "lines"))


@strawberry.input(description="A credit note whose order cannot be known: counted in refunds, credited to nobody.")
class AdjustmentInput:
    """A credit note whose order cannot be known."""

    external_id: str = strawberry.field(
        description="The store's id, which makes it one adjustment however often it is sent."
    )
    occurred_at: datetime = strawberry.field(description="When it happened: the date it counts on.")
    currency: CurrencyCode = strawberry.field(description="Of the amount.")
    amount: Decimal = strawberry.field(description="Major units; positive takes back.")
    quantity: int | None = strawberry.field(default=strawberry.UNSET, description="Units; 0 when not given.")
    sku: str | None = strawberry.field(
        default=strawberry.UNSET, description="The store's product id; an unknown product is created."
    )
    title: str | None = strawberry.field(default=strawberry.UNSET, description="Of a product that is created.")
    customer: str | None = strawberry.field(
        default=strawberry.UNSET, description="The store's customer id; an unknown customer is created."
    )
    country: str | None = strawberry.field(default=strawberry.UNSET, description="ISO 3166-1 alpha-2.")
    reason: str | None = strawberry.field(default=strawberry.UNSET, description="The store's words for why.")

    def value(self) -> plain.AdjustmentInput:
        """The adjustment as the use case takes it."""
        return plain.AdjustmentInput(**present(self))


@strawberry.input(description="Refunds to record, at most 1,000.")
class RecordRefundsInput:
    """Refunds to record."""

    refunds: list[RefundInput] = strawberry.field(description="The refunds, applied in their order.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Adjustments to record, at most 1,000.")
class RecordAdjustmentsInput:
    """Adjustments to record."""

    adjustments: list[AdjustmentInput] = strawberry.field(description="The adjustments.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.type(description="What became of one refund of a write.")
class RefundResult(ItemResult):
    """What became of one refund of a write."""

    @strawberry.field(description="Whether it was applied or waits for its order; null when rejected.")
    def state(self) -> RefundState | None:
        """Whether it was applied or waits for its order."""
        return RefundState(self.detail["state"]) if "state" in self.detail else None

    @strawberry.field(description="What it took back, major units of the order's currency; null while it waits.")
    def amount(self) -> Decimal | None:
        """What it took back."""
        amount = self.detail.get("amount")
        return None if amount is None else Decimal(amount)

    refund = one_row(Refund, REFUNDS, "row_id", "The refund as it is now; null when rejected.")


@strawberry.type(description="What became of one adjustment of a write.")
class AdjustmentResult(ItemResult):
    """What became of one adjustment of a write."""

    adjustment = one_row(Adjustment, ADJUSTMENTS, "row_id", "The adjustment; null when rejected.")


@strawberry.type(description="What became of the refunds of a write.")
class RecordRefundsPayload(Payload[RefundResult]):
    """What became of the refunds of a write."""


@strawberry.type(description="What became of the adjustments of a write.")
class RecordAdjustmentsPayload(Payload[AdjustmentResult]):
    """What became of the adjustments of a write."""


@strawberry.type
class Mutation:
    """Fields of this file."""

    record_refunds = batch(
        record_refunds,
        "refunds",
        input=RecordRefundsInput,
        payload=RecordRefundsPayload,
        result=RefundResult,
        description="Records refunds: credit and commission go back in proportion. Never more than is open.",
        scope=Scope.ORDERS_WRITE,
    )

    record_adjustments = batch(
        record_adjustments,
        "adjustments",
        input=RecordAdjustmentsInput,
        payload=RecordAdjustmentsPayload,
        result=AdjustmentResult,
        description="Records credit notes whose order cannot be known.",
        scope=Scope.ORDERS_WRITE,
    )
