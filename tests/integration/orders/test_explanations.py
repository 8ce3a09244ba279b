"""Why an order was credited: the touch that won, the rule, the others and why not; to an influencer, others unnamed."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.core.context import Ctx, Role
from app.core.ids import new_id
from app.runtime import Runtime
from app.usecases.record_orders import record_orders
from tests.client import Client
from tests.factories.orders import NOON, ProgramRows, order

pytestmark = pytest.mark.database

MakeKey = Callable[..., Awaitable[str]]

EXPLANATION = """{ orderId model rule winner { id }
  candidates { credit rejected touch { id kind occurredAt code influencer { id name } campaign { id } } } }"""
QUESTION = f"query($id: ID!) {{ explainAttribution(orderId: $id) {EXPLANATION} }}"
UNNAMED = {"influencer": None, "campaign": None, "code": None}


async def recorded(runtime: Runtime, ctx: Ctx, **more: Any) -> UUID:
    (outcome,) = await record_orders(runtime, ctx, [order(visitor_id="v", **more)])
    assert outcome.id is not None, outcome
    return outcome.id


async def explained(client: Client, order_id: UUID, **more: Any) -> Any:
    return (await client.data(QUESTION, {"id": str(order_id)}, **more))["explainAttribution"]


async def test_every_touch_is_shown_with_its_credit_or_why_it_has_none(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, client: Client
) -> None:
    campaign = await program.campaign(model="LINEAR")
    ina, ben = await program.influencer(), await program.influencer()
    suspended = await program.influencer(status="SUSPENDED")
    old = await program.click(ina, campaign, at=NOON - timedelta(days=40))
    clicked = await program.click(ina, campaign, at=NOON - timedelta(days=3))
    refused = await program.click(suspended, campaign, at=NOON - timedelta(days=2))
    await program.code("BEN10", ben, campaign)

    order_id = await recorded(runtime, ctx, codes=("NOBODYS", "BEN10"))
    shown = await explained(client, order_id)

    found = [
        (each["touch"]["kind"], each["touch"]["code"], (each["touch"]["influencer"] or {}).get("id"), each["credit"])
        for each in shown["candidates"]
    ]
    assert found == [
        ("CODE", "NOBODYS", None, "0"),
        ("CODE", "BEN10", str(ben), "0.5"),
        ("CLICK", None, str(suspended), "0"),
        ("CLICK", None, str(ina), "0.5"),
        ("CLICK", None, str(ina), "0"),
    ]
    assert [each["rejected"] for each in shown["candidates"]] == [
        "CODE_UNKNOWN",
        None,
        "INFLUENCER_SUSPENDED",
        None,
        "OUTSIDE_WINDOW",
    ]
    ids = [each["touch"]["id"] for each in shown["candidates"]]
    assert ids[2:] == [str(refused), str(clicked), str(old)]
    assert len(set(ids)) == 5
    assert {each["touch"]["campaign"]["id"] for each in shown["candidates"][1:]} == {str(campaign)}
    assert shown["candidates"][3]["touch"]["occurredAt"] == "2026-03-07T12:00:00Z"
    assert (shown["orderId"], shown["model"], shown["rule"]) == (str(order_id), "LINEAR", "CODE_AT_CHECKOUT")
    assert shown["winner"] == {"id": ids[1]}
    assert await explained(client, order_id) == shown


async def test_the_order_and_its_recording_explain_it_alike(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, client: Client
) -> None:
    await program.offer("SPICY20")
    lines = [{"kind": "ITEM", "amount": "5.00"}]
    sent = {"externalId": "o", "occurredAt": NOON.isoformat(), "currency": "GBP", "total": "5.00", "lines": lines}
    written = await client.data(
        f"""mutation($order: OrderInput!) {{ recordOrders(input: {{orders: [$order]}}) {{
          results {{ id attribution {EXPLANATION} order {{ attribution {EXPLANATION} }} }} }} }}""",
        {"order": {**sent, "codes": ["SPICY20"]}},
    )
    (result,) = written["recordOrders"]["results"]

    shown = await explained(client, result["id"])

    assert shown["winner"] is not None
    assert result["attribution"] == result["order"]["attribution"] == shown


async def test_an_order_without_touches_and_a_test_order_are_explained(
    runtime: Runtime, ctx: Ctx, client: Client
) -> None:
    nobodys, test = await recorded(runtime, ctx), await recorded(runtime, ctx, test=True)

    rules = [(await explained(client, each))["rule"] for each in (nobodys, test)]

    assert rules == ["NO_TOUCH", "TEST_ORDER"]
    assert (await explained(client, nobodys))["winner"] is None


async def test_an_influencer_sees_its_own_touches_named_and_others_not(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, client: Client, make_key: MakeKey
) -> None:
    campaign = await program.campaign(model="LINEAR")
    mine, other, loser = [await program.influencer() for _ in range(3)]
    for who in (mine, other, loser):
        await program.enrollment(campaign, who)
    touch = await program.click(mine, campaign, at=NOON - timedelta(days=3))
    others = await program.click(other, campaign, at=NOON - timedelta(days=2))
    await program.click(loser, campaign, at=NOON - timedelta(days=50))
    await program.code("OTHER10", other, campaign)
    order_id = await recorded(runtime, ctx, codes=("OTHER10",), customer="ann")
    key = await make_key(Role.INFLUENCER, influencer_id=mine)

    shown = await explained(client, order_id, key=key)

    assert [(each["touch"]["kind"], each["credit"], each["rejected"]) for each in shown["candidates"]] == [
        ("CODE", "0.333333333", None),
        ("CLICK", "0.333333333", None),
        ("CLICK", "0.333333334", None),
        ("CLICK", "0", "OUTSIDE_WINDOW"),
    ]
    named = [each["touch"] for each in shown["candidates"] if each["touch"]["influencer"]]
    assert [(each["id"], each["influencer"]["id"], each["campaign"]["id"]) for each in named] == [
        (str(touch), str(mine), str(campaign))
    ]
    unnamed = [each["touch"] for each in shown["candidates"] if not each["touch"]["influencer"]]
    assert [{name: each[name] for name in UNNAMED} for each in unnamed] == [UNNAMED] * 3
    assert str(others) not in str(shown)
    assert shown["winner"] == {"id": shown["candidates"][0]["touch"]["id"]}
    listed = await client.data(f"{{ orders {{ nodes {{ attribution {EXPLANATION} }} }} }}", key=key)
    assert listed == {"orders": {"nodes": [{"attribution": shown}]}}
    # Looked at, and without a share.
    assert await explained(client, order_id, key=await make_key(Role.INFLUENCER, influencer_id=loser)) is None


async def test_what_is_no_order_is_null_and_what_is_no_id_refused(client: Client) -> None:
    payload = await client.query(QUESTION, {"id": "no id"})

    assert await explained(client, new_id()) is None
    assert payload["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", "path": ["orderId"]}


async def test_explanations_of_a_list_take_as_many_statements_as_of_one(
    runtime: Runtime, ctx: Ctx, program: ProgramRows, client: Client, count_statements: Callable[[], Any]
) -> None:
    campaign = await program.campaign()
    document = f"{{ orders {{ nodes {{ attribution {EXPLANATION} }} }} }}"
    # The key is looked up once.
    await client.data(document)
    taken = []
    for _ in range(2):
        for _ in range(3):
            await program.click(await program.influencer(), campaign)
            await recorded(runtime, ctx)
        with count_statements() as statements:
            await client.data(document)
        taken.append(len(statements))

    # The second time the campaign is remembered.
    assert taken == [4, 3]
