"""Law: calls that share a transaction are each answered as if alone: whole or not at all, and nobody for another.

Calls made in one turn of the loop are one group; what the database was told shows it.
"""

import asyncio
import random
from collections.abc import Awaitable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import pytest

from app.cache.answers import NullAnswers
from app.core.context import Ctx, Role, TenantInfo
from app.core.ids import new_id
from app.core.outcomes import ItemOutcome, Outcome
from app.errors import DomainError
from app.orders.inputs import OrderInput
from app.runtime import Runtime
from app.usecases import door, together
from app.usecases.record_orders import record_orders
from app.usecases.record_refunds import record_refunds
from tests.conftest import add_tenant, make_ctx
from tests.factories.orders import NOON, Look, ProgramRows, item, order, refund
from tests.integration.orders.test_record_orders import WRITTEN
from tests.invariants.answers import at_once, outcomes_of, told
from tests.invariants.books import broken_laws
from tests.invariants.test_one_transaction import transactions

pytestmark = pytest.mark.database

Admin: TypeAlias = "asyncpg.Pool[Any]"

NOW = datetime(2026, 3, 12, 9, tzinfo=UTC)
ONE = ("BEGIN", "COMMIT")


@pytest.fixture
async def code(runtime: Runtime, admin: Admin, ctx: Ctx) -> str:
    """A code that earns ten per cent."""
    return (await ProgramRows(runtime.db, admin, ctx).offer()).code


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Any:
    """How transactions began and ended, in order."""
    with transactions(monkeypatch) as seen:
        yield seen


def callers(tenant: TenantInfo, count: int) -> list[Ctx]:
    """Requests of different keys, a millisecond apart, the latest first."""
    return [
        make_ctx(tenant, Role.STORE if number % 2 else Role.ADMIN, now=NOW - timedelta(milliseconds=number))
        for number in range(count)
    ]


async def test_calls_at_once_share_a_commit_and_nothing_else(
    runtime: Runtime, tenant: TenantInfo, code: str, begun: list[str]
) -> None:
    callers_ = callers(tenant, 4)
    sent = [[order(codes=(code,), customer="ann") for _ in range(1 + number)] for number in range(4)]

    answers = await at_once(
        *(record_orders(runtime, caller, orders) for caller, orders in zip(callers_, sent, strict=True))
    )

    assert tuple(begun) == ONE
    for orders, answer in zip(sent, answers, strict=True):
        assert [(index, name) for index, _, name, *_ in told(answer)] == [
            (index, each.external_id) for index, each in enumerate(orders)
        ]
    look = Look(runtime.db, callers_[0])
    logged = {row["request_id"]: row for row in await look.rows("audit_log")}
    assert len(logged) == 4
    for number, caller in enumerate(callers_):
        row = logged[caller.request_id]
        assert (row["key_id"], row["role"]) == (caller.principal.key_id, caller.principal.role.value)
        assert (row["action"], row["items"], row["recorded_at"]) == ("recordOrders", 1 + number, caller.now)
        assert row["detail"] == {"recorded": 1 + number, "replayed": 0, "rejected": 0}
    # The group's orders are recorded at one time, the latest of its calls.
    assert {row["recorded_at"] for row in await look.rows("orders")} == {NOW}
    assert await broken_laws(runtime.db, tenant.id) == {}


async def test_they_are_answered_as_if_each_came_alone(runtime: Runtime, admin: Admin, begun: list[str]) -> None:
    known = order(external_id="known")
    strange = replace(known, currency="XXX")
    unpriced = order(currency="JPY", external_id="unpriced")
    twice = order(external_id="twice")
    other = replace(known, occurred_at=NOON + timedelta(hours=1))
    sent: list[list[OrderInput]] = [
        [order(codes=("SPICY20",), external_id="a"), replace(strange, external_id="strange"), order(external_id="b")],
        [replace(strange, external_id="only-strange")],
        [unpriced, order(item("7.00", 3), customer="bo", codes=("NOBODYS",), external_id="c"), unpriced],
        [twice, twice, replace(twice, occurred_at=NOON + timedelta(hours=2))],
        [other],
        [order(external_id="d", test=True, codes=("SPICY20",))],
    ]

    async def answered(*, is_together: bool) -> list[Any]:
        tenant = TenantInfo(new_id(), f"tenant {new_id()}", "Europe/London", "GBP", is_test=False)
        await add_tenant(admin, tenant)
        ctx = make_ctx(tenant)
        await ProgramRows(runtime.db, admin, ctx).offer("SPICY20")
        await record_orders(runtime, ctx, [known])
        # Refunds that wait for an order of this call and of that.
        await record_refunds(runtime, ctx, [refund("b", "30.00"), refund("c", "5.00"), refund("c", "50.00")])
        begun.clear()
        if is_together:
            answers = await at_once(*(record_orders(runtime, ctx, orders) for orders in sent))
            assert tuple(begun) == ONE
        else:
            answers = [await record_orders(runtime, ctx, orders) for orders in sent]
        counts = await Look(runtime.db, ctx).counts(*WRITTEN, "refund_lines")
        assert await broken_laws(runtime.db, tenant.id) == {}
        shown = [[(*each[:6], each[6] and each[6]["rule"]) for each in told(answer)] for answer in answers]
        return [shown, counts]

    assert await answered(is_together=True) == await answered(is_together=False)


async def test_calls_that_name_the_same_order_follow_each_other(runtime: Runtime, ctx: Ctx, begun: list[str]) -> None:
    same, linked = order(external_id="same"), order(external_id="linked")
    other = replace(same, occurred_at=NOON + timedelta(hours=1))

    answers = await at_once(
        record_orders(runtime, ctx, [same]),
        record_orders(runtime, ctx, [linked, same]),
        record_orders(runtime, ctx, [other]),
        record_orders(runtime, ctx, [order()]),
        # Overtakes nobody, though the first group has room for it.
        record_orders(runtime, ctx, [linked]),
    )

    assert tuple(begun) == (*ONE, *ONE, *ONE)
    assert outcomes_of(answers) == ["RECORDED", "RECORDED", "CONFLICTING_DUPLICATE", "RECORDED", "REPLAYED"]
    assert told(answers[1])[1][1] is Outcome.REPLAYED
    assert told(answers[2])[0][5] == ("orders", "0", "externalId")
    assert await Look(runtime.db, ctx).value("count(*)", "orders") == 3


async def test_keys_are_kept_call_by_call(runtime: Runtime, ctx: Ctx, begun: list[str]) -> None:
    old, new, used = order(external_id="old"), order(external_id="new"), order(external_id="used")
    before = await record_orders(runtime, ctx, [old], idempotency_key="old")
    begun.clear()

    def calls() -> list[Awaitable[tuple[ItemOutcome, ...]]]:
        return [
            record_orders(runtime, ctx, [new], idempotency_key="new"),
            record_orders(runtime, ctx, [order(external_id="keyless")]),
            record_orders(runtime, ctx, [old], idempotency_key="old"),
            record_orders(runtime, ctx, [used], idempotency_key="old"),
            record_orders(runtime, ctx, [used], idempotency_key=""),
            record_orders(runtime, ctx, [new], idempotency_key="new"),
        ]

    answers = await at_once(*calls())
    again = await at_once(*calls())

    assert outcomes_of(answers) == [
        *["RECORDED", "RECORDED", "RECORDED", "IDEMPOTENCY_CONFLICT", "BAD_USER_INPUT", "RECORDED"]
    ]
    assert answers[2] == before
    assert answers[5] == answers[0]
    assert (again[0], again[2], again[5]) == (answers[0], before, answers[0])
    assert outcomes_of(again)[1] == "REPLAYED"
    look = Look(runtime.db, ctx)
    assert {row["external_id"] for row in await look.rows("orders")} == {"old", "new", "keyless"}
    # One for each that did something, and for the keyless one's repetition.
    assert await look.value("count(*)", "audit_log") == 4
    (kept,) = await look.rows("idempotency_keys", "key = 'new'")
    assert (kept["created_at"], [each["externalId"] for each in kept["response"]["items"]]) == (ctx.now, ["new"])


async def test_tenants_never_share(runtime: Runtime, admin: Admin, begun: list[str]) -> None:
    tenants = [TenantInfo(new_id(), f"tenant {new_id()}", "Europe/London", "GBP", is_test=False) for _ in range(3)]
    for tenant in tenants:
        await add_tenant(admin, tenant)

    answers = await at_once(
        *(
            record_orders(runtime, make_ctx(tenant), [order(external_id=f"o{n}")])
            for n in range(2)
            for tenant in tenants
        )
    )

    assert outcomes_of(answers) == ["RECORDED"] * 6
    assert sorted(begun) == sorted(ONE * 3)
    for tenant in tenants:
        look = Look(runtime.db, make_ctx(tenant))
        assert [row["external_id"] for row in await look.rows("orders", order="external_id")] == ["o0", "o1"]


async def test_those_far_apart_in_time_and_large_ones_go_apart(
    runtime: Runtime, ctx: Ctx, tenant: TenantInfo, begun: list[str]
) -> None:
    earlier = replace(ctx, now=ctx.now - 2 * together.APART_MAX)
    large = order(*(item("1.00") for _ in range(together.SIZE_MAX // 10)))

    await at_once(*(record_orders(runtime, each, [order()]) for each in (ctx, earlier)))
    assert len(begun) == 4
    await at_once(record_orders(runtime, ctx, [order()]), record_orders(runtime, ctx, [large]))
    assert len(begun) == 8

    look = Look(runtime.db, ctx)
    assert {row["recorded_at"] for row in await look.rows("orders")} == {ctx.now, earlier.now}


@dataclass
class Noted(NullAnswers):
    """Remembers the days it was told, when they have been written."""

    days: set[date] = field(default_factory=set)

    async def note(self, tenant_id: UUID, days: Collection[date], tags: Collection[str]) -> None:
        """Add to what was noted, a moment later."""
        await asyncio.sleep(0.01)
        self.days |= set(days)


async def test_what_a_call_changed_is_noted_before_it_is_acknowledged(runtime: Runtime, ctx: Ctx, code: str) -> None:
    noted = Noted()
    noting = replace(runtime, answers=noted)

    async def send(number: int) -> None:
        at = NOON - timedelta(days=number)
        await record_orders(noting, ctx, [order(occurred_at=at, codes=(code,))])
        assert at.date() in noted.days

    await asyncio.gather(*(send(number) for number in range(5)))


async def test_runtimes_do_not_share(runtime: Runtime, ctx: Ctx, begun: list[str]) -> None:
    noted = Noted()

    await at_once(
        record_orders(replace(runtime, answers=noted), ctx, [order()]),
        record_orders(runtime, ctx, [order(occurred_at=NOON - timedelta(days=3))]),
    )

    assert sorted(begun) == sorted(ONE * 2)
    assert noted.days == {NOON.date()}


async def test_many_callers_with_everything_book_each_order_once(runtime: Runtime, ctx: Ctx, code: str) -> None:
    dice = random.Random(11)
    orders = [
        order(
            item(f"{number}.37", sku=f"sku{number % 3}"),
            codes=(code,),
            customer=f"c{number % 4}",
            external_id=f"o{number}",
        )
        for number in range(60)
    ]

    left: list[Any] = []
    refused: set[str] = set()

    async def caller(name: int) -> list[ItemOutcome]:
        seen: list[ItemOutcome] = []
        for turn in range(12):
            chosen = dice.sample(orders, dice.randrange(1, 4))
            key = f"{name}-{turn // 2}" if dice.random() < 0.3 else None
            call = asyncio.create_task(
                record_orders(runtime, replace(ctx, request_id=f"{name}-{turn}"), chosen, idempotency_key=key)
            )
            if dice.random() < 0.1:
                await asyncio.sleep(0.002)
                call.cancel()
            try:
                seen.extend(await call)
            except asyncio.CancelledError:
                left.append(call)
            except DomainError as error:
                refused.add(error.code)
        return seen

    answers = [outcome for found in await asyncio.gather(*(caller(name) for name in range(12))) for outcome in found]
    await door.drain()

    assert left
    assert refused == {"IDEMPOTENCY_CONFLICT"}
    ids: dict[str | None, set[UUID | None]] = {}
    for outcome in answers:
        assert outcome.outcome in (Outcome.RECORDED, Outcome.REPLAYED), outcome
        ids.setdefault(outcome.external_id, set()).add(outcome.id)
    kept = {row["external_id"]: {row["id"]} for row in await Look(runtime.db, ctx).rows("orders")}
    assert {name: kept[str(name)] for name in ids} == ids
    assert len(kept) > 50
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}
