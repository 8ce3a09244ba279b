"""What may be read of spend: lists for app/db/keyset."""

from app.db.keyset import NOTHING, Listing

SPEND = Listing(
    tag="spend",
    table="spend",
    columns="item.id, item.external_id, item.occurred_at, item.campaign_id, item.influencer_id, item.currency, "
    "item.amount_minor, item.note, item.recorded_at",
    # What campaigns cost is the tenant's own matter, also where it names an influencer.
    own=NOTHING,
    sorts=(("occurred_at", "timestamptz"), ("recorded_at", "timestamptz")),
)
