"""The tables: see app/tables for what each column means.

Global tables come first (reference tables of a cluster), then the tenants' tables, parents before children.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.db.citus import distribute, replicate

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()

    op.create_table(
        "tenants",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("twin_of", sa.UUID(), nullable=True),
        sa.Column("reporting_zone", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(kind = 'TEST') = (twin_of IS NOT NULL)", name="tenants_twin_is_test"),
        sa.CheckConstraint("kind IN ('LIVE', 'TEST')", name="tenants_kind_known"),
        sa.CheckConstraint("length(currency) = 3", name="tenants_currency_is_iso"),
        sa.ForeignKeyConstraint(["twin_of"], ["tenants.id"], name="tenants_twin_of"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", "kind", name="tenants_name"),
    )
    replicate(connection, "tenants")

    op.create_table(
        "api_keys",
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("influencer_id", sa.UUID(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(role = 'influencer') = (influencer_id IS NOT NULL)", name="api_keys_influencer_named"),
        sa.CheckConstraint("role IN ('admin', 'analyst', 'store', 'influencer')", name="api_keys_role_known"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="api_keys_tenant"),
        sa.PrimaryKeyConstraint("key_hash"),
    )
    replicate(connection, "api_keys")
    op.create_index("api_keys_tenant_created", "api_keys", ["tenant_id", "created_at"], unique=False)

    op.create_table(
        "slug_directory",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("link_id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="slug_directory_tenant"),
        sa.PrimaryKeyConstraint("slug"),
    )
    replicate(connection, "slug_directory")

    op.create_table(
        "exchange_rates",
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("rate", sa.Numeric(precision=20, scale=10), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("rate > 0", name="exchange_rates_positive"),
        sa.PrimaryKeyConstraint("base", "quote", "day"),
    )
    replicate(connection, "exchange_rates")

    op.create_table(
        "influencers",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('ACTIVE', 'PAUSED', 'SUSPENDED')", name="influencers_status_known"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "external_id", name="influencers_external_id"),
    )
    distribute(connection, "influencers")
    op.create_index("influencers_created", "influencers", ["tenant_id", "created_at", "id"], unique=False)
    op.create_index("influencers_name", "influencers", ["tenant_id", "name", "id"], unique=False)

    op.create_table(
        "audit_log",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("key_id", sa.UUID(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    distribute(connection, "audit_log")
    op.create_index("audit_log_recorded", "audit_log", ["tenant_id", "recorded_at", "id"], unique=False)

    op.create_table(
        "campaigns",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("budget_minor", sa.BigInteger(), nullable=True),
        sa.Column("engagement_goal", sa.BigInteger(), nullable=True),
        sa.Column("sales_goal_minor", sa.BigInteger(), nullable=True),
        sa.Column("attribution_model", sa.Text(), nullable=False),
        sa.Column("click_window_days", sa.Integer(), nullable=False),
        sa.Column("commission_rate", sa.Numeric(precision=9, scale=6), nullable=False),
        sa.CheckConstraint(
            "attribution_model IN ('LAST_TOUCH', 'FIRST_TOUCH', 'LINEAR', 'TIME_DECAY', 'POSITION_BASED')",
            name="campaigns_model_known",
        ),
        sa.CheckConstraint("status IN ('DRAFT', 'ACTIVE', 'PAUSED', 'ENDED')", name="campaigns_status_known"),
        sa.CheckConstraint("click_window_days BETWEEN 1 AND 730", name="campaigns_window_bounded"),
        sa.CheckConstraint("commission_rate >= 0 AND commission_rate <= 1", name="campaigns_rate_is_share"),
        sa.CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="campaigns_dates_ordered"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "external_id", name="campaigns_external_id"),
    )
    distribute(connection, "campaigns")
    op.create_index("campaigns_created", "campaigns", ["tenant_id", "created_at", "id"], unique=False)
    op.create_index("campaigns_name", "campaigns", ["tenant_id", "name", "id"], unique=False)

    op.create_table(
        "customers",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "external_id", name="customers_external_id"),
    )
    distribute(connection, "customers")
    op.create_index("customers_created", "customers", ["tenant_id", "created_at", "id"], unique=False)

    op.create_table(
        "idempotency_keys",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("response", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "key"),
    )
    distribute(connection, "idempotency_keys")
    op.create_index("idempotency_keys_created", "idempotency_keys", ["tenant_id", "created_at"], unique=False)

    op.create_table(
        "instance_keys",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("instance_id", sa.UUID(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "external_id"),
    )
    distribute(connection, "instance_keys")

    op.create_table(
        "instances",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("influencer_id", sa.UUID(), nullable=True),
        sa.Column("campaign_id", sa.UUID(), nullable=True),
        sa.Column("link_id", sa.UUID(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("platform", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("visitor_id", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.UUID(), nullable=True),
        sa.Column("click_id", sa.Text(), nullable=True),
        sa.Column("order_id", sa.UUID(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('CLICK', 'VIEW', 'CODE', 'SIGNUP', 'PURCHASE', 'OTHER')", name="instances_kind_known"
        ),
        sa.CheckConstraint(
            "platform IN ('INSTAGRAM', 'TIKTOK', 'YOUTUBE', 'FACEBOOK', 'X', 'TWITCH', 'PODCAST', 'BLOG', 'NEWSLETTER', 'OTHER')",
            name="instances_platform_known",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "occurred_at", "id"),
        postgresql_partition_by="RANGE (occurred_at)",
    )
    distribute(connection, "instances")
    op.create_index("instances_campaign", "instances", ["tenant_id", "campaign_id", "occurred_at"], unique=False)
    op.create_index(
        "instances_click",
        "instances",
        ["tenant_id", "click_id", "occurred_at"],
        unique=False,
        postgresql_where=sa.text("click_id IS NOT NULL"),
    )
    op.create_index(
        "instances_customer",
        "instances",
        ["tenant_id", "customer_id", "occurred_at"],
        unique=False,
        postgresql_where=sa.text("customer_id IS NOT NULL"),
    )
    op.create_index("instances_influencer", "instances", ["tenant_id", "influencer_id", "occurred_at"], unique=False)
    op.create_index(
        "instances_visitor",
        "instances",
        ["tenant_id", "visitor_id", "occurred_at"],
        unique=False,
        postgresql_where=sa.text("visitor_id IS NOT NULL"),
    )

    op.create_table(
        "ledger_entries",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("posting_id", sa.UUID(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("influencer_id", sa.UUID(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("cause_kind", sa.Text(), nullable=False),
        sa.Column("cause_id", sa.UUID(), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "account IN ('EXPENSE', 'ACCRUED', 'PAYABLE', 'HELD', 'PAID', 'CLAWED_BACK', 'FEES', 'ROUNDING', 'FX')",
            name="ledger_entries_account_known",
        ),
        sa.CheckConstraint("amount_minor <> 0", name="ledger_entries_not_empty"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    distribute(connection, "ledger_entries")
    op.create_index("ledger_entries_cause", "ledger_entries", ["tenant_id", "cause_id"], unique=False)
    op.create_index(
        "ledger_entries_influencer",
        "ledger_entries",
        ["tenant_id", "influencer_id", "account", "currency", "posted_at"],
        unique=False,
    )
    op.create_index("ledger_entries_posting", "ledger_entries", ["tenant_id", "posting_id"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.UUID(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("available_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    distribute(connection, "outbox")
    op.create_index(
        "outbox_due",
        "outbox",
        ["tenant_id", "available_at", "id"],
        unique=False,
        postgresql_where=sa.text("delivered_at IS NULL"),
    )

    op.create_table(
        "products",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "external_id", name="products_external_id"),
    )
    distribute(connection, "products")
    op.create_index("products_created", "products", ["tenant_id", "created_at", "id"], unique=False)
    op.create_index("products_title", "products", ["tenant_id", "title", "id"], unique=False)

    op.create_table(
        "rollup_delta",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("instances", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("clicks", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("purchases", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("orders_e9", sa.Numeric(precision=38, scale=0), server_default="0", nullable=False),
        sa.Column("units_e9", sa.Numeric(precision=38, scale=0), server_default="0", nullable=False),
        sa.Column("gross_e9", sa.Numeric(precision=38, scale=0), server_default="0", nullable=False),
        sa.Column("refunds_e9", sa.Numeric(precision=38, scale=0), server_default="0", nullable=False),
        sa.Column("commission_pending", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("commission_held", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("commission_approved", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("commission_paid", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("commission_reversed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("missing_rates", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("campaign_id", sa.UUID(), nullable=False),
        sa.Column("influencer_id", sa.UUID(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    distribute(connection, "rollup_delta")
    op.create_index("rollup_delta_occurred", "rollup_delta", ["tenant_id", "occurred_at"], unique=False)

    op.create_table(
        "rollup_state",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("folded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rebuilt_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id"),
    )
    distribute(connection, "rollup_state")

    op.create_table(
        "rollups",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("instances", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("clicks", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("purchases", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("orders_e9", sa.Numeric(precision=38, scale=0), server_default="0", nullable=False),
        sa.Column("units_e9", sa.Numeric(precision=38, scale=0), server_default="0", nullable=False),
        sa.Column("gross_e9", sa.Numeric(precision=38, scale=0), server_default="0", nullable=False),
        sa.Column("refunds_e9", sa.Numeric(precision=38, scale=0), server_default="0", nullable=False),
        sa.Column("commission_pending", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("commission_held", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("commission_approved", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("commission_paid", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("commission_reversed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("missing_rates", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rollup_set", sa.Text(), nullable=False),
        sa.Column("grain", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.UUID(), nullable=False),
        sa.Column("influencer_id", sa.UUID(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("bucket", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("grain IN ('HOUR', 'DAY', 'MONTH')", name="rollups_grain_known"),
        sa.PrimaryKeyConstraint(
            "tenant_id", "rollup_set", "grain", "campaign_id", "influencer_id", "platform", "bucket"
        ),
    )
    distribute(connection, "rollups")
    op.create_index("rollups_bucket", "rollups", ["tenant_id", "rollup_set", "grain", "bucket"], unique=False)

    op.create_table(
        "adjustments",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("product_id", sa.UUID(), nullable=True),
        sa.Column("customer_id", sa.UUID(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_base_minor", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"], ["customers.tenant_id", "customers.id"], name="adjustments_customer"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "external_id", name="adjustments_external_id"),
    )
    distribute(connection, "adjustments")
    op.create_index("adjustments_occurred", "adjustments", ["tenant_id", "occurred_at", "id"], unique=False)
    op.create_index(
        "adjustments_product",
        "adjustments",
        ["tenant_id", "product_id", "occurred_at"],
        unique=False,
        postgresql_where=sa.text("product_id IS NOT NULL"),
    )

    op.create_table(
        "codes",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("influencer_id", sa.UUID(), nullable=False),
        sa.Column("campaign_id", sa.UUID(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "platform IN ('INSTAGRAM', 'TIKTOK', 'YOUTUBE', 'FACEBOOK', 'X', 'TWITCH', 'PODCAST', 'BLOG', 'NEWSLETTER', 'OTHER')",
            name="codes_platform_known",
        ),
        sa.CheckConstraint("status IN ('ACTIVE', 'DISABLED')", name="codes_status_known"),
        sa.CheckConstraint("code = upper(code)", name="codes_upper_case"),
        sa.CheckConstraint("ends_at IS NULL OR starts_at IS NULL OR ends_at > starts_at", name="codes_dates_ordered"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "campaign_id"], ["campaigns.tenant_id", "campaigns.id"], name="codes_campaign"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "influencer_id"], ["influencers.tenant_id", "influencers.id"], name="codes_influencer"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "code", name="codes_code"),
    )
    distribute(connection, "codes")
    op.create_index("codes_campaign_created", "codes", ["tenant_id", "campaign_id", "created_at", "id"], unique=False)
    op.create_index(
        "codes_influencer_created", "codes", ["tenant_id", "influencer_id", "created_at", "id"], unique=False
    )

    op.create_table(
        "customer_identities",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("customer_id", sa.UUID(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"], ["customers.tenant_id", "customers.id"], name="customer_identities_customer"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "customer_id"),
    )
    distribute(connection, "customer_identities")

    op.create_table(
        "enrollments",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("campaign_id", sa.UUID(), nullable=False),
        sa.Column("influencer_id", sa.UUID(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("commission_rate", sa.Numeric(precision=9, scale=6), nullable=True),
        sa.CheckConstraint("status IN ('ACTIVE', 'PAUSED', 'ENDED')", name="enrollments_status_known"),
        sa.CheckConstraint("commission_rate >= 0 AND commission_rate <= 1", name="enrollments_rate_is_share"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "campaign_id"], ["campaigns.tenant_id", "campaigns.id"], name="enrollments_campaign"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "influencer_id"], ["influencers.tenant_id", "influencers.id"], name="enrollments_influencer"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "campaign_id", "influencer_id", name="enrollments_pair"),
    )
    distribute(connection, "enrollments")
    op.create_index(
        "enrollments_campaign_created", "enrollments", ["tenant_id", "campaign_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "enrollments_influencer_created",
        "enrollments",
        ["tenant_id", "influencer_id", "created_at", "id"],
        unique=False,
    )

    op.create_table(
        "links",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("influencer_id", sa.UUID(), nullable=False),
        sa.Column("campaign_id", sa.UUID(), nullable=True),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=True),
        sa.Column("utm_source", sa.Text(), nullable=True),
        sa.Column("utm_medium", sa.Text(), nullable=True),
        sa.Column("utm_campaign", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "platform IN ('INSTAGRAM', 'TIKTOK', 'YOUTUBE', 'FACEBOOK', 'X', 'TWITCH', 'PODCAST', 'BLOG', 'NEWSLETTER', 'OTHER')",
            name="links_platform_known",
        ),
        sa.CheckConstraint("status IN ('ACTIVE', 'DISABLED')", name="links_status_known"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "campaign_id"], ["campaigns.tenant_id", "campaigns.id"], name="links_campaign"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "influencer_id"], ["influencers.tenant_id", "influencers.id"], name="links_influencer"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "slug", name="links_slug"),
    )
    distribute(connection, "links")
    op.create_index("links_campaign_created", "links", ["tenant_id", "campaign_id", "created_at", "id"], unique=False)
    op.create_index(
        "links_influencer_created", "links", ["tenant_id", "influencer_id", "created_at", "id"], unique=False
    )

    op.create_table(
        "orders",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.UUID(), nullable=True),
        sa.Column("visitor_id", sa.Text(), nullable=True),
        sa.Column("click_id", sa.Text(), nullable=True),
        sa.Column("codes", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("is_test", sa.Boolean(), server_default="false", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"], ["customers.tenant_id", "customers.id"], name="orders_customer"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "external_id", name="orders_external_id"),
    )
    distribute(connection, "orders")
    op.create_index("orders_customer_occurred", "orders", ["tenant_id", "customer_id", "occurred_at"], unique=False)
    op.create_index("orders_occurred", "orders", ["tenant_id", "occurred_at", "id"], unique=False)

    op.create_table(
        "social_profiles",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("influencer_id", sa.UUID(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("followers", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "platform IN ('INSTAGRAM', 'TIKTOK', 'YOUTUBE', 'FACEBOOK', 'X', 'TWITCH', 'PODCAST', 'BLOG', 'NEWSLETTER', 'OTHER')",
            name="social_profiles_platform_known",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "influencer_id"],
            ["influencers.tenant_id", "influencers.id"],
            name="social_profiles_influencer",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "influencer_id", "platform", "handle", name="social_profiles_handle"),
    )
    distribute(connection, "social_profiles")

    op.create_table(
        "attributions",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("candidates", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name="attributions_order"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "order_id"),
    )
    distribute(connection, "attributions")

    op.create_table(
        "credits",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("influencer_id", sa.UUID(), nullable=True),
        sa.Column("campaign_id", sa.UUID(), nullable=True),
        sa.Column("link_id", sa.UUID(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("platform", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("touch_kind", sa.Text(), nullable=True),
        sa.Column("touch_id", sa.UUID(), nullable=True),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("weight_booked", sa.Integer(), nullable=False),
        sa.Column("weight_last", sa.Integer(), nullable=False),
        sa.Column("weight_first", sa.Integer(), nullable=False),
        sa.Column("weight_linear", sa.Integer(), nullable=False),
        sa.Column("weight_time_decay", sa.Integer(), nullable=False),
        sa.Column("weight_position", sa.Integer(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.UUID(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "platform IN ('INSTAGRAM', 'TIKTOK', 'YOUTUBE', 'FACEBOOK', 'X', 'TWITCH', 'PODCAST', 'BLOG', 'NEWSLETTER', 'OTHER')",
            name="credits_platform_known",
        ),
        sa.CheckConstraint(
            "touch_kind IN ('CLICK', 'VIEW', 'CODE', 'REFERRAL', 'SURVEY')", name="credits_touch_kind_known"
        ),
        sa.ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name="credits_order"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    distribute(connection, "credits")
    op.create_index("credits_campaign", "credits", ["tenant_id", "campaign_id", "occurred_at"], unique=False)
    op.create_index(
        "credits_customer",
        "credits",
        ["tenant_id", "customer_id", "occurred_at"],
        unique=False,
        postgresql_where=sa.text("customer_id IS NOT NULL"),
    )
    op.create_index("credits_influencer", "credits", ["tenant_id", "influencer_id", "occurred_at"], unique=False)
    op.create_index("credits_occurred", "credits", ["tenant_id", "occurred_at"], unique=False)
    op.create_index("credits_order", "credits", ["tenant_id", "order_id", "position"], unique=False)

    op.create_table(
        "order_events",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('RECORDED', 'EDITED', 'PAID', 'FULFILLED', 'REFUNDED', 'CANCELLED', 'CHARGEBACK')",
            name="order_events_kind_known",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name="order_events_order"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "order_id", "external_id", name="order_events_external_id"),
    )
    distribute(connection, "order_events")
    op.create_index("order_events_order", "order_events", ["tenant_id", "order_id", "occurred_at", "id"], unique=False)

    op.create_table(
        "order_lines",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("product_id", sa.UUID(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_base_minor", sa.BigInteger(), nullable=True),
        sa.Column("is_reversal", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('ITEM', 'SHIPPING', 'TAX', 'DISCOUNT', 'GIFT_CARD', 'FEE')", name="order_lines_kind_known"
        ),
        sa.ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name="order_lines_order"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    distribute(connection, "order_lines")
    op.create_index("order_lines_occurred", "order_lines", ["tenant_id", "occurred_at"], unique=False)
    op.create_index("order_lines_order", "order_lines", ["tenant_id", "order_id", "position"], unique=False)
    op.create_index(
        "order_lines_product",
        "order_lines",
        ["tenant_id", "product_id", "occurred_at"],
        unique=False,
        postgresql_where=sa.text("product_id IS NOT NULL"),
    )

    op.create_table(
        "order_versions",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name="order_versions_order"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "order_id", "version"),
    )
    distribute(connection, "order_versions")

    op.create_table(
        "refunds",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("order_external_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reject_code", sa.Text(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("request", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("kind IN ('REFUND', 'CANCELLATION', 'CHARGEBACK')", name="refunds_kind_known"),
        sa.CheckConstraint("state <> 'APPLIED' OR order_id IS NOT NULL", name="refunds_applied_has_order"),
        sa.CheckConstraint("state IN ('WAITING', 'APPLIED', 'REJECTED')", name="refunds_state_known"),
        sa.ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name="refunds_order"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "external_id", name="refunds_external_id"),
    )
    distribute(connection, "refunds")
    op.create_index("refunds_occurred", "refunds", ["tenant_id", "occurred_at", "id"], unique=False)
    op.create_index("refunds_order", "refunds", ["tenant_id", "order_id"], unique=False)
    op.create_index(
        "refunds_waiting",
        "refunds",
        ["tenant_id", "order_external_id"],
        unique=False,
        postgresql_where=sa.text("state = 'WAITING'"),
    )

    op.create_table(
        "commissions",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=True),
        sa.Column("credit_id", sa.UUID(), nullable=True),
        sa.Column("refund_id", sa.UUID(), nullable=True),
        sa.Column("influencer_id", sa.UUID(), nullable=False),
        sa.Column("campaign_id", sa.UUID(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("rate", sa.Numeric(precision=9, scale=6), nullable=True),
        sa.Column("basis_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_base_minor", sa.BigInteger(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(kind = 'REVERSAL') = (state = 'REVERSED')", name="commissions_reversal_state"),
        sa.CheckConstraint("kind IN ('ACCRUAL', 'EDIT', 'REVERSAL', 'ADJUSTMENT')", name="commissions_kind_known"),
        sa.CheckConstraint(
            "state IN ('PENDING', 'HELD', 'APPROVED', 'PAID', 'REVERSED')", name="commissions_state_known"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "credit_id"], ["credits.tenant_id", "credits.id"], name="commissions_credit"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "influencer_id"], ["influencers.tenant_id", "influencers.id"], name="commissions_influencer"
        ),
        sa.ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name="commissions_order"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    distribute(connection, "commissions")
    op.create_index("commissions_campaign", "commissions", ["tenant_id", "campaign_id", "occurred_at"], unique=False)
    op.create_index(
        "commissions_influencer_occurred", "commissions", ["tenant_id", "influencer_id", "occurred_at"], unique=False
    )
    op.create_index("commissions_occurred", "commissions", ["tenant_id", "occurred_at", "id"], unique=False)
    op.create_index("commissions_order", "commissions", ["tenant_id", "order_id"], unique=False)

    op.create_table(
        "refund_lines",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("refund_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("product_id", sa.UUID(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_base_minor", sa.BigInteger(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('ITEM', 'SHIPPING', 'TAX', 'DISCOUNT', 'GIFT_CARD', 'FEE')", name="refund_lines_kind_known"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name="refund_lines_order"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "refund_id"], ["refunds.tenant_id", "refunds.id"], name="refund_lines_refund"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    distribute(connection, "refund_lines")
    op.create_index("refund_lines_occurred", "refund_lines", ["tenant_id", "occurred_at"], unique=False)
    op.create_index("refund_lines_order", "refund_lines", ["tenant_id", "order_id", "position"], unique=False)
    op.create_index(
        "refund_lines_product",
        "refund_lines",
        ["tenant_id", "product_id", "occurred_at"],
        unique=False,
        postgresql_where=sa.text("product_id IS NOT NULL"),
    )
    op.create_index("refund_lines_refund", "refund_lines", ["tenant_id", "refund_id"], unique=False)

    op.create_table(
        "commission_events",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("commission_id", sa.UUID(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "to_state IN ('PENDING', 'HELD', 'APPROVED', 'PAID', 'REVERSED')", name="commission_events_to_known"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "commission_id"],
            ["commissions.tenant_id", "commissions.id"],
            name="commission_events_commission",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    distribute(connection, "commission_events")
    op.create_index(
        "commission_events_commission", "commission_events", ["tenant_id", "commission_id", "recorded_at"], unique=False
    )

    op.create_table(
        "commission_lines",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("commission_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.UUID(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_base_minor", sa.BigInteger(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "commission_id"],
            ["commissions.tenant_id", "commissions.id"],
            name="commission_lines_commission",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    distribute(connection, "commission_lines")
    op.create_index("commission_lines_commission", "commission_lines", ["tenant_id", "commission_id"], unique=False)
    op.create_index(
        "commission_lines_product",
        "commission_lines",
        ["tenant_id", "product_id", "occurred_at"],
        unique=False,
        postgresql_where=sa.text("product_id IS NOT NULL"),
    )
