"""Products: what they may be. Rules are pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import new_id
from app.core.texts import checked_external_id, checked_optional, checked_text
from app.core.unset import given
from app.db.entities import EntityKind
from app.db.rows import RowTable
from app.products.inputs import ProductInput
from app.tables import Product


@dataclass(frozen=True, slots=True)
class ProductRow:
    """What the store sells. external_id: its SKU."""

    id: UUID
    external_id: str
    title: str
    category: str | None
    created_at: datetime
    updated_at: datetime


def checked_product(item: ProductInput) -> ProductInput:
    """The item, if its product can be looked up. Raises DomainError."""
    checked_external_id(item.external_id, "externalId")
    return item


def drafted(ctx: Ctx, item: ProductInput) -> ProductRow:
    """A new product, called by its SKU until it has a title."""
    return ProductRow(
        id=new_id(),
        external_id=item.external_id,
        title=item.external_id,
        category=None,
        created_at=ctx.now,
        updated_at=ctx.now,
    )


def changed(ctx: Ctx, row: ProductRow, item: ProductInput) -> ProductRow:
    """The product after the change. Raises DomainError."""
    after = replace(row, **given(item, "external_id", required=("title",)), updated_at=ctx.now)
    checked_text(after.title, "title")
    checked_optional(after.category, "category")
    return after


PRODUCT_KIND = EntityKind(
    noun="product",
    plural="products",
    table=RowTable(Product, ProductRow, key=("external_id",), changeable=("title", "category")),
    has_topic=False,
    shown_as="title",
)
