"""Indexes without the entries that nobody looks for, as every recorded order writes them.

Of postings the converted ones alone are looked for, of entries those of an influencer, of events those with an id of
the store's. The outbox has no reader yet: whoever brings one brings its index. Deltas are looked for by their time,
with which their key begins now. The indexes are built while nobody records orders; who cannot wait builds them
CONCURRENTLY before, and they are found.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ledger_entries_converted",
        "ledger_entries",
        ["tenant_id", "posting_id"],
        postgresql_where=sa.text("account = 'FX'"),
        if_not_exists=True,
    )
    op.drop_index("ledger_entries_posting", "ledger_entries")
    op.create_index(
        "ledger_entries_influencer_posted",
        "ledger_entries",
        ["tenant_id", "influencer_id", "posted_at", "id"],
        postgresql_where=sa.text("influencer_id IS NOT NULL"),
        if_not_exists=True,
    )
    op.drop_index("ledger_entries_influencer", "ledger_entries")
    op.create_index(
        "order_events_external",
        "order_events",
        ["tenant_id", "order_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("external_id IS NOT NULL"),
        if_not_exists=True,
    )
    op.drop_constraint("order_events_external_id", "order_events", type_="unique")
    op.drop_index("outbox_due", "outbox")
    op.drop_constraint("rollup_delta_pkey", "rollup_delta", type_="primary")
    op.create_primary_key("rollup_delta_pkey", "rollup_delta", ["tenant_id", "occurred_at", "id"])
    op.drop_index("rollup_delta_occurred", "rollup_delta")
