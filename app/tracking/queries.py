"""What may be read of links, codes and instances: lists for app/db/keyset."""

from app.db.keyset import Listing

LINKS = Listing(
    tag="links",
    table="links",
    columns="item.id, item.influencer_id, item.campaign_id, item.slug, item.url, item.platform, item.utm_source, "
    "item.utm_medium, item.utm_campaign, item.status, item.created_at, item.updated_at",
    own="item.influencer_id = {}",
    sorts=(("created_at", "timestamptz"), ("slug", "text")),
)

CODES = Listing(
    tag="codes",
    table="codes",
    columns="item.id, item.influencer_id, item.campaign_id, item.code, item.platform, item.status, item.starts_at, "
    "item.ends_at, item.customer, item.created_at, item.updated_at",
    own="item.influencer_id = {}",
    sorts=(("created_at", "timestamptz"), ("code", "text")),
)

INSTANCES = Listing(
    tag="instances",
    table="instances",
    columns="item.id, item.occurred_at, item.kind, item.influencer_id, item.campaign_id, item.link_id, item.code, "
    "item.platform, item.channel, item.country, item.visitor_id, item.customer_id, item.click_id, item.order_id, "
    "item.recorded_at, item.ad_click",
    computed=(("superseded_at", "nullif(item.superseded_at, 'infinity')"),),
    own="item.influencer_id = {}",
    # The key itself; per parent instances_campaign and instances_influencer.
    sorts=(("occurred_at", "timestamptz"),),
)
