"""Rules of attribution, what judging looks up beside facts, and judgements that were replaced."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy import text as sql

from app.core.words import AttributionCause, AttributionModel, CodePolicy, PaidSearch, ProgramKind
from app.tables.base import Dated, TenantRow, instant, json, one_of, refers, small, text, uid


class AttributionRules(Dated, TenantRow, table=True):
    """What holds for touches outside campaigns, and for campaigns that do not say otherwise. One row a tenant.

    window_days: of touches outside campaigns; null means the server's setting.
    """

    __tablename__ = "attribution_rules"
    __table_args__ = (
        one_of("model", AttributionModel, name="attribution_rules_model_known"),
        one_of("code_policy", CodePolicy, name="attribution_rules_policy_known"),
        one_of("paid_search", PaidSearch, name="attribution_rules_search_known"),
        CheckConstraint("half_life_days BETWEEN 1 AND 365", name="attribution_rules_half_life_bounded"),
        CheckConstraint("window_days BETWEEN 1 AND 730", name="attribution_rules_window_bounded"),
    )

    model: str = text()
    half_life_days: int = small()
    window_days: int | None = small(null=True)
    code_policy: str = text()
    paid_search: str = text()


class AttributionChange(TenantRow, table=True):
    """A judgement that another replaced: `revision` counts an order's judgements, and is the replaced one's.

    cause, reason, key_id, recorded_at: why, by whom and when it was replaced; the rest is the judgement as it was.
    """

    __tablename__ = "attribution_changes"
    __table_args__ = (
        one_of("cause", AttributionCause, name="attribution_changes_cause_known"),
        refers("order_id", "orders", name="attribution_changes_order"),
    )

    order_id: UUID = uid(key=True)
    revision: int = small(key=True)
    cause: str = text()
    reason: str | None = text(null=True)
    model: str = text()
    rule: str = text()
    candidates: Any = json()
    judged_at: datetime = instant()
    key_id: UUID = uid()
    recorded_at: datetime = instant()


class AwaitedTouch(TenantRow, table=True):
    """An order that nobody is credited for, with what its touch would know it by. Gone when it was judged once more.

    look_at: when the worker looks for touches that were recorded at the same time as the order; null afterwards.
    """

    __tablename__ = "awaited_touches"
    __table_args__ = (
        refers("order_id", "orders", name="awaited_touches_order"),
        Index("awaited_touches_visitor", "tenant_id", "visitor_id", postgresql_where=sql("visitor_id IS NOT NULL")),
        Index("awaited_touches_click", "tenant_id", "click_id", postgresql_where=sql("click_id IS NOT NULL")),
        Index("awaited_touches_customer", "tenant_id", "customer_id", postgresql_where=sql("customer_id IS NOT NULL")),
        Index("awaited_touches_look", "tenant_id", "look_at", postgresql_where=sql("look_at IS NOT NULL")),
        Index("awaited_touches_recorded", "tenant_id", "recorded_at"),
    )

    order_id: UUID = uid(key=True)
    occurred_at: datetime = instant()
    visitor_id: str | None = text(null=True)
    click_id: str | None = text(null=True)
    customer_id: UUID | None = uid(null=True)
    recorded_at: datetime = instant()
    look_at: datetime | None = instant(null=True)


class ProgramStatus(TenantRow, table=True):
    """Which status an influencer, a campaign or an enrollment had since when: orders are judged anew by those."""

    __tablename__ = "program_statuses"
    __table_args__ = (one_of("kind", ProgramKind, name="program_statuses_kind_known"),)

    kind: str = text(key=True)
    entity_id: UUID = uid(key=True)
    since: datetime = instant(key=True)
    status: str = text()
