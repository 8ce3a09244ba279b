"""Engagement: what posts had gathered when somebody looked. Append-only facts; a correction is a later snapshot."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint

from app.core.words import Platform
from app.tables.base import TenantEntity, TenantRow, digest, instant, one_of, refers, text, uid, whole


class EngagementSnapshot(TenantEntity, table=True):
    """Cumulative figures of a post as of `occurred_at`; null: not known. A figure may fall.

    post_id: the platform's. What a snapshot adds is each figure's difference to the last one known before.
    """

    __tablename__ = "engagement_snapshots"
    __table_args__ = (
        one_of("platform", Platform, name="engagement_snapshots_platform_known"),
        CheckConstraint(
            "likes >= 0 AND comments >= 0 AND shares >= 0 AND views >= 0", name="engagement_snapshots_not_negative"
        ),
        CheckConstraint("coalesce(likes, comments, shares, views) IS NOT NULL", name="engagement_snapshots_not_empty"),
        # With the figures: the last known one before a snapshot is found in the index alone.
        UniqueConstraint(
            "tenant_id",
            "platform",
            "post_id",
            "occurred_at",
            name="engagement_snapshots_post",
            postgresql_include=["likes", "comments", "shares", "views"],
        ),
        refers("influencer_id", "influencers", name="engagement_snapshots_influencer"),
        refers("campaign_id", "campaigns", name="engagement_snapshots_campaign"),
        Index("engagement_snapshots_occurred", "tenant_id", "occurred_at", "id"),
        Index("engagement_snapshots_recorded", "tenant_id", "recorded_at", "id"),
        Index("engagement_snapshots_influencer", "tenant_id", "influencer_id", "occurred_at"),
        Index("engagement_snapshots_campaign", "tenant_id", "campaign_id", "occurred_at"),
    )

    platform: str = text()
    post_id: str = text()
    occurred_at: datetime = instant()
    influencer_id: UUID = uid()
    campaign_id: UUID | None = uid(null=True)
    likes: int | None = whole(null=True)
    comments: int | None = whole(null=True)
    shares: int | None = whole(null=True)
    views: int | None = whole(null=True)
    content_hash: bytes = digest()
    recorded_at: datetime = instant()


class PostClaim(TenantRow, table=True):
    """A lock on a post: inserted and deleted by the same transaction, so that it is never seen.

    Whoever records snapshots of a post claims it first. A snapshot changes what the next one of its post adds, so that
    two writers must not miss each other's.
    """

    __tablename__ = "post_claims"

    platform: str = text(key=True)
    post_id: str = text(key=True)
