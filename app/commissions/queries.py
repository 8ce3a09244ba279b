"""What may be read of commissions: lists for app/db/keyset."""

from app.db.keyset import NOTHING, Listing

COMMISSIONS = Listing(
    tag="commissions",
    table="commissions",
    columns="item.id, item.kind, item.state, item.order_id, item.refund_id, item.influencer_id, item.campaign_id, "
    "item.code, item.plan_version_id, item.rate, item.basis_minor, item.currency, item.amount_minor, item.occurred_at, "
    "item.recorded_at",
    own="item.influencer_id = {}",
    sorts=(("occurred_at", "timestamptz"), ("recorded_at", "timestamptz")),
    # By the newest rating of its credit. Index: commission_ratings_order.
    computed=(
        (
            "lacks_exchange_rate",
            "coalesce((SELECT (rating.facts -> 'lacksRate')::boolean FROM commission_ratings AS rating "
            "WHERE rating.tenant_id = $1 AND rating.order_id = item.order_id AND rating.credit_id = item.credit_id "
            "ORDER BY rating.id DESC LIMIT 1), false)",
        ),
    ),
)

COMMISSION_EVENTS = Listing(
    tag="commission_events",
    table="commission_events",
    columns="item.*",
    own="EXISTS (SELECT 1 FROM commissions AS whole WHERE whole.tenant_id = $1 AND whole.id = item.commission_id "
    "AND whole.influencer_id = {})",
    sorts=(("recorded_at", "timestamptz"),),
)

COMMISSION_ADJUSTMENTS = Listing(
    tag="commission_adjustments",
    table="commission_adjustments",
    columns="item.*",
    # Theirs is the commission that it becomes.
    own=NOTHING,
    sorts=(("created_at", "timestamptz"),),
)

COMMISSION_LINES = Listing(
    tag="commission_lines",
    table="commission_lines",
    columns="item.*",
    own="EXISTS (SELECT 1 FROM commissions AS whole WHERE whole.tenant_id = $1 AND whole.id = item.commission_id "
    "AND whole.influencer_id = {})",
    sorts=(("occurred_at", "timestamptz"),),
)
