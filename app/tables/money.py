"""Who is credited, what it earned, and the ledger."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy import text as sql

from app.core.words import AttributionCause, CommissionKind, CommissionState, LedgerAccount, Platform, TouchKind
from app.tables.base import TenantEntity, TenantRow, instant, json, number, one_of, refers, small, text, uid, whole


class Credit(TenantEntity, table=True):
    """A touch's share of an order under every model, in 1e-9; per order and model the weights sum to 10**9.

    An order that nobody is credited for has one row without influencer and campaign. Test orders have none. What groups
    and filters need of the order (time, country, currency, customer) stands beside the weights. superseded_at: since
    when the order's next judgement holds instead; infinity as long as this one does. continues_id: the credit of an
    earlier judgement whose commissions are this one's, because the same touch has the same booked weight.
    """

    __tablename__ = "credits"
    __table_args__ = (
        one_of("touch_kind", TouchKind, name="credits_touch_kind_known"),
        one_of("platform", Platform, name="credits_platform_known"),
        refers("order_id", "orders", name="credits_order"),
        Index("credits_order", "tenant_id", "order_id", "position"),
        Index("credits_occurred", "tenant_id", "occurred_at"),
        *(
            Index(
                f"credits_{parent}_orders",
                "tenant_id",
                f"{parent}_id",
                "occurred_at",
                "order_id",
                postgresql_include=["position", "weight_booked", "superseded_at"],
            )
            for parent in ("influencer", "campaign")
        ),
        Index(
            "credits_customer",
            "tenant_id",
            "customer_id",
            "occurred_at",
            postgresql_where=sql("customer_id IS NOT NULL"),
        ),
    )

    order_id: UUID = uid()
    position: int = small()
    influencer_id: UUID | None = uid(null=True)
    campaign_id: UUID | None = uid(null=True)
    link_id: UUID | None = uid(null=True)
    code: str | None = text(null=True)
    platform: str | None = text(null=True)
    channel: str | None = text(null=True)
    touch_kind: str | None = text(null=True)
    touch_id: UUID | None = uid(null=True)
    touched_at: datetime | None = instant(null=True)
    weight_booked: int = small()
    weight_last: int = small()
    weight_first: int = small()
    weight_linear: int = small()
    weight_time_decay: int = small()
    weight_position: int = small()
    occurred_at: datetime = instant()
    country: str | None = text(null=True)
    currency: str = text()
    customer_id: UUID | None = uid(null=True)
    recorded_at: datetime = instant()
    superseded_at: datetime = instant(default="infinity")
    continues_id: UUID | None = uid(null=True)


class Attribution(TenantRow, table=True):
    """Why an order was (not) credited: the model, the rule that decided, and every touch that was looked at.

    As it was judged last: what was before is in attribution_changes. revision: how often it was judged.
    """

    __tablename__ = "attributions"
    __table_args__ = (
        one_of("cause", AttributionCause, name="attributions_cause_known"),
        refers("order_id", "orders", name="attributions_order"),
    )

    order_id: UUID = uid(key=True)
    model: str = text()
    rule: str = text()
    candidates: Any = json()
    judged_at: datetime = instant()
    revision: int = small(default="1")
    cause: str = text(default="BOOKED")


class Commission(TenantEntity, table=True):
    """Money earned, or taken back (REVERSAL, REJECTION: negative). `state` moves on; amounts never change.

    taken_minor: what of a row that was earned such rows took back so far; written by every release that may write here,
    and without a default, so that one that does not know it is refused. Adjustments and bonuses have no credit.
    """

    __tablename__ = "commissions"
    __table_args__ = (
        one_of("kind", CommissionKind, name="commissions_kind_known"),
        one_of("state", CommissionState, name="commissions_state_known"),
        CheckConstraint(
            "(kind IN ('REVERSAL', 'REJECTION')) = (state = 'REVERSED')", name="commissions_reversal_state"
        ),
        refers("order_id", "orders", name="commissions_order"),
        refers("credit_id", "credits", name="commissions_credit"),
        refers("influencer_id", "influencers", name="commissions_influencer"),
        refers("plan_version_id", "commission_plan_versions", name="commissions_plan_version"),
        Index("commissions_order", "tenant_id", "order_id"),
        Index("commissions_occurred", "tenant_id", "occurred_at", "id"),
        Index("commissions_recorded", "tenant_id", "recorded_at", "id"),
        Index("commissions_influencer_occurred", "tenant_id", "influencer_id", "occurred_at"),
        Index("commissions_campaign", "tenant_id", "campaign_id", "occurred_at"),
        Index("commissions_pending", "tenant_id", "occurred_at", "id", postgresql_where=sql("state = 'PENDING'")),
        Index("commissions_unconverted", "tenant_id", "order_id", postgresql_where=sql("amount_base_minor IS NULL")),
    )

    kind: str = text()
    state: str = text()
    order_id: UUID | None = uid(null=True)
    credit_id: UUID | None = uid(null=True)
    refund_id: UUID | None = uid(null=True)
    influencer_id: UUID = uid()
    campaign_id: UUID | None = uid(null=True)
    code: str | None = text(null=True)
    plan_version_id: UUID | None = uid(null=True)
    rate: Decimal | None = number(9, 6, null=True)
    basis_minor: int = whole()
    currency: str = text()
    amount_minor: int = whole()
    amount_base_minor: int | None = whole(null=True)
    taken_minor: int = whole()
    occurred_at: datetime = instant()
    recorded_at: datetime = instant()
    updated_at: datetime = instant()


class CommissionLine(TenantEntity, table=True):
    """The part of a commission that one order line earned; the parts sum to the commission.

    rule: of the commission's plan version, by its key; null without a plan. position: -1 for what no line earned.
    """

    __tablename__ = "commission_lines"
    __table_args__ = (
        refers("commission_id", "commissions", name="commission_lines_commission"),
        Index("commission_lines_commission", "tenant_id", "commission_id"),
        Index(
            "commission_lines_product",
            "tenant_id",
            "product_id",
            "occurred_at",
            postgresql_where=sql("product_id IS NOT NULL"),
        ),
    )

    commission_id: UUID = uid()
    position: int = small()
    product_id: UUID | None = uid(null=True)
    rule: str | None = text(null=True)
    rate: Decimal | None = number(9, 6, null=True)
    amount_minor: int = whole()
    amount_base_minor: int | None = whole(null=True)
    occurred_at: datetime = instant()
    # The default is of the release that had no such column, and may still write beside this one.
    recorded_at: datetime = instant(default="-infinity")


class CommissionEvent(TenantEntity, table=True):
    """A commission's passage from one state to the next. key_id: whose call it was; null where no key is known."""

    __tablename__ = "commission_events"
    __table_args__ = (
        one_of("to_state", CommissionState, name="commission_events_to_known"),
        refers("commission_id", "commissions", name="commission_events_commission"),
        Index("commission_events_commission", "tenant_id", "commission_id", "recorded_at"),
    )

    commission_id: UUID = uid()
    from_state: str | None = text(null=True)
    to_state: str = text()
    reason: str | None = text(null=True)
    recorded_at: datetime = instant()
    key_id: UUID | None = uid(null=True)


class LedgerEntry(TenantEntity, table=True):
    """One line of a posting; the lines of a posting sum to zero per currency. Append-only; balances are derived.

    rate: units of the posting's other currency for one of this line's, where the posting changes currency.
    """

    __tablename__ = "ledger_entries"
    __table_args__ = (
        one_of("account", LedgerAccount, name="ledger_entries_account_known"),
        CheckConstraint("amount_minor <> 0", name="ledger_entries_not_empty"),
        Index("ledger_entries_converted", "tenant_id", "posting_id", postgresql_where=sql("account = 'FX'")),
        Index("ledger_entries_posted", "tenant_id", "posted_at", "id"),
        Index(
            "ledger_entries_influencer_posted",
            "tenant_id",
            "influencer_id",
            "posted_at",
            "id",
            postgresql_where=sql("influencer_id IS NOT NULL"),
        ),
        Index("ledger_entries_cause", "tenant_id", "cause_id"),
    )

    posting_id: UUID = uid()
    account: str = text()
    influencer_id: UUID | None = uid(null=True)
    currency: str = text()
    amount_minor: int = whole()
    cause_kind: str = text()
    cause_id: UUID = uid()
    posted_at: datetime = instant()
    rate: Decimal | None = number(20, 10, null=True)
