"""Orders, as they are read. Their mutations are in order_writes.py."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from app.attribution.queries import CREDITS
from app.campaigns.queries import CAMPAIGNS
from app.commissions.queries import COMMISSIONS
from app.core.context import Scope
from app.core.money import WEIGHT_ONE, from_minor
from app.core.words import LineKind, OrderEventKind, Platform, TouchKind
from app.customers.queries import CUSTOMERS
from app.db.keyset import Condition
from app.influencers.queries import INFLUENCERS
from app.orders.queries import ORDER_EVENTS, ORDER_LINES, ORDERS, REFUNDS, live
from app.products.queries import PRODUCTS
from app.tracking.queries import CODES
from graphql_schema.attribution import AttributionExplanation, explanation_of
from graphql_schema.commissions import Commission
from graphql_schema.context import Info
from graphql_schema.execution.columns import values_of
from graphql_schema.execution.together import together
from graphql_schema.families import one_row, root_one, shown, shows
from graphql_schema.filters import FactOrder, StringFilter, TimeFilter, is_flag, on, on_upper_case
from graphql_schema.lists import child_list, each, root_list
from graphql_schema.loaders import Children
from graphql_schema.node import Node
from graphql_schema.rows import Read, money, of_row
from graphql_schema.scalars import BigInt, CurrencyCode

if TYPE_CHECKING:
    from graphql_schema.campaigns import Campaign
    from graphql_schema.customers import Customer
    from graphql_schema.influencers import Influencer
    from graphql_schema.products import Product
    from graphql_schema.refunds import Refund

LazyCampaign = Annotated["Campaign", strawberry.lazy("graphql_schema.campaigns")]
LazyCustomer = Annotated["Customer", strawberry.lazy("graphql_schema.customers")]
LazyInfluencer = Annotated["Influencer", strawberry.lazy("graphql_schema.influencers")]
LazyProduct = Annotated["Product", strawberry.lazy("graphql_schema.products")]
LazyRefund = Annotated["Refund", strawberry.lazy("graphql_schema.refunds")]


_LINES = Children(ORDER_LINES, "order_id", "item.position, item.version")
_EVENTS = Children(ORDER_EVENTS, "order_id", "item.occurred_at, item.id")
_REFUNDS = Children(REFUNDS, "order_id", "item.occurred_at, item.id")
_CREDITS = Children(CREDITS, "order_id", "item.position")
_COMMISSIONS = Children(COMMISSIONS, "order_id", "item.occurred_at, item.id")


@strawberry.type(description="A line of an order, in its newest version.")
class OrderLine:
    """A line of an order."""

    position: int = strawberry.field(description="The line's number within its order, the same in all versions.")
    external_id: str | None = strawberry.field(description="The store's id of the line.")
    kind: LineKind = strawberry.field(description="What the line is.")
    title: str | None = strawberry.field(description="What the store called it.")
    quantity: BigInt = strawberry.field(description="Units.")
    amount: Decimal = strawberry.field(description="Of the whole line, net of its own discount; major units.")
    product_id: strawberry.Private[strawberry.ID | None]

    @staticmethod
    def of(row: Any) -> "OrderLine":
        """The row as it is shown."""
        return OrderLine(
            position=row["position"],
            external_id=row["external_id"],
            kind=LineKind(row["kind"]),
            title=row["title"],
            quantity=BigInt(row["quantity"]),
            amount=from_minor(row["amount_minor"], row["currency"]),
            product_id=row["product_id"],
        )

    product = one_row(LazyProduct, PRODUCTS, "product_id", "What was sold; null for lines without a product.")


@strawberry.type(description="Something that happened to an order.")
class OrderEvent:
    """Something that happened to an order."""

    kind: OrderEventKind = strawberry.field(description="What happened.")
    reason: str | None = strawberry.field(description="The store's words for why.")
    external_id: str | None = strawberry.field(description="The store's id of the event.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    recorded_at: datetime = strawberry.field(description="When it was told.")

    of = of_row()


_WEIGHT = Read(("weight_booked",), lambda booked: [Decimal(weight) / WEIGHT_ONE for weight in booked])


@strawberry.type(description="A touch's share of an order. The booked weights of an order sum to 1.")
class Credit:
    """A touch's share of an order."""

    weight: Decimal = strawberry.field(description="Booked share of the order, 0 to 1, nine digits.")
    touch_kind: TouchKind | None = strawberry.field(
        description="How it reached the customer; null: nobody is credited."
    )
    touched_at: datetime | None = strawberry.field(description="When it did.")
    code: str | None = strawberry.field(description="The coupon code, in upper case.")
    platform: Platform | None = strawberry.field(description="Where it happened.")
    channel: str | None = strawberry.field(description="The UTM medium.")
    influencer_id: strawberry.Private[strawberry.ID | None]
    campaign_id: strawberry.Private[strawberry.ID | None]

    of = of_row(weight=_WEIGHT)

    influencer = one_row(LazyInfluencer, INFLUENCERS, "influencer_id", "Who is credited; null: nobody.")

    campaign = one_row(LazyCampaign, CAMPAIGNS, "campaign_id", "For which campaign; null: outside any.")


_CODES = Children(CODES, "influencer_id", "item.code", columns=frozenset({"code"}))


async def _codes_of(roots: Sequence[Any], info: Info) -> list[list[str]]:
    given: Sequence[list[str]] = values_of(roots, "given_codes")
    own = info.context.ctx.principal.influencer_id
    if own is None:
        return list(given)
    known = {row["code"] for row in await info.context.loaders.get(_CODES).rows_of(own)}
    return [[code for code in codes if code in known] for codes in given]


@shows(ORDERS, Scope.ORDERS_READ)
@strawberry.type(description="What the store sold, in its newest version.")
class Order(Node):
    """What the store sold."""

    external_id: str = strawberry.field(description="The store's id of the order.")
    occurred_at: datetime = strawberry.field(description="When it was placed.")
    recorded_at: datetime = strawberry.field(description="When it was first recorded.")
    version: int = strawberry.field(description="1, and one more for each edit.")
    currency: CurrencyCode = strawberry.field(description="Currency of all its amounts.")
    total: Decimal = strawberry.field(description="Sum of all its lines; major units.")
    gross_revenue: Decimal = strawberry.field(description="ITEM and DISCOUNT lines; major units.")
    country: str | None = strawberry.field(description="ISO 3166-1 alpha-2, where it was shipped.")
    is_test: bool = strawberry.field(description="Test orders are kept, earn nothing and are in no measure.")
    customer_id: strawberry.Private[strawberry.ID | None]
    row_id: strawberry.Private[strawberry.ID]
    given_codes: strawberry.Private[list[str]]

    of = of_row(
        total=money("total_minor"),
        gross_revenue=money("gross_minor"),
        row_id="id",
        given_codes=Read(("codes",), list),
    )

    @strawberry.field(
        description="Coupon codes given at checkout, in upper case; to an influencer's key its own alone."
    )
    @together(_codes_of, reads=("given_codes",))
    async def codes(self, info: Info) -> list[str]:
        """Coupon codes given at checkout."""
        (found,) = await _codes_of([self], info)
        return found

    customer = one_row(
        LazyCustomer,
        CUSTOMERS,
        "customer_id",
        "Who bought; null when the store did not say.",
        scope=Scope.CUSTOMERS_READ,
    )

    lines = child_list(
        OrderLine,
        _LINES,
        show=lambda rows: list(map(OrderLine.of, live(rows))),
        description="Its lines, in order of position.",
    )

    events = child_list(OrderEvent, _EVENTS, show=each(OrderEvent.of), description="What happened to it, oldest first.")

    refunds = child_list(
        LazyRefund, _REFUNDS, show=each(shown(REFUNDS)), description="What was taken back, oldest first."
    )

    credits = child_list(
        Credit,
        _CREDITS,
        show=each(Credit.of),
        description="Who is credited, oldest touch first; empty for test orders.",
    )

    commissions = child_list(
        Commission,
        _COMMISSIONS,
        show=each(Commission.of),
        description="What was earned by it and taken back, oldest first.",
        scope=Scope.MONEY_READ,
    )

    @strawberry.field(description="Why it was, or was not, credited.")
    async def attribution(self, info: Info) -> AttributionExplanation | None:
        """Why it was, or was not, credited."""
        return await explanation_of(info, UUID(self.row_id))


@strawberry.input(description="Which orders to list. Conditions are combined by AND.")
class OrderFilter:
    """Which orders to list."""

    external_id: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="The store's id.")
    occurred: TimeFilter | None = strawberry.field(default=strawberry.UNSET, description="When it was placed.")
    recorded: TimeFilter | None = strawberry.field(default=strawberry.UNSET, description="When it was recorded.")
    currency: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="Its currency.")
    country: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="Where it was shipped.")
    is_test: bool | None = strawberry.field(default=strawberry.UNSET, description="Test orders, or all others.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *on("external_id", self.external_id),
            *on("occurred_at", self.occurred),
            *on("recorded_at", self.recorded),
            *on("currency", self.currency),
            *on_upper_case("country", self.country),
            *is_flag("is_test", self.is_test),
        ]


@strawberry.type
class Query:
    """Fields of this file."""

    order = root_one(Order, ORDERS, scope=Scope.ORDERS_READ)
    orders = root_list(
        Order,
        ORDERS,
        where=OrderFilter,
        order=FactOrder,
        description="Orders, newest first.",
        scope=Scope.ORDERS_READ,
    )


TYPES = (Order,)
