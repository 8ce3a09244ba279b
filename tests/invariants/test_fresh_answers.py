"""Law: a cached answer equals a fresh one over all writes acknowledged before the request; and answers are cached.

For each kind of write: ask twice (the second time it must come from the cache), write, and compare what the cache says
now with an application that has none. A note that is forgotten, or a day too few in it, shows here.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeAlias

import asyncpg
import pytest

from app.analytics.rollups.fold import fold
from app.cache.answers import NullAnswers
from app.campaigns.inputs import CampaignChange
from app.core.context import Ctx, Role
from app.core.outcomes import ItemOutcome, Outcome
from app.core.words import InstanceKind, Platform
from app.influencers.inputs import InfluencerChange
from app.main import create_app
from app.observability import metrics
from app.products.inputs import ProductInput
from app.runtime import Runtime
from app.tracking.inputs import InstanceInput
from app.usecases.record_instances import record_instances
from app.usecases.update_campaigns import update_campaigns
from app.usecases.update_influencers import update_influencers
from app.usecases.upsert_products import upsert_products
from tests.client import Client
from tests.factories.orders import NOON, Offer, ProgramRows, order
from tests.invariants.test_notes import CASES, ONE, Act, Case, sent

pytestmark = pytest.mark.database

Admin: TypeAlias = "asyncpg.Pool[Any]"
Counting: TypeAlias = Callable[[], Any]

RANGE = 'range: {between: {from: "2025-01-01T00:00:00Z", until: "2026-05-01T00:00:00Z"}}'
MEASURES = "orders netRevenue refunds commission units customers newCustomers"
QUESTION = f"""{{
  analytics({RANGE}) {{
    totals {{ instances clicks visitors {MEASURES} averageOrderValue conversionRate earningsPerClick }}
    series(every: DAY) {{ start measures {{ {MEASURES} clicks }} }}
    groups(by: [{{dimension: {{name: INFLUENCER}}}}, {{dimension: {{name: CAMPAIGN}}}}]) {{
      nodes {{ key {{ influencer {{ id name }} campaign {{ name }} }} measures {{ {MEASURES} }} }}
    }}
    currencies: groups(
      by: [{{dimension: {{name: CURRENCY}}}}], orderBy: [{{measure: {{measure: {{name: AVERAGE_ORDER_VALUE}}}}}}]
    ) {{ totalCount pageInfo {{ endCursor }} nodes {{ key {{ currency }} measures {{ netRevenue refunds }} }} }}
    table(by: [{{dimension: {{name: PRODUCT}}}}], measures: [{{name: UNITS}}, {{name: NET_REVENUE}}]) {{
      columns {{ name strings decimals }}
    }}
    meta {{ servedFrom asOf }}
  }}
  campaigns {{ nodes {{ name analytics({RANGE}) {{ totals {{ {MEASURES} }} meta {{ servedFrom asOf }} }} }} }}
}}"""

WHOLE = QUESTION[: QUESTION.index("meta {")] + "} }"
"""The same without a word on where it came from: such replies are kept whole."""

EARLIER = """{ analytics(range: {between: {from: "2026-01-01T00:00:00Z", until: "2026-02-01T00:00:00Z"}}) {
  totals { orders netRevenue } meta { servedFrom }
} }"""


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks an application that remembers answers, and one that does not."""

    cached: Client
    fresh: Client

    async def ask(self, document: str = QUESTION) -> tuple[Any, set[str]]:
        """The answer of the application that remembers, without its meta, and where its parts came from."""
        return _apart(await self.cached.data(document))

    async def anew(self) -> Any:
        """The answer computed now."""
        answer, sources = _apart(await self.fresh.data(QUESTION))
        assert "CACHE" not in sources
        return answer


def _apart(data: dict[str, Any]) -> tuple[Any, set[str]]:
    # Meta aside: it says when and from what an answer was computed.
    parts = [data["analytics"], *(node["analytics"] for node in data.get("campaigns", {"nodes": ()})["nodes"])]
    metas = [part.pop("meta") for part in parts]
    return data, {source for meta in metas for source in meta["servedFrom"]}


@pytest.fixture(params=["rollups", "facts"])
async def asker(
    request: pytest.FixtureRequest, runtime: Runtime, make_key: Callable[..., Awaitable[str]]
) -> AsyncIterator[Asker]:
    """Two applications of one database, with rollups and without."""
    settings = runtime.settings.model_copy(update={"rollups_enabled": request.param == "rollups"})
    remembering = replace(runtime, settings=settings)
    forgetting = replace(remembering, answers=NullAnswers())
    key = await make_key(Role.ANALYST)
    async with Client(create_app(remembering), key) as cached, Client(create_app(forgetting), key) as fresh:
        yield Asker(cached, fresh)


@pytest.fixture
async def offer(runtime: Runtime, admin: Admin, ctx: Ctx) -> Offer:
    """A campaign whose code earns."""
    return await ProgramRows(runtime.db, admin, ctx).offer("SPICY20")


def tracked(*instances: InstanceInput) -> Act:
    """These instances are recorded."""
    return lambda runtime, ctx, key: record_instances(runtime, ctx, instances, idempotency_key=key)


CLICK = InstanceInput(InstanceKind.CLICK, NOON, external_id="click", visitor_id="v", platform=Platform.TIKTOK)
WRITES = CASES | {
    "a click": Case(tracked(CLICK)),
    "a click of a code": Case(tracked(replace(CLICK, kind=InstanceKind.CODE, code="SPICY20"))),
}


@pytest.mark.parametrize("key", [None, "key"])
@pytest.mark.parametrize("name", WRITES)
async def test_a_write_makes_answers_stale_that_it_changes(
    runtime: Runtime, ctx: Ctx, offer: Offer, asker: Asker, name: str, key: str | None
) -> None:
    case = WRITES[name]
    for earlier in case.before:
        await earlier(runtime, ctx, None)
    await fold(runtime.db, ctx.tenant_id, now=ctx.now)
    before, _ = await asker.ask()
    again, sources = await asker.ask()
    assert (again, sources) == (before, {"CACHE"})

    outcomes = await case.act(runtime, ctx, key)

    assert {outcome.outcome for outcome in outcomes} == {case.expected}, outcomes
    after, sources = await asker.ask()
    fresh = await asker.anew()
    assert after == fresh
    assert (fresh != before) == case.shows
    if case.shows:
        assert "CACHE" not in sources
    assert await asker.ask() == (after, {"CACHE"})


@pytest.mark.parametrize("name", WRITES)
async def test_a_write_makes_whole_replies_stale_that_it_changes(
    runtime: Runtime, ctx: Ctx, offer: Offer, asker: Asker, name: str, count_statements: Counting
) -> None:
    case = WRITES[name]
    for earlier in case.before:
        await earlier(runtime, ctx, None)
    await fold(runtime.db, ctx.tenant_id, now=ctx.now)
    before = await kept_whole(asker, count_statements)

    outcomes = await case.act(runtime, ctx, None)

    assert {outcome.outcome for outcome in outcomes} == {case.expected}, outcomes
    after = await asker.cached.data(WHOLE)
    assert after == await asker.fresh.data(WHOLE)
    assert (after != before) == case.shows
    assert await kept_whole(asker, count_statements) == after


async def kept_whole(asker: Asker, count_statements: Counting) -> Any:
    """The reply, which costs nothing the third time it is asked; asked once more where that could not be."""
    for _ in range(2):
        moment = _moment()
        for _ in range(2):
            found = await asker.cached.data(WHOLE)
        with count_statements() as statements:
            assert await asker.cached.data(WHOLE) == found
        if moment == _moment():
            break
    assert statements == []
    return found


def _moment() -> tuple[float, float]:
    # What replies are kept for: a quarter of an hour, and a Redis that answers in time.
    return time.time() // 900, metrics.redis_failures.labels(kind="away")._value.get()


NAMES: dict[str, Callable[[Runtime, Ctx, Offer], Awaitable[Sequence[ItemOutcome]]]] = {
    "influencer": lambda runtime, ctx, offer: update_influencers(
        runtime, ctx, [InfluencerChange(offer.influencer_id, name="Renamed")]
    ),
    "campaign": lambda runtime, ctx, offer: update_campaigns(
        runtime, ctx, [CampaignChange(offer.campaign_id, name="Renamed")]
    ),
    "product": lambda runtime, ctx, offer: upsert_products(runtime, ctx, [ProductInput("sauce", "Renamed")]),
}


@pytest.mark.parametrize("entity", NAMES)
async def test_a_new_name_shows_in_the_next_answer(
    runtime: Runtime, ctx: Ctx, offer: Offer, asker: Asker, entity: str
) -> None:
    await sent(ONE)(runtime, ctx, None)
    before, _ = await asker.ask()
    assert await asker.ask() == (before, {"CACHE"})

    (outcome,) = await NAMES[entity](runtime, ctx, offer)

    assert outcome.outcome is Outcome.RECORDED
    after, _ = await asker.ask()
    assert after == await asker.anew() != before
    assert "Renamed" in str(after)


@pytest.mark.parametrize("entity", NAMES)
async def test_a_new_name_shows_in_the_next_whole_reply(
    runtime: Runtime, ctx: Ctx, offer: Offer, asker: Asker, entity: str, count_statements: Counting
) -> None:
    await sent(ONE)(runtime, ctx, None)
    before = await kept_whole(asker, count_statements)

    await NAMES[entity](runtime, ctx, offer)

    after = await asker.cached.data(WHOLE)
    assert after == await asker.fresh.data(WHOLE) != before
    assert "Renamed" in str(after)


async def test_a_write_leaves_answers_about_other_days(runtime: Runtime, ctx: Ctx, offer: Offer, asker: Asker) -> None:
    await sent(order(occurred_at=NOON - timedelta(days=60), codes=("SPICY20",)))(runtime, ctx, None)
    before, _ = await asker.ask(EARLIER)

    await sent(ONE)(runtime, ctx, None)
    assert await asker.ask(EARLIER) == (before, {"CACHE"})

    await sent(order(occurred_at=NOON - timedelta(days=59), codes=("SPICY20",)))(runtime, ctx, None)
    after, sources = await asker.ask(EARLIER)
    assert "CACHE" not in sources
    assert (before["analytics"]["totals"]["orders"], after["analytics"]["totals"]["orders"]) == ("1", "2")


async def test_a_key_of_one_influencer_never_gets_anothers_answer(
    runtime: Runtime,
    admin: Admin,
    ctx: Ctx,
    offer: Offer,
    asker: Asker,
    make_key: Callable[..., Awaitable[str]],
) -> None:
    other = await ProgramRows(runtime.db, admin, ctx).influencer()
    await sent(ONE)(runtime, ctx, None)
    found = {}
    for influencer in (offer.influencer_id, other):
        key = await make_key(Role.INFLUENCER, influencer_id=influencer)
        for _ in range(2):
            data, sources = _apart(await asker.cached.data(QUESTION, key=key))
        assert sources == {"CACHE"}
        found[influencer] = data["analytics"]["totals"]["orders"]

    assert found == {offer.influencer_id: "1", other: "0"}
