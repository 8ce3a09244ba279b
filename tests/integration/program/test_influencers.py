"""Influencers: created, replayed, refused and changed in batches."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from app.cache.answers import NullAnswers
from app.core.context import Ctx
from app.core.ids import new_id
from app.core.outcomes import ItemOutcome, Outcome
from app.core.words import InfluencerStatus, Platform
from app.errors import DomainError
from app.influencers.inputs import InfluencerChange, InfluencerInput, ProfileInput
from app.runtime import Runtime
from app.usecases.create_influencers import create_influencers
from app.usecases.update_influencers import update_influencers
from tests.factories.influencers import make_influencer, make_influencers
from tests.factories.orders import Look
from tests.factories.outcomes import summary

pytestmark = pytest.mark.database

ANA = ProfileInput(Platform.INSTAGRAM, "@ana.cooks", "https://instagram.com/ana.cooks", 12_000)


async def stored(look: Look) -> list[dict[str, Any]]:
    """The tenant's influencers, by name."""
    columns = ("name", "external_id", "status", "country")
    return [{column: row[column] for column in columns} for row in await look.rows("influencers", order="name")]


async def profiles(look: Look) -> list[tuple[Any, ...]]:
    """The tenant's social profiles, by platform and handle."""
    rows = await look.rows("social_profiles", order="platform, handle")
    return [tuple(row[column] for column in ("id", "platform", "handle", "url", "followers")) for row in rows]


async def test_creation_keeps_everything_and_writes_an_event(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    item = InfluencerInput("Ana", external_id="i-1", country="de", profiles=(ANA,))

    (outcome,) = await create_influencers(runtime, ctx, [item])

    assert (outcome.outcome, outcome.external_id) == (Outcome.RECORDED, "i-1")
    assert await stored(look) == [{"name": "Ana", "external_id": "i-1", "status": "ACTIVE", "country": "DE"}]
    assert [row[1:] for row in await profiles(look)] == [
        ("INSTAGRAM", "ana.cooks", "https://instagram.com/ana.cooks", 12_000)
    ]
    (event,) = await look.rows("outbox")
    assert (event["topic"], event["subject_id"]) == ("influencer.changed", outcome.id)
    assert event["payload"] == {"isNew": True, "changed": []}


async def test_creation_again_is_a_replay_and_with_other_content_a_conflict(
    runtime: Runtime, ctx: Ctx, look: Look
) -> None:
    item = InfluencerInput("Ana", external_id="i-1", profiles=(ANA,))
    (first,) = await create_influencers(runtime, ctx, [item])

    outcomes = await create_influencers(
        runtime,
        ctx,
        [
            item,
            InfluencerInput("Ann", external_id="i-1", profiles=(ANA,)),
            InfluencerInput("Ana", external_id="i-1"),
        ],
    )

    assert outcomes[0] == ItemOutcome(0, Outcome.REPLAYED, first.id, "i-1")
    assert summary(outcomes[1:]) == [
        ("REJECTED", "CONFLICTING_DUPLICATE", ("influencers", "1", "externalId")),
        ("REJECTED", "CONFLICTING_DUPLICATE", ("influencers", "2", "externalId")),
    ]
    assert len(await stored(look)) == 1


async def test_the_same_external_id_twice_in_a_batch_is_one_influencer(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    item = InfluencerInput("Ana", external_id="i-1")

    outcomes = await create_influencers(runtime, ctx, [item, item, InfluencerInput("Bo", external_id="i-1")])

    assert [outcome.outcome.value for outcome in outcomes] == ["RECORDED", "REPLAYED", "REJECTED"]
    assert outcomes[0].id == outcomes[1].id
    assert outcomes[2].code == "DUPLICATE_IN_BATCH"
    assert len(await stored(look)) == 1


async def test_without_external_id_each_creation_is_another(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    outcomes = await create_influencers(runtime, ctx, [InfluencerInput("Ana"), InfluencerInput("Ana")])

    assert [outcome.outcome.value for outcome in outcomes] == ["RECORDED", "RECORDED"]
    assert len(await stored(look)) == 2


@pytest.mark.parametrize(
    ("item", "code", "path"),
    [
        (InfluencerInput(""), "BAD_USER_INPUT", ("name",)),
        (InfluencerInput("a\0b"), "BAD_USER_INPUT", ("name",)),
        (InfluencerInput("Ana", external_id="x" * 201), "BAD_USER_INPUT", ("externalId",)),
        (InfluencerInput("Ana", country="GERMANY"), "BAD_USER_INPUT", ("country",)),
        (InfluencerInput("Ana", profiles=(ANA, ANA)), "BAD_USER_INPUT", ("profiles", "1", "handle")),
        (
            InfluencerInput("Ana", profiles=(ProfileInput(Platform.BLOG, "ana", "javascript:alert(1)"),)),
            "BAD_USER_INPUT",
            ("profiles", "0", "url"),
        ),
        (
            InfluencerInput("Ana", profiles=(ProfileInput(Platform.BLOG, "ana", followers=-1),)),
            "BAD_USER_INPUT",
            ("profiles", "0", "followers"),
        ),
    ],
)
async def test_a_bad_item_is_refused_alone(
    runtime: Runtime, ctx: Ctx, look: Look, item: InfluencerInput, code: str, path: tuple[str, ...]
) -> None:
    outcomes = await create_influencers(runtime, ctx, [InfluencerInput("Good"), item])

    assert summary(outcomes) == [("RECORDED", None, ()), ("REJECTED", code, ("influencers", "1", *path))]
    assert [row["name"] for row in await stored(look)] == ["Good"]


async def test_a_batch_has_bounds(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    with pytest.raises(DomainError) as too_many:
        await create_influencers(runtime, ctx, [InfluencerInput("Ana")] * 1_001)
    with pytest.raises(DomainError) as none:
        await create_influencers(runtime, ctx, [])

    assert (too_many.value.code, none.value.code) == ("BATCH_TOO_LARGE", "BAD_USER_INPUT")
    assert await stored(look) == []


async def test_a_change_changes_what_it_mentions_alone(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    made = await make_influencer(runtime, ctx, "Ana", external_id="i-1", country="DE", profiles=(ANA,))
    (before,) = await profiles(look)

    (outcome,) = await update_influencers(runtime, ctx, [InfluencerChange(made, country=None)])

    assert (outcome.outcome, outcome.id, outcome.external_id) == (Outcome.RECORDED, made, "i-1")
    assert await stored(look) == [{"name": "Ana", "external_id": "i-1", "status": "ACTIVE", "country": None}]
    assert await profiles(look) == [before]


async def test_given_profiles_replace_those_there_were(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    made = await make_influencer(runtime, ctx, profiles=(ANA, ProfileInput(Platform.BLOG, "ana")))
    other = await make_influencer(runtime, ctx, "Bo", profiles=(ProfileInput(Platform.TIKTOK, "bo"),))
    kept = (await profiles(look))[1]
    now = (ProfileInput(Platform.INSTAGRAM, "ana.cooks", followers=5), ProfileInput(Platform.YOUTUBE, "ana"))

    outcomes = await update_influencers(
        runtime, ctx, [InfluencerChange(made, profiles=now), InfluencerChange(other, name="Bob")]
    )

    assert [outcome.outcome for outcome in outcomes] == [Outcome.RECORDED, Outcome.RECORDED]
    rows = await profiles(look)
    assert [row[1:] for row in rows] == [
        ("INSTAGRAM", "ana.cooks", None, 5),
        ("TIKTOK", "bo", None, None),
        ("YOUTUBE", "ana", None, None),
    ]
    assert rows[0][0] == kept[0]


async def test_changes_of_one_row_are_applied_in_their_order(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    made = await make_influencer(runtime, ctx, "Ana")

    outcomes = await update_influencers(
        runtime,
        ctx,
        [
            InfluencerChange(made, name="Bo"),
            InfluencerChange(made, name=""),
            InfluencerChange(made, status=InfluencerStatus.PAUSED),
            InfluencerChange(made, name="Bo"),
            InfluencerChange(made, name=None),
            InfluencerChange(new_id(), name="Nobody"),
        ],
    )

    assert summary(outcomes) == [
        ("RECORDED", None, ()),
        ("REJECTED", "BAD_USER_INPUT", ("influencers", "1", "name")),
        ("RECORDED", None, ()),
        ("REPLAYED", None, ()),
        ("REJECTED", "BAD_USER_INPUT", ("influencers", "4", "name")),
        ("REJECTED", "NOT_FOUND", ("influencers", "5", "id")),
    ]
    assert await stored(look) == [{"name": "Bo", "external_id": None, "status": "PAUSED", "country": None}]


async def test_changes_are_audited_and_touch_their_tags(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    one, two = await make_influencers(runtime, ctx, "Ana", "Bo")
    noted: list[set[str]] = []

    class Noting(NullAnswers):
        """Answers that remember which tags were noted."""

        async def note(self, tenant_id: UUID, days: Collection[date], tags: Collection[str]) -> None:
            noted.append(set(tags))

    await update_influencers(
        replace(runtime, answers=Noting()),
        ctx,
        [InfluencerChange(one, name="Anna"), InfluencerChange(two, country="FR")],
    )

    assert noted == [{f"influencer:{one}", f"influencer:{two}"}]
    rows = await look.rows("audit_log", order="id")
    assert [row["action"] for row in rows] == ["createInfluencers", "influencer.changed", "updateInfluencers"]
    assert rows[1]["detail"] == {str(one): ["name"], str(two): ["country"]}


async def test_a_call_under_the_same_key_gives_the_same_answer(runtime: Runtime, ctx: Ctx, look: Look) -> None:
    items = [InfluencerInput("Ana"), InfluencerInput("")]
    first = await create_influencers(runtime, ctx, items, idempotency_key="k")
    again = await create_influencers(runtime, ctx, items, idempotency_key="k")

    assert again == first
    assert len(await stored(look)) == 1
    with pytest.raises(DomainError) as conflict:
        await create_influencers(runtime, ctx, items[:1], idempotency_key="k")
    assert conflict.value.code == "IDEMPOTENCY_CONFLICT"


async def test_statements_do_not_grow_with_the_batch(
    runtime: Runtime, ctx: Ctx, count_statements: Callable[[], Any]
) -> None:
    async def statements(count: int) -> tuple[int, int]:
        items = [InfluencerInput(f"n{number}", f"{count}-{number}", profiles=(ANA,)) for number in range(count)]
        with count_statements() as created:
            outcomes = await create_influencers(runtime, ctx, items)
        ids = [outcome.id for outcome in outcomes if outcome.id is not None]
        with count_statements() as changed:
            await update_influencers(runtime, ctx, [InfluencerChange(row, name="x", profiles=()) for row in ids])
        return len(created), len(changed)

    assert await statements(200) == await statements(1)
