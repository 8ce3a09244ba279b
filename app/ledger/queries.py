"""What may be read of the ledger: lists for app/db/keyset."""

from app.db.keyset import Listing

LEDGER_ENTRIES = Listing(
    tag="ledger_entries",
    table="ledger_entries",
    columns="item.*",
    own="item.influencer_id = {}",
    sorts=(("posted_at", "timestamptz"),),
)
