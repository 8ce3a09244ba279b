"""Refunds and adjustments, as they are read. Their mutations are in refund_writes.py."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import strawberry

from app.core.context import Scope
from app.core.words import LineKind, RefundKind, RefundState
from app.db.keyset import Condition
from app.orders.queries import ADJUSTMENTS, ORDERS, REFUND_LINES, REFUNDS
from app.products.queries import PRODUCTS
from graphql_schema.context import Info
from graphql_schema.families import one_row, shows
from graphql_schema.filters import FactOrder, IdFilter, StringFilter, TimeFilter, any_of, on
from graphql_schema.lists import root_list
from graphql_schema.loaders import Children
from graphql_schema.node import Node
from graphql_schema.rows import money, of_row
from graphql_schema.scalars import BigInt, CurrencyCode

if TYPE_CHECKING:
    from graphql_schema.orders import Order
    from graphql_schema.products import Product

LazyOrder = Annotated["Order", strawberry.lazy("graphql_schema.orders")]
LazyProduct = Annotated["Product", strawberry.lazy("graphql_schema.products")]


_REFUND_LINES = Children(REFUND_LINES, "refund_id", "item.position, item.id")


@strawberry.type(description="A part of a refund: what it takes back of one order line.")
class RefundLine:
    """A part of a refund."""

    position: int = strawberry.field(description="Number of the order line within its order.")
    kind: LineKind = strawberry.field(description="What the order line is.")
    quantity: BigInt = strawberry.field(description="Units taken back; 0 when the refund names an amount alone.")
    amount: Decimal = strawberry.field(description="Taken back, major units; negative for a discount taken back.")
    product_id: strawberry.Private[strawberry.ID | None]

    of = of_row(amount=money("amount_minor"))

    product = one_row(LazyProduct, PRODUCTS, "product_id", "The line's product; null when it has none.")


@shows(REFUNDS, Scope.ORDERS_READ)
@strawberry.type(description="Money taken back from an order, on its own date.")
class Refund(Node):
    """Money taken back from an order."""

    external_id: str = strawberry.field(description="The store's id of the refund.")
    order_external_id: str = strawberry.field(description="The store's id of the order.")
    kind: RefundKind = strawberry.field(description="Why money went back.")
    state: RefundState = strawberry.field(description="Whether it was applied to its order.")
    reason: str | None = strawberry.field(description="The store's words for why.")
    reject_code: str | None = strawberry.field(description="Why it was rejected when its order came; an error code.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    recorded_at: datetime = strawberry.field(description="When it was told.")
    settled_at: datetime | None = strawberry.field(description="When it was applied or rejected; null while it waits.")
    order_id: strawberry.Private[strawberry.ID | None]
    row_id: strawberry.Private[strawberry.ID]

    of = of_row(row_id="id")

    order = one_row(LazyOrder, ORDERS, "order_id", "The order; null while it is not known.")

    @strawberry.field(description="What it takes back, line by line; empty while it waits.")
    async def lines(self, info: Info) -> list[RefundLine]:
        """What it takes back, line by line."""
        return [RefundLine.of(row) for row in await info.context.loaders.get(_REFUND_LINES).rows_of(self.row_id)]


@shows(ADJUSTMENTS, Scope.ORDERS_READ)
@strawberry.type(description="A credit note whose order cannot be known: uncredited, counted in refunds.")
class Adjustment(Node):
    """A credit note whose order cannot be known."""

    external_id: str = strawberry.field(description="The store's id of it.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    recorded_at: datetime = strawberry.field(description="When it was told.")
    currency: CurrencyCode = strawberry.field(description="Currency of the amount.")
    amount: Decimal = strawberry.field(description="Taken back; major units.")
    quantity: BigInt = strawberry.field(description="Units taken back.")
    reason: str | None = strawberry.field(description="The store's words for why.")
    product_id: strawberry.Private[strawberry.ID | None]

    of = of_row(amount=money("amount_minor"))

    product = one_row(LazyProduct, PRODUCTS, "product_id", "Its product; null when it has none.")


@strawberry.input(description="Which refunds to list. Conditions are combined by AND.")
class RefundFilter:
    """Which refunds to list."""

    external_id: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="The store's id.")
    order: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="The order it takes back from.")
    state: list[RefundState] | None = strawberry.field(default=strawberry.UNSET, description="Any of these states.")
    kind: list[RefundKind] | None = strawberry.field(default=strawberry.UNSET, description="Any of these kinds.")
    occurred: TimeFilter | None = strawberry.field(default=strawberry.UNSET, description="When it happened.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *on("external_id", self.external_id),
            *on("order_id", self.order),
            *any_of("state", self.state),
            *any_of("kind", self.kind),
            *on("occurred_at", self.occurred),
        ]


@strawberry.input(description="Which adjustments to list. Conditions are combined by AND.")
class AdjustmentFilter:
    """Which adjustments to list."""

    external_id: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="The store's id.")
    product: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Its product.")
    occurred: TimeFilter | None = strawberry.field(default=strawberry.UNSET, description="When it happened.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *on("external_id", self.external_id),
            *on("product_id", self.product),
            *on("occurred_at", self.occurred),
        ]


@strawberry.type
class Query:
    """Fields of this file."""

    refunds = root_list(
        Refund,
        REFUNDS,
        where=RefundFilter,
        order=FactOrder,
        description="Refunds, newest first; those that wait for their order too.",
        scope=Scope.ORDERS_READ,
    )

    adjustments = root_list(
        Adjustment,
        ADJUSTMENTS,
        where=AdjustmentFilter,
        order=FactOrder,
        description="Adjustments, newest first.",
        scope=Scope.ORDERS_READ,
    )


TYPES = (Refund, Adjustment)
