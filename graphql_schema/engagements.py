"""Engagement snapshots, what posts had gathered at a time: their type, list and mutation."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from app.campaigns.queries import CAMPAIGNS
from app.core.context import Scope
from app.core.words import Platform
from app.db.keyset import Condition
from app.engagement import inputs as plain
from app.engagement.queries import ENGAGEMENT_SNAPSHOTS
from app.engagement.service import FIGURE_MAX
from app.influencers.queries import INFLUENCERS
from app.usecases.record_engagements import record_engagements
from graphql_schema.families import one_row, shows
from graphql_schema.filters import FactOrder, IdFilter, PlatformFilter, StringFilter, TimeFilter, on
from graphql_schema.lists import root_list
from graphql_schema.node import Node
from graphql_schema.rows import of_row
from graphql_schema.scalars import BigInt
from graphql_schema.writes import IDEMPOTENCY_KEY, NO_ROW, ItemResult, Payload, batch, id_named, present

if TYPE_CHECKING:
    from graphql_schema.campaigns import Campaign
    from graphql_schema.influencers import Influencer

LazyCampaign = Annotated["Campaign", strawberry.lazy("graphql_schema.campaigns")]
LazyInfluencer = Annotated["Influencer", strawberry.lazy("graphql_schema.influencers")]

_BOUNDS = f"since it was published: 0 to {FIGURE_MAX:,}; not given: not known."


@shows(ENGAGEMENT_SNAPSHOTS, Scope.PROGRAM_READ)
@strawberry.type(description="What a post had gathered at a time, since it was published. A figure may fall.")
class EngagementSnapshot(Node):
    """What a post had gathered at a time."""

    platform: Platform = strawberry.field(description="Where the post is.")
    post_id: str = strawberry.field(description="The platform's id of the post.")
    occurred_at: datetime = strawberry.field(description="The time that the figures are of.")
    recorded_at: datetime = strawberry.field(description="When it was told.")
    likes: BigInt | None = strawberry.field(description="Likes; null: not known.")
    comments: BigInt | None = strawberry.field(description="Comments; null: not known.")
    shares: BigInt | None = strawberry.field(description="Shares; null: not known.")
    views: BigInt | None = strawberry.field(description="Views; null: not known.")
    influencer_id: strawberry.Private[strawberry.ID]
    campaign_id: strawberry.Private[strawberry.ID | None]

    of = of_row()

    influencer = one_row(LazyInfluencer, INFLUENCERS, "influencer_id", "Whose post it is.")

    campaign = one_row(LazyCampaign, CAMPAIGNS, "campaign_id", "For which campaign; null: for none.")


@strawberry.input(description="Which engagement snapshots to list. Conditions are combined by AND.")
class EngagementFilter:
    """Which engagement snapshots to list."""

    occurred: TimeFilter | None = strawberry.field(
        default=strawberry.UNSET, description="The time that the figures are of."
    )
    influencer: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Whose posts they are.")
    campaign: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="For which campaigns.")
    platform: PlatformFilter | None = strawberry.field(default=strawberry.UNSET, description="Where the posts are.")
    post_id: StringFilter | None = strawberry.field(
        default=strawberry.UNSET, description="The platforms' ids of the posts."
    )

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *on("occurred_at", self.occurred),
            *on("influencer_id", self.influencer),
            *on("campaign_id", self.campaign),
            *on("platform", self.platform),
            *on("post_id", self.post_id),
        ]


@strawberry.input(
    description="What a post had gathered at a time. Platform, post and time make it one however often it is sent. At "
    "least one of the figures must be given."
)
class EngagementInput:
    """What a post had gathered at a time."""

    platform: Platform = strawberry.field(description="Where the post is.")
    post_id: str = strawberry.field(description="The platform's id of the post.")
    occurred_at: datetime = strawberry.field(
        description="The time that the figures are of: the date on which counts what came since the snapshot before."
    )
    influencer_id: strawberry.ID = strawberry.field(description="Whose post it is.")
    campaign_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="For which campaign.")
    likes: BigInt | None = strawberry.field(default=strawberry.UNSET, description=f"Likes {_BOUNDS}")
    comments: BigInt | None = strawberry.field(default=strawberry.UNSET, description=f"Comments {_BOUNDS}")
    shares: BigInt | None = strawberry.field(default=strawberry.UNSET, description=f"Shares {_BOUNDS}")
    views: BigInt | None = strawberry.field(default=strawberry.UNSET, description=f"Views {_BOUNDS}")

    def value(self) -> plain.EngagementInput:
        """The snapshot as the use case takes it."""
        return plain.EngagementInput(
            influencer_id=id_named(self.influencer_id) or NO_ROW,
            campaign_id=id_named(self.campaign_id),
            **present(self, "influencer_id", "campaign_id"),
        )


@strawberry.input(description="Engagement snapshots to record, at most 1,000.")
class RecordEngagementsInput:
    """Engagement snapshots to record."""

    engagements: list[EngagementInput] = strawberry.field(description="The snapshots.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.type(description="What became of one engagement snapshot of a write.")
class EngagementResult(ItemResult):
    """What became of one engagement snapshot of a write."""

    engagement_snapshot = one_row(
        EngagementSnapshot, ENGAGEMENT_SNAPSHOTS, "row_id", "The snapshot; null when rejected."
    )


@strawberry.type(description="What became of the engagement snapshots of a write.")
class RecordEngagementsPayload(Payload[EngagementResult]):
    """What became of the engagement snapshots of a write."""


@strawberry.type
class Query:
    """Fields of this file."""

    engagement_snapshots = root_list(
        EngagementSnapshot,
        ENGAGEMENT_SNAPSHOTS,
        where=EngagementFilter,
        order=FactOrder,
        description="Engagement snapshots, newest first.",
        scope=Scope.PROGRAM_READ,
    )


@strawberry.type
class Mutation:
    """Fields of this file."""

    record_engagements = batch(
        record_engagements,
        "engagements",
        input=RecordEngagementsInput,
        payload=RecordEngagementsPayload,
        result=EngagementResult,
        description="Records what posts had gathered at a time: likes, comments, shares, views since they were "
        "published. Measures count the differences.",
        scope=Scope.INSTANCES_WRITE,
    )


TYPES = (EngagementSnapshot,)
