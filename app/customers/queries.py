"""What may be read of customers: lists for app/db/keyset. An influencer's key sees none of it."""

from app.db.keyset import NOTHING, Listing

CUSTOMERS = Listing(
    tag="customers",
    table="customers",
    columns="item.id, item.external_id, item.country, item.created_at, item.updated_at",
    own=NOTHING,
)

IDENTITIES = Listing(
    tag="customer_identities",
    table="customer_identities",
    columns="item.customer_id, item.email, item.name, item.phone, item.created_at",
    own=NOTHING,
    computed=(("id", "item.customer_id"),),
)
