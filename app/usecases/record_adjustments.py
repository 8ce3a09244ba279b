"""Records adjustments, credit notes whose order cannot be known: counted in refunds, credited to nobody."""

from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

from app import outbox
from app.analytics.rollups import deltas
from app.core.context import Ctx
from app.core.ids import new_id
from app.core.outcomes import ItemOutcome, Outcome
from app.customers.ensure import ensure as ensure_customers
from app.db.session import WriteSession
from app.errors import DomainError
from app.orders.adjustments import ADJUSTMENTS, NewAdjustment, insert_adjustments
from app.orders.checks import CheckedAdjustment, checked_adjustment
from app.orders.contributions import of_adjustment
from app.orders.conversion import key_of, load_rates
from app.orders.inputs import AdjustmentInput
from app.products.ensure import ensure as ensure_products
from app.runtime import Runtime
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, in_order, other_content, refused

NAME = "adjustments"


async def record_adjustments(
    runtime: Runtime, ctx: Ctx, adjustments: Sequence[AdjustmentInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each adjustment, in the order given.

    Raises BATCH_TOO_LARGE, BAD_USER_INPUT or IDEMPOTENCY_CONFLICT for the call as a whole.
    """
    check_batch(runtime, adjustments, name=NAME)
    latest = ctx.now + runtime.settings.future_tolerance
    checked, bad = await check_each(
        adjustments, partial(checked_adjustment, latest=latest), name=NAME, external_id=lambda item: item.external_id
    )
    return await perform(
        runtime,
        ctx,
        operation="recordAdjustments",
        body=adjustments,
        idempotency_key=idempotency_key,
        work=partial(_record, ctx, checked, bad),
    )


async def _record(
    ctx: Ctx, checked: Mapping[int, CheckedAdjustment], bad: Mapping[int, ItemOutcome], session: WriteSession
) -> tuple[ItemOutcome, ...]:
    outcomes = dict(bad)
    items = checked.values()
    known = await ADJUSTMENTS.known(ctx, session, [item.external_id for item in items])
    stored = set(known)
    rates = await load_rates(ctx, session, {key_of(item.currency, item.occurred_at) for item in items})
    fresh: dict[int, tuple[CheckedAdjustment, int | None]] = {}
    ids = {index: new_id() for index in checked}
    for index, item in checked.items():
        try:
            original = known.get(item.external_id)
            if original is not None:
                original_id, original_hash = original
                if original_hash != item.content_hash:
                    raise other_content("adjustment", item.external_id, is_stored=item.external_id in stored)
                session.touch_days([item.occurred_at.date()])
                outcomes[index] = ItemOutcome(index, Outcome.REPLAYED, original_id, item.external_id)
                continue
            fresh[index] = item, rates.convert_one(item.amount, item.currency, item.occurred_at)
        except DomainError as error:
            outcomes[index] = refused(error, index, name=NAME, external_id=item.external_id)
            continue
        known[item.external_id] = ids[index], item.content_hash
        outcomes[index] = ItemOutcome(index, Outcome.RECORDED, ids[index], item.external_id)
    if fresh:
        await _insert(ctx, session, {ids[index]: kept for index, kept in fresh.items()})
    return in_order(outcomes, len(outcomes))


async def _insert(ctx: Ctx, session: WriteSession, fresh: Mapping[UUID, tuple[CheckedAdjustment, int | None]]) -> None:
    items = [item for item, _ in fresh.values()]
    customers = await ensure_customers(
        ctx, session, {item.customer: item.country for item in items if item.customer is not None}
    )
    products = await ensure_products(ctx, session, {item.sku: item.title for item in items if item.sku is not None})
    await insert_adjustments(
        ctx,
        session,
        [
            NewAdjustment(
                id=adjustment_id,
                checked=item,
                product_id=None if item.sku is None else products[item.sku],
                customer_id=None if item.customer is None else customers[item.customer],
                base=base,
            )
            for adjustment_id, (item, base) in fresh.items()
        ],
    )
    await deltas.append(ctx, session, [of_adjustment(item.occurred_at, base) for item, base in fresh.values()])
    session.touch_days({item.occurred_at.date() for item in items})
    await outbox.append(
        ctx,
        session,
        [
            outbox.Event(
                "adjustment.recorded",
                adjustment_id,
                {"externalId": item.external_id, "amountMinor": item.amount, "currency": item.currency},
            )
            for adjustment_id, (item, _) in fresh.items()
        ],
    )
