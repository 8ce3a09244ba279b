"""Books what is known of payouts: states, postings, payments, the commissions paid. The one place that does."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from app import ledger, outbox
from app.commissions import states
from app.commissions.states import Move
from app.core.context import Ctx
from app.core.money import from_minor
from app.core.payout_words import PayoutBatchState, PayoutItemState
from app.core.words import CommissionState
from app.db.session import WriteSession
from app.orders.conversion import key_of, load_rates
from app.payouts.batches import lock_batches, state_of, states_of, update_batches
from app.payouts.items import (
    Event,
    append_events,
    append_payments,
    commissions_of,
    lock_items,
    paid_by_items,
    update_items,
)
from app.payouts.machine import Item, Paid, Step, after
from app.payouts.port import Report, Told
from app.runtime import Runtime

TOLD = {
    PayoutItemState.SUCCEEDED: "payout_item.succeeded",
    PayoutItemState.FAILED: "payout_item.failed",
    PayoutItemState.RETURNED: "payout_item.returned",
}
"""States that go to the outbox, and their topics."""


PROVING = frozenset({Told.ACCEPTED, Told.SUCCEEDED, Told.RETURNED})
"""What is true whoever hears it, and however late. The rest is told of one call, and says nothing of a later one."""


async def settle(
    runtime: Runtime,
    ctx: Ctx,
    session: WriteSession,
    reports: Mapping[UUID, Report],
    *,
    source: str,
    taken: Mapping[UUID, Item] | None = None,
) -> dict[UUID, Item]:
    """The items as they are after what was told of them; those that do not exist are left out. source: who told.

    taken: the items as the caller had leased them. Where another took one meanwhile, for the lease was over, what the
    caller's call did not prove is passed over.
    """
    items = await lock_items(ctx, session, reports)
    if taken is not None:
        reports = {item_id: report for item_id, report in reports.items() if report.told in PROVING} | {
            item.id: reports[item.id] for item in items.values() if item.attempts == taken[item.id].attempts
        }
        items = {item_id: item for item_id, item in items.items() if item_id in reports}
    ask_s = runtime.settings.payout_ask_s
    steps = {item.id: after(item, reports[item.id], now=ctx.now, ask_s=ask_s) for item in items.values()}
    reasons = {item_id: reports[item_id].code for item_id in items}
    await book(ctx, session, items, steps, source=source, reasons=reasons)
    return {item_id: step.item for item_id, step in steps.items()}


async def book(
    ctx: Ctx,
    session: WriteSession,
    before: Mapping[UUID, Item],
    steps: Mapping[UUID, Step],
    *,
    source: str,
    reasons: Mapping[UUID, str | None],
) -> None:
    """Write the steps of locked items, and what follows of them for commissions and batches."""
    changed = [step.item for item_id, step in steps.items() if step.item != before[item_id]]
    await update_items(ctx, session, changed)
    passages = [
        Event(item.id, before[item.id].state, item.state, source, reasons.get(item.id))
        for item in changed
        if item.state is not before[item.id].state
    ]
    await append_events(ctx, session, passages)
    await ledger.append(ctx, session, [posting for step in steps.values() for posting in step.postings])
    await _pay(ctx, session, [(step.item, step.paid) for step in steps.values() if step.paid is not None])
    await _move_commissions(ctx, session, steps)
    await outbox.append(
        ctx,
        session,
        [_message(steps[event.item_id].item) for event in passages if event.new in TOLD],
    )
    await refresh_batches(ctx, session, {item.batch_id for item in changed})


async def _pay(ctx: Ctx, session: WriteSession, payments: Sequence[tuple[Item, Paid]]) -> None:
    rates = await load_rates(ctx, session, {key_of(item.currency, paid.at) for item, paid in payments})
    bases = [rates.convert_one(paid.amount, item.currency, paid.at) for item, paid in payments]
    await append_payments(ctx, session, payments, bases)
    session.touch_days({paid.at.date() for _, paid in payments})


async def _move_commissions(ctx: Ctx, session: WriteSession, steps: Mapping[UUID, Step]) -> None:
    are_paid = {item_id: step.is_paid for item_id, step in steps.items() if step.is_paid is not None}
    if not are_paid:
        return
    parts = await commissions_of(ctx, session, are_paid)
    passages = await states.lock(ctx, session, {each for found in parts.values() for each in found})
    # Only now: whoever settles another item of these commissions held the locks that were just given.
    back = {each for item_id, found in parts.items() if not are_paid[item_id] for each in found}
    still_paid = await paid_by_items(ctx, session, back)
    for item_id, commission_ids in parts.items():
        for commission_id in commission_ids:
            if are_paid[item_id]:
                passages.enter(Move(commission_id, CommissionState.PAID))
            elif commission_id not in still_paid:
                passages.come_back(commission_id)
    await states.write(ctx, session, passages)


async def refresh_batches(ctx: Ctx, session: WriteSession, batch_ids: Collection[UUID]) -> None:
    """Bring the states of locked batches up to date with those of their items."""
    batches = await lock_batches(ctx, session, batch_ids)
    found = await states_of(ctx, session, batch_ids)
    changed = []
    finished = []
    for batch in batches.values():
        state = state_of(batch.state, found.get(batch.id, {}))
        if state is batch.state:
            continue
        is_final = state in (PayoutBatchState.DONE, PayoutBatchState.PARTLY_FAILED, PayoutBatchState.CANCELLED)
        changed.append(replace(batch, state=state, finished_at=ctx.now if is_final else None))
        if is_final:
            finished.append(outbox.Event("payout_batch.finished", batch.id, {"state": state.value}))
    await update_batches(ctx, session, changed)
    await outbox.append(ctx, session, finished)


def _message(item: Item) -> outbox.Event:
    return outbox.Event(
        TOLD[item.state],
        item.id,
        {
            "batchId": str(item.batch_id),
            "influencerId": str(item.influencer_id),
            "amount": format(from_minor(item.amount, item.currency), "f"),
            "currency": item.currency,
            "code": item.failure_code,
        },
    )
