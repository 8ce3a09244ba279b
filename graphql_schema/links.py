"""Tracking links: their type, list and mutations."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from app.campaigns.queries import CAMPAIGNS
from app.core.context import Scope
from app.core.words import OfferStatus, Platform
from app.db.keyset import Condition
from app.influencers.queries import INFLUENCERS
from app.tracking import inputs as plain
from app.tracking.queries import LINKS
from app.usecases.create_links import create_links
from app.usecases.update_links import update_links
from graphql_schema.families import one_row, shows
from graphql_schema.filters import IdFilter, PlatformFilter, StringFilter, any_of, on, ordering
from graphql_schema.lists import root_list
from graphql_schema.node import Node
from graphql_schema.rows import of_row
from graphql_schema.writes import IDEMPOTENCY_KEY, NO_ROW, ItemResult, Payload, batch, given, id_named, own_id, present

if TYPE_CHECKING:
    from graphql_schema.campaigns import Campaign
    from graphql_schema.influencers import Influencer

LazyCampaign = Annotated["Campaign", strawberry.lazy("graphql_schema.campaigns")]
LazyInfluencer = Annotated["Influencer", strawberry.lazy("graphql_schema.influencers")]


@shows(LINKS, Scope.PROGRAM_READ)
@strawberry.type(description="A tracking link: what an influencer shares, leading to a page of the store.")
class Link(Node):
    """A tracking link."""

    slug: str = strawberry.field(description="Its name, unique among all tenants; in upper and lower case.")
    url: str = strawberry.field(description="The page it leads to.")
    status: OfferStatus = strawberry.field(description="Whether it may be used.")
    platform: Platform | None = strawberry.field(description="Where it is shared.")
    utm_source: str | None = strawberry.field(description="UTM source.")
    utm_medium: str | None = strawberry.field(description="UTM medium: the channel that its instances count under.")
    utm_campaign: str | None = strawberry.field(description="UTM campaign.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    influencer_id: strawberry.Private[strawberry.ID]
    campaign_id: strawberry.Private[strawberry.ID | None]

    of = of_row()

    influencer = one_row(LazyInfluencer, INFLUENCERS, "influencer_id", "Whose it is.")

    campaign = one_row(LazyCampaign, CAMPAIGNS, "campaign_id", "For which campaign; null: for none.")


@strawberry.input(description="Which links to list. Conditions are combined by AND.")
class LinkFilter:
    """Which links to list."""

    influencer: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Whose they are.")
    campaign: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="For which campaigns.")
    slug: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="Their names.")
    platform: PlatformFilter | None = strawberry.field(default=strawberry.UNSET, description="Where they are shared.")
    status: list[OfferStatus] | None = strawberry.field(default=strawberry.UNSET, description="Any of these states.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *on("influencer_id", self.influencer),
            *on("campaign_id", self.campaign),
            *on("slug", self.slug),
            *on("platform", self.platform),
            *any_of("status", self.status),
        ]


LinkOrder = ordering(
    "Link",
    "links",
    CREATED_AT="When they were made.",
    SLUG="Their names, as the database collates.",
)


@strawberry.input(description="A new tracking link. Whose it is and its slug never change.")
class LinkInput:
    """A new tracking link."""

    influencer_id: strawberry.ID = strawberry.field(description="Whose it is.")
    url: str = strawberry.field(description="The page it leads to, http or https.")
    campaign_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="For which campaign.")
    slug: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="3 to 64 letters, digits, - or _, unique among all tenants; a fresh one is made when not given.",
    )
    platform: Platform | None = strawberry.field(default=strawberry.UNSET, description="Where it is shared.")
    utm_source: str | None = strawberry.field(default=strawberry.UNSET, description="UTM source.")
    utm_medium: str | None = strawberry.field(default=strawberry.UNSET, description="UTM medium: the channel.")
    utm_campaign: str | None = strawberry.field(default=strawberry.UNSET, description="UTM campaign.")
    status: OfferStatus | None = strawberry.field(
        default=strawberry.UNSET, description="Whether it may be used; ACTIVE when not given."
    )

    def value(self) -> plain.LinkInput:
        """The link as the use case takes it."""
        return plain.LinkInput(
            influencer_id=id_named(self.influencer_id) or NO_ROW,
            campaign_id=id_named(self.campaign_id),
            **present(self, "influencer_id", "campaign_id"),
        )


@strawberry.input(description="What changes of a link. What is not mentioned stays; null clears.")
class LinkChange:
    """What changes of a link."""

    id: strawberry.ID = strawberry.field(description="Which link.")
    url: str | None = strawberry.field(default=strawberry.UNSET, description="The page it leads to; cannot be null.")
    platform: Platform | None = strawberry.field(default=strawberry.UNSET, description="Where it is shared.")
    utm_source: str | None = strawberry.field(default=strawberry.UNSET, description="UTM source.")
    utm_medium: str | None = strawberry.field(default=strawberry.UNSET, description="UTM medium: the channel.")
    utm_campaign: str | None = strawberry.field(default=strawberry.UNSET, description="UTM campaign.")
    status: OfferStatus | None = strawberry.field(
        default=strawberry.UNSET, description="Whether it may be used; cannot be null."
    )

    def value(self) -> plain.LinkChange:
        """The change as the use case takes it."""
        return plain.LinkChange(own_id(self.id), **given(self, "id"))


@strawberry.input(description="Links to create, at most 1,000.")
class CreateLinksInput:
    """Links to create."""

    links: list[LinkInput] = strawberry.field(description="The new links.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Links to change, at most 1,000.")
class UpdateLinksInput:
    """Links to change."""

    links: list[LinkChange] = strawberry.field(description="The changes, applied in their order.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.type(description="What became of one link of a write.")
class LinkResult(ItemResult):
    """What became of one link of a write."""

    link = one_row(Link, LINKS, "row_id", "The link as it is now; null when rejected.")


@strawberry.type(description="What became of the links of a write.")
class LinksPayload(Payload[LinkResult]):
    """What became of the links of a write."""


@strawberry.type
class Query:
    """Fields of this file."""

    links = root_list(
        Link,
        LINKS,
        where=LinkFilter,
        order=LinkOrder,
        description="Tracking links, oldest first.",
        scope=Scope.PROGRAM_READ,
    )


@strawberry.type
class Mutation:
    """Fields of this file."""

    create_links = batch(
        create_links,
        "links",
        input=CreateLinksInput,
        payload=LinksPayload,
        result=LinkResult,
        description="Creates tracking links.",
        scope=Scope.PROGRAM_WRITE,
    )

    update_links = batch(
        update_links,
        "links",
        input=UpdateLinksInput,
        payload=LinksPayload,
        result=LinkResult,
        description="Changes tracking links: only what each change mentions.",
        scope=Scope.PROGRAM_WRITE,
    )


TYPES = (Link,)
