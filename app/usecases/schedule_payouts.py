"""Makes the batches that a tenant's schedules ask for: drafts that somebody approves. Done by the worker."""

from collections.abc import Sequence
from dataclasses import replace

from app.core.context import TenantInfo, nobody
from app.core.payout_words import PayoutProviderName
from app.db.session import WriteSession
from app.payouts.due import Due
from app.payouts.methods import POLICY_KIND, next_time
from app.runtime import Runtime
from app.usecases.create_payout_batches import ITEMS_MAX, make_batch
from app.usecases.payouts_due import due, load_policies
from app.usecases.unattended import unattended


async def schedule_payouts(runtime: Runtime, tenant: TenantInfo) -> int:
    """How many batches were made of the balances in currencies whose time has come: one a provider and currency."""
    ctx = nobody(tenant, runtime.clock.now())
    async with runtime.db.read(tenant.id) as session:
        policies = await load_policies(ctx, session)
    if not any(policy.next_at is not None and policy.next_at <= ctx.now for policy in policies.values()):
        return 0

    async def work(session: WriteSession) -> int:
        rows = await POLICY_KIND.table.lock_keys(ctx, session, [(currency,) for currency in policies])
        # Looked at again: another worker may have been first.
        ripe = [row for row in rows.values() if row.next_at is not None and row.next_at <= ctx.now]
        currencies = {row.currency for row in ripe}
        found = await due(runtime, ctx, session, locked=True) if ripe else []
        groups: dict[tuple[PayoutProviderName, str], list[Due]] = {}
        for each in found:
            if each.obstacle is None and each.method is not None and each.balance.currency in currencies:
                groups.setdefault((each.method.provider, each.method.currency), []).append(each)
        made = 0
        for (provider, currency), group in sorted(groups.items()):
            for part in _parts(group):
                await make_batch(ctx, session, provider, currency, part, note=None, made_by=None)
                made += 1
        later = [replace(row, next_at=next_time(row, tenant.reporting_zone, after=ctx.now)) for row in ripe]
        await POLICY_KIND.table.update(ctx, session, later)
        return made

    return await unattended(runtime, ctx, work)


def _parts(group: Sequence[Due]) -> list[Sequence[Due]]:
    return [group[start : start + ITEMS_MAX] for start in range(0, len(group), ITEMS_MAX)]
