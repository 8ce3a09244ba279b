"""Records refunds, by line or by amount; one whose order is not known yet waits for it. One transaction.

Orders are locked in id order, so that two refunds never take back more than there is; ids of unknown orders are
claimed, so that a refund and the recording of its order never miss each other.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import new_id
from app.core.money import from_minor
from app.core.outcomes import ItemOutcome, Outcome
from app.core.words import RefundState
from app.db.session import WriteSession
from app.errors import DomainError
from app.orders.checks import CheckedRefund, checked_refund, refund_to_json
from app.orders.claims import claim, release
from app.orders.inputs import RefundInput
from app.orders.known import check_read, known_orders, lock_orders
from app.orders.open_lines import Taken
from app.orders.refunds import KnownRefund, RefundRow, known_refunds
from app.runtime import Runtime
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, conflict, in_order, refused, repeated
from app.usecases.taking_back import asked_of, check_room, open_books, take_back, write

NAME = "refunds"


async def record_refunds(
    runtime: Runtime, ctx: Ctx, refunds: Sequence[RefundInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each refund, in the order given; `detail` holds its state, order, and what it took back.

    Once refunds have written refund_lines_max lines, those that come after are REJECTED with BATCH_TOO_LARGE. Raises
    BATCH_TOO_LARGE, BAD_USER_INPUT or IDEMPOTENCY_CONFLICT for the call as a whole.
    """
    check_batch(runtime, refunds, name=NAME)
    latest = ctx.now + runtime.settings.future_tolerance
    checked, bad = await check_each(
        refunds, partial(checked_refund, latest=latest), name=NAME, external_id=lambda refund: refund.external_id
    )
    return await perform(
        runtime,
        ctx,
        operation="recordRefunds",
        body=refunds,
        idempotency_key=idempotency_key,
        work=partial(_record, runtime, ctx, checked, bad),
    )


async def _record(
    runtime: Runtime,
    ctx: Ctx,
    checked: Mapping[int, CheckedRefund],
    bad: Mapping[int, ItemOutcome],
    session: WriteSession,
) -> tuple[ItemOutcome, ...]:
    outcomes = dict(bad)
    if not checked:
        return in_order(outcomes, len(outcomes))
    named = {item.refund.order_external_id for item in checked.values()}
    unknown = named - (await known_orders(ctx, session, named)).keys()
    # Claimed before any lock. Whoever is recording one of them commits first, and then it is known.
    await claim(ctx, session, unknown)
    orders = await lock_orders(ctx, session, named)
    known = await known_refunds(ctx, session, [item.refund.external_id for item in checked.values()])
    books = await open_books(ctx, session, orders)
    first: dict[str, int] = {}
    for index, item in checked.items():
        refund = item.refund
        await books.pauses.take()
        try:
            if (original := known.get(refund.external_id)) is not None:
                outcomes[index] = _replayed(index, item, original, session)
                continue
            earlier = first.setdefault(refund.external_id, index)
            if earlier != index:
                outcomes[index] = _repetition(index, item, checked[earlier], outcomes[earlier])
                continue
            order = orders.get(refund.order_external_id)
            refund_id = new_id()
            taken: list[Taken] = []
            if order is not None:
                check_read(order)
                check_room(books, runtime.settings.refund_lines_max)
                taken = asked_of(order, refund)
        except DomainError as error:
            outcomes[index] = refused(error, index, name=NAME, external_id=refund.external_id)
            continue
        books.refunds.append(
            RefundRow(
                id=refund_id,
                external_id=refund.external_id,
                order_external_id=refund.order_external_id,
                order_id=None if order is None else order.id,
                kind=refund.kind,
                reason=refund.reason,
                occurred_at=refund.occurred_at,
                content_hash=item.content_hash,
                request=refund_to_json(refund),
            )
        )
        if order is None:
            detail = _detail(RefundState.WAITING, None, None, None)
        else:
            await take_back(
                books,
                order,
                taken,
                refund_id=refund_id,
                kind=refund.kind,
                external_id=refund.external_id,
                occurred_at=refund.occurred_at,
            )
            detail = _detail(RefundState.APPLIED, order.id, sum(part.amount for part in taken), order.currency)
        outcomes[index] = ItemOutcome(
            index=index, outcome=Outcome.RECORDED, id=refund_id, external_id=refund.external_id, detail=detail
        )
    await write(ctx, session, books)
    await release(ctx, session, unknown)
    return in_order(outcomes, len(outcomes))


def _replayed(index: int, item: CheckedRefund, original: KnownRefund, session: WriteSession) -> ItemOutcome:
    refund = item.refund
    if original.content_hash != item.content_hash:
        raise conflict("refund", refund.external_id)
    # Its first answer may have been lost before the cache was told: tell it again.
    session.touch_days([refund.occurred_at.date()])
    return ItemOutcome(
        index=index,
        outcome=Outcome.REPLAYED,
        id=original.id,
        external_id=refund.external_id,
        detail=_detail(original.state, original.order_id, original.amount, original.currency, original.reject_code),
    )


def _repetition(index: int, item: CheckedRefund, earlier: CheckedRefund, outcome: ItemOutcome) -> ItemOutcome:
    if item.content_hash != earlier.content_hash:
        raise repeated("refund", item.refund.external_id)
    if outcome.code is not None and outcome.message is not None:
        raise DomainError(outcome.code, outcome.message, path=outcome.path[2:])
    return ItemOutcome(
        index=index, outcome=Outcome.REPLAYED, id=outcome.id, external_id=outcome.external_id, detail=outcome.detail
    )


def _detail(
    state: RefundState,
    order_id: UUID | None,
    amount: int | None,
    currency: str | None,
    reject_code: str | None = None,
) -> dict[str, Any]:
    return {
        "state": state.value,
        "orderId": None if order_id is None else str(order_id),
        "amount": None if amount is None or currency is None else format(from_minor(amount, currency), "f"),
        "currency": currency,
        "rejectCode": reject_code,
    }
