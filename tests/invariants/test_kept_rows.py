"""Law: a row that a process keeps shows every change that was acknowledged before the request came, whoever made it.

Rows are asked for until they come from memory, which statements tell; then they are changed behind that process.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import pytest

from app.cache.answers import NullAnswers
from app.campaigns.inputs import CampaignChange
from app.core.context import Ctx, Role, TenantInfo
from app.core.ids import new_id
from app.core.outcomes import Outcome
from app.core.words import Platform
from app.influencers.inputs import InfluencerChange, ProfileInput
from app.main import create_app
from app.products.inputs import ProductInput
from app.runtime import Runtime, open_runtime
from app.settings import Settings
from app.usecases.update_campaigns import update_campaigns
from app.usecases.update_influencers import update_influencers
from app.usecases.upsert_products import upsert_products
from tests.client import Client
from tests.conftest import add_tenant
from tests.factories.orders import Offer, ProgramRows, item, order
from tests.invariants.test_notes import sent

pytestmark = pytest.mark.database

Admin: TypeAlias = "asyncpg.Pool[Any]"
Counting: TypeAlias = Callable[[], Any]
MakeKey: TypeAlias = Callable[..., Awaitable[str]]
Change: TypeAlias = Callable[[Runtime, Ctx, "Shown"], Awaitable[Any]]

QUESTION = """query ($campaign: ID!, $influencer: ID!, $product: ID!) {
  campaign(id: $campaign) { name status budget }
  influencer(id: $influencer) { name country isEmailKnown profiles { platform handle followers } }
  product(id: $product) { title category }
}"""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is asked for."""

    campaign_id: UUID
    influencer_id: UUID
    product_id: UUID

    @property
    def variables(self) -> dict[str, str]:
        """The question's."""
        return {
            "campaign": str(self.campaign_id),
            "influencer": str(self.influencer_id),
            "product": str(self.product_id),
        }


@pytest.fixture
async def shown(runtime: Runtime, admin: Admin, ctx: Ctx) -> Shown:
    """A campaign, an influencer and a product that was sold."""
    offer: Offer = await ProgramRows(runtime.db, admin, ctx).offer("SPICY20")
    await sent(order(item("10.00", sku="sauce"), codes=("SPICY20",)))(runtime, ctx, None)
    async with runtime.db.read(ctx.tenant_id) as session:
        product_id = await session.fetchval("/* test */ SELECT id FROM products WHERE tenant_id = $1", ctx.tenant_id)
    return Shown(offer.campaign_id, offer.influencer_id, product_id)


@pytest.fixture
async def other(settings: Settings, make_key: MakeKey) -> AsyncIterator[Client]:
    """An analyst at another process."""
    async with open_runtime(settings) as another, Client(create_app(another), await make_key(Role.ANALYST)) as made:
        yield made


async def asked(client: Client, shown: Shown, **more: Any) -> Any:
    """What the client is shown now."""
    return await client.data(QUESTION, shown.variables, **more)


async def remembered(client: Client, shown: Shown, count_statements: Counting) -> Any:
    """What the client is shown, without a statement."""
    # The first call looks the key up, and so reads no epoch of the tenant's.
    await asked(client, shown)
    found = await asked(client, shown)
    with count_statements() as statements:
        assert await asked(client, shown) == found
    assert statements == []
    return found


def _of_influencer(**fields: Any) -> Change:
    return lambda runtime, ctx, shown: update_influencers(
        runtime, ctx, [InfluencerChange(shown.influencer_id, **fields)]
    )


CHANGES: dict[str, tuple[Change, str]] = {
    "a campaign's name": (
        lambda runtime, ctx, shown: update_campaigns(runtime, ctx, [CampaignChange(shown.campaign_id, name="Renamed")]),
        "Renamed",
    ),
    "an influencer's name": (_of_influencer(name="Renamed"), "Renamed"),
    "an influencer's country": (_of_influencer(country="FR"), "FR"),
    "an influencer's email": (_of_influencer(email="ina@example.com"), "True"),
    "an influencer's profiles": (_of_influencer(profiles=(ProfileInput(Platform.TIKTOK, "ina.cooks"),)), "ina.cooks"),
    "a product's title": (
        lambda runtime, ctx, shown: upsert_products(runtime, ctx, [ProductInput("sauce", "Renamed")]),
        "Renamed",
    ),
    "a product's category": (
        lambda runtime, ctx, shown: upsert_products(runtime, ctx, [ProductInput("sauce", category="Condiments")]),
        "Condiments",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
async def test_a_change_shows_at_every_process(
    runtime: Runtime, ctx: Ctx, client: Client, other: Client, shown: Shown, count_statements: Counting, what: str
) -> None:
    change, shows = CHANGES[what]
    before = await remembered(client, shown, count_statements)
    assert await remembered(other, shown, count_statements) == before
    assert shows not in str(before)

    (outcome,) = await change(runtime, ctx, shown)

    assert outcome.outcome is Outcome.RECORDED
    for each in (other, client):
        after = await asked(each, shown)
        assert shows in str(after)
        assert await remembered(each, shown, count_statements) == after


async def test_a_profile_that_is_gone_is_shown_no_more(
    runtime: Runtime, ctx: Ctx, client: Client, shown: Shown, count_statements: Counting
) -> None:
    await CHANGES["an influencer's profiles"][0](runtime, ctx, shown)
    assert len((await remembered(client, shown, count_statements))["influencer"]["profiles"]) == 1

    await _of_influencer(profiles=())(runtime, ctx, shown)

    assert (await asked(client, shown))["influencer"]["profiles"] == []


async def test_a_mutation_shows_what_it_wrote(client: Client, shown: Shown, count_statements: Counting) -> None:
    await remembered(client, shown, count_statements)

    found = await client.data(
        """mutation ($id: ID!) {
          updateCampaigns(input: {campaigns: [{id: $id, name: "Renamed"}]}) {
            results { campaign { name status budget } }
          }
        }""",
        {"id": str(shown.campaign_id)},
    )

    (result,) = found["updateCampaigns"]["results"]
    assert result["campaign"]["name"] == "Renamed"


async def test_other_fields_are_looked_up(client: Client, shown: Shown, count_statements: Counting) -> None:
    before = await remembered(client, shown, count_statements)

    found = await client.data(
        "query ($id: ID!) { campaign(id: $id) { currency name } }", {"id": str(shown.campaign_id)}
    )

    assert found == {"campaign": {"currency": "GBP", "name": before["campaign"]["name"]}}


async def test_what_was_acknowledged_is_seen_while_names_change(
    runtime: Runtime, ctx: Ctx, client: Client, other: Client, shown: Shown
) -> None:
    acknowledged = 0
    document = "query ($id: ID!) { campaign(id: $id) { name } influencer(id: $id) { id } }"

    async def write() -> None:
        nonlocal acknowledged
        for number in range(1, 60):
            await update_campaigns(runtime, ctx, [CampaignChange(shown.campaign_id, name=str(number))])
            acknowledged = number

    async def read(reader: Client) -> int:
        answers = 0
        while not writing.done():
            at_least = acknowledged
            found = await reader.data(document, {"id": str(shown.campaign_id)})
            assert int(found["campaign"]["name"].replace("Hot spring", "0")) >= at_least
            answers += 1
        return answers

    writing = asyncio.create_task(write())
    answers = await asyncio.gather(*(read(reader) for reader in (client, other) for _ in range(3)))
    await writing

    assert min(answers) > 5


async def test_rows_that_were_not_there_are_looked_up_again(
    runtime: Runtime, admin: Admin, ctx: Ctx, client: Client, shown: Shown
) -> None:
    coming = replace(shown, campaign_id=new_id())
    for _ in range(3):
        assert (await asked(client, coming))["campaign"] is None

    await ProgramRows(runtime.db, admin, ctx).campaign(id=coming.campaign_id)

    assert (await asked(client, coming))["campaign"]["name"] == "Hot spring"


async def test_tenants_share_no_rows(
    admin: Admin, tenant: TenantInfo, client: Client, shown: Shown, make_key: MakeKey, count_statements: Counting
) -> None:
    await remembered(client, shown, count_statements)
    stranger = replace(tenant, id=new_id(), name="a stranger")
    await add_tenant(admin, stranger)
    key = await make_key(Role.ADMIN, of=stranger)

    for _ in range(3):
        assert await asked(client, shown, key=key) == {"campaign": None, "influencer": None, "product": None}


async def test_an_influencer_sees_what_is_theirs_each_time(
    runtime: Runtime,
    admin: Admin,
    ctx: Ctx,
    client: Client,
    shown: Shown,
    make_key: MakeKey,
    count_statements: Counting,
) -> None:
    await remembered(client, shown, count_statements)
    newcomer = await ProgramRows(runtime.db, admin, ctx).influencer()
    key = await make_key(Role.INFLUENCER, influencer_id=newcomer)
    document, values = "query ($id: ID!) { campaign(id: $id) { name status budget } }", {"id": str(shown.campaign_id)}
    for _ in range(3):
        assert await client.data(document, values, key=key) == {"campaign": None}

    await ProgramRows(runtime.db, admin, ctx).enrollment(shown.campaign_id, newcomer)

    found = await client.data(document, values, key=key)
    assert found["campaign"]["name"] == "Hot spring"


async def test_nothing_is_kept_where_nobody_tells_of_changes(
    runtime: Runtime, make_key: MakeKey, shown: Shown, count_statements: Counting
) -> None:
    alone = replace(runtime, answers=NullAnswers())
    async with Client(create_app(alone), await make_key(Role.ANALYST)) as client:
        for _ in range(3):
            with count_statements() as statements:
                await asked(client, shown)
            assert len([sql for sql in statements if "get_many" in sql or "get_children" in sql]) == 4


async def test_a_slow_request_keeps_no_reply_with_an_older_name(
    runtime: Runtime, ctx: Ctx, client: Client, shown: Shown
) -> None:
    """Its body comes after a change that its head came before, and its reply is kept whole."""
    asked_of_it = "name analytics(range: {preset: ALL_TIME}) { totals { orders } }"
    document = f"query ($id: ID!) {{ campaign(id: $id) {{ {asked_of_it} }} }}"
    body = json.dumps({"query": document, "variables": {"id": str(shown.campaign_id)}}).encode()
    head = {"Content-Type": "application/json", "Authorization": f"Bearer {client.key}"}

    async def asked_slowly(change: Callable[[], Awaitable[Any]]) -> bytes:
        async def parts() -> AsyncIterator[bytes]:
            yield body[:10]
            # The head is read, and what is asked on its account is on its way.
            await asyncio.sleep(0.05)
            await change()
            yield body[10:]

        return (await client.http.post("/graphql", content=parts(), headers=head)).content

    async def nothing() -> None:
        return None

    for _ in range(2):
        assert b"Hot spring" in await asked_slowly(nothing)

    found = await asked_slowly(lambda: CHANGES["a campaign's name"][0](runtime, ctx, shown))

    assert b"Renamed" in found
    for _ in range(3):
        assert b"Renamed" in await asked_slowly(nothing)


async def test_a_change_that_is_repeated_is_told_again(
    runtime: Runtime, ctx: Ctx, other: Client, shown: Shown, count_statements: Counting
) -> None:
    """Whoever made it may have died before it was told."""
    change, shows = CHANGES["a campaign's name"]
    before = await remembered(other, shown, count_statements)
    await change(replace(runtime, answers=NullAnswers()), ctx, shown)
    assert await asked(other, shown) == before

    (outcome,) = await change(runtime, ctx, shown)

    assert outcome.outcome is Outcome.REPLAYED
    assert shows in str(await asked(other, shown))
