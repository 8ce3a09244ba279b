"""Claims of orders' external ids: what an order and a refund that comes before it wait for each other by."""

import sqlalchemy as sa
from alembic import op

from app.db.citus import distribute

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

APP_ROLE = "scoville_app"
POLICY = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"


def upgrade() -> None:
    op.create_table(
        "order_claims",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "external_id"),
    )
    distribute(op.get_bind(), "order_claims")
    op.execute("ALTER TABLE order_claims ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE order_claims FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant_isolation ON order_claims USING ({POLICY}) WITH CHECK ({POLICY})")
    op.execute(f"GRANT SELECT, INSERT, DELETE ON order_claims TO {APP_ROLE}")
