"""Converts what came before its rate: facts without an amount in the tenant's currency get one, and post deltas.

Commissions that a plan's rules could not give for want of the rate are rated then, and differences posted.

Run after rates were recorded and by the worker now and then; orders by the hundred, each batch one transaction. It may
stop anywhere and go on later.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from uuid import UUID

from app.analytics.rollups import deltas
from app.analytics.rollups.deltas import Contribution
from app.attribution.service import booked_credits
from app.commissions import late as late_commissions
from app.core.context import Ctx
from app.core.ids import ZERO_ID
from app.core.money import WEIGHT_ONE
from app.core.outcomes import ItemOutcome, Outcome
from app.db.late import LateAmounts
from app.db.session import WriteSession
from app.orders import late
from app.orders.conversion import Rates, key_of, load_rates
from app.orders.late import LATE_ADJUSTMENTS, ROWS_MAX, Converted, LateOrder
from app.payouts.items import LATE_PAYMENTS
from app.runtime import Runtime
from app.spend.service import LATE_SPEND
from app.usecases.door import perform
from app.usecases.rerating import rerate_late

OPERATION = "convertLateFacts"

KEYS_MAX = 5_000
"""Currencies and times of facts that are looked at to see whether any of them has a rate by now."""

FACTS = (LATE_ADJUSTMENTS, LATE_SPEND, LATE_PAYMENTS)
"""Facts beside orders that are converted each by itself. Of them, rollups know adjustments alone."""

Step = Callable[[Ctx, UUID, list[UUID], WriteSession], Awaitable[tuple[ItemOutcome, ...]]]
"""Converts the next facts after an id; puts the ids of those that it looked at into the list."""


async def convert_late(runtime: Runtime, ctx: Ctx) -> int:
    """Number of orders and facts of the tenant that were converted: all that have a rate by now."""
    converted = 0
    after = ZERO_ID
    while True:
        async with runtime.db.read(ctx.tenant_id) as session:
            orders = await late.late_orders(session, after=after)
            rates = await load_rates(ctx, session, {key_of(each.currency, each.occurred_at) for each in orders})
        fit = [each for each in orders if _has_rate(rates, each)]
        if fit:
            await perform(runtime, ctx, operation=OPERATION, body=[], work=partial(_convert_orders, ctx, fit))
            converted += len(fit)
        if len(orders) < ROWS_MAX:
            break
        after = orders[-1].id
    if await _is_any_due(runtime, ctx):
        steps: list[Step] = [_convert_commissions, *(partial(_convert_facts, table) for table in FACTS)]
        for step in steps:
            converted += await _walk(runtime, ctx, step)
    return converted


async def _is_any_due(runtime: Runtime, ctx: Ctx) -> bool:
    async with runtime.db.read(ctx.tenant_id) as session:
        keys = await late.late_keys(session, limit=KEYS_MAX)
        rates = await load_rates(ctx, session, {key_of(*key) for key in keys})
    return len(keys) == KEYS_MAX or any(rates.convert_one(1, *key) is not None for key in keys)


def _has_rate(rates: Rates, order: LateOrder) -> bool:
    return rates.convert_one(1, order.currency, order.occurred_at) is not None


async def _convert_orders(ctx: Ctx, orders: Sequence[LateOrder], session: WriteSession) -> tuple[ItemOutcome, ...]:
    by_id = {order.id: order for order in orders}
    await late.lock(ctx, session, by_id)
    rates = await load_rates(ctx, session, {key_of(each.currency, each.occurred_at) for each in orders})
    lines = await late.convert_lines(ctx, session, rates, by_id)
    refunds = await late.convert_refunds(ctx, session, rates, by_id)
    contributions = await _of_lines(ctx, session, by_id, lines, refunds)
    after = ZERO_ID
    while True:
        rows = await late_commissions.lock_late(ctx, session, order_ids=by_id, after=after, limit=ROWS_MAX)
        contributions += await late_commissions.convert(ctx, session, rows, rates.convert_one)
        if len(rows) < ROWS_MAX:
            break
        after = rows[-1].id
    await deltas.append(ctx, session, contributions)
    # In the same transaction: what could not be rated is never seen as converted and worth nothing.
    await rerate_late(ctx, session, by_id)
    # Also what contributes nothing to rollups has an amount now.
    session.touch_days({each.occurred_at.date() for each in (*lines, *refunds)})
    return _outcomes(by_id)


async def _of_lines(
    ctx: Ctx,
    session: WriteSession,
    orders: Collection[UUID],
    lines: Sequence[Converted],
    refunds: Sequence[Converted],
) -> list[Contribution]:
    shares = await booked_credits(ctx, session, orders)
    contributions: list[Contribution] = []
    for converted, measure in ((lines, "gross_e9"), (refunds, "refunds_e9")):
        by_order: dict[UUID, list[Converted]] = defaultdict(list)
        for each in converted:
            if each.is_revenue:
                by_order[each.order_id].append(each)
        for order_id, of_order in by_order.items():
            for share in shares.get(order_id, ()):
                contributions += [
                    Contribution(
                        occurred_at=each.occurred_at,
                        campaign_id=share.campaign_id,
                        influencer_id=share.influencer_id,
                        platform=share.platform,
                        missing_rates=-1,
                        **{measure: each.base * share.weight},
                    )
                    for each in of_order
                ]
    return contributions


async def _walk(runtime: Runtime, ctx: Ctx, step: Step) -> int:
    converted, after = 0, ZERO_ID
    while True:
        place: list[UUID] = []
        outcomes = await perform(
            runtime,
            ctx,
            operation=OPERATION,
            body=[],
            work=partial(step, ctx, after, place),
        )
        converted += len(outcomes)
        if len(place) < ROWS_MAX:
            return converted
        after = place[-1]


async def _convert_facts(
    table: LateAmounts, ctx: Ctx, after: UUID, place: list[UUID], session: WriteSession
) -> tuple[ItemOutcome, ...]:
    facts = await table.lock(session, after=after, limit=ROWS_MAX)
    place[:] = [fact.id for fact in facts]
    rates = await load_rates(ctx, session, {key_of(fact.currency, fact.occurred_at) for fact in facts})
    found = [
        (fact, base)
        for fact in facts
        if (base := rates.convert_one(fact.amount, fact.currency, fact.occurred_at)) is not None
    ]
    await table.write(session, {fact.id: base for fact, base in found})
    if table is LATE_ADJUSTMENTS:
        contributions = [
            Contribution(fact.occurred_at, refunds_e9=base * WEIGHT_ONE, missing_rates=-1) for fact, base in found
        ]
        await deltas.append(ctx, session, contributions)
    session.touch_days({fact.occurred_at.date() for fact, _ in found})
    return _outcomes([fact.id for fact, _ in found])


async def _convert_commissions(
    ctx: Ctx, after: UUID, place: list[UUID], session: WriteSession
) -> tuple[ItemOutcome, ...]:
    rows = await late_commissions.lock_late(ctx, session, order_ids=None, after=after, limit=ROWS_MAX)
    place[:] = [row.id for row in rows]
    rates = await load_rates(ctx, session, {key_of(row.currency, row.rated_at) for row in rows})
    fit = [row for row in rows if rates.convert_one(1, row.currency, row.rated_at) is not None]
    await deltas.append(ctx, session, await late_commissions.convert(ctx, session, fit, rates.convert_one))
    return _outcomes([row.id for row in fit])


def _outcomes(ids: Collection[UUID]) -> tuple[ItemOutcome, ...]:
    return tuple(ItemOutcome(index=index, outcome=Outcome.RECORDED, id=row_id) for index, row_id in enumerate(ids))
