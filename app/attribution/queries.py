"""What may be read of credits and of why they are: lists for app/db/keyset."""

from app.db.keyset import NOTHING, Listing

CREDITS = Listing(
    tag="credits",
    table="credits",
    columns="item.*",
    own="item.influencer_id = {}",
    sorts=(("occurred_at", "timestamptz"),),
)

ATTRIBUTIONS = Listing(
    tag="attributions",
    table="attributions",
    columns="item.order_id AS id, item.order_id, item.model, item.rule, item.candidates, item.judged_at",
    # The candidates name other influencers' touches.
    own=NOTHING,
    sorts=(("judged_at", "timestamptz"),),
)
