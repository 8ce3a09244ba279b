"""Instances, tracked interactions: their type, list and mutation."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from app.analytics.query import Direction
from app.campaigns.queries import CAMPAIGNS
from app.core.context import Scope
from app.core.words import InstanceKind, Platform
from app.customers.queries import CUSTOMERS
from app.db.keyset import Condition
from app.influencers.queries import INFLUENCERS
from app.tracking import inputs as plain
from app.tracking.queries import INSTANCES, LINKS
from app.usecases.record_instances import record_instances
from graphql_schema.attribution import AttributionExplanation
from graphql_schema.context import Info
from graphql_schema.families import one_row
from graphql_schema.filters import (
    IdFilter,
    PlatformFilter,
    StringFilter,
    TimeFilter,
    any_of,
    on,
    on_upper_case,
    ordering,
)
from graphql_schema.lists import root_list
from graphql_schema.permissions import requires
from graphql_schema.rows import of_row
from graphql_schema.writes import IDEMPOTENCY_KEY, ItemResult, Payload, batch, id_named, present

if TYPE_CHECKING:
    from graphql_schema.campaigns import Campaign
    from graphql_schema.customers import Customer
    from graphql_schema.influencers import Influencer
    from graphql_schema.links import Link

LazyCampaign = Annotated["Campaign", strawberry.lazy("graphql_schema.campaigns")]
LazyCustomer = Annotated["Customer", strawberry.lazy("graphql_schema.customers")]
LazyInfluencer = Annotated["Influencer", strawberry.lazy("graphql_schema.influencers")]
LazyLink = Annotated["Link", strawberry.lazy("graphql_schema.links")]


@strawberry.type(description="One tracked interaction. It is a fact: found by lists, not by `node`, and never changed.")
class Instance:
    """One tracked interaction."""

    id: strawberry.ID = strawberry.field(description="Its id.")
    kind: InstanceKind = strawberry.field(description="What it was.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    recorded_at: datetime = strawberry.field(description="When it was told.")
    code: str | None = strawberry.field(description="The coupon code used, in upper case.")
    platform: Platform | None = strawberry.field(description="Where it happened.")
    channel: str | None = strawberry.field(description="The UTM medium.")
    country: str | None = strawberry.field(description="ISO 3166-1 alpha-2.")
    ad_click: str | None = strawberry.field(
        description="The parameter of its address that tells of an advertisement in a search engine, such as gclid."
    )
    superseded_at: datetime | None = strawberry.field(
        description="Of a PURCHASE, since when its order is judged to be another's, so that it counts no more; null: "
        "it counts."
    )
    influencer_id: strawberry.Private[strawberry.ID | None]
    campaign_id: strawberry.Private[strawberry.ID | None]
    link_id: strawberry.Private[strawberry.ID | None]
    customer_id: strawberry.Private[strawberry.ID | None]
    visitor: strawberry.Private[str | None]
    click: strawberry.Private[str | None]

    of = of_row(visitor="visitor_id", click="click_id")

    influencer = one_row(LazyInfluencer, INFLUENCERS, "influencer_id", "Whose work it came from.")

    campaign = one_row(LazyCampaign, CAMPAIGNS, "campaign_id", "For which campaign; null: for none.")

    link = one_row(LazyLink, LINKS, "link_id", "The link it came by.")

    customer = one_row(LazyCustomer, CUSTOMERS, "customer_id", "Who it was, if known.", scope=Scope.CUSTOMERS_READ)

    @strawberry.field(description="The store's id of the visitor.", extensions=[requires(Scope.CUSTOMERS_READ)])
    def visitor_id(self) -> str | None:
        """The store's id of the visitor."""
        return self.visitor

    @strawberry.field(description="The id of the click.", extensions=[requires(Scope.CUSTOMERS_READ)])
    def click_id(self) -> str | None:
        """The id of the click."""
        return self.click


@strawberry.input(description="Which instances to list. Conditions are combined by AND.")
class InstanceFilter:
    """Which instances to list."""

    occurred: TimeFilter | None = strawberry.field(default=strawberry.UNSET, description="When they happened.")
    kind: list[InstanceKind] | None = strawberry.field(default=strawberry.UNSET, description="Any of these kinds.")
    influencer: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Whose work they came from.")
    campaign: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="For which campaigns.")
    link: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="The links they came by.")
    code: StringFilter | None = strawberry.field(
        default=strawberry.UNSET, description="Codes used, in upper or lower case."
    )
    platform: PlatformFilter | None = strawberry.field(default=strawberry.UNSET, description="Where they happened.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *on("occurred_at", self.occurred),
            *any_of("kind", self.kind),
            *on("influencer_id", self.influencer),
            *on("campaign_id", self.campaign),
            *on("link_id", self.link),
            *on_upper_case("code", self.code),
            *on("platform", self.platform),
        ]


InstanceOrder = ordering(
    "Instance",
    "instances",
    direction=Direction.DESC,
    OCCURRED_AT="When they happened.",
)


@strawberry.input(
    description="A tracked interaction. What its link or code implies need not be given, and must not contradict it."
)
class InstanceInput:
    """A tracked interaction."""

    kind: InstanceKind = strawberry.field(description="What it was.")
    occurred_at: datetime = strawberry.field(description="When it happened; may lie in the past.")
    external_id: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The caller's own id, which makes it one however often it is sent; without one each is another.",
    )
    link_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="The link it came by.")
    link_slug: str | None = strawberry.field(
        default=strawberry.UNSET, description="The link it came by, named by its slug instead."
    )
    code: str | None = strawberry.field(default=strawberry.UNSET, description="The coupon code used.")
    influencer_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Whose work it came from."
    )
    campaign_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="For which campaign.")
    platform: Platform | None = strawberry.field(default=strawberry.UNSET, description="Where it happened.")
    channel: str | None = strawberry.field(default=strawberry.UNSET, description="The UTM medium.")
    country: str | None = strawberry.field(default=strawberry.UNSET, description="ISO 3166-1 alpha-2.")
    visitor_id: str | None = strawberry.field(
        default=strawberry.UNSET, description="The store's id of the visitor: how an order finds its touches."
    )
    customer: str | None = strawberry.field(
        default=strawberry.UNSET, description="The store's id of the customer, who must be known."
    )
    click_id: str | None = strawberry.field(
        default=strawberry.UNSET, description="The id of the click, which an order may give back."
    )

    url: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The address it arrived at, with its parameters: gclid and its like tell of an advertisement in a "
        "search engine. The address itself is not kept.",
    )

    def value(self) -> plain.InstanceInput:
        """The instance as the use case takes it."""
        return plain.InstanceInput(
            link_id=id_named(self.link_id),
            influencer_id=id_named(self.influencer_id),
            campaign_id=id_named(self.campaign_id),
            **present(self, "link_id", "influencer_id", "campaign_id"),
        )


@strawberry.input(description="Instances to record, at most 1,000.")
class RecordInstancesInput:
    """Instances to record."""

    instances: list[InstanceInput] = strawberry.field(description="The instances.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.type(description="What became of one instance of a write.")
class InstanceResult(ItemResult):
    """What became of one instance of a write."""

    @strawberry.field(
        description="Orders that waited for a touch, were judged once more because this one came, and are credited now."
    )
    def orders(self, info: Info) -> list[AttributionExplanation]:
        """Orders that were judged once more because this one came."""
        return [
            AttributionExplanation.stored(info, UUID(each["orderId"]), each["explanation"])
            for each in self.detail.get("orders", ())
        ]


@strawberry.type(description="What became of the instances of a write.")
class RecordInstancesPayload(Payload[InstanceResult]):
    """What became of the instances of a write."""


@strawberry.type
class Query:
    """Fields of this file."""

    instances = root_list(
        Instance,
        INSTANCES,
        where=InstanceFilter,
        order=InstanceOrder,
        description="Instances, newest first.",
        scope=Scope.PROGRAM_READ,
        show=Instance.of,
    )


@strawberry.type
class Mutation:
    """Fields of this file."""

    record_instances = batch(
        record_instances,
        "instances",
        input=RecordInstancesInput,
        payload=RecordInstancesPayload,
        result=InstanceResult,
        description="Records tracked interactions: clicks, views, code uses, sign-ups.",
        scope=Scope.INSTANCES_WRITE,
    )
