"""Engagement snapshots: checked, told apart by post and time, and written set-wise. Rules are pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NamedTuple
from uuid import UUID

from app.core.context import Ctx
from app.core.hashing import content_hash
from app.core.texts import checked_external_id, checked_instant
from app.core.words import Platform
from app.db.session import ReadSession, WriteSession
from app.engagement.inputs import EngagementInput
from app.errors import DomainError

FIGURES = ("likes", "comments", "shares", "views")
"""What a snapshot tells of its post."""

FIGURE_MAX = 10**12
"""Largest figure: beyond any post's, and sums over thousands of posts stay exact in JSON."""


class Post(NamedTuple):
    """A post: the platform's id of it is unique on its platform."""

    platform: Platform
    post_id: str


class Key(NamedTuple):
    """What makes a snapshot one: its post and its time."""

    platform: str
    post_id: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class CheckedEngagement:
    """A snapshot as it was sent, checked by itself; its time is in UTC. content_hash: equal for equal snapshots."""

    sent: EngagementInput
    occurred_at: datetime
    content_hash: bytes

    @property
    def post(self) -> Post:
        """The post."""
        return Post(self.sent.platform, self.sent.post_id)

    @property
    def key(self) -> Key:
        """What makes it one."""
        return Key(self.sent.platform, self.sent.post_id, self.occurred_at)

    @property
    def influencer_id(self) -> UUID:
        """Whose post it is."""
        return self.sent.influencer_id

    @property
    def campaign_id(self) -> UUID | None:
        """The campaign given."""
        return self.sent.campaign_id


def checked_engagement(item: EngagementInput, *, latest: datetime) -> CheckedEngagement:
    """The snapshot, as far as nothing need be looked up. Raises DomainError."""
    checked_external_id(item.post_id, "postId")
    occurred_at = checked_instant(item.occurred_at, "occurredAt", latest=latest)
    figures = [getattr(item, name) for name in FIGURES]
    for name, figure in zip(FIGURES, figures, strict=True):
        if figure is not None and not 0 <= figure <= FIGURE_MAX:
            raise DomainError("BAD_USER_INPUT", f"`{name}` is {figure}; it must be 0 to {FIGURE_MAX}.", path=(name,))
    if all(figure is None for figure in figures):
        raise DomainError("BAD_USER_INPUT", "Give at least one of `likes`, `comments`, `shares` and `views`.")
    return CheckedEngagement(
        sent=item,
        occurred_at=occurred_at,
        content_hash=content_hash([item.influencer_id, item.campaign_id, *figures]),
    )


async def claim(ctx: Ctx, session: WriteSession, posts: Collection[Post]) -> None:
    """Wait until nobody else records snapshots of one of the posts; hold them until `release` and commit.

    A claim is inserted and deleted by one transaction: nobody ever sees it. Claims come in order of the posts, so that
    claimants cannot block each other.
    """
    if posts:
        ordered = sorted(posts)
        await session.execute(
            """/* engagement.claim */
            INSERT INTO post_claims (tenant_id, platform, post_id)
            SELECT $1, claimed.platform, claimed.post_id
            FROM unnest($2::text[], $3::text[]) AS claimed (platform, post_id)""",
            ctx.tenant_id,
            [post.platform for post in ordered],
            [post.post_id for post in ordered],
        )


async def release(ctx: Ctx, session: WriteSession, posts: Collection[Post]) -> None:
    """Leave no trace of the claims; others still wait until this transaction commits."""
    if posts:
        await session.execute(
            """/* engagement.release */
            DELETE FROM post_claims
            WHERE tenant_id = $1
              AND (platform, post_id) IN (SELECT * FROM unnest($2::text[], $3::text[]))""",
            ctx.tenant_id,
            [post.platform for post in posts],
            [post.post_id for post in posts],
        )


async def known_snapshots(ctx: Ctx, session: ReadSession, keys: Sequence[Key]) -> dict[Key, tuple[UUID, bytes]]:
    """Ids and content hashes of those of the snapshots that exist."""
    if not keys:
        return {}
    rows = await session.fetch(
        """/* engagement.known */
        SELECT known.*
        FROM unnest($2::text[], $3::text[], $4::timestamptz[]) AS asked (platform, post_id, occurred_at)
        CROSS JOIN LATERAL (
          SELECT item.platform, item.post_id, item.occurred_at, item.id, item.content_hash
          FROM engagement_snapshots AS item
          WHERE item.tenant_id = $1 AND item.platform = asked.platform AND item.post_id = asked.post_id
            AND item.occurred_at = asked.occurred_at
          LIMIT 1
        ) AS known""",
        ctx.tenant_id,
        [key.platform for key in keys],
        [key.post_id for key in keys],
        [key.occurred_at for key in keys],
    )
    return {Key(row["platform"], row["post_id"], row["occurred_at"]): (row["id"], row["content_hash"]) for row in rows}


async def insert_snapshots(ctx: Ctx, session: WriteSession, snapshots: Mapping[UUID, CheckedEngagement]) -> None:
    """Insert snapshots by id, in one statement. Their posts are claimed, so that they are as new as they looked."""
    if not snapshots:
        return
    sent = [item.sent for item in snapshots.values()]
    await session.execute(
        """/* engagement.insert */
        INSERT INTO engagement_snapshots (tenant_id, id, platform, post_id, occurred_at, influencer_id, campaign_id,
          likes, comments, shares, views, content_hash, recorded_at)
        SELECT $1, new.*, $2
        FROM unnest($3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::uuid[], $8::uuid[], $9::bigint[],
            $10::bigint[], $11::bigint[], $12::bigint[], $13::bytea[])
          AS new (id, platform, post_id, occurred_at, influencer_id, campaign_id, likes, comments, shares, views,
            content_hash)""",
        ctx.tenant_id,
        ctx.now,
        list(snapshots),
        [item.platform for item in sent],
        [item.post_id for item in sent],
        [item.occurred_at for item in snapshots.values()],
        [item.influencer_id for item in sent],
        [item.campaign_id for item in sent],
        [item.likes for item in sent],
        [item.comments for item in sent],
        [item.shares for item in sent],
        [item.views for item in sent],
        [item.content_hash for item in snapshots.values()],
    )


_LATER = " UNION ALL ".join(
    f"""(SELECT later.occurred_at
         FROM engagement_snapshots AS later
         WHERE later.tenant_id = $1 AND later.platform = new.platform AND later.post_id = new.post_id
           AND later.occurred_at > new.occurred_at AND later.{name} IS NOT NULL AND new.has_{name}
         ORDER BY later.occurred_at
         LIMIT 1)"""  # noqa: S608 - only declared texts
    for name in FIGURES
)


async def days_changed(ctx: Ctx, session: ReadSession, snapshots: Collection[CheckedEngagement]) -> set[date]:
    """UTC days on which a measure differs because of these snapshots, which are stored by now.

    Their own; and, of each figure they tell, that of the post's next snapshot with it, which now adds less, or more.
    """
    days = {item.occurred_at.date() for item in snapshots}
    if not snapshots:
        return days
    has = {name: [getattr(item.sent, name) is not None for item in snapshots] for name in FIGURES}
    rows = await session.fetch(
        f"""/* engagement.later */
        SELECT DISTINCT found.occurred_at
        FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::boolean[], $6::boolean[], $7::boolean[],
            $8::boolean[])
          AS new (platform, post_id, occurred_at, has_likes, has_comments, has_shares, has_views)
        CROSS JOIN LATERAL ({_LATER}) AS found""",  # noqa: S608 - only declared texts
        ctx.tenant_id,
        [item.sent.platform for item in snapshots],
        [item.sent.post_id for item in snapshots],
        [item.occurred_at for item in snapshots],
        *has.values(),
    )
    return days | {row["occurred_at"].astimezone(UTC).date() for row in rows}
