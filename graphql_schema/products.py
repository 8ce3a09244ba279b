"""Products: their type, list and mutation."""

from datetime import datetime

import strawberry

from app.core.context import Scope
from app.db.keyset import Condition
from app.products import inputs as plain
from app.products.queries import PRODUCTS
from app.usecases.upsert_products import upsert_products
from graphql_schema.analytics import analytics_of
from graphql_schema.families import one_row, root_one, shows
from graphql_schema.filters import IdFilter, StringFilter, on, ordering
from graphql_schema.lists import root_list
from graphql_schema.node import Node
from graphql_schema.rows import of_row
from graphql_schema.writes import IDEMPOTENCY_KEY, ItemResult, Payload, batch, given


@shows(PRODUCTS, Scope.PRODUCTS_READ)
@strawberry.type(description="What the store sells.")
class Product(Node):
    """What the store sells."""

    external_id: str = strawberry.field(description="The store's id of it: its SKU.")
    title: str = strawberry.field(description="What the store calls it.")
    category: str | None = strawberry.field(description="The store's category.")
    created_at: datetime = strawberry.field(description="When it was first seen.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    analytics = analytics_of("product")

    of = of_row()


@strawberry.input(description="Which products to list. Conditions are combined by AND.")
class ProductFilter:
    """Which products to list."""

    id: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Their ids.")
    external_id: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="Their SKUs.")
    title: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="What they are called.")
    category: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="The store's categories.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *on("id", self.id),
            *on("external_id", self.external_id),
            *on("title", self.title),
            *on("category", self.category),
        ]


ProductOrder = ordering(
    "Product",
    "products",
    CREATED_AT="When they were first seen.",
    TITLE="What the store calls them, as the database collates.",
)


@strawberry.input(description="A product as the store knows it. Only what is mentioned changes; null clears.")
class ProductInput:
    """A product as the store knows it."""

    external_id: str = strawberry.field(description="The store's id of it: its SKU.")
    title: str | None = strawberry.field(
        default=strawberry.UNSET, description="What it is called; a new product's is its SKU until told. Not null."
    )
    category: str | None = strawberry.field(default=strawberry.UNSET, description="The store's category.")

    def value(self) -> plain.ProductInput:
        """The product as the use case takes it."""
        return plain.ProductInput(**given(self))


@strawberry.input(description="Products to bring up to date, at most 1,000.")
class UpsertProductsInput:
    """Products to bring up to date."""

    products: list[ProductInput] = strawberry.field(description="The products.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.type(description="What became of one product of a write.")
class ProductResult(ItemResult):
    """What became of one product of a write."""

    product = one_row(Product, PRODUCTS, "row_id", "The product as it is now; null when rejected.")


@strawberry.type(description="What became of the products of a write.")
class ProductsPayload(Payload[ProductResult]):
    """What became of the products of a write."""


@strawberry.type
class Query:
    """Fields of this file."""

    product = root_one(Product, PRODUCTS, scope=Scope.PRODUCTS_READ)
    products = root_list(
        Product,
        PRODUCTS,
        where=ProductFilter,
        order=ProductOrder,
        description="Products, oldest first.",
        scope=Scope.PRODUCTS_READ,
    )


@strawberry.type
class Mutation:
    """Fields of this file."""

    upsert_products = batch(
        upsert_products,
        "products",
        input=UpsertProductsInput,
        payload=ProductsPayload,
        result=ProductResult,
        description="Brings products up to date; those not known yet are created.",
        scope=Scope.PRODUCTS_WRITE,
    )


TYPES = (Product,)
