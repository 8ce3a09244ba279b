"""Takes money back, inside the transaction that asks for it: refund lines → reversals → ledger → rollups → outbox.

A step of record_refunds, record_order_events and cancel_orders, and of record_orders for refunds that came before their
order. Works on locked orders in memory, one refund after the other, and writes set-wise at the end.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app import outbox
from app.analytics.rollups import deltas
from app.analytics.rollups.deltas import Contribution
from app.attribution.service import booked_credits
from app.commissions import service as commissions
from app.commissions.accrue import Refunded, Revenue, added, reversal, reversal_by_line
from app.commissions.earnings import Earnings, load_earnings
from app.commissions.service import NewCommission
from app.core.context import Ctx
from app.core.ids import new_id
from app.core.money import checked_amount
from app.core.pauses import Pauses
from app.core.words import CommissionKind, OrderEventKind, RefundKind
from app.db.session import WriteSession
from app.errors import DomainError
from app.orders import contributions
from app.orders.contributions import BookedShare
from app.orders.inputs import RefundInput
from app.orders.known import OrderState, lock_orders
from app.orders.open_lines import OpenLine, Taken, after, take_amount, take_lines
from app.orders.refunds import RefundLineRow, RefundRow, Settled, insert_refunds, settle, waiting_refunds
from app.orders.service import EventRow, append_events

EVENT: dict[RefundKind, OrderEventKind] = {
    RefundKind.REFUND: OrderEventKind.REFUNDED,
    RefundKind.CANCELLATION: OrderEventKind.CANCELLED,
    RefundKind.CHARGEBACK: OrderEventKind.CHARGEBACK,
}
"""What a refund is in its order's history."""


@dataclass(slots=True)
class Books:
    """Locked orders with their credits and earnings, and what is about to be written. Lives as long as one attempt.

    written: lines entered so far, those of refunds and those of the reversals they cause.
    """

    orders: Mapping[str, OrderState]
    shares: Mapping[UUID, Sequence[BookedShare]]
    earnings: Mapping[UUID, Sequence[Earnings]]
    refunds: list[RefundRow] = field(default_factory=list)
    lines: list[RefundLineRow] = field(default_factory=list)
    commissions: list[NewCommission] = field(default_factory=list)
    contributions: list[Contribution] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    messages: list[outbox.Event] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    days: set[datetime] = field(default_factory=set)
    written: int = 0
    pauses: Pauses = field(default_factory=Pauses)


async def open_books(ctx: Ctx, session: WriteSession, orders: Mapping[str, OrderState]) -> Books:
    """The books of these locked orders."""
    ids = [order.id for order in orders.values() if order.is_read and not order.is_test]
    credits = await booked_credits(ctx, session, ids) if ids else {}
    shares = {
        order_id: [
            BookedShare(credit.credit_id, credit.campaign_id, credit.influencer_id, credit.platform, credit.weight)
            for credit in of_order
        ]
        for order_id, of_order in credits.items()
    }
    earnings = await load_earnings(ctx, session, ids) if ids else {}
    return Books(orders, shares, earnings)


def check_room(books: Books, lines_max: int) -> None:
    """Raise BATCH_TOO_LARGE when the call's refunds have written that many lines: no further one is looked at.

    The one that reaches the limit is still applied, so that every refund fits a call of its own.
    """
    if books.written >= lines_max:
        raise DomainError(
            "BATCH_TOO_LARGE",
            f"What comes before takes back {books.written} lines; a call may take back about {lines_max}. "
            "Send this item in a further call.",
        )


def asked_of(order: OrderState, refund: RefundInput) -> list[Taken]:
    """What the refund takes back of the order. Raises DomainError when it cannot."""
    if refund.currency is not None and refund.currency != order.currency:
        raise DomainError(
            "INVALID_CURRENCY",
            f"The refund is in {refund.currency}, its order in {order.currency}.",
            path=("currency",),
        )
    if refund.amount is not None:
        amount = checked_amount(refund.amount, order.currency, "amount")
        return take_amount(order.lines, amount, order.currency)
    return take_lines(order.lines, refund.lines, order.currency)


async def take_back(
    books: Books,
    order: OrderState,
    taken: Sequence[Taken],
    *,
    refund_id: UUID,
    kind: RefundKind,
    external_id: str,
    occurred_at: datetime,
    in_history: bool = True,
) -> None:
    """Enter a refund into the books: lines, reversals of every credit's commission, contributions, event, message.

    in_history: False when the caller enters the order's event itself.
    """
    order.lines = after(order.lines, taken)
    books.written += len(taken)
    books.lines.extend(RefundLineRow(refund_id, order.id, part, order.currency, occurred_at) for part in taken)
    if in_history:
        books.events.append(EventRow(new_id(), order.id, EVENT[kind], occurred_at))
    books.messages.append(
        outbox.Event(
            "refund.applied",
            refund_id,
            {
                "externalId": external_id,
                "orderExternalId": order.external_id,
                "kind": kind.value,
                "isTest": order.is_test,
            },
        )
    )
    books.days.add(occurred_at)
    shares = books.shares.get(order.id, ())
    books.contributions.extend(contributions.of_refund(occurred_at, taken, shares))
    await reverse(books, order, refund_id=refund_id, occurred_at=occurred_at)


async def reverse(books: Books, order: OrderState, *, refund_id: UUID | None, occurred_at: datetime) -> None:
    """Enter the reversals that bring every credit of the order to what its refunds so far leave it."""
    await books.pauses.take()
    earning = books.earnings.get(order.id)
    if not earning:
        return
    basis = sum(line.amount for line in order.lines if line.is_revenue)
    refunded = [
        Revenue((line.position, line.product_id), line.refunded, None if line.base is None else line.refunded_base)
        for line in order.lines
        if line.refunded and line.is_revenue
    ]
    lines = [
        Refunded((line.position, line.product_id), line.amount, line.refunded)
        for line in order.lines
        if line.is_revenue
    ]
    for earnings in earning:
        if earnings.terms.plan_version_id is None:
            amount = reversal(basis, refunded, earned_so_far=earnings.earned, reversed_so_far=earnings.reversed)
        else:
            amount = reversal_by_line(lines, earned_so_far=earnings.earned, reversed_so_far=earnings.reversed)
        if amount.is_empty:
            continue
        earnings.reversed = added(earnings.reversed, amount)
        books.written += len(amount.shares)
        books.commissions.append(
            NewCommission(
                id=new_id(),
                kind=CommissionKind.REVERSAL,
                terms=earnings.terms,
                order_id=order.id,
                refund_id=refund_id,
                currency=order.currency,
                amount=amount,
                occurred_at=occurred_at,
                takings=earnings.standing.take(amount.amount),
            )
        )
        await books.pauses.take()


def revenue_of(lines: Sequence[OpenLine]) -> list[Revenue]:
    """The revenue lines of the newest version, as commissions see them."""
    return [Revenue((line.position, line.product_id), line.amount, line.base) for line in lines if line.is_revenue]


async def write(ctx: Ctx, session: WriteSession, books: Books) -> None:
    """Write all that was entered, set-wise."""
    await insert_refunds(ctx, session, books.refunds, books.lines)
    await settle(ctx, session, books.settled)
    await append_events(ctx, session, books.events)
    await commissions.post(ctx, session, books.commissions)
    books.contributions.extend(commissions.contribution_of(row) for row in books.commissions)
    await deltas.append(ctx, session, books.contributions)
    await outbox.append(ctx, session, books.messages)
    session.touch_days({at.date() for at in books.days})


async def settle_waiting(ctx: Ctx, session: WriteSession, order_external_ids: Collection[str]) -> None:
    """Apply the refunds that waited for these orders, which this transaction has just recorded, in order of time.

    One that exceeds its order is REJECTED with the reason, visibly; it takes nothing back.
    """
    if not order_external_ids:
        return
    waiting = await waiting_refunds(ctx, session, order_external_ids)
    if not waiting:
        return
    orders = await lock_orders(ctx, session, {item.refund.order_external_id for item in waiting}, is_bounded=False)
    books = await open_books(ctx, session, orders)
    for item in waiting:
        refund = item.refund
        order = orders[refund.order_external_id]
        await books.pauses.take()
        try:
            taken = asked_of(order, refund)
        except DomainError as error:
            books.settled.append(Settled(item.id, order.id, error.code))
            books.messages.append(
                outbox.Event(
                    "refund.rejected",
                    item.id,
                    {
                        "externalId": refund.external_id,
                        "orderExternalId": refund.order_external_id,
                        "code": error.code,
                    },
                )
            )
            continue
        books.settled.append(Settled(item.id, order.id, None))
        await take_back(
            books,
            order,
            taken,
            refund_id=item.id,
            kind=refund.kind,
            external_id=refund.external_id,
            occurred_at=refund.occurred_at,
        )
    await write(ctx, session, books)
