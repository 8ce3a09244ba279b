"""What may be read of influencers: lists for app/db/keyset."""

from app.db.keyset import Listing

INFLUENCERS = Listing(
    tag="influencers",
    table="influencers",
    columns="item.id, item.external_id, item.name, item.status, item.country, item.customer, item.created_at, "
    "item.updated_at",
    computed=(("is_email_known", "(item.email_hash IS NOT NULL)"),),
    own="item.id = {}",
    sorts=(("created_at", "timestamptz"), ("name", "text")),  # indexes: influencers_created, influencers_name
    is_kept=True,
)

SOCIAL_PROFILES = Listing(
    tag="social_profiles",
    table="social_profiles",
    columns="item.id, item.influencer_id, item.platform, item.handle, item.url, item.followers, item.created_at, "
    "item.updated_at",
    own="item.influencer_id = {}",
    is_kept=True,
)
