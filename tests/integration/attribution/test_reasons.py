"""Every reason for which a touch earns nothing, reached as a store and a brand reach it: over the API."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.core.words import RejectReason
from tests.integration.attribution.store import DAY, NOON, Shop, iso, reasons

pytestmark = pytest.mark.database

Scenario = Callable[[Shop], Awaitable[Any]]


async def after_order(shop: Shop) -> Any:
    """The order names a click that happened after it."""
    await shop.touch(await shop.influencer(), await shop.campaign(), ago=-DAY / 2, clickId="k")
    return await shop.order(clickId="k")


async def outside_window(shop: Shop) -> Any:
    await shop.touch(await shop.influencer(), await shop.campaign(clickWindowDays=2), ago=3 * DAY)
    return await shop.order()


async def campaign_not_started(shop: Shop) -> Any:
    await shop.touch(await shop.influencer(), await shop.campaign(startsAt=iso(NOON + DAY)))
    return await shop.order()


async def campaign_ended(shop: Shop) -> Any:
    await shop.touch(await shop.influencer(), await shop.campaign(endsAt=iso(NOON)))
    return await shop.order()


async def campaign_paused(shop: Shop) -> Any:
    await shop.touch(await shop.influencer(), await shop.campaign(status="PAUSED"))
    return await shop.order()


async def enrollment_paused(shop: Shop) -> Any:
    campaign, influencer = await shop.campaign(), await shop.influencer()
    await shop.enrollment(campaign, influencer, status="PAUSED")
    await shop.touch(influencer, campaign)
    return await shop.order()


async def enrollment_ended(shop: Shop) -> Any:
    campaign, influencer = await shop.campaign(), await shop.influencer()
    await shop.enrollment(campaign, influencer, status="ENDED")
    await shop.touch(influencer, campaign)
    return await shop.order()


async def influencer_unknown(shop: Shop) -> Any:
    await shop.touch(None, await shop.campaign())
    return await shop.order()


async def influencer_paused(shop: Shop) -> Any:
    await shop.touch(await shop.influencer(status="PAUSED"))
    return await shop.order()


async def influencer_suspended(shop: Shop) -> Any:
    influencer = await shop.influencer()
    await shop.touch(influencer, await shop.campaign())
    await shop.write("updateInfluencers", {"influencers": [{"id": influencer, "status": "SUSPENDED"}]})
    return await shop.order()


async def code_unknown(shop: Shop) -> Any:
    return await shop.order(codes=["NOBODYS"])


async def code_not_in_force(shop: Shop) -> Any:
    await shop.code("OLD", await shop.influencer(), endsAt=iso(NOON - DAY))
    return await shop.order(codes=["OLD"])


async def code_not_owned(shop: Shop) -> Any:
    await shop.code("ANNS", await shop.influencer(), customer="ann")
    return await shop.order(codes=["ANNS"], customer="bob")


async def code_not_involved(shop: Shop) -> Any:
    campaign = await shop.campaign(codePolicy="INVOLVED")
    await shop.code("LEAKED", await shop.influencer(), campaign)
    await shop.touch(await shop.influencer(), campaign)
    return await shop.order(codes=["LEAKED"])


async def code_not_winner(shop: Shop) -> Any:
    campaign, involved = await shop.campaign(codePolicy="WINNER"), await shop.influencer()
    await shop.code("FIRST", involved, campaign)
    await shop.touch(involved, campaign, ago=2 * DAY)
    await shop.touch(await shop.influencer(), campaign)
    return await shop.order(codes=["FIRST"])


async def self_referral(shop: Shop) -> Any:
    await shop.customer("ina", email="Ina@Example.com")
    await shop.touch(await shop.influencer(email=" ina@example.COM "), await shop.campaign())
    return await shop.order(customer="ina")


async def paid_search(shop: Shop) -> Any:
    await shop.touch(await shop.influencer(), await shop.campaign(), url="https://shop.example/a?gclid=Cj0K&x=1")
    return await shop.order()


async def lower_priority(shop: Shop) -> Any:
    influencer, campaign = await shop.influencer(), await shop.campaign()
    await shop.touch(influencer, campaign, ago=2 * DAY)
    await shop.touch(influencer, campaign)
    return await shop.order()


async def test_order(shop: Shop) -> Any:
    await shop.touch(await shop.influencer(), await shop.campaign())
    return await shop.order(test=True)


test_order.__test__ = False  # type: ignore[attr-defined]

SCENARIOS: dict[str, Scenario] = {
    scenario.__name__.upper(): scenario
    for scenario in (
        after_order,
        outside_window,
        campaign_not_started,
        campaign_ended,
        campaign_paused,
        enrollment_paused,
        enrollment_ended,
        influencer_unknown,
        influencer_paused,
        influencer_suspended,
        code_unknown,
        code_not_in_force,
        code_not_owned,
        code_not_involved,
        code_not_winner,
        self_referral,
        paid_search,
        lower_priority,
        test_order,
    )
}


def test_every_reason_has_its_scenario() -> None:
    assert SCENARIOS.keys() == {reason.value for reason in RejectReason}


@pytest.mark.parametrize("reason", SCENARIOS)
async def test_a_touch_is_refused_for_the_reason(shop: Shop, reason: str) -> None:
    order = await SCENARIOS[reason](shop)

    assert reason in reasons(order["attribution"])
    refused = next(each for each in order["attribution"]["candidates"] if each["rejected"] == reason)
    assert refused["credit"] == "0"
    # What the write told is what is told afterwards.
    assert await shop.explained(order["id"]) == order["attribution"]


async def test_what_is_refused_earns_nothing(shop: Shop) -> None:
    await shop.touch(await shop.influencer(), await shop.campaign(), url="https://shop.example/?msclkid=1")

    order = await shop.order()

    assert order["attribution"]["winner"] is None
    assert order["commissions"] == []


@pytest.mark.parametrize("campaign_says", ["ALLOW", "REJECT"])
async def test_a_campaign_may_allow_paid_search(shop: Shop, campaign_says: str) -> None:
    campaign = await shop.campaign(paidSearch=campaign_says)
    await shop.touch(await shop.influencer(), campaign, url="https://shop.example/#/a?utm_medium=CPC")

    order = await shop.order()

    assert (order["attribution"]["winner"] is None) is (campaign_says == "REJECT")


async def test_links_of_social_networks_are_no_paid_search(shop: Shop) -> None:
    await shop.touch(await shop.influencer(), await shop.campaign(), url="https://shop.example/?fbclid=1&ttclid=2")

    assert (await shop.order())["attribution"]["winner"] is not None


async def test_own_purchases_are_known_by_customer_and_by_payout_account(shop: Shop) -> None:
    known = await shop.influencer(customer="ina")
    paid = await shop.influencer()
    await shop.write(
        "upsertPayoutMethods",
        {
            "payoutMethods": [
                {"influencerId": paid, "currency": "GBP", "provider": "PAYPAL", "reference": "Pay@example.com"}
            ]
        },
    )
    await shop.customer("payer", email="pay@EXAMPLE.com")
    campaign = await shop.campaign()
    await shop.touch(known, campaign, visitorId="one")
    await shop.touch(paid, campaign, visitorId="two")

    orders = [await shop.order(visitorId=visitor, customer=who) for visitor, who in (("one", "ina"), ("two", "payer"))]

    assert [reasons(order["attribution"]) for order in orders] == [["SELF_REFERRAL"]] * 2
    bought_by_another = await shop.order(visitorId="one", customer="somebody")
    assert bought_by_another["attribution"]["winner"] is not None


async def test_a_guest_order_is_ones_own_when_the_visitor_is_known(shop: Shop) -> None:
    await shop.customer("ina")
    influencer = await shop.influencer(customer="ina")
    await shop.touch(None, ago=5 * DAY, kind="SIGNUP", customer="ina")
    await shop.touch(influencer, await shop.campaign())

    order = await shop.order()

    assert reasons(order["attribution"]) == ["SELF_REFERRAL"]


async def test_a_code_used_as_anothers_earns_nothing(shop: Shop) -> None:
    campaign, owner, other = await shop.campaign(), await shop.influencer(), await shop.influencer()
    await shop.code("OWNERS", owner, campaign)
    await shop.touch(other, campaign, kind="CODE", code="OWNERS")

    order = await shop.order()

    assert reasons(order["attribution"]) == ["CODE_NOT_OWNED"]


async def test_the_owner_of_a_code_for_one_customer_earns_by_it(shop: Shop) -> None:
    owner = await shop.influencer()
    await shop.code("ANNS", owner, await shop.campaign(), customer="ann")

    order = await shop.order(codes=["anns"], customer="ann")

    assert order["attribution"]["winner"]["influencer"] == {"id": owner}
    assert order["commissions"] == [{"influencerId": owner, "amount": "10.00"}]
