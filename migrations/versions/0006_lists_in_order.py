"""An index for each order that a list is offered in: without it each page sorts all of a tenant's rows."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INDEXES = {
    "orders_recorded": ("orders", "recorded_at"),
    "refunds_recorded": ("refunds", "recorded_at"),
    "adjustments_recorded": ("adjustments", "recorded_at"),
    "commissions_recorded": ("commissions", "recorded_at"),
    "ledger_entries_posted": ("ledger_entries", "posted_at"),
    "campaigns_starts": ("campaigns", "starts_at"),
    "enrollments_created": ("enrollments", "created_at"),
    "links_created": ("links", "created_at"),
    "codes_created": ("codes", "created_at"),
}
"""Name → table and what it is ordered by."""


def upgrade() -> None:
    for name, (table, column) in INDEXES.items():
        op.create_index(name, table, ["tenant_id", column, "id"])
