"""What questions need of rollups: how many of each shape a day."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app.db.citus import distribute

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

APP_ROLE = "scoville_app"
POLICY = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"


def upgrade() -> None:
    op.create_table(
        "rollup_demand",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("day", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shape", sa.Text(), nullable=False),
        sa.Column("readings", JSONB(), nullable=False),
        sa.Column("questions", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "day", "shape"),
    )
    distribute(op.get_bind(), "rollup_demand")
    op.execute("ALTER TABLE rollup_demand ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE rollup_demand FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant_isolation ON rollup_demand USING ({POLICY}) WITH CHECK ({POLICY})")
    op.execute(f"GRANT SELECT, INSERT, UPDATE (readings, questions), DELETE ON rollup_demand TO {APP_ROLE}")
