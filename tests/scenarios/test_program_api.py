"""A store and its program through the public API alone: what is written is what is read, nested and paged."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core.context import Role
from tests.client import Client

NOW = datetime.now(UTC).replace(microsecond=0)
WEEK_AGO = NOW - timedelta(days=7)

RESULT = "results { index outcome id externalId code message path } recordedCount replayedCount rejectedCount"

MakeKey = Callable[..., Awaitable[str]]


def at(moment: datetime) -> str:
    return moment.isoformat()


async def created(client: Client, kind: str, items: list[dict[str, Any]]) -> list[str]:
    """Ids of new rows of this kind, such as `campaigns`."""
    name = f"create{kind.title()}"
    document = f"mutation($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input) {{ {RESULT} }} }}"
    payload = (await client.data(document, {"input": {kind: items}}))[name]
    assert payload["recordedCount"] == len(items), payload
    return [result["id"] for result in payload["results"]]


def order(external_id: str, **more: Any) -> dict[str, Any]:
    return {
        "externalId": external_id,
        "occurredAt": at(WEEK_AGO),
        "currency": "GBP",
        "total": "24.00",
        "lines": [
            {"kind": "ITEM", "amount": "20.00", "quantity": 2, "sku": "sauce", "title": "Hot sauce"},
            {"kind": "SHIPPING", "amount": "4.00"},
        ],
        **more,
    }


async def record_orders(client: Client, orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
    document = """mutation($input: RecordOrdersInput!) { recordOrders(input: $input) { results {
      outcome id externalId code message path
      attribution { model rule winner { code } candidates { credit rejected touch { kind influencer { id } } } }
      commissions { influencerId campaignId rate amount currency }
      order { id total grossRevenue codes lines { kind amount product { externalId } } customer { externalId } }
    } } }"""
    found: list[dict[str, Any]] = (await client.data(document, {"input": {"orders": orders}}))["recordOrders"][
        "results"
    ]
    return found


async def test_from_a_store_to_an_influencer(client: Client, make_key: MakeKey) -> None:
    ana, bo = await created(
        client,
        "influencers",
        [
            {
                "name": "Ana",
                "externalId": "ana",
                "country": "PT",
                "profiles": [{"platform": "TIKTOK", "handle": "@ana", "followers": 12000}],
            },
            {"name": "Bo"},
        ],
    )
    (campaign,) = await created(
        client,
        "campaigns",
        [
            {
                "name": "Spring",
                "startsAt": at(NOW - timedelta(days=30)),
                "commissionRate": "0.1",
                "budget": "1000.00",
                "salesGoal": "5000.00",
                "engagementGoal": 300,
            }
        ],
    )
    enrollment, _ = await created(
        client,
        "enrollments",
        [
            {"campaignId": campaign, "influencerId": ana, "commissionRate": "0.15"},
            {"campaignId": campaign, "influencerId": bo},
        ],
    )
    (link,) = await created(
        client,
        "links",
        [{"influencerId": bo, "campaignId": campaign, "url": "https://store.example/sauce", "platform": "YOUTUBE"}],
    )
    await created(client, "codes", [{"influencerId": ana, "campaignId": campaign, "code": "ana10"}])
    clicked = await client.data(
        f"mutation($input: RecordInstancesInput!) {{ recordInstances(input: $input) {{ {RESULT} }} }}",
        {
            "input": {
                "instances": [
                    {
                        "kind": "CLICK",
                        "occurredAt": at(WEEK_AGO - timedelta(hours=1)),
                        "linkId": link,
                        "visitorId": "v-1",
                    },
                    {"kind": "CLICK", "occurredAt": at(WEEK_AGO), "linkId": "no such id"},
                ]
            }
        },
    )
    assert [result["outcome"] for result in clicked["recordInstances"]["results"]] == ["RECORDED", "REJECTED"]

    by_code, by_click, by_nobody = await record_orders(
        client,
        [
            order("o-1", codes=["ANA10"], visitorId="v-1", customer="c-1"),
            order("o-2", visitorId="v-1", occurredAt=at(WEEK_AGO + timedelta(hours=1))),
            order("o-3"),
        ],
    )

    assert by_code["attribution"]["rule"] == "CODE_AT_CHECKOUT"
    assert by_code["attribution"]["winner"] == {"code": "ANA10"}
    assert by_code["commissions"] == [
        {"influencerId": ana, "campaignId": campaign, "rate": "0.15", "amount": "3.00", "currency": "GBP"}
    ]
    assert by_code["order"]["customer"] == {"externalId": "c-1"}
    assert by_code["order"]["lines"] == [
        {"kind": "ITEM", "amount": "20.00", "product": {"externalId": "sauce"}},
        {"kind": "SHIPPING", "amount": "4.00", "product": None},
    ]
    assert [(earned["influencerId"], earned["amount"]) for earned in by_click["commissions"]] == [(bo, "2.00")]
    assert (by_nobody["attribution"]["rule"], by_nobody["commissions"]) == ("NO_TOUCH", [])

    refunded = await client.data(
        """mutation($input: RecordRefundsInput!) { recordRefunds(input: $input) {
          results { outcome state amount refund { lines { position amount } order { externalId } } }
        } }""",
        {
            "input": {
                "refunds": [
                    {
                        "externalId": "r-1",
                        "orderExternalId": "o-1",
                        "occurredAt": at(NOW),
                        "lines": [{"position": 0, "quantity": 1}],
                    },
                    {"externalId": "r-2", "orderExternalId": "later", "occurredAt": at(NOW), "amount": "1.00"},
                ]
            }
        },
    )
    assert refunded["recordRefunds"]["results"] == [
        {
            "outcome": "RECORDED",
            "state": "APPLIED",
            "amount": "10.00",
            "refund": {"lines": [{"position": 0, "amount": "10.00"}], "order": {"externalId": "o-1"}},
        },
        {
            "outcome": "RECORDED",
            "state": "WAITING",
            "amount": None,
            "refund": {"lines": [], "order": None},
        },
    ]

    shown = await client.data(
        """query($id: ID!) {
          node(id: $id) { ... on Enrollment {
            commissionRate campaign { name budget salesGoal engagementGoal } influencer { name profiles { handle } }
            orders(first: 5) { totalCount nodes { externalId refunds { externalId } commissions { kind amount } } }
          } }
        }""",
        {"id": enrollment},
    )
    assert shown["node"] == {
        "commissionRate": "0.150000",
        "campaign": {"name": "Spring", "budget": "1000.00", "salesGoal": "5000.00", "engagementGoal": 300},
        "influencer": {"name": "Ana", "profiles": [{"handle": "ana"}]},
        "orders": {
            "totalCount": 1,
            "nodes": [
                {
                    "externalId": "o-1",
                    "refunds": [{"externalId": "r-1"}],
                    "commissions": [
                        {"kind": "ACCRUAL", "amount": "3.00"},
                        {"kind": "REVERSAL", "amount": "-1.50"},
                    ],
                }
            ],
        },
    }

    own = await client.data(
        """{ influencers { nodes { name } } campaigns { nodes { name enrollments { nodes { influencer { name } } } } }
          orders { nodes { externalId attribution { rule winner { influencer { name } } } } }
          instances { nodes { kind } } commissions { totalCount } refunds { nodes { externalId } }
          adjustments { totalCount } }""",
        key=await make_key(Role.INFLUENCER, influencer_id=ana),
    )
    assert own["influencers"]["nodes"] == [{"name": "Ana"}]
    assert own["campaigns"]["nodes"] == [
        {"name": "Spring", "enrollments": {"nodes": [{"influencer": {"name": "Ana"}}]}}
    ]
    why = {"rule": "CODE_AT_CHECKOUT", "winner": {"influencer": {"name": "Ana"}}}
    assert own["orders"]["nodes"] == [{"externalId": "o-1", "attribution": why}]
    assert own["refunds"]["nodes"] == [{"externalId": "r-1"}]
    assert own["commissions"]["totalCount"] == 2
    assert own["adjustments"]["totalCount"] == 0
    assert {instance["kind"] for instance in own["instances"]["nodes"]} == {"PURCHASE"}


async def test_what_happens_to_an_order_afterwards(client: Client) -> None:
    (recorded,) = await record_orders(client, [order("o-1")])
    edited = await client.data(
        """mutation($input: EditOrdersInput!) { editOrders(input: $input) {
          results { outcome version code order { total lines { amount } } } } }""",
        {
            "input": {
                "edits": [
                    {
                        "orderExternalId": "o-1",
                        "occurredAt": at(NOW),
                        "total": "14.00",
                        "lines": [{"kind": "ITEM", "amount": "14.00", "sku": "sauce"}],
                    }
                ]
            }
        },
    )
    assert edited["editOrders"]["results"] == [
        {
            "outcome": "RECORDED",
            "version": 2,
            "code": None,
            "order": {"total": "14.00", "lines": [{"amount": "14.00"}]},
        }
    ]

    told = await client.data(
        """mutation($paid: RecordOrderEventsInput!, $gone: CancelOrdersInput!) {
          recordOrderEvents(input: $paid) { results { outcome refunded } }
          cancelOrders(input: $gone) { results { outcome refunded order { events { kind } } } }
        }""",
        {
            "paid": {"events": [{"orderExternalId": "o-1", "kind": "PAID", "occurredAt": at(NOW)}]},
            "gone": {"cancellations": [{"orderExternalId": "o-1", "occurredAt": at(NOW), "reason": "changed mind"}]},
        },
    )
    assert told["recordOrderEvents"]["results"] == [{"outcome": "RECORDED", "refunded": "0.00"}]
    (cancelled,) = told["cancelOrders"]["results"]
    assert (cancelled["outcome"], cancelled["refunded"]) == ("RECORDED", "14.00")
    assert {event["kind"] for event in cancelled["order"]["events"]} >= {"PAID", "CANCELLED"}

    noted = await client.data(
        """mutation($input: RecordAdjustmentsInput!) { recordAdjustments(input: $input) {
          results { outcome adjustment { amount product { title } } } } }""",
        {
            "input": {
                "adjustments": [
                    {
                        "externalId": "a-1",
                        "occurredAt": at(NOW),
                        "currency": "GBP",
                        "amount": "5.25",
                        "sku": "salsa",
                        "title": "Salsa",
                    }
                ]
            }
        },
    )
    assert noted["recordAdjustments"]["results"] == [
        {"outcome": "RECORDED", "adjustment": {"amount": "5.25", "product": {"title": "Salsa"}}}
    ]
    again = await client.data(
        "query($id: ID!) { node(id: $id) { id ... on Order { version } } }", {"id": recorded["id"]}
    )
    assert again["node"] == {"id": recorded["id"], "version": 2}


async def test_customers_and_products_are_brought_up_to_date(client: Client, make_key: MakeKey) -> None:
    document = """mutation($customers: UpsertCustomersInput!, $products: UpsertProductsInput!) {
      upsertCustomers(input: $customers) { results { outcome customer { country identity { email name } } } }
      upsertProducts(input: $products) { results { outcome code path product { title category } } }
    }"""
    given = {
        "customers": {"customers": [{"externalId": "c-1", "email": "ana@example.com", "country": "PT"}]},
        "products": {"products": [{"externalId": "sauce", "title": "Hot sauce"}, {"externalId": "", "title": "x"}]},
    }

    first = await client.data(document, given)
    given["customers"]["customers"][0] = {"externalId": "c-1", "name": "Ana"}
    second = await client.data(document, given)

    assert first["upsertCustomers"]["results"] == [
        {
            "outcome": "RECORDED",
            "customer": {"country": "PT", "identity": {"email": "ana@example.com", "name": None}},
        }
    ]
    assert second["upsertCustomers"]["results"][0]["customer"]["identity"] == {
        "email": "ana@example.com",
        "name": "Ana",
    }
    assert [result["outcome"] for result in second["upsertProducts"]["results"]] == ["REPLAYED", "REJECTED"]
    assert second["upsertProducts"]["results"][1]["path"] == ["products", "1", "externalId"]
    analyst = await make_key(Role.ANALYST)
    assert await client.error_codes("{ customers { nodes { id } } }", key=analyst) == ["FORBIDDEN"]


async def test_a_second_write_of_one_request_is_seen(client: Client) -> None:
    (ana,) = await created(client, "influencers", [{"name": "Ana"}])

    shown = await client.data(
        """mutation($id: ID!) {
          first: updateInfluencers(input: {influencers: [{id: $id, name: "Anna"}]}) { results { influencer { name } } }
          second: updateInfluencers(input: {influencers: [{id: $id, name: "Anne"}]}) { results { influencer { name } } }
        }""",
        {"id": ana},
    )

    assert shown["first"]["results"][0]["influencer"] == {"name": "Anna"}
    assert shown["second"]["results"][0]["influencer"] == {"name": "Anne"}


@pytest.mark.parametrize("campaigns", [2, 50])
async def test_a_nested_page_costs_one_statement_per_family(
    client: Client, count_statements: Callable[[], Any], campaigns: int
) -> None:
    influencers = await created(client, "influencers", [{"name": f"i{number}"} for number in range(4)])
    made = await created(
        client,
        "campaigns",
        [
            {"name": f"c{number}", "startsAt": at(NOW - timedelta(days=30)), "commissionRate": "0.1"}
            for number in range(campaigns)
        ],
    )
    await created(
        client,
        "enrollments",
        [{"campaignId": campaign, "influencerId": influencer} for campaign in made for influencer in influencers],
    )
    await created(
        client,
        "codes",
        [
            {"campaignId": campaign, "influencerId": influencers[place % 4], "code": f"code{place}"}
            for place, campaign in enumerate(made)
        ],
    )
    await record_orders(
        client,
        [
            order(f"o-{place}-{turn}", codes=[f"code{place}"], occurredAt=at(WEEK_AGO + timedelta(hours=turn)))
            for place in range(campaigns)
            for turn in range(3)
        ],
    )

    with count_statements() as statements:
        shown = await client.data(
            """{ campaigns(first: 50) { nodes { enrollments(first: 4) { nodes {
              influencer { name } orders(first: 2) { nodes { externalId lines { amount } } }
            } } } } }"""
        )

    enrolled = [node for campaign in shown["campaigns"]["nodes"] for node in campaign["enrollments"]["nodes"]]
    latest = [[each["externalId"] for each in node["orders"]["nodes"]] for node in enrolled]
    assert len(enrolled) == campaigns * 4
    assert sorted(filter(None, latest)) == sorted([f"o-{place}-2", f"o-{place}-1"] for place in range(campaigns))
    tags = [statement.split("*/")[0].strip("/* ") for statement in statements if statement.startswith("/*")]
    assert sorted(tags) == [
        "campaigns.page",
        "enrollment_orders.pages",
        "enrollments.pages",
        "influencers.get_many",
        "order_lines.get_children",
    ]


async def test_lists_are_filtered_by_codes_in_any_case(client: Client) -> None:
    (ana,) = await created(client, "influencers", [{"name": "Ana"}])
    await created(client, "codes", [{"influencerId": ana, "code": code} for code in ("Ana10", "ana20", "BO")])
    click = {"kind": "CODE", "code": "ana10", "occurredAt": at(WEEK_AGO)}
    document = "mutation($input: RecordInstancesInput!) { recordInstances(input: $input) { recordedCount } }"
    await client.data(document, {"input": {"instances": [click]}})

    async def found(field: str, condition: str) -> list[str]:
        data = await client.data(f"{{ {field}(where: {{code: {condition}}}) {{ nodes {{ code }} }} }}")
        return sorted(node["code"] for node in data[field]["nodes"])

    assert await found("codes", '{in: ["ana10", " Bo"]}') == ["ANA10", "BO"]
    assert await found("codes", '{notIn: ["bo"]}') == ["ANA10", "ANA20"]
    assert await found("codes", '{startsWith: "ana"}') == ["ANA10", "ANA20"]
    assert await found("instances", '{in: ["Ana10"]}') == ["ANA10"]
    grouped = await client.data(
        """{ analytics(range: {last: {n: 30, unit: DAY}}, where: {code: {in: ["ana10"]}}) {
          groups(by: [{dimension: {name: CODE}}]) { nodes { key { code } measures { conversionRate } } }
        } }"""
    )
    # A ratio of 0 is shown: 0 of 1.
    (node,) = grouped["analytics"]["groups"]["nodes"]
    assert node["key"]["code"] == "ANA10"
    assert float(node["measures"]["conversionRate"]) == 0
