"""The worker: what must happen without anybody asking. Several may run; each task is safe to be done twice at once.

`scoville worker` runs it as a process; `scoville demo` beside the server.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog

from app import idempotency
from app.analytics.rollups import record
from app.analytics.rollups.fold import fold
from app.core.context import TenantInfo, nobody
from app.db.partitions import ensure_partitions
from app.integrations.payouts import opened
from app.ledger import balances
from app.observability.logs import describe
from app.payouts.notes import forget_messages
from app.runtime import Runtime
from app.tenancy import queries as tenancy
from app.usecases.approve_due import approve_due
from app.usecases.convert_late import convert_late
from app.usecases.late_touches import forget_awaited, look_for_touches
from app.usecases.schedule_payouts import schedule_payouts
from app.usecases.send_payouts import send_payouts

log = structlog.get_logger(__name__)

BACKOFF_S_MAX = 60.0
"""Longest pause after failures in a row; the first is the task's own interval, each next twice as long."""

DOUBLINGS_MAX = 16

PARTITIONS_INTERVAL_S = 3600.0
CLEANUP_INTERVAL_S = 3600.0
LATE_TOUCHES_INTERVAL_S = 30.0
SCHEDULE_INTERVAL_S = 60.0
CLEANUP_ROWS_MAX = 10_000
"""Idempotency keys, or marks of messages, forgotten in one transaction."""

MESSAGES_KEPT = timedelta(days=90)
"""How long a provider's message is known again: no provider repeats one for longer than a month."""


@dataclass(frozen=True, slots=True)
class Task:
    """Something done again and again. interval_s: between the end of one run and the start of the next."""

    name: str
    interval_s: float
    run: Callable[[], Awaitable[None]]


class Patience:
    """Tenants for whom a task failed: from failure to failure each waits longer, and nobody else does."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._failed: dict[UUID, tuple[int, float]] = {}

    def is_due(self, tenant_id: UUID) -> bool:
        """Whether it is the tenant's turn."""
        return tenant_id not in self._failed or self._failed[tenant_id][1] <= _now_s()

    def done(self, tenant_id: UUID) -> None:
        """Note that the tenant's work was done."""
        self._failed.pop(tenant_id, None)

    def failed(self, tenant_id: UUID) -> int:
        """How often in a row it failed, this time included."""
        failures = self._failed.get(tenant_id, (0, 0.0))[0] + 1
        self._failed[tenant_id] = failures, _now_s() + pause_s(self._interval_s, failures)
        return failures


def pause_s(interval_s: float, failures: int) -> float:
    """Seconds to wait after so many failures in a row."""
    return min(interval_s * 2.0 ** min(failures, DOUBLINGS_MAX), max(BACKOFF_S_MAX, interval_s))


def _now_s() -> float:
    return asyncio.get_running_loop().time()


async def work(runtime: Runtime, stop: asyncio.Event) -> None:
    """Do all tasks until `stop` is set; what is under way then is finished."""
    log.info("worker_started", tasks=[task.name for task in tasks(runtime)])
    async with asyncio.TaskGroup() as group:
        for task in tasks(runtime):
            group.create_task(repeat(task, stop))
    log.info("worker_stopped")


def tasks(runtime: Runtime) -> list[Task]:
    """What this worker does. Partitions need a login that owns the tables: any other is told so when it fails."""
    settings = runtime.settings
    of_tenants: list[tuple[str, float, Callable[[Runtime, Patience], Awaitable[None]]]] = [
        ("fold", settings.fold_interval_s, fold_all),
        ("approve_commissions", settings.approve_interval_s, approve_commissions),
        ("late_touches", LATE_TOUCHES_INTERVAL_S, judge_late_touches),
        ("convert_late", settings.late_rates_interval_s, convert_late_facts),
        ("forget_awaited_touches", CLEANUP_INTERVAL_S, forget_awaited_touches),
        ("schedule_payouts", SCHEDULE_INTERVAL_S, make_scheduled_payouts),
        ("send_payouts", settings.payout_interval_s, send_all_payouts),
        ("forget_payout_messages", CLEANUP_INTERVAL_S, forget_payout_messages),
        ("forget_idempotency_keys", CLEANUP_INTERVAL_S, forget_idempotency_keys),
        ("forget_demand", CLEANUP_INTERVAL_S, forget_demand),
    ]
    return [
        *(Task(name, every_s, partial(run, runtime, Patience(every_s))) for name, every_s, run in of_tenants),
        Task("partitions", PARTITIONS_INTERVAL_S, partial(make_partitions, runtime)),
    ]


async def repeat(task: Task, stop: asyncio.Event) -> None:
    """Run the task until `stop` is set. A failure is logged and followed by a longer pause, never by the end."""
    failures = 0
    while not stop.is_set():
        try:
            await task.run()
            failures = 0
        except Exception as error:  # noqa: BLE001 - one task's failure must not end the others
            failures += 1
            log.warning("worker_task_failed", task=task.name, failures=failures, **describe(error))
        try:
            await asyncio.wait_for(stop.wait(), pause_s(task.interval_s, failures))
        except TimeoutError:
            continue


async def fold_all(runtime: Runtime, patience: Patience | None = None) -> None:
    """Fold every tenant's pending deltas into its rollups, and the ledger's into its balances."""

    async def fold_one(tenant_id: UUID) -> None:
        await fold(runtime.db, tenant_id, now=runtime.clock.now())
        await balances.fold(runtime.db, tenant_id)

    await _for_each_tenant(runtime, "fold", patience, fold_one)


async def approve_commissions(runtime: Runtime, patience: Patience | None = None) -> None:
    """Approve every tenant's commissions that are due."""

    async def approve(tenant: TenantInfo) -> None:
        if approved := await approve_due(runtime, tenant):
            log.info("commissions_approved", tenant_id=str(tenant.id), commissions=approved)

    await _for_each_tenant_info(runtime, "approve_commissions", patience, approve)


async def convert_late_facts(runtime: Runtime, patience: Patience | None = None) -> None:
    """Convert every tenant's facts that had no exchange rate and have one by now."""

    async def convert(tenant: TenantInfo) -> None:
        converted = await convert_late(runtime, nobody(tenant, runtime.clock.now()))
        if converted:
            log.info("late_facts_converted", tenant_id=str(tenant.id), facts=converted)

    await _for_each_tenant_info(runtime, "convert_late", patience, convert)


async def make_scheduled_payouts(runtime: Runtime, patience: Patience | None = None) -> None:
    """Make the batches that tenants' schedules ask for."""

    async def make(tenant: TenantInfo) -> None:
        made = await schedule_payouts(runtime, tenant)
        if made:
            log.info("payout_batches_made", tenant_id=str(tenant.id), batches=made)

    await _for_each_tenant_info(runtime, "schedule_payouts", patience, make)


async def send_all_payouts(runtime: Runtime, patience: Patience | None = None) -> None:
    """Send what is approved, and ask about what is under way."""

    async def send(tenant: TenantInfo) -> None:
        sent = await send_payouts(runtime, tenant, partial(opened, runtime.settings, tenant.id))
        if sent:
            log.info("payouts_looked_at", tenant_id=str(tenant.id), items=sent)

    await _for_each_tenant_info(runtime, "send_payouts", patience, send)


async def judge_late_touches(runtime: Runtime, patience: Patience | None = None) -> None:
    """Judge the orders once more whose touches were recorded at the very same time."""

    async def judge(tenant: TenantInfo) -> None:
        judged = await look_for_touches(runtime, tenant)
        if judged:
            log.info("orders_judged_again", tenant_id=str(tenant.id), orders=judged)

    await _for_each_tenant_info(runtime, "late_touches", patience, judge)


async def forget_awaited_touches(runtime: Runtime, patience: Patience | None = None) -> None:
    """End the waiting of orders whose touch did not come."""
    await _for_each_tenant_info(runtime, "forget_awaited_touches", patience, partial(forget_awaited, runtime))


async def forget_payout_messages(runtime: Runtime, patience: Patience | None = None) -> None:
    """Delete the marks of providers' messages that are too old to be repeated."""
    before = runtime.clock.now() - MESSAGES_KEPT

    async def forget(tenant_id: UUID) -> None:
        forgotten = CLEANUP_ROWS_MAX
        while forgotten == CLEANUP_ROWS_MAX:
            async with runtime.db.write(tenant_id) as session:
                forgotten = await forget_messages(session, before=before, rows_max=CLEANUP_ROWS_MAX)

    await _for_each_tenant(runtime, "forget_payout_messages", patience, forget)


async def forget_idempotency_keys(runtime: Runtime, patience: Patience | None = None) -> None:
    """Delete the keys that are older than they are promised to be remembered."""
    before = runtime.clock.now() - timedelta(days=runtime.settings.idempotency_days)

    async def forget(tenant_id: UUID) -> None:
        forgotten = CLEANUP_ROWS_MAX
        while forgotten == CLEANUP_ROWS_MAX:
            async with runtime.db.write(tenant_id) as session:
                forgotten = await idempotency.forget(session, before=before, rows_max=CLEANUP_ROWS_MAX)

    await _for_each_tenant(runtime, "forget_idempotency_keys", patience, forget)


async def forget_demand(runtime: Runtime, patience: Patience | None = None) -> None:
    """Delete the record of what was asked longer ago than it is kept."""
    before = runtime.clock.now() - timedelta(days=runtime.settings.demand_days)
    await _for_each_tenant(runtime, "forget_demand", patience, partial(record.forget, runtime.db, before=before))


async def make_partitions(runtime: Runtime) -> None:
    """Make the months ahead, and split what waits in DEFAULT. Raises OutsideError when the login may not."""
    made = await asyncio.to_thread(
        ensure_partitions,
        runtime.settings.owner_url,
        now=runtime.clock.now(),
        months_ahead=runtime.settings.partitions_ahead,
    )
    for partition in made:
        log.info("partition_made", partition=partition.name, rows=partition.rows)


async def _for_each_tenant_info(
    runtime: Runtime, task: str, patience: Patience | None, work: Callable[[TenantInfo], Awaitable[None]]
) -> None:
    """The same for work that needs more of a tenant than its id."""
    async with runtime.db.directory() as session:
        tenants = {row.info.id: row.info for row in await tenancy.list_tenants(session)}

    async def of(tenant_id: UUID) -> None:
        # A tenant that came meanwhile has its turn next time.
        if (tenant := tenants.get(tenant_id)) is not None:
            await work(tenant)

    await _for_each_tenant(runtime, task, patience, of)


async def _for_each_tenant(
    runtime: Runtime, task: str, patience: Patience | None, work: Callable[[UUID], Awaitable[None]]
) -> None:
    """Do the work for one tenant after the other; a tenant's failure is logged and does not keep the rest waiting.

    patience: decides whose turn it is; None: everybody's. Raises an ExceptionGroup of all failures at the end where
    nothing went well, so that the task's next run waits longer; without patience where anything failed.
    """
    async with runtime.db.directory() as session:
        tenant_ids = await tenancy.list_tenant_ids(session)
    failures: list[Exception] = []
    done = 0
    for tenant_id in tenant_ids:
        if patience is not None and not patience.is_due(tenant_id):
            continue
        try:
            await work(tenant_id)
        except Exception as error:  # noqa: BLE001 - one tenant's failure must not end the others' work
            in_a_row = 1 if patience is None else patience.failed(tenant_id)
            told = describe(error)
            log.warning("worker_tenant_failed", task=task, tenant_id=str(tenant_id), failures=in_a_row, **told)
            failures.append(error)
            continue
        done += 1
        if patience is not None:
            patience.done(tenant_id)
    if failures and (patience is None or not done):
        raise ExceptionGroup(f"{task} failed for {len(failures)} of {len(tenant_ids)} tenants", failures)
