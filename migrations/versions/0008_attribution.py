"""Rules of attribution: windows, code policy, identities, second judgements."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app.db.citus import distribute

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

APP_ROLE = "scoville_app"
POLICY = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"
MODELS = "'LAST_TOUCH', 'FIRST_TOUCH', 'LINEAR', 'TIME_DECAY', 'POSITION_BASED'"
STATUSES = {
    "influencers": "INFLUENCER",
    "campaigns": "CAMPAIGN",
    "enrollments": "ENROLLMENT",
}


def upgrade() -> None:
    _rules()
    _identities()
    _judgements()
    _statuses()


def _rules() -> None:
    # A campaign without a model, or a half-life, of its own has the tenant's.
    op.alter_column("campaigns", "attribution_model", nullable=True)
    op.add_column("campaigns", sa.Column("view_window_days", sa.Integer(), server_default="0", nullable=False))
    op.add_column("campaigns", sa.Column("code_window_days", sa.Integer(), nullable=True))
    op.add_column("campaigns", sa.Column("half_life_days", sa.Integer(), nullable=True))
    op.add_column("campaigns", sa.Column("code_policy", sa.Text(), server_default="ALWAYS", nullable=False))
    op.add_column("campaigns", sa.Column("paid_search", sa.Text(), server_default="REJECT", nullable=False))
    for name, condition in {
        "campaigns_view_window_bounded": "view_window_days BETWEEN 0 AND 730",
        "campaigns_code_window_bounded": "code_window_days BETWEEN 1 AND 730",
        "campaigns_half_life_bounded": "half_life_days BETWEEN 1 AND 365",
        "campaigns_code_policy_known": "code_policy IN ('ALWAYS', 'INVOLVED', 'WINNER')",
        "campaigns_paid_search_known": "paid_search IN ('REJECT', 'ALLOW')",
    }.items():
        op.create_check_constraint(name, "campaigns", condition)
    op.create_index("campaigns_views", "campaigns", ["tenant_id"], postgresql_where=sa.text("view_window_days > 0"))
    op.execute(
        "GRANT UPDATE (view_window_days, code_window_days, half_life_days, code_policy, paid_search) "
        f"ON campaigns TO {APP_ROLE}"
    )

    op.create_table(
        "attribution_rules",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("half_life_days", sa.Integer(), nullable=False),
        sa.Column("window_days", sa.Integer(), nullable=True),
        sa.Column("code_policy", sa.Text(), nullable=False),
        sa.Column("paid_search", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"model IN ({MODELS})", name="attribution_rules_model_known"),
        sa.CheckConstraint("half_life_days BETWEEN 1 AND 365", name="attribution_rules_half_life_bounded"),
        sa.CheckConstraint("window_days BETWEEN 1 AND 730", name="attribution_rules_window_bounded"),
        sa.CheckConstraint("code_policy IN ('ALWAYS', 'INVOLVED', 'WINNER')", name="attribution_rules_policy_known"),
        sa.CheckConstraint("paid_search IN ('REJECT', 'ALLOW')", name="attribution_rules_search_known"),
        sa.PrimaryKeyConstraint("tenant_id"),
    )
    distribute(op.get_bind(), "attribution_rules")
    _isolate("attribution_rules")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON attribution_rules TO {APP_ROLE}")


def _identities() -> None:
    # Who influencers are as buyers: their e-mail address as a hash, and the store's own id of them.
    op.add_column("influencers", sa.Column("email_hash", sa.Text(), nullable=True))
    op.add_column("influencers", sa.Column("customer", sa.Text(), nullable=True))
    op.execute(f"GRANT UPDATE (email_hash, customer) ON influencers TO {APP_ROLE}")
    op.add_column("codes", sa.Column("customer", sa.Text(), nullable=True))
    op.add_column("instances", sa.Column("ad_click", sa.Text(), nullable=True))
    op.create_index(
        "orders_visitor",
        "orders",
        ["tenant_id", "visitor_id", "occurred_at"],
        postgresql_where=sa.text("visitor_id IS NOT NULL"),
    )


def _judgements() -> None:
    # What a later judgement replaces stays, and is not in force from then on. A constant default: no row is written
    # anew for it, and the previous release's rows are in force.
    for table in ("credits", "instances"):
        op.add_column(
            table, sa.Column("superseded_at", sa.DateTime(timezone=True), server_default="infinity", nullable=False)
        )
        op.execute(f"GRANT UPDATE (superseded_at) ON {table} TO {APP_ROLE}")
    op.add_column("credits", sa.Column("continues_id", sa.UUID(), nullable=True))
    op.add_column("attributions", sa.Column("revision", sa.Integer(), server_default="1", nullable=False))
    op.add_column("attributions", sa.Column("cause", sa.Text(), server_default="BOOKED", nullable=False))
    op.create_check_constraint(
        "attributions_cause_known", "attributions", "cause IN ('BOOKED', 'LATE_TOUCH', 'RECOMPUTED')"
    )
    op.execute(f"GRANT UPDATE (model, rule, candidates, judged_at, revision, cause) ON attributions TO {APP_ROLE}")

    op.create_table(
        "attribution_changes",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("candidates", JSONB(), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key_id", sa.UUID(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("cause IN ('BOOKED', 'LATE_TOUCH', 'RECOMPUTED')", name="attribution_changes_cause_known"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name="attribution_changes_order"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "order_id", "revision"),
    )
    distribute(op.get_bind(), "attribution_changes")
    _isolate("attribution_changes")
    op.execute(f"GRANT SELECT, INSERT ON attribution_changes TO {APP_ROLE}")

    op.create_table(
        "awaited_touches",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("visitor_id", sa.Text(), nullable=True),
        sa.Column("click_id", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.UUID(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name="awaited_touches_order"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "order_id"),
    )
    distribute(op.get_bind(), "awaited_touches")
    for column in ("visitor_id", "click_id", "customer_id"):
        op.create_index(
            f"awaited_touches_{column.removesuffix('_id')}",
            "awaited_touches",
            ["tenant_id", column],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    op.create_index(
        "awaited_touches_look",
        "awaited_touches",
        ["tenant_id", "look_at"],
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )
    op.create_index("awaited_touches_recorded", "awaited_touches", ["tenant_id", "recorded_at"])
    _isolate("awaited_touches")
    op.execute(f"GRANT SELECT, INSERT, UPDATE (look_at), DELETE ON awaited_touches TO {APP_ROLE}")


def _statuses() -> None:
    op.create_table(
        "program_statuses",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.UUID(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('INFLUENCER', 'CAMPAIGN', 'ENROLLMENT')", name="program_statuses_kind_known"),
        sa.PrimaryKeyConstraint("tenant_id", "kind", "entity_id", "since"),
    )
    distribute(op.get_bind(), "program_statuses")
    _isolate("program_statuses")
    op.execute(f"GRANT SELECT, INSERT, UPDATE (status) ON program_statuses TO {APP_ROLE}")

    # An owner that is no superuser is held to its own policies while they are forced.
    for table in (*STATUSES, "program_statuses"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    for table, kind in STATUSES.items():
        # What they were before is not known: as they are now since they came.
        op.execute(
            "INSERT INTO program_statuses (tenant_id, kind, entity_id, since, status) "
            f"SELECT tenant_id, '{kind}', id, created_at, status FROM {table}"
        )
    for table in (*STATUSES, "program_statuses"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _isolate(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant_isolation ON {table} USING ({POLICY}) WITH CHECK ({POLICY})")
