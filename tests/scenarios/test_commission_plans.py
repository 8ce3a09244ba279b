"""Commission plans through the public API: made, versioned, assigned, previewed, earned by, and shown with the line."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core.context import Role
from app.core.ids import new_id
from tests.client import Client
from tests.scenarios.test_program_api import at, created

pytestmark = pytest.mark.database

MakeKey = Callable[..., Awaitable[str]]
NOW = datetime.now(UTC).replace(microsecond=0)
LAST_YEAR = at(NOW - timedelta(days=365))
RESULT = "results { outcome id code message path }"

TERMS: dict[str, Any] = {
    "effectiveFrom": LAST_YEAR,
    "rules": [
        {"key": "rest", "kind": "PERCENTAGE"},
        {
            "key": "cups",
            "kind": "PERCENTAGE",
            "priority": 1,
            "rate": "0.2",
            "when": {"categories": ["Cups"], "customerKind": "NEW"},
        },
    ],
    "bonuses": [{"key": "first", "metric": "ORDERS", "threshold": "1", "amount": "5.00"}],
    "caps": {"perOrder": "30.00"},
}


async def write(client: Client, field: str, given: dict[str, Any], result: str = RESULT) -> list[dict[str, Any]]:
    """The results of a mutation."""
    document = f"mutation($input: {field[0].upper()}{field[1:]}Input!) {{ {field}(input: $input) {{ {result} }} }}"
    found: list[dict[str, Any]] = (await client.data(document, {"input": given}))[field]["results"]
    return found


async def one(client: Client, field: str, given: dict[str, Any]) -> str:
    """The id that a mutation of one item recorded."""
    (result,) = await write(client, field, given)
    assert result["outcome"] == "RECORDED", result
    found: str = result["id"]
    return found


async def offer(client: Client) -> dict[str, str]:
    """A campaign of 10 %, with an influencer, a code and a product."""
    (ana,) = await created(client, "influencers", [{"name": "Ana"}])
    (campaign,) = await created(
        client, "campaigns", [{"name": "Spring", "startsAt": LAST_YEAR, "commissionRate": "0.1"}]
    )
    (enrollment,) = await created(client, "enrollments", [{"campaignId": campaign, "influencerId": ana}])
    await created(client, "codes", [{"influencerId": ana, "campaignId": campaign, "code": "ANA"}])
    await write(client, "upsertProducts", {"products": [{"externalId": "cup", "category": "Cups"}]})
    return {"influencer": ana, "campaign": campaign, "enrollment": enrollment}


def order(**more: Any) -> dict[str, Any]:
    """An order by the code: a cup and something else."""
    return {
        "externalId": "o-1",
        "occurredAt": at(NOW - timedelta(days=3)),
        "currency": "GBP",
        "total": "80.00",
        "lines": [
            {"kind": "ITEM", "amount": "50.00", "sku": "cup"},
            {"kind": "ITEM", "amount": "30.00", "sku": "salt"},
        ],
        "customer": "c-1",
        "codes": ["ana"],
        **more,
    }


PREVIEW = """query($order: OrderInput!) { previewCommission(order: $order) {
  attribution { rule winner { code } }
  commissions { kind amount currency rate cappedBy lacksExchangeRate influencer { name } campaign { name }
    planVersion { version plan { name } } lines { position sku amount rule rate } } } }"""

EARNED = """query { orders { nodes { commissions { kind amount planVersion { version plan { name } }
  lines { position amount rule rate product { externalId } } } } } }"""


async def test_a_plan_from_its_making_to_the_line_that_it_gave(client: Client, make_key: MakeKey) -> None:
    made = await offer(client)
    plan = await one(client, "createCommissionPlans", {"commissionPlans": [{"name": "Cups", "terms": TERMS}]})
    (again,) = await write(client, "createCommissionPlanVersions", {"versions": [{"planId": plan, "terms": TERMS}]})
    assert again["outcome"] == "REPLAYED"

    before = await client.data(PREVIEW, {"order": order()})
    assert [row["amount"] for row in before["previewCommission"]["commissions"]] == ["8.00"]
    await one(
        client,
        "assignCommissionPlans",
        {"assignments": [{"planId": plan, "campaignId": made["campaign"], "effectiveFrom": LAST_YEAR}]},
    )
    preview = (await client.data(PREVIEW, {"order": order()}))["previewCommission"]

    by = {"version": 1, "plan": {"name": "Cups"}}
    lines = [
        {"position": 0, "amount": "10.00", "rule": "cups", "rate": "0.200000"},
        {"position": 1, "amount": "3.00", "rule": "rest", "rate": "0.100000"},
    ]
    assert preview["attribution"] == {"rule": "CODE_AT_CHECKOUT", "winner": {"code": "ANA"}}
    assert preview["commissions"] == [
        {
            "kind": "ACCRUAL",
            "amount": "13.00",
            "currency": "GBP",
            "rate": None,
            "cappedBy": None,
            "lacksExchangeRate": False,
            "influencer": {"name": "Ana"},
            "campaign": {"name": "Spring"},
            "planVersion": by,
            "lines": [{**line, "sku": sku} for line, sku in zip(lines, ("cup", "salt"), strict=True)],
        },
        {
            "kind": "BONUS",
            "amount": "5.00",
            "currency": "GBP",
            "rate": None,
            "cappedBy": None,
            "lacksExchangeRate": False,
            "influencer": {"name": "Ana"},
            "campaign": {"name": "Spring"},
            "planVersion": by,
            "lines": [{"position": -1, "sku": None, "amount": "5.00", "rule": "first", "rate": None}],
        },
    ]
    # Nothing was written: neither the order nor its customer and product.
    known = await client.data("{ orders { totalCount } customers { totalCount } products { totalCount } }")
    assert known == {"orders": {"totalCount": 0}, "customers": {"totalCount": 0}, "products": {"totalCount": 1}}

    (recorded,) = await write(
        client,
        "recordOrders",
        {"orders": [order()]},
        "results { outcome commissions { rate amount planVersionId } }",
    )
    assert [row["amount"] for row in recorded["commissions"]] == ["13.00"]
    shown = (await client.data(EARNED))["orders"]["nodes"][0]["commissions"]
    sold = [{**line, "product": {"externalId": sku}} for line, sku in zip(lines, ("cup", "salt"), strict=True)]
    rest = {"position": -1, "amount": "5.00", "rule": "first", "rate": None, "product": None}
    assert sorted(shown, key=lambda row: row["kind"]) == [
        {"kind": "ACCRUAL", "amount": "13.00", "planVersion": by, "lines": sold},
        {"kind": "BONUS", "amount": "5.00", "planVersion": by, "lines": [rest]},
    ]

    # A further version holds for later orders; an edit and a refund keep to what the order was booked by.
    later = {**TERMS, "effectiveFrom": at(NOW - timedelta(days=2)), "rules": [{**TERMS["rules"][0], "rate": "0.5"}]}
    await one(client, "createCommissionPlanVersions", {"versions": [{"planId": plan, "terms": later}]})
    newer = order(externalId="o-2", occurredAt=at(NOW - timedelta(days=1)))
    preview = (await client.data(PREVIEW, {"order": newer}))["previewCommission"]["commissions"]
    assert [(row["amount"], row["cappedBy"], row["planVersion"]["version"]) for row in preview] == [
        ("30.00", "ORDER", 2)
    ]
    edited = {
        "orderExternalId": "o-1",
        "occurredAt": at(NOW),
        "total": "60.00",
        "lines": [
            {"kind": "ITEM", "amount": "40.00", "sku": "cup"},
            {"kind": "ITEM", "amount": "20.00", "sku": "salt"},
        ],
    }
    await write(client, "editOrders", {"edits": [edited]})
    refund = {"orderExternalId": "o-1", "externalId": "r-1", "occurredAt": at(NOW), "lines": [{"position": 1}]}
    await write(client, "recordRefunds", {"refunds": [refund]})
    found = (await client.data("{ commissions { nodes { kind amount lines { position amount } } } }"))["commissions"]
    assert {(row["kind"], row["amount"]) for row in found["nodes"]} == {
        ("ACCRUAL", "13.00"),
        ("BONUS", "5.00"),
        ("EDIT", "-3.00"),
        ("REVERSAL", "-2.00"),
    }

    own = await make_key(Role.INFLUENCER, influencer_id=made["influencer"])
    seen = await client.data(
        """{ commissionPlans { totalCount } commissions { nodes {
          kind planVersion { id } lines { rule } appliedRules { key version kind rate amount threshold } } } }""",
        key=own,
    )
    assert seen["commissionPlans"]["totalCount"] == 0
    assert {line["rule"] for row in seen["commissions"]["nodes"] for line in row["lines"]} >= {"cups", "rest"}
    assert {row["planVersion"] for row in seen["commissions"]["nodes"]} == {None}
    told = {row["kind"]: row["appliedRules"] for row in seen["commissions"]["nodes"]}
    assert (
        told["ACCRUAL"]
        == told["EDIT"]
        == [
            {"key": "rest", "version": 1, "kind": "PERCENTAGE", "rate": None, "amount": None, "threshold": None},
            {"key": "cups", "version": 1, "kind": "PERCENTAGE", "rate": "0.200000", "amount": None, "threshold": None},
        ]
    )
    assert told["BONUS"] == [
        {"key": "first", "version": 1, "kind": None, "rate": None, "amount": "5.00", "threshold": "1"}
    ]
    assert told["REVERSAL"] == []
    assert await client.error_codes(PREVIEW, {"order": newer}, key=own) == ["FORBIDDEN"]


async def test_plans_are_listed_with_what_they_say(client: Client) -> None:
    made = await offer(client)
    terms = {
        "effectiveFrom": LAST_YEAR,
        "period": "QUARTER",
        "rules": [
            {
                "key": "steps",
                "kind": "TIERS",
                "mode": "WHOLE_VOLUME",
                "tiers": [{"from": "0", "rate": "0.05"}, {"from": "1000.00", "rate": "0.1"}],
                "when": {"codes": ["ana"], "countries": ["de"], "products": ["cup"]},
                "recurring": {"ordersMax": 3, "monthsMax": 12},
            },
            {"key": "each", "kind": "PER_ITEM", "amount": "0.50"},
        ],
        "caps": {"perOrder": "1.00", "perPeriod": "2.00", "perInfluencer": "3.00", "perCampaign": "4.00"},
    }
    plan = await one(
        client, "createCommissionPlans", {"commissionPlans": [{"name": "All", "externalId": "all", "terms": terms}]}
    )
    (again,) = await write(
        client, "createCommissionPlans", {"commissionPlans": [{"name": "All", "externalId": "all", "terms": terms}]}
    )
    assert (again["outcome"], again["id"]) == ("REPLAYED", plan)
    await one(client, "updateCommissionPlans", {"commissionPlans": [{"id": plan, "name": "Everything"}]})
    for place in ({"enrollmentId": made["enrollment"]}, {}):
        await one(
            client,
            "assignCommissionPlans",
            {"assignments": [{"planId": plan, "effectiveFrom": LAST_YEAR, **place}]},
        )

    shown = await client.data(
        """query($id: ID!) {
          commissionPlan(id: $id) { name externalId
            versions { nodes { version period currency
              rules { key kind priority rate amount mode metric tiers { from rate }
                when { products categories countries codes customerKind } recurring { ordersMax monthsMax } }
              bonuses { key } caps { perOrder perPeriod perInfluencer perCampaign } } }
            assignments { nodes { campaign { name } enrollment { influencer { name } } } } }
          commissionPlans(where: {externalId: {in: ["all"]}}) { totalCount }
          commissionPlanAssignments(where: {enrollment: {isNull: true}}) { totalCount }
        }""",
        {"id": plan},
    )

    assert shown["commissionPlan"] == {
        "name": "Everything",
        "externalId": "all",
        "versions": {
            "nodes": [
                {
                    "version": 1,
                    "period": "QUARTER",
                    "currency": "GBP",
                    "rules": [
                        {
                            "key": "steps",
                            "kind": "TIERS",
                            "priority": 0,
                            "rate": None,
                            "amount": None,
                            "mode": "WHOLE_VOLUME",
                            "metric": "REVENUE",
                            "tiers": [{"from": "0.00", "rate": "0.050000"}, {"from": "1000.00", "rate": "0.100000"}],
                            "when": {
                                "products": ["cup"],
                                "categories": [],
                                "countries": ["DE"],
                                "codes": ["ANA"],
                                "customerKind": None,
                            },
                            "recurring": {"ordersMax": 3, "monthsMax": 12},
                        },
                        {
                            "key": "each",
                            "kind": "PER_ITEM",
                            "priority": 0,
                            "rate": None,
                            "amount": "0.50",
                            "mode": None,
                            "metric": None,
                            "tiers": [],
                            "when": {
                                "products": [],
                                "categories": [],
                                "countries": [],
                                "codes": [],
                                "customerKind": None,
                            },
                            "recurring": None,
                        },
                    ],
                    "bonuses": [],
                    "caps": {
                        "perOrder": "1.00",
                        "perPeriod": "2.00",
                        "perInfluencer": "3.00",
                        "perCampaign": "4.00",
                    },
                }
            ]
        },
        "assignments": {
            "nodes": [
                {"campaign": None, "enrollment": {"influencer": {"name": "Ana"}}},
                {"campaign": None, "enrollment": None},
            ]
        },
    }
    assert shown["commissionPlans"]["totalCount"] == 1
    assert shown["commissionPlanAssignments"]["totalCount"] == 1


RATE: dict[str, Any] = {"key": "a", "kind": "PERCENTAGE", "rate": "0.1"}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"rules": []}, ["rules"]),
        ({"rules": [RATE, RATE]}, ["rules", "1", "key"]),
        ({"rules": [{**RATE, "key": "no spaces"}]}, ["rules", "0", "key"]),
        ({"rules": [{**RATE, "rate": "1.1"}]}, ["rules", "0", "rate"]),
        ({"rules": [{**RATE, "amount": "1.00"}]}, ["rules", "0", "amount"]),
        ({"rules": [{"key": "a", "kind": "PER_ITEM"}]}, ["rules", "0", "amount"]),
        ({"rules": [{"key": "a", "kind": "PER_ITEM", "amount": "-1"}]}, ["rules", "0", "amount"]),
        ({"rules": [{"key": "a", "kind": "PER_ITEM", "amount": "1.005"}]}, ["rules", "0", "amount"]),
        ({"rules": [{"key": "a", "kind": "TIERS"}]}, ["rules", "0", "tiers"]),
        (
            {"rules": [{"key": "a", "kind": "TIERS", "tiers": [{"from": "1", "rate": "0.1"}]}]},
            ["rules", "0", "tiers", "0", "from"],
        ),
        (
            {
                "rules": [
                    {
                        "key": "a",
                        "kind": "TIERS",
                        "mode": "WHOLE_VOLUME",
                        "tiers": [{"from": "0", "rate": "0.2"}, {"from": "5", "rate": "0.1"}],
                    }
                ]
            },
            ["rules", "0", "tiers", "1", "rate"],
        ),
        ({"rules": [{**RATE, "when": {"countries": ["Germany"]}}]}, ["rules", "0", "when", "countries"]),
        ({"rules": [{**RATE, "recurring": {}}]}, ["rules", "0", "recurring"]),
        ({"bonuses": [{"key": "b", "threshold": "0", "amount": "1"}]}, ["bonuses", "0"]),
        ({"caps": {"perOrder": "-1"}}, ["caps", "perOrder"]),
        ({"effectiveFrom": "1960-01-01T00:00:00Z"}, ["effectiveFrom"]),
    ],
)
async def test_what_a_plan_cannot_be(client: Client, change: dict[str, Any], path: list[str]) -> None:
    terms = {"effectiveFrom": LAST_YEAR, "rules": [RATE], **change}

    (refused,) = await write(client, "createCommissionPlans", {"commissionPlans": [{"name": "x", "terms": terms}]})

    assert refused["outcome"] == "REJECTED"
    assert refused["code"] in {"BAD_USER_INPUT", "INVALID_AMOUNT"}
    assert refused["path"] == ["commissionPlans", "0", "terms", *path]
    assert (await client.data("{ commissionPlans { totalCount } }"))["commissionPlans"]["totalCount"] == 0


async def test_a_plan_is_assigned_to_what_there_is(client: Client) -> None:
    made = await offer(client)
    plan = await one(client, "createCommissionPlans", {"commissionPlans": [{"name": "Cups", "terms": TERMS}]})
    nobody, since = str(new_id()), {"effectiveFrom": LAST_YEAR}

    results = await write(
        client,
        "assignCommissionPlans",
        {
            "assignments": [
                {"planId": nobody, **since},
                {"planId": plan, "campaignId": nobody, **since},
                {"planId": plan, "enrollmentId": nobody, **since},
                {"planId": plan, "campaignId": made["campaign"], "enrollmentId": made["enrollment"], **since},
                {"planId": plan, **since},
                {"planId": plan, **since},
                {**since},
            ]
        },
    )

    assert [(result["outcome"], result["code"]) for result in results] == [
        ("REJECTED", "NOT_FOUND"),
        ("REJECTED", "UNKNOWN_CAMPAIGN"),
        ("REJECTED", "NOT_FOUND"),
        ("REJECTED", "BAD_USER_INPUT"),
        ("RECORDED", None),
        ("REPLAYED", None),
        ("RECORDED", None),
    ]
    (missing,) = await write(client, "createCommissionPlanVersions", {"versions": [{"planId": nobody, "terms": TERMS}]})
    assert (missing["code"], missing["path"]) == ("NOT_FOUND", ["versions", "0", "planId"])


RECOMPUTE = """mutation($input: RecomputeCommissionsInput!) { recomputeCommissions(input: $input) {
  isPreview post orderCount results { outcome order { externalId }
    differences { kind amount influencer { name } } } } }"""


REATTRIBUTE = """mutation($input: RecomputeAttributionInput!) { recomputeAttribution(input: $input) { orderCount } }"""


@pytest.mark.parametrize(
    ("document", "name", "code"),
    [
        (RECOMPUTE, "influencers", "UNKNOWN_INFLUENCER"),
        (RECOMPUTE, "campaigns", "UNKNOWN_CAMPAIGN"),
        (REATTRIBUTE, "campaigns", "UNKNOWN_CAMPAIGN"),
    ],
)
async def test_whom_nobody_knows_is_not_recomputed_for(client: Client, document: str, name: str, code: str) -> None:
    made = await offer(client)
    known = {"campaigns": made["campaign"], "influencers": made["influencer"]}[name]
    asked = {"from": at(NOW - timedelta(days=30)), "until": at(NOW), "reason": "Agreed in spring."}
    nobody = str(new_id())

    payload = await client.query(document, {"input": {**asked, name: [known, nobody]}})

    (error,) = payload["errors"]
    assert error["extensions"] == {"code": code, "path": [name, "1"]}
    assert nobody in error["message"]


async def test_a_version_dated_back_is_posted_as_differences(client: Client, make_key: MakeKey) -> None:
    made = await offer(client)
    orders = [
        order(externalId=f"o-{day}", occurredAt=at(NOW - timedelta(days=day)), customer=None) for day in (5, 4, 3)
    ]
    await write(client, "recordOrders", {"orders": orders})
    rules = [
        {
            "key": "steps",
            "kind": "TIERS",
            "tiers": [{"from": "0", "rate": "0.1"}, {"from": "120.00", "rate": "0.2"}],
        }
    ]
    terms = {"effectiveFrom": LAST_YEAR, "period": "ALL_TIME", "rules": rules}
    plan = await one(client, "createCommissionPlans", {"commissionPlans": [{"name": "Steps", "terms": terms}]})
    since = {"planId": plan, "campaignId": made["campaign"], "effectiveFrom": at(NOW - timedelta(days=6))}
    await one(client, "assignCommissionPlans", {"assignments": [since]})
    asked = {
        "from": at(NOW - timedelta(days=30)),
        "until": at(NOW),
        "reason": "Agreed in spring.",
        "idempotencyKey": "k",
    }

    preview = (await client.data(RECOMPUTE, {"input": {**asked, "idempotencyKey": None}}))["recomputeCommissions"]

    def moved(name: str, amount: str) -> dict[str, Any]:
        return {
            "outcome": "RECORDED",
            "order": {"externalId": name},
            "differences": [{"kind": "EDIT", "amount": amount, "influencer": {"name": "Ana"}}],
        }

    assert (preview["isPreview"], preview["orderCount"]) == (True, 3)
    assert preview["results"] == [moved("o-4", "4.00"), moved("o-3", "8.00")]
    sums = "{ commissions { nodes { amount } } }"
    before = await client.data(sums)
    assert [row["amount"] for row in before["commissions"]["nodes"]] == ["8.00"] * 3

    analyst = await make_key(Role.ANALYST)
    refused = await client.error_codes(RECOMPUTE, {"input": {**asked, "post": preview["post"]}}, key=analyst)
    assert refused == ["FORBIDDEN"]
    stale = await client.error_codes(RECOMPUTE, {"input": {**asked, "idempotencyKey": None, "post": "0" * 64}})
    assert stale == ["PREVIEW_OUTDATED"]
    for _ in range(2):
        posted = (await client.data(RECOMPUTE, {"input": {**asked, "post": preview["post"]}}))["recomputeCommissions"]
        assert (posted["isPreview"], posted["post"], posted["orderCount"]) == (False, None, 3)
        assert posted["results"] == preview["results"]

    after = (await client.data(sums))["commissions"]["nodes"]
    # The first order earns what it did, by other terms: an edit of nothing says by which.
    assert sorted(row["amount"] for row in after) == ["0.00", "4.00", "8.00", "8.00", "8.00", "8.00"]
    again = (await client.data(RECOMPUTE, {"input": {**asked, "idempotencyKey": None}}))["recomputeCommissions"]
    assert (again["post"], again["results"]) == (None, [])
    # Later orders are counted after all that was counted anew.
    later = order(externalId="o-1", occurredAt=at(NOW - timedelta(days=1)), customer=None)
    (recorded,) = await write(client, "recordOrders", {"orders": [later]}, "results { commissions { amount } }")
    assert recorded["commissions"] == [{"amount": "16.00"}]
