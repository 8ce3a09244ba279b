"""Balances of the ledger, terms of approval, corrections of commissions by hand, and a tenant's own exchange rates."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, Index
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from app.core.words import AdjustmentState, Approval, Clawback, EarnedWhen, LedgerAccount
from app.tables.base import TenantEntity, TenantRow, instant, number, one_of, refers, small, text, uid, whole


class Moved(SQLModel):
    """What postings moved on an account, in a month of UTC. A zero UUID stands for accounts of the tenant's own.

    entries: how many ledger entries that is.
    """

    influencer_id: UUID = uid()
    account: str = text()
    currency: str = text()
    month: date = Field(sa_type=Date, nullable=False)
    amount_minor: int = whole()
    entries: int = whole()


class LedgerBalance(TenantRow, table=True):
    """What the entries of one account sum to, by month of UTC: the rollup of ledger_entries."""

    __tablename__ = "ledger_balances"
    __table_args__ = (
        one_of("account", LedgerAccount, name="ledger_balances_account_known"),
        Index("ledger_balances_account", "tenant_id", "account", "currency", "influencer_id"),
    )

    influencer_id: UUID = uid(key=True)
    account: str = text(key=True)
    currency: str = text(key=True)
    month: date = Field(sa_type=Date, primary_key=True)
    amount_minor: int = whole()
    entries: int = whole()


class LedgerDelta(Moved, TenantEntity, table=True):
    """What one write's entries add to ledger_balances: in them or here, never in both, never in neither."""

    __tablename__ = "ledger_deltas"
    __table_args__ = (
        one_of("account", LedgerAccount, name="ledger_deltas_account_known"),
        Index("ledger_deltas_influencer", "tenant_id", "influencer_id"),
    )


class MoneyTerms(TenantRow, table=True):
    """A tenant's terms of money. Without a row: those of `app/commissions/terms.DEFAULT`.

    hold_days: days between an order's payment (or what else earned_when says) and the approval of what it earned.
    adjustment_limit_minor: in the tenant's currency; a correction above it needs a second key. None: every one does.
    """

    __tablename__ = "money_terms"
    __table_args__ = (
        one_of("approval", Approval, name="money_terms_approval_known"),
        one_of("earned_when", EarnedWhen, name="money_terms_earned_when_known"),
        one_of("clawback", Clawback, name="money_terms_clawback_known"),
        CheckConstraint("hold_days BETWEEN 0 AND 730", name="money_terms_hold_days_bounded"),
        CheckConstraint("adjustment_limit_minor >= 0", name="money_terms_limit_not_negative"),
    )

    approval: str = text()
    earned_when: str = text()
    hold_days: int = small()
    clawback: str = text()
    adjustment_limit_minor: int | None = whole(null=True)
    updated_at: datetime = instant()


class ApprovalTerms(TenantRow, table=True):
    """A campaign's own terms of approval; what is null is the tenant's."""

    __tablename__ = "approval_terms"
    __table_args__ = (
        one_of("approval", Approval, name="approval_terms_approval_known"),
        one_of("earned_when", EarnedWhen, name="approval_terms_earned_when_known"),
        CheckConstraint("hold_days BETWEEN 0 AND 730", name="approval_terms_hold_days_bounded"),
        refers("campaign_id", "campaigns", name="approval_terms_campaign"),
    )

    campaign_id: UUID = uid(key=True)
    approval: str | None = text(null=True)
    earned_when: str | None = text(null=True)
    hold_days: int | None = small(null=True)
    updated_at: datetime = instant()


class CommissionAdjustment(TenantEntity, table=True):
    """A correction of what an influencer earned, by hand. Above the limit it is PROPOSED until another key decides.

    commission_id: the row that it became when it was posted.
    """

    __tablename__ = "commission_adjustments"
    __table_args__ = (
        one_of("state", AdjustmentState, name="commission_adjustments_state_known"),
        CheckConstraint("amount_minor <> 0", name="commission_adjustments_not_empty"),
        CheckConstraint(
            "(state = 'POSTED') = (commission_id IS NOT NULL)", name="commission_adjustments_posted_has_row"
        ),
        refers("influencer_id", "influencers", name="commission_adjustments_influencer"),
        refers("campaign_id", "campaigns", name="commission_adjustments_campaign"),
        refers("order_id", "orders", name="commission_adjustments_order"),
        refers("commission_id", "commissions", name="commission_adjustments_row"),
        Index("commission_adjustments_external", "tenant_id", "external_id", unique=True),
        Index("commission_adjustments_created", "tenant_id", "created_at", "id"),
        Index("commission_adjustments_influencer", "tenant_id", "influencer_id", "created_at"),
    )

    external_id: str = text()
    influencer_id: UUID = uid()
    campaign_id: UUID | None = uid(null=True)
    order_id: UUID | None = uid(null=True)
    currency: str = text()
    amount_minor: int = whole()
    reason: str = text()
    occurred_at: datetime = instant()
    state: str = text()
    proposed_by: UUID = uid()
    decided_by: UUID | None = uid(null=True)
    decided_at: datetime | None = instant(null=True)
    decision_reason: str | None = text(null=True)
    commission_id: UUID | None = uid(null=True)
    created_at: datetime = instant()


class OwnRate(TenantEntity, table=True):
    """A tenant's own exchange rate: units of `quote` for one unit of `base`, on a day. The newest row of a day counts.

    It comes before a rate of exchange_rates of the same day.
    """

    __tablename__ = "own_rates"
    __table_args__ = (
        CheckConstraint("rate > 0", name="own_rates_positive"),
        Index("own_rates_pair", "tenant_id", "base", "quote", "day", sql("id DESC")),
        Index("own_rates_recorded", "tenant_id", "recorded_at", "id"),
    )

    base: str = text()
    quote: str = text()
    day: date = Field(sa_type=Date, nullable=False)
    rate: Decimal = number(20, 10)
    source: str = text()
    recorded_at: datetime = instant()
