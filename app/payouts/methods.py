"""Payout methods and policies: what they may be, and how they are written. Rules are pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from app.core import timegrain
from app.core.context import Ctx
from app.core.ids import new_id
from app.core.money import checked_amount, checked_currency
from app.core.payout_words import PayoutMethodStatus, PayoutProviderName, PayoutSchedule, TaxState
from app.core.texts import checked_optional
from app.core.unset import UNSET, given
from app.db.entities import EntityKind
from app.db.rows import RowTable
from app.errors import DomainError
from app.payouts.inputs import PayoutMethodInput, PayoutPolicyInput
from app.tables import PayoutMethod, PayoutPolicy

REFERENCE_LENGTH_MAX = 200
HOLDER_LENGTH_MAX = 140
TAX_DOCUMENT_LENGTH_MAX = 200
DAY_MAX = 28
"""Latest day of a month that a schedule can name: every month has it."""


@dataclass(frozen=True, slots=True)
class MethodRow:
    """How an influencer is paid in a currency."""

    id: UUID
    influencer_id: UUID
    currency: str
    provider: PayoutProviderName
    reference: str | None
    holder: str | None
    status: PayoutMethodStatus
    is_default: bool
    tax_state: TaxState
    tax_document: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """From which balance on a currency is paid out, and when."""

    id: UUID
    currency: str
    threshold_minor: int
    schedule: PayoutSchedule
    day: int | None
    needs_tax_data: bool
    next_at: datetime | None
    created_at: datetime
    updated_at: datetime


def checked_method(item: PayoutMethodInput) -> PayoutMethodInput:
    """The item, if its method can be looked up. Raises DomainError."""
    checked_currency(item.currency)
    return item


def drafted_method(ctx: Ctx, item: PayoutMethodInput) -> MethodRow:
    """A new method of which nothing is said yet."""
    return MethodRow(
        id=new_id(),
        influencer_id=item.influencer_id,
        currency=item.currency,
        provider=PayoutProviderName.MANUAL,
        reference=None,
        holder=None,
        status=PayoutMethodStatus.ACTIVE,
        is_default=False,
        tax_state=TaxState.MISSING,
        tax_document=None,
        created_at=ctx.now,
        updated_at=ctx.now,
    )


def changed_method(ctx: Ctx, row: MethodRow, item: PayoutMethodInput) -> MethodRow:
    """The method after the change. Raises DomainError."""
    required = ("provider", "status", "is_default", "tax_state")
    after = replace(row, **given(item, "influencer_id", "currency", required=required), updated_at=ctx.now)
    checked_optional(after.reference, "reference", length_max=REFERENCE_LENGTH_MAX)
    checked_optional(after.holder, "holder", length_max=HOLDER_LENGTH_MAX)
    checked_optional(after.tax_document, "taxDocument", length_max=TAX_DOCUMENT_LENGTH_MAX)
    if after.reference is not None:
        _check_reference(after.provider, after.reference)
    if after.provider is not row.provider and item.reference is UNSET and after.reference is not None:
        raise DomainError(
            "BAD_USER_INPUT", "Another provider knows the influencer by another `reference`.", path=("reference",)
        )
    return after


def _check_reference(provider: PayoutProviderName, reference: str) -> None:
    # The value stays out of the messages: it may be personal data.
    if reference != reference.strip() or not reference.isprintable():
        raise DomainError("BAD_USER_INPUT", "`reference` has blanks around it or controls in it.", path=("reference",))
    if provider is PayoutProviderName.STRIPE and not reference.startswith("acct_"):
        raise DomainError(
            "BAD_USER_INPUT", "`reference` must be the connected account's id, acct_….", path=("reference",)
        )


def drafted_policy(ctx: Ctx, item: PayoutPolicyInput) -> PolicyRow:
    """A new policy: whatever is due is paid out, by hand."""
    return PolicyRow(
        id=new_id(),
        currency=item.currency,
        threshold_minor=0,
        schedule=PayoutSchedule.BY_HAND,
        day=None,
        needs_tax_data=False,
        next_at=None,
        created_at=ctx.now,
        updated_at=ctx.now,
    )


def checked_policy(item: PayoutPolicyInput) -> PayoutPolicyInput:
    """The item, if its policy can be looked up. Raises DomainError."""
    checked_currency(item.currency)
    return item


def changed_policy(ctx: Ctx, row: PolicyRow, item: PayoutPolicyInput) -> PolicyRow:
    """The policy after the change, with its next time. Raises DomainError."""
    required = ("threshold", "schedule", "needs_tax_data")
    values = given(item, "currency", required=required)
    if "threshold" in values:
        threshold = checked_amount(Decimal(values.pop("threshold")), row.currency, "threshold")
        if threshold < 0:
            raise DomainError("INVALID_AMOUNT", "`threshold` must not be negative.", path=("threshold",))
        values["threshold_minor"] = threshold
    after = replace(row, **values, updated_at=ctx.now)
    day = _checked_day(after)
    if (after.schedule, day) != (row.schedule, row.day):
        after = replace(after, day=day)
        after = replace(after, next_at=next_time(after, ctx.tenant.reporting_zone, after=ctx.now))
    return after


def _checked_day(row: PolicyRow) -> int | None:
    last = {PayoutSchedule.WEEKLY: 7, PayoutSchedule.MONTHLY: DAY_MAX}.get(row.schedule)
    if last is None:
        return None
    day = 1 if row.day is None else row.day
    if not 1 <= day <= last:
        raise DomainError(
            "BAD_USER_INPUT", f"`day` of a {row.schedule.value} schedule must be 1 to {last}.", path=("day",)
        )
    return day


def next_time(row: PolicyRow, zone: str, *, after: datetime) -> datetime | None:
    """The schedule's first time after an instant: the first moment of a day in the zone. None by hand."""
    if row.schedule is PayoutSchedule.BY_HAND:
        return None
    day = timegrain.local_date(after, zone) + timedelta(days=1)
    while not _is_on(row, day.isoweekday(), day.day):
        day += timedelta(days=1)
    return timegrain.first_instant(day, zone)


def _is_on(row: PolicyRow, weekday: int, day: int) -> bool:
    match row.schedule:
        case PayoutSchedule.WEEKLY:
            return weekday == row.day
        case PayoutSchedule.MONTHLY:
            return day == row.day
        case _:
            return True


METHOD_KIND = EntityKind(
    noun="payout_method",
    plural="payoutMethods",
    table=RowTable(
        PayoutMethod,
        MethodRow,
        key=("influencer_id", "currency"),
        changeable=("provider", "reference", "holder", "status", "is_default", "tax_state", "tax_document"),
    ),
)

POLICY_KIND = EntityKind(
    noun="payout_policy",
    plural="payoutPolicies",
    table=RowTable(
        PayoutPolicy,
        PolicyRow,
        key=("currency",),
        changeable=("threshold_minor", "schedule", "day", "needs_tax_data", "next_at"),
    ),
    has_topic=False,
)
