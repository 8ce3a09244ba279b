"""Orders, refunds and adjustments: append-only facts. Money here is never updated.

Amounts `*_minor` are in the fact's own currency, `*_base_minor` in the tenant's at the day's rate, null when no rate
was known.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy import text as sql

from app.core.words import LineKind, OrderEventKind, RefundKind, RefundState
from app.tables.base import (
    TenantEntity,
    TenantRow,
    digest,
    flag,
    instant,
    json,
    one_of,
    refers,
    small,
    text,
    texts,
    uid,
    whole,
)


class Order(TenantEntity, table=True):
    """What the store sold: its identity, and the newest of order_versions with its sums; nothing else changes."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("tenant_id", "external_id", name="orders_external_id"),
        refers("customer_id", "customers", name="orders_customer"),
        Index("orders_occurred", "tenant_id", "occurred_at", "id"),
        Index("orders_recorded", "tenant_id", "recorded_at", "id"),
        Index("orders_customer_occurred", "tenant_id", "customer_id", "occurred_at"),
        Index(
            "orders_visitor", "tenant_id", "visitor_id", "occurred_at", postgresql_where=sql("visitor_id IS NOT NULL")
        ),
    )

    external_id: str = text()
    occurred_at: datetime = instant()
    recorded_at: datetime = instant()
    version: int = small()
    total_minor: int = whole()
    gross_minor: int = whole()
    currency: str = text()
    customer_id: UUID | None = uid(null=True)
    visitor_id: str | None = text(null=True)
    click_id: str | None = text(null=True)
    codes: list[str] = texts()
    country: str | None = text(null=True)
    is_test: bool = flag()


class OrderVersion(TenantRow, table=True):
    """One state of an order: 1 as first recorded, then one per edit. gross = ITEM + DISCOUNT lines."""

    __tablename__ = "order_versions"
    __table_args__ = (refers("order_id", "orders", name="order_versions_order"),)

    order_id: UUID = uid(key=True)
    version: int = small(key=True)
    content_hash: bytes = digest()
    total_minor: int = whole()
    gross_minor: int = whole()
    recorded_at: datetime = instant()


class OrderLine(TenantEntity, table=True):
    """A line as a fact at its order's time. An edit appends reversals (is_reversal, opposite sign) and new rows.

    position: the line's number within the order, stable over versions. amount: net of the line's own discount.
    """

    __tablename__ = "order_lines"
    __table_args__ = (
        one_of("kind", LineKind, name="order_lines_kind_known"),
        refers("order_id", "orders", name="order_lines_order"),
        Index("order_lines_order", "tenant_id", "order_id", "position"),
        Index("order_lines_occurred", "tenant_id", "occurred_at"),
        Index("order_lines_unconverted", "tenant_id", "order_id", postgresql_where=sql("amount_base_minor IS NULL")),
        Index(
            "order_lines_product",
            "tenant_id",
            "product_id",
            "occurred_at",
            postgresql_where=sql("product_id IS NOT NULL"),
        ),
    )

    order_id: UUID = uid()
    version: int = small()
    position: int = small()
    external_id: str | None = text(null=True)
    kind: str = text()
    product_id: UUID | None = uid(null=True)
    title: str | None = text(null=True)
    quantity: int = whole()
    currency: str = text()
    amount_minor: int = whole()
    amount_base_minor: int | None = whole(null=True)
    is_reversal: bool = flag()
    occurred_at: datetime = instant()
    recorded_at: datetime = instant()


class OrderEvent(TenantEntity, table=True):
    """What happened to an order and when. reason: the store's words for why, as it sent them."""

    __tablename__ = "order_events"
    __table_args__ = (
        one_of("kind", OrderEventKind, name="order_events_kind_known"),
        refers("order_id", "orders", name="order_events_order"),
        Index(
            "order_events_external",
            "tenant_id",
            "order_id",
            "external_id",
            unique=True,
            postgresql_where=sql("external_id IS NOT NULL"),
        ),
        Index("order_events_order", "tenant_id", "order_id", "occurred_at", "id"),
    )

    order_id: UUID = uid()
    external_id: str | None = text(null=True)
    kind: str = text()
    reason: str | None = text(null=True)
    occurred_at: datetime = instant()
    recorded_at: datetime = instant()


class Refund(TenantEntity, table=True):
    """Money taken back, on its own date. WAITING until its order is known; the request is kept as it was sent."""

    __tablename__ = "refunds"
    __table_args__ = (
        one_of("kind", RefundKind, name="refunds_kind_known"),
        one_of("state", RefundState, name="refunds_state_known"),
        CheckConstraint("state <> 'APPLIED' OR order_id IS NOT NULL", name="refunds_applied_has_order"),
        UniqueConstraint("tenant_id", "external_id", name="refunds_external_id"),
        refers("order_id", "orders", name="refunds_order"),
        Index("refunds_order", "tenant_id", "order_id"),
        Index("refunds_occurred", "tenant_id", "occurred_at", "id"),
        Index("refunds_recorded", "tenant_id", "recorded_at", "id"),
        Index("refunds_waiting", "tenant_id", "order_external_id", postgresql_where=sql("state = 'WAITING'")),
    )

    external_id: str = text()
    order_external_id: str = text()
    order_id: UUID | None = uid(null=True)
    kind: str = text()
    state: str = text()
    reason: str | None = text(null=True)
    occurred_at: datetime = instant()
    recorded_at: datetime = instant()
    settled_at: datetime | None = instant(null=True)
    reject_code: str | None = text(null=True)
    content_hash: bytes = digest()
    request: Any = json()


class RefundLine(TenantEntity, table=True):
    """The part of a refund that takes back (of) one order line. Positive takes back; a discount's is negative."""

    __tablename__ = "refund_lines"
    __table_args__ = (
        one_of("kind", LineKind, name="refund_lines_kind_known"),
        refers("refund_id", "refunds", name="refund_lines_refund"),
        refers("order_id", "orders", name="refund_lines_order"),
        Index("refund_lines_order", "tenant_id", "order_id", "position"),
        Index("refund_lines_refund", "tenant_id", "refund_id"),
        Index("refund_lines_occurred", "tenant_id", "occurred_at"),
        Index("refund_lines_unconverted", "tenant_id", "order_id", postgresql_where=sql("amount_base_minor IS NULL")),
        Index(
            "refund_lines_product",
            "tenant_id",
            "product_id",
            "occurred_at",
            postgresql_where=sql("product_id IS NOT NULL"),
        ),
    )

    refund_id: UUID = uid()
    order_id: UUID = uid()
    position: int = small()
    kind: str = text()
    product_id: UUID | None = uid(null=True)
    quantity: int = whole()
    currency: str = text()
    amount_minor: int = whole()
    amount_base_minor: int | None = whole(null=True)
    occurred_at: datetime = instant()
    recorded_at: datetime = instant()


class Adjustment(TenantEntity, table=True):
    """A credit note whose order cannot be known: uncredited, counted in refunds (positive amounts take back)."""

    __tablename__ = "adjustments"
    __table_args__ = (
        UniqueConstraint("tenant_id", "external_id", name="adjustments_external_id"),
        refers("customer_id", "customers", name="adjustments_customer"),
        Index("adjustments_occurred", "tenant_id", "occurred_at", "id"),
        Index("adjustments_recorded", "tenant_id", "recorded_at", "id"),
        Index("adjustments_unconverted", "tenant_id", "id", postgresql_where=sql("amount_base_minor IS NULL")),
        Index(
            "adjustments_product",
            "tenant_id",
            "product_id",
            "occurred_at",
            postgresql_where=sql("product_id IS NOT NULL"),
        ),
    )

    external_id: str = text()
    occurred_at: datetime = instant()
    recorded_at: datetime = instant()
    product_id: UUID | None = uid(null=True)
    customer_id: UUID | None = uid(null=True)
    country: str | None = text(null=True)
    quantity: int = whole()
    currency: str = text()
    amount_minor: int = whole()
    amount_base_minor: int | None = whole(null=True)
    reason: str | None = text(null=True)
    content_hash: bytes = digest()


class OrderClaim(TenantRow, table=True):
    """A lock on an order's external id: inserted and deleted by the same transaction, so that it is never seen.

    Whoever records an order, or a refund whose order is not known, claims the id first; a second claimant waits until
    the first has committed. So an order and its early refund never miss each other.
    """

    __tablename__ = "order_claims"

    external_id: str = text(key=True)
