"""What the credits of one order earn, through the public API: rounded once for the whole order, however many there are,
and so after edits, refunds, rejections and judgements anew.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from app.core.context import Ctx
from app.runtime import Runtime
from tests.client import Client
from tests.integration.attribution.store import DAY, NOON, Shop, iso
from tests.invariants.books import broken_laws

pytestmark = pytest.mark.database

MakeKey = Callable[..., Awaitable[str]]
SINCE = iso(NOON - 300 * DAY)
RANGE = {"from": iso(NOON - DAY), "until": iso(NOON + DAY)}

PREVIEW = """query($order: OrderInput!) { previewCommission(order: $order) { commissions {
  amount influencer { id } } } }"""
RECOMPUTE = """mutation($input: RecomputeCommissionsInput!) { recomputeCommissions(input: $input) {
  post results { differences { amount influencer { id } } } } }"""
REATTRIBUTE = """mutation($input: RecomputeAttributionInput!) { recomputeAttribution(input: $input) {
  post results { differences { amount influencer { id } } } } }"""


@pytest.fixture
def shop(client: Client, make_key: MakeKey) -> Shop:
    return Shop(client, make_key)


def sold(total: str, currency: str = "GBP", name: str = "o") -> dict[str, Any]:
    """An order of the visitor that all clicks are of."""
    return {
        "externalId": name,
        "occurredAt": iso(NOON),
        "currency": currency,
        "total": total,
        "visitorId": "v",
        "lines": [{"kind": "ITEM", "amount": total, "sku": "sauce"}],
    }


def edited(total: str) -> dict[str, Any]:
    """An edit of the order's only line."""
    lines = [{"kind": "ITEM", "amount": total, "sku": "sauce"}]
    return {"edits": [{"orderExternalId": "o", "occurredAt": iso(NOON), "total": total, "lines": lines}]}


async def clicks(shop: Shop, influencers: int, times: int = 1, **terms: Any) -> tuple[list[str], str]:
    """Influencers of one campaign that credits all clicks alike, each clicked so many times: the first the oldest."""
    campaign = await shop.campaign(attributionModel="LINEAR", **terms)
    made = [await shop.influencer() for _ in range(influencers)]
    for number, influencer in enumerate(made * times):
        await shop.touch(influencer, campaign, ago=(influencers * times - number) * DAY / 4)
    return made, campaign


async def earned(shop: Shop) -> dict[str, Decimal]:
    """What is left of all that each influencer earned."""
    found = await shop.client.data("{ commissions(first: 100) { nodes { amount influencer { id } } } }")
    return summed(found["commissions"]["nodes"])


def summed(rows: list[Any]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row["influencer"]["id"]] += Decimal(row["amount"])
    return sums


def amounts(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


@pytest.mark.parametrize(
    ("influencers", "times", "currency", "total", "expected", "now", "expected_now"),
    [
        (1, 20, "JPY", "120", ["12"], "80", ["8"]),
        (1, 20, "JPY", "80", ["8"], "125", ["12"]),
        (3, 1, "EUR", "100.00", ["3.34", "3.33", "3.33"], "200.00", ["6.67", "6.67", "6.66"]),
    ],
)
async def test_credits_share_what_their_order_earns(
    shop: Shop,
    runtime: Runtime,
    ctx: Ctx,
    influencers: int,
    times: int,
    currency: str,
    total: str,
    expected: list[str],
    now: str,
    expected_now: list[str],
) -> None:
    made, _ = await clicks(shop, influencers, times)
    order = sold(total, currency)

    preview = (await shop.client.data(PREVIEW, {"order": order}))["previewCommission"]["commissions"]
    answer = await shop.order(**order)

    assert len(answer["commissions"]) == len(preview) == influencers * times
    assert [row["amount"] for row in answer["commissions"]] == [row["amount"] for row in preview]
    assert all(Decimal(row["amount"]) >= 0 for row in preview)
    assert await earned(shop) == summed(preview)
    assert [(await earned(shop))[influencer] for influencer in made] == amounts(*expected)

    await shop.write("editOrders", edited(now))
    assert [(await earned(shop))[influencer] for influencer in made] == amounts(*expected_now)

    refund = {"orderExternalId": "o", "externalId": "r", "occurredAt": iso(NOON), "amount": now}
    await shop.write("recordRefunds", {"refunds": [refund]})
    assert set((await earned(shop)).values()) == {Decimal(0)}
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}


async def planned(shop: Shop, rules: list[dict[str, Any]], **place: Any) -> None:
    """A plan of these rules that holds there."""
    terms = {"effectiveFrom": SINCE, "rules": rules}
    (plan,) = await shop.write("createCommissionPlans", {"commissionPlans": [{"name": "Plan", "terms": terms}]})
    sent = {"planId": plan["id"], "effectiveFrom": SINCE, **place}
    await shop.write("assignCommissionPlans", {"assignments": [sent]})


async def test_an_amount_per_order_is_given_once(shop: Shop) -> None:
    made, _ = await clicks(shop, 3)
    await planned(shop, [{"key": "each", "kind": "PER_ORDER", "amount": "5.00"}])

    answer = await shop.order(**sold("100.00"))

    assert [row["amount"] for row in answer["commissions"]] == ["1.67", "1.67", "1.66"]
    assert [row["influencerId"] for row in answer["commissions"]] == made


async def test_whoever_is_rated_anew_shares_with_those_who_keep_their_terms(
    shop: Shop, runtime: Runtime, ctx: Ctx
) -> None:
    (ina, ben, eva), campaign = await clicks(shop, 3)
    enrollment = await shop.enrollment(campaign, eva)
    await shop.order(**sold("1.00"))
    assert await earned(shop) == {ina: Decimal("0.04"), ben: Decimal("0.03"), eva: Decimal("0.03")}
    await planned(shop, [{"key": "more", "kind": "PERCENTAGE", "rate": "0.17"}], enrollmentId=enrollment)
    asked = {**RANGE, "influencers": [eva], "reason": "Agreed."}

    preview = (await shop.client.data(RECOMPUTE, {"input": asked}))["recomputeCommissions"]
    await shop.client.data(RECOMPUTE, {"input": {**asked, "post": preview["post"]}})

    # 3.33, 3.33 and 5.67 pence: of 12 the one that is left goes to the largest remainder, and Ina's is taken back.
    assert summed(preview["results"][0]["differences"]) == {ina: Decimal("-0.01"), eva: Decimal("0.03")}
    assert await earned(shop) == {ina: Decimal("0.03"), ben: Decimal("0.03"), eva: Decimal("0.06")}
    again = (await shop.client.data(RECOMPUTE, {"input": {**asked, "influencers": None}}))["recomputeCommissions"]
    assert (again["post"], again["results"]) == (None, [])
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}


async def test_a_rejection_moves_nothing_to_the_others(shop: Shop, runtime: Runtime, ctx: Ctx) -> None:
    (ina, ben, eva), _ = await clicks(shop, 3)
    await shop.order(**sold("1.00"))
    rows = (await shop.client.data("{ commissions { nodes { id influencer { id } } } }"))["commissions"]["nodes"]
    mine = [row["id"] for row in rows if row["influencer"]["id"] == ina]
    sent = {"commissions": [{"id": mine[0], "reason": "Own click."}]}
    await shop.client.data(
        "mutation($sent: MoveCommissionsInput!) { rejectCommissions(input: $sent) { recordedCount } }", {"sent": sent}
    )

    asked = {**RANGE, "reason": "Nothing new."}
    preview = (await shop.client.data(RECOMPUTE, {"input": asked}))["recomputeCommissions"]
    assert preview["results"] == []
    await shop.write("editOrders", edited("2.00"))

    # 6.67 pence each: of 20 two are left, of which Ina's would have been the first.
    assert await earned(shop) == {ina: Decimal(0), ben: Decimal("0.07"), eva: Decimal("0.06")}
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}


async def test_a_credit_that_stays_shares_with_new_ones(shop: Shop, runtime: Runtime, ctx: Ctx) -> None:
    """An order is judged anew: another is credited in the place of the oldest, at a higher rate."""
    zoe, ina = await shop.influencer(), await shop.influencer()
    late = await shop.campaign(attributionModel="LINEAR", clickWindowDays=1, commissionRate="0.2")
    early = await shop.campaign(attributionModel="LINEAR", commissionRate="0.09")
    await shop.touch(zoe, late, ago=6 * DAY)
    await shop.touch(ina, early, ago=5 * DAY)
    (ben, eva), _ = await clicks(shop, 2)
    await shop.order(**sold("1.00"))
    # 3.00, 3.33 and 3.33 pence.
    assert await earned(shop) == {ina: Decimal("0.03"), ben: Decimal("0.04"), eva: Decimal("0.03")}
    refund = {"orderExternalId": "o", "externalId": "r", "occurredAt": iso(NOON), "amount": "0.50"}
    await shop.write("recordRefunds", {"refunds": [refund]})
    await shop.change_campaign(late, clickWindowDays=30)
    await shop.change_campaign(early, clickWindowDays=1)
    asked = {**RANGE, "reason": "Windows."}

    preview = (await shop.client.data(REATTRIBUTE, {"input": asked}))["recomputeAttribution"]
    await shop.client.data(REATTRIBUTE, {"input": {**asked, "post": preview["post"]}})

    # 6.67, 3.33 and 3.33 pence: of 13 the one that is left goes to Zoe, and Ben's is taken back. Half came back of all.
    halves = {zoe: "0.03", ina: "0.00", ben: "0.01", eva: "0.01"}
    assert await earned(shop) == {name: Decimal(amount) for name, amount in halves.items()}
    rows = (await shop.client.data("{ commissions(first: 50) { nodes { kind amount influencer { id } } } }"))[
        "commissions"
    ]["nodes"]
    assert sum(Decimal(row["amount"]) for row in rows if row["kind"] in ("ACCRUAL", "EDIT")) == Decimal("0.16")
    assert [row["amount"] for row in rows if row["kind"] == "EDIT"] == ["-0.01"]
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}
