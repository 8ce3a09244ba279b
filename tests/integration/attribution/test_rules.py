"""Who is credited by the rules of campaigns and tenant: windows of each kind, policies of codes, models, identities."""

from datetime import timedelta

import pytest

from tests.integration.attribution.store import DAY, NOON, Shop, credits_of, iso, reasons

pytestmark = pytest.mark.database


async def test_views_count_where_a_campaign_says_so(shop: Shop) -> None:
    ina, ben = await shop.influencer(), await shop.influencer()
    seen, unseen = await shop.campaign(viewWindowDays=2), await shop.campaign()
    await shop.touch(ina, seen, ago=3 * DAY, kind="VIEW")
    await shop.touch(ina, seen, ago=2 * DAY, kind="VIEW")
    await shop.touch(ben, unseen, ago=DAY, kind="VIEW")

    order = await shop.order()

    assert credits_of(order["attribution"]) == {ina: "1"}
    assert order["attribution"]["winner"]["kind"] == "VIEW"
    assert reasons(order["attribution"]) == [None, "OUTSIDE_WINDOW"]


async def test_uses_of_codes_have_a_window_of_their_own(shop: Shop) -> None:
    ina = await shop.influencer()
    campaign = await shop.campaign(clickWindowDays=5, codeWindowDays=2)
    await shop.code("HOT", ina, campaign)
    await shop.touch(ina, campaign, ago=4 * DAY)
    await shop.touch(None, ago=3 * DAY, kind="CODE", code="HOT")

    order = await shop.order()

    assert reasons(order["attribution"]) == ["OUTSIDE_WINDOW", None]
    assert order["attribution"]["winner"]["kind"] == "CLICK"


async def test_touches_outside_campaigns_have_the_tenants_window(shop: Shop) -> None:
    await shop.write("setAttributionRules", {"windowDays": 2})
    await shop.touch(await shop.influencer(), ago=3 * DAY)

    assert reasons((await shop.order())["attribution"]) == ["OUTSIDE_WINDOW"]


@pytest.mark.parametrize(
    ("policy", "clicked", "expected"),
    [
        ("ALWAYS", "nobody", "owner"),
        ("ALWAYS", "another", "owner"),
        ("INVOLVED", "another", "another"),
        ("INVOLVED", "owner, then another", "owner"),
        ("WINNER", "owner, then another", "another"),
        ("WINNER", "another, then owner", "owner"),
        ("WINNER", "nobody", "none"),
        ("INVOLVED", "nobody", "none"),
    ],
)
async def test_a_code_counts_by_its_campaigns_policy(shop: Shop, policy: str, clicked: str, expected: str) -> None:
    campaign = await shop.campaign(codePolicy=policy)
    people = {"owner": await shop.influencer(), "another": await shop.influencer()}
    await shop.code("CODE", people["owner"], campaign)
    if clicked != "nobody":
        for number, who in enumerate(clicked.split(", then ")):
            await shop.touch(people[who], campaign, ago=(5 - number) * DAY)

    order = await shop.order(codes=["CODE"])

    assert credits_of(order["attribution"]) == ({} if expected == "none" else {people[expected]: "1"})
    code = order["attribution"]["candidates"][0]
    assert code["touch"]["kind"] == "CODE"
    refusal = {"INVOLVED": "CODE_NOT_INVOLVED", "WINNER": "CODE_NOT_WINNER"}
    assert code["rejected"] == (None if expected == "owner" else refusal[policy])
    assert order["attribution"]["rule"] == (
        "CODE_AT_CHECKOUT" if expected == "owner" else "LATEST_TOUCH" if expected == "another" else "NO_TOUCH"
    )


async def test_a_recorded_use_of_a_code_goes_by_the_policy_too(shop: Shop) -> None:
    campaign, owner = await shop.campaign(codePolicy="INVOLVED"), await shop.influencer()
    await shop.code("CODE", owner, campaign)
    await shop.touch(None, kind="CODE", code="CODE")

    assert reasons((await shop.order())["attribution"]) == ["CODE_NOT_INVOLVED"]
    await shop.touch(owner, campaign, ago=2 * DAY)
    assert credits_of((await shop.order())["attribution"]) == {owner: "1"}


async def test_codes_outside_campaigns_have_the_tenants_policy(shop: Shop) -> None:
    await shop.code("CODE", await shop.influencer())
    await shop.write("setAttributionRules", {"codePolicy": "INVOLVED"})

    assert reasons((await shop.order(codes=["CODE"]))["attribution"]) == ["CODE_NOT_INVOLVED"]


async def test_the_tenants_model_holds_where_the_campaign_has_none(shop: Shop) -> None:
    await shop.write("setAttributionRules", {"model": "LINEAR"})
    ina, ben = await shop.influencer(), await shop.influencer()
    silent, first = await shop.campaign(), await shop.campaign(attributionModel="FIRST_TOUCH")
    for visitor, campaign in (("one", silent), ("two", first), ("three", None)):
        await shop.touch(ina, campaign, ago=2 * DAY, visitorId=visitor)
        await shop.touch(ben, campaign, ago=DAY, visitorId=visitor)

    orders = [await shop.order(visitorId=visitor) for visitor in ("one", "two", "three")]

    assert [order["attribution"]["model"] for order in orders] == ["LINEAR", "FIRST_TOUCH", "LINEAR"]
    assert [credits_of(order["attribution"]) for order in orders] == [
        {ina: "0.5", ben: "0.5"},
        {ina: "1"},
        {ina: "0.5", ben: "0.5"},
    ]
    listed = await shop.client.data("{ campaigns { nodes { attributionModel codePolicy paidSearch halfLifeDays } } }")
    assert [node["attributionModel"] for node in listed["campaigns"]["nodes"]] == [None, "FIRST_TOUCH"]


async def test_a_campaigns_half_life_weighs_under_time_decay(shop: Shop) -> None:
    ina, ben = await shop.influencer(), await shop.influencer()
    campaign = await shop.campaign(attributionModel="TIME_DECAY", halfLifeDays=1)
    await shop.touch(ina, campaign, ago=3 * DAY)
    await shop.touch(ben, campaign, ago=DAY)

    # Two half-lives apart: a quarter as much.
    assert credits_of((await shop.order())["attribution"]) == {ina: "0.2", ben: "0.8"}

    await shop.write("setAttributionRules", {"halfLifeDays": 2})
    await shop.change_campaign(campaign, halfLifeDays=None)
    assert credits_of((await shop.order())["attribution"]) == {ina: "0.333333333", ben: "0.666666667"}


async def test_rules_are_read_back_and_refused_out_of_bounds(shop: Shop) -> None:
    shown = "{ attributionRules { model halfLifeDays windowDays codePolicy paidSearch } }"
    before = (await shop.client.data(shown))["attributionRules"]
    assert before == {
        "model": "LAST_TOUCH",
        "halfLifeDays": 7,
        "windowDays": None,
        "codePolicy": "ALWAYS",
        "paidSearch": "REJECT",
    }

    (set_,) = await shop.write("setAttributionRules", {"halfLifeDays": 3}, "rules { halfLifeDays }")
    (again,) = await shop.write("setAttributionRules", {"halfLifeDays": 3})

    assert (set_["outcome"], set_["rules"], again["outcome"]) == ("RECORDED", {"halfLifeDays": 3}, "REPLAYED")
    setting = "mutation($input: SetAttributionRulesInput!) { setAttributionRules(input: $input) { recordedCount } }"
    for bad in ({"halfLifeDays": 0}, {"windowDays": 731}, {"model": None}):
        assert await shop.client.error_codes(setting, {"input": bad}) == ["BAD_USER_INPUT"]
    assert (await shop.client.data(shown))["attributionRules"] == before | {"halfLifeDays": 3}


@pytest.mark.parametrize("kind", ["SIGNUP", "PURCHASE"])
async def test_touches_are_joined_over_devices_by_the_customer(shop: Shop, kind: str) -> None:
    ina, campaign = await shop.influencer(), await shop.campaign()
    await shop.customer("ann")
    # On the telephone she clicked, and later signed in there, or bought what the store told of as an instance alone.
    # Now she buys at her desk, where nobody knows her yet.
    await shop.touch(ina, campaign, ago=3 * DAY, visitorId="phone")
    await shop.touch(None, ago=2 * DAY, kind=kind, visitorId="phone", customer="ann")

    order = await shop.order(visitorId="desk", customer="ann")

    assert credits_of(order["attribution"]) == {ina: "1"}
    # Known by now: the desk is hers, so an order without her name finds the telephone's click.
    assert credits_of((await shop.order(visitorId="desk"))["attribution"]) == {ina: "1"}


async def test_an_earlier_order_tells_whose_a_visitor_is(shop: Shop) -> None:
    ina, campaign = await shop.influencer(), await shop.campaign()
    await shop.order(visitorId="tablet", customer="ann", occurredAt=iso(NOON - 5 * DAY))
    await shop.touch(ina, campaign, visitorId="tablet")

    assert credits_of((await shop.order(visitorId="desk", customer="ann"))["attribution"]) == {ina: "1"}


async def test_what_is_known_only_after_the_order_joins_nothing(shop: Shop) -> None:
    ina, campaign = await shop.influencer(), await shop.campaign()
    await shop.customer("ann")
    await shop.touch(ina, campaign, visitorId="phone")
    await shop.touch(None, ago=-timedelta(hours=1), kind="SIGNUP", visitorId="phone", customer="ann")

    assert (await shop.order(visitorId="desk", customer="ann"))["attribution"]["candidates"] == []


async def test_a_device_that_several_use_is_nobodys_for_a_guest(shop: Shop) -> None:
    ina, campaign = await shop.influencer(), await shop.campaign()
    for who in ("ann", "bob"):
        await shop.customer(who)
        await shop.touch(None, ago=4 * DAY, kind="SIGNUP", visitorId="family", customer=who)
    await shop.touch(ina, campaign, visitorId="phone", customer="ann")

    assert (await shop.order(visitorId="family"))["attribution"]["candidates"] == []


async def test_a_touch_that_names_another_customer_is_never_found_by_the_visitor(shop: Shop) -> None:
    ina, campaign = await shop.influencer(), await shop.campaign()
    await shop.customer("ann")
    await shop.touch(ina, campaign, visitorId="family", customer="ann")

    assert (await shop.order(visitorId="family", customer="bob"))["attribution"]["candidates"] == []
    assert credits_of((await shop.order(visitorId="family", customer="ann"))["attribution"]) == {ina: "1"}
