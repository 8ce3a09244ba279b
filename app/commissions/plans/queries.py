"""What may be read of commission plans: lists for app/db/keyset. They name others' codes and rates: an influencer sees
of them the rules that gave its own commissions."""

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

APPLIED_VERSIONS = Listing(
    tag="applied_plan_versions",
    table="commission_plan_versions",
    columns="item.id, item.version, item.currency, item.period, item.terms, item.created_at",
    # For what is shown of a commission: of a version that rated an influencer, the rules that did. Index:
    # commissions_influencer_occurred.
    own="EXISTS (SELECT 1 FROM commissions AS own WHERE own.tenant_id = $1 AND own.plan_version_id = item.id "
    "AND own.influencer_id = {})",
)

PLAN_ASSIGNMENTS = Listing(
    tag="plan_assignments",
    table="plan_assignments",
    columns="item.id, item.plan_id, item.campaign_id, item.enrollment_id, item.effective_from, item.created_at",
    own=NOTHING,
)
