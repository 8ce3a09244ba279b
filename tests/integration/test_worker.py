"""The worker: what it does without being asked, and how it fails and stops."""

import asyncio
import dataclasses
import itertools
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
import structlog
from pydantic import SecretStr

from app import worker
from app.analytics.rollups.deltas import Contribution, append
from app.core.clock import FixedClock
from app.core.context import Ctx, TenantInfo
from app.core.ids import new_id
from app.errors import OutsideError
from app.runtime import Runtime
from tests.conftest import add_tenant, make_ctx
from tests.factories.databases import member_login

pytestmark = pytest.mark.database


def at(runtime: Runtime, now: datetime) -> Runtime:
    """The runtime at another time."""
    return dataclasses.replace(runtime, clock=FixedClock(now))


async def add_idempotency_keys(runtime: Runtime, ctx: Ctx, made: dict[str, datetime]) -> None:
    """key → when it was made."""
    async with runtime.db.write(ctx.tenant_id) as session:
        await session.execute(
            """/* test */
            INSERT INTO idempotency_keys (tenant_id, key, operation, body_hash, created_at)
            SELECT $1, made.key, 'test', '', made.created_at
            FROM unnest($2::text[], $3::timestamptz[]) AS made (key, created_at)""",
            ctx.tenant_id,
            list(made),
            list(made.values()),
        )


async def idempotency_keys(runtime: Runtime, ctx: Ctx) -> set[str]:
    """The tenant's keys."""
    async with runtime.db.read(ctx.tenant_id) as session:
        rows = await session.fetch("/* test */ SELECT key FROM idempotency_keys WHERE tenant_id = $1", ctx.tenant_id)
    return {row["key"] for row in rows}


async def test_idempotency_keys_are_kept_as_long_as_promised(
    runtime: Runtime, ctx: Ctx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "CLEANUP_ROWS_MAX", 2)
    promised = timedelta(days=runtime.settings.idempotency_days)
    old = {f"old {n}": ctx.now - promised - timedelta(seconds=1 + n) for n in range(5)}
    await add_idempotency_keys(runtime, ctx, {**old, "kept": ctx.now - promised, "new": ctx.now})

    await worker.forget_idempotency_keys(at(runtime, ctx.now))

    assert await idempotency_keys(runtime, ctx) == {"kept", "new"}


async def test_every_tenant_that_fails_is_named_and_the_others_are_folded(
    runtime: Runtime, admin: "asyncpg.Pool[Any]"
) -> None:
    broken = [await add_tenant_with_delta(runtime, admin) for _ in range(3)]
    # The last tenant that was made: the others stand before it.
    fine = broken.pop()
    for ctx in broken:
        await set_zone(runtime, ctx, "Nowhere/Land")

    with structlog.testing.capture_logs() as logs, pytest.raises(ExceptionGroup) as failed:
        await worker.fold_all(runtime)
    waiting = await deltas_of(runtime, fine)
    for ctx in broken:
        await set_zone(runtime, ctx, "UTC")
    await worker.fold_all(runtime)

    told = [entry for entry in logs if entry["event"] == "worker_tenant_failed"]
    assert {entry["tenant_id"] for entry in told} == {str(ctx.tenant_id) for ctx in broken}
    assert {(entry["task"], entry["error"]) for entry in told} == {("fold", type(failed.value.exceptions[0]).__name__)}
    assert len(failed.value.exceptions) == 2
    assert waiting == 0


async def test_a_tenant_that_fails_waits_longer_and_keeps_no_other_waiting(
    runtime: Runtime, admin: "asyncpg.Pool[Any]", monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [0.0]
    monkeypatch.setattr(worker, "_now_s", lambda: now_s[0])
    broken, fine = [await add_tenant_with_delta(runtime, admin) for _ in range(2)]
    await set_zone(runtime, broken, "Nowhere/Land")
    patience = worker.Patience(0.2)

    with structlog.testing.capture_logs() as logs:
        # The task does not fail: its next run comes as soon as ever.
        for _ in range(3):
            await worker.fold_all(runtime, patience)
            assert await deltas_of(runtime, fine) == 0
            await add_delta(runtime, fine)
        now_s[0] += 0.4
        await worker.fold_all(runtime, patience)
        await set_zone(runtime, broken, "UTC")
        now_s[0] += 0.8
        await worker.fold_all(runtime, patience)

    told = [entry["failures"] for entry in logs if entry["event"] == "worker_tenant_failed"]
    assert told == [1, 2]
    assert await deltas_of(runtime, broken) == 0
    assert patience.failed(broken.tenant_id) == 1, "it begins anew"


async def test_a_task_that_fails_for_everybody_fails(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise OutsideError("away", retryable=True)

    monkeypatch.setattr(worker, "fold", fail)

    with pytest.raises(ExceptionGroup):
        await worker.fold_all(runtime, worker.Patience(1.0))


async def add_tenant_with_delta(runtime: Runtime, admin: "asyncpg.Pool[Any]") -> Ctx:
    """A new tenant, of whom a contribution is to be folded."""
    info = TenantInfo(new_id(), f"tenant {new_id()}", reporting_zone="UTC", currency="GBP", is_test=False)
    await add_tenant(admin, info)
    ctx = make_ctx(info)
    await add_delta(runtime, ctx)
    return ctx


async def add_delta(runtime: Runtime, ctx: Ctx) -> None:
    """A contribution that is to be folded."""
    async with runtime.db.write(ctx.tenant_id) as session:
        await append(ctx, session, [Contribution(ctx.now, clicks=1)])


async def deltas_of(runtime: Runtime, ctx: Ctx) -> int:
    """How many contributions are to be folded."""
    async with runtime.db.read(ctx.tenant_id) as session:
        found: int = await session.fetchval(
            "/* test */ SELECT count(*) FROM rollup_delta WHERE tenant_id = $1", ctx.tenant_id
        )
    return found


async def set_zone(runtime: Runtime, ctx: Ctx, zone: str) -> None:
    """Change the zone of a tenant's rollups: with one that is none they cannot be folded."""
    async with runtime.db.write(ctx.tenant_id) as session:
        await session.execute("/* test */ UPDATE rollup_state SET zone = $2 WHERE tenant_id = $1", ctx.tenant_id, zone)


async def test_partitions_are_made_ahead(runtime: Runtime) -> None:
    now = datetime.fromisoformat("2081-05-17T00:00:00+00:00")

    with structlog.testing.capture_logs() as logs:
        await worker.make_partitions(at(runtime, now))
        await worker.make_partitions(at(runtime, now))

    made = [entry["partition"] for entry in logs if entry["event"] == "partition_made"]
    assert [name for name in made if name >= "instances_2081"] == [
        "instances_2081_05",
        "instances_2081_06",
        "instances_2081_07",
        "instances_2081_08",
    ]


async def test_a_failing_task_is_repeated_after_longer_pauses_and_harms_no_other() -> None:
    stop = asyncio.Event()
    runs: list[float] = []
    healthy_runs = 0

    async def fail() -> None:
        runs.append(asyncio.get_running_loop().time())
        if len(runs) == 4:
            stop.set()
        raise OutsideError("away", retryable=True)

    async def succeed() -> None:
        nonlocal healthy_runs
        healthy_runs += 1

    with structlog.testing.capture_logs() as logs:
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            group.create_task(worker.repeat(worker.Task("failing", 0.02, fail), stop))
            group.create_task(worker.repeat(worker.Task("healthy", 0.02, succeed), stop))

    pauses = [later - earlier for earlier, later in itertools.pairwise(runs)]
    assert pauses == sorted(pauses)
    assert pauses[2] >= 0.15
    assert healthy_runs > len(runs)
    failed: list[dict[str, Any]] = [dict(entry) for entry in logs if entry["event"] == "worker_task_failed"]
    assert [entry["failures"] for entry in failed] == [1, 2, 3, 4]
    assert {(entry["task"], entry["error"]) for entry in failed} == {("failing", "OutsideError")}


async def test_a_stop_is_felt_at_once_and_lets_a_run_finish() -> None:
    stop, started = asyncio.Event(), asyncio.Event()
    finished = False

    async def slow() -> None:
        nonlocal finished
        started.set()
        await asyncio.sleep(0.1)
        finished = True

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(worker.repeat(worker.Task("slow", 3600, slow), stop))
        await started.wait()
        stop.set()

    assert finished


async def test_without_the_owners_url_a_login_that_may_makes_partitions(runtime: Runtime) -> None:
    given = {"database_url": runtime.settings.database_admin_url, "database_admin_url": None}
    owning = dataclasses.replace(runtime, settings=runtime.settings.model_copy(update=given))
    now = datetime.fromisoformat("2082-02-01T00:00:00+00:00")

    logs = await run_once(at(owning, now), "partitions")

    assert "instances_2082_02" in [entry["partition"] for entry in logs if entry["event"] == "partition_made"]


async def test_without_the_owners_url_a_login_that_may_not_says_so(runtime: Runtime) -> None:
    async with member_login(runtime.settings) as url:
        given = {"database_url": SecretStr(url), "database_admin_url": None}
        serving = dataclasses.replace(runtime, settings=runtime.settings.model_copy(update=given))
        now = datetime.fromisoformat("2083-02-01T00:00:00+00:00")

        logs = await run_once(at(serving, now), "partitions")

    (failed,) = logs
    assert (failed["event"], failed["task"]) == ("worker_task_failed", "partitions")
    assert "Set DATABASE_ADMIN_URL" in failed["message"]


async def run_once(runtime: Runtime, name: str) -> list[dict[str, Any]]:
    """What is logged while the worker runs its task of this name once, and stops."""
    (task,) = [task for task in worker.tasks(runtime) if task.name == name]
    stop = asyncio.Event()

    async def run() -> None:
        stop.set()
        await task.run()

    with structlog.testing.capture_logs() as logs:
        await worker.repeat(dataclasses.replace(task, run=run), stop)
    return [dict(entry) for entry in logs]


async def test_the_worker_does_its_tasks_until_it_is_stopped(runtime: Runtime) -> None:
    stop = asyncio.Event()

    with structlog.testing.capture_logs() as logs:
        # It looks at every tenant that tests before have made.
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            group.create_task(worker.work(runtime, stop))
            await asyncio.sleep(0.3)
            stop.set()

    assert [entry["event"] for entry in logs if entry["event"].startswith("worker_")] == [
        "worker_started",
        "worker_stopped",
    ]
