"""Commission plans, their versions and rules, and the counts that tiers and caps need."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app.db.citus import distribute

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

APP_ROLE = "scoville_app"
POLICY = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"


def upgrade() -> None:
    connection = op.get_bind()

    op.create_table(
        "commission_plans",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "external_id", name="commission_plans_external_id"),
    )
    distribute(connection, "commission_plans")
    op.create_index("commission_plans_created", "commission_plans", ["tenant_id", "created_at", "id"])
    op.create_index("commission_plans_name", "commission_plans", ["tenant_id", "name", "id"])
    _isolate("commission_plans", "SELECT, INSERT, UPDATE (name, updated_at)")

    op.create_table(
        "commission_plan_versions",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("plan_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("terms", JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "period IN ('MONTH', 'QUARTER', 'YEAR', 'ALL_TIME')", name="commission_plan_versions_period_known"
        ),
        sa.CheckConstraint("version > 0", name="commission_plan_versions_numbered"),
        _refers("plan_id", "commission_plans", "commission_plan_versions_plan"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "plan_id", "version", name="commission_plan_versions_number"),
    )
    distribute(connection, "commission_plan_versions")
    op.create_index("commission_plan_versions_created", "commission_plan_versions", ["tenant_id", "created_at", "id"])
    _isolate("commission_plan_versions", "SELECT, INSERT")

    op.create_table(
        "plan_assignments",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("plan_id", sa.UUID(), nullable=True),
        sa.Column("campaign_id", sa.UUID(), nullable=True),
        sa.Column("enrollment_id", sa.UUID(), nullable=True),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("campaign_id IS NULL OR enrollment_id IS NULL", name="plan_assignments_one_place"),
        _refers("plan_id", "commission_plans", "plan_assignments_plan"),
        _refers("campaign_id", "campaigns", "plan_assignments_campaign"),
        _refers("enrollment_id", "enrollments", "plan_assignments_enrollment"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    distribute(connection, "plan_assignments")
    op.create_index("plan_assignments_created", "plan_assignments", ["tenant_id", "created_at", "id"])
    op.create_index(
        "plan_assignments_to_campaign",
        "plan_assignments",
        ["tenant_id", "campaign_id"],
        postgresql_where=sa.text("campaign_id IS NOT NULL"),
    )
    op.create_index(
        "plan_assignments_to_enrollment",
        "plan_assignments",
        ["tenant_id", "enrollment_id"],
        postgresql_where=sa.text("enrollment_id IS NOT NULL"),
    )
    _isolate("plan_assignments", "SELECT, INSERT")

    op.create_table(
        "commission_ratings",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("credit_id", sa.UUID(), nullable=False),
        sa.Column("influencer_id", sa.UUID(), nullable=False),
        sa.Column("campaign_id", sa.UUID(), nullable=True),
        sa.Column("plan_id", sa.UUID(), nullable=False),
        sa.Column("version_id", sa.UUID(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("budget_sequence", sa.BigInteger(), nullable=True),
        sa.Column("facts", JSONB(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        _refers("order_id", "orders", "commission_ratings_order"),
        _refers("credit_id", "credits", "commission_ratings_credit"),
        _refers("influencer_id", "influencers", "commission_ratings_influencer"),
        _refers("version_id", "commission_plan_versions", "commission_ratings_version"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    distribute(connection, "commission_ratings")
    op.create_index("commission_ratings_order", "commission_ratings", ["tenant_id", "order_id"])
    op.create_index(
        "commission_ratings_sequence", "commission_ratings", ["tenant_id", "plan_id", "influencer_id", "sequence"]
    )
    op.create_index("commission_ratings_occurred", "commission_ratings", ["tenant_id", "occurred_at"])
    _isolate("commission_ratings", "SELECT, INSERT")

    op.create_table(
        "commission_tallies",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("plan_id", sa.UUID(), nullable=False),
        sa.Column("holder_id", sa.UUID(), nullable=False),
        sa.Column("counter", sa.Text(), nullable=False),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("volume_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("orders_e9", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("earned_minor", sa.BigInteger(), server_default="0", nullable=False),
        _refers("plan_id", "commission_plans", "commission_tallies_plan"),
        sa.PrimaryKeyConstraint("tenant_id", "plan_id", "holder_id", "counter", "period_start"),
    )
    distribute(connection, "commission_tallies")
    _isolate("commission_tallies", "SELECT, INSERT, UPDATE, DELETE")

    op.add_column("commissions", sa.Column("plan_version_id", sa.UUID(), nullable=True))
    # An owner that is no superuser is held to its own policies while they are forced; the key's check is such a read.
    for table in ("commissions", "commission_plan_versions"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.create_foreign_key(
        "commissions_plan_version",
        "commissions",
        "commission_plan_versions",
        ["tenant_id", "plan_version_id"],
        ["tenant_id", "id"],
    )
    for table in ("commissions", "commission_plan_versions"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.add_column("commission_lines", sa.Column("rule", sa.Text(), nullable=True))
    op.add_column("commission_lines", sa.Column("rate", sa.Numeric(9, 6), nullable=True))


def _refers(column: str, table: str, name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"], name=name)


def _isolate(table: str, grants: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant_isolation ON {table} USING ({POLICY}) WITH CHECK ({POLICY})")
    op.execute(f"GRANT {grants} ON {table} TO {APP_ROLE}")
