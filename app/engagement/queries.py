"""What may be read of engagement: lists for app/db/keyset."""

from app.db.keyset import Listing

ENGAGEMENT_SNAPSHOTS = Listing(
    tag="engagement_snapshots",
    table="engagement_snapshots",
    columns="item.id, item.platform, item.post_id, item.occurred_at, item.influencer_id, item.campaign_id, item.likes, "
    "item.comments, item.shares, item.views, item.recorded_at",
    own="item.influencer_id = {}",
    sorts=(("occurred_at", "timestamptz"), ("recorded_at", "timestamptz")),
)
