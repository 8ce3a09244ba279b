"""Sends approved payouts, and asks about those under way. Done by the worker; any number of them may.

Before a provider is called its items are written as SENDING and committed; afterwards what it told is written. Whoever
dies in between leaves items whose lease ends: they are UNKNOWN then, and asked about, by anybody. A call is made again
only when the provider says that it never got it, or knows a repetition by its key, and always with the same key.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from uuid import UUID

import structlog

from app.core.context import TenantInfo, nobody
from app.core.payout_words import PayoutItemState, PayoutProviderName
from app.db.session import WriteSession
from app.payouts.accounts import accounts_of
from app.payouts.batches import lock_next_batch, waiting_providers
from app.payouts.items import leased, lock_next_items
from app.payouts.machine import Item, Step
from app.payouts.port import CALL_ITEMS_MAX, Payment, PayoutProvider, Report, Told
from app.runtime import Runtime
from app.usecases.settle_payouts import book, settle
from app.usecases.unattended import unattended

log = structlog.get_logger(__name__)

Open = Callable[[PayoutProviderName], AbstractAsyncContextManager[PayoutProvider]]
"""Opens the tenant's provider."""

CALLS_MAX = 40
"""Calls of one batch that a worker takes on at once: all are made well within a lease."""

CALLS_AT_ONCE = 4


async def send_payouts(runtime: Runtime, tenant: TenantInfo, open_provider: Open) -> int:
    """How many items of the tenant were looked at, until nothing was to be done now."""
    accounts = accounts_of(runtime.settings.payout_accounts, tenant.id)
    ctx = nobody(tenant, runtime.clock.now())
    async with runtime.db.read(tenant.id) as session:
        waiting = await waiting_providers(ctx, session, [name for name in PayoutProviderName if accounts.has(name)])
    count = 0
    for name in waiting:
        # Opened before anything is taken: what cannot be called is not said to be.
        async with open_provider(name) as provider:
            while items := await take(runtime, tenant, name):
                count += len(items)
                await _make_calls(runtime, tenant, provider, items)
    return count


async def take(runtime: Runtime, tenant: TenantInfo, provider: PayoutProviderName) -> list[Item]:
    """Items of one batch that are to be looked at now, leased to the caller: what was RESERVED is SENDING."""
    ctx = nobody(tenant, runtime.clock.now())

    async def work(session: WriteSession) -> list[Item]:
        batch_id = await lock_next_batch(ctx, session, provider)
        if batch_id is None:
            return []
        calls_max = CALLS_MAX if CALL_ITEMS_MAX[provider] == 1 else CALLS_AT_ONCE
        items = {item.id: item for item in await lock_next_items(ctx, session, batch_id, calls_max=calls_max)}
        lease_s = runtime.settings.payout_lease_s
        steps = {item.id: Step(leased(item, ctx.now, lease_s)) for item in items.values()}
        await book(ctx, session, items, steps, source="worker", reasons={})
        return [step.item for step in steps.values()]

    return await unattended(runtime, ctx, work)


async def _make_calls(runtime: Runtime, tenant: TenantInfo, provider: PayoutProvider, items: Sequence[Item]) -> None:
    calls: dict[tuple[str, bool], list[Item]] = {}
    for item in items:
        calls.setdefault((item.call_key, item.state is PayoutItemState.SENDING), []).append(item)
    gate = asyncio.Semaphore(CALLS_AT_ONCE)

    async def make(of_call: list[Item]) -> None:
        async with gate:
            reports = await _reports(provider, of_call)
        ctx = nobody(tenant, runtime.clock.now())
        taken = {item.id: item for item in of_call}
        source = f"answer:{provider.name.value}"
        await unattended(
            runtime, ctx, lambda session: settle(runtime, ctx, session, reports, source=source, taken=taken)
        )

    async with asyncio.TaskGroup() as group:
        for of_call in calls.values():
            group.create_task(make(of_call))


async def _reports(provider: PayoutProvider, items: list[Item]) -> dict[UUID, Report]:
    payments = [payment(item) for item in items]
    if items[0].state is PayoutItemState.SENDING:
        # Who takes one of a call's items takes all: they were called as often.
        told = await provider.pay(payments, is_repeated=any(item.attempts > 1 for item in items))
    else:
        told = await provider.ask(payments)
    found = {report.item_id: report for report in told if report.item_id is not None}
    for item in items:
        report = found.get(item.id, Report(Told.UNKNOWN, item.id))
        if item.state is PayoutItemState.RETURNING and report.told is Told.SUCCEEDED and not report.returned:
            # The answer to a question, not to a wish: it is not back yet.
            report = await provider.take_back(payment(item), key=f"{item.id.hex}-back")
        found[item.id] = report
    return found


def payment(item: Item) -> Payment:
    """The item as its provider is given it."""
    return Payment(
        item_id=item.id,
        key=item.call_key,
        reference=item.reference or "",
        currency=item.currency,
        amount=item.amount,
        note=f"Payout {item.id}",
        provider_id=item.provider_id,
        provider_batch_id=item.provider_batch_id,
    )
