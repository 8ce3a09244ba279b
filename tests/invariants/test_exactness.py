"""An answer equals its facts while stores write, edit, refund and cancel, and rollups are folded and rebuilt.

One exported snapshot is read by all: by verify, by the app with rollups and without, and, as an export, by the oracle.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.analytics.rollups.fold import fold
from app.analytics.rollups.rebuild import rebuild
from app.analytics.rollups.verify import verify
from app.analytics.runner import Runner
from app.cache.answers import NullAnswers
from app.campaigns.inputs import CampaignChange
from app.core.context import Ctx, TenantInfo
from app.core.outcomes import Outcome
from app.core.words import AttributionModel, CodePolicy, OrderEventKind
from app.db.session import Database, ReadSession
from app.errors import DomainError
from app.orders.inputs import CancelInput
from app.runtime import Runtime
from app.seeding.export import export_facts
from app.settings import Settings
from app.usecases.cancel_orders import cancel_orders
from app.usecases.edit_orders import edit_orders
from app.usecases.recompute_attribution import Recomputation, recompute_attribution
from app.usecases.record_adjustments import record_adjustments
from app.usecases.record_instances import record_instances
from app.usecases.record_order_events import record_order_events
from app.usecases.record_orders import record_orders
from app.usecases.record_refunds import record_refunds
from app.usecases.update_campaigns import update_campaigns
from tests.conftest import make_ctx
from tests.factories.histories import Offered, Store, offer
from tests.factories.orders import NOON, ProgramRows, adjustment, edit, event
from tests.integration.analytics.comparing import differences, whole
from tests.invariants.books import broken_laws
from tests.oracle.oracle import Oracle
from tests.oracle.questions import Questions

pytestmark = pytest.mark.database

WRITERS = 4
FOLDS = 2

FIRST = NOON - timedelta(days=10)
LAST = NOON + timedelta(days=100)
NOW = NOON + timedelta(days=1_000)
"""After the last bucket of any question has begun: all buckets of a series are shown."""

CALLS = (
    *("orders", "orders", "instances", "instances", "refunds", "edits", "events", "cancellations", "notes"),
    *("terms", "judgements", "judgements"),
)
"""What writers do, the frequent twice."""

REFUSED = {"REFUND_EXCEEDS_ORDER", "INVALID_AMOUNT", "UNKNOWN_ORDER", "UNKNOWN_LINE", "CONFLICTING_DUPLICATE"}
"""What random calls may be refused with."""


class Pinned(Database):
    """Reads what one exported snapshot sees, while the transaction that exported it is open."""

    snapshot_id: str | None = None

    @asynccontextmanager
    async def snapshot(
        self,
        tenant_id: UUID,
        *,
        timeout_s: float | None = None,
        snapshot_id: str | None = None,
        plans_once: bool = False,
    ) -> AsyncIterator[ReadSession]:
        """A session at the snapshot."""
        async with super().snapshot(
            tenant_id, timeout_s=timeout_s, snapshot_id=self.snapshot_id, plans_once=plans_once
        ) as session:
            yield session

    @asynccontextmanager
    async def read(self, tenant_id: UUID, *, in_turn: bool = False) -> AsyncIterator[ReadSession]:
        """The same: what is one statement asks for no snapshot."""
        async with self.snapshot(tenant_id) as session:
            yield session


class Trade:
    """Writers, folds and a rebuild of one tenant, until they are told to stop."""

    def __init__(self, runtime: Runtime, ctx: Ctx, offered: Offered, *, seed: int) -> None:
        self._runtime = runtime
        self._ctx = ctx
        self._offered = offered
        self._stores = [Store(WRITERS * seed + number, 0) for number in range(WRITERS)]
        self._currencies: dict[str, str] = {}
        self._number = itertools.count()
        self._is_over = False
        self._tasks: list[asyncio.Task[None]] = []
        self.outcomes: Counter[str] = Counter()
        self.folded = 0
        self.judged = 0

    async def __aenter__(self) -> "Trade":
        works = [*(self._write(store) for store in self._stores), *(self._fold() for _ in range(FOLDS))]
        self._tasks = [asyncio.create_task(work) for work in works]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._is_over = True
        await asyncio.gather(*self._tasks)

    @property
    def is_brisk(self) -> bool:
        """Whether as much went on as it takes for a question to meet everything half done."""
        return self.folded > 100 and self.outcomes[Outcome.RECORDED] > 100 and self.judged > 10

    def check(self) -> None:
        """Raise what a writer or a fold raised meanwhile."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def _fold(self) -> None:
        while not self._is_over:
            self.folded += await fold(self._runtime.db, self._ctx.tenant_id, now=self._ctx.now)
            await asyncio.sleep(0.01)

    async def _write(self, store: Store) -> None:
        while not self._is_over:
            for outcome in await self._call(store):
                assert outcome.outcome is not Outcome.REJECTED or outcome.code in REFUSED, outcome
                self.outcomes[outcome.outcome] += 1

    async def _call(self, store: Store) -> Any:
        runtime, ctx, chance, number = self._runtime, self._ctx, store.chance, next(self._number)
        # Orders of every store, so that writers meet; now and then one that is still to come.
        known = list(self._currencies)
        some = [*chance.sample(known, min(len(known), 5)), f"order-{number + chance.randint(0, 5)}-0"]
        at = NOON + timedelta(minutes=chance.randrange(40_000, 80_000))
        match chance.choice(CALLS):
            case "orders":
                orders = [store.order(f"order-{number}-{place}") for place in range(chance.randint(1, 8))]
                self._currencies |= {each.external_id: each.currency for each in orders}
                return await record_orders(runtime, ctx, orders)
            case "instances":
                return await record_instances(runtime, ctx, [store.instance(self._offered) for _ in range(10)])
            case "refunds":
                return await record_refunds(runtime, ctx, [store.refund(name, number) for name in some])
            case "edits":
                currencies = self._currencies
                edits = [edit(name, *store.lines(currencies.get(name, "GBP")), occurred_at=at) for name in some]
                return await edit_orders(runtime, ctx, edits)
            case "events":
                kinds = (OrderEventKind.PAID, OrderEventKind.FULFILLED, OrderEventKind.CHARGEBACK)
                events = [event(name, chance.choice(kinds), occurred_at=at) for name in some[:2]]
                return await record_order_events(runtime, ctx, events)
            case "cancellations":
                return await cancel_orders(runtime, ctx, [CancelInput(name, at) for name in some[:1]])
            case "terms":
                change = CampaignChange(
                    chance.choice((self._offered.linear, self._offered.last)),
                    attribution_model=chance.choice(list(AttributionModel)),
                    view_window_days=chance.choice((0, 20)),
                    code_policy=chance.choice(list(CodePolicy)),
                )
                return await update_campaigns(runtime, ctx, [change])
            case "judgements":
                return await self._judge_again(chance.randint(1, 60))
            case _:
                note = adjustment("1.23", currency=chance.choice(("GBP", "HUF")), country=chance.choice(("GB", None)))
                return await record_adjustments(runtime, ctx, [note])

    async def _judge_again(self, count: int) -> Any:
        # A page from anywhere, by the rules that writers change meanwhile.
        start = NOON + timedelta(minutes=next(self._number) % 40 * 1_000)
        asked = Recomputation(start, LAST, "The rules changed.", first=count)
        try:
            preview = await recompute_attribution(self._runtime, self._ctx, asked)
            if preview.mark is None:
                return ()
            posted = await recompute_attribution(self._runtime, self._ctx, replace(asked, post=preview.mark))
        except DomainError as error:
            if error.code == "PREVIEW_OUTDATED":
                return ()
            raise
        self.judged += len(posted.outcomes)
        return posted.outcomes


async def check_snapshot(
    runtime: Runtime, pinned: Pinned, ctx: Ctx, directory: Path, *, seed: int, questions: int
) -> int:
    """Assert that at one moment all agree; the number of orders at that moment."""
    async with runtime.db.snapshot(ctx.tenant_id) as session:
        pinned.snapshot_id = await session.fetchval("/* test */ SELECT pg_export_snapshot()")
        assert await verify(pinned, ctx.tenant_id) == []
        made = await export_facts(runtime.db, ctx.tenant, directory, now=ctx.now, snapshot_id=pinned.snapshot_id)
        oracle = await asyncio.to_thread(Oracle, directory)
        chosen = Questions(oracle, seed, first=FIRST, last=LAST)
        asked = [(f"seed {seed}, question {number}", chosen.next()) for number in range(questions)]
        runners = {
            name: Runner(pinned, NullAnswers(), runtime.settings.model_copy(update={"rollups_enabled": is_enabled}))
            for name, is_enabled in (("rollups", True), ("facts", False))
        }
        # Asked after the last bucket has begun: all buckets of a series are shown.
        wrong = await differences(oracle, runners, ctx, [*whole(FIRST, LAST, "Europe/London"), *asked])
        assert not wrong, "\n".join(wrong)
    return made.rows["orders"]


async def check_under_way(
    runtime: Runtime, settings: Settings, admin: Any, ctx: Ctx, directory: Path, *, seconds: float, seed: int
) -> None:
    """Assert at moment after moment that answers equal facts while writers, folds and a rebuild are at work."""
    offered = await offer(ProgramRows(runtime.db, admin, ctx))
    pinned = await Pinned.open(settings)
    orders: list[int] = []
    try:
        async with Trade(runtime, ctx, offered, seed=seed) as trade:
            began = time.monotonic()
            # On a slow machine longer: the test is of what meets, not of how fast it goes.
            while (
                (took_s := time.monotonic() - began) < seconds
                or len(orders) < 3
                or not (trade.is_brisk or took_s > 10 * seconds)
            ):
                number = len(orders)
                orders.append(
                    await check_snapshot(runtime, pinned, ctx, directory / str(number), seed=seed + number, questions=5)
                )
                # Statistics, as autovacuum makes them when it comes by: in a new database it may not have yet.
                await admin.execute("ANALYZE")
                if number == 1:
                    await rebuild(runtime.db, ctx.tenant, now=ctx.now)
                trade.check()
        # The stores traded and folds moved what they wrote while it was looked at.
        assert orders == sorted(orders)
        assert orders[0] < orders[-1]
        assert trade.is_brisk, (trade.folded, trade.outcomes, trade.judged)

        await check_snapshot(runtime, pinned, ctx, directory / "end", seed=seed, questions=20)
        await fold(runtime.db, ctx.tenant_id, now=ctx.now)
        await check_snapshot(runtime, pinned, ctx, directory / "folded", seed=seed, questions=20)
        assert await broken_laws(runtime.db, ctx.tenant_id) == {}
    finally:
        await pinned.close()


async def test_answers_equal_facts_while_stores_write(
    runtime: Runtime, settings: Settings, tenant: TenantInfo, admin: "asyncpg.Pool[Any]", tmp_path: Path
) -> None:
    ctx = make_ctx(tenant, now=NOW)

    await check_under_way(runtime, settings, admin, ctx, tmp_path, seconds=6, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 600, 100))
async def test_answers_equal_facts_while_stores_write_for_long(
    runtime: Runtime, settings: Settings, tenant: TenantInfo, admin: "asyncpg.Pool[Any]", tmp_path: Path, seed: int
) -> None:
    ctx = make_ctx(tenant, now=NOW)

    await check_under_way(runtime, settings, admin, ctx, tmp_path, seconds=60, seed=seed)
