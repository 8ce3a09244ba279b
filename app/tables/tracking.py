"""Instances: the large fact, in monthly partitions with a DEFAULT one behind."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy import text as sql

from app.core.words import InstanceKind, Platform
from app.tables.base import TenantRow, digest, instant, one_of, text, uid


class Instance(TenantRow, table=True):
    """One tracked interaction, at `occurred_at`. Whatever it came with is stored beside it; any of it may be unknown.

    No foreign keys: facts are written set-wise after their references were resolved, and are never deleted under them.
    ad_click: the parameter by which its address tells that it came by an advertisement in a search engine.
    superseded_at: of a PURCHASE, since when its order was judged to be another's; infinity as long as it holds.
    """

    __tablename__ = "instances"
    __table_args__ = (
        one_of("kind", InstanceKind, name="instances_kind_known"),
        one_of("platform", Platform, name="instances_platform_known"),
        Index("instances_campaign", "tenant_id", "campaign_id", "occurred_at"),
        Index("instances_influencer", "tenant_id", "influencer_id", "occurred_at"),
        Index(
            "instances_visitor",
            "tenant_id",
            "visitor_id",
            "occurred_at",
            postgresql_where=sql("visitor_id IS NOT NULL"),
        ),
        Index("instances_click", "tenant_id", "click_id", "occurred_at", postgresql_where=sql("click_id IS NOT NULL")),
        Index(
            "instances_customer",
            "tenant_id",
            "customer_id",
            "occurred_at",
            postgresql_where=sql("customer_id IS NOT NULL"),
        ),
        Index(
            "instances_unordered",
            "tenant_id",
            "customer_id",
            "occurred_at",
            postgresql_where=sql("customer_id IS NOT NULL AND order_id IS NULL"),
        ),
        {"postgresql_partition_by": "RANGE (occurred_at)"},
    )

    occurred_at: datetime = instant(key=True)
    id: UUID = uid(key=True)
    kind: str = text()
    influencer_id: UUID | None = uid(null=True)
    campaign_id: UUID | None = uid(null=True)
    link_id: UUID | None = uid(null=True)
    code: str | None = text(null=True)
    platform: str | None = text(null=True)
    channel: str | None = text(null=True)
    country: str | None = text(null=True)
    visitor_id: str | None = text(null=True)
    customer_id: UUID | None = uid(null=True)
    click_id: str | None = text(null=True)
    order_id: UUID | None = uid(null=True)
    recorded_at: datetime = instant()
    ad_click: str | None = text(null=True)
    superseded_at: datetime = instant(default="infinity")


class InstanceKey(TenantRow, table=True):
    """Makes the caller's instance ids unique over all partitions."""

    __tablename__ = "instance_keys"

    external_id: str = text(key=True)
    instance_id: UUID = uid()
    content_hash: bytes = digest()
    recorded_at: datetime = instant()
