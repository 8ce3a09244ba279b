"""Pays the demo's influencers: orders are paid, commissions approved after the hold period, balances paid each month.

It is what the worker and two people would have done, day by day, done by the same use cases at those instants: whatever
is there already is left as it is, so that a second run finishes what the first began.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from app.core.clock import FixedClock
from app.core.context import TenantInfo, nobody
from app.core.outcomes import ItemOutcome, Outcome
from app.core.paging import Page
from app.core.payout_words import PayoutBatchState, PayoutProviderName, PayoutSchedule
from app.core.words import OrderEventKind
from app.db import keyset
from app.db.keyset import Condition, Listing, Sort
from app.errors import DomainError
from app.influencers.queries import INFLUENCERS
from app.integrations.online_retail import Reading, Survey
from app.ledger import balances
from app.orders.inputs import OrderEventInput, OrderInput
from app.orders.rate_inputs import RateInput
from app.payouts.inputs import PayoutConfirmation, PayoutDecision, PayoutMethodInput, PayoutPolicyInput
from app.payouts.queries import PAYOUT_BATCHES, PAYOUT_ITEMS
from app.runtime import Runtime
from app.seeding.program import PERSONAS, Persona
from app.seeding.pump import Progress, Pump
from app.usecases.approve_due import approve_due
from app.usecases.approve_payout_batches import approve_payout_batches
from app.usecases.confirm_payout_items import confirm_payout_items
from app.usecases.record_exchange_rates import record_exchange_rates
from app.usecases.record_order_events import record_order_events
from app.usecases.schedule_payouts import schedule_payouts
from app.usecases.upsert_payout_methods import upsert_payout_methods
from app.usecases.upsert_payout_policies import upsert_payout_policies

EURO_COUNTRIES = frozenset({"BE", "DE", "ES", "FR", "IE", "NL"})
"""Whose personas are paid in euros, whatever they earn in."""

EURO_RATE = Decimal("1.15")
"""Euros for a pound, on every pay day: the demo's own, as in a contract."""

THRESHOLD = Decimal(25)
PAY_DAY = 1
"""Day of the month on which batches are made."""

APPROVED_AFTER = timedelta(hours=9)
CONFIRMED_AFTER = timedelta(days=2)
"""After a batch was made: when another person approves it, and when the bank has paid."""


async def pay(runtime: Runtime, tenant: TenantInfo, survey: Survey, *, progress: Progress) -> None:
    """Pay every month from the first order until now. The last pay day's batches are left for somebody to approve."""
    started = min(invoice.occurred_at for invoice in survey.invoices.values())
    async with Pump(runtime, nobody(tenant, runtime.clock.now()), progress) as pump:
        events = (
            OrderEventInput(fact.external_id, OrderEventKind.PAID, fact.occurred_at)
            for fact in Reading(survey).facts()
            if isinstance(fact, OrderInput)
        )
        await pump.put_all("payments", record_order_events, events, size=runtime.settings.batch_items_max)
    _accepted(pump.phases["payments"].rejections)
    await _agree(_at(runtime, started), tenant)
    days = [*pay_days(started, runtime.clock.now())]
    for day in days:
        await _pay_at(runtime, tenant, day, is_last=day == days[-1])
    await balances.fold(runtime.db, tenant.id)


def pay_days(start: datetime, end: datetime) -> Iterator[datetime]:
    """Noon of each pay day between two instants."""
    day = start.replace(day=PAY_DAY, hour=12, minute=0, second=0, microsecond=0)
    while day < end:
        if day > start:
            yield day
        day = (day + timedelta(days=32)).replace(day=PAY_DAY)


async def _agree(runtime: Runtime, tenant: TenantInfo) -> None:
    # How and when everybody is paid.
    ctx = nobody(tenant, runtime.clock.now())
    async with runtime.db.read(tenant.id) as session:
        rows = await keyset.page(
            ctx,
            session,
            INFLUENCERS,
            conditions=[Condition("item.external_id = ANY({}::text[])", [persona.handle for persona in PERSONAS])],
            sort=Sort("created_at"),
            page=Page(len(PERSONAS)),
            columns=frozenset({"external_id"}),
        )
    ids: dict[str, UUID] = dict(zip(rows.column("external_id"), map(UUID, rows.column("id")), strict=True))
    methods = [_method(ids[persona.handle], persona, tenant.currency) for persona in PERSONAS]
    policy = PayoutPolicyInput(tenant.currency, threshold=THRESHOLD, schedule=PayoutSchedule.MONTHLY, day=PAY_DAY)
    _accepted(await upsert_payout_methods(runtime, ctx, methods))
    _accepted(await upsert_payout_policies(runtime, ctx, [policy]))


def _method(influencer_id: UUID, persona: Persona, currency: str) -> PayoutMethodInput:
    abroad = persona.country in EURO_COUNTRIES
    return PayoutMethodInput(
        influencer_id,
        "EUR" if abroad else currency,
        provider=PayoutProviderName.MANUAL,
        holder=persona.name,
        is_default=True,
    )


async def _pay_at(runtime: Runtime, tenant: TenantInfo, day: datetime, *, is_last: bool) -> None:
    then = _at(runtime, day)
    rate = RateInput(tenant.currency, "EUR", day.date(), EURO_RATE)
    _accepted(await record_exchange_rates(then, nobody(tenant, day), [rate]))
    await approve_due(then, tenant)
    await schedule_payouts(then, tenant)
    if is_last:
        return
    approved_at, paid_at = day + APPROVED_AFTER, day + CONFIRMED_AFTER
    # Those that were approved before a cut are confirmed still.
    made = Condition("item.created_at = {}", day)
    drafts = await _ids(runtime, tenant, PAYOUT_BATCHES, made, Condition("item.state = {}", PayoutBatchState.DRAFT))
    if drafts:
        decisions = [PayoutDecision(batch_id) for batch_id in drafts]
        _accepted(
            await approve_payout_batches(_at(runtime, approved_at), nobody(tenant, approved_at), decisions),
        )
    batches = await _ids(runtime, tenant, PAYOUT_BATCHES, made)
    items = await _ids(runtime, tenant, PAYOUT_ITEMS, Condition("item.batch_id = ANY({}::uuid[])", batches))
    if items:
        told = [PayoutConfirmation(item_id, "SUCCEEDED", at=paid_at) for item_id in items]
        _accepted(await confirm_payout_items(_at(runtime, paid_at), nobody(tenant, paid_at), told))


def _accepted(outcomes: Iterable[ItemOutcome]) -> None:
    # What is refused here would be missing in all that the demo tells of money.
    for outcome in outcomes:
        if outcome.outcome is Outcome.REJECTED:
            assert outcome.code is not None, "a refusal has a code"
            raise DomainError(outcome.code, f"The demo's influencers are not paid: {outcome.message}")


async def _ids(runtime: Runtime, tenant: TenantInfo, listing: Listing, *conditions: Condition) -> Sequence[UUID]:
    ctx = nobody(tenant, runtime.clock.now())
    async with runtime.db.read(tenant.id) as session:
        rows = await keyset.page(
            ctx,
            session,
            listing,
            conditions=conditions,
            sort=Sort("created_at"),
            page=Page(2 * len(PERSONAS)),
            columns=frozenset(),
        )
    return list(map(UUID, rows.column("id")))


def _at(runtime: Runtime, instant: datetime) -> Runtime:
    return replace(runtime, clock=FixedClock(instant))
