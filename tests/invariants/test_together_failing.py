"""Law: of calls that share a transaction none suffers for another: locks, mistakes, bugs, callers that leave, lost
connections. What shares one without trouble is in test_together.py.
"""

import asyncio
from collections.abc import Awaitable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import pytest

from app import audit
from app.attribution import service as attribution
from app.cache.answers import NullAnswers
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome
from app.db.session import WriteSession
from app.errors import DomainError, OutsideError
from app.runtime import Runtime
from app.usecases import door
from app.usecases.record_orders import record_orders
from tests.factories.orders import Look, order
from tests.integration.orders.test_record_orders import WRITTEN
from tests.invariants.answers import at_once, outcomes_of
from tests.invariants.test_one_transaction import transactions

pytestmark = pytest.mark.database


Admin: TypeAlias = "asyncpg.Pool[Any]"

ONE = ("BEGIN", "COMMIT")


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Any:
    """How transactions began and ended, in order."""
    with transactions(monkeypatch) as seen:
        yield seen


async def test_one_that_waits_for_a_lock_does_not_hold_up_its_group(runtime: Runtime, ctx: Ctx) -> None:
    await record_orders(runtime, ctx, [order()])
    async with runtime.db.write(ctx.tenant_id) as elsewhere:
        await elsewhere.execute(
            "/* test.hold */ INSERT INTO order_claims (tenant_id, external_id) VALUES ($1, 'held')", ctx.tenant_id
        )
        held = asyncio.create_task(record_orders(runtime, ctx, [order(external_id="held")]))
        free = [asyncio.create_task(record_orders(runtime, ctx, [order()])) for _ in range(3)]

        answers = await asyncio.wait_for(asyncio.gather(*free), 20)
        # Nor those that come while it still waits.
        later = await asyncio.wait_for(record_orders(runtime, ctx, [order()]), 20)

        assert outcomes_of([*answers, later]) == ["RECORDED"] * 4
        assert not held.done()
        await elsewhere.execute("/* test.free */ DELETE FROM order_claims WHERE tenant_id = $1", ctx.tenant_id)
    assert outcomes_of([await held]) == ["RECORDED"]
    assert await Look(runtime.db, ctx).value("count(*)", "audit_log") == 6


@pytest.mark.parametrize(
    "error", [DomainError("BAD_USER_INPUT", "No."), AssertionError("a bug"), ValueError("another")]
)
async def test_one_that_fails_fails_alone(
    runtime: Runtime, ctx: Ctx, begun: list[str], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    insert = attribution.insert_credits

    async def failing(ctx: Ctx, session: WriteSession, credits: Sequence[Any]) -> None:
        # After the orders themselves were inserted.
        if any(judged.customer_id is not None for judged, _ in credits):
            raise error
        await insert(ctx, session, credits)

    monkeypatch.setattr(attribution, "insert_credits", failing)

    answers = await at_once(
        record_orders(runtime, ctx, [order(external_id="good")], idempotency_key="good"),
        record_orders(runtime, ctx, [order(external_id="bad", customer="x")], idempotency_key="bad"),
        record_orders(runtime, ctx, [order(external_id="fine")]),
    )

    assert answers[1] is error
    assert outcomes_of([answers[0], answers[2]]) == ["RECORDED", "RECORDED"]
    assert sorted(begun) == sorted(["BEGIN", "ROLLBACK"] * 2 + list(ONE) * 2)
    look = Look(runtime.db, ctx)
    assert {row["external_id"] for row in await look.rows("orders")} == {"good", "fine"}
    assert [row["key"] for row in await look.rows("idempotency_keys")] == ["good"]
    assert await look.counts("customers", "order_claims") == {"customers": 0, "order_claims": 0}
    assert await look.value("count(*)", "audit_log") == 2


@pytest.mark.parametrize("place", [0, 1])
async def test_a_caller_that_leaves_takes_nobody_along(
    runtime: Runtime, ctx: Ctx, begun: list[str], place: int
) -> None:
    calls = [asyncio.create_task(record_orders(runtime, ctx, [order()])) for _ in range(3)]
    async with asyncio.timeout(10):
        while not begun:  # noqa: ASYNC110 - what is told of a connection sets no event
            await asyncio.sleep(0)
    calls[place].cancel()

    answers = await asyncio.gather(*calls, return_exceptions=True)
    await door.drain()

    assert isinstance(answers.pop(place), asyncio.CancelledError)
    assert outcomes_of(answers) == ["RECORDED", "RECORDED"]
    # Its own work is done too.
    assert await Look(runtime.db, ctx).counts("orders", "audit_log") == {"orders": 3, "audit_log": 3}


async def test_calls_that_wait_are_done_before_the_process_stops(runtime: Runtime, ctx: Ctx) -> None:
    same = order(external_id="same")
    calls = [asyncio.create_task(record_orders(runtime, ctx, [order(), same])) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for call in calls:
        call.cancel()

    await asyncio.gather(*calls, return_exceptions=True)
    await door.drain()

    assert await Look(runtime.db, ctx).counts("orders", "audit_log") == {"orders": 4, "audit_log": 3}


async def test_a_group_whose_connection_is_lost_leaves_nothing_of_any(
    runtime: Runtime, admin: Admin, ctx: Ctx, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(session: WriteSession, entries: Sequence[audit.Entry]) -> None:
        await admin.execute(
            "SELECT pg_terminate_backend($1)", await session.fetchval("/* test */ SELECT pg_backend_pid()")
        )
        await append_all(session, entries)

    append_all = audit.append_all
    orders = [order(customer="ann") for _ in range(4)]

    def calls() -> list[Awaitable[tuple[ItemOutcome, ...]]]:
        return [record_orders(runtime, ctx, [each], idempotency_key=each.external_id) for each in orders]

    with monkeypatch.context() as patch:
        patch.setattr(audit, "append_all", killed)
        answers = await at_once(*calls())

    assert [type(answer) for answer in answers] == [OutsideError] * 4
    assert outcomes_of(answers) == ["SERVICE_UNAVAILABLE"] * 4
    look = Look(runtime.db, ctx)
    assert set((await look.counts(*WRITTEN, "idempotency_keys")).values()) == {0}
    assert outcomes_of(await at_once(*calls())) == ["RECORDED"] * 4
    assert await look.counts("orders", "audit_log") == {"orders": 4, "audit_log": 4}


async def test_a_group_whose_commit_was_not_heard_of_is_answered_as_it_was_kept(
    runtime: Runtime, ctx: Ctx, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dataclass
    class Deaf(NullAnswers):
        is_deaf: bool = True

        async def note(self, tenant_id: UUID, days: Collection[date], tags: Collection[str]) -> None:
            if self.is_deaf:
                self.is_deaf = False
                raise ValueError("after the commit")

    orders = [order() for _ in range(3)]
    deaf = replace(runtime, answers=Deaf())

    answers = await at_once(
        *(
            record_orders(deaf, ctx, [each], idempotency_key=key)
            for each, key in zip(orders, ["k", None, None], strict=True)
        )
    )

    assert outcomes_of(answers) == ["RECORDED", "REPLAYED", "REPLAYED"]
    assert await Look(runtime.db, ctx).value("count(*)", "orders") == 3
