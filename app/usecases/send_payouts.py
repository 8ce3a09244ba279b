"""Sends approved payouts, and asks about those under way. Done by the worker; any number of them may.

Before a provider is called its items are written as SENDING and committed; afterwards what it told is written. Whoever
dies in between leaves items whose lease ends: they are UNKNOWN then, and asked about, by anybody. A call is made again
only when the provider says that it never got it, or knows a repetition by its key, and always with the same key.

What was never called is looked at once more before it is: who must not be paid any more is left out.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from uuid import UUID

import structlog

from app.core.context import TenantInfo, nobody
from app.core.payout_words import PayoutItemState, PayoutProviderName
from app.db.session import WriteSession
from app.observability.logs import describe
from app.payouts.accounts import accounts_of
from app.payouts.batches import lock_next_batch, waiting_providers
from app.payouts.due import obstacles_of
from app.payouts.items import leased, lock_next_items
from app.payouts.machine import Item, Step, cancel
from app.payouts.port import CALL_ITEMS_MAX, Payment, PayoutProvider, Report, Told
from app.runtime import Runtime
from app.settings import Settings
from app.usecases.settle_payouts import book, settle
from app.usecases.unattended import unattended

log = structlog.get_logger(__name__)

Open = Callable[[PayoutProviderName], AbstractAsyncContextManager[PayoutProvider]]
"""Opens the tenant's provider."""

CALLS_AT_ONCE = 4

LOGGED_ITEMS_MAX = 20

CALLS_MAX = 40
"""Calls of one batch that a worker takes on at once, where a lease is long enough for so many."""


async def send_payouts(runtime: Runtime, tenant: TenantInfo, open_provider: Open) -> int:
    """How many items of the tenant were looked at, until nothing was to be done now.

    Raises an ExceptionGroup of what went wrong with calls and providers, once all others had their turn; what was to be
    called stays leased, and is UNKNOWN when the lease is over.
    """
    accounts = accounts_of(runtime.settings.payout_accounts, tenant.id)
    ctx = nobody(tenant, runtime.clock.now())
    async with runtime.db.read(tenant.id) as session:
        waiting = await waiting_providers(ctx, session, [name for name in PayoutProviderName if accounts.has(name)])
    count = 0
    failures: list[Exception] = []
    for name in waiting:
        try:
            # Opened before anything is taken: what cannot be called is not said to be.
            async with open_provider(name) as provider:
                while items := await take(runtime, tenant, name):
                    count += len(items)
                    if failed := await _make_calls(runtime, tenant, provider, items):
                        failures += failed
                        # The rest has its turn when the worker comes again.
                        break
        except Exception as error:  # noqa: BLE001 - one provider's failure must not end the others' work
            log.warning("payout_provider_failed", provider=name.value, tenant_id=str(tenant.id), **describe(error))
            failures.append(error)
    if failures:
        raise ExceptionGroup("payouts failed", failures)
    return count


async def take(runtime: Runtime, tenant: TenantInfo, provider: PayoutProviderName) -> list[Item]:
    """Items of one batch that are to be looked at now, leased to the caller: what was RESERVED is SENDING, or CANCELLED
    where it must not be paid any more."""
    ctx = nobody(tenant, runtime.clock.now())

    async def work(session: WriteSession) -> list[Item]:
        batch_id = await lock_next_batch(ctx, session, provider)
        if batch_id is None:
            return []
        calls_max = _calls_max(runtime.settings) if CALL_ITEMS_MAX[provider] == 1 else CALLS_AT_ONCE
        items = {item.id: item for item in await lock_next_items(ctx, session, batch_id, calls_max=calls_max)}
        # By hand what was approved is in people's hands, and may be paid.
        unsent = [item for item in items.values() if item.is_unsent and provider is not PayoutProviderName.MANUAL]
        obstacles = await obstacles_of(ctx, session, unsent)
        lease_s = runtime.settings.payout_lease_s
        steps = {
            item.id: cancel(item, obstacles[item.id]) if item.id in obstacles else Step(leased(item, ctx.now, lease_s))
            for item in items.values()
        }
        await book(ctx, session, items, steps, source="worker", reasons=obstacles)
        return [step.item for step in steps.values()]

    return await unattended(runtime, ctx, work)


def _calls_max(settings: Settings) -> int:
    # So many rounds fit in a lease, however long each call takes.
    rounds = int(settings.payout_lease_s // settings.payout_call_timeout_s)
    return min(CALLS_MAX, CALLS_AT_ONCE * max(rounds, 1))


async def _make_calls(
    runtime: Runtime, tenant: TenantInfo, provider: PayoutProvider, items: Sequence[Item]
) -> list[Exception]:
    calls: dict[tuple[str, bool], list[Item]] = {}
    for item in items:
        if item.state is not PayoutItemState.CANCELLED:
            calls.setdefault((item.call_key, item.state is PayoutItemState.SENDING), []).append(item)
    gate = asyncio.Semaphore(CALLS_AT_ONCE)
    failures: list[Exception] = []

    async def make(of_call: list[Item]) -> None:
        async with gate:
            reports = await _reports_in_time(runtime, provider, of_call)
        ctx = nobody(tenant, runtime.clock.now())
        taken = {item.id: item for item in of_call}
        source = f"answer:{provider.name.value}"
        await unattended(
            runtime, ctx, lambda session: settle(runtime, ctx, session, reports, source=source, taken=taken)
        )

    async def tried(of_call: list[Item]) -> None:
        try:
            await make(of_call)
        except Exception as error:  # noqa: BLE001 - one call's failure must not end the others
            item_ids = [str(item.id) for item in of_call[:LOGGED_ITEMS_MAX]]
            log.warning("payout_call_failed", provider=provider.name.value, items=item_ids, **describe(error))
            failures.append(error)

    async with asyncio.TaskGroup() as group:
        for of_call in calls.values():
            group.create_task(tried(of_call))
    return failures


async def _reports_in_time(runtime: Runtime, provider: PayoutProvider, items: list[Item]) -> dict[UUID, Report]:
    # Nothing is called when others may be at it, or may be before it is over.
    until = min(item.next_at for item in items if item.next_at is not None)
    left_s = (until - runtime.clock.now()).total_seconds()
    if left_s < runtime.settings.payout_call_timeout_s:
        raise TimeoutError("the lease is over before the call would be")
    async with asyncio.timeout(left_s):
        return await _reports(provider, items)


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
        if (
            item.state is PayoutItemState.RETURNING
            and report.told is Told.SUCCEEDED
            and (report.returned or 0) <= item.returned
        ):
            # The answer to a question, not to a wish: no more of it is back than is known.
            named = replace(item, provider_id=report.provider_id or item.provider_id)
            report = await provider.take_back(payment(named), key=f"{item.id.hex}-back")
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
