"""Records engagement snapshots: the cumulative figures of posts, of which measures are the differences."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from uuid import UUID

from app import outbox
from app.core.context import Ctx
from app.core.ids import new_id
from app.core.outcomes import ItemOutcome, Outcome
from app.db.session import WriteSession
from app.engagement.inputs import EngagementInput
from app.engagement.service import (
    CheckedEngagement,
    checked_engagement,
    claim,
    days_changed,
    insert_snapshots,
    known_snapshots,
    release,
)
from app.runtime import Runtime
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, in_order, other_content, refused
from app.usecases.references import check_references

NAME = "engagements"


async def record_engagements(
    runtime: Runtime, ctx: Ctx, engagements: Sequence[EngagementInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each snapshot, in the order given. Its post and time make it one however often it is sent.

    Raises BATCH_TOO_LARGE, BAD_USER_INPUT or IDEMPOTENCY_CONFLICT for the call as a whole.
    """
    check_batch(runtime, engagements, name=NAME)
    latest = ctx.now + runtime.settings.future_tolerance
    checked, bad = await check_each(
        engagements, partial(checked_engagement, latest=latest), name=NAME, external_id=lambda item: None
    )
    return await perform(
        runtime,
        ctx,
        operation="recordEngagements",
        body=engagements,
        idempotency_key=idempotency_key,
        work=partial(_record, ctx, checked, bad),
    )


async def _record(
    ctx: Ctx, checked: Mapping[int, CheckedEngagement], bad: Mapping[int, ItemOutcome], session: WriteSession
) -> tuple[ItemOutcome, ...]:
    outcomes = dict(bad)
    refusals = await check_references(ctx, session, checked)
    for index, error in refusals.items():
        outcomes[index] = refused(error, index, name=NAME, external_id=None)
    items = {index: item for index, item in checked.items() if index not in refusals}
    posts = {item.post for item in items.values()}
    await claim(ctx, session, posts)
    known = await known_snapshots(ctx, session, [item.key for item in items.values()])
    stored = set(known)
    fresh: dict[UUID, CheckedEngagement] = {}
    for index, item in items.items():
        original_id, original_hash = known.setdefault(item.key, (new_id(), item.content_hash))
        if original_hash != item.content_hash:
            is_stored = item.key in stored
            error = other_content("snapshot of post", item.sent.post_id, is_stored=is_stored, path=("postId",))
            outcomes[index] = refused(error, index, name=NAME, external_id=None)
        elif item.key in stored or original_id in fresh:
            outcomes[index] = ItemOutcome(index, Outcome.REPLAYED, original_id)
        else:
            fresh[original_id] = item
            outcomes[index] = ItemOutcome(index, Outcome.RECORDED, original_id)
    await insert_snapshots(ctx, session, fresh)
    # Also of what is replayed: the first call may have died between its commit and its note.
    kept = [item for index, item in items.items() if outcomes[index].outcome is not Outcome.REJECTED]
    session.touch_days(await days_changed(ctx, session, kept))
    await release(ctx, session, posts)
    await outbox.append(ctx, session, _events(fresh.values()))
    return in_order(outcomes, len(outcomes))


def _events(snapshots: Collection[CheckedEngagement]) -> list[outbox.Event]:
    # One an influencer, not one a post: whoever listens asks for the sums anyway.
    counts = Counter(item.influencer_id for item in snapshots)
    return [
        outbox.Event("engagements.recorded", influencer_id, {"snapshots": count})
        for influencer_id, count in counts.items()
    ]
