"""The program: influencers, campaigns, enrollments, links, codes."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy import text as sql

from app.core.words import (
    AttributionModel,
    CampaignStatus,
    CodePolicy,
    EnrollmentStatus,
    InfluencerStatus,
    OfferStatus,
    PaidSearch,
    Platform,
)
from app.tables.base import Dated, TenantEntity, instant, number, one_of, refers, small, text, uid, whole


class Influencer(Dated, TenantEntity, table=True):
    """Whoever promotes and earns.

    email_hash, customer: who they are as buyers: their own purchases earn them nothing. customer: the store's id.
    """

    __tablename__ = "influencers"
    __table_args__ = (
        one_of("status", InfluencerStatus, name="influencers_status_known"),
        UniqueConstraint("tenant_id", "external_id", name="influencers_external_id"),
        Index("influencers_created", "tenant_id", "created_at", "id"),
        Index("influencers_name", "tenant_id", "name", "id"),
        Index("influencers_email_hash", "tenant_id", "email_hash", postgresql_where=sql("email_hash IS NOT NULL")),
        Index("influencers_customer", "tenant_id", "customer", postgresql_where=sql("customer IS NOT NULL")),
    )

    external_id: str | None = text(null=True)
    name: str = text()
    status: str = text()
    country: str | None = text(null=True)
    email_hash: str | None = text(null=True)
    customer: str | None = text(null=True)


class SocialProfile(Dated, TenantEntity, table=True):
    """An influencer's account on a platform."""

    __tablename__ = "social_profiles"
    __table_args__ = (
        one_of("platform", Platform, name="social_profiles_platform_known"),
        refers("influencer_id", "influencers", name="social_profiles_influencer"),
        UniqueConstraint("tenant_id", "influencer_id", "platform", "handle", name="social_profiles_handle"),
    )

    influencer_id: UUID = uid()
    platform: str = text()
    handle: str = text()
    url: str | None = text(null=True)
    followers: int | None = whole(null=True)


class Campaign(Dated, TenantEntity, table=True):
    """A dated promotion with goals and terms.

    commission_rate: share of the commission base, 0 to 1. *_window_days: touches of the kind that are older earn
    nothing; code_window_days null: as clicks; view_window_days 0: views earn nothing at all. attribution_model,
    half_life_days: null means the tenant's.
    """

    __tablename__ = "campaigns"
    __table_args__ = (
        one_of("status", CampaignStatus, name="campaigns_status_known"),
        one_of("attribution_model", AttributionModel, name="campaigns_model_known"),
        CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="campaigns_dates_ordered"),
        CheckConstraint("commission_rate >= 0 AND commission_rate <= 1", name="campaigns_rate_is_share"),
        CheckConstraint("click_window_days BETWEEN 1 AND 730", name="campaigns_window_bounded"),
        CheckConstraint("view_window_days BETWEEN 0 AND 730", name="campaigns_view_window_bounded"),
        CheckConstraint("code_window_days BETWEEN 1 AND 730", name="campaigns_code_window_bounded"),
        CheckConstraint("half_life_days BETWEEN 1 AND 365", name="campaigns_half_life_bounded"),
        one_of("code_policy", CodePolicy, name="campaigns_code_policy_known"),
        one_of("paid_search", PaidSearch, name="campaigns_paid_search_known"),
        UniqueConstraint("tenant_id", "external_id", name="campaigns_external_id"),
        Index("campaigns_created", "tenant_id", "created_at", "id"),
        Index("campaigns_name", "tenant_id", "name", "id"),
        Index("campaigns_starts", "tenant_id", "starts_at", "id"),
        Index("campaigns_views", "tenant_id", postgresql_where=sql("view_window_days > 0")),
    )

    external_id: str | None = text(null=True)
    name: str = text()
    status: str = text()
    starts_at: datetime = instant()
    ends_at: datetime | None = instant(null=True)
    currency: str = text()
    budget_minor: int | None = whole(null=True)
    engagement_goal: int | None = whole(null=True)
    sales_goal_minor: int | None = whole(null=True)
    attribution_model: str | None = text(null=True)
    click_window_days: int = small()
    view_window_days: int = small(default="0")
    code_window_days: int | None = small(null=True)
    half_life_days: int | None = small(null=True)
    code_policy: str = text(default="ALWAYS")
    paid_search: str = text(default="REJECT")
    commission_rate: Decimal = number(9, 6)


class Enrollment(Dated, TenantEntity, table=True):
    """An influencer in a campaign, with their terms. commission_rate: null means the campaign's."""

    __tablename__ = "enrollments"
    __table_args__ = (
        one_of("status", EnrollmentStatus, name="enrollments_status_known"),
        CheckConstraint("commission_rate >= 0 AND commission_rate <= 1", name="enrollments_rate_is_share"),
        refers("campaign_id", "campaigns", name="enrollments_campaign"),
        refers("influencer_id", "influencers", name="enrollments_influencer"),
        UniqueConstraint("tenant_id", "campaign_id", "influencer_id", name="enrollments_pair"),
        Index("enrollments_created", "tenant_id", "created_at", "id"),
        Index("enrollments_influencer_created", "tenant_id", "influencer_id", "created_at", "id"),
        Index("enrollments_campaign_created", "tenant_id", "campaign_id", "created_at", "id"),
    )

    campaign_id: UUID = uid()
    influencer_id: UUID = uid()
    status: str = text()
    commission_rate: Decimal | None = number(9, 6, null=True)


class Link(Dated, TenantEntity, table=True):
    """A tracking link of one influencer, optionally for one campaign. Its slug is unique among all tenants."""

    __tablename__ = "links"
    __table_args__ = (
        one_of("status", OfferStatus, name="links_status_known"),
        one_of("platform", Platform, name="links_platform_known"),
        refers("influencer_id", "influencers", name="links_influencer"),
        refers("campaign_id", "campaigns", name="links_campaign"),
        UniqueConstraint("tenant_id", "slug", name="links_slug"),
        Index("links_created", "tenant_id", "created_at", "id"),
        Index("links_influencer_created", "tenant_id", "influencer_id", "created_at", "id"),
        Index("links_campaign_created", "tenant_id", "campaign_id", "created_at", "id"),
    )

    influencer_id: UUID = uid()
    campaign_id: UUID | None = uid(null=True)
    slug: str = text()
    url: str = text()
    platform: str | None = text(null=True)
    utm_source: str | None = text(null=True)
    utm_medium: str | None = text(null=True)
    utm_campaign: str | None = text(null=True)
    status: str = text()


class Code(Dated, TenantEntity, table=True):
    """A coupon code of one influencer, optionally for one campaign. Unique per tenant, compared in upper case.

    customer: the store's id of the only customer who may use it; null: everybody may.
    """

    __tablename__ = "codes"
    __table_args__ = (
        one_of("status", OfferStatus, name="codes_status_known"),
        one_of("platform", Platform, name="codes_platform_known"),
        CheckConstraint("code = upper(code)", name="codes_upper_case"),
        CheckConstraint("ends_at IS NULL OR starts_at IS NULL OR ends_at > starts_at", name="codes_dates_ordered"),
        refers("influencer_id", "influencers", name="codes_influencer"),
        refers("campaign_id", "campaigns", name="codes_campaign"),
        UniqueConstraint("tenant_id", "code", name="codes_code"),
        Index("codes_created", "tenant_id", "created_at", "id"),
        Index("codes_influencer_created", "tenant_id", "influencer_id", "created_at", "id"),
        Index("codes_campaign_created", "tenant_id", "campaign_id", "created_at", "id"),
    )

    influencer_id: UUID = uid()
    campaign_id: UUID | None = uid(null=True)
    code: str = text()
    platform: str | None = text(null=True)
    status: str = text()
    starts_at: datetime | None = instant(null=True)
    ends_at: datetime | None = instant(null=True)
    customer: str | None = text(null=True)
