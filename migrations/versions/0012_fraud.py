"""Fraud rules, hits and reviews."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app.db.citus import distribute

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

APP_ROLE = "scoville_app"
POLICY = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"
RULES = "'VELOCITY', 'REFUND_RATE', 'DUPLICATE_ACCOUNT', 'SUSPICIOUS_DOMAIN', 'OWN_PURCHASE'"


def upgrade() -> None:
    connection = op.get_bind()
    op.create_table(
        "fraud_rules",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("velocity_orders", sa.Integer(), nullable=True),
        sa.Column("velocity_hours", sa.Integer(), nullable=False),
        sa.Column("refund_share", sa.Numeric(9, 6), nullable=True),
        sa.Column("refund_orders_min", sa.Integer(), nullable=False),
        sa.Column("refund_days", sa.Integer(), nullable=False),
        sa.Column("duplicate_accounts", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("suspicious_domains", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("own_purchases", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("velocity_orders BETWEEN 1 AND 10000", name="fraud_rules_velocity_bounded"),
        sa.CheckConstraint("velocity_hours BETWEEN 1 AND 8760", name="fraud_rules_hours_bounded"),
        sa.CheckConstraint("refund_share >= 0 AND refund_share < 1", name="fraud_rules_share_bounded"),
        sa.CheckConstraint("refund_orders_min BETWEEN 1 AND 1000", name="fraud_rules_orders_bounded"),
        sa.CheckConstraint("refund_days BETWEEN 1 AND 730", name="fraud_rules_days_bounded"),
        sa.PrimaryKeyConstraint("tenant_id"),
    )
    distribute(connection, "fraud_rules")
    _isolate("fraud_rules", "UPDATE")

    op.create_table(
        "fraud_hits",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("commission_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("influencer_id", sa.UUID(), nullable=False),
        sa.Column("evidence", JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_by", sa.UUID(), nullable=True),
        sa.Column("review_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(f"rule IN ({RULES})", name="fraud_hits_rule_known"),
        sa.CheckConstraint("state IN ('OPEN', 'ACCEPTED', 'REJECTED')", name="fraud_hits_state_known"),
        sa.CheckConstraint("(state = 'OPEN') = (reviewed_at IS NULL)", name="fraud_hits_reviewed"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "commission_id"],
            ["commissions.tenant_id", "commissions.id"],
            name="fraud_hits_commission",
        ),
        sa.ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name="fraud_hits_order"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "influencer_id"],
            ["influencers.tenant_id", "influencers.id"],
            name="fraud_hits_influencer",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    distribute(connection, "fraud_hits")
    op.create_index("fraud_hits_commission_rule", "fraud_hits", ["tenant_id", "commission_id", "rule"], unique=True)
    op.create_index("fraud_hits_found", "fraud_hits", ["tenant_id", "found_at", "id"])
    op.create_index("fraud_hits_influencer", "fraud_hits", ["tenant_id", "influencer_id", "found_at"])
    op.create_index(
        "fraud_hits_open",
        "fraud_hits",
        ["tenant_id", "found_at", "id"],
        postgresql_where=sa.text("state = 'OPEN'"),
    )
    _isolate("fraud_hits", "UPDATE (state, reviewed_at, reviewed_by, review_reason)")

    # By what accounts of one person are recognised.
    for table, column in (("influencers", "email_hash"), ("influencers", "customer"), ("payout_methods", "reference")):
        op.create_index(
            f"{table}_{column}",
            table,
            ["tenant_id", column],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )


def _isolate(table: str, more: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant_isolation ON {table} USING ({POLICY}) WITH CHECK ({POLICY})")
    op.execute(f"GRANT SELECT, INSERT ON {table} TO {APP_ROLE}")
    op.execute(f"GRANT {more} ON {table} TO {APP_ROLE}")
