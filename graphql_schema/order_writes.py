"""Mutations of orders: recording, editing, cancelling, and what else happens to them."""

from datetime import datetime
from decimal import Decimal

import strawberry

from app.core.context import Scope
from app.core.words import LineKind, OrderEventKind
from app.orders import inputs as plain
from app.orders.queries import ORDERS
from app.usecases.cancel_orders import cancel_orders
from app.usecases.edit_orders import edit_orders
from app.usecases.record_order_events import record_order_events
from app.usecases.record_orders import record_orders
from graphql_schema.attribution import AttributionExplanation
from graphql_schema.context import Info
from graphql_schema.families import found, one_row
from graphql_schema.orders import Order
from graphql_schema.scalars import CurrencyCode, uuid_of
from graphql_schema.writes import IDEMPOTENCY_KEY, ItemResult, Payload, batch, present

_ORDER_ID = "The store's id of the order."


@strawberry.input(description="One line of an order.")
class OrderLineInput:
    """One line of an order."""

    kind: LineKind = strawberry.field(description="What it is.")
    amount: Decimal = strawberry.field(
        description="Of the whole line, not per unit, net of its own discount; major units of the order's currency. "
        "At most 0 for DISCOUNT, at least 0 for ITEM."
    )
    quantity: int | None = strawberry.field(default=strawberry.UNSET, description="Units; 1 when not given.")
    sku: str | None = strawberry.field(
        default=strawberry.UNSET, description="The store's product id; an unknown product is created."
    )
    title: str | None = strawberry.field(default=strawberry.UNSET, description="What the store calls it.")
    external_id: str | None = strawberry.field(
        default=strawberry.UNSET, description="The store's line id, by which refunds and edits find the line."
    )
    position: int | None = strawberry.field(
        default=strawberry.UNSET, description="The line's number, 0 or more; where it stands when not given."
    )

    def value(self) -> plain.LineInput:
        """The line as the use case takes it."""
        return plain.LineInput(**present(self))


@strawberry.input(description="An order as placed. Its lines of all kinds add up to its total.")
class OrderInput:
    """An order as placed."""

    external_id: str = strawberry.field(
        description="The store's id, which makes it one order however often it is sent."
    )
    occurred_at: datetime = strawberry.field(description="When it was placed; may lie in the past.")
    currency: CurrencyCode = strawberry.field(description="Of all its amounts.")
    total: Decimal = strawberry.field(description="What the customer paid or owes, major units: the sum of the lines.")
    lines: list[OrderLineInput] = strawberry.field(description="Its lines.")
    customer: str | None = strawberry.field(
        default=strawberry.UNSET, description="The store's customer id; an unknown customer is created."
    )
    visitor_id: str | None = strawberry.field(default=strawberry.UNSET, description="The store's id of the visitor.")
    click_id: str | None = strawberry.field(default=strawberry.UNSET, description="The id of the click it came by.")
    codes: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Coupon codes given at checkout, in upper or lower case."
    )
    country: str | None = strawberry.field(
        default=strawberry.UNSET, description="ISO 3166-1 alpha-2, where it is shipped, else billed."
    )
    test: bool | None = strawberry.field(
        default=strawberry.UNSET, description="A test order is kept, earns nothing, and is in no measure."
    )

    def value(self) -> plain.OrderInput:
        """The order as the use case takes it."""
        return plain.OrderInput(
            lines=tuple(line.value() for line in self.lines),
            codes=tuple(self.codes or ()),
            **present(self, "lines", "codes"),
        )


@strawberry.input(description="The new state of an order. Differences are posted at the order's own time.")
class OrderEditInput:
    """The new state of an order."""

    order_external_id: str = strawberry.field(description=_ORDER_ID)
    occurred_at: datetime = strawberry.field(description="When it was edited.")
    total: Decimal = strawberry.field(description="The sum of the lines as they are now, major units.")
    lines: list[OrderLineInput] = strawberry.field(description="All its lines as they are now.")
    version: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="The version the edit was made on, refused if there is a newer one; the newest when not given.",
    )

    def value(self) -> plain.EditInput:
        """The edit as the use case takes it."""
        return plain.EditInput(lines=tuple(line.value() for line in self.lines), **present(self, "lines"))


@strawberry.input(description="A cancellation: all that is still open on the order goes back.")
class OrderCancellationInput:
    """A cancellation."""

    order_external_id: str = strawberry.field(description=_ORDER_ID)
    occurred_at: datetime = strawberry.field(description="When it was cancelled: the date of what goes back.")
    reason: str | None = strawberry.field(default=strawberry.UNSET, description="The store's words for why.")

    def value(self) -> plain.CancelInput:
        """The cancellation as the use case takes it."""
        return plain.CancelInput(**present(self))


@strawberry.input(
    description="Something that happened to an order: PAID, FULFILLED, CANCELLED or CHARGEBACK. The last two refund "
    "what is open."
)
class OrderEventInput:
    """Something that happened to an order."""

    order_external_id: str = strawberry.field(description=_ORDER_ID)
    kind: OrderEventKind = strawberry.field(description="What happened.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    external_id: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The store's id of the event, unique within its order; made from kind and time when not given.",
    )
    reason: str | None = strawberry.field(default=strawberry.UNSET, description="The store's words for why.")

    def value(self) -> plain.OrderEventInput:
        """The event as the use case takes it."""
        return plain.OrderEventInput(**present(self))


@strawberry.input(description="Orders to record, at most 1,000.")
class RecordOrdersInput:
    """Orders to record."""

    orders: list[OrderInput] = strawberry.field(description="The orders.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Orders to edit, at most 1,000.")
class EditOrdersInput:
    """Orders to edit."""

    edits: list[OrderEditInput] = strawberry.field(description="The edits, applied in their order.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Orders to cancel, at most 1,000.")
class CancelOrdersInput:
    """Orders to cancel."""

    cancellations: list[OrderCancellationInput] = strawberry.field(description="The cancellations.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Events to record, at most 1,000.")
class RecordOrderEventsInput:
    """Events to record."""

    events: list[OrderEventInput] = strawberry.field(description="The events, entered in their order.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.type(description="A commission that an order earned when it was booked.")
class Accrual:
    """A commission that an order earned when it was booked."""

    id: strawberry.ID = strawberry.field(description="Id of the commission.")
    influencer_id: strawberry.ID = strawberry.field(description="Who earned it.")
    campaign_id: strawberry.ID | None = strawberry.field(description="The campaign whose terms applied.")
    rate: Decimal | None = strawberry.field(
        description="Share of the commission base, 0 to 1; null where a plan's rules gave other than one rate."
    )
    plan_version_id: strawberry.ID | None = strawberry.field(
        description="Id of the version of the plan whose rules gave it; null without a plan."
    )
    amount: Decimal = strawberry.field(description="Major units of `currency`.")
    currency: CurrencyCode = strawberry.field(description="The order's currency.")
    lacks_exchange_rate: bool = strawberry.field(
        description="For want of a rate of the order's day some rule of the plan, or all of it, could not be applied; "
        "once there is one, the difference is posted."
    )


def _id(value: str | None) -> strawberry.ID | None:
    return None if value is None else strawberry.ID(value)


@strawberry.type(description="What became of one order of a write, and why it was credited as it was.")
class OrderResult(ItemResult):
    """What became of one order of a write."""

    @strawberry.field(description="Why it was, or was not, credited; null when rejected.")
    def attribution(self, info: Info) -> AttributionExplanation | None:
        """Why it was, or was not, credited."""
        why = self.detail.get("explanation")
        if why is None:
            return None
        assert self.row_id is not None, "what is explained was recorded"
        return AttributionExplanation.stored(info, self.row_id, why)

    @strawberry.field(description="What was earned by it when it was booked.")
    def commissions(self) -> list[Accrual]:
        """What was earned by it when it was booked."""
        return [
            Accrual(
                id=strawberry.ID(earned["id"]),
                influencer_id=strawberry.ID(earned["influencerId"]),
                campaign_id=_id(earned["campaignId"]),
                rate=None if earned["rate"] is None else Decimal(earned["rate"]),
                plan_version_id=_id(earned.get("planVersionId")),
                amount=Decimal(earned["amount"]),
                currency=CurrencyCode(earned["currency"]),
                lacks_exchange_rate=earned.get("lacksExchangeRate", False),
            )
            for earned in self.detail.get("commissions", ())
        ]

    order = one_row(Order, ORDERS, "row_id", "The order as it is now; null when rejected.")


@strawberry.type(description="What became of one edit.")
class OrderEditResult(ItemResult):
    """What became of one edit."""

    @strawberry.field(description="The version it made or found again; null when rejected.")
    def version(self) -> int | None:
        """The version it made or found again."""
        version: int | None = self.detail.get("version")
        return version

    order = one_row(Order, ORDERS, "row_id", "The order as it is now; null when rejected.")


@strawberry.type(description="What became of one event of an order.")
class OrderEventResult(ItemResult):
    """What became of one event of an order."""

    @strawberry.field(description="What the event took back, major units of the order's currency; null when rejected.")
    def refunded(self) -> Decimal | None:
        """What the event took back."""
        return Decimal(self.detail["amount"]) if "amount" in self.detail else None

    @strawberry.field(description="The order as it is now; null when rejected.")
    async def order(self, info: Info) -> Order | None:
        """The order as it is now."""
        order_id = self.detail.get("orderId")
        return None if order_id is None else await found(info, ORDERS, uuid_of(order_id))


@strawberry.type(description="What became of the orders of a write.")
class RecordOrdersPayload(Payload[OrderResult]):
    """What became of the orders of a write."""


@strawberry.type(description="What became of the edits of a write.")
class EditOrdersPayload(Payload[OrderEditResult]):
    """What became of the edits of a write."""


@strawberry.type(description="What became of the events of a write.")
class OrderEventsPayload(Payload[OrderEventResult]):
    """What became of the events of a write."""


@strawberry.type
class Mutation:
    """Fields of this file."""

    record_orders = batch(
        record_orders,
        "orders",
        input=RecordOrdersInput,
        payload=RecordOrdersPayload,
        result=OrderResult,
        description="Records orders: attributed, with commission and ledger, in one transaction. A known external id "
        "with the same content is REPLAYED, with other content CONFLICTING_DUPLICATE.",
        scope=Scope.ORDERS_WRITE,
        rows=ORDERS,
    )

    edit_orders = batch(
        edit_orders,
        "edits",
        input=EditOrdersInput,
        payload=EditOrdersPayload,
        result=OrderEditResult,
        description="Edits orders: a new version each; what it changes is credited and earned as the order was.",
        scope=Scope.ORDERS_WRITE,
    )

    cancel_orders = batch(
        cancel_orders,
        "cancellations",
        input=CancelOrdersInput,
        payload=OrderEventsPayload,
        result=OrderEventResult,
        description="Cancels orders: what is still open on them goes back, with credit and commission in proportion.",
        scope=Scope.ORDERS_WRITE,
    )

    record_order_events = batch(
        record_order_events,
        "events",
        input=RecordOrderEventsInput,
        payload=OrderEventsPayload,
        result=OrderEventResult,
        description="Records what happened to orders. CANCELLED and CHARGEBACK take back what is still open.",
        scope=Scope.ORDERS_WRITE,
    )
