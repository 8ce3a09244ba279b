"""What may be read of credits and of why they are: lists for app/db/keyset."""

from app.db.keyset import Listing

CREDITS = Listing(
    tag="credits",
    # Those in force: what an earlier judgement gave is told by the history of the explanation.
    table="(SELECT * FROM credits WHERE tenant_id = $1 AND superseded_at = 'infinity')",
    like="credits",
    columns="item.*",
    own="item.influencer_id = {}",
    sorts=(("occurred_at", "timestamptz"),),
)

_CREDITED = (
    "EXISTS (SELECT 1 FROM credits AS credit WHERE credit.tenant_id = $1 AND credit.order_id = item.order_id "
    "AND credit.influencer_id = {} AND credit.weight_booked > 0)"
)

ATTRIBUTIONS = Listing(
    tag="attributions",
    table="attributions",
    columns="item.order_id, item.model, item.rule, item.candidates, item.judged_at, item.revision, item.cause",
    # Of orders that are, or once were, credited to them. The candidates name other influencers' touches: `explained`
    # keeps those unnamed.
    own=_CREDITED,
    sorts=(("judged_at", "timestamptz"),),
    computed=(("id", "item.order_id"),),
)

ATTRIBUTION_CHANGES = Listing(
    tag="attribution_changes",
    table="attribution_changes",
    columns="item.order_id, item.revision, item.cause, item.reason, item.model, item.rule, item.candidates, "
    "item.judged_at, item.recorded_at",
    own=_CREDITED,
    sorts=(("recorded_at", "timestamptz"),),
    computed=(("id", "item.order_id"),),
)
