"""Rollups whose key has the buckets of a campaign or influencer in a row, whatever the platform.

A month of a campaign was looked for among all its days: the platform stood before them. Folds and questions wait while
the index is built, half a minute for eight million rows.
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint("rollups_pkey", "rollups", type_="primary")
    op.create_primary_key(
        "rollups_pkey",
        "rollups",
        ["tenant_id", "rollup_set", "grain", "campaign_id", "influencer_id", "bucket", "platform"],
    )
