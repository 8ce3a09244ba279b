"""An order that was just recorded is shown without being looked up: as it is found afterwards."""

import json
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from app.core.context import Ctx
from app.db.keyset import get_many
from app.db.session import statement_observers
from app.orders.queries import ORDERS
from app.runtime import Runtime
from app.usecases.record_orders import record_orders
from app.usecases.record_refunds import record_refunds
from tests.client import Client
from tests.factories.orders import item, order, refund

pytestmark = pytest.mark.database

EAST = timezone(timedelta(hours=5, minutes=30))

ORDER = """order { id externalId occurredAt recordedAt version currency total grossRevenue country isTest codes
  customer { externalId orders(first: 5) { nodes { id total } } } lines { position amount } refunds { id } }"""

RECORD = f"""mutation($input: RecordOrdersInput!) {{
  recordOrders(input: $input) {{ results {{ outcome id {ORDER} }} }}
}}"""

FOUND = f"""query($id: ID!) {{ found: {ORDER.replace("order", "order(id: $id)", 1)} }}"""


def sent(name: str, **more: Any) -> dict[str, Any]:
    """An order as the API takes it."""
    lines = [
        {"kind": "ITEM", "amount": "20.00", "sku": "A", "quantity": 2},
        {"kind": "SHIPPING", "amount": "4.50"},
        {"kind": "DISCOUNT", "amount": "-0.01"},
    ]
    return {
        "externalId": name,
        "occurredAt": "2026-03-10T12:00:00.000001+05:30",
        "currency": "GBP",
        "total": "24.49",
        "lines": lines,
        **more,
    }


async def test_an_outcome_tells_the_row_as_it_is_stored(runtime: Runtime, ctx: Ctx) -> None:
    await record_refunds(runtime, ctx, [refund("early", "5.00")])
    at = datetime(2026, 3, 10, 3, 4, 5, 678901, EAST)
    orders = [
        order(external_id="early"),
        order(
            item("20.00"),
            customer="ann",
            visitor_id="v",
            click_id="c",
            codes=("b", "A"),
            country="de",
            test=True,
            occurred_at=at,
        ),
        order(item("7", 1), currency="JPY", customer="ann"),
    ]

    outcomes = await record_orders(runtime, ctx, orders)

    async with runtime.db.read(ctx.tenant_id) as session:
        stored = await get_many(ctx, session, ORDERS, [outcome.id for outcome in outcomes if outcome.id is not None])
    names = ORDERS.names(None)
    columns = zip(*(stored.column(name) for name in names), strict=True)
    by_id = {row["id"]: row for row in (dict(zip(names, values, strict=True)) for values in columns)}
    assert len(by_id) == 3
    told = [{name: _as_read(value) for name, value in outcome.row.items()} for outcome in outcomes if outcome.row]
    assert told == [by_id[str(outcome.id)] for outcome in outcomes]
    assert [outcome.row for outcome in await record_orders(runtime, ctx, orders)] == [None] * 3


async def test_the_answer_shows_what_is_found_afterwards(client: Client) -> None:
    first = await client.data(RECORD, {"input": {"orders": [sent("one", customer="ann", codes=["x", "Y"])]}})
    orders = [sent("two", customer="ann"), sent("one", customer="ann", codes=["x", "Y"]), sent("bad", total="1.00")]
    answer = await client.data(RECORD, {"input": {"orders": orders}})

    results = first["recordOrders"]["results"] + answer["recordOrders"]["results"]
    assert [result["outcome"] for result in results] == ["RECORDED", "RECORDED", "REPLAYED", "REJECTED"]
    assert results[-1]["order"] is None
    after = {name: (await client.data(FOUND, {"id": results[name]["id"]}))["found"] for name in (0, 1)}
    # Of the first's customer nothing more was known then.
    assert [len(result["order"].pop("customer")["orders"]["nodes"]) for result in results[:3]] == [1, 2, 2]
    assert {len(shown.pop("customer")["orders"]["nodes"]) for shown in after.values()} == {2}
    assert [result["order"] for result in results[:3]] == [after[0], after[1], after[0]]
    assert after[0]["occurredAt"] == "2026-03-10T06:30:00.000001Z"
    assert (after[0]["total"], after[0]["grossRevenue"], after[0]["codes"]) == ("24.49", "19.99", ["X", "Y"])


async def test_nothing_of_it_is_looked_up(client: Client) -> None:
    seen: list[str] = []
    token = statement_observers.set((seen.append,))
    try:
        document = (
            "mutation($input: RecordOrdersInput!) { recordOrders(input: $input) { results { order { total } } } }"
        )
        answer = await client.data(document, {"input": {"orders": [sent("one")]}})
    finally:
        statement_observers.reset(token)

    assert json.dumps(answer) == '{"recordOrders": {"results": [{"order": {"total": "24.49"}}]}}'
    assert seen
    assert [sql for sql in seen if "orders.get_many" in sql] == []


def _as_read(value: Any) -> Any:
    # Rows of lists have their ids as texts.
    return str(value) if isinstance(value, UUID) else value
