"""`analytics` under lists of entities: the numbers of each one alone, in as many statements as for one."""

from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from app.core.context import Ctx, Role
from app.runtime import Runtime
from tests.client import Client
from tests.factories.orders import ProgramRows
from tests.integration.analytics.asking import RANGE, MakeKey, asking
from tests.integration.analytics.naive import Naive
from tests.integration.analytics.store import Store, half_folded

pytestmark = pytest.mark.database

Counting = Callable[[], Any]

ANSWER = """
  totals { orders netRevenue commission clicks }
  series(every: MONTH) { start filled measures { clicks } }
  groups(by: [{dimension: {name: PLATFORM}}], orderBy: [{measure: {measure: {name: CLICKS}}}], first: 2) {
    totalCount pageInfo { hasNextPage endCursor } nodes { rank key { platform } measures { clicks } }
  }
  table(by: [{dimension: {name: CODE}}], measures: [{name: CLICKS}]) { rowCount columns { name strings integers } }
"""

LISTS = {"campaign": "campaigns", "influencer": "influencers"}


@pytest.mark.parametrize("dimension", LISTS)
async def test_each_has_the_answer_it_would_have_alone(asker: Client, dimension: str) -> None:
    listed = await asker.data(f"{{ {LISTS[dimension]} {{ nodes {{ id analytics({RANGE}) {{ {ANSWER} }} }} }} }}")

    nodes = listed[LISTS[dimension]]["nodes"]
    assert len(nodes) > 3
    for node in nodes:
        where = {dimension: {"in": [node["id"]]}}
        alone = await asker.data(
            f"query Alone($where: FactFilter) {{ analytics({RANGE}, where: $where) {{ {ANSWER} }} }}", {"where": where}
        )
        ours, theirs = node["analytics"], alone["analytics"]
        # Cursors are bound to their connection.
        assert ours["groups"]["pageInfo"].pop("endCursor") != theirs["groups"]["pageInfo"].pop("endCursor")
        assert ours == theirs
    assert any(float(node["analytics"]["totals"]["netRevenue"]) for node in nodes)


async def test_pages_under_a_list_go_on(asker: Client) -> None:
    document = f"""query Next($after: String) {{ campaigns(first: 1) {{ nodes {{ analytics({RANGE}) {{
      groups(by: [{{dimension: {{name: PLATFORM}}}}], first: 2, after: $after) {{
        pageInfo {{ endCursor hasNextPage }} nodes {{ key {{ platform }} }}
      }}
    }} }} }} }}"""

    async def page(after: str | None) -> Any:
        data = await asker.data(document, {"after": after})
        return data["campaigns"]["nodes"][0]["analytics"]["groups"]

    seen: list[Any] = []
    after = None
    while True:
        found = await page(after)
        seen += [node["key"]["platform"] for node in found["nodes"]]
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break

    assert len(seen) == len(set(seen)) > 2


async def test_fifty_cost_as_many_statements_as_one(
    runtime: Runtime, admin: "asyncpg.Pool[Any]", ctx: Ctx, make_key: MakeKey, count_statements: Counting
) -> None:
    facts = await half_folded(runtime, ctx, seed=5)
    program = ProgramRows(runtime.db, admin, ctx)
    for _ in range(50 - len(facts.ids("campaigns"))):
        await program.campaign()
    document = f"""query Board($first: Int!) {{ campaigns(first: $first) {{ nodes {{
      analytics({RANGE}) {{ {ANSWER} }}
      again: analytics({RANGE}, where: {{platform: {{in: [TIKTOK]}}}}) {{ totals {{ clicks }} meta {{ servedFrom }} }}
    }} }} }}"""
    counted = {}
    async with asking(runtime, Store(ctx, facts, Naive(facts)), make_key, Role.ADMIN) as client:
        await client.data(document, {"first": 2})
        for first in (1, 50):
            with count_statements() as statements:
                data = await client.data(document, {"first": first})
            assert len(data["campaigns"]["nodes"]) == first
            counted[first] = [sql for sql in statements if sql.startswith("/* analytics.")]

    # Two questions: a statement for each part, but for totals, which the series brings along. What is stored is known.
    assert len(counted[1]) == len(counted[50]) == 3 + 1


async def test_influencers_see_their_own_part_of_campaigns(runtime: Runtime, store: Store, make_key: MakeKey) -> None:
    some = store.facts.ids("influencers")[0]
    async with asking(runtime, store, make_key, Role.INFLUENCER, influencer_id=some) as client:
        data = await client.data(f"{{ influencers {{ nodes {{ id analytics({RANGE}) {{ totals {{ clicks }} }} }} }} }}")
    async with asking(runtime, store, make_key, Role.STORE) as client:
        refused = await client.query(
            f"{{ influencers {{ nodes {{ analytics({RANGE}) {{ totals {{ clicks }} }} }} }} }}"
        )

    clicks = [row for row in store.facts.rows["instances"] if row["influencer_id"] == some and row["kind"] == "CLICK"]
    assert data["influencers"]["nodes"] == [{"id": str(some), "analytics": {"totals": {"clicks": len(clicks)}}}]
    assert {error["extensions"]["code"] for error in refused["errors"]} == {"FORBIDDEN"}
    assert all(node["analytics"] is None for node in refused["data"]["influencers"]["nodes"])


async def test_a_mistake_is_told_for_the_field(asker: Client) -> None:
    answer = await asker.query(
        f"{{ products(first: 1) {{ nodes {{ analytics({RANGE}) {{ totals {{ clicks }} }} }} }} }}"
    )

    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "MEASURE_NOT_BY_DIMENSION"
    assert error["extensions"]["path"] == ["totals", "clicks"]
    assert answer["data"]["products"]["nodes"] == [{"analytics": None}]


async def test_a_plan_under_a_list_runs_nothing_of_it(asker: Client, count_statements: Counting) -> None:
    with count_statements() as statements:
        data = await asker.data(f"{{ campaigns {{ nodes {{ analytics({RANGE}) {{ plan {{ cost }} }} }} }} }}")

    assert data["campaigns"]["nodes"]
    assert [sql for sql in statements if sql.startswith("/* analytics.")] == []
