"""The index of customers' instances without purchases, which are no touches and name whom their orders name.

A customer who bought a thousand times was looked through a thousand times. It is built anew while nobody records.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("instances_customer", "instances")
    op.create_index(
        "instances_customer",
        "instances",
        ["tenant_id", "customer_id", "occurred_at"],
        postgresql_where=sa.text("customer_id IS NOT NULL AND kind <> 'PURCHASE'"),
    )
