"""What may be read of products: lists for app/db/keyset."""

from app.db.keyset import EVERYTHING, Listing

PRODUCTS = Listing(
    tag="products",
    table="products",
    columns="item.id, item.external_id, item.title, item.category, item.created_at, item.updated_at",
    # What the store sells is no secret of anybody's; an influencer's commissions name products.
    own=EVERYTHING,
    sorts=(("created_at", "timestamptz"), ("title", "text")),  # indexes: products_created, products_title
)
