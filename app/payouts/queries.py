"""What may be read of payouts: lists for app/db/keyset. Influencers see their own methods, items and payments."""

from app.db.keyset import EVERYTHING, NOTHING, Listing

_CREATED = (("created_at", "timestamptz"),)

PAYOUT_METHODS = Listing(
    tag="payout_methods",
    table="payout_methods",
    columns="item.*",
    own="item.influencer_id = {}",
    sorts=_CREATED,
)

PAYOUT_POLICIES = Listing(
    tag="payout_policies",
    table="payout_policies",
    columns="item.*",
    # By which rules the tenant pays is no secret to those whom it pays.
    own=EVERYTHING,
    sorts=_CREATED,
)

PAYOUT_BATCHES = Listing(
    tag="payout_batches",
    table="payout_batches",
    columns="item.*",
    # A batch tells of everybody in it.
    own=NOTHING,
    sorts=_CREATED,
    computed=(
        (
            "total_minor",
            "(SELECT coalesce(sum(part.amount_minor), 0)::bigint FROM payout_items AS part "
            "WHERE part.tenant_id = $1 AND part.batch_id = item.id AND part.state <> 'CANCELLED')",
        ),
        (
            "item_count",
            "(SELECT count(*) FROM payout_items AS part "
            "WHERE part.tenant_id = $1 AND part.batch_id = item.id AND part.state <> 'CANCELLED')",
        ),
    ),
)

PAYOUT_ITEMS = Listing(
    tag="payout_items",
    table="payout_items",
    columns="item.*",
    own="item.influencer_id = {}",
    sorts=_CREATED,
)

PAYOUT_EVENTS = Listing(
    tag="payout_events",
    table="payout_events",
    columns="item.*",
    own=NOTHING,
    sorts=(("recorded_at", "timestamptz"),),
)

PAYOUT_PAYMENTS = Listing(
    tag="payout_payments",
    table="payout_payments",
    columns="item.*",
    own="item.influencer_id = {}",
    sorts=(("occurred_at", "timestamptz"),),
)
