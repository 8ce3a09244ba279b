"""Payouts: methods of influencers, policies, requests; batches, items and their events; payments; providers' messages."""

import sqlalchemy as sa
from alembic import op

from app.db.citus import distribute

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

APP_ROLE = "scoville_app"
POLICY = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"


def upgrade() -> None:
    connection = op.get_bind()

    op.create_table(
        "payout_methods",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("influencer_id", sa.UUID(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("tax_state", sa.Text(), nullable=False),
        sa.Column("tax_document", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "provider IN ('MANUAL', 'STRIPE', 'PAYPAL', 'TIPALTI')", name="payout_methods_provider_known"
        ),
        sa.CheckConstraint("status IN ('ACTIVE', 'DISABLED')", name="payout_methods_status_known"),
        sa.CheckConstraint(
            "tax_state IN ('NOT_NEEDED', 'MISSING', 'REQUESTED', 'COLLECTED', 'EXPIRED')",
            name="payout_methods_tax_state_known",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "influencer_id"],
            ["influencers.tenant_id", "influencers.id"],
            name="payout_methods_influencer",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "influencer_id", "currency", name="payout_methods_currency"),
    )
    distribute(connection, "payout_methods")
    op.create_index("payout_methods_created", "payout_methods", ["tenant_id", "created_at", "id"], unique=False)
    _isolate("payout_methods")
    op.execute(
        f"GRANT SELECT, INSERT, UPDATE (provider, reference, holder, status, is_default, tax_state, tax_document, updated_at) ON payout_methods TO {APP_ROLE}"
    )

    op.create_table(
        "payout_policies",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("threshold_minor", sa.BigInteger(), nullable=False),
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=True),
        sa.Column("needs_tax_data", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "schedule IN ('BY_HAND', 'DAILY', 'WEEKLY', 'MONTHLY')", name="payout_policies_schedule_known"
        ),
        sa.CheckConstraint("threshold_minor >= 0", name="payout_policies_threshold_not_negative"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "currency", name="payout_policies_currency"),
    )
    distribute(connection, "payout_policies")
    op.create_index("payout_policies_created", "payout_policies", ["tenant_id", "created_at", "id"], unique=False)
    _isolate("payout_policies")
    op.execute(
        f"GRANT SELECT, INSERT, UPDATE (threshold_minor, schedule, day, needs_tax_data, next_at, updated_at) ON payout_policies TO {APP_ROLE}"
    )

    op.create_table(
        "payout_requests",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("influencer_id", sa.UUID(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "influencer_id"],
            ["influencers.tenant_id", "influencers.id"],
            name="payout_requests_influencer",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "influencer_id", "currency"),
    )
    distribute(connection, "payout_requests")
    _isolate("payout_requests")
    op.execute(f"GRANT SELECT, INSERT, DELETE ON payout_requests TO {APP_ROLE}")

    op.create_table(
        "payout_batches",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("made_by", sa.UUID(), nullable=True),
        sa.Column("approved_by", sa.UUID(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "provider IN ('MANUAL', 'STRIPE', 'PAYPAL', 'TIPALTI')", name="payout_batches_provider_known"
        ),
        sa.CheckConstraint(
            "state IN ('DRAFT', 'APPROVED', 'EXECUTING', 'DONE', 'PARTLY_FAILED', 'CANCELLED')",
            name="payout_batches_state_known",
        ),
        sa.CheckConstraint(
            "approved_by IS NULL OR approved_by IS DISTINCT FROM made_by", name="payout_batches_two_keys"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    distribute(connection, "payout_batches")
    op.create_index("payout_batches_created", "payout_batches", ["tenant_id", "created_at", "id"], unique=False)
    op.create_index(
        "payout_batches_open",
        "payout_batches",
        ["tenant_id", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('APPROVED', 'EXECUTING')"),
    )
    _isolate("payout_batches")
    op.execute(
        f"GRANT SELECT, INSERT, UPDATE (state, approved_by, approved_at, finished_at, updated_at) ON payout_batches TO {APP_ROLE}"
    )

    op.create_table(
        "payout_items",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("batch_id", sa.UUID(), nullable=False),
        sa.Column("influencer_id", sa.UUID(), nullable=False),
        sa.Column("method_id", sa.UUID(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reserved_currency", sa.Text(), nullable=False),
        sa.Column("reserved_minor", sa.BigInteger(), nullable=False),
        sa.Column("rate", sa.Numeric(precision=20, scale=10), nullable=True),
        sa.Column("call_key", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("provider_batch_id", sa.Text(), nullable=True),
        sa.Column("failure_code", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("fee_currency", sa.Text(), nullable=True),
        sa.Column("fee_minor", sa.BigInteger(), nullable=True),
        sa.Column("returned_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('RESERVED', 'SENDING', 'SENT', 'UNKNOWN', 'SUCCEEDED', 'RETURNING', 'RETURNED', 'FAILED', 'CANCELLED')",
            name="payout_items_state_known",
        ),
        sa.CheckConstraint("(rate IS NULL) = (currency = reserved_currency)", name="payout_items_rate_where_converted"),
        sa.CheckConstraint("amount_minor > 0 AND reserved_minor > 0", name="payout_items_pay"),
        sa.CheckConstraint("returned_minor BETWEEN 0 AND amount_minor", name="payout_items_returned_of_amount"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "batch_id"], ["payout_batches.tenant_id", "payout_batches.id"], name="payout_items_batch"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "influencer_id"], ["influencers.tenant_id", "influencers.id"], name="payout_items_influencer"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "method_id"], ["payout_methods.tenant_id", "payout_methods.id"], name="payout_items_method"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "batch_id", "influencer_id", "reserved_currency", name="payout_items_once"),
    )
    distribute(connection, "payout_items")
    op.create_index(
        "payout_items_batch_created", "payout_items", ["tenant_id", "batch_id", "created_at", "id"], unique=False
    )
    op.create_index("payout_items_created", "payout_items", ["tenant_id", "created_at", "id"], unique=False)
    op.create_index(
        "payout_items_influencer_created",
        "payout_items",
        ["tenant_id", "influencer_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "payout_items_next",
        "payout_items",
        ["tenant_id", "next_at", "id"],
        unique=False,
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index(
        "payout_items_provider_id",
        "payout_items",
        ["tenant_id", "provider_id"],
        unique=False,
        postgresql_where=sa.text("provider_id IS NOT NULL"),
    )
    _isolate("payout_items")
    op.execute(
        f"GRANT SELECT, INSERT, UPDATE (state, provider_id, provider_batch_id, failure_code, failure, fee_currency, fee_minor, returned_minor, attempts, next_at, sent_at, paid_at, updated_at) ON payout_items TO {APP_ROLE}"
    )

    op.create_table(
        "payout_item_commissions",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("item_id", sa.UUID(), nullable=False),
        sa.Column("commission_id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "commission_id"],
            ["commissions.tenant_id", "commissions.id"],
            name="payout_item_commissions_commission",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "item_id"], ["payout_items.tenant_id", "payout_items.id"], name="payout_item_commissions_item"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "item_id", "commission_id"),
    )
    distribute(connection, "payout_item_commissions")
    op.create_index(
        "payout_item_commissions_commission", "payout_item_commissions", ["tenant_id", "commission_id"], unique=False
    )
    _isolate("payout_item_commissions")
    op.execute(f"GRANT SELECT, INSERT ON payout_item_commissions TO {APP_ROLE}")

    op.create_table(
        "payout_events",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("item_id", sa.UUID(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "to_state IN ('RESERVED', 'SENDING', 'SENT', 'UNKNOWN', 'SUCCEEDED', 'RETURNING', 'RETURNED', 'FAILED', 'CANCELLED')",
            name="payout_events_to_known",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "item_id"], ["payout_items.tenant_id", "payout_items.id"], name="payout_events_item"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    distribute(connection, "payout_events")
    op.create_index("payout_events_item", "payout_events", ["tenant_id", "item_id", "recorded_at", "id"], unique=False)
    _isolate("payout_events")
    op.execute(f"GRANT SELECT, INSERT ON payout_events TO {APP_ROLE}")

    op.create_table(
        "payout_payments",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("item_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("influencer_id", sa.UUID(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_base_minor", sa.BigInteger(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(kind = 'PAID') = (amount_minor > 0)", name="payout_payments_sign"),
        sa.CheckConstraint("kind IN ('PAID', 'RETURNED')", name="payout_payments_kind_known"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "influencer_id"],
            ["influencers.tenant_id", "influencers.id"],
            name="payout_payments_influencer",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "item_id"], ["payout_items.tenant_id", "payout_items.id"], name="payout_payments_item"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    distribute(connection, "payout_payments")
    op.create_index(
        "payout_payments_influencer", "payout_payments", ["tenant_id", "influencer_id", "occurred_at"], unique=False
    )
    op.create_index("payout_payments_item", "payout_payments", ["tenant_id", "item_id"], unique=False)
    op.create_index("payout_payments_occurred", "payout_payments", ["tenant_id", "occurred_at", "id"], unique=False)
    op.create_index(
        "payout_payments_once",
        "payout_payments",
        ["tenant_id", "item_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'PAID'"),
    )
    op.create_index("payout_payments_recorded", "payout_payments", ["tenant_id", "recorded_at", "id"], unique=False)
    _isolate("payout_payments")
    op.execute(f"GRANT SELECT, INSERT, UPDATE (amount_base_minor) ON payout_payments TO {APP_ROLE}")

    op.create_table(
        "payout_messages",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "provider IN ('MANUAL', 'STRIPE', 'PAYPAL', 'TIPALTI')", name="payout_messages_provider_known"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "provider", "message_id"),
    )
    distribute(connection, "payout_messages")
    op.create_index("payout_messages_received", "payout_messages", ["tenant_id", "received_at"], unique=False)
    _isolate("payout_messages")
    op.execute(f"GRANT SELECT, INSERT, DELETE ON payout_messages TO {APP_ROLE}")


def _isolate(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant_isolation ON {table} USING ({POLICY}) WITH CHECK ({POLICY})")
