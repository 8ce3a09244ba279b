"""What becomes of an item when something is told of it: its next state, what is posted, what was paid. Pure.

Whatever order reports come in, and however often, an item is paid once in the books, and what is told last is not
believed against what is known better: money that left is recorded even after it was given up for lost.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from app.core.money import divide_half_even
from app.core.payout_words import PayoutItemState, PayoutPaymentKind, PayoutProviderName
from app.core.words import LedgerAccount
from app.ledger import Entry, Posting
from app.payouts.port import KEY_LIFETIMES, Report, Told

RESERVED, SENDING, SENT, UNKNOWN, SUCCEEDED, RETURNING, RETURNED, FAILED, CANCELLED = PayoutItemState

UNDER_WAY = frozenset({RESERVED, SENDING, SENT, UNKNOWN})
"""States in which the balance is reserved, and neither paid nor given back."""

FINAL = frozenset({SUCCEEDED, RETURNED, FAILED, CANCELLED})

ASK_S_MAX = 6 * 3600.0
"""Longest pause between two questions about an item."""


@dataclass(frozen=True, slots=True)
class Item:
    """A row of payout_items with its batch's provider. Amounts in minor units."""

    id: UUID
    batch_id: UUID
    provider: PayoutProviderName
    influencer_id: UUID
    reference: str | None
    holder: str | None
    state: PayoutItemState
    currency: str
    amount: int
    reserved_currency: str
    reserved: int
    rate: Decimal | None
    call_key: str
    provider_id: str | None = None
    provider_batch_id: str | None = None
    failure_code: str | None = None
    failure: str | None = None
    fee_currency: str | None = None
    fee: int | None = None
    returned: int = 0
    attempts: int = 0
    next_at: datetime | None = None
    sent_at: datetime | None = None
    paid_at: datetime | None = None

    @property
    def is_unsent(self) -> bool:
        """Whether its balance is reserved, and no call was made that may have paid it."""
        return self.state is PayoutItemState.RESERVED and self.sent_at is None


@dataclass(frozen=True, slots=True)
class Paid:
    """Money that left, or came back (negative), at a time."""

    kind: PayoutPaymentKind
    amount: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """What a report changes. is_paid: True where its commissions become PAID, False where they are APPROVED again."""

    item: Item
    postings: tuple[Posting, ...] = ()
    paid: Paid | None = None
    is_paid: bool | None = None


def after(item: Item, report: Report, *, now: datetime, ask_s: float) -> Step:
    """The step from an item to what a report of it makes of it."""
    known = replace(
        item,
        provider_id=report.provider_id or item.provider_id,
        provider_batch_id=report.provider_batch_id or item.provider_batch_id,
    )
    if item.state in (SUCCEEDED, RETURNING):
        return _after_success(known, report, now=now, ask_s=ask_s)
    if item.state in (FAILED, CANCELLED) and report.told is Told.SUCCEEDED:
        # It was given up, and had been paid: the balance is reserved anew, and may now be less than nothing.
        again = _success(known, report, now=now)
        return replace(again, postings=(reserve(known), *again.postings))
    if item.state not in UNDER_WAY:
        return Step(replace(item, next_at=None))
    match report.told:
        case Told.SUCCEEDED:
            return _success(known, report, now=now)
        case Told.FAILED:
            return _failure(known, report)
        case Told.RETURNED:
            ended = replace(known, state=RETURNED, returned=item.amount, next_at=None)
            return Step(ended, postings=(release(item),))
        case Told.ACCEPTED:
            return Step(replace(known, state=SENT, next_at=ask_at(item, now, ask_s)))
        case _ if item.state is SENT:
            # It was accepted: a question that failed takes nothing of that back, and it is not sent again.
            return Step(replace(known, next_at=ask_at(item, now, ask_s)))
        case Told.NOT_RECEIVED if not has_key(item, now):
            # Nothing that was sent so long ago is still on its way.
            return _failure(known, replace(report, code="never_received"))
        case Told.NOT_RECEIVED | Told.REPEATABLE if has_key(item, now):
            return Step(replace(known, state=RESERVED, next_at=now))
        case Told.LATER if item.attempts <= 1:
            # The only call there was did nothing: it is as if there had been none.
            pause = timedelta(seconds=ask_s)
            return Step(replace(known, state=RESERVED, attempts=0, sent_at=None, next_at=now + pause))
        case _:
            return Step(replace(known, state=UNKNOWN, failure_code=report.code, next_at=ask_at(item, now, ask_s)))


def has_key(item: Item, now: datetime) -> bool:
    """Whether the provider surely knows the key of the item's first call: for an hour less than it promises."""
    lifetime = KEY_LIFETIMES[item.provider]
    return lifetime is None or item.sent_at is None or now - item.sent_at < lifetime - timedelta(hours=1)


def ask_at(item: Item, now: datetime, ask_s: float) -> datetime | None:
    """When the item is asked about next: after as long as it has been under way. None where nobody can be asked."""
    if item.provider is PayoutProviderName.MANUAL:
        return None
    age_s = 0.0 if item.sent_at is None else (now - item.sent_at).total_seconds()
    return now + timedelta(seconds=min(max(age_s, ask_s), max(ASK_S_MAX, ask_s)))


def _success(item: Item, report: Report, *, now: datetime) -> Step:
    at = now if report.at is None else min(report.at, now)
    paid = replace(
        item,
        state=SUCCEEDED,
        next_at=None,
        paid_at=at,
        failure_code=None,
        failure=None,
        fee=report.fee,
        fee_currency=None if report.fee is None else report.fee_currency,
    )
    postings = [
        _posting(
            item,
            Entry(LedgerAccount.PAYING, item.influencer_id, item.currency, item.amount),
            Entry(LedgerAccount.PAID, item.influencer_id, item.currency, -item.amount),
        )
    ]
    if report.fee and report.fee_currency is not None:
        postings.append(
            _posting(
                item,
                Entry(LedgerAccount.FEES, None, report.fee_currency, report.fee),
                Entry(LedgerAccount.PAID, None, report.fee_currency, -report.fee),
            )
        )
    step = Step(paid, tuple(postings), Paid(PayoutPaymentKind.PAID, item.amount, at), is_paid=True)
    if not report.returned:
        return step
    # One fact a step: what came back at once is told again when it is asked next.
    return replace(step, item=replace(paid, next_at=now))


def _failure(item: Item, report: Report) -> Step:
    ended = replace(item, state=FAILED, next_at=None, failure_code=report.code, failure=report.message)
    return Step(ended, postings=(release(item),))


def _after_success(item: Item, report: Report, *, now: datetime, ask_s: float) -> Step:
    returned = report.returned or 0
    if report.told is Told.RETURNED or (report.told is Told.FAILED and item.state is SUCCEEDED):
        returned = max(returned, item.amount) if report.returned is None else report.returned
    returned = min(returned, item.amount)
    if returned <= item.returned:
        return Step(_still_paid(item, report, now=now, ask_s=ask_s))
    is_whole = returned == item.amount
    ended = replace(
        item,
        returned=returned,
        state=RETURNED if is_whole else item.state,
        next_at=None if is_whole or item.state is SUCCEEDED else ask_at(item, now, ask_s),
        failure_code=report.code,
        failure=report.message,
    )
    at = now if report.told is Told.SUCCEEDED or report.at is None else min(report.at, now)
    back = Paid(PayoutPaymentKind.RETURNED, item.returned - returned, max(at, item.paid_at or at))
    return Step(ended, (_comes_back(item, returned),), back, is_paid=False if is_whole else None)


def _still_paid(item: Item, report: Report, *, now: datetime, ask_s: float) -> Item:
    if item.state is SUCCEEDED:
        return replace(item, next_at=None)
    if report.told is Told.FAILED:
        # The provider does not take it back: it stays paid.
        return replace(item, state=SUCCEEDED, next_at=None, failure_code=report.code, failure=report.message)
    return replace(item, next_at=ask_at(item, now, ask_s))


def reserve(item: Item) -> Posting:
    """The balance is taken for the item."""
    return _posting(item, *_exchanged(item, LedgerAccount.PAYABLE, item.reserved, LedgerAccount.PAYING, item.amount))


def cancel(item: Item, code: str | None = None) -> Step:
    """The step of an item that is unsent, and will not be sent. code: what came up against it."""
    ended = replace(item, state=CANCELLED, next_at=None, failure_code=code)
    return Step(ended, postings=(release(item),))


def release(item: Item) -> Posting:
    """The balance is given back, in the currency and at the rate in which it was taken."""
    return _posting(item, *_given_back(item, LedgerAccount.PAYING, item.amount, item.reserved))


def _comes_back(item: Item, returned: int) -> Posting:
    before = divide_half_even(item.reserved * item.returned, item.amount)
    now = divide_half_even(item.reserved * returned, item.amount)
    return _posting(item, *_given_back(item, LedgerAccount.PAID, returned - item.returned, now - before))


def _exchanged(item: Item, source: LedgerAccount, given: int, target: LedgerAccount, got: int) -> list[Entry]:
    who = item.influencer_id
    if item.rate is None:
        return [Entry(source, who, item.currency, given), Entry(target, who, item.currency, -got)]
    return [
        Entry(source, who, item.reserved_currency, given, item.rate),
        Entry(LedgerAccount.FX, None, item.reserved_currency, -given, item.rate),
        Entry(LedgerAccount.FX, None, item.currency, got),
        Entry(target, who, item.currency, -got),
    ]


def _given_back(item: Item, source: LedgerAccount, amount: int, reserved: int) -> list[Entry]:
    who = item.influencer_id
    if item.rate is None:
        return [Entry(source, who, item.currency, amount), Entry(LedgerAccount.PAYABLE, who, item.currency, -amount)]
    entries = [
        Entry(source, who, item.currency, amount),
        Entry(LedgerAccount.FX, None, item.currency, -amount),
        Entry(LedgerAccount.FX, None, item.reserved_currency, reserved, item.rate),
        Entry(LedgerAccount.PAYABLE, who, item.reserved_currency, -reserved, item.rate),
    ]
    # A part so small that it is nothing in the first currency.
    return [entry for entry in entries if entry.amount_minor]


def _posting(item: Item, *entries: Entry) -> Posting:
    return Posting(cause_kind="payout_item", cause_id=item.id, entries=entries)
