"""What may be read of products: lists for app/db/keyset, and what commission plans ask of them."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from app.core.context import Ctx
from app.db.keyset import EVERYTHING, Listing
from app.db.session import ReadSession

PRODUCTS = Listing(
    tag="products",
    table="products",
    columns="item.id, item.external_id, item.title, item.category, item.created_at, item.updated_at",
    # What the store sells is no secret of anybody's; an influencer's commissions name products.
    own=EVERYTHING,
    sorts=(("created_at", "timestamptz"), ("title", "text")),  # indexes: products_created, products_title
    is_kept=True,
)


class Traits(NamedTuple):
    """What rules look at of a product: the store's id of it, and its category."""

    sku: str
    category: str | None


async def traits(ctx: Ctx, session: ReadSession, ids: Collection[UUID]) -> dict[UUID, Traits]:
    """The traits of these products, by id."""
    if not ids:
        return {}
    rows = await session.fetch(
        """/* products.traits */
        SELECT id, external_id, category
        FROM products
        WHERE tenant_id = $1 AND id = ANY($2::uuid[])""",
        ctx.tenant_id,
        list(ids),
    )
    return {row["id"]: Traits(row["external_id"], row["category"]) for row in rows}
