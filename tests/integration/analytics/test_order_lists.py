"""The orders of campaigns, influencers and their pairs: page by page and counted, against Python over the credits."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from app.cache.answers import NullAnswers
from app.runtime import Runtime
from graphql_schema.execute import Executor
from tests.integration.analytics.store import Store

pytestmark = pytest.mark.database

Key = Callable[[Any], tuple[UUID | None, ...]]

PARENTS: dict[str, tuple[str, Key, Key]] = {
    "campaigns": ("campaigns", lambda row: (row["id"],), lambda credit: (credit["campaign_id"],)),
    "influencers": ("influencers", lambda row: (row["id"],), lambda credit: (credit["influencer_id"],)),
    "enrollments": (
        "enrollments",
        lambda row: (row["campaign_id"], row["influencer_id"]),
        lambda credit: (credit["campaign_id"], credit["influencer_id"]),
    ),
}


async def enroll(runtime: Runtime, store: Store) -> None:
    """Everybody who is credited for a campaign is enrolled in it."""
    async with runtime.db.write(store.ctx.tenant_id) as session:
        await session.execute(
            """/* test.enroll */
            INSERT INTO enrollments (tenant_id, id, campaign_id, influencer_id, status, created_at, updated_at)
            SELECT $1, gen_random_uuid(), pair.campaign_id, pair.influencer_id, 'ACTIVE', $2, $2
            FROM (
              SELECT DISTINCT campaign_id, influencer_id FROM credits
              WHERE tenant_id = $1 AND campaign_id IS NOT NULL AND influencer_id IS NOT NULL
            ) AS pair
            ON CONFLICT (tenant_id, campaign_id, influencer_id) DO NOTHING""",
            store.ctx.tenant_id,
            store.ctx.now,
        )


@pytest.mark.parametrize("name", PARENTS)
async def test_each_parents_orders_are_those_credited_latest_first(runtime: Runtime, store: Store, name: str) -> None:
    table, key, credited = PARENTS[name]
    tenant_id = store.ctx.tenant_id
    await enroll(runtime, store)
    async with runtime.db.read(tenant_id) as session:
        parents = await session.fetch(f"/* test.parents */ SELECT * FROM {table} WHERE tenant_id = $1", tenant_id)
        credits = await session.fetch(
            "/* test.credits */ SELECT * FROM credits WHERE tenant_id = $1 AND superseded_at = 'infinity'", tenant_id
        )
    wanted = {
        str(row["id"]): [
            str(order_id)
            for _, order_id in sorted(
                {
                    (credit["occurred_at"], credit["order_id"])
                    for credit in credits
                    if credit["weight_booked"] > 0 and credited(credit) == key(row)
                },
                reverse=True,
            )
        ]
        for row in parents
    }
    executor = Executor(replace(runtime, answers=NullAnswers()))
    kind = name.removesuffix("s").capitalize()

    reply = await executor.execute(
        store.ctx,
        document=f"{{ {name}(first: 200) {{ nodes {{ id orders(first: 3) {{ totalCount nodes {{ id }} "
        "pageInfo { hasNextPage endCursor } } } } }",
    )

    assert reply.codes == ()
    found = reply.payload["data"][name]["nodes"]
    assert {each["id"] for each in found} == set(wanted)
    for each in found:
        orders, all_orders = each["orders"], wanted[each["id"]]
        assert [order["id"] for order in orders["nodes"]] == all_orders[:3]
        assert orders["totalCount"] == len(all_orders)
        assert orders["pageInfo"]["hasNextPage"] == (len(all_orders) > 3)

    longest = max(found, key=lambda each: len(wanted[each["id"]]))
    reply = await executor.execute(
        store.ctx,
        document=f"query Next($id: ID!, $after: String!) {{ node(id: $id) {{ ... on {kind} "
        "{ orders(first: 100, after: $after) { nodes { id } } } } }",
        variables={"id": longest["id"], "after": longest["orders"]["pageInfo"]["endCursor"]},
    )
    rest = [order["id"] for order in reply.payload["data"]["node"]["orders"]["nodes"]]
    assert rest == wanted[longest["id"]][3:]
    assert rest
