"""What may be read of campaigns and enrollments: lists for app/db/keyset."""

from app.db.keyset import Listing

CAMPAIGNS = Listing(
    tag="campaigns",
    table="campaigns",
    columns="item.id, item.external_id, item.name, item.status, item.starts_at, item.ends_at, item.currency, "
    "item.budget_minor, item.engagement_goal, item.sales_goal_minor, item.attribution_model, item.click_window_days, "
    "item.commission_rate, item.created_at, item.updated_at",
    # Index: enrollments_pair.
    own="EXISTS (SELECT 1 FROM enrollments AS own WHERE own.tenant_id = $1 AND own.campaign_id = item.id "
    "AND own.influencer_id = {})",
    # Indexes: campaigns_created, campaigns_name; a tenant's campaigns are few enough to be sorted by their start.
    sorts=(("created_at", "timestamptz"), ("name", "text"), ("starts_at", "timestamptz")),
)

ENROLLMENTS = Listing(
    tag="enrollments",
    table="enrollments",
    columns="item.id, item.campaign_id, item.influencer_id, item.status, item.commission_rate, item.created_at, "
    "item.updated_at",
    own="item.influencer_id = {}",
)
