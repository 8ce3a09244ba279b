"""Law: it makes no difference to credit, and so to money, how orders are cut into calls.

Recorded one by one, in one call, or in any others, always in the same order, they are judged and held alike: what an
order names counts for those after it in its batch as it does once it is recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.attribution import touches
from app.core.context import Ctx, TenantInfo
from app.core.ids import new_id
from app.core.words import InstanceKind
from app.customers.inputs import CustomerInput
from app.fraud.rules import FraudRulesChange
from app.influencers.inputs import InfluencerInput
from app.orders.inputs import OrderInput
from app.runtime import Runtime
from app.tracking.inputs import CodeInput, InstanceInput
from app.usecases.create_codes import create_codes
from app.usecases.create_influencers import create_influencers
from app.usecases.record_instances import record_instances
from app.usecases.record_orders import record_orders
from app.usecases.set_fraud_rules import set_fraud_rules
from app.usecases.upsert_customers import upsert_customers
from tests.conftest import add_tenant, make_ctx
from tests.factories.orders import NOON, Look, ProgramRows, order
from tests.invariants.answers import at_once, outcomes_of
from tests.invariants.books import broken_laws

pytestmark = pytest.mark.database

NOW = datetime(2026, 3, 12, 9, tzinfo=UTC)
CUSTOMERS = ("c0", "c1", "c2")
VISITORS = ("a", "b", "c", "d")
CODES = ("ZERO", "ONE")

HOURS = st.integers(0, 5)
CUSTOMER = st.none() | st.sampled_from(CUSTOMERS)
VISITOR = st.none() | st.sampled_from(VISITORS)
CLICKS = st.lists(st.tuples(HOURS, st.integers(0, 1), st.sampled_from(VISITORS), CUSTOMER), max_size=6)


@dataclass(frozen=True, slots=True)
class Bought:
    """What of an order may lead to somebody. name: of one order; another that has it too is refused or a replay."""

    name: int
    hours: int
    visitor: str | None = None
    customer: str | None = None
    code: str | None = None
    is_test: bool = False
    currency: str = "GBP"

    @property
    def sent(self) -> OrderInput:
        """As it is sent."""
        return order(
            external_id=f"o{self.name}",
            occurred_at=NOON + timedelta(hours=self.hours),
            visitor_id=self.visitor,
            customer=self.customer,
            codes=() if self.code is None else (self.code,),
            test=self.is_test,
            currency=self.currency,
        )


ORDERS = st.lists(
    st.builds(
        Bought,
        name=st.integers(0, 11),
        hours=HOURS,
        visitor=VISITOR,
        customer=CUSTOMER,
        code=st.sampled_from((None, None, *CODES)),
        is_test=st.sampled_from((False, False, False, True)),
        # Nobody has heard of the last.
        currency=st.sampled_from(("GBP", "GBP", "GBP", "GBQ")),
    ),
    min_size=2,
    max_size=8,
)


class Shop:
    """A tenant of its own, with two influencers, of whom the first is a customer too, and whom purchases tell of."""

    def __init__(self, runtime: Runtime, ctx: Ctx) -> None:
        self.runtime = runtime
        self.ctx = ctx
        self.influencers: list[Any] = []

    @classmethod
    async def opened(cls, runtime: Runtime, admin: Any, clicks: Sequence[tuple[int, int, str, str | None]]) -> "Shop":
        """A new one, whose clicks are recorded."""
        tenant = TenantInfo(new_id(), f"tenant {new_id()}", "Europe/London", "GBP", is_test=False)
        await add_tenant(admin, tenant)
        ctx = make_ctx(tenant, now=NOW)
        shop = cls(runtime, ctx)
        made = await create_influencers(
            runtime, ctx, [InfluencerInput("Zoe", customer=CUSTOMERS[0]), InfluencerInput("Una")]
        )
        shop.influencers = [outcome.id for outcome in made]
        campaign = await ProgramRows(runtime.db, admin, ctx).campaign()
        codes = [CodeInput(id, code, campaign) for id, code in zip(shop.influencers, CODES, strict=True)]
        assert {each.code for each in await create_codes(runtime, ctx, codes)} == {None}
        await set_fraud_rules(runtime, ctx, FraudRulesChange(own_purchases=True))
        await upsert_customers(runtime, ctx, [CustomerInput(name) for name in CUSTOMERS])
        if clicks:
            # At different times: of touches at the same instant their made-up ids decide.
            sent = [
                InstanceInput(
                    kind=InstanceKind.CLICK,
                    occurred_at=NOON + timedelta(hours=hours, seconds=-1 - number),
                    influencer_id=shop.influencers[whose],
                    campaign_id=campaign,
                    visitor_id=visitor,
                    customer=customer,
                )
                for number, (hours, whose, visitor, customer) in enumerate(clicks)
            ]
            assert {each.code for each in await record_instances(runtime, ctx, sent)} == {None}
        return shop

    async def record(self, batches: Sequence[Sequence[Bought]]) -> dict[str, Any]:
        """What there is after these calls."""
        for batch in batches:
            await record_orders(self.runtime, self.ctx, [each.sent for each in batch])
        return await self.told()

    async def told(self) -> dict[str, Any]:
        """By order all that attribution says, by how things are called."""
        look = Look(self.runtime.db, self.ctx)
        orders = {row["id"]: row["external_id"] for row in await look.rows("orders")}
        whose = {None: None} | {id: place for place, id in enumerate(self.influencers)}
        candidates = {
            orders[row["order_id"]]: [row["model"], row["rule"], [self._plain(each) for each in row["candidates"]]]
            for row in await look.rows("attributions")
        }
        credits = sorted(
            (
                orders[row["order_id"]],
                row["position"],
                whose[row["influencer_id"]],
                row["touch_kind"],
                row["touched_at"],
                *(value for name, value in row.items() if name.startswith("weight_")),
            )
            for row in await look.rows("credits")
        )
        earned = sorted(
            (orders[row["order_id"]], whose[row["influencer_id"]], row["amount_minor"], row["state"])
            for row in await look.rows("commissions")
        )
        waiting = sorted(orders[row["order_id"]] for row in await look.rows("awaited_touches"))
        assert await broken_laws(self.runtime.db, self.ctx.tenant_id) == {}
        return {"candidates": candidates, "credits": credits, "earned": earned, "waiting": waiting}

    def _plain(self, candidate: dict[str, Any]) -> dict[str, Any]:
        names = {str(id): place for place, id in enumerate(self.influencers)}
        made_up = {
            "id": candidate["id"] is None,
            "influencerId": names.get(candidate["influencerId"]),
            "campaignId": candidate["campaignId"] is None,
        }
        return candidate | made_up


@pytest.fixture
def few_visitors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a customer's visitors only two are looked at."""
    monkeypatch.setattr(touches, "VISITORS_MAX", 2)


CLICKED = [(0, 0, "a", None), (1, 1, "b", None), (2, 1, "d", None)]
"""By everybody once."""


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(clicks=CLICKS, orders=ORDERS, cuts=st.sets(st.integers(1, 7)))
# Devices joined by the order before; at the same time; by one that happened later; by one that was refused; by a test.
@example(clicks=CLICKED, orders=[Bought(0, 2, "a", "c1"), Bought(1, 3, "b", "c1")], cuts=set())
@example(clicks=CLICKED, orders=[Bought(0, 3, "a", "c1"), Bought(1, 3, "b", "c1")], cuts=set())
@example(clicks=CLICKED, orders=[Bought(0, 4, "a", "c1"), Bought(1, 3, "b", "c1")], cuts=set())
@example(clicks=CLICKED, orders=[Bought(0, 2, "a", "c1", currency="GBQ"), Bought(1, 3, "b", "c1")], cuts=set())
@example(clicks=CLICKED, orders=[Bought(0, 2, "a", "c1", is_test=True), Bought(1, 3, "b", "c1")], cuts=set())
# Who names no customer is the only one that the visitor was, until there is another.
@example(
    clicks=CLICKED,
    orders=[
        Bought(0, 2, "a", "c1"),
        Bought(1, 2, "b", "c1"),
        Bought(2, 3, "a"),
        Bought(3, 3, "a", "c2"),
        Bought(4, 4, "a"),
    ],
    cuts={3},
)
# The visitors seen last, of those recorded and those of the batch.
@example(
    clicks=CLICKED,
    orders=[Bought(0, 2, "a", "c1"), Bought(1, 3, "b", "c1"), Bought(2, 3, "d", "c1"), Bought(3, 4, None, "c1")],
    cuts={1},
)
@example(
    clicks=CLICKED,
    orders=[Bought(0, 3, "a", "c1"), Bought(1, 3, "b", "c1"), Bought(2, 3, "d", "c1"), Bought(3, 4, None, "c1")],
    cuts=set(),
)
# An influencer's own device, seen in the batch.
@example(clicks=[], orders=[Bought(0, 2, "a", "c0"), Bought(1, 3, "a", "c1", "ZERO")], cuts=set())
@example(clicks=[], orders=[Bought(0, 2, "a", "c0", is_test=True), Bought(1, 1, "a", "c1", "ZERO")], cuts=set())
@example(clicks=[], orders=[Bought(0, 3, "a", "c1", "ZERO"), Bought(1, 2, "a", "c0")], cuts=set())
async def test_orders_are_judged_alike_however_they_are_cut(
    runtime: Runtime,
    admin: Any,
    few_visitors: None,
    clicks: list[tuple[int, int, str, str | None]],
    orders: list[Bought],
    cuts: set[int],
) -> None:
    places = sorted({0, len(orders), *(cut for cut in cuts if cut < len(orders))})
    ways = [
        [[each] for each in orders],
        [orders],
        [orders[start:end] for start, end in pairwise(places)],
    ]

    one_by_one, at_once, cut = [await (await Shop.opened(runtime, admin, clicks)).record(way) for way in ways]

    assert at_once == one_by_one
    assert cut == one_by_one


async def test_a_customer_is_followed_from_one_order_of_a_call_to_the_next(runtime: Runtime, admin: Any) -> None:
    orders = [Bought(1, 2, "a", "new"), Bought(2, 3, "b", "new")]
    touched = [NOON - timedelta(seconds=1), NOON + timedelta(hours=1, seconds=-2)]

    for batches in ([orders], [[each] for each in orders]):
        told = await (await Shop.opened(runtime, admin, CLICKED)).record(batches)

        seen = {name: [each["at"] for each in shown[2]] for name, shown in told["candidates"].items()}
        assert seen == {
            "o1": [touched[0].isoformat()],
            "o2": [touched[1].isoformat(), touched[0].isoformat()],
        }


async def test_so_it_is_between_calls_that_share_a_transaction(runtime: Runtime, admin: Any) -> None:
    orders = [Bought(1, 2, "a", "new"), Bought(2, 3, "b", "new"), Bought(3, 4, "b")]
    apart = await (await Shop.opened(runtime, admin, CLICKED)).record([[each] for each in orders])
    shop = await Shop.opened(runtime, admin, CLICKED)

    answers = await at_once(*(record_orders(runtime, shop.ctx, [each.sent]) for each in orders))

    assert outcomes_of(answers) == ["RECORDED"] * 3
    assert await shop.told() == apart


async def test_an_influencers_own_device_is_known_from_an_order_of_the_same_call(runtime: Runtime, admin: Any) -> None:
    after, before = Bought(1, 3, "a", "c1", "ZERO"), Bought(2, 3, "a", "c2", "ZERO")
    own = Bought(3, 2, "a", "c0")

    told = await (await Shop.opened(runtime, admin, [])).record([[before, own, after]])

    assert [(name, state) for name, _, _, state in told["earned"]] == [("o1", "HELD"), ("o2", "PENDING")]
