"""The stage of a benchmark: a migrated database of its own, a fresh tenant, and contenders run in turn."""

import statistics
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.core.context import Ctx, Principal, Role, TenantInfo
from app.core.ids import new_id
from app.db.embedded import EmbeddedServices
from app.db.owner import OwnerDatabase
from app.runtime import Runtime, open_runtime
from app.settings import Settings
from app.tenancy.service import create_tenant
from tests.factories.databases import migrated_database


@dataclass(frozen=True, slots=True)
class Stage:
    """What a benchmark works on."""

    runtime: Runtime
    settings: Settings

    async def new_ctx(self) -> Ctx:
        """An administrator of a fresh tenant (GBP, Europe/London)."""
        owners = await OwnerDatabase.open(self.settings)
        async with owners.owner() as session:
            live, _ = await create_tenant(
                session,
                name=f"bench {uuid.uuid4().hex}",
                reporting_zone="Europe/London",
                currency="GBP",
                now=datetime.now(UTC),
            )
        await owners.close()
        return ctx_of(live)


def ctx_of(tenant: TenantInfo) -> Ctx:
    """A request of an administrator of the tenant, now."""
    principal = Principal(key_id=new_id(), role=Role.ADMIN, tenant=tenant)
    return Ctx(principal=principal, request_id=str(uuid.uuid4()), now=datetime.now(UTC))


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """A stage on embedded services in a directory of its own (or on those of the environment); removed afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="scoville-bench-") as directory,
        EmbeddedServices(Settings(data_dir=Path(directory) / "services")) as services,
    ):
        async with migrated_database(services) as made:
            # Contenders have no cache either.
            settings = made.model_copy(update={"redis_enabled": False})
            async with open_runtime(settings) as runtime:
                yield Stage(runtime, settings)


async def in_turn(contenders: Mapping[str, Callable[[], Awaitable[Any]]], *, rounds: int) -> dict[str, list[float]]:
    """Seconds of each contender in each round; they run A B C, then C B A, so that drift of the machine cancels out."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds):
        order = list(contenders)
        for name in order if number % 2 == 0 else reversed(order):
            start = time.perf_counter()
            await contenders[name]()
            times[name].append(time.perf_counter() - start)
    return times


def report(times: Mapping[str, list[float]], *, items: int, unit: str, base: str) -> None:
    """Print medians as rates, and the median of the paired ratios to the base."""
    for name, seconds in times.items():
        rate = items / statistics.median(seconds)
        ratio = statistics.median(theirs / ours for theirs, ours in zip(times[base], seconds, strict=True))
        print(f"{name:44} {rate:12,.0f} {unit}/s   {ratio:6.2f} × {base}", flush=True)
