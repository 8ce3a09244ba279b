"""Records what happened to orders: PAID, FULFILLED, CANCELLED, CHARGEBACK. One transaction.

The last two take back all that is open, dated at the event; what was refunded before stays refunded.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from app import outbox
from app.core.context import Ctx
from app.core.hashing import content_hash
from app.core.ids import new_id
from app.core.money import from_minor
from app.core.outcomes import ItemOutcome, Outcome
from app.core.words import RefundKind
from app.db.session import WriteSession
from app.errors import DomainError
from app.orders.checks import TAKING_BACK, CheckedEvent, checked_event
from app.orders.inputs import OrderEventInput
from app.orders.known import OrderState, lock_orders, order_named
from app.orders.open_lines import Taken, take_rest
from app.orders.refunds import RefundRow, known_refunds
from app.orders.service import EventRow, known_events
from app.runtime import Runtime
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, in_order, other_content, refused
from app.usecases.taking_back import Books, check_room, open_books, take_back, write


async def record_order_events(
    runtime: Runtime, ctx: Ctx, events: Sequence[OrderEventInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each event, in the order given; `detail` holds its kind, order, and what it took back.

    The same event again (its id, or kind and time) is REPLAYED, with another reason refused. Once events have taken
    back refund_lines_max lines, others that would are REJECTED with BATCH_TOO_LARGE. Raises BATCH_TOO_LARGE,
    BAD_USER_INPUT or IDEMPOTENCY_CONFLICT for the call as a whole.
    """
    return await enter_events(
        runtime,
        ctx,
        events,
        operation="recordOrderEvents",
        name="events",
        body=events,
        idempotency_key=idempotency_key,
    )


async def enter_events(
    runtime: Runtime,
    ctx: Ctx,
    events: Sequence[OrderEventInput | Unread],
    *,
    operation: str,
    name: str,
    body: Any,
    idempotency_key: str | None,
) -> tuple[ItemOutcome, ...]:
    """What became of each event, under the name the caller gives the operation and its list."""
    check_batch(runtime, events, name=name)
    latest = ctx.now + runtime.settings.future_tolerance
    checked, bad = await check_each(
        events, partial(checked_event, latest=latest), name=name, external_id=lambda event: event.external_id
    )
    return await perform(
        runtime,
        ctx,
        operation=operation,
        body=body,
        idempotency_key=idempotency_key,
        work=partial(_enter, runtime, ctx, name, checked, bad),
    )


async def _enter(
    runtime: Runtime,
    ctx: Ctx,
    name: str,
    checked: Mapping[int, CheckedEvent],
    bad: Mapping[int, ItemOutcome],
    session: WriteSession,
) -> tuple[ItemOutcome, ...]:
    outcomes = dict(bad)
    orders = await lock_orders(ctx, session, {event.order_external_id for event in checked.values()})
    known = dict(await known_events(ctx, session, [order.id for order in orders.values()]))
    stored = set(known)
    amounts = await _amounts(ctx, session, checked, orders, known)
    books = await open_books(ctx, session, orders)
    for index, event in checked.items():
        await books.pauses.take()
        try:
            order = order_named(orders, event.order_external_id)
            key = order.id, event.external_id
            original = known.get(key)
            if original is not None:
                told = event.kind, event.occurred_at, event.reason
                if (original.kind, original.occurred_at, original.reason) != told:
                    raise other_content("event", event.external_id, is_stored=key in stored)
                session.touch_days([event.occurred_at.date()])
                outcomes[index] = _outcome(index, Outcome.REPLAYED, original, order, amounts[key])
                continue
            row = EventRow(new_id(), order.id, event.kind, event.occurred_at, event.external_id, event.reason)
            taken = await _take(books, order, event, row, lines_max=runtime.settings.refund_lines_max)
        except DomainError as error:
            outcomes[index] = refused(error, index, name=name, external_id=event.external_id)
            continue
        known[key] = row
        amounts[key] = sum(part.amount for part in taken)
        books.events.append(row)
        outcomes[index] = _outcome(index, Outcome.RECORDED, row, order, amounts[key])
    await write(ctx, session, books)
    return in_order(outcomes, len(outcomes))


async def _take(books: Books, order: OrderState, event: CheckedEvent, row: EventRow, *, lines_max: int) -> list[Taken]:
    kind = TAKING_BACK.get(event.kind)
    if kind is None:
        books.messages.append(
            outbox.Event(
                "order.event",
                order.id,
                {"externalId": order.external_id, "kind": event.kind.value, "isTest": order.is_test},
            )
        )
        return []
    check_room(books, lines_max)
    taken = take_rest(order.lines)
    if not taken:
        return []
    refund_id = new_id()
    external_id = _refund_id(kind, row)
    books.refunds.append(
        RefundRow(
            id=refund_id,
            external_id=external_id,
            order_external_id=order.external_id,
            order_id=order.id,
            kind=kind,
            reason=event.reason,
            occurred_at=event.occurred_at,
            content_hash=content_hash(external_id),
            request={"eventId": str(row.id)},
        )
    )
    await take_back(
        books,
        order,
        taken,
        refund_id=refund_id,
        kind=kind,
        external_id=external_id,
        occurred_at=event.occurred_at,
        in_history=False,
    )
    return taken


def _refund_id(kind: RefundKind, row: EventRow) -> str:
    # No store's own refund id can be this one: it holds the event's.
    return f"{kind.value.lower()}:{row.id}"


async def _amounts(
    ctx: Ctx,
    session: WriteSession,
    checked: Mapping[int, CheckedEvent],
    orders: Mapping[str, OrderState],
    known: Mapping[tuple[UUID, str], EventRow],
) -> dict[tuple[UUID, str], int]:
    # What the events that are only repeated took back when they were recorded.
    replayed = {
        (order.id, event.external_id): known[order.id, event.external_id]
        for event in checked.values()
        if (order := orders.get(event.order_external_id)) is not None and (order.id, event.external_id) in known
    }
    asked = {
        _refund_id(kind, row): key for key, row in replayed.items() if (kind := TAKING_BACK.get(row.kind)) is not None
    }
    refunds = await known_refunds(ctx, session, asked) if asked else {}
    amounts = dict.fromkeys(replayed, 0)
    amounts.update({asked[external_id]: refund.amount or 0 for external_id, refund in refunds.items()})
    return amounts


def _outcome(index: int, outcome: Outcome, row: EventRow, order: OrderState, amount: int) -> ItemOutcome:
    detail: dict[str, Any] = {
        "kind": row.kind.value,
        "orderId": str(order.id),
        "amount": format(from_minor(amount, order.currency), "f"),
        "currency": order.currency,
    }
    return ItemOutcome(index=index, outcome=outcome, id=row.id, external_id=row.external_id, detail=detail)
