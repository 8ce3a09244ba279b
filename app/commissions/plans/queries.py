"""What may be read of commission plans: lists for app/db/keyset. They name others' codes and rates: no influencer's."""

from app.db.keyset import NOTHING, Listing

PLANS = Listing(
    tag="commission_plans",
    table="commission_plans",
    columns="item.id, item.external_id, item.name, item.created_at, item.updated_at",
    own=NOTHING,
    sorts=(("created_at", "timestamptz"), ("name", "text")),
)

PLAN_VERSIONS = Listing(
    tag="commission_plan_versions",
    table="commission_plan_versions",
    columns="item.id, item.plan_id, item.version, item.effective_from, item.currency, item.period, item.terms, "
    "item.created_at",
    own=NOTHING,
)

PLAN_ASSIGNMENTS = Listing(
    tag="plan_assignments",
    table="plan_assignments",
    columns="item.id, item.plan_id, item.campaign_id, item.enrollment_id, item.effective_from, item.created_at",
    own=NOTHING,
)
