"""What callers send about posts, as plain values. Times are aware instants."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.core.words import Platform


@dataclass(frozen=True, slots=True)
class EngagementInput:
    """A snapshot of a post: its figures as of occurred_at, since it was published. None: not known.

    post_id: the platform's id of the post, which with the platform and the time makes it one however often it is sent.
    """

    platform: Platform
    post_id: str
    occurred_at: datetime
    influencer_id: UUID
    campaign_id: UUID | None = None
    likes: int | None = None
    comments: int | None = None
    shares: int | None = None
    views: int | None = None
