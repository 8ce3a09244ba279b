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

COMMISSION_RATINGS = Listing(
    tag="commission_ratings",
    # Of each commission the rating that holds: the newest of its credit, of a bonus the newest that gave one. Index:
    # commission_ratings_order.
    table="(SELECT earned.tenant_id, earned.id AS commission_id, earned.influencer_id, newest.* "
    "FROM commissions AS earned CROSS JOIN LATERAL ("
    "SELECT rating.id, rating.version_id, rating.sequence, rating.facts FROM commission_ratings AS rating "
    "WHERE rating.tenant_id = $1 AND rating.order_id = earned.order_id AND (rating.credit_id = earned.credit_id "
    "OR (earned.kind = 'BONUS' AND rating.version_id = earned.plan_version_id "
    "AND rating.influencer_id = earned.influencer_id AND rating.campaign_id IS NOT DISTINCT FROM earned.campaign_id "
    "AND rating.facts -> 'dues' <> '[]')) ORDER BY rating.id DESC LIMIT 1) AS newest WHERE earned.tenant_id = $1)",
    columns="item.id, item.commission_id, item.version_id, item.sequence",
    own="item.influencer_id = {}",
    computed=(
        ("added", "(item.facts -> 'added')"),
        ("volumes", "(item.facts -> 'volumes')"),
        ("cap", "(item.facts ->> 'cap')"),
        ("lacks_rate", "(item.facts -> 'lacksRate')::boolean"),
    ),
)

PLAN_ASSIGNMENTS = Listing(
    tag="plan_assignments",
    table="plan_assignments",
    columns="item.id, item.plan_id, item.campaign_id, item.enrollment_id, item.effective_from, item.created_at",
    own=NOTHING,
)
