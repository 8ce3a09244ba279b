"""Rules of fraud: what is held and why, and what becomes of it, through the public API."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.analytics.rollups.verify import verify
from app.core.context import Ctx, Role
from app.core.ids import new_id
from app.fraud import lookup
from app.runtime import Runtime
from app.usecases.approve_due import approve_due
from tests.client import Client
from tests.factories.orders import Look
from tests.scenarios.test_commission_plans import one, write
from tests.scenarios.test_program_api import at, created

pytestmark = pytest.mark.database

MakeKey = Callable[..., Awaitable[str]]
NOW = datetime.now(UTC).replace(microsecond=0)
HITS = "fraudHits { nodes { id rule state evidence { name value } commission { id state } influencer { name } } }"
RESULT = "results { outcome code path }"


async def offer(client: Client, *names: str, **more: Any) -> list[str]:
    """Influencers in a campaign of 10 %, each with a code of their name."""
    (campaign,) = await created(
        client,
        "campaigns",
        [{"name": "Spring", "startsAt": at(NOW - timedelta(days=365)), "commissionRate": "0.1"}],
    )
    made = await created(client, "influencers", [{"name": name, **more.get(name, {})} for name in names])
    await created(
        client,
        "codes",
        [
            {"influencerId": influencer, "campaignId": campaign, "code": name}
            for name, influencer in zip(names, made, strict=True)
        ],
    )
    return made


def order(name: str, code: str = "Ana", hours_ago: float = 48, **more: Any) -> dict[str, Any]:
    """An order of 100.00 by a code."""
    return {
        "externalId": name,
        "occurredAt": at(NOW - timedelta(hours=hours_ago)),
        "currency": "GBP",
        "total": "100.00",
        "lines": [{"kind": "ITEM", "amount": "100.00"}],
        "codes": [code],
        **more,
    }


async def record(client: Client, *orders: dict[str, Any]) -> None:
    """Record the orders."""
    results = await write(client, "recordOrders", {"orders": list(orders)})
    assert [each["outcome"] for each in results] == ["RECORDED"] * len(orders), results


async def found(client: Client) -> list[tuple[str, dict[str, str]]]:
    """Rule and evidence of all hits, oldest first."""
    nodes = (await client.data(f"{{ {HITS} }}"))["fraudHits"]["nodes"]
    return [(hit["rule"], {each["name"]: each["value"] for each in hit["evidence"]}) for hit in reversed(nodes)]


async def states(client: Client) -> list[str]:
    """The states of all commissions, in the order of their orders' ids."""
    nodes = (await client.data("{ commissions { nodes { state order { externalId } } } }"))["commissions"]["nodes"]
    return [node["state"] for node in sorted(nodes, key=lambda node: node["order"]["externalId"])]


async def test_without_rules_nothing_is_suspicious(client: Client) -> None:
    await offer(client, "Ana")

    await record(client, *(order(f"o-{number}") for number in range(30)))

    assert (await client.data(f"{{ {HITS} }}"))["fraudHits"]["nodes"] == []
    assert await states(client) == ["PENDING"] * 30


async def test_more_orders_in_a_short_time_than_the_rules_allow_are_held(client: Client) -> None:
    await offer(client, "Ana", "Bo")
    await one(client, "setFraudRules", {"velocityOrders": 2, "velocityHours": 2})

    await record(client, order("o-1", hours_ago=48), order("o-2", hours_ago=47.5), order("o-9", "Bo", hours_ago=47.5))
    # The third within two hours, one call later; one more in the same call; and one that comes when they are over.
    await record(client, order("o-3", hours_ago=46.5), order("o-4", hours_ago=46.4), order("o-5", hours_ago=40))

    assert await states(client) == ["PENDING", "PENDING", "HELD", "HELD", "PENDING", "PENDING"]
    limits = {"ordersMax": "2", "hours": "2"}
    assert await found(client) == [
        ("VELOCITY", {"ordersAtLeast": "3", **limits}),
        ("VELOCITY", {"ordersAtLeast": "4", **limits}),
    ]


async def test_orders_of_who_has_many_refunds_are_held(client: Client) -> None:
    await offer(client, "Ana")
    await one(client, "setFraudRules", {"refundShare": "0.5", "refundOrdersMin": 3})
    await record(client, order("o-1"), order("o-2"), order("o-3"))

    async def refund(name: str) -> None:
        sent = {"externalId": f"r-{name}", "orderExternalId": name, "occurredAt": at(NOW), "amount": "1.00"}
        await one(client, "recordRefunds", {"refunds": [sent]})

    await refund("o-1")
    await record(client, order("o-4"))
    await refund("o-2")
    await refund("o-3")
    await record(client, order("o-5"))

    assert await found(client) == [("REFUND_RATE", {"orders": "4", "refunded": "3", "shareMax": "0.5", "days": "90"})]
    (held,) = (await client.data("{ commissions(where: {state: [HELD]}) { nodes { order { externalId } } } }"))[
        "commissions"
    ]["nodes"]
    assert held["order"]["externalId"] == "o-5"


async def test_who_shares_an_account_with_another_is_suspicious(client: Client) -> None:
    ana, bo, cy, _ = await offer(
        client, "Ana", "Bo", "Cy", "Di", Ana={"email": "a@example.com"}, Bo={"email": "A@Example.com"}
    )
    for influencer in (ana, cy):
        method = {"influencerId": influencer, "currency": "GBP", "provider": "PAYPAL", "reference": "x@example.com"}
        await one(client, "upsertPayoutMethods", {"payoutMethods": [method]})
    await one(client, "setFraudRules", {"duplicateAccounts": True})

    await record(client, order("o-1", "Ana"), order("o-2", "Cy"), order("o-3", "Di"))

    assert await found(client) == [
        ("DUPLICATE_ACCOUNT", {"by": "EMAIL", "influencerId": bo, "accounts": "2"}),
        ("DUPLICATE_ACCOUNT", {"by": "PAYOUT_ACCOUNT", "influencerId": ana, "accounts": "1"}),
    ]
    assert await states(client) == ["HELD", "HELD", "PENDING"]


async def test_buyers_of_listed_domains_are_suspicious(client: Client) -> None:
    await offer(client, "Ana")
    await one(client, "setFraudRules", {"suspiciousDomains": ["Throwaway.example", "else.example"]})
    addresses = ("x@THROWAWAY.example", "y@mail.throwaway.example", "z@notthrowaway.example")
    customers = [{"externalId": f"c-{number}", "email": address} for number, address in enumerate(addresses)]
    await write(client, "upsertCustomers", {"customers": customers})

    await record(client, *(order(f"o-{number}", customer=f"c-{number}") for number in range(3)), order("o-3"))

    assert await found(client) == [
        ("SUSPICIOUS_DOMAIN", {"domain": "throwaway.example", "listed": "throwaway.example"}),
        ("SUSPICIOUS_DOMAIN", {"domain": "mail.throwaway.example", "listed": "throwaway.example"}),
    ]
    assert await states(client) == ["HELD", "HELD", "PENDING", "PENDING"]


async def test_who_seems_to_buy_from_themselves_is_suspicious(client: Client) -> None:
    await offer(client, "Ana Silva", "Bo", Bo={"customer": "c-bo"})
    await one(client, "setFraudRules", {"ownPurchases": True})
    await write(client, "upsertCustomers", {"customers": [{"externalId": "c-1", "name": "ana  SILVA"}]})
    # As a customer Bo was seen with this visitor, who then orders as somebody new.
    await record(client, order("o-0", "Ana Silva", visitorId="v-bo", customer="c-bo"))

    await record(
        client,
        order("o-1", "Ana Silva", customer="c-1"),
        order("o-2", "Bo", visitorId="v-bo", customer="c-new"),
        order("o-3", "Bo", visitorId="v-other", customer="c-2"),
    )

    (_, by_name), (_, by_visitor) = await found(client)
    assert (by_name["by"], by_visitor) == ("NAME", {"by": "VISITOR", "visitorId": "v-bo"})
    assert await states(client) == ["PENDING", "HELD", "HELD", "PENDING"]


async def test_a_hit_is_accepted_or_refused_and_both_are_kept(
    client: Client, runtime: Runtime, ctx: Ctx, make_key: MakeKey
) -> None:
    (ana,) = await offer(client, "Ana")
    await one(client, "setMoneyTerms", {"terms": [{"earnedWhen": "ORDERED", "holdDays": 0}]})
    await one(client, "setFraudRules", {"velocityOrders": 1, "ownPurchases": True, "suspiciousDomains": ["x.example"]})
    customers = [{"externalId": "c-1", "name": "Ana", "email": "a@x.example"}]
    await write(client, "upsertCustomers", {"customers": customers})
    await record(client, order("o-1"), order("o-2"), order("o-3", customer="c-1"))
    hits = (await client.data("{ fraudHits(where: {state: [OPEN]}) { nodes { id rule commission { id } } } }"))[
        "fraudHits"
    ]["nodes"]
    of_second, *of_third = sorted(
        hits, key=lambda hit: [each["commission"]["id"] for each in hits].count(hit["commission"]["id"])
    )
    assert {hit["rule"] for hit in of_third} == {"VELOCITY", "OWN_PURCHASE", "SUSPICIOUS_DOMAIN"}

    # By nothing else do they move on.
    await approve_due(runtime, ctx.tenant)
    assert await states(client) == ["APPROVED", "HELD", "HELD"]
    moved = {"commissions": [{"id": of_second["commission"]["id"], "reason": "x"}]}
    for verb in ("approve", "release", "reject"):
        document = f"mutation($input: MoveCommissionsInput!) {{ {verb}Commissions(input: $input) {{ {RESULT} }} }}"
        (result,) = (await client.data(document, {"input": moved}))[f"{verb}Commissions"]["results"]
        assert (result["outcome"], result["code"]) == ("REJECTED", "FRAUD_TO_BE_REVIEWED")

    finance = await make_key(Role.FINANCE)
    reviews: list[dict[str, Any]] = [
        {"id": of_second["id"], "accept": True, "reason": "Known."},
        {"id": of_third[0]["id"], "accept": True},
        {"id": of_third[1]["id"], "accept": False},
        {"id": of_third[1]["id"], "accept": False, "reason": "Bought it herself."},
        {"id": of_third[2]["id"], "accept": True},
        {"id": str(new_id()), "accept": True},
        {"id": of_second["id"], "accept": True},
    ]
    shown = "results { outcome code path hit { state reviewedBy reviewReason commission { state } } }"
    document = f"mutation($input: ReviewFraudInput!) {{ reviewFraud(input: $input) {{ {shown} }} }}"
    results = (await client.data(document, {"input": {"reviews": reviews}}, key=finance))["reviewFraud"]["results"]

    assert [(each["outcome"], each["code"]) for each in results] == [
        ("RECORDED", None),
        ("RECORDED", None),
        ("REJECTED", "BAD_USER_INPUT"),
        ("RECORDED", None),
        ("REJECTED", "FRAUD_REVIEWED"),
        ("REJECTED", "UNKNOWN_FRAUD_HIT"),
        ("REPLAYED", None),
    ]
    assert results[0]["hit"]["commission"]["state"] == "PENDING"
    assert (results[3]["hit"]["state"], results[3]["hit"]["reviewReason"]) == ("REJECTED", "Bought it herself.")
    assert len({results[0]["hit"]["reviewedBy"], results[3]["hit"]["reviewedBy"]} - {None}) == 1
    look = Look(runtime.db, ctx)
    (rejection,) = await look.rows("commissions", "kind = 'REJECTION'")
    assert rejection["amount_minor"] == -1_000
    audit = await look.rows("audit_log", "action = 'reviewFraud'")
    assert [row["detail"] for row in audit] == [{"recorded": 3, "replayed": 1, "rejected": 3}]
    assert await look.value("count(*)", "outbox", "topic LIKE 'fraud.%'") == 4 + 4
    owed = await look.value("sum(-amount_minor)", "ledger_entries", "influencer_id IS NOT NULL")
    assert owed == 2_000
    assert not [each for each in await verify(runtime.db, ctx.tenant_id) if each.off]

    await approve_due(runtime, ctx.tenant)
    assert (await states(client)).count("APPROVED") == 2
    # Who is suspected is not told by what.
    own = await client.data("{ fraudHits { totalCount } }", key=await make_key(Role.INFLUENCER, influencer_id=ana))
    assert own["fraudHits"]["totalCount"] == 0
    analyst = await make_key(Role.ANALYST)
    assert await client.error_codes(document, {"input": {"reviews": []}}, key=analyst) == ["FORBIDDEN"]


@pytest.mark.parametrize(
    "given",
    [
        {"velocityOrders": 0},
        {"velocityHours": None},
        {"refundShare": "1"},
        {"refundShare": "0.1234567"},
        {"refundDays": 9_999},
        {"suspiciousDomains": ["a@b.example"]},
        {"suspiciousDomains": ["nodots"]},
        {"ownPurchases": None},
    ],
)
async def test_rules_that_cannot_be_are_refused(client: Client, given: dict[str, Any]) -> None:
    document = f"mutation($input: SetFraudRulesInput!) {{ setFraudRules(input: $input) {{ {RESULT} }} }}"

    assert await client.error_codes(document, {"input": given}) == ["BAD_USER_INPUT"]
    shown = await client.data("{ fraudRules { velocityOrders velocityHours refundShare suspiciousDomains } }")
    assert shown["fraudRules"] == {
        "velocityOrders": None,
        "velocityHours": 24,
        "refundShare": None,
        "suspiciousDomains": [],
    }


async def test_orders_that_come_at_once_are_counted_one_after_the_other(client: Client) -> None:
    await offer(client, "Ana")
    await one(client, "setFraudRules", {"velocityOrders": 5})

    await asyncio.gather(*(record(client, order(f"o-{number}")) for number in range(20)))

    assert sorted(await states(client)) == ["HELD"] * 15 + ["PENDING"] * 5


async def test_an_order_with_several_credits_of_one_influencer_counts_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ana,) = await created(client, "influencers", [{"name": "Ana"}])
    spring = {"name": "Spring", "startsAt": at(NOW - timedelta(days=365)), "commissionRate": "0.1"}
    (campaign,) = await created(client, "campaigns", [{**spring, "attributionModel": "LINEAR"}])
    clicks = [
        {
            "kind": "CLICK",
            "occurredAt": at(NOW - timedelta(hours=50 + number)),
            "influencerId": ana,
            "campaignId": campaign,
            "visitorId": "v",
        }
        for number in range(6)
    ]
    await write(client, "recordInstances", {"instances": clicks})
    rules = {"velocityOrders": 3, "velocityHours": 24, "refundShare": "0.5", "refundOrdersMin": 4}
    await one(client, "setFraudRules", rules)
    monkeypatch.setattr(lookup, "ORDERS_MAX", 4)

    def sold(number: int) -> dict[str, Any]:
        return order(f"o-{number}", hours_ago=48 - number / 60, codes=[], visitorId="v")

    for number in range(5):
        await record(client, sold(number))

    assert sorted(await states(client)) == ["HELD"] * 12 + ["PENDING"] * 18
    hits = await found(client)
    assert [(rule, evidence["ordersAtLeast"]) for rule, evidence in hits] == [("VELOCITY", "4")] * 12

    for number in range(5):
        returned = {"externalId": f"r-{number}", "orderExternalId": f"o-{number}", "occurredAt": at(NOW)}
        await one(client, "recordRefunds", {"refunds": [{**returned, "amount": "1.00"}]})
    await record(client, sold(6))

    assert [
        (evidence["orders"], evidence["refunded"]) for rule, evidence in await found(client) if rule != "VELOCITY"
    ] == [("4", "4")] * 6
