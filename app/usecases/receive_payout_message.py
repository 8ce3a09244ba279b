"""Takes what a provider told by webhook, once however often it is sent. One transaction."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from app.core.context import Ctx, TenantInfo, nobody
from app.core.payout_words import PayoutProviderName
from app.db.session import WriteSession
from app.payouts.items import items_by_provider_id, lock_items, update_items
from app.payouts.notes import take_message
from app.payouts.port import Message, Report, Told
from app.runtime import Runtime
from app.usecases.settle_payouts import settle
from app.usecases.unattended import unattended


async def receive_payout_message(
    runtime: Runtime, tenant: TenantInfo, provider: PayoutProviderName, message: Message
) -> bool:
    """Whether the message was new. Its signature was checked."""
    ctx = nobody(tenant, runtime.clock.now())

    async def work(session: WriteSession) -> bool:
        if not await take_message(ctx, session, provider, message.id[:200], message.kind[:100]):
            return False
        told = await _named(ctx, session, message.reports)
        items = await lock_items(ctx, session, told)
        told = {item.id: told[item.id] for item in items.values() if item.provider is provider}
        known = {item_id: report for item_id, report in told.items() if report.told is not Told.UNKNOWN}
        await settle(runtime, ctx, session, known, source=f"webhook:{provider.value}")
        # What is only named is asked about at once.
        asked = [items[item_id] for item_id in told if item_id not in known and items[item_id].sent_at is not None]
        await update_items(ctx, session, [replace(item, next_at=ctx.now) for item in asked])
        return True

    return await unattended(runtime, ctx, work)


async def _named(ctx: Ctx, session: WriteSession, reports: Sequence[Report]) -> dict[UUID, Report]:
    nameless = {report.provider_id for report in reports if report.item_id is None and report.provider_id is not None}
    found = await items_by_provider_id(ctx, session, nameless) if nameless else {}
    named = ((report.item_id or found.get(report.provider_id or ""), report) for report in reports)
    return {item_id: report for item_id, report in named if item_id is not None}
