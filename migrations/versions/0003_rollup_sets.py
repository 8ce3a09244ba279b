"""Which rollup sets a tenant has stored: a set that the catalog gains is used only after it was built."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rollup_state", sa.Column("sets", ARRAY(sa.Text()), server_default="{}", nullable=False))
