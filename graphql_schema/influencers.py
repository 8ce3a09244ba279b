"""Influencers, as they are read."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from app.campaigns.queries import ENROLLMENTS
from app.commissions.queries import COMMISSIONS
from app.core.context import Scope
from app.core.words import InfluencerStatus, Platform
from app.db.keyset import Condition, Sort
from app.influencers.queries import INFLUENCERS, SOCIAL_PROFILES
from app.orders.queries import INFLUENCER_ORDERS, ORDERS
from app.payouts.queries import PAYOUT_ITEMS
from app.tracking.queries import CODES, LINKS
from graphql_schema.analytics import analytics_of
from graphql_schema.families import root_one, shows
from graphql_schema.filters import IdFilter, StringFilter, TimeFilter, any_of, on, on_upper_case, ordering
from graphql_schema.lists import LATEST, OLDEST, child_list, each, nested_list, root_list
from graphql_schema.loaders import Children
from graphql_schema.node import Node
from graphql_schema.permissions import requires
from graphql_schema.rows import of_row
from graphql_schema.scalars import BigInt

if TYPE_CHECKING:
    from graphql_schema.codes import Code
    from graphql_schema.commissions import Commission
    from graphql_schema.enrollments import Enrollment
    from graphql_schema.links import Link
    from graphql_schema.orders import Order
    from graphql_schema.payouts import PayoutItem

LazyCode = Annotated["Code", strawberry.lazy("graphql_schema.codes")]
LazyPayoutItem = Annotated["PayoutItem", strawberry.lazy("graphql_schema.payouts")]
LazyCommission = Annotated["Commission", strawberry.lazy("graphql_schema.commissions")]
LazyEnrollment = Annotated["Enrollment", strawberry.lazy("graphql_schema.enrollments")]
LazyLink = Annotated["Link", strawberry.lazy("graphql_schema.links")]
LazyOrder = Annotated["Order", strawberry.lazy("graphql_schema.orders")]


_PROFILES = Children(SOCIAL_PROFILES, "influencer_id", "item.platform, item.handle")


@strawberry.type(description="An influencer's account on a platform.")
class SocialProfile:
    """An influencer's account on a platform."""

    platform: Platform = strawberry.field(description="Where the account is.")
    handle: str = strawberry.field(description="Its name there, without @.")
    url: str | None = strawberry.field(description="Its address.")
    followers: BigInt | None = strawberry.field(description="Followers, as last told.")

    of = of_row()


@shows(INFLUENCERS, Scope.PROGRAM_READ)
@strawberry.type(description="Whoever promotes and earns.")
class Influencer(Node):
    """Whoever promotes and earns."""

    external_id: str | None = strawberry.field(description="The caller's own id of them.")
    name: str = strawberry.field(description="What they are called.")
    status: InfluencerStatus = strawberry.field(description="Whether they are credited.")
    country: str | None = strawberry.field(description="ISO 3166-1 alpha-2, where they live.")
    is_email_known: bool = strawberry.field(
        description="Whether an e-mail address is kept as a hash, by which their own purchases are known."
    )
    created_at: datetime = strawberry.field(description="When they were entered.")
    updated_at: datetime = strawberry.field(description="When they were last changed.")
    row_id: strawberry.Private[strawberry.ID]
    own_customer: strawberry.Private[str | None]
    analytics = analytics_of("influencer")

    of = of_row(row_id="id", own_customer="customer")

    @strawberry.field(
        description="The store's customer id of theirs, by which their own purchases are known.",
        extensions=[requires(Scope.CUSTOMERS_READ)],
    )
    def customer(self) -> str | None:
        """The store's customer id of theirs."""
        return self.own_customer

    profiles = child_list(
        SocialProfile,
        _PROFILES,
        show=each(SocialProfile.of),
        description="Their accounts, in order of platform and handle.",
    )

    enrollments = nested_list(
        LazyEnrollment,
        ENROLLMENTS,
        parent="influencer_id",
        sort=OLDEST,
        description="The campaigns they are in, in the order they entered.",
    )

    links = nested_list(
        LazyLink,
        LINKS,
        parent="influencer_id",
        sort=OLDEST,
        description="Their tracking links, oldest first.",
    )

    codes = nested_list(
        LazyCode,
        CODES,
        parent="influencer_id",
        sort=OLDEST,
        description="Their coupon codes, oldest first.",
    )

    orders = nested_list(
        LazyOrder,
        INFLUENCER_ORDERS,
        parent="influencer_id",
        sort=LATEST,
        description="Orders they are credited for, newest first.",
        rows=ORDERS,
        scope=Scope.ORDERS_READ,
    )

    commissions = nested_list(
        LazyCommission,
        COMMISSIONS,
        parent="influencer_id",
        sort=LATEST,
        description="What they earned and what was taken back, newest first.",
        scope=Scope.MONEY_READ,
    )

    payouts = nested_list(
        LazyPayoutItem,
        PAYOUT_ITEMS,
        parent="influencer_id",
        sort=Sort("created_at", descending=True),
        description="What they are and were paid, newest first.",
        scope=Scope.MONEY_READ,
    )


@strawberry.input(description="Which influencers to list. Conditions are combined by AND.")
class InfluencerFilter:
    """Which influencers to list."""

    id: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Their ids.")
    external_id: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="The caller's own ids.")
    name: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="What they are called.")
    status: list[InfluencerStatus] | None = strawberry.field(
        default=strawberry.UNSET, description="Any of these states."
    )
    country: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="Where they live.")
    created: TimeFilter | None = strawberry.field(default=strawberry.UNSET, description="When they were entered.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *on("id", self.id),
            *on("external_id", self.external_id),
            *on("name", self.name),
            *any_of("status", self.status),
            *on_upper_case("country", self.country),
            *on("created_at", self.created),
        ]


InfluencerOrder = ordering(
    "Influencer",
    "influencers",
    CREATED_AT="When they were entered.",
    NAME="What they are called, as the database collates.",
)


@strawberry.type
class Query:
    """Fields of this file."""

    influencer = root_one(Influencer, INFLUENCERS, scope=Scope.PROGRAM_READ)
    influencers = root_list(
        Influencer,
        INFLUENCERS,
        where=InfluencerFilter,
        order=InfluencerOrder,
        description="Influencers, oldest first.",
        scope=Scope.PROGRAM_READ,
    )


TYPES = (Influencer,)
