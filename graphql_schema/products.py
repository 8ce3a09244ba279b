"""Products: their type, list and mutation."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import strawberry

from app.analytics.query import Direction
from app.core.context import Scope
from app.products import inputs as plain
from app.products.queries import PRODUCTS
from app.usecases.upsert_products import upsert_products
from graphql_schema.analytics import analytics_of
from graphql_schema.connection import Connection
from graphql_schema.context import Info
from graphql_schema.families import found, shown, shows
from graphql_schema.filters import IdFilter, StringFilter, on, sorted_by
from graphql_schema.loaders import Paging, listed
from graphql_schema.node import Node
from graphql_schema.permissions import requires
from graphql_schema.writes import IDEMPOTENCY_KEY, ItemResult, Payload, given, write


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

    @staticmethod
    def of(row: Any) -> "Product":
        """The row as it is shown."""
        return Product(
            id=strawberry.ID(str(row["id"])),
            external_id=row["external_id"],
            title=row["title"],
            category=row["category"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
        )


@strawberry.input(description="Which products to list. Conditions are combined by AND.")
class ProductFilter:
    """Which products to list."""

    id: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Their ids.")
    external_id: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="Their SKUs.")
    title: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="What they are called.")
    category: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="The store's categories.")


@strawberry.enum(description="What products are ordered by.")
class ProductSort(StrEnum):
    """What products are ordered by."""

    CREATED_AT = "CREATED_AT"
    TITLE = "TITLE"


@strawberry.input(description="Order of products.")
class ProductOrder:
    """Order of products."""

    by: ProductSort = strawberry.field(default=ProductSort.CREATED_AT, description="What to order by.")
    direction: Direction = strawberry.field(default=Direction.ASC, description="In which direction.")


BY_AGE = ProductOrder()


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

    @strawberry.field(description="The product as it is now; null when rejected.")
    async def product(self, info: Info) -> Product | None:
        """The product as it is now."""
        return await found(info, PRODUCTS, self.row_id)


@strawberry.type(description="What became of the products of a write.")
class ProductsPayload(Payload[ProductResult]):
    """What became of the products of a write."""


@strawberry.type
class Query:
    """Fields of this file."""

    @strawberry.field(description="Products, oldest first.", extensions=[requires(Scope.PRODUCTS_READ)])
    async def products(
        self,
        info: Info,
        where: ProductFilter | None = None,
        order_by: ProductOrder | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Product]:
        """Products."""
        conditions = (
            []
            if not where
            else [
                *on("id", where.id),
                *on("external_id", where.external_id),
                *on("title", where.title),
                *on("category", where.category),
            ]
        )
        return await listed(
            info,
            PRODUCTS,
            Paging(first, after, last, before),
            node=shown(PRODUCTS),
            sort=sorted_by(order_by or BY_AGE),
            conditions=conditions,
        )


@strawberry.type
class Mutation:
    """Fields of this file."""

    @strawberry.mutation(
        description="Brings products up to date; those not known yet are created.",
        extensions=[requires(Scope.PRODUCTS_WRITE)],
    )
    async def upsert_products(self, info: Info, input: UpsertProductsInput) -> ProductsPayload:
        """Brings products up to date."""
        return await write(
            info,
            upsert_products,
            [item.value() for item in input.products],
            input.idempotency_key,
            payload=ProductsPayload,
            result=ProductResult,
        )


TYPES = (Product,)
