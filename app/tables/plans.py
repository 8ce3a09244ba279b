"""Commission plans: what influencers earn where more than one rate is agreed, and what each credit was rated by."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy import text as sql

from app.core.words import PlanPeriod
from app.tables.base import Dated, TenantEntity, TenantRow, instant, json, one_of, refers, small, text, uid, whole


class CommissionPlan(Dated, TenantEntity, table=True):
    """A plan by name. What it says is in its versions."""

    __tablename__ = "commission_plans"
    __table_args__ = (
        UniqueConstraint("tenant_id", "external_id", name="commission_plans_external_id"),
        Index("commission_plans_created", "tenant_id", "created_at", "id"),
        Index("commission_plans_name", "tenant_id", "name", "id"),
    )

    external_id: str | None = text(null=True)
    name: str = text()


class CommissionPlanVersion(TenantEntity, table=True):
    """What a plan says from an instant on. Never changed: of those in force by then, the latest start holds, of equal
    starts the highest number. Amounts inside `terms` are in minor units of `currency`, the tenant's.
    """

    __tablename__ = "commission_plan_versions"
    __table_args__ = (
        one_of("period", PlanPeriod, name="commission_plan_versions_period_known"),
        CheckConstraint("version > 0", name="commission_plan_versions_numbered"),
        refers("plan_id", "commission_plans", name="commission_plan_versions_plan"),
        UniqueConstraint("tenant_id", "plan_id", "version", name="commission_plan_versions_number"),
        Index("commission_plan_versions_created", "tenant_id", "created_at", "id"),
    )

    plan_id: UUID = uid()
    version: int = small()
    effective_from: datetime = instant()
    currency: str = text()
    period: str = text()
    terms: Any = json()
    created_at: datetime = instant()


class CommissionPlanAssignment(TenantEntity, table=True):
    """From when on a plan holds for an enrollment, a campaign, or (neither) the whole tenant; null: none does.

    Never changed: of those in force by then the latest start holds, of equal starts the one that came last.
    """

    __tablename__ = "plan_assignments"
    __table_args__ = (
        CheckConstraint("campaign_id IS NULL OR enrollment_id IS NULL", name="plan_assignments_one_place"),
        refers("plan_id", "commission_plans", name="plan_assignments_plan"),
        refers("campaign_id", "campaigns", name="plan_assignments_campaign"),
        refers("enrollment_id", "enrollments", name="plan_assignments_enrollment"),
        Index("plan_assignments_created", "tenant_id", "created_at", "id"),
        Index(
            "plan_assignments_to_campaign",
            "tenant_id",
            "campaign_id",
            postgresql_where=sql("campaign_id IS NOT NULL"),
        ),
        Index(
            "plan_assignments_to_enrollment",
            "tenant_id",
            "enrollment_id",
            postgresql_where=sql("enrollment_id IS NOT NULL"),
        ),
    )

    plan_id: UUID | None = uid(null=True)
    campaign_id: UUID | None = uid(null=True)
    enrollment_id: UUID | None = uid(null=True)
    effective_from: datetime = instant()
    created_at: datetime = instant()


class CommissionRating(TenantEntity, table=True):
    """How a version of a plan rated a credit: all that it looked at beside the order's lines. Append-only.

    sequence: the credit's place among those of the plan and influencer, in the order in which they were counted; null
    where the version counts nothing. budget_sequence: its place among those of the plan and campaign, where the
    version has a budget. A credit that is rated anew has a further row; the newest holds.
    """

    __tablename__ = "commission_ratings"
    __table_args__ = (
        refers("order_id", "orders", name="commission_ratings_order"),
        refers("credit_id", "credits", name="commission_ratings_credit"),
        refers("influencer_id", "influencers", name="commission_ratings_influencer"),
        refers("version_id", "commission_plan_versions", name="commission_ratings_version"),
        Index("commission_ratings_order", "tenant_id", "order_id"),
        Index("commission_ratings_sequence", "tenant_id", "plan_id", "influencer_id", "sequence"),
        Index("commission_ratings_occurred", "tenant_id", "occurred_at"),
    )

    order_id: UUID = uid()
    credit_id: UUID = uid()
    influencer_id: UUID = uid()
    campaign_id: UUID | None = uid(null=True)
    plan_id: UUID = uid()
    version_id: UUID = uid()
    sequence: int | None = whole(null=True)
    budget_sequence: int | None = whole(null=True)
    facts: Any = json()
    occurred_at: datetime = instant()
    recorded_at: datetime = instant()


class CommissionTally(TenantRow, table=True):
    """What the ratings of a plan have summed to: of an influencer or of a campaign (holder_id), in a period.

    counter: of what, after the kind of period: a rule's key, `:revenue` of all that the plan rated, or `:earned`;
    `:sequence` numbers the holder's ratings and is the row that whoever counts locks. volume_minor and earned_minor: in
    the tenant's currency. orders_e9: by credit, one order is 10**9. Derived: what the ratings' commissions say, kept
    because every order needs it.
    """

    __tablename__ = "commission_tallies"
    __table_args__ = (refers("plan_id", "commission_plans", name="commission_tallies_plan"),)

    plan_id: UUID = uid(key=True)
    holder_id: UUID = uid(key=True)
    counter: str = text(key=True)
    period_start: datetime = instant(key=True)
    sequence: int = whole(default="0")
    volume_minor: int = whole(default="0")
    orders_e9: int = whole(default="0")
    earned_minor: int = whole(default="0")
