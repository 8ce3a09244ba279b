"""Judging recorded orders again: a preview that changes nothing, then a posting of differences, never a rewrite."""

from datetime import timedelta
from typing import Any

import pytest

from app.core.context import Ctx, Role
from app.runtime import Runtime
from tests.factories.orders import Look
from tests.integration.attribution.store import DAY, NOON, Shop, credits_of, iso, reasons
from tests.invariants.books import broken_laws

pytestmark = pytest.mark.database

EXPLAINED = """{ orderId model rule cause revision winner { influencer { id } }
  candidates { credit rejected touch { kind influencer { id } } } }"""
RECOMPUTE = f"""mutation($input: RecomputeAttributionInput!) {{ recomputeAttribution(input: $input) {{
  isPreview post orderCount after recordedCount
  results {{ id externalId outcome before {EXPLAINED} after {EXPLAINED}
    differences {{ amount currency influencer {{ id }} campaign {{ id }} }} }} }} }}"""
MONEY = (
    "commissions",
    "commission_lines",
    "commission_events",
    "ledger_entries",
    "credits",
    "attributions",
    "instances",
)
EVERYTHING = (*MONEY, "attribution_changes", "rollup_delta", "outbox", "audit_log", "awaited_touches")


async def recompute(shop: Shop, **more: Any) -> Any:
    """A page of the days around NOON, judged again."""
    values = {"from": iso(NOON - 30 * DAY), "until": iso(NOON + 30 * DAY), "reason": "The rules changed."}
    return (await shop.client.data(RECOMPUTE, {"input": values | more}))["recomputeAttribution"]


async def posted(shop: Shop) -> Any:
    """All changes of a page, previewed and then posted."""
    preview = await recompute(shop)
    answer = await recompute(shop, post=preview["post"])
    assert [each["after"] for each in answer["results"]] == [each["after"] for each in preview["results"]]
    return answer


def differences(result: Any) -> dict[str, str]:
    """What each influencer gets or loses."""
    return {each["influencer"]["id"]: each["amount"] for each in result["differences"]}


async def stored(look: Look, *tables: str) -> dict[str, Any]:
    return {table: await look.rows(table, order="1, 2, 3") for table in tables}


async def two_clicks(shop: Shop, **terms: Any) -> tuple[str, str, str, Any]:
    """An order after a click of one influencer and a later one of another; both and the campaign."""
    ina, ben, campaign = await shop.influencer(), await shop.influencer(), await shop.campaign(**terms)
    await shop.touch(ina, campaign, ago=2 * DAY)
    await shop.touch(ben, campaign, ago=DAY)
    return ina, ben, campaign, await shop.order()


async def test_a_preview_shows_what_would_change_and_changes_nothing(shop: Shop, look: Look) -> None:
    ina, ben, campaign, order = await two_clicks(shop)
    await shop.change_campaign(campaign, attributionModel="FIRST_TOUCH")
    before = await stored(look, *EVERYTHING)

    preview = await recompute(shop)

    assert await stored(look, *EVERYTHING) == before
    (result,) = preview["results"]
    assert (preview["isPreview"], preview["orderCount"], preview["after"]) == (True, 1, None)
    assert result["id"] == order["id"]
    assert credits_of(result["before"]) == {ben: "1"}
    assert credits_of(result["after"]) == {ina: "1"}
    assert (result["after"]["cause"], result["after"]["revision"]) == ("RECOMPUTED", 2)
    assert differences(result) == {ben: "-10.00", ina: "10.00"}
    assert preview["post"]


async def test_differences_are_posted_and_what_was_stays(shop: Shop, look: Look, runtime: Runtime, ctx: Ctx) -> None:
    ina, ben, campaign, order = await two_clicks(shop)
    await shop.change_campaign(campaign, attributionModel="FIRST_TOUCH")
    before = await stored(look, *MONEY)

    await posted(shop)

    after = await stored(look, *MONEY)
    gone = {"credits": {"superseded_at"}, "instances": {"superseded_at"}, "commissions": {"taken_minor"}}
    for table in ("commissions", "commission_lines", "commission_events", "ledger_entries", "credits", "instances"):
        changing = gone.get(table, set())
        known = [{name: row[name] for name in row.keys() - changing} for row in after[table]]
        for row in before[table]:
            assert {name: row[name] for name in row.keys() - changing} in known, table
    stayed = {row["id"] for row in before["commissions"]}
    rows = [row for row in after["commissions"] if row["id"] not in stayed]
    assert sorted((row["kind"], row["amount_minor"], row["occurred_at"]) for row in rows) == [
        ("ACCRUAL", 1000, NOON),
        ("REVERSAL", -1000, NOON),
    ]
    assert await shop.owed() == {ina: "10.00", ben: "0.00"}
    assert credits_of(await shop.explained(order["id"])) == {ina: "1"}
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}


async def test_analytics_change_at_the_orders_date_and_the_ledger_at_the_postings(shop: Shop, look: Look) -> None:
    ina, ben, campaign, _ = await two_clicks(shop)
    await shop.change_campaign(campaign, attributionModel="LINEAR")

    await posted(shop)

    answer = await shop.client.data(
        """{ analytics(range: {between: {from: "2026-03-10T00:00:00Z", until: "2026-03-11T00:00:00Z"}}) {
          groups(by: [{dimension: {name: INFLUENCER}}]) {
            nodes { key { influencer { id } } measures { orders grossRevenue commission purchases } } } } }"""
    )
    found = {node["key"]["influencer"]["id"]: node["measures"] for node in answer["analytics"]["groups"]["nodes"]}
    assert found[ina] == {"orders": "0.5", "grossRevenue": "50.00", "commission": "5.00", "purchases": 0}
    assert found[ben] == {"orders": "0.5", "grossRevenue": "50.00", "commission": "5.00", "purchases": 1}
    entries = await look.rows("ledger_entries", order="posted_at")
    assert entries[0]["posted_at"] < entries[-1]["posted_at"]
    assert all(entry["posted_at"] > NOON + 30 * DAY for entry in entries)


async def test_a_second_recomputation_changes_nothing(shop: Shop, look: Look) -> None:
    _, _, campaign, _ = await two_clicks(shop)
    await shop.change_campaign(campaign, attributionModel="POSITION_BASED")
    await posted(shop)
    before = await stored(look, *EVERYTHING)

    again = await recompute(shop)

    assert (again["results"], again["post"], again["orderCount"]) == ([], None, 1)
    assert await stored(look, *EVERYTHING) == before


async def test_credits_go_there_and_back(shop: Shop, look: Look, runtime: Runtime, ctx: Ctx) -> None:
    ina, ben, campaign, order = await two_clicks(shop)
    for model in ("FIRST_TOUCH", "LINEAR", "TIME_DECAY", "LAST_TOUCH"):
        await shop.change_campaign(campaign, attributionModel=model)
        await posted(shop)
        assert await broken_laws(runtime.db, ctx.tenant_id) == {}

    assert await shop.owed() == {ina: "0.00", ben: "10.00"}
    shown = await shop.client.data(
        """query($id: ID!) { explainAttribution(orderId: $id) { revision
          history { revision model cause reason winner { influencer { id } } candidates { credit } } } }""",
        {"id": order["id"]},
    )
    explanation = shown["explainAttribution"]
    assert explanation["revision"] == 5
    assert [(each["revision"], each["model"], each["cause"]) for each in explanation["history"]] == [
        (1, "LAST_TOUCH", "RECOMPUTED"),
        (2, "FIRST_TOUCH", "RECOMPUTED"),
        (3, "LINEAR", "RECOMPUTED"),
        (4, "TIME_DECAY", "RECOMPUTED"),
    ]
    assert {each["reason"] for each in explanation["history"]} == {"The rules changed."}


async def test_commissions_of_who_keeps_the_credit_are_left_alone(shop: Shop, look: Look) -> None:
    ina, ben, campaign, order = await two_clicks(shop, clickWindowDays=1)
    assert reasons(order["attribution"]) == [None, "OUTSIDE_WINDOW"]
    before = await stored(look, "commissions", "ledger_entries")
    # The older click counts now: what-ifs share it, and what was booked stays.
    await shop.change_campaign(campaign, clickWindowDays=30)

    answer = await posted(shop)

    assert differences(answer["results"][0]) == {}
    assert await stored(look, "commissions", "ledger_entries") == before
    await shop.write(
        "recordRefunds",
        {
            "refunds": [
                {"externalId": "r", "orderExternalId": order["externalId"], "amount": "50.00", "occurredAt": iso(NOON)}
            ]
        },
    )
    assert await shop.owed() == {ben: "5.00"}
    what_if = await shop.client.data(
        """{ analytics(range: {preset: ALL_TIME}, attribution: LINEAR) {
          groups(by: [{dimension: {name: INFLUENCER}}]) {
            nodes { key { influencer { id } } measures { orders } } } } }"""
    )
    assert {
        node["key"]["influencer"]["id"]: node["measures"]["orders"] for node in what_if["analytics"]["groups"]["nodes"]
    } == {ina: "0.5", ben: "0.5"}


async def test_refunds_and_edits_before_and_after_follow_the_credit(
    shop: Shop, look: Look, runtime: Runtime, ctx: Ctx
) -> None:
    ina, ben, campaign, order = await two_clicks(shop)
    refund = {"orderExternalId": order["externalId"], "occurredAt": iso(NOON + DAY)}
    await shop.write("recordRefunds", {"refunds": [refund | {"externalId": "r1", "amount": "30.00"}]})
    await shop.change_campaign(campaign, attributionModel="FIRST_TOUCH")

    answer = await posted(shop)

    assert differences(answer["results"][0]) == {ben: "-7.00", ina: "7.00"}
    await shop.write(
        "editOrders",
        {
            "edits": [
                {
                    "orderExternalId": order["externalId"],
                    "occurredAt": iso(NOON + 2 * DAY),
                    "total": "200.00",
                    "lines": [{"kind": "ITEM", "amount": "200.00", "sku": "sauce", "externalId": "l"}],
                }
            ]
        },
    )
    await shop.write("recordRefunds", {"refunds": [refund | {"externalId": "r2", "amount": "70.00"}]})
    assert await shop.owed() == {ina: "10.00", ben: "0.00"}
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}


async def test_what_was_rejected_is_not_earned_by_another_judgement(shop: Shop, look: Look) -> None:
    _, ben, campaign, _ = await two_clicks(shop)
    (row,) = await look.rows("commissions")
    sent = {"commissions": [{"id": str(row["id"]), "reason": "A cheat."}]}
    await shop.client.data(
        "mutation($sent: MoveCommissionsInput!) { rejectCommissions(input: $sent) { recordedCount } }", {"sent": sent}
    )
    await shop.change_campaign(campaign, attributionModel="LINEAR")

    await posted(shop)

    rows = await look.rows("commissions", order="id")
    bens = [(each["kind"], each["state"], each["amount_minor"]) for each in rows if str(each["influencer_id"]) == ben]
    assert bens == [("ACCRUAL", "PENDING", 1000), ("REJECTION", "REVERSED", -1000), ("ACCRUAL", "HELD", 500)]


async def test_statuses_count_as_when_the_order_was_recorded(shop: Shop) -> None:
    _, ben, campaign, _ = await two_clicks(shop)
    await shop.write("updateInfluencers", {"influencers": [{"id": ben, "status": "SUSPENDED"}]})
    await shop.change_campaign(campaign, status="ENDED")

    assert (await recompute(shop))["results"] == []

    later = await shop.order()
    assert later["attribution"]["winner"] is None
    await shop.change_campaign(campaign, status="ACTIVE")
    # Nor does being active now give what was not earned then.
    assert (await recompute(shop))["results"] == []


async def test_touches_dropped_by_age_still_count(shop: Shop, admin: Any, ctx: Ctx) -> None:
    ina, _, campaign, _ = await two_clicks(shop)
    await admin.execute("DELETE FROM instances WHERE tenant_id = $1 AND kind = 'CLICK'", ctx.tenant_id)
    assert (await recompute(shop))["results"] == []

    await shop.change_campaign(campaign, attributionModel="FIRST_TOUCH")

    (result,) = (await recompute(shop))["results"]
    assert credits_of(result["after"]) == {ina: "1"}


async def test_touches_and_codes_that_came_since_count(shop: Shop) -> None:
    _, ben, campaign, order = await two_clicks(shop)
    eva = await shop.influencer()
    await shop.touch(eva, campaign, ago=timedelta(hours=1))
    assert credits_of(await shop.explained(order["id"])) == {ben: "1"}

    answer = await posted(shop)

    assert differences(answer["results"][0]) == {ben: "-10.00", eva: "10.00"}


async def test_an_outdated_preview_posts_nothing(shop: Shop, look: Look) -> None:
    _, _, campaign, _ = await two_clicks(shop)
    await shop.change_campaign(campaign, attributionModel="FIRST_TOUCH")
    preview = await recompute(shop)
    await shop.change_campaign(campaign, attributionModel="LINEAR")
    before = await stored(look, *EVERYTHING)

    values = {"from": iso(NOON - 30 * DAY), "until": iso(NOON + 30 * DAY), "reason": "The rules changed."}
    codes = await shop.client.error_codes(RECOMPUTE, {"input": values | {"post": preview["post"]}})

    assert codes == ["PREVIEW_OUTDATED"]
    assert await stored(look, *EVERYTHING) == before


async def test_pages_go_through_all_orders_of_the_range(shop: Shop, runtime: Runtime, ctx: Ctx) -> None:
    ina, ben, campaign, _ = await two_clicks(shop)
    for hours in range(1, 6):
        await shop.order(occurredAt=iso(NOON + timedelta(hours=hours)))
    await shop.order(occurredAt=iso(NOON + 40 * DAY))
    await shop.order(visitorId="nobody")
    await shop.order(test=True)
    await shop.change_campaign(campaign, attributionModel="FIRST_TOUCH")

    seen, after, pages = 0, None, 0
    while pages == 0 or after is not None:
        preview = await recompute(shop, first=3, after=after)
        answer = await recompute(shop, first=3, after=after, post=preview["post"]) if preview["post"] else preview
        seen, after, pages = seen + answer["recordedCount"], preview["after"], pages + 1
        assert preview["orderCount"] <= 3

    assert (seen, pages) == (6, 3)
    assert await shop.owed() == {ina: "60.00", ben: "0.00"}
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}


async def test_campaigns_narrow_what_is_looked_at(shop: Shop) -> None:
    _, _, campaign, _ = await two_clicks(shop)
    other = await shop.campaign()
    await shop.touch(await shop.influencer(), other, visitorId="w")
    await shop.order(visitorId="w")

    assert (await recompute(shop, campaigns=[campaign]))["orderCount"] == 1
    assert (await recompute(shop, campaigns=[]))["orderCount"] == 0
    assert (await recompute(shop))["orderCount"] == 2


async def test_a_repeated_posting_is_told_again(shop: Shop, look: Look) -> None:
    _, _, campaign, _ = await two_clicks(shop)
    await shop.change_campaign(campaign, attributionModel="FIRST_TOUCH")
    preview = await recompute(shop)

    first = await recompute(shop, post=preview["post"], idempotencyKey="once")
    second = await recompute(shop, post=preview["post"], idempotencyKey="once")

    assert first == second
    assert len(await look.rows("attribution_changes")) == 1


async def test_who_may_not_write_money_may_not_recompute(shop: Shop) -> None:
    key = await shop.make_key(Role.ANALYST)
    values = {"from": iso(NOON - DAY), "until": iso(NOON), "reason": "x"}

    assert await shop.client.error_codes(RECOMPUTE, {"input": values}, key=key) == ["FORBIDDEN"]


@pytest.mark.parametrize(
    ("input", "code"),
    [
        ({"until": iso(NOON - 40 * DAY)}, "RANGE_INVALID"),
        ({"first": 0}, "BAD_USER_INPUT"),
        ({"first": 501}, "BAD_USER_INPUT"),
        ({"reason": " "}, "BAD_USER_INPUT"),
        ({"after": "no cursor"}, "INVALID_CURSOR"),
        ({"campaigns": ["no id"]}, "BAD_USER_INPUT"),
    ],
)
async def test_what_cannot_be_asked_is_refused(shop: Shop, input: dict[str, Any], code: str) -> None:
    values = {"from": iso(NOON - 30 * DAY), "until": iso(NOON + 30 * DAY), "reason": "The rules changed."}

    assert await shop.client.error_codes(RECOMPUTE, {"input": values | input}) == [code]


async def test_who_lost_an_order_still_sees_why_and_nothing_of_others(shop: Shop) -> None:
    ina, ben, campaign, order = await two_clicks(shop)
    key = await shop.influencers_key(ben)
    await shop.change_campaign(campaign, attributionModel="FIRST_TOUCH")
    await posted(shop)

    shown = await shop.explained(order["id"], key=key)

    assert [(each["credit"], each["rejected"]) for each in shown["candidates"]] == [
        ("0", "LOWER_PRIORITY"),
        ("1", None),
    ]
    assert ina not in str(shown)
    listed = await shop.client.data(
        "query($id: ID!) { explainAttribution(orderId: $id) { history { reason winner { influencer { id } } } } }",
        {"id": order["id"]},
        key=key,
    )
    assert listed["explainAttribution"]["history"] == [{"reason": None, "winner": {"influencer": {"id": ben}}}]
