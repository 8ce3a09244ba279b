"""Records spend: what campaigns cost beside commissions."""

from collections.abc import Mapping, Sequence
from functools import partial

from app import outbox
from app.core.context import Ctx
from app.core.ids import new_id
from app.core.outcomes import ItemOutcome, Outcome
from app.db.session import WriteSession
from app.errors import DomainError
from app.orders.conversion import key_of, load_rates
from app.runtime import Runtime
from app.spend.inputs import SpendInput
from app.spend.service import SPEND, CheckedSpend, NewSpend, checked_spend, insert_spend
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, in_order, other_content, refused
from app.usecases.references import check_references

NAME = "spend"


async def record_spend(
    runtime: Runtime, ctx: Ctx, spend: Sequence[SpendInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each item, in the order given.

    Raises BATCH_TOO_LARGE, BAD_USER_INPUT or IDEMPOTENCY_CONFLICT for the call as a whole.
    """
    check_batch(runtime, spend, name=NAME)
    latest = ctx.now + runtime.settings.future_tolerance
    checked, bad = await check_each(
        spend, partial(checked_spend, latest=latest), name=NAME, external_id=lambda item: item.external_id
    )
    return await perform(
        runtime,
        ctx,
        operation="recordSpend",
        body=spend,
        idempotency_key=idempotency_key,
        work=partial(_record, ctx, checked, bad),
    )


async def _record(
    ctx: Ctx, checked: Mapping[int, CheckedSpend], bad: Mapping[int, ItemOutcome], session: WriteSession
) -> tuple[ItemOutcome, ...]:
    outcomes = dict(bad)
    items = checked.values()
    refusals = await check_references(ctx, session, checked)
    known = await SPEND.known(ctx, session, [item.external_id for item in items])
    stored = set(known)
    rates = await load_rates(ctx, session, {key_of(item.currency, item.occurred_at) for item in items})
    fresh: list[NewSpend] = []
    for index, item in checked.items():
        try:
            if index in refusals:
                raise refusals[index]
            original = known.get(item.external_id)
            if original is not None:
                original_id, original_hash = original
                if original_hash != item.content_hash:
                    raise other_content("spend", item.external_id, is_stored=item.external_id in stored)
                # The first call may have died between its commit and its note: note again.
                session.touch_days([item.occurred_at.date()])
                outcomes[index] = ItemOutcome(index, Outcome.REPLAYED, original_id, item.external_id)
                continue
            row = NewSpend(new_id(), item, rates.convert_one(item.amount, item.currency, item.occurred_at))
        except DomainError as error:
            outcomes[index] = refused(error, index, name=NAME, external_id=item.external_id)
            continue
        fresh.append(row)
        known[item.external_id] = row.id, item.content_hash
        outcomes[index] = ItemOutcome(index, Outcome.RECORDED, row.id, item.external_id)
    await insert_spend(ctx, session, fresh)
    session.touch_days({row.checked.occurred_at.date() for row in fresh})
    await outbox.append(ctx, session, [_event(row) for row in fresh])
    return in_order(outcomes, len(outcomes))


def _event(row: NewSpend) -> outbox.Event:
    item = row.checked
    return outbox.Event(
        "spend.recorded",
        row.id,
        {
            "externalId": item.external_id,
            "campaignId": str(item.campaign_id),
            "amountMinor": item.amount,
            "currency": item.currency,
        },
    )
