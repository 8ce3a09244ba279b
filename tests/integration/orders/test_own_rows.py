"""What an influencer's key sees of orders: those it is credited for, and nothing of one that another influencer won."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest
from strawberry.types.base import get_object_definition

from app.core.context import Ctx, Role
from app.core.words import LineKind, OrderEventKind, Platform
from app.engagement.inputs import EngagementInput
from app.runtime import Runtime
from app.usecases.record_engagements import record_engagements
from app.usecases.record_order_events import record_order_events
from app.usecases.record_orders import record_orders
from app.usecases.record_refunds import record_refunds
from graphql_schema.schema import schema
from tests.client import Client
from tests.factories.orders import NOON, Look, ProgramRows, event, item, line, order, refund

pytestmark = pytest.mark.database

SECRET = "SECRET"
"""In every text of the order that the store chose."""

ORDER = """{ externalId total codes lines { externalId title amount } events { kind externalId } attribution { rule }
  refunds { externalId lines { amount } } credits { weight } commissions { amount } }"""
COMMISSION = f"{{ amount order {ORDER} refund {{ externalId }} lines {{ amount }} }}"
MEASURES = "orders units grossRevenue refunds purchases commission"
ROOTS = {
    "viewer": "{ role }",
    "influencers": f"""(first: 5) {{ nodes {{ orders(first: 5) {{ nodes {ORDER} }}
      commissions(first: 5) {{ nodes {COMMISSION} }} }} }}""",
    "campaigns": f"(first: 5) {{ nodes {{ orders(first: 5) {{ nodes {ORDER} }} }} }}",
    "enrollments": f"(first: 5) {{ nodes {{ orders(first: 5) {{ nodes {ORDER} }} }} }}",
    "links": "{ nodes { slug } }",
    "codes": "{ nodes { code } }",
    "instances": "{ nodes { kind } }",
    "orders": f"(first: 5) {{ nodes {ORDER} }}",
    "refunds": f"(first: 5) {{ nodes {{ externalId order {ORDER} lines {{ amount }} }} }}",
    "adjustments": "{ nodes { externalId } }",
    "commissions": f"(first: 5) {{ nodes {COMMISSION} }}",
    "ledgerEntries": "{ nodes { amount } }",
    "balances": "{ nodes { owed } }",
    "commissionAdjustments": "{ nodes { reason } }",
    "exchangeRates": "{ nodes { rate } }",
    "fraudHits": f"(first: 5) {{ nodes {{ rule order {ORDER} commission {COMMISSION} }} }}",
    "payoutMethods": "{ nodes { holder } }",
    "payoutPolicies": "{ nodes { threshold } }",
    "payoutBatches": "{ nodes { note } }",
    "payoutItems": "{ nodes { amount } }",
    "payoutPreview": "{ due { balance } totals { amount } }",
    "engagementSnapshots": "{ nodes { postId } }",
    "spend": "{ nodes { externalId } }",
    "analytics": f"""(range: {{between: {{from: "2026-03-01T00:00:00Z", until: "2026-04-01T00:00:00Z"}}}}) {{
      totals {{ {MEASURES} }}
      groups(by: [{{dimension: {{name: INFLUENCER}}}}]) {{ nodes {{ measures {{ {MEASURES} }} }} }} }}""",
    "attributionRules": "{ model }",
    "commissionPlans": "{ nodes { name versions { nodes { rules { key } } } } }",
    "commissionPlanAssignments": "{ nodes { plan { name } campaign { name } } }",
    "cohorts": """(by: FIRST_ORDER, every: MONTH, periods: 2, measure: CUMULATIVE_REVENUE, range: {between: {
      from: "2026-03-01T00:00:00Z", until: "2026-04-01T00:00:00Z"}}) { rows { size cells { value } } }""",
    "catalog": "{ rollups { rows } }",
}
"""Every root field such a key may ask but those by id, with every way that leads from it to an order."""

REFUSED = {
    "customers": "totalCount",
    "products": "totalCount",
    "moneyTerms": "holdDays",
    "fraudRules": "velocityOrders",
}


async def contested(runtime: Runtime, ctx: Ctx, program: ProgramRows) -> tuple[UUID, UUID]:
    """Who lost and who won an order: it was clicked for both, for the second one later."""
    campaign_id = await program.campaign(model="LAST_TOUCH")
    loser, winner = await program.influencer(), await program.influencer()
    for influencer_id, days in ((loser, 2), (winner, 1)):
        await program.enrollment(campaign_id, influencer_id)
        await program.click(influencer_id, campaign_id, at=NOON - timedelta(days=days))
    sent = order(
        item("75.00", external_id=f"{SECRET}-line"),
        line(LineKind.SHIPPING, "4.00"),
        external_id=f"{SECRET}-order",
        visitor_id="v",
    )
    recorded = [
        *await record_orders(runtime, ctx, [sent]),
        *await record_refunds(runtime, ctx, [refund(sent.external_id, "10.00", external_id=f"{SECRET}-refund")]),
        *await record_order_events(
            runtime, ctx, [event(sent.external_id, OrderEventKind.PAID, external_id=f"{SECRET}-paid")]
        ),
    ]
    assert [outcome.code for outcome in recorded] == [None, None, None]
    return loser, winner


def test_every_root_field_is_asked() -> None:
    fields = get_object_definition(schema.query, strict=True).fields
    # previewCommission is refused them: scenarios/test_commission_plans.py.
    by_id = {"node", "explainAttribution", "campaign", "influencer", "product", "order", "statements"}
    by_id |= {"commissionPlan", "previewCommission", "payoutFile"}
    assert {schema.config.name_converter.get_graphql_name(field) for field in fields} == {*ROOTS, *REFUSED, *by_id}


async def test_a_losing_influencer_sees_nothing_of_the_order(
    runtime: Runtime,
    ctx: Ctx,
    program: ProgramRows,
    look: Look,
    client: Client,
    make_key: Callable[..., Awaitable[str]],
) -> None:
    loser, winner = await contested(runtime, ctx, program)
    weights = {row["influencer_id"]: row["weight_booked"] for row in await look.rows("credits")}
    assert weights == {loser: 0, winner: 10**9}, "both were looked at; one of them is credited"
    tables = ("orders", "refunds", "commissions", "ledger_entries")
    ids = [row["id"] for table in tables for row in await look.rows(table)]
    ids += [row["id"] for row in await look.rows("instances", "kind = 'PURCHASE'")]
    lost, won = [await make_key(Role.INFLUENCER, influencer_id=who) for who in (loser, winner)]

    for name, selection in ROOTS.items():
        seen = str(await client.data(f"{{ {name} {selection} }}", key=lost))
        assert SECRET not in seen, name
        assert re.findall(r"[1-9]\d*\.\d\d", seen) == [], f"{name} shows money"
        # Who is suspected is not told by what.
        if ORDER in selection and name != "fraudHits":
            assert SECRET in str(await client.data(f"{{ {name} {selection} }}", key=won)), name
    for name, field in REFUSED.items():
        assert await client.error_codes(f"{{ {name} {{ {field} }} }}", key=lost) == ["FORBIDDEN"]
    for name in ("orders", "refunds", "commissions", "ledgerEntries"):
        assert await client.data(f"{{ {name} {{ totalCount }} }}", key=lost) == {name: {"totalCount": 0}}
    nodes = [await client.data(f'{{ node(id: "{each}") {{ id }} }}', key=lost) for each in ids]
    assert nodes == [{"node": None}] * len(ids)
    order_id = (await look.rows("orders"))[0]["id"]
    by_id = f'{{ order(id: "{order_id}") {{ externalId }} influencer(id: "{winner}") {{ id }} }}'
    assert await client.data(by_id, key=lost) == {"order": None, "influencer": None}
    shown = {"order": {"externalId": f"{SECRET}-order"}, "influencer": {"id": str(winner)}}
    assert await client.data(by_id, key=won) == shown
    why = f'{{ explainAttribution(orderId: "{(await look.rows("orders"))[0]["id"]}") {{ rule }} }}'
    assert await client.data(why, key=lost) == {"explainAttribution": None}
    assert await client.data(why, key=won) == {"explainAttribution": {"rule": "LATEST_TOUCH"}}


async def test_an_influencer_sees_the_campaigns_that_its_rows_name(
    runtime: Runtime,
    ctx: Ctx,
    program: ProgramRows,
    client: Client,
    make_key: Callable[..., Awaitable[str]],
) -> None:
    clicked, linked, coded, enrolled, posted, foreign = [await program.campaign() for _ in range(6)]
    mine, other = await program.influencer(), await program.influencer()
    await program.click(mine, clicked)
    # Looked at, and without a share: no reason to see the campaign.
    await program.click(mine, foreign, at=NOON - timedelta(days=2))
    await program.link("in-link", mine, linked)
    await program.code("MINE", mine, coded)
    await program.code("OTHER", other, foreign)
    await program.enrollment(foreign, other)
    await program.enrollment(enrolled, mine)
    (recorded,) = await record_orders(runtime, ctx, [order(visitor_id="v")])
    assert recorded.code is None
    snapshots = [
        EngagementInput(Platform.TIKTOK, f"of {who}", NOON, who, campaign_id, views=1)
        for who, campaign_id in ((mine, posted), (other, foreign))
    ]
    assert [outcome.code for outcome in await record_engagements(runtime, ctx, snapshots)] == [None, None]
    key = await make_key(Role.INFLUENCER, influencer_id=mine)

    listed = await client.data("{ campaigns { totalCount nodes { id } } }", key=key)
    named = await client.data(
        """{ commissions { nodes { campaign { id } } } links { nodes { campaign { id } } }
          codes { nodes { campaign { id } } } engagementSnapshots { nodes { campaign { id } } }
          analytics(range: {between: {from: "2026-03-01T00:00:00Z",
            until: "2026-04-01T00:00:00Z"}}) { groups(by: [{dimension: {name: CAMPAIGN}}]) {
              nodes { key { campaign { id } } measures { orders } } } } }""",
        key=key,
    )

    visible = {str(each) for each in (clicked, linked, coded, enrolled, posted)}
    assert {node["id"] for node in listed["campaigns"]["nodes"]} == visible
    assert listed["campaigns"]["totalCount"] == 5
    for name, campaign_id in (
        ("commissions", clicked),
        ("links", linked),
        ("codes", coded),
        ("engagementSnapshots", posted),
    ):
        assert named[name] == {"nodes": [{"campaign": {"id": str(campaign_id)}}]}, name
    assert named["analytics"]["groups"]["nodes"] == [
        {"key": {"campaign": {"id": str(clicked)}}, "measures": {"orders": "1"}}
    ]


async def test_codes_of_others_on_an_order_are_not_shown(
    runtime: Runtime,
    ctx: Ctx,
    program: ProgramRows,
    client: Client,
    make_key: Callable[..., Awaitable[str]],
) -> None:
    campaign_id = await program.campaign()
    first, second = await program.influencer(), await program.influencer()
    await program.code("FIRST", first, campaign_id)
    await program.code("SECOND", second, campaign_id)
    (recorded,) = await record_orders(runtime, ctx, [order(item("75.00"), codes=("FIRST", "SECOND", "PRIVATE"))])
    assert recorded.code is None
    document = "{ orders(first: 5) { nodes { codes credits { code } } } }"

    everything = await client.data(document)
    (credited,) = [node["codes"] for node in everything["orders"]["nodes"]]
    assert credited == ["FIRST", "SECOND", "PRIVATE"]
    winner = everything["orders"]["nodes"][0]["credits"][0]["code"]
    key = await make_key(Role.INFLUENCER, influencer_id=first if winner == "FIRST" else second)
    assert [node["codes"] for node in (await client.data(document, key=key))["orders"]["nodes"]] == [[winner]]
