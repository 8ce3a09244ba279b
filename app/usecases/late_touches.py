"""Judges orders once more whose touch was told later than they were. An order that nobody is credited for waits for it;
the first touch to come that counts ends the waiting. So it happens exactly once, whoever comes at the same time: orders
are locked, and an order that waits no longer is left alone.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from app.attribution.awaited import Mark, due, forget_waiting, look_again, still_waiting, take_up, waiting_for
from app.core.context import Ctx, TenantInfo, nobody
from app.core.words import AttributionCause, InstanceKind
from app.db.session import WriteSession
from app.runtime import Runtime
from app.tracking.instances import InstanceRow
from app.usecases.rejudging import Rejudged, rejudge
from app.usecases.unattended import unattended

ORDERS_MAX = 200
"""Orders judged in one transaction for touches that came late; what is above waits for the worker."""

FORGOTTEN_MAX = 10_000

TOUCHES = frozenset({InstanceKind.CLICK, InstanceKind.VIEW, InstanceKind.CODE})


async def judge_late(runtime: Runtime, ctx: Ctx, session: WriteSession, rows: Sequence[InstanceRow]) -> list[Rejudged]:
    """The orders that waited for these instances, which were just inserted, and are credited now."""
    marks = marks_of(rows)
    lookback = timedelta(days=runtime.settings.touch_lookback_days)
    waiting = await waiting_for(ctx, session, marks, lookback=lookback, count=ORDERS_MAX + 1)
    judged = await _judge(runtime, ctx, session, waiting[:ORDERS_MAX], still_waiting)
    if len(waiting) > ORDERS_MAX:
        await look_again(ctx, session, marks, lookback=lookback, look_at=ctx.now)
    return judged


def marks_of(rows: Iterable[InstanceRow]) -> list[Mark]:
    """What orders may know the instances by: those of touches, and of what tells whose a visitor's touches are."""
    found: dict[tuple[str | None, str | None, UUID | None], Mark] = {}
    for row in rows:
        # Nobody's touch never counts; whatever names both visitor and customer may join others' that do.
        is_touch = row.kind in TOUCHES and row.influencer_id is not None
        if not is_touch and (row.visitor_id is None or row.customer_id is None):
            continue
        key = row.visitor_id, row.click_id, row.customer_id
        if key == (None, None, None):
            continue
        known = found.get(key)
        first, last = (
            (row.occurred_at, row.occurred_at)
            if known is None
            else (min(known.first_at, row.occurred_at), max(known.last_at, row.occurred_at))
        )
        found[key] = Mark(*key, first_at=first, last_at=last)
    return list(found.values())


async def look_for_touches(runtime: Runtime, tenant: TenantInfo) -> int:
    """Number of orders judged once more of those whose touches may have been recorded at the very same time."""
    ctx = nobody(tenant, runtime.clock.now())

    async def look(session: WriteSession) -> tuple[int, int]:
        asked = await due(ctx, session, count=ORDERS_MAX)

        async def taken_up(ctx: Ctx, session: WriteSession, _: Collection[UUID]) -> set[UUID]:
            # All that were asked for: those that cannot be judged are not due for ever.
            return await take_up(ctx, session, asked)

        judged = await _judge(runtime, ctx, session, asked, taken_up)
        return len(asked), len(judged)

    total, asked = 0, ORDERS_MAX
    while asked == ORDERS_MAX:
        asked, judged = await unattended(runtime, ctx, look)
        total += judged
    return total


async def forget_awaited(runtime: Runtime, tenant: TenantInfo) -> None:
    """End the waiting of orders that were recorded longer ago than they may wait."""
    ctx = nobody(tenant, runtime.clock.now())
    before = ctx.now - timedelta(days=runtime.settings.late_touch_days)
    forgotten = FORGOTTEN_MAX
    while forgotten == FORGOTTEN_MAX:
        forgotten = await unattended(runtime, ctx, partial(forget_waiting, before=before, count=FORGOTTEN_MAX))


async def _judge(
    runtime: Runtime,
    ctx: Ctx,
    session: WriteSession,
    order_ids: Collection[UUID],
    still: Callable[[Ctx, WriteSession, Collection[UUID]], Awaitable[set[UUID]]],
) -> list[Rejudged]:
    if not order_ids:
        return []
    return await rejudge(
        runtime, ctx, session, order_ids, cause=AttributionCause.LATE_TOUCH, still=partial(still, ctx, session)
    )
