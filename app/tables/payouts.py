"""Payouts: how influencers are paid, batches of what is due, each influencer's item, and the payments made."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy import text as sql

from app.core.payout_words import (
    PayoutBatchState,
    PayoutItemState,
    PayoutMethodStatus,
    PayoutPaymentKind,
    PayoutProviderName,
    PayoutSchedule,
    TaxState,
)
from app.tables.base import (
    Dated,
    TenantEntity,
    TenantRow,
    flag,
    instant,
    number,
    one_of,
    refers,
    small,
    text,
    uid,
    whole,
)


class PayoutMethod(Dated, TenantEntity, table=True):
    """How an influencer is paid in a currency.

    reference: what the provider knows them by (an account, an e-mail address; an IBAN where the tenant pays itself).
    is_default: takes balances in other currencies too, converted. tax_document: where the tax data lie, never they.
    """

    __tablename__ = "payout_methods"
    __table_args__ = (
        one_of("provider", PayoutProviderName, name="payout_methods_provider_known"),
        one_of("status", PayoutMethodStatus, name="payout_methods_status_known"),
        one_of("tax_state", TaxState, name="payout_methods_tax_state_known"),
        refers("influencer_id", "influencers", name="payout_methods_influencer"),
        UniqueConstraint("tenant_id", "influencer_id", "currency", name="payout_methods_currency"),
        Index("payout_methods_created", "tenant_id", "created_at", "id"),
        Index("payout_methods_reference", "tenant_id", "reference", postgresql_where=sql("reference IS NOT NULL")),
    )

    influencer_id: UUID = uid()
    currency: str = text()
    provider: str = text()
    reference: str | None = text(null=True)
    holder: str | None = text(null=True)
    status: str = text()
    is_default: bool = flag()
    tax_state: str = text()
    tax_document: str | None = text(null=True)


class PayoutPolicy(Dated, TenantEntity, table=True):
    """From which balance on a currency is paid out, and when. next_at: when the schedule makes its next batches."""

    __tablename__ = "payout_policies"
    __table_args__ = (
        one_of("schedule", PayoutSchedule, name="payout_policies_schedule_known"),
        CheckConstraint("threshold_minor >= 0", name="payout_policies_threshold_not_negative"),
        UniqueConstraint("tenant_id", "currency", name="payout_policies_currency"),
        Index("payout_policies_created", "tenant_id", "created_at", "id"),
    )

    currency: str = text()
    threshold_minor: int = whole()
    schedule: str = text()
    day: int | None = small(null=True)
    needs_tax_data: bool = flag()
    next_at: datetime | None = instant(null=True)


class PayoutRequest(TenantRow, table=True):
    """An influencer's wish to be paid what is due below the threshold too; gone when the next batch holds it."""

    __tablename__ = "payout_requests"
    __table_args__ = (refers("influencer_id", "influencers", name="payout_requests_influencer"),)

    influencer_id: UUID = uid(key=True)
    currency: str = text(key=True)
    requested_at: datetime = instant()


class PayoutBatch(TenantEntity, table=True):
    """Payouts that are approved and sent together: of one provider, in one currency.

    made_by, approved_by: the keys; made_by is null where the schedule made it. Sums are of the items not cancelled.
    """

    __tablename__ = "payout_batches"
    __table_args__ = (
        one_of("provider", PayoutProviderName, name="payout_batches_provider_known"),
        one_of("state", PayoutBatchState, name="payout_batches_state_known"),
        CheckConstraint("approved_by IS NULL OR approved_by IS DISTINCT FROM made_by", name="payout_batches_two_keys"),
        Index("payout_batches_created", "tenant_id", "created_at", "id"),
        Index(
            "payout_batches_open",
            "tenant_id",
            "id",
            postgresql_where=sql("state IN ('APPROVED', 'EXECUTING')"),
        ),
    )

    provider: str = text()
    currency: str = text()
    state: str = text()
    note: str | None = text(null=True)
    made_by: UUID | None = uid(null=True)
    approved_by: UUID | None = uid(null=True)
    created_at: datetime = instant()
    approved_at: datetime | None = instant(null=True)
    finished_at: datetime | None = instant(null=True)
    updated_at: datetime = instant()


class PayoutItem(TenantEntity, table=True):
    """One influencer's payout in a batch: the whole balance in a currency, paid in the batch's.

    reserved: the balance taken, in its own currency; amount: what is paid, in the batch's, at `rate`. call_key: the
    idempotency key of the provider's call that pays it, the same whenever it is called. next_at: when the worker looks
    at it again. sent_at: when the first call was about to be made. reference, holder: as the method had them.
    """

    __tablename__ = "payout_items"
    __table_args__ = (
        one_of("state", PayoutItemState, name="payout_items_state_known"),
        CheckConstraint("amount_minor > 0 AND reserved_minor > 0", name="payout_items_pay"),
        CheckConstraint("returned_minor BETWEEN 0 AND amount_minor", name="payout_items_returned_of_amount"),
        CheckConstraint("(rate IS NULL) = (currency = reserved_currency)", name="payout_items_rate_where_converted"),
        refers("batch_id", "payout_batches", name="payout_items_batch"),
        refers("influencer_id", "influencers", name="payout_items_influencer"),
        refers("method_id", "payout_methods", name="payout_items_method"),
        UniqueConstraint("tenant_id", "batch_id", "influencer_id", "reserved_currency", name="payout_items_once"),
        Index("payout_items_created", "tenant_id", "created_at", "id"),
        Index("payout_items_batch_created", "tenant_id", "batch_id", "created_at", "id"),
        Index("payout_items_influencer_created", "tenant_id", "influencer_id", "created_at", "id"),
        Index("payout_items_provider_id", "tenant_id", "provider_id", postgresql_where=sql("provider_id IS NOT NULL")),
        Index("payout_items_next", "tenant_id", "next_at", "id", postgresql_where=sql("next_at IS NOT NULL")),
    )

    batch_id: UUID = uid()
    influencer_id: UUID = uid()
    method_id: UUID = uid()
    reference: str | None = text(null=True)
    holder: str | None = text(null=True)
    state: str = text()
    currency: str = text()
    amount_minor: int = whole()
    reserved_currency: str = text()
    reserved_minor: int = whole()
    rate: Decimal | None = number(20, 10, null=True)
    call_key: str = text()
    provider_id: str | None = text(null=True)
    provider_batch_id: str | None = text(null=True)
    failure_code: str | None = text(null=True)
    failure: str | None = text(null=True)
    fee_currency: str | None = text(null=True)
    fee_minor: int | None = whole(null=True)
    returned_minor: int = whole(default="0")
    attempts: int = small(default="0")
    next_at: datetime | None = instant(null=True)
    sent_at: datetime | None = instant(null=True)
    paid_at: datetime | None = instant(null=True)
    created_at: datetime = instant()
    updated_at: datetime = instant()


class PayoutItemCommission(TenantRow, table=True):
    """A commission that an item pays: PAID with it, APPROVED again when it comes back."""

    __tablename__ = "payout_item_commissions"
    __table_args__ = (
        refers("item_id", "payout_items", name="payout_item_commissions_item"),
        refers("commission_id", "commissions", name="payout_item_commissions_commission"),
        Index("payout_item_commissions_commission", "tenant_id", "commission_id"),
    )

    item_id: UUID = uid(key=True)
    commission_id: UUID = uid(key=True)


class PayoutEvent(TenantEntity, table=True):
    """An item's passage from one state to the next, and what told it: a person, the worker, a provider."""

    __tablename__ = "payout_events"
    __table_args__ = (
        one_of("to_state", PayoutItemState, name="payout_events_to_known"),
        refers("item_id", "payout_items", name="payout_events_item"),
        Index("payout_events_item", "tenant_id", "item_id", "recorded_at", "id"),
    )

    item_id: UUID = uid()
    from_state: str | None = text(null=True)
    to_state: str = text()
    source: str = text()
    reason: str | None = text(null=True)
    recorded_at: datetime = instant()


class PayoutPayment(TenantEntity, table=True):
    """Money that left for an influencer, or came back (negative): what the measure `payouts` counts. Append-only."""

    __tablename__ = "payout_payments"
    __table_args__ = (
        one_of("kind", PayoutPaymentKind, name="payout_payments_kind_known"),
        CheckConstraint("(kind = 'PAID') = (amount_minor > 0)", name="payout_payments_sign"),
        refers("item_id", "payout_items", name="payout_payments_item"),
        refers("influencer_id", "influencers", name="payout_payments_influencer"),
        Index("payout_payments_occurred", "tenant_id", "occurred_at", "id"),
        Index("payout_payments_recorded", "tenant_id", "recorded_at", "id"),
        Index("payout_payments_influencer", "tenant_id", "influencer_id", "occurred_at"),
        Index("payout_payments_item", "tenant_id", "item_id"),
        Index(
            "payout_payments_once",
            "tenant_id",
            "item_id",
            unique=True,
            postgresql_where=sql("kind = 'PAID'"),
        ),
    )

    item_id: UUID = uid()
    kind: str = text()
    influencer_id: UUID = uid()
    currency: str = text()
    amount_minor: int = whole()
    amount_base_minor: int | None = whole(null=True)
    occurred_at: datetime = instant()
    recorded_at: datetime = instant()


class PayoutMessage(TenantRow, table=True):
    """A provider's webhook that was taken, so that its repetition is known. Nothing of its content is kept."""

    __tablename__ = "payout_messages"
    __table_args__ = (
        one_of("provider", PayoutProviderName, name="payout_messages_provider_known"),
        Index("payout_messages_received", "tenant_id", "received_at"),
    )

    provider: str = text(key=True)
    message_id: str = text(key=True)
    kind: str = text()
    received_at: datetime = instant()
