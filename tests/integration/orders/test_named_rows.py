"""Rows that others name: looked up, but for their ids alone, which the rows that name them have."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.core.context import Role
from tests.client import Client
from tests.factories.orders import ProgramRows

pytestmark = pytest.mark.database

NAMES = "{ instances { nodes { campaign { id } influencer { __typename id } link { id } } } }"
NAMED = "{ instances { nodes { campaign { id } influencer { id name } } } }"


async def test_ids_of_rows_that_are_named_take_no_look_up(
    client: Client, program: ProgramRows, count_statements: Callable[[], Any]
) -> None:
    ana, campaign = await program.influencer(), await program.campaign()
    await program.click(ana, campaign)
    await program.click(ana, None)
    await client.data(NAMES)

    with count_statements() as statements:
        answer = await client.data(NAMES)
    with count_statements() as more:
        named = await client.data(NAMED)

    influencer = {"__typename": "Influencer", "id": str(ana)}
    assert sorted(answer["instances"]["nodes"], key=lambda node: node["campaign"] is None) == [
        {"campaign": {"id": str(campaign)}, "influencer": influencer, "link": None},
        {"campaign": None, "influencer": influencer, "link": None},
    ]
    assert [sql.split(" */")[0] for sql in statements] == ["/* instances.page"]
    assert len(more) == 2
    assert {node["influencer"]["name"] for node in named["instances"]["nodes"]} != {None}


async def test_an_influencer_is_named_no_row_that_is_not_theirs(
    client: Client, program: ProgramRows, make_key: Callable[..., Awaitable[str]]
) -> None:
    ana, campaign = await program.influencer(), await program.campaign()
    # Looked at, and without a share: no reason to see the campaign.
    await program.click(ana, campaign)

    key = await make_key(Role.INFLUENCER, influencer_id=ana)

    (node,) = (await client.data(NAMES, key=key))["instances"]["nodes"]
    assert node == {"campaign": None, "influencer": {"__typename": "Influencer", "id": str(ana)}, "link": None}
