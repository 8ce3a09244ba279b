"""Every model is computed at query time too, and leaves what was booked as it is, to the byte."""

from typing import Any

import pytest
from sqlmodel import SQLModel

from app.analytics.query import Attribution
from app.core.context import Ctx
from app.core.words import AttributionModel
from app.db.session import Database
from app.runtime import Runtime
from tests.integration.attribution.store import DAY, NOON, Shop, iso

pytestmark = pytest.mark.database


TABLES = sorted(
    table.name for table in SQLModel.metadata.tables.values() if table.primary_key.columns.keys()[0] == "tenant_id"
)


async def everything(db: Database, ctx: Ctx) -> dict[str, Any]:
    """All rows of the tenant in every table, as the database writes them."""
    async with db.read(ctx.tenant_id) as session:
        return {
            name: [
                row["content"]
                for row in await session.fetch(
                    f"/* test */ SELECT kept::text AS content FROM {name} AS kept WHERE kept.tenant_id = $1 ORDER BY 1",
                    ctx.tenant_id,
                )
            ]
            for name in TABLES
        }


async def credited(shop: Shop, model: str) -> dict[str, tuple[str, str, str]]:
    """Orders, gross revenue and commission by influencer under a model."""
    answer = await shop.client.data(
        f"""{{ analytics(range: {{preset: ALL_TIME}}, attribution: {model}) {{
          totals {{ orders commission }}
          groups(by: [{{dimension: {{name: INFLUENCER}}}}]) {{
            nodes {{ key {{ influencer {{ id }} }} measures {{ orders grossRevenue commission }} }} }} }} }}"""
    )
    return {
        node["key"]["influencer"]["id"]: tuple(node["measures"].values())
        for node in answer["analytics"]["groups"]["nodes"]
    }


async def test_what_ifs_credit_by_their_model_and_change_nothing(shop: Shop, runtime: Runtime, ctx: Ctx) -> None:
    campaign = await shop.campaign()
    first, second, last = [await shop.influencer() for _ in range(3)]
    for number, influencer in enumerate((first, second, last)):
        # A half-life of a week apart.
        await shop.touch(influencer, campaign, ago=(15 - 7 * number) * DAY)
    order = await shop.order()
    sent = {"externalId": "r", "orderExternalId": order["externalId"], "amount": "10.00"}
    await shop.write("recordRefunds", {"refunds": [sent | {"occurredAt": "2026-03-12T12:00:00Z"}]})
    before = await everything(runtime.db, ctx)

    found = {model.value: await credited(shop, model.value) for model in Attribution}

    assert {model.value for model in AttributionModel} < found.keys()
    booked = {last: ("1", "100.00", "9.00")}
    # Commissions are what was booked, whatever the model.
    assert found["BOOKED"] == found["LAST_TOUCH"] == booked
    assert found["FIRST_TOUCH"] == {first: ("1", "100.00", "0.00"), last: ("0", "0.00", "9.00")}
    shares = {
        model: [of_model[who][:2] for who in (first, second, last)]
        for model, of_model in found.items()
        if len(of_model) == 3
    }
    assert shares == {
        "LINEAR": [("0.333333334", "33.33"), ("0.333333333", "33.33"), ("0.333333333", "33.33")],
        "TIME_DECAY": [("0.142857143", "14.29"), ("0.285714286", "28.57"), ("0.571428571", "57.14")],
        "POSITION_BASED": [("0.4", "40.00"), ("0.2", "20.00"), ("0.4", "40.00")],
    }
    assert await everything(runtime.db, ctx) == before


WHAT_IFS = """{ analytics(
    range: {preset: ALL_TIME}, attribution: %(model)s, compare: {between: {from: "2026-01-01T00:00:00Z",
    until: "2026-02-01T00:00:00Z"}}
  ) {
    totals { orders netRevenue commission profit returnOnSpend customers }
    change { netRevenue }
    series(every: MONTH) { measures { orders commission } }
    groups(
      by: [{dimension: {name: INFLUENCER, top: {n: 1, by: {name: NET_REVENUE}}}}]
      having: {measure: {measure: {name: ORDERS}, gt: "0"}}
    ) { nodes { measures { orders commission } series(every: MONTH) { measures { orders } } } }
    states: groups(by: [{dimension: {name: COMMISSION_STATE}}]) { nodes { measures { commission } } }
    table(by: [{dimension: {name: CODE}}], measures: [{name: ORDERS}, {name: COMMISSION}]) { rowCount }
  }
  influencers { nodes {
    analytics(range: {preset: ALL_TIME}, attribution: %(model)s) { totals { orders commission } }
  } }
}"""

FILE = """{ analytics(range: {preset: ALL_TIME}, attribution: %s) {
  table(by: [{dimension: {name: INFLUENCER}}], measures: [{name: ORDERS}, {name: COMMISSION}]) { rowCount }
} }"""

BALANCES = """{ balances { nodes {
  influencer { id } currency pending held payable paying paid invoiced owed
} } }"""


async def test_what_ifs_of_every_shape_leave_ledger_and_balances(shop: Shop, runtime: Runtime, ctx: Ctx) -> None:
    campaign = await shop.campaign()
    first, last = [await shop.influencer() for _ in range(2)]
    await shop.touch(first, campaign, ago=8 * DAY)
    await shop.touch(last, campaign, ago=DAY)
    orders = [await shop.order() for _ in range(4)]
    # Of the four one is approved, one held, and of one a quarter given back.
    events = [{"orderExternalId": order["externalId"], "kind": "PAID", "occurredAt": iso(NOON)} for order in orders]
    await shop.write("recordOrderEvents", {"events": events})
    listed = await shop.client.data("{ commissions { nodes { id order { externalId } } } }")
    of_order = {node["order"]["externalId"]: node["id"] for node in listed["commissions"]["nodes"]}
    for move, order in (("approveCommissions", orders[0]), ("holdCommissions", orders[1])):
        moved = {"input": {"commissions": [{"id": of_order[order["externalId"]], "reason": "Looks odd"}]}}
        document = f"mutation($input: MoveCommissionsInput!) {{ {move}(input: $input) {{ results {{ outcome }} }} }}"
        assert (await shop.client.data(document, moved))[move]["results"] == [{"outcome": "RECORDED"}]
    refund = {"externalId": "r", "orderExternalId": orders[2]["externalId"], "occurredAt": iso(NOON + DAY)}
    await shop.write("recordRefunds", {"refunds": [refund | {"amount": "25.00"}]})
    before, balances = await everything(runtime.db, ctx), await shop.client.data(BALANCES)
    (owed,) = balances["balances"]["nodes"]
    assert owed == {
        "influencer": {"id": last},
        "currency": "GBP",
        "pending": "17.50",
        "held": "10.00",
        "payable": "10.00",
        "paying": "0.00",
        "paid": "0.00",
        "invoiced": "0.00",
        "owed": "37.50",
    }
    assert all(before[name] for name in ("commissions", "commission_lines", "commission_events", "ledger_entries"))

    shown = {}
    for model in Attribution:
        answer = await shop.client.data(WHAT_IFS % {"model": model.value})
        shown[model] = answer["analytics"]["totals"]["commission"], answer["analytics"]["states"]
        file = await shop.client.post({"query": FILE % model.value}, headers={"accept": "text/csv"})
        assert (file.status_code, file.headers["content-type"].partition(";")[0]) == (200, "text/csv")

    assert {commission for commission, _ in shown.values()} == {"37.50"}
    assert all(states == shown[Attribution.BOOKED][1] for _, states in shown.values())
    assert await everything(runtime.db, ctx) == before
    assert await shop.client.data(BALANCES) == balances
