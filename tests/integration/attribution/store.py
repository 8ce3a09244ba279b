"""A store and its program, as they speak with the API: nothing but documents."""

import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from app.core.context import Role
from tests.client import Client

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)

EXPLANATION = """{ orderId model rule cause revision winner { id kind influencer { id } }
  candidates { credit rejected touch { id kind code occurredAt influencer { id } campaign { id } } } }"""


def iso(at: datetime) -> str:
    """The instant as it is sent."""
    return at.isoformat()


class Shop:
    """What a store and a brand do with the API. Every method fails the test when the API refuses."""

    noon = NOON

    def __init__(self, client: Client, make_key: Callable[..., Awaitable[str]]) -> None:
        self.client = client
        self.make_key = make_key
        self._numbers = itertools.count(1)

    async def write(self, field: str, input: dict[str, Any], shown: str = "id", **more: Any) -> list[Any]:
        """The results of a mutation, all of which were recorded or replayed."""
        name = f"{field[0].upper()}{field[1:]}Input"
        answer = await self.client.data(
            f"mutation($input: {name}!) {{ {field}(input: $input) {{ results {{ outcome code message {shown} }} }} }}",
            {"input": input},
            **more,
        )
        results: list[Any] = answer[field]["results"]
        assert all(result["outcome"] != "REJECTED" for result in results), results
        return results

    async def influencer(self, **more: Any) -> str:
        """A new influencer's id."""
        (made,) = await self.write("createInfluencers", {"influencers": [{"name": "Ina", **more}]})
        return str(made["id"])

    async def campaign(self, **more: Any) -> str:
        """The id of a new campaign that runs at NOON and pays a tenth."""
        values = {"name": "Hot", "startsAt": iso(NOON - 365 * DAY), "commissionRate": "0.1", "clickWindowDays": 30}
        (made,) = await self.write("createCampaigns", {"campaigns": [values | more]})
        return str(made["id"])

    async def change_campaign(self, campaign: str, **more: Any) -> None:
        """Change terms of a campaign."""
        await self.write("updateCampaigns", {"campaigns": [{"id": campaign, **more}]})

    async def enrollment(self, campaign: str, influencer: str, **more: Any) -> str:
        """The id of an enrollment."""
        sent = {"campaignId": campaign, "influencerId": influencer, **more}
        (made,) = await self.write("createEnrollments", {"enrollments": [sent]})
        return str(made["id"])

    async def code(self, text: str, influencer: str, campaign: str | None = None, **more: Any) -> str:
        """A new coupon code."""
        sent = {"code": text, "influencerId": influencer, "campaignId": campaign, **more}
        await self.write("createCodes", {"codes": [sent]})
        return text

    async def touch(
        self, influencer: str | None, campaign: str | None = None, *, ago: timedelta = DAY, **more: Any
    ) -> Any:
        """What became of a touch, by default a click of visitor `v`: with the orders that were judged again."""
        values = {
            "kind": "CLICK",
            "occurredAt": iso(NOON - ago),
            "influencerId": influencer,
            "campaignId": campaign,
            "visitorId": "v",
        }
        (made,) = await self.write("recordInstances", {"instances": [values | more]}, f"id orders {EXPLANATION}")
        return made

    async def customer(self, name: str, **more: Any) -> str:
        """A customer the store knows."""
        await self.write("upsertCustomers", {"customers": [{"externalId": name, **more}]})
        return name

    async def order(self, **more: Any) -> Any:
        """What became of an order of 100.00 at NOON, by default of visitor `v`: with its explanation."""
        values = {
            "externalId": f"o-{next(self._numbers)}",
            "occurredAt": iso(NOON),
            "currency": "GBP",
            "total": "100.00",
            "visitorId": "v",
            "lines": [{"kind": "ITEM", "amount": "100.00", "sku": "sauce", "externalId": "l"}],
        }
        (made,) = await self.write(
            "recordOrders",
            {"orders": [values | more]},
            f"id externalId attribution {EXPLANATION} commissions {{ influencerId amount }}",
        )
        return made

    async def explained(self, order_id: str, **more: Any) -> Any:
        """Why the order is credited as it is."""
        answer = await self.client.data(
            f"query($id: ID!) {{ explainAttribution(orderId: $id) {EXPLANATION} }}", {"id": order_id}, **more
        )
        return answer["explainAttribution"]

    async def owed(self, **more: Any) -> dict[str, str]:
        """Net commission by influencer of all time."""
        answer = await self.client.data(
            """{ analytics(range: {preset: ALL_TIME}) { groups(by: [{dimension: {name: INFLUENCER}}]) {
              nodes { key { influencer { id } } measures { commission } } } } }""",
            **more,
        )
        return {
            node["key"]["influencer"]["id"]: node["measures"]["commission"]
            for node in answer["analytics"]["groups"]["nodes"]
            if node["key"]["influencer"] is not None
        }

    async def influencers_key(self, influencer: str) -> str:
        """A key that an influencer reads with."""
        return await self.make_key(Role.INFLUENCER, influencer_id=influencer)


def reasons(explanation: Any) -> list[str | None]:
    """Why each candidate earned nothing, in the order shown."""
    return [candidate["rejected"] for candidate in explanation["candidates"]]


def credits_of(explanation: Any) -> dict[str, str]:
    """Credits above 0 by influencer; several of one influencer joined by a blank."""
    found: dict[str, str] = {}
    for candidate in explanation["candidates"]:
        if candidate["credit"] != "0":
            influencer = candidate["touch"]["influencer"]["id"]
            found[influencer] = (
                f"{found[influencer]} {candidate['credit']}" if influencer in found else candidate["credit"]
            )
    return found
