"""Customers: their type, list and mutation. Personal data have a type, a table and a scope of their own."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from app.core.context import Scope
from app.customers import inputs as plain
from app.customers.queries import CUSTOMERS, IDENTITIES
from app.db.keyset import Condition
from app.orders.queries import ORDERS
from app.usecases.upsert_customers import upsert_customers
from graphql_schema.context import Info
from graphql_schema.families import one_row, shows
from graphql_schema.filters import IdFilter, StringFilter, TimeFilter, on, on_upper_case, ordering
from graphql_schema.lists import LATEST, nested_list, root_list
from graphql_schema.loaders import Children
from graphql_schema.node import Node
from graphql_schema.permissions import requires
from graphql_schema.rows import of_row
from graphql_schema.writes import IDEMPOTENCY_KEY, ItemResult, Payload, batch, given

if TYPE_CHECKING:
    from graphql_schema.orders import Order

LazyOrder = Annotated["Order", strawberry.lazy("graphql_schema.orders")]

_IDENTITY = Children(IDENTITIES, "customer_id", "item.customer_id")


@strawberry.type(description="What identifies a person, kept apart from facts.")
class CustomerIdentity:
    """What identifies a person."""

    email: str | None = strawberry.field(description="E-mail address.")
    name: str | None = strawberry.field(description="Name.")
    phone: str | None = strawberry.field(description="Telephone number.")


@shows(CUSTOMERS, Scope.CUSTOMERS_READ)
@strawberry.type(description="Somebody who bought from the store.")
class Customer(Node):
    """Somebody who bought from the store."""

    external_id: str = strawberry.field(description="The store's id of them.")
    country: str | None = strawberry.field(description="ISO 3166-1 alpha-2.")
    created_at: datetime = strawberry.field(description="When they were first seen.")
    updated_at: datetime = strawberry.field(description="When they were last changed.")
    row_id: strawberry.Private[strawberry.ID]

    of = of_row(row_id="id")

    @strawberry.field(
        description="Their personal data; null when none are known.", extensions=[requires(Scope.CUSTOMERS_READ)]
    )
    async def identity(self, info: Info) -> CustomerIdentity | None:
        """Their personal data."""
        rows = await info.context.loaders.get(_IDENTITY).rows_of(self.row_id)
        return CustomerIdentity(email=rows[0]["email"], name=rows[0]["name"], phone=rows[0]["phone"]) if rows else None

    orders = nested_list(
        LazyOrder,
        ORDERS,
        parent="customer_id",
        sort=LATEST,
        description="Their orders, newest first.",
        scope=Scope.ORDERS_READ,
    )


@strawberry.input(description="Which customers to list. Conditions are combined by AND.")
class CustomerFilter:
    """Which customers to list."""

    id: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Their ids.")
    external_id: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="The store's ids.")
    country: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="Their countries.")
    created: TimeFilter | None = strawberry.field(default=strawberry.UNSET, description="When they were first seen.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *on("id", self.id),
            *on("external_id", self.external_id),
            *on_upper_case("country", self.country),
            *on("created_at", self.created),
        ]


CustomerOrder = ordering(
    "Customer",
    "customers",
    CREATED_AT="When they were first seen.",
)


@strawberry.input(description="A customer as the store knows them. Only what is mentioned changes; null clears.")
class CustomerInput:
    """A customer as the store knows them."""

    external_id: str = strawberry.field(description="The store's id of them.")
    country: str | None = strawberry.field(default=strawberry.UNSET, description="ISO 3166-1 alpha-2.")
    email: str | None = strawberry.field(default=strawberry.UNSET, description="E-mail address.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="Name.")
    phone: str | None = strawberry.field(default=strawberry.UNSET, description="Telephone number.")

    def value(self) -> plain.CustomerInput:
        """The customer as the use case takes them."""
        return plain.CustomerInput(**given(self))


@strawberry.input(description="Customers to bring up to date, at most 1,000.")
class UpsertCustomersInput:
    """Customers to bring up to date."""

    customers: list[CustomerInput] = strawberry.field(description="The customers.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.type(description="What became of one customer of a write.")
class CustomerResult(ItemResult):
    """What became of one customer of a write."""

    customer = one_row(
        Customer, CUSTOMERS, "row_id", "The customer as they are now; null when rejected.", scope=Scope.CUSTOMERS_READ
    )


@strawberry.type(description="What became of the customers of a write.")
class CustomersPayload(Payload[CustomerResult]):
    """What became of the customers of a write."""


@strawberry.type
class Query:
    """Fields of this file."""

    customers = root_list(
        Customer,
        CUSTOMERS,
        where=CustomerFilter,
        order=CustomerOrder,
        description="Customers, oldest first.",
        scope=Scope.CUSTOMERS_READ,
    )


@strawberry.type
class Mutation:
    """Fields of this file."""

    upsert_customers = batch(
        upsert_customers,
        "customers",
        input=UpsertCustomersInput,
        payload=CustomersPayload,
        result=CustomerResult,
        description="Brings customers up to date; those not known yet are created.",
        scope=Scope.CUSTOMERS_WRITE,
    )


TYPES = (Customer,)
