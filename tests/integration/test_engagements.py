"""Engagement snapshots: recorded once by post and time, refused alone, and seen by whose they are."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.core.context import Ctx, Role
from app.core.ids import new_id
from app.core.words import Platform
from app.db.session import WriteSession
from app.engagement.inputs import EngagementInput
from app.engagement.service import FIGURE_MAX, Post, checked_engagement, claim, insert_snapshots, release
from app.errors import DomainError
from app.runtime import Runtime
from app.usecases.record_engagements import record_engagements
from tests.client import Client
from tests.factories.orders import NOON, Look, ProgramRows
from tests.factories.outcomes import summary
from tests.invariants.test_notes import Noted

pytestmark = pytest.mark.database

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Program:
    """Two influencers and a campaign; a snapshot of a post of Ana's."""

    ana: UUID
    bo: UUID
    campaign: UUID
    seen: EngagementInput


@pytest.fixture
async def program(runtime: Runtime, admin: "asyncpg.Pool[Any]", ctx: Ctx) -> Program:
    """A small program."""
    rows = ProgramRows(runtime.db, admin, ctx)
    ana, bo, campaign = await rows.influencer(), await rows.influencer(), await rows.campaign()
    return Program(ana, bo, campaign, EngagementInput(Platform.TIKTOK, "7301", NOON, ana, campaign, 10, 2, None, 900))


@pytest.fixture
def look(runtime: Runtime, ctx: Ctx) -> Look:
    """Looks at the tenant's rows as they are stored."""
    return Look(runtime.db, ctx)


async def test_a_snapshot_is_stored_as_it_was_told(runtime: Runtime, ctx: Ctx, look: Look, program: Program) -> None:
    (outcome,) = await record_engagements(runtime, ctx, [program.seen])

    assert summary([outcome]) == [("RECORDED", None, ())]
    (row,) = await look.rows("engagement_snapshots")
    del row["tenant_id"], row["content_hash"]
    assert row == {
        "id": outcome.id,
        "platform": "TIKTOK",
        "post_id": "7301",
        "occurred_at": NOON,
        "recorded_at": ctx.now,
        "influencer_id": program.ana,
        "campaign_id": program.campaign,
        "likes": 10,
        "comments": 2,
        "shares": None,
        "views": 900,
    }
    assert await look.counts("post_claims") == {"post_claims": 0}


async def test_post_and_time_make_it_one(runtime: Runtime, ctx: Ctx, look: Look, program: Program) -> None:
    seen = program.seen
    elsewhere = replace(seen, occurred_at=NOON.astimezone(timezone(timedelta(hours=9))))
    first = await record_engagements(runtime, ctx, [seen])

    again = await record_engagements(
        runtime,
        ctx,
        [
            elsewhere,
            replace(seen, likes=11),
            replace(seen, influencer_id=program.bo),
            replace(seen, campaign_id=None),
            replace(seen, platform=Platform.YOUTUBE),
            replace(seen, post_id="7302"),
            replace(seen, occurred_at=NOON + timedelta(microseconds=1)),
            replace(seen, post_id="7302"),
            replace(seen, post_id="7302", shares=0),
        ],
    )

    conflicting = [("REJECTED", "CONFLICTING_DUPLICATE", ("engagements", str(index), "postId")) for index in (1, 2, 3)]
    assert summary(again) == [
        ("REPLAYED", None, ()),
        *conflicting,
        *[("RECORDED", None, ())] * 3,
        ("REPLAYED", None, ()),
        ("REJECTED", "DUPLICATE_IN_BATCH", ("engagements", "8", "postId")),
    ]
    assert (again[0].id, again[7].id) == (first[0].id, again[5].id)
    assert await look.counts("engagement_snapshots") == {"engagement_snapshots": 4}


async def test_a_mistake_refuses_its_item_alone(runtime: Runtime, ctx: Ctx, look: Look, program: Program) -> None:
    seen = program.seen
    tomorrow = ctx.now + DAY
    bad = [
        (replace(seen, influencer_id=new_id()), "UNKNOWN_INFLUENCER", ("influencerId",)),
        (replace(seen, campaign_id=new_id()), "UNKNOWN_CAMPAIGN", ("campaignId",)),
        (replace(seen, post_id=" "), "BAD_USER_INPUT", ("postId",)),
        (replace(seen, post_id="x" * 201), "BAD_USER_INPUT", ("postId",)),
        (replace(seen, likes=-1), "BAD_USER_INPUT", ("likes",)),
        (replace(seen, views=FIGURE_MAX + 1), "BAD_USER_INPUT", ("views",)),
        (replace(seen, likes=None, comments=None, views=None), "BAD_USER_INPUT", ()),
        (replace(seen, occurred_at=tomorrow), "OCCURRED_IN_FUTURE", ("occurredAt",)),
        (replace(seen, occurred_at=datetime(1969, 12, 31, tzinfo=UTC)), "BAD_USER_INPUT", ("occurredAt",)),
    ]
    fine = replace(seen, likes=0, views=FIGURE_MAX)

    outcomes = await record_engagements(runtime, ctx, [*(item for item, _, _ in bad), fine])

    assert summary(outcomes) == [
        *(("REJECTED", code, ("engagements", str(index), *path)) for index, (_, code, path) in enumerate(bad)),
        ("RECORDED", None, ()),
    ]
    assert await look.value("count(*)", "engagement_snapshots", "views = 1000000000000 AND likes = 0") == 1


async def test_a_key_makes_the_call_one(runtime: Runtime, ctx: Ctx, look: Look, program: Program) -> None:
    first = await record_engagements(runtime, ctx, [program.seen], idempotency_key="k")

    assert await record_engagements(runtime, ctx, [program.seen], idempotency_key="k") == first
    with pytest.raises(DomainError) as refused:
        await record_engagements(runtime, ctx, [replace(program.seen, likes=11)], idempotency_key="k")
    assert refused.value.code == "IDEMPOTENCY_CONFLICT"
    (entry,) = await look.rows("audit_log")
    assert (entry["action"], entry["items"]) == ("recordEngagements", 1)


async def test_influencers_are_told_of_once_a_call(runtime: Runtime, ctx: Ctx, look: Look, program: Program) -> None:
    bos = replace(program.seen, post_id="b", influencer_id=program.bo)
    sent = [program.seen, replace(program.seen, occurred_at=NOON - DAY), bos, bos]

    await record_engagements(runtime, ctx, sent)

    events = [(row["topic"], row["subject_id"], row["payload"]) for row in await look.rows("outbox", order="id")]
    assert events == [
        ("engagements.recorded", program.ana, {"snapshots": 2}),
        ("engagements.recorded", program.bo, {"snapshots": 1}),
    ]


async def test_calls_at_once_record_each_snapshot_once(
    runtime: Runtime, ctx: Ctx, look: Look, program: Program
) -> None:
    posts = [replace(program.seen, post_id=str(number), occurred_at=NOON - number * DAY) for number in range(20)]

    calls = await asyncio.gather(
        *(record_engagements(runtime, ctx, posts[::step]) for step in (1, -1, 1, -1, 1, -1, 1, -1))
    )

    assert sum(outcome.outcome.value == "RECORDED" for outcomes in calls for outcome in outcomes) == 20
    assert all(outcome.code is None for outcomes in calls for outcome in outcomes)
    assert await look.counts("engagement_snapshots", "post_claims") == {"engagement_snapshots": 20, "post_claims": 0}


async def test_a_writer_waits_for_another_of_the_same_post_and_notes_what_it_changes(
    runtime: Runtime, ctx: Ctx, admin: "asyncpg.Pool[Any]", program: Program
) -> None:
    noted = Noted()
    later = replace(program.seen, occurred_at=NOON + 9 * DAY, likes=50)
    post = [Post(later.platform, later.post_id)]

    async with runtime.db.write(ctx.tenant_id) as first:
        await claim(ctx, first, post)
        await _store(ctx, first, later)
        second = asyncio.create_task(record_engagements(replace(runtime, answers=noted), ctx, [program.seen]))
        while not await _waiting(admin):
            assert not second.done()
            await asyncio.sleep(0.01)
        await release(ctx, first, post)

    assert summary(await second) == [("RECORDED", None, ())]
    # What the later one adds, which this call could not see before it waited, is less now.
    assert noted.days == {NOON.date(), (NOON + 9 * DAY).date()}


async def _store(ctx: Ctx, session: WriteSession, item: EngagementInput) -> None:
    await insert_snapshots(ctx, session, {new_id(): checked_engagement(item, latest=ctx.now + 30 * DAY)})


async def _waiting(admin: "asyncpg.Pool[Any]") -> bool:
    found: bool = await admin.fetchval(
        """SELECT EXISTS (SELECT 1 FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE '/* engagement.claim */%' AND wait_event_type = 'Lock')"""
    )
    return found


DOCUMENT = """mutation($input: RecordEngagementsInput!) { recordEngagements(input: $input) {
  results { outcome code path engagementSnapshot { id platform postId occurredAt likes comments shares views
    influencer { id } campaign { id } } }
  recordedCount replayedCount rejectedCount } }"""


def sent(item: EngagementInput, **more: Any) -> dict[str, Any]:
    return {
        "platform": item.platform.value,
        "postId": item.post_id,
        "occurredAt": item.occurred_at.isoformat(),
        "influencerId": str(item.influencer_id),
        "campaignId": None if item.campaign_id is None else str(item.campaign_id),
        "likes": item.likes,
        "comments": item.comments,
        "views": item.views,
        **more,
    }


async def test_over_the_api(client: Client, program: Program) -> None:
    seen = program.seen
    engagements = [sent(seen), sent(seen, postId="s", views="12"), sent(seen, influencerId="nobody")]

    payload = (await client.data(DOCUMENT, {"input": {"engagements": engagements}}))["recordEngagements"]

    one, other, refused = payload["results"]
    assert (payload["recordedCount"], payload["replayedCount"], payload["rejectedCount"]) == (2, 0, 1)
    assert one["engagementSnapshot"] == {
        "id": one["engagementSnapshot"]["id"],
        "platform": "TIKTOK",
        "postId": "7301",
        "occurredAt": "2026-03-10T12:00:00Z",
        "likes": 10,
        "comments": 2,
        "shares": None,
        "views": 900,
        "influencer": {"id": str(program.ana)},
        "campaign": {"id": str(program.campaign)},
    }
    assert other["engagementSnapshot"]["views"] == 12
    assert (refused["code"], refused["path"]) == ("UNKNOWN_INFLUENCER", ["engagements", "2", "influencerId"])
    assert refused["engagementSnapshot"] is None


@pytest.mark.parametrize("role", [Role.ANALYST, Role.INFLUENCER])
async def test_who_only_reads_writes_none(
    client: Client, make_key: Callable[..., Awaitable[str]], look: Look, program: Program, role: Role
) -> None:
    own = {"influencer_id": program.ana} if role is Role.INFLUENCER else {}
    key = await make_key(role, **own)

    answer = await client.query(DOCUMENT, {"input": {"engagements": [sent(program.seen)]}}, key=key)

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert await look.counts("engagement_snapshots") == {"engagement_snapshots": 0}


async def test_an_influencer_sees_snapshots_of_its_own_posts(
    client: Client, make_key: Callable[..., Awaitable[str]], runtime: Runtime, ctx: Ctx, program: Program
) -> None:
    bos = replace(program.seen, post_id="b", influencer_id=program.bo)
    _, other = await record_engagements(runtime, ctx, [program.seen, bos])
    key = await make_key(Role.INFLUENCER, influencer_id=program.ana)

    seen = await client.data(
        f"""{{ engagementSnapshots {{ totalCount nodes {{ postId campaign {{ id }} }} }}
          node(id: "{other.id}") {{ id }} }}""",
        key=key,
    )

    assert seen == {
        "engagementSnapshots": {
            "totalCount": 1,
            "nodes": [{"postId": "7301", "campaign": {"id": str(program.campaign)}}],
        },
        "node": None,
    }
