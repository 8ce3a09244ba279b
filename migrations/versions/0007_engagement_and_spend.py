"""Facts that analytics gains: engagement snapshots, spend, and when each part of a commission was recorded."""

import sqlalchemy as sa
from alembic import op

from app.db.citus import distribute

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

APP_ROLE = "scoville_app"
POLICY = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"
PLATFORMS = "'INSTAGRAM', 'TIKTOK', 'YOUTUBE', 'FACEBOOK', 'X', 'TWITCH', 'PODCAST', 'BLOG', 'NEWSLETTER', 'OTHER'"


def upgrade() -> None:
    connection = op.get_bind()

    op.create_table(
        "engagement_snapshots",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("post_id", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("influencer_id", sa.UUID(), nullable=False),
        sa.Column("campaign_id", sa.UUID(), nullable=True),
        sa.Column("likes", sa.BigInteger(), nullable=True),
        sa.Column("comments", sa.BigInteger(), nullable=True),
        sa.Column("shares", sa.BigInteger(), nullable=True),
        sa.Column("views", sa.BigInteger(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"platform IN ({PLATFORMS})", name="engagement_snapshots_platform_known"),
        sa.CheckConstraint(
            "likes >= 0 AND comments >= 0 AND shares >= 0 AND views >= 0", name="engagement_snapshots_not_negative"
        ),
        sa.CheckConstraint(
            "coalesce(likes, comments, shares, views) IS NOT NULL", name="engagement_snapshots_not_empty"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "influencer_id"],
            ["influencers.tenant_id", "influencers.id"],
            name="engagement_snapshots_influencer",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "campaign_id"], ["campaigns.tenant_id", "campaigns.id"], name="engagement_snapshots_campaign"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint(
            "tenant_id",
            "platform",
            "post_id",
            "occurred_at",
            name="engagement_snapshots_post",
            postgresql_include=["likes", "comments", "shares", "views"],
        ),
    )
    distribute(connection, "engagement_snapshots")
    op.create_index("engagement_snapshots_occurred", "engagement_snapshots", ["tenant_id", "occurred_at", "id"])
    op.create_index("engagement_snapshots_recorded", "engagement_snapshots", ["tenant_id", "recorded_at", "id"])
    op.create_index(
        "engagement_snapshots_influencer", "engagement_snapshots", ["tenant_id", "influencer_id", "occurred_at"]
    )
    op.create_index(
        "engagement_snapshots_campaign", "engagement_snapshots", ["tenant_id", "campaign_id", "occurred_at"]
    )
    _isolate("engagement_snapshots")
    op.execute(f"GRANT SELECT, INSERT ON engagement_snapshots TO {APP_ROLE}")

    op.create_table(
        "post_claims",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("post_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "platform", "post_id"),
    )
    distribute(connection, "post_claims")
    _isolate("post_claims")
    op.execute(f"GRANT SELECT, INSERT, DELETE ON post_claims TO {APP_ROLE}")

    op.create_table(
        "spend",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("campaign_id", sa.UUID(), nullable=False),
        sa.Column("influencer_id", sa.UUID(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_base_minor", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "campaign_id"], ["campaigns.tenant_id", "campaigns.id"], name="spend_campaign"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "influencer_id"], ["influencers.tenant_id", "influencers.id"], name="spend_influencer"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "external_id", name="spend_external_id"),
    )
    distribute(connection, "spend")
    op.create_index("spend_occurred", "spend", ["tenant_id", "occurred_at", "id"])
    op.create_index("spend_recorded", "spend", ["tenant_id", "recorded_at", "id"])
    op.create_index("spend_campaign", "spend", ["tenant_id", "campaign_id", "occurred_at"])
    op.create_index(
        "spend_influencer",
        "spend",
        ["tenant_id", "influencer_id", "occurred_at"],
        postgresql_where=sa.text("influencer_id IS NOT NULL"),
    )
    _isolate("spend")
    op.execute(f"GRANT SELECT, INSERT ON spend TO {APP_ROLE}")

    # A default, for the previous release does not write the column; a constant, so that no row is written anew for it.
    op.add_column(
        "commission_lines",
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default="-infinity", nullable=False),
    )
    # An owner that is no superuser is held to its own policies while they are forced.
    for table in ("commissions", "commission_lines"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        """
        UPDATE commission_lines
        SET recorded_at = commissions.recorded_at
        FROM commissions
        WHERE commissions.tenant_id = commission_lines.tenant_id AND commissions.id = commission_lines.commission_id
        """
    )
    for table in ("commissions", "commission_lines"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _isolate(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant_isolation ON {table} USING ({POLICY}) WITH CHECK ({POLICY})")
