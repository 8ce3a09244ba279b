"""A value that cannot be read refuses its item, wherever it stands in it; the rest of the batch is recorded."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from tests.client import Client

pytestmark = pytest.mark.database

AT = (datetime.now(UTC) - timedelta(days=3)).replace(microsecond=0).isoformat()

DOCUMENT = """mutation($input: RecordOrdersInput!) { recordOrders(input: $input) {
  results { index outcome externalId code message path } recordedCount replayedCount rejectedCount
} }"""


POST = {"platform": "X", "postId": "1", "influencerId": "x", "likes": 1}
SPENT = {"externalId": "1", "campaignId": "x", "currency": "GBP", "amount": "1.00"}


def order(external_id: str, **more: Any) -> dict[str, Any]:
    return {
        "externalId": external_id,
        "occurredAt": AT,
        "currency": "GBP",
        "total": "20.00",
        "lines": [{"kind": "ITEM", "amount": "20.00"}],
        **more,
    }


def line(**more: Any) -> dict[str, Any]:
    return {"lines": [{"kind": "ITEM", "amount": "20.00", **more}]}


BAD: list[tuple[dict[str, Any], str, list[str], str]] = [
    ({"currency": "XXX"}, "INVALID_CURRENCY", ["currency"], "'XXX'"),
    ({"total": "abc"}, "INVALID_AMOUNT", ["total"], "'abc'"),
    ({"total": 19.99}, "INVALID_AMOUNT", ["total"], "19.99"),
    ({"total": "NaN"}, "INVALID_AMOUNT", ["total"], "'NaN'"),
    ({"occurredAt": "2026-02-30T10:00:00Z"}, "BAD_USER_INPUT", ["occurredAt"], "'2026-02-30T10:00:00Z'"),
    ({"occurredAt": "1899-12-31T10:00:00Z"}, "BAD_USER_INPUT", ["occurredAt"], "1900"),
    ({"customer": "a\0b"}, "BAD_USER_INPUT", ["customer"], "NUL"),
    ({"externalId": "a\0b"}, "BAD_USER_INPUT", ["externalId"], "NUL"),
    ({"codes": ["FINE", "a\0b"]}, "BAD_USER_INPUT", ["codes", "1"], "`codes`"),
    (line(amount="1,50"), "INVALID_AMOUNT", ["lines", "0", "amount"], "'1,50'"),
    (line(title="\0"), "BAD_USER_INPUT", ["lines", "0", "title"], "`title`"),
]


def graphql(value: Any) -> str:
    """The value as a GraphQL literal."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {graphql(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(graphql, value)) + "]"
    return "ITEM" if value == "ITEM" else orjson.dumps(value).decode()


def expected(results: list[dict[str, Any]], code: str, path: list[str], says: str) -> None:
    assert [result["outcome"] for result in results] == ["RECORDED", "RECORDED", "REJECTED", "RECORDED"]
    refused = results[2]
    assert (refused["code"], refused["path"]) == (code, ["orders", "2", *path])
    assert says in refused["message"]
    assert f"`{next(name for name in reversed(path) if not name.isdigit())}`" in refused["message"]


@pytest.mark.parametrize(("bad", "code", "path", "says"), BAD)
async def test_unreadable_value_in_a_variable_refuses_its_item_alone(
    client: Client, bad: dict[str, Any], code: str, path: list[str], says: str
) -> None:
    orders = [order("1"), order("2"), order("3", **bad), order("4")]

    payload = (await client.data(DOCUMENT, {"input": {"orders": orders}}))["recordOrders"]

    expected(payload["results"], code, path, says)
    listed = await client.data("{ orders(first: 10) { nodes { externalId } } }")
    assert sorted(node["externalId"] for node in listed["orders"]["nodes"]) == ["1", "2", "4"]


@pytest.mark.parametrize(("bad", "code", "path", "says"), BAD)
async def test_unreadable_value_in_a_literal_refuses_its_item_alone(
    client: Client, bad: dict[str, Any], code: str, path: list[str], says: str
) -> None:
    orders = [order("1"), order("2"), order("3", **bad), order("4")]
    document = DOCUMENT.replace("($input: RecordOrdersInput!)", "").replace("$input", graphql({"orders": orders}))

    for _ in range(2):
        results = (await client.data(document))["recordOrders"]["results"]
        # The document is kept as it was first read.
        assert results[2]["code"] == code
    assert [result["outcome"] for result in results] == ["REPLAYED", "REPLAYED", "REJECTED", "REPLAYED"]
    assert says in results[2]["message"]
    assert results[2]["path"] == ["orders", "2", *path]


async def test_item_in_a_variable_of_its_own_is_refused_alone(client: Client) -> None:
    document = """mutation($a: OrderInput!, $rest: [OrderLineInput!]!, $b: OrderInput = {
      externalId: "2", occurredAt: "AT", currency: "NOPE", total: "1.00", lines: []
    }) { ...writes }
    fragment writes on Mutation { ... { recordOrders(input: {orders: [$a, $b, {
      externalId: "3", occurredAt: "AT", currency: "GBP", total: "1.00", lines: $rest
    }]}) { results { outcome code path } } } }""".replace("AT", AT)

    payload = await client.data(document, {"a": order("1"), "rest": [{"kind": "ITEM", "amount": "x"}]})

    assert payload["recordOrders"]["results"] == [
        {"outcome": "RECORDED", "code": None, "path": []},
        {"outcome": "REJECTED", "code": "INVALID_CURRENCY", "path": ["orders", "1", "currency"]},
        {"outcome": "REJECTED", "code": "INVALID_AMOUNT", "path": ["orders", "2", "lines", "0", "amount"]},
    ]


async def test_unreadable_item_belongs_to_the_body_of_an_idempotency_key(client: Client) -> None:
    async def send(*orders: dict[str, Any]) -> dict[str, Any]:
        return await client.query(DOCUMENT, {"input": {"orders": list(orders), "idempotencyKey": "k"}})

    first = await send(order("1"), order("2", total="abc"))
    again = await send(order("1"), order("2", total="abc"))

    assert [result["outcome"] for result in first["data"]["recordOrders"]["results"]] == ["RECORDED", "REJECTED"]
    assert again["data"] == first["data"]
    for other in (
        [order("1"), order("2", total="abcd")],
        [order("1"), order("2")],
        [order("1")],
        [order("2", total="abc"), order("1")],
        [order("1"), order("3", total="abc")],
        [order("1"), order("2", total="abc", customer="")],
    ):
        answer = await send(*other)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["IDEMPOTENCY_CONFLICT"]


async def test_batch_of_nothing_readable_is_answered_item_by_item(client: Client) -> None:
    orders = [order(str(number), currency="XXX") for number in range(3)]

    payload = (await client.data(DOCUMENT, {"input": {"orders": orders}}))["recordOrders"]

    assert (payload["recordedCount"], payload["rejectedCount"]) == (0, 3)
    assert [result["externalId"] for result in payload["results"]] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("name", "items", "item", "bad", "code", "field"),
    [
        ("editOrders", "edits", {"orderExternalId": "1", "lines": []}, {"total": "x"}, "INVALID_AMOUNT", "total"),
        ("cancelOrders", "cancellations", {"orderExternalId": "1"}, {"reason": "\0"}, "BAD_USER_INPUT", "reason"),
        (
            "recordOrderEvents",
            "events",
            {"kind": "PAID"},
            {"orderExternalId": "\0"},
            "BAD_USER_INPUT",
            "orderExternalId",
        ),
        (
            "recordRefunds",
            "refunds",
            {"externalId": "1", "orderExternalId": "1"},
            {"amount": ""},
            "INVALID_AMOUNT",
            "amount",
        ),
        (
            "recordRefunds",
            "refunds",
            {"externalId": "1", "orderExternalId": "1", "amount": "1"},
            {"currency": "EU"},
            "INVALID_CURRENCY",
            "currency",
        ),
        (
            "recordAdjustments",
            "adjustments",
            {"externalId": "1", "amount": "1"},
            {"currency": "€"},
            "INVALID_CURRENCY",
            "currency",
        ),
        ("recordInstances", "instances", {"kind": "CLICK"}, {"visitorId": "\0"}, "BAD_USER_INPUT", "visitorId"),
        ("recordInstances", "instances", {"kind": "CLICK"}, {"occurredAt": "soon"}, "BAD_USER_INPUT", "occurredAt"),
        ("recordEngagements", "engagements", POST, {"occurredAt": "soon"}, "BAD_USER_INPUT", "occurredAt"),
        ("recordEngagements", "engagements", POST, {"postId": "\0"}, "BAD_USER_INPUT", "postId"),
        ("recordEngagements", "engagements", POST, {"views": 2**60}, "BAD_USER_INPUT", "views"),
        ("recordSpend", "spend", SPENT, {"amount": "1e3"}, "INVALID_AMOUNT", "amount"),
        ("recordSpend", "spend", SPENT, {"currency": "€"}, "INVALID_CURRENCY", "currency"),
        ("recordSpend", "spend", SPENT, {"note": "\0"}, "BAD_USER_INPUT", "note"),
        (
            "createCampaigns",
            "campaigns",
            {"name": "a", "commissionRate": "0"},
            {"startsAt": "x"},
            "BAD_USER_INPUT",
            "startsAt",
        ),
        (
            "createCampaigns",
            "campaigns",
            {"name": "a", "commissionRate": "0", "startsAt": AT},
            {"engagementGoal": 2**60},
            "BAD_USER_INPUT",
            "engagementGoal",
        ),
        ("updateCampaigns", "campaigns", {"id": "x"}, {"budget": "x"}, "INVALID_AMOUNT", "budget"),
        ("upsertProducts", "products", {"externalId": "1"}, {"title": "\0"}, "BAD_USER_INPUT", "title"),
        ("upsertCustomers", "customers", {"externalId": "1"}, {"email": "\0"}, "BAD_USER_INPUT", "email"),
        ("createInfluencers", "influencers", {}, {"name": "\0"}, "BAD_USER_INPUT", "name"),
    ],
)
async def test_unreadable_value_refuses_its_item_in_every_batch(
    client: Client, name: str, items: str, item: dict[str, Any], bad: dict[str, Any], code: str, field: str
) -> None:
    kind = f"{name[0].upper()}{name[1:]}Input"
    timed = {"occurredAt": AT} if items not in ("campaigns", "products", "customers", "influencers") else {}
    document = f"mutation($input: {kind}!) {{ {name}(input: $input) {{ results {{ outcome code path }} }} }}"

    payload = await client.data(document, {"input": {items: [{**timed, **item, **bad}]}})

    assert payload[name]["results"] == [{"outcome": "REJECTED", "code": code, "path": [items, "0", field]}]


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        ({"total": True}, ["input", "orders", 1, "total"]),
        ({"currency": 978}, ["input", "orders", 1, "currency"]),
        ({"lines": [{"kind": "ITEMS", "amount": "1"}]}, ["input", "orders", 1, "lines", 0, "kind"]),
        ({"colour": "red"}, ["input", "orders", 1]),
        ({"currency": None}, ["input", "orders", 1, "currency"]),
    ],
)
async def test_value_of_another_kind_is_a_mistake_of_the_call(
    client: Client, bad: dict[str, Any], path: list[str | int]
) -> None:
    answer = await client.query(DOCUMENT, {"input": {"orders": [order("1", total="abc"), order("2", **bad)]}})

    assert "data" not in answer
    assert [error["extensions"] for error in answer["errors"]] == [{"code": "BAD_USER_INPUT", "path": path}]


async def test_variable_that_is_one_value_is_a_mistake_of_the_call(client: Client) -> None:
    document = """mutation($c: CurrencyCode!) { recordOrders(input: {orders: [
      {externalId: "1", occurredAt: "2026-01-01T00:00:00Z", currency: $c, total: "0", lines: []}
    ]}) { recordedCount } }"""

    answer = await client.query(document, {"c": "XXX"})

    assert [error["extensions"] for error in answer["errors"]] == [{"code": "INVALID_CURRENCY", "path": ["c"]}]


async def test_deep_values_of_other_types_are_refused_and_not_followed(client: Client) -> None:
    document = """mutation($where: FactFilter) { updateInfluencers(input: {influencers: []}) { results { influencer {
      analytics(range: {preset: TODAY}, where: $where) { totals { orders } }
    } } } }"""
    deep = b'{"not": ' * 900 + b"{}" + b"}" * 900

    response = await client.post(b'{"query": %s, "variables": {"where": %s}}' % (orjson.dumps(document), deep))

    assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["QUERY_TOO_DEEP"]


@pytest.mark.parametrize("text", ["\0", "a\0b"])
async def test_text_that_cannot_be_stored_is_refused_outside_of_items(client: Client, text: str) -> None:
    for document, variables in (
        ("query($t: [String!]) { orders(where: {externalId: {in: $t}}) { nodes { id } } }", {"t": [text]}),
        (
            "mutation($k: String) { recordOrders(input: {orders: [], idempotencyKey: $k}) { recordedCount } }",
            {"k": text},
        ),
        (f"{{ orders(where: {{externalId: {{in: [{graphql(text)}]}}}}) {{ nodes {{ id }} }} }}", {}),
    ):
        answer = await client.query(document, variables)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]
        assert "U+0000" in answer["errors"][0]["message"]


@pytest.mark.parametrize(
    ("currency", "code"), [("XXX", "INVALID_CURRENCY"), ("E\0R", "BAD_USER_INPUT")], ids=["no currency", "NUL"]
)
async def test_an_items_type_in_a_query_is_read_as_it_is(client: Client, currency: str, code: str) -> None:
    query = "query($order: OrderInput!) { previewCommission(order: $order) { commissions { amount } } }"
    order = {
        "externalId": "1",
        "occurredAt": "2026-03-10T12:00:00Z",
        "currency": currency,
        "total": "0",
        "lines": [],
    }

    answer = await client.query(query, {"order": order})
    written = await client.query(query.replace("($order: OrderInput!)", "").replace("$order", graphql_object(order)))

    assert [error["extensions"]["code"] for error in answer["errors"]] == [code]
    assert [error["extensions"]["code"] for error in written["errors"]] == [code]


def graphql_object(values: dict[str, Any]) -> str:
    fields = (f"{name}: {value if value == [] else graphql(value)}" for name, value in values.items())
    return f"{{{', '.join(fields)}}}"
