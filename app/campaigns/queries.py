"""What may be read of campaigns and enrollments: lists for app/db/keyset."""

from app.db.keyset import Listing


def _of_campaign(table: str, more: str = "") -> str:
    """Whether a row of the table is the influencer's and in the campaign."""
    return (
        f"EXISTS (SELECT 1 FROM {table} AS own WHERE own.tenant_id = $1 AND own.campaign_id = item.id "  # noqa: S608 - only declared texts
        f"AND own.influencer_id = {{}}{more})"
    )


CAMPAIGNS = Listing(
    tag="campaigns",
    table="campaigns",
    columns="item.id, item.external_id, item.name, item.status, item.starts_at, item.ends_at, item.currency, "
    "item.budget_minor, item.engagement_goal, item.sales_goal_minor, item.attribution_model, item.click_window_days, "
    "item.view_window_days, item.code_window_days, item.half_life_days, item.code_policy, item.paid_search, "
    "item.commission_rate, item.created_at, item.updated_at",
    # Whatever names a campaign to an influencer must find it: null would say that there is none. Those of which
    # there are many come last. Indexes: enrollments_pair; of the others that of the influencer or of the campaign.
    own=f"({_of_campaign('enrollments')} OR {_of_campaign('links')} OR {_of_campaign('codes')} "
    f"OR {_of_campaign('engagement_snapshots')} OR {_of_campaign('credits', ' AND own.weight_booked > 0')})",
    # Indexes: campaigns_created, campaigns_name; a tenant's campaigns are few enough to be sorted by their start.
    sorts=(("created_at", "timestamptz"), ("name", "text"), ("starts_at", "timestamptz")),
    is_kept=True,
)

ENROLLMENTS = Listing(
    tag="enrollments",
    table="enrollments",
    columns="item.id, item.campaign_id, item.influencer_id, item.status, item.commission_rate, item.created_at, "
    "item.updated_at",
    own="item.influencer_id = {}",
)
