"""Fraud: the tenant's rules, and what they found, with its review."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy import text as sql

from app.core.words import FraudHitState
from app.core.words import FraudRule as Rule
from app.tables.base import (
    Dated,
    TenantEntity,
    TenantRow,
    flag,
    instant,
    json,
    number,
    one_of,
    refers,
    small,
    text,
    texts,
    uid,
)


class FraudRules(Dated, TenantRow, table=True):
    """What a tenant finds suspicious. One row a tenant; without one nothing is.

    velocity_orders: more orders than this within velocity_hours are suspicious; null: however many. refund_share: of
    an influencer's orders of the last refund_days, when there are refund_orders_min of them; null: however many.
    """

    __tablename__ = "fraud_rules"
    __table_args__ = (
        CheckConstraint("velocity_orders BETWEEN 1 AND 10000", name="fraud_rules_velocity_bounded"),
        CheckConstraint("velocity_hours BETWEEN 1 AND 8760", name="fraud_rules_hours_bounded"),
        CheckConstraint("refund_share >= 0 AND refund_share < 1", name="fraud_rules_share_bounded"),
        CheckConstraint("refund_orders_min BETWEEN 1 AND 1000", name="fraud_rules_orders_bounded"),
        CheckConstraint("refund_days BETWEEN 1 AND 730", name="fraud_rules_days_bounded"),
    )

    velocity_orders: int | None = small(null=True)
    velocity_hours: int = small()
    refund_share: Decimal | None = number(9, 6, null=True)
    refund_orders_min: int = small()
    refund_days: int = small()
    duplicate_accounts: bool = flag()
    suspicious_domains: list[str] = texts()
    own_purchases: bool = flag()


class FraudHit(TenantEntity, table=True):
    """A rule that a new commission ran into, which is held until the hit is reviewed.

    evidence: what was found, by name. reviewed_by: the key.
    """

    __tablename__ = "fraud_hits"
    __table_args__ = (
        one_of("rule", Rule, name="fraud_hits_rule_known"),
        one_of("state", FraudHitState, name="fraud_hits_state_known"),
        CheckConstraint("(state = 'OPEN') = (reviewed_at IS NULL)", name="fraud_hits_reviewed"),
        refers("commission_id", "commissions", name="fraud_hits_commission"),
        refers("order_id", "orders", name="fraud_hits_order"),
        refers("influencer_id", "influencers", name="fraud_hits_influencer"),
        Index("fraud_hits_commission_rule", "tenant_id", "commission_id", "rule", unique=True),
        Index("fraud_hits_found", "tenant_id", "found_at", "id"),
        Index("fraud_hits_influencer", "tenant_id", "influencer_id", "found_at"),
        Index("fraud_hits_open", "tenant_id", "found_at", "id", postgresql_where=sql("state = 'OPEN'")),
    )

    rule: str = text()
    commission_id: UUID = uid()
    order_id: UUID = uid()
    influencer_id: UUID = uid()
    evidence: Any = json()
    state: str = text()
    found_at: datetime = instant()
    reviewed_at: datetime | None = instant(null=True)
    reviewed_by: UUID | None = uid(null=True)
    review_reason: str | None = text(null=True)
