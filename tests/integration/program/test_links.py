"""Links: their slugs are claimed among all tenants, each for the link that it leads to."""

import uuid

import asyncpg
import pytest

from app.core.context import Ctx, TenantInfo
from app.core.outcomes import Outcome
from app.runtime import Runtime
from app.tracking.inputs import LinkInput
from app.usecases.create_links import create_links
from tests.conftest import add_tenant, make_ctx
from tests.factories.influencers import make_influencer
from tests.factories.orders import Look
from tests.invariants.books import broken_laws

pytestmark = pytest.mark.database


async def test_of_two_links_with_one_slug_in_a_batch_the_first_is_made(runtime: Runtime, ctx: Ctx) -> None:
    ana = await make_influencer(runtime, ctx, "Ana")
    slug = f"ana-{uuid.uuid4().hex}"
    sent = LinkInput(ana, "https://shop.example/first", slug=slug)

    first, same, other, free = await create_links(
        runtime,
        ctx,
        [sent, sent, LinkInput(ana, "https://shop.example/second", slug=slug), LinkInput(ana, "https://shop.example")],
    )
    (again,) = await create_links(runtime, ctx, [sent])

    assert [first.outcome, same.outcome, free.outcome] == [Outcome.RECORDED, Outcome.REPLAYED, Outcome.RECORDED]
    assert other.code == "NAME_TAKEN"
    assert first.id == same.id == again.id
    async with runtime.db.directory() as session:
        claimed = await session.fetchval("/* test */ SELECT link_id FROM slug_directory WHERE slug = $1", slug)
    assert claimed == first.id
    assert await broken_laws(runtime.db, ctx.tenant_id) == {}


async def test_another_tenants_slug_is_taken_and_nothing_of_it_is_kept(
    runtime: Runtime, ctx: Ctx, admin: "asyncpg.Pool[asyncpg.Record]", tenant: TenantInfo
) -> None:
    slug = f"ana-{uuid.uuid4().hex}"
    neighbour = TenantInfo(uuid.uuid4(), f"tenant {uuid.uuid4().hex}", tenant.reporting_zone, tenant.currency, False)
    await add_tenant(admin, neighbour)
    theirs = make_ctx(neighbour)
    (first,) = await create_links(
        runtime, theirs, [LinkInput(await make_influencer(runtime, theirs, "Bo"), "https://bo.example", slug=slug)]
    )
    ana = await make_influencer(runtime, ctx, "Ana")

    outcomes = await create_links(runtime, ctx, [LinkInput(ana, "https://shop.example", slug=slug)] * 2)

    assert first.outcome is Outcome.RECORDED
    assert [outcome.code for outcome in outcomes] == ["NAME_TAKEN", "NAME_TAKEN"]
    assert await Look(runtime.db, ctx).counts("links", "slug_directory") == {"links": 0, "slug_directory": 0}
    assert await broken_laws(runtime.db, neighbour.id) == {}
