"""Law: a write notes every UTC day on which a fact came or changed, and no other; repeated, it notes them again.

A note that lacks a day leaves a stale answer; one that has too many throws fresh ones away. What changed is found by
comparing the facts before and after, so that no write can be judged by its own opinion.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import pytest

from app.cache.answers import NullAnswers
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome, Outcome
from app.core.words import OrderEventKind, Platform, RefundKind
from app.engagement.inputs import EngagementInput
from app.engagement.service import FIGURES
from app.orders.inputs import CancelInput
from app.runtime import Runtime
from app.spend.inputs import SpendInput
from app.usecases.cancel_orders import cancel_orders
from app.usecases.edit_orders import edit_orders
from app.usecases.record_adjustments import record_adjustments
from app.usecases.record_engagements import record_engagements
from app.usecases.record_order_events import record_order_events
from app.usecases.record_orders import record_orders
from app.usecases.record_refunds import record_refunds
from app.usecases.record_spend import record_spend
from tests.factories.orders import NOON, Look, Offer, ProgramRows, adjustment, edit, event, item, order, refund

pytestmark = pytest.mark.database

Admin: TypeAlias = "asyncpg.Pool[Any]"
Outcomes: TypeAlias = Sequence[ItemOutcome]

INDIA = timezone(timedelta(hours=5, minutes=30))
NIGHT = datetime(2026, 3, 12, 2, tzinfo=INDIA)
"""Already the 12th there, still the 11th in UTC."""

FACTS = """/* test.facts */
    SELECT fact, occurred_at FROM (
      SELECT instances::text AS fact, occurred_at FROM instances WHERE tenant_id = $1
      UNION ALL SELECT credits::text, occurred_at FROM credits WHERE tenant_id = $1
      UNION ALL SELECT adjustments::text, occurred_at FROM adjustments WHERE tenant_id = $1
      UNION ALL SELECT commission_lines::text, occurred_at FROM commission_lines WHERE tenant_id = $1
      UNION ALL SELECT id || state || amount_minor, occurred_at FROM commissions WHERE tenant_id = $1
      UNION ALL SELECT order_lines::text, occurred_at FROM order_lines
        WHERE tenant_id = $1 AND order_id IN (SELECT order_id FROM credits WHERE tenant_id = $1)
      UNION ALL SELECT refund_lines::text, occurred_at FROM refund_lines WHERE tenant_id = $1
      UNION ALL SELECT spend::text, occurred_at FROM spend WHERE tenant_id = $1
      UNION ALL SELECT engagement_snapshots::text, occurred_at FROM engagement_snapshots WHERE tenant_id = $1
    ) AS facts"""

GAINS = "/* test.gains */ " + " UNION ALL ".join(
    f"""SELECT id || ' {figure} ' || {figure} - coalesce(lag({figure}) OVER (
            PARTITION BY platform, post_id ORDER BY occurred_at), 0) AS fact, occurred_at
        FROM engagement_snapshots WHERE tenant_id = $1 AND {figure} IS NOT NULL"""
    for figure in FIGURES
)
"""What each snapshot adds: what measures sum up."""


@dataclass
class Noted(NullAnswers):
    """Remembers what it was told."""

    days: set[date] = field(default_factory=set)
    tags: set[str] = field(default_factory=set)

    async def note(self, tenant_id: UUID, days: Collection[date], tags: Collection[str]) -> None:
        """Add to what was noted."""
        self.days |= set(days)
        self.tags |= set(tags)


Act: TypeAlias = Callable[[Runtime, Ctx, str | None], Awaitable[Outcomes]]


@dataclass(frozen=True, slots=True)
class Case:
    """A write and what comes before it. shows: whether any measure differs afterwards."""

    act: Act
    before: tuple[Act, ...] = ()
    expected: Outcome = Outcome.RECORDED
    shows: bool = True


def sent(*orders: Any) -> Act:
    """These orders are recorded."""
    return lambda runtime, ctx, key: record_orders(runtime, ctx, orders, idempotency_key=key)


def taken_back(*refunds: Any) -> Act:
    """These refunds are recorded."""
    return lambda runtime, ctx, key: record_refunds(runtime, ctx, refunds, idempotency_key=key)


def posted(*snapshots: dict[str, Any]) -> Act:
    """These snapshots of a post of the offer's influencer are recorded."""

    async def act(runtime: Runtime, ctx: Ctx, key: str | None) -> Outcomes:
        (influencer,) = await Look(runtime.db, ctx).rows("influencers")
        sent = [EngagementInput(Platform.TIKTOK, "post", influencer_id=influencer["id"], **each) for each in snapshots]
        return await record_engagements(runtime, ctx, sent, idempotency_key=key)

    return act


async def spent(runtime: Runtime, ctx: Ctx, key: str | None) -> Outcomes:
    """Spend on the offer's campaign is recorded."""
    (campaign,) = await Look(runtime.db, ctx).rows("campaigns")
    sent = SpendInput("fee", NIGHT, campaign["id"], "GBP", Decimal("12.00"))
    return await record_spend(runtime, ctx, [sent], idempotency_key=key)


ONE = order(item("100.00"), item("7.50", 3, "salt"), codes=("SPICY20",), customer="ann", external_id="one")
NIGHTLY = replace(ONE, external_id="night", occurred_at=NIGHT)
EARLY = refund("one", "30.00", external_id="early", occurred_at=NIGHT)

CASES: dict[str, Case] = {
    "an order": Case(sent(ONE)),
    "an order at night, elsewhere": Case(sent(NIGHTLY)),
    "an order without a touch": Case(sent(replace(ONE, codes=()))),
    "a test order": Case(sent(replace(ONE, test=True)), shows=False),
    "orders of several days": Case(
        sent(ONE, NIGHTLY, replace(ONE, external_id="old", occurred_at=NOON - timedelta(days=400)))
    ),
    "an order that a refund waited for": Case(sent(ONE), before=(taken_back(EARLY),)),
    "a refund": Case(taken_back(EARLY), before=(sent(ONE),)),
    "a refund that waits": Case(taken_back(EARLY), shows=False),
    "a chargeback": Case(taken_back(replace(EARLY, kind=RefundKind.CHARGEBACK)), before=(sent(ONE),)),
    "a refund of a test order": Case(taken_back(EARLY), before=(sent(replace(ONE, test=True)),), shows=False),
    "an edit": Case(
        lambda runtime, ctx, key: edit_orders(
            runtime, ctx, [edit("one", item("80.00"), occurred_at=NIGHT)], idempotency_key=key
        ),
        before=(sent(ONE),),
    ),
    "an edit after a refund": Case(
        lambda runtime, ctx, key: edit_orders(
            runtime, ctx, [edit("one", item("90.00"), item("7.50", 3, "salt"))], idempotency_key=key
        ),
        before=(sent(ONE), taken_back(EARLY)),
    ),
    "a cancellation": Case(
        lambda runtime, ctx, key: cancel_orders(runtime, ctx, [CancelInput("one", NIGHT)], idempotency_key=key),
        before=(sent(ONE),),
    ),
    "a payment": Case(
        lambda runtime, ctx, key: record_order_events(
            runtime, ctx, [event("one", OrderEventKind.PAID)], idempotency_key=key
        ),
        before=(sent(ONE),),
        shows=False,
    ),
    "a chargeback as an event": Case(
        lambda runtime, ctx, key: record_order_events(
            runtime, ctx, [event("one", OrderEventKind.CHARGEBACK, occurred_at=NIGHT)], idempotency_key=key
        ),
        before=(sent(ONE), taken_back(EARLY)),
    ),
    "an adjustment": Case(
        lambda runtime, ctx, key: record_adjustments(
            runtime, ctx, [adjustment("12.00", external_id="note", occurred_at=NIGHT, sku="sauce")], idempotency_key=key
        ),
    ),
    "spend": Case(spent, shows=False),
    "a first snapshot of a post": Case(posted({"occurred_at": NIGHT, "likes": 3}), shows=False),
    "a later snapshot of a post": Case(
        posted({"occurred_at": NIGHT, "likes": 9, "views": 40}),
        before=(posted({"occurred_at": NOON, "likes": 3}),),
        shows=False,
    ),
    # What comes after it in time adds less by what it tells, and that alone.
    "a snapshot before others": Case(
        posted({"occurred_at": NOON, "likes": 3}),
        before=(
            posted(
                {"occurred_at": NOON + timedelta(days=1), "views": 7},
                {"occurred_at": NOON + timedelta(days=2), "likes": 8, "views": 9},
                {"occurred_at": NOON + timedelta(days=3), "likes": 9},
            ),
        ),
        shows=False,
    ),
    "snapshots among others": Case(
        posted(
            {"occurred_at": NOON + timedelta(days=1), "views": 8, "shares": 1},
            {"occurred_at": NOON + timedelta(days=4), "likes": 5, "comments": 2},
        ),
        before=(
            posted(
                {"occurred_at": NOON, "likes": 3, "views": 7},
                {"occurred_at": NOON + timedelta(days=2), "likes": 8},
                {"occurred_at": NOON + timedelta(days=3), "views": 20},
                {"occurred_at": NIGHT + timedelta(days=9), "likes": 9, "views": 30},
                {"occurred_at": NIGHT + timedelta(days=10), "shares": 4},
            ),
        ),
        shows=False,
    ),
}


@pytest.fixture
def noted() -> Noted:
    """What was noted."""
    return Noted()


@pytest.fixture
def noting(runtime: Runtime, noted: Noted) -> Runtime:
    """The runtime with answers that remember what was noted."""
    return replace(runtime, answers=noted)


@pytest.fixture(autouse=True)
async def offer(runtime: Runtime, admin: Admin, ctx: Ctx) -> Offer:
    """A campaign whose code earns."""
    return await ProgramRows(runtime.db, admin, ctx).offer("SPICY20")


async def _facts(runtime: Runtime, ctx: Ctx) -> set[tuple[str, datetime]]:
    async with runtime.db.snapshot(ctx.tenant_id) as session:
        return {
            (row["fact"], row["occurred_at"])
            for statement in (FACTS, GAINS)
            for row in await session.fetch(statement, ctx.tenant_id)
        }


@pytest.mark.parametrize("key", [None, "key"])
@pytest.mark.parametrize("name", CASES)
async def test_a_write_notes_the_days_of_what_it_changes(
    noting: Runtime, noted: Noted, ctx: Ctx, name: str, key: str | None
) -> None:
    case = CASES[name]
    for earlier in case.before:
        await earlier(noting, ctx, None)
    noted.days.clear()
    before = await _facts(noting, ctx)

    outcomes = await case.act(noting, ctx, key)

    assert {outcome.outcome for outcome in outcomes} == {case.expected}, outcomes
    after = await _facts(noting, ctx)
    changed = {at.astimezone(UTC).date() for _, at in before ^ after}
    assert noted.days == changed

    # The process may have died after its commit and before its note: whoever repeats the call notes for it.
    noted.days.clear()
    await case.act(noting, ctx, key)
    assert await _facts(noting, ctx) == after
    assert noted.days >= changed
