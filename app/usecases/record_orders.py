"""Records orders: facts, credits, commissions, ledger, rollups, outbox and audit in one transaction.

Called by the API, imports and seeding. At most batch_items_max orders a call, set-based throughout. Small calls of one
tenant that come at once share the transaction (usecases/together.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any
from uuid import UUID

from app.attribution import service as attribution
from app.attribution.judging import reach_of
from app.commissions import service as commissions
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome, Outcome
from app.db.session import WriteSession
from app.orders.claims import claim, release
from app.orders.inputs import OrderInput
from app.orders.known import KnownOrder
from app.orders.lines import CheckedOrder, checked_order
from app.orders.refunds import refunded_at
from app.runtime import Runtime
from app.usecases.booking import Booked, book, detail_of, prepare
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, conflict, in_order, refused, repeated
from app.usecases.looking_up import Looks
from app.usecases.taking_back import settle_waiting
from app.usecases.together import Call, perform_together

OPERATION = "recordOrders"

NAME = "orders"
"""The list of the call that items' paths begin with."""


async def record_orders(
    runtime: Runtime, ctx: Ctx, orders: Sequence[OrderInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each order, in the order given; `detail` holds its explanation and commissions.

    A known external id with equal content is REPLAYED with the original's id and explanation, with other content
    rejected. Raises BATCH_TOO_LARGE, BAD_USER_INPUT or IDEMPOTENCY_CONFLICT for the call as a whole.
    """
    check_batch(runtime, orders, name=NAME)
    latest = ctx.now + runtime.settings.future_tolerance
    checked, bad = await check_each(
        orders, partial(checked_order, latest=latest), name=NAME, external_id=lambda order: order.external_id
    )
    alone = partial(
        perform,
        runtime,
        ctx,
        operation=OPERATION,
        body=orders,
        idempotency_key=idempotency_key,
        work=partial(_record, runtime, ctx, checked, bad),
    )
    call = Call(
        runtime=runtime,
        ctx=ctx,
        operation=OPERATION,
        body=orders,
        idempotency_key=idempotency_key,
        names=frozenset(order.external_id for order in checked.values()),
        size=len(orders) + sum(len(order.lines) for order in checked.values()),
        given=(checked, bad),
        alone=alone,
    )
    return await perform_together(call, _record_together)


async def _record_together(ctx: Ctx, calls: Sequence[Call], session: WriteSession) -> list[tuple[ItemOutcome, ...]]:
    """The outcomes of each call, its orders recorded as one batch with those of the others."""
    orders: dict[int, CheckedOrder] = {}
    refusals: dict[int, ItemOutcome] = {}
    starts = [0]
    for call in calls:
        checked, bad = call.given
        orders |= {starts[-1] + index: order for index, order in checked.items()}
        refusals |= {starts[-1] + index: _at(outcome, starts[-1] + index) for index, outcome in bad.items()}
        starts.append(starts[-1] + len(checked) + len(bad))
    outcomes = await _record(calls[0].runtime, ctx, orders, refusals, session)
    return [
        tuple(_at(outcome, index) for index, outcome in enumerate(outcomes[start:end]))
        for start, end in pairwise(starts)
    ]


def _at(outcome: ItemOutcome, index: int) -> ItemOutcome:
    """The outcome as that of the item at another place."""
    path = (outcome.path[0], str(index), *outcome.path[2:]) if outcome.path else ()
    return replace(outcome, index=index, path=path)


async def _record(
    runtime: Runtime,
    ctx: Ctx,
    checked: Mapping[int, CheckedOrder],
    bad: Mapping[int, ItemOutcome],
    session: WriteSession,
) -> tuple[ItemOutcome, ...]:
    outcomes = dict(bad)
    ids = {order.external_id for order in checked.values()}
    await claim(ctx, session, ids)
    looks = Looks(checked.values(), reach_of(runtime.settings))
    if ids:
        await looks.ask(ctx, session)
    known = looks.orders.found
    fresh: dict[str, int] = {}
    repeats: list[tuple[int, int]] = []
    for index, order in checked.items():
        if order.external_id in known:
            continue
        first = fresh.setdefault(order.external_id, index)
        if first != index:
            repeats.append((index, first))
    outcomes |= await _replayed(ctx, session, checked, known)

    indexes = list(fresh.values())
    prepared = await prepare(ctx, session, [checked[index] for index in indexes], looks)
    for place, error in prepared.refused.items():
        index = indexes[place]
        outcomes[index] = refused(error, index, name=NAME, external_id=checked[index].external_id)
    booked = await book(runtime, ctx, session, list(prepared.orders.values()), looks)
    for place, result in zip(prepared.orders, booked, strict=True):
        outcomes[indexes[place]] = _outcome(indexes[place], Outcome.RECORDED, result)
    for index, first in repeats:
        outcomes[index] = _repetition(checked, outcomes[first], index, first)

    recorded = {result.order.checked.external_id for result in booked}
    await settle_waiting(ctx, session, recorded & looks.waited_for.found)
    await release(ctx, session, ids)
    return in_order(outcomes, len(outcomes))


def _outcome(index: int, outcome: Outcome, booked: Booked) -> ItemOutcome:
    return ItemOutcome(
        index=index,
        outcome=outcome,
        id=booked.order.id,
        external_id=booked.order.checked.external_id,
        detail=booked.detail,
        row=booked.row,
    )


def _repetition(checked: Mapping[int, CheckedOrder], outcome: ItemOutcome, index: int, first: int) -> ItemOutcome:
    # The same id again in one batch: a replay of the first, or another order under its id.
    order = checked[index]
    if order.content_hash != checked[first].content_hash:
        error = repeated("order", order.external_id)
        return refused(error, index, name=NAME, external_id=order.external_id)
    return _like(outcome, index)


def _like(outcome: ItemOutcome, index: int) -> ItemOutcome:
    if outcome.outcome is Outcome.REJECTED:
        return _at(outcome, index)
    return ItemOutcome(
        index=index, outcome=Outcome.REPLAYED, id=outcome.id, external_id=outcome.external_id, detail=outcome.detail
    )


async def _replayed(
    ctx: Ctx, session: WriteSession, checked: Mapping[int, CheckedOrder], known: Mapping[str, KnownOrder]
) -> dict[int, ItemOutcome]:
    outcomes: dict[int, ItemOutcome] = {}
    same: dict[int, UUID] = {}
    for index, order in checked.items():
        original = known.get(order.external_id)
        if original is None:
            continue
        if original.content_hash == order.content_hash:
            same[index] = original.id
        else:
            error = conflict("order", order.external_id)
            outcomes[index] = refused(error, index, name=NAME, external_id=order.external_id)
    if same:
        # Their first answer may have been lost before the cache was told: tell it again, refunds that waited included.
        session.touch_days({checked[index].occurred_at.date() for index in same})
        session.touch_days({at.date() for at in await refunded_at(ctx, session, same.values())})
        details = await _details(ctx, session, set(same.values()))
        for index, order_id in same.items():
            outcomes[index] = ItemOutcome(
                index=index,
                outcome=Outcome.REPLAYED,
                id=order_id,
                external_id=checked[index].external_id,
                detail=details[order_id],
            )
    return outcomes


async def _details(ctx: Ctx, session: WriteSession, order_ids: set[UUID]) -> dict[UUID, dict[str, Any]]:
    explained = await attribution.explanations(ctx, session, order_ids)
    accrued = await commissions.accruals(ctx, session, order_ids)
    return {order_id: detail_of(explained[order_id], accrued.get(order_id, [])) for order_id in order_ids}
