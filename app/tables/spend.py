"""Spend: what campaigns cost beside commissions. Append-only facts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy import text as sql

from app.tables.base import TenantEntity, digest, instant, refers, text, uid, whole


class Spend(TenantEntity, table=True):
    """Money spent on a campaign, possibly on one influencer in it: a fee, a sample, an advertisement.

    amount: in its own currency, and in the tenant's at the day's rate, null when none was known; negative corrects.
    """

    __tablename__ = "spend"
    __table_args__ = (
        UniqueConstraint("tenant_id", "external_id", name="spend_external_id"),
        refers("campaign_id", "campaigns", name="spend_campaign"),
        refers("influencer_id", "influencers", name="spend_influencer"),
        Index("spend_occurred", "tenant_id", "occurred_at", "id"),
        Index("spend_recorded", "tenant_id", "recorded_at", "id"),
        Index("spend_unconverted", "tenant_id", "id", postgresql_where=sql("amount_base_minor IS NULL")),
        Index("spend_campaign", "tenant_id", "campaign_id", "occurred_at"),
        Index(
            "spend_influencer",
            "tenant_id",
            "influencer_id",
            "occurred_at",
            postgresql_where=sql("influencer_id IS NOT NULL"),
        ),
    )

    external_id: str = text()
    occurred_at: datetime = instant()
    campaign_id: UUID = uid()
    influencer_id: UUID | None = uid(null=True)
    currency: str = text()
    amount_minor: int = whole()
    amount_base_minor: int | None = whole(null=True)
    note: str | None = text(null=True)
    content_hash: bytes = digest()
    recorded_at: datetime = instant()
