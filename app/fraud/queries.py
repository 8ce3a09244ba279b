"""What may be read of fraud: a list for app/db/keyset."""

from app.db.keyset import NOTHING, Listing

FRAUD_HITS = Listing(
    tag="fraud_hits",
    table="fraud_hits",
    columns="item.*",
    # Who is suspected is not told by what.
    own=NOTHING,
    sorts=(("found_at", "timestamptz"),),
)
