"""An index of what customers did that no order made, where their touches are looked for.

The purchases that orders make name whom their orders name. A customer who bought a thousand times was looked through a
thousand times. It is built while nobody records; reads go on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "instances_unordered",
        "instances",
        ["tenant_id", "customer_id", "occurred_at"],
        postgresql_where=sa.text("customer_id IS NOT NULL AND order_id IS NULL"),
    )
