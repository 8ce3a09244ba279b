"""Subscriptions over real sockets: who gets which answer when, at what cost, and how it ends."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import asyncpg
import httpx
import orjson
import pytest
from websockets.exceptions import ConnectionClosed

import app.db.session as session_module
import app.web.live as live_module
import graphql_schema.live_hub as hub_module
from app.analytics.rollups.rebuild import rebuild
from app.analytics.runner import Runner
from app.campaigns.inputs import CampaignChange
from app.core.context import Ctx, Role, TenantInfo
from app.core.ids import new_id
from app.core.outcomes import Outcome
from app.core.words import InstanceKind
from app.errors import OutsideError
from app.main import create_app
from app.observability import metrics
from app.runtime import Runtime, open_runtime
from app.settings import Settings
from app.tenancy.service import hash_key
from app.tracking.inputs import InstanceInput
from app.usecases.record_instances import record_instances
from app.usecases.update_campaigns import update_campaigns
from app.web import protocol
from app.web.auth import Authenticator
from tests.conftest import add_tenant, make_ctx
from tests.factories.listener import MESSAGE_BYTES_MAX, Listener, listening
from tests.factories.orders import ProgramRows
from tests.factories.redis_server import RedisServer, server_binaries
from tests.factories.subscriptions import Socket, streamed

pytestmark = pytest.mark.database

Admin: TypeAlias = "asyncpg.Pool[Any]"
MakeKey: TypeAlias = Callable[..., Awaitable[str]]

EVERY_S = 0.3

CLICKS = """subscription ($every: Duration, $where: FactFilter) {
  analytics(range: {last: {n: 2, unit: DAY, includeCurrent: true}}, every: $every, where: $where) {
    totals { clicks } meta { asOf servedFrom } plan { cost }
  }
}"""
BEFORE = """subscription { analytics(
  range: {between: {from: "2025-01-01T00:00:00Z", until: "2025-02-01T00:00:00Z"}}, every: "PT0.3S"
) { totals { clicks } } }"""
EVERY = {"every": f"PT{EVERY_S}S"}


@pytest.fixture
def lively(runtime: Runtime) -> Runtime:
    """The runtime, with answers more often than clients may usually ask for."""
    return replace(runtime, settings=runtime.settings.model_copy(update={"live_every_min_s": 0.05}))


@pytest.fixture
async def server(lively: Runtime) -> AsyncIterator[Listener]:
    """A server in this process."""
    async with listening(create_app(lively)) as listener:
        yield listener


async def click(runtime: Runtime, ctx: Ctx, *, at: datetime | None = None, **more: Any) -> None:
    """Record a click."""
    instance = InstanceInput(kind=InstanceKind.CLICK, occurred_at=at or datetime.now(UTC), **more)
    (outcome,) = await record_instances(runtime, replace(ctx, now=datetime.now(UTC)), [instance])
    assert outcome.outcome is Outcome.RECORDED


@contextmanager
def analytics_statements() -> Iterator[list[str]]:
    """The statements of answers that run inside, whoever runs them."""
    seen: list[str] = []
    observe = session_module._observe

    def observing(sql: str) -> None:
        # What rollups there are is looked up once a process, not for each answer.
        if sql.startswith("/* analytics.") and not sql.startswith("/* analytics.rollup_state"):
            seen.append(sql)
        observe(sql)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session_module, "_observe", observing)
        yield seen


async def test_first_answer_comes_at_once_and_each_change_brings_the_next(
    server: Listener, lively: Runtime, ctx: Ctx, make_key: MakeKey
) -> None:
    async with Socket(server) as socket:
        await socket.init(await make_key(Role.ANALYST))
        await socket.subscribe(CLICKS, EVERY)

        assert (await socket.data())["totals"] == {"clicks": 0}
        for expected in (1, 2, 3):
            await click(lively, ctx)
            assert (await socket.data())["totals"] == {"clicks": expected}


async def test_answers_are_put_together_as_those_of_queries_are(
    server: Listener, lively: Runtime, ctx: Ctx, make_key: MakeKey
) -> None:
    def left() -> float:
        return sum(each.value for family in metrics.fallbacks.collect() for each in family.samples)

    selected = """analytics(range: {between: {from: "2026-01-01T00:00:00Z", until: "2026-03-01T00:00:00Z"}}) {
      totals { clicks earningsPerClick } series(every: DAY, fill: NULL) { start partial measures { clicks } }
      groups(by: [{dimension: {name: CHANNEL}}]) { totalCount nodes { key { channel } measures { clicks } } }
      meta { timeZone warnings { code } }
    }"""
    for number in range(5):
        await click(lively, ctx, at=datetime(2026, 1, 3 + number, tzinfo=UTC), channel=f"channel {number % 2}")
    key = await make_key(Role.ANALYST)
    before = left()

    async with Socket(server) as socket, httpx.AsyncClient(base_url=server.url) as client:
        await socket.init(key)
        await socket.subscribe(f"subscription {{ {selected} }}")
        followed = await socket.data()
        asked = await client.post(
            "/graphql", json={"query": f"{{ {selected} }}"}, headers={"Authorization": f"Bearer {key}"}
        )

    assert followed == asked.json()["data"]["analytics"]
    assert left() == before


async def test_a_question_that_is_too_cheap_to_be_kept_is_followed(
    lively: Runtime, ctx: Ctx, make_key: MakeKey
) -> None:
    # With rollups that the process knows, a question that nobody asked before costs less than a look-up.
    lively = replace(lively, settings=lively.settings.model_copy(update={"answer_rows_min": 10**6}))
    await rebuild(lively.db, ctx.tenant, now=ctx.now)
    async with listening(create_app(lively)) as server, Socket(server) as socket:
        await socket.init(await make_key(Role.ANALYST))
        await socket.subscribe(CLICKS, EVERY, id="another")
        await socket.data()
        await socket.send({"id": "another", "type": "complete"})
        await socket.subscribe(CLICKS.replace("n: 2", "n: 3"), EVERY, id="new")

        assert (await socket.data())["totals"] == {"clicks": 0}
        for expected in (1, 2, 3):
            await click(lively, ctx)
            assert (await socket.data())["totals"] == {"clicks": expected}


async def test_without_a_change_nothing_comes(server: Listener, lively: Runtime, ctx: Ctx, make_key: MakeKey) -> None:
    async with Socket(server) as socket:
        await socket.init(await make_key(Role.ANALYST))
        await socket.subscribe(CLICKS, EVERY)
        await socket.data()

        with analytics_statements() as statements:
            await socket.silence(4 * EVERY_S)
            # On a day that the answer does not depend on.
            await click(lively, ctx, at=datetime.now(UTC) - timedelta(days=40))
            await socket.silence(4 * EVERY_S)

    assert statements == []


async def test_an_answer_that_was_touched_and_is_the_same_is_not_sent(
    server: Listener, lively: Runtime, ctx: Ctx, make_key: MakeKey
) -> None:
    async with Socket(server) as socket:
        await socket.init(await make_key(Role.ANALYST))
        await socket.subscribe(CLICKS, EVERY | {"where": {"code": {"in": ["NOBODY"]}}})
        await socket.data()

        with analytics_statements() as statements:
            await click(lively, ctx)
            await socket.silence(4 * EVERY_S)

    assert statements, "it was computed again, with another `asOf`"


async def test_answers_keep_their_distance_and_the_last_one_has_everything(
    server: Listener, lively: Runtime, ctx: Ctx, make_key: MakeKey
) -> None:
    async with Socket(server) as socket:
        await socket.init(await make_key(Role.ANALYST))
        await socket.subscribe(CLICKS, EVERY)
        clicks = (await socket.data())["totals"]["clicks"]
        arrivals = [time.monotonic()]

        async def write() -> None:
            for _ in range(30):
                await click(lively, ctx)
                await asyncio.sleep(0.04)

        writing = asyncio.create_task(write())
        while clicks < 30:
            clicks = (await socket.data())["totals"]["clicks"]
            arrivals.append(time.monotonic())
        await writing

    gaps = [later - earlier for earlier, later in itertools.pairwise(arrivals)]
    # Arrivals jitter by what the machine is busy with; the mean cannot be pressed.
    assert min(gaps[1:]) > EVERY_S / 2
    assert sum(gaps[1:]) / len(gaps[1:]) > 0.9 * EVERY_S
    assert len(arrivals) < 15


async def test_a_thousand_subscribers_cost_one_computation_a_change(
    server: Listener, lively: Runtime, ctx: Ctx, make_key: MakeKey
) -> None:
    key = await make_key(Role.ANALYST)
    with analytics_statements() as one:
        async with Socket(server) as socket:
            await socket.init(key)
            await socket.subscribe(CLICKS, EVERY)
            await socket.data()
    await click(lively, ctx)

    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(Socket(server)) for _ in range(25)]
        for socket in sockets:
            await socket.init(key)
        with analytics_statements() as first:
            for socket, number in itertools.product(sockets, range(40)):
                await socket.subscribe(CLICKS, EVERY, id=str(number))
            answers = [await socket.data() for socket in sockets for _ in range(40)]
        with analytics_statements() as second:
            await click(lively, ctx)
            later = [await socket.data() for socket in sockets for _ in range(40)]

    assert len(one) >= 1
    assert (len(first), len(second)) == (len(one), len(one))
    assert {answer["totals"]["clicks"] for answer in answers} == {1}
    assert {answer["totals"]["clicks"] for answer in later} == {2}


async def test_the_same_question_in_other_words_is_computed_together(
    server: Listener, lively: Runtime, ctx: Ctx, make_key: MakeKey
) -> None:
    named = CLICKS.replace("subscription (", "subscription Named(").replace("totals", "all: totals")
    named = named.replace("all: totals { clicks }", "totals { number: clicks }")
    async with Socket(server) as socket:
        await socket.init(await make_key(Role.ANALYST))
        await socket.subscribe(CLICKS, EVERY, id="a")
        await socket.data()
        with analytics_statements() as one:
            await click(lively, ctx)
            await socket.data()
        await socket.subscribe(named, EVERY, id="b")
        await socket.data()
        await asyncio.sleep(2 * EVERY_S)

        with analytics_statements() as both:
            await click(lively, ctx)
            answers = [await socket.next() for _ in range(2)]

    assert {answer["id"] for answer in answers} == {"a", "b"}
    assert len(both) == len(one)


async def test_who_comes_later_sees_what_was_acknowledged_before(
    server: Listener, lively: Runtime, ctx: Ctx, make_key: MakeKey
) -> None:
    slow = EVERY | {"every": "PT1H"}
    async with Socket(server) as early, Socket(server) as late:
        for socket in (early, late):
            await socket.init(await make_key(Role.ANALYST))
        await early.subscribe(CLICKS, slow)
        assert (await early.data())["totals"] == {"clicks": 0}

        for number in range(5):
            await click(lively, ctx)
            await late.subscribe(CLICKS, slow, id=str(number))
            assert (await late.data())["totals"] == {"clicks": number + 1}
        await early.silence(EVERY_S)


async def test_tenants_and_influencers_see_their_own(
    server: Listener, lively: Runtime, admin: Admin, ctx: Ctx, tenant: TenantInfo, make_key: MakeKey
) -> None:
    other = TenantInfo(new_id(), f"other {new_id()}", "Europe/London", "GBP", is_test=False)
    await add_tenant(admin, other)
    influencer = await ProgramRows(lively.db, admin, ctx).influencer()
    keys = [
        await make_key(Role.ANALYST),
        await make_key(Role.ANALYST, of=other),
        await make_key(Role.INFLUENCER, influencer_id=influencer),
    ]
    async with Socket(server) as ours, Socket(server) as theirs, Socket(server) as own:
        for socket, key in zip((ours, theirs, own), keys, strict=True):
            await socket.init(key)
            await socket.subscribe(CLICKS, EVERY)
            assert (await socket.data())["totals"] == {"clicks": 0}

        await click(lively, ctx)
        assert (await ours.data())["totals"] == {"clicks": 1}
        await theirs.silence(2 * EVERY_S)
        await own.silence(0.01)
        await click(lively, ctx, influencer_id=influencer)
        assert (await ours.data())["totals"] == {"clicks": 2}
        assert (await own.data())["totals"] == {"clicks": 1}
        await click(lively, make_ctx(other))
        assert (await theirs.data())["totals"] == {"clicks": 1}
        await ours.silence(2 * EVERY_S)


async def test_a_name_that_is_shown_is_followed(
    server: Listener, lively: Runtime, admin: Admin, ctx: Ctx, make_key: MakeKey
) -> None:
    rows = ProgramRows(lively.db, admin, ctx)
    influencer, campaign = await rows.influencer(), await rows.campaign()
    await rows.enrollment(campaign, influencer)
    await click(lively, ctx, influencer_id=influencer, campaign_id=campaign)
    document = CLICKS.replace(
        "totals { clicks }",
        "groups(by: [{dimension: {name: CAMPAIGN}}]) { nodes { key { campaign { name } } measures { clicks } } }",
    )
    async with Socket(server) as socket:
        await socket.init(await make_key(Role.ANALYST))
        await socket.subscribe(document, EVERY)
        await socket.data()

        await update_campaigns(lively, ctx, [CampaignChange(id=campaign, name="Hotter")])

        (node,) = (await socket.data())["groups"]["nodes"]
        assert node == {"key": {"campaign": {"name": "Hotter"}}, "measures": {"clicks": 1}}


async def test_names_of_the_callers_choice_and_fragments_are_followed(
    server: Listener, lively: Runtime, ctx: Ctx, make_key: MakeKey
) -> None:
    document = """query Other { viewer { role } }
    subscription Mine($every: Duration) { mine: analytics(range: {preset: TODAY}, every: $every) { ...shown } }
    fragment shown on Analytics {
      how: plan { cost } when: meta { at: asOf currency } sum: totals { number: clicks }
    }"""
    async with Socket(server) as socket:
        await socket.init(await make_key(Role.ANALYST))
        payload = {"query": document, "variables": EVERY, "operationName": "Mine"}
        await socket.send({"id": "1", "type": "subscribe", "payload": payload})
        first = await socket.next()
        await click(lively, ctx)
        second = await socket.next()
        await click(lively, ctx, at=datetime.now(UTC) - timedelta(days=9))
        await socket.silence(3 * EVERY_S)

    shown = [message["payload"]["data"]["mine"] for message in (first, second)]
    assert [each["sum"] for each in shown] == [{"number": 0}, {"number": 1}]
    assert shown[0]["when"]["at"] < shown[1]["when"]["at"]


async def test_an_outage_is_told_once_and_the_answer_after_it(
    server: Listener, lively: Runtime, ctx: Ctx, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Socket(server) as socket:
        await socket.init(await make_key(Role.ANALYST))
        await socket.subscribe(CLICKS, EVERY)
        await socket.data()

        async def fail(*_: Any) -> Any:
            raise OutsideError("The database is away.", retryable=True)

        with monkeypatch.context() as patch:
            patch.setattr(Runner, "run", fail)
            await click(lively, ctx)
            told = await socket.next()
            await socket.silence(4 * EVERY_S)

        assert (await socket.data())["totals"] == {"clicks": 1}

    assert told["type"] == "next"
    assert told["payload"]["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"


async def test_open_ranges_move_with_time(
    server: Listener, lively: Runtime, ctx: Ctx, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if the edge of an hour were always near.
    monkeypatch.setattr(hub_module.Shared, "_quiet_s", lambda _: 0.1)
    moving = CLICKS.replace("totals { clicks }", "series(every: HOUR) { start } totals { clicks }")
    with analytics_statements() as statements:
        async with Socket(server) as socket:
            await socket.init(await make_key(Role.ANALYST))
            await socket.subscribe(moving, EVERY)
            await socket.data()
            first = len(statements)
            later = datetime.now(UTC) + timedelta(days=1)
            monkeypatch.setattr(type(lively.clock), "now", lambda _: later)
            moved = await socket.data()

    assert first
    assert moved["series"][-1]["start"] > datetime.now(UTC).isoformat()


# --- refusals


@pytest.mark.parametrize(
    ("role", "document", "variables", "codes"),
    [
        (Role.STORE, CLICKS, EVERY, ["FORBIDDEN"]),
        (Role.ANALYST, CLICKS, {"every": "PT0.01S"}, ["BAD_USER_INPUT"]),
        (Role.ANALYST, CLICKS, {"every": "P2D"}, ["BAD_USER_INPUT"]),
        (Role.ANALYST, CLICKS, {"every": "soon"}, ["BAD_USER_INPUT"]),
        (Role.ANALYST, "subscription {", {}, ["GRAPHQL_PARSE_FAILED"]),
        (Role.ANALYST, "subscription { analytics { totals { clicks } } }", {}, ["GRAPHQL_VALIDATION_FAILED"]),
        (Role.ANALYST, CLICKS.replace("n: 2", "n: 0"), EVERY, ["RANGE_INVALID"]),
        (Role.ANALYST, CLICKS.replace("where: $where", 'timeZone: "X/Y", where: $where'), EVERY, ["INVALID_TIME_ZONE"]),
    ],
    ids=["role", "too often", "too seldom", "no duration", "no document", "invalid", "no range", "no zone"],
)
async def test_refusals_are_those_of_queries(
    server: Listener, make_key: MakeKey, role: Role, document: str, variables: dict[str, Any], codes: list[str]
) -> None:
    key = await make_key(role)
    async with Socket(server) as socket:
        await socket.init(key)
        await socket.subscribe(document, variables)
        message = await socket.next()
    # What cannot be read is no subscription: it is answered as any request is.
    async with streamed(server, key, document, variables) as events:
        found = await events.next()
        assert await events.next() is None

    assert (message["type"], events.is_complete) == ("error", True)
    assert found is not None
    for errors in (message["payload"], found["errors"]):
        assert [error["extensions"]["code"] for error in errors] == codes


async def test_costly_documents_are_refused(lively: Runtime, make_key: MakeKey) -> None:
    poor = replace(lively, settings=lively.settings.model_copy(update={"cost_max": 100}))
    costly = CLICKS.replace(
        "totals {", "table(by: [{time: {every: DAY}}], measures: [{name: CLICKS}]) { rowCount } totals {"
    )
    async with listening(create_app(poor)) as server, Socket(server) as socket:
        await socket.init(await make_key(Role.ANALYST))
        await socket.subscribe(costly, EVERY)
        message = await socket.next()

    assert message["payload"][0]["extensions"]["code"] == "QUERY_TOO_COSTLY"


async def test_a_plain_request_for_a_subscription_is_refused(server: Listener, make_key: MakeKey) -> None:
    async with httpx.AsyncClient() as client:
        response = await client.post(
            f"{server.url}/graphql",
            json={"query": CLICKS, "variables": EVERY},
            headers={"authorization": f"Bearer {await make_key(Role.ANALYST)}"},
        )

    assert response.json()["errors"][0]["extensions"]["code"] == "NOT_SUPPORTED"
    assert response.json()["data"] == {"analytics": None}


# --- the protocol graphql-transport-ws


async def test_queries_and_mutations_are_answered_too(server: Listener, make_key: MakeKey) -> None:
    async with Socket(server) as socket:
        await socket.init(await make_key(Role.ADMIN))
        await socket.subscribe("{ viewer { role } }", id="q")
        answers = [await socket.next(), await socket.next()]
        await socket.subscribe("{ nothing }", id="r")
        refused = await socket.next()
        await socket.send({"type": "ping", "payload": {"at": 1}})
        pong = await socket.next()

    assert answers[0]["payload"]["data"] == {"viewer": {"role": "ADMIN"}}
    assert answers[1] == {"id": "q", "type": "complete"}
    assert (refused["id"], refused["type"]) == ("r", "error")
    assert pong == {"type": "pong", "payload": {"at": 1}}


async def test_an_operation_that_is_completed_ends_and_its_id_is_free(
    server: Listener, lively: Runtime, ctx: Ctx, make_key: MakeKey
) -> None:
    async with Socket(server) as socket:
        await socket.init(await make_key(Role.ANALYST))
        for _ in range(3):
            await socket.subscribe(CLICKS, EVERY)
            await socket.data()
            await socket.send({"id": "1", "type": "complete"})
        await click(lively, ctx)
        await socket.silence(3 * EVERY_S)


NESTED_PING = '{"type": "ping", "payload": ' + 500 * "[" + 500 * "]" + "}"
SUBSCRIBE = {"id": "1", "type": "subscribe", "payload": {"query": CLICKS}}


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["no json"], 4400),
        ([b"\x00"], 4400),
        (["[]"], 4400),
        ([{"id": "1"}], 4400),
        ([{"type": "start"}], 4400),
        ([{"type": "connection_init", "payload": "key"}], 4400),
        ([SUBSCRIBE], 4401),
        ([{"type": "connection_init"}], 4403),
        ([{"type": "connection_init", "payload": {"authorization": "Bearer sk_live_" + 32 * "0"}}], 4403),
        ([{"type": "connection_init", "payload": orjson.Fragment(1_000 * '{"headers":' + "{}" + 1_000 * "}")}], 4403),
        (["x" * (MESSAGE_BYTES_MAX + 1)], 1009),
        ([NESTED_PING], 4400),
    ],
)
async def test_before_the_key_malformed_messages_close(server: Listener, messages: list[Any], code: int) -> None:
    async with Socket(server) as socket:
        for message in messages:
            await socket.send(message)
        closed, _ = await socket.closed()

    assert closed == code


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "connection_init"}, 4429),
        (SUBSCRIBE, 4409),
        ({"type": "subscribe", "payload": {"query": CLICKS}}, 4400),
        ({"id": 7, "type": "subscribe", "payload": {"query": CLICKS}}, 4400),
        ({"id": "x" * 300, "type": "subscribe", "payload": {"query": CLICKS}}, 4400),
        ({"id": "2", "type": "subscribe", "payload": {"query": 7}}, 4400),
        ({"id": "2", "type": "subscribe"}, 4400),
        ({"type": "complete"}, 4400),
        (NESTED_PING, 4400),
        ("{", 4400),
    ],
)
async def test_after_the_key_malformed_messages_close(
    server: Listener, make_key: MakeKey, message: Any, code: int
) -> None:
    async with Socket(server) as socket:
        await socket.init(await make_key(Role.ANALYST))
        await socket.send(SUBSCRIBE)
        await socket.data()
        await socket.send(message)
        closed, _ = await socket.closed()

    assert closed == code


@pytest.mark.parametrize("subprotocol", [None, "graphql-ws"])
async def test_no_other_protocol_is_spoken(server: Listener, subprotocol: str | None) -> None:
    async with Socket(server, subprotocol=subprotocol) as socket:
        assert (await socket.closed())[0] == 4406


async def test_a_client_that_says_nothing_is_closed(lively: Runtime) -> None:
    hasty = replace(lively, settings=lively.settings.model_copy(update={"live_init_timeout_s": 0.2}))
    async with listening(create_app(hasty)) as server, Socket(server) as socket:
        await socket.send({"type": "ping"})
        assert await socket.next() == {"type": "pong"}
        assert (await socket.closed())[0] == 4408


async def test_the_key_may_come_as_a_header(server: Listener, make_key: MakeKey) -> None:
    headers = {"authorization": f"Bearer {await make_key(Role.ANALYST)}"}
    async with Socket(server, additional_headers=headers) as socket:
        await socket.send({"type": "connection_init"})
        assert await socket.next() == {"type": "connection_ack"}


# --- limits and ends


async def test_operations_and_connections_are_limited(lively: Runtime, make_key: MakeKey) -> None:
    limits = {
        "live_operations_max": 2,
        "live_connections_max": 3,
        "live_connections_per_key_max": 2,
        "live_questions_max": 2,
        "live_subscriptions_max": 3,
    }
    narrow = replace(lively, settings=lively.settings.model_copy(update=limits))
    mine, other = await make_key(Role.ANALYST), await make_key(Role.ANALYST)
    async with listening(create_app(narrow)) as server, AsyncExitStack() as stack:
        first, second, third, fourth = [Socket(server) for _ in range(4)]
        for socket in (first, second, third):
            await stack.enter_async_context(socket)
        await first.init(mine)
        await second.init(mine)
        await third.send({"type": "connection_init", "payload": {"authorization": f"Bearer {mine}"}})
        key_is_full = await third.closed()
        await stack.enter_async_context(fourth)
        await fourth.init(other)
        async with Socket(server) as fifth:
            process_is_full = await fifth.closed()
        async with streamed(server, other, CLICKS, EVERY) as events:
            stream = events.response.status_code, events.response.headers["retry-after"]

        for number, document in enumerate((CLICKS, BEFORE)):
            await first.subscribe(document, id=str(number))
            await first.data()
        await first.subscribe(CLICKS, id="beyond")
        connection_is_full = await first.next()
        await fourth.subscribe(CLICKS.replace("subscription (", "subscription Another("))
        questions_are_full = await fourth.next()
        await fourth.subscribe(CLICKS, id="shared")
        await fourth.data()
        await second.subscribe(CLICKS)
        subscriptions_are_full = await second.next()
        await first.send({"id": "0", "type": "complete"})
        await first.subscribe(CLICKS, id="again")
        await first.data()

    assert key_is_full[0] == process_is_full[0] == 1013
    assert stream == (429, "5")
    for refused in (connection_is_full, questions_are_full, subscriptions_are_full):
        assert refused["type"] == "error"
        assert [error["extensions"]["code"] for error in refused["payload"]] == ["TOO_MANY_SUBSCRIPTIONS"]


async def test_a_revoked_key_ends_its_connections(
    server: Listener, lively: Runtime, admin: Admin, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "EPOCH_INTERVAL_S", 0.05)
    key, kept = await make_key(Role.ANALYST), await make_key(Role.ANALYST)
    async with Socket(server) as socket, Socket(server) as other, streamed(server, key, CLICKS, EVERY) as events:
        for each, its in ((socket, key), (other, kept)):
            await each.init(its)
            await each.subscribe(CLICKS, EVERY)
            await each.data()
        await events.data()

        await admin.execute("UPDATE api_keys SET revoked_at = now() WHERE key_hash = $1", hash_key(key))
        assert await lively.key_epochs.bump()

        code, reason = await socket.closed()
        last = await events.next()
        assert await events.next() is None
        await other.silence(0.3)

    assert (code, events.is_complete) == (4403, True)
    assert "revoked" in reason
    assert last is not None
    assert last["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_server_that_stops_ends_its_connections(lively: Runtime, make_key: MakeKey) -> None:
    key = await make_key(Role.ANALYST)
    async with AsyncExitStack() as clients:
        async with listening(create_app(lively)) as server:
            socket = await clients.enter_async_context(Socket(server))
            events = await clients.enter_async_context(streamed(server, key, CLICKS, EVERY))
            await socket.init(key)
            await socket.subscribe(CLICKS, EVERY)
            await socket.data()
            await events.data()
            started_s = time.monotonic()
        took_s = time.monotonic() - started_s

        assert (await socket.closed())[0] == 1012
        # The stream ends in order, and without a word that nothing more will ever come.
        assert await events.next() is None
        assert not events.is_complete
    assert took_s < 3


async def test_a_key_that_was_revoked_while_it_was_looked_up_is_found_out(
    lively: Runtime, admin: Admin, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "EPOCH_INTERVAL_S", 0.05)
    key = await make_key(Role.ANALYST)
    authenticator = Authenticator(lively)
    watch = live_module.KeyWatch(lively, authenticator)
    ended = asyncio.Event()
    other = f"Bearer {await make_key(Role.ANALYST)}"
    with watch.watching(other, await authenticator.authenticate(other), lambda: None):
        principal = await authenticator.authenticate(f"Bearer {key}")
        await admin.execute("UPDATE api_keys SET revoked_at = now() WHERE key_hash = $1", hash_key(key))
        assert await lively.key_epochs.bump()
        # The watch sees the new epoch before it knows of the key.
        await asyncio.sleep(0.3)
        with watch.watching(f"Bearer {key}", principal, ended.set):
            async with asyncio.timeout(5):
                await ended.wait()


async def test_without_redis_a_revoked_key_ends_its_connections_too(
    settings: Settings, admin: Admin, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "EPOCH_INTERVAL_S", 0.05)
    monkeypatch.setattr(live_module, "KEYS_INTERVAL_S", 0.1)
    key = await make_key(Role.ANALYST)
    without = settings.model_copy(update={"redis_enabled": False})
    async with (
        open_runtime(without) as runtime,
        listening(create_app(runtime)) as server,
        streamed(server, key, CLICKS) as events,
    ):
        await events.data()
        await admin.execute("UPDATE api_keys SET revoked_at = now() WHERE key_hash = $1", hash_key(key))
        last = await events.next()

    assert last is not None
    assert last["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_client_that_fetches_nothing_is_cut_off_and_holds_nobody_up(
    server: Listener, lively: Runtime, ctx: Ctx, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "FETCH_TIMEOUT_S", 0.3)
    key = await make_key(Role.ANALYST)
    async with Socket(server) as other:
        await other.init(key)
        await other.subscribe(CLICKS, EVERY)
        await other.data()
        async with Socket(server) as lazy:
            await lazy.init(key)
            lazy.connection.transport.pause_reading()
            ping = orjson.dumps({"type": "ping", "payload": {"x": 10_000 * "x"}}).decode()
            # Its answers fill every buffer in between, until it is cut off.
            with pytest.raises(ConnectionClosed):
                async with asyncio.timeout(20):
                    for number in itertools.count():
                        await lazy.connection.send(ping)
                        if number == 20:
                            await click(lively, ctx)
                            assert (await other.data())["totals"] == {"clicks": 1}


async def test_clients_that_vanish_leave_nothing_behind(lively: Runtime, ctx: Ctx, make_key: MakeKey) -> None:
    app = create_app(lively)
    key = await make_key(Role.ANALYST)
    async with listening(app) as server:
        before = len(asyncio.all_tasks())
        for _ in range(20):
            async with Socket(server) as socket:
                await socket.init(key)
                await socket.subscribe(CLICKS, EVERY)
                await socket.data()
                socket.connection.transport.abort()
            async with streamed(server, key, CLICKS, EVERY) as events:
                await events.data()
        async with asyncio.timeout(5):
            # The link to Redis and the watch of keys stay.
            while len(asyncio.all_tasks()) > before + 8:  # noqa: ASYNC110 - tasks have no event for it
                await asyncio.sleep(0.05)


async def test_values_nested_too_deep_are_refused(server: Listener, make_key: MakeKey) -> None:
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    key = await make_key(Role.ANALYST)
    async with Socket(server) as socket:
        await socket.init(key)
        # orjson writes nothing so deep.
        payload = {"query": CLICKS, "variables": {"unused": deep}}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        refused = await socket.next()
    async with streamed(server, key, CLICKS, {"unused": deep}) as events:
        status, told = events.response.status_code, await events.next()
    async with streamed(server, key, CLICKS, {"unused": ["\0"]}) as events:
        unkept = await events.next()

    assert refused["type"] == "error"
    assert [error["extensions"]["code"] for error in refused["payload"]] == ["QUERY_TOO_DEEP"]
    assert told is not None
    assert unkept is not None
    assert status == 200
    assert [error["extensions"]["code"] for error in told["errors"]] == ["QUERY_TOO_DEEP"]
    assert [error["extensions"] for error in unkept["errors"]] == [{"code": "BAD_USER_INPUT", "path": ["unused", "0"]}]


# --- event streams


async def test_an_event_stream_follows(server: Listener, lively: Runtime, ctx: Ctx, make_key: MakeKey) -> None:
    async with streamed(server, await make_key(Role.ANALYST), CLICKS, EVERY) as events:
        assert events.response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert (await events.data())["totals"] == {"clicks": 0}
        await click(lively, ctx)
        assert (await events.data())["totals"] == {"clicks": 1}


async def test_an_event_stream_shows_that_it_lives(lively: Runtime, ctx: Ctx, make_key: MakeKey) -> None:
    lively = replace(lively, settings=lively.settings.model_copy(update={"live_ping_s": 0.05}))
    async with (
        listening(create_app(lively)) as server,
        streamed(server, await make_key(Role.ANALYST), CLICKS, EVERY) as events,
    ):
        await events.data()
        await asyncio.sleep(0.2)
        await click(lively, ctx)
        await events.data()

    assert events.comments >= 2


@pytest.mark.parametrize(
    ("accept", "document", "content_type"),
    [
        ("text/event-stream", "{ viewer { role } }", "text/event-stream; charset=utf-8"),
        ("application/json, text/event-stream", "{ viewer { role } }", "application/json; charset=utf-8"),
        ("application/json, text/event-stream", CLICKS, "text/event-stream; charset=utf-8"),
        ("*/*", "{ viewer { role } }", "application/json; charset=utf-8"),
    ],
)
async def test_only_subscriptions_are_streamed_to_those_who_take_json(
    server: Listener, make_key: MakeKey, accept: str, document: str, content_type: str
) -> None:
    async with streamed(server, await make_key(Role.ANALYST), document, accept=accept) as events:
        assert events.response.headers["content-type"] == content_type
        if "event-stream" in content_type:
            first = await events.next()
            assert first is not None
            assert "errors" not in first


# --- without Redis


async def test_without_redis_answers_are_looked_at_in_turn(
    services: Settings, settings: Settings, ctx: Ctx, make_key: MakeKey
) -> None:
    without = settings.model_copy(update={"redis_enabled": False, "live_every_min_s": 0.05})
    async with open_runtime(without) as runtime, listening(create_app(runtime)) as server:
        await follow_a_click(server, runtime, ctx, await make_key(Role.ANALYST))


@pytest.mark.parametrize("binary", server_binaries(), ids=lambda path: path.name)
async def test_a_redis_that_dies_and_returns_stops_nobody(
    settings: Settings, ctx: Ctx, make_key: MakeKey, binary: Any
) -> None:
    redis = RedisServer(binary)
    redis.start()
    try:
        more = {"redis_url": redis.url, "live_every_min_s": 0.05}
        changed = Settings.model_validate(settings.model_dump() | more)
        async with open_runtime(changed) as runtime, listening(create_app(runtime)) as server, Socket(server) as socket:
            await socket.init(await make_key(Role.ANALYST))
            await socket.subscribe(CLICKS, EVERY)
            assert (await socket.data())["totals"] == {"clicks": 0}
            assert runtime.changes.is_up

            redis.kill()
            await click(runtime, ctx)
            assert (await socket.data())["totals"] == {"clicks": 1}
            await socket.silence(3 * EVERY_S)

            redis.start()
            async with asyncio.timeout(10):
                while not runtime.changes.is_up:  # noqa: ASYNC110 - what others need not wait for
                    await asyncio.sleep(0.05)
            await click(runtime, ctx)
            assert (await socket.data())["totals"] == {"clicks": 2}
    finally:
        redis.remove()


async def follow_a_click(server: Listener, runtime: Runtime, ctx: Ctx, key: str) -> None:
    async with Socket(server) as socket:
        await socket.init(key)
        await socket.subscribe(CLICKS, EVERY)
        assert (await socket.data())["totals"] == {"clicks": 0}
        await click(runtime, ctx)
        assert (await socket.data())["totals"] == {"clicks": 1}
        await socket.silence(3 * EVERY_S)
