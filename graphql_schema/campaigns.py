"""Campaigns, as they are read."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import strawberry

from app.campaigns.queries import CAMPAIGNS, ENROLLMENTS
from app.core.context import Scope
from app.core.words import AttributionModel, CampaignStatus, CodePolicy, PaidSearch
from app.db.keyset import Condition
from app.orders.queries import CAMPAIGN_ORDERS, ORDERS
from app.tracking.queries import CODES, LINKS
from graphql_schema.analytics import analytics_of
from graphql_schema.families import root_one, shows
from graphql_schema.filters import IdFilter, StringFilter, TimeFilter, any_of, on, ordering
from graphql_schema.lists import LATEST, OLDEST, nested_list, root_list
from graphql_schema.node import Node
from graphql_schema.rows import money, of_row
from graphql_schema.scalars import BigInt, CurrencyCode

if TYPE_CHECKING:
    from graphql_schema.codes import Code
    from graphql_schema.enrollments import Enrollment
    from graphql_schema.links import Link
    from graphql_schema.orders import Order

LazyCode = Annotated["Code", strawberry.lazy("graphql_schema.codes")]
LazyEnrollment = Annotated["Enrollment", strawberry.lazy("graphql_schema.enrollments")]
LazyLink = Annotated["Link", strawberry.lazy("graphql_schema.links")]
LazyOrder = Annotated["Order", strawberry.lazy("graphql_schema.orders")]


BUDGET = (
    "What it is planned to cost, major units: for reports. What it pays is limited by a commission plan's "
    "`caps.perCampaign`."
)


@shows(CAMPAIGNS, Scope.PROGRAM_READ)
@strawberry.type(description="A dated promotion with goals and terms.")
class Campaign(Node):
    """A dated promotion with goals and terms."""

    external_id: str | None = strawberry.field(description="The caller's own id of it.")
    name: str = strawberry.field(description="What it is called.")
    status: CampaignStatus = strawberry.field(description="Whether it credits.")
    starts_at: datetime = strawberry.field(description="It runs from this instant.")
    ends_at: datetime | None = strawberry.field(description="It runs until before this instant; null: without end.")
    currency: CurrencyCode = strawberry.field(description="Currency of budget and sales goal.")
    budget: Decimal | None = strawberry.field(description=BUDGET)
    engagement_goal: BigInt | None = strawberry.field(description="Likes, comments and shares aimed at.")
    sales_goal: Decimal | None = strawberry.field(description="Revenue aimed at, major units.")
    attribution_model: AttributionModel | None = strawberry.field(
        description="How the credit of an order is shared; null: as the tenant's rules say."
    )
    click_window_days: int = strawberry.field(description="Days after a click during which an order is credited to it.")
    view_window_days: int = strawberry.field(description="The same of views; 0: views are no touches.")
    code_window_days: int | None = strawberry.field(
        description="The same of uses of codes that were recorded before the order; null: as of clicks."
    )
    half_life_days: int | None = strawberry.field(
        description="Days by which a touch counts half as much under TIME_DECAY; null: as the tenant's rules say."
    )
    code_policy: CodePolicy = strawberry.field(description="When its codes count.")
    paid_search: PaidSearch = strawberry.field(
        description="What becomes of its touches that came by an advertisement in a search engine."
    )
    commission_rate: Decimal = strawberry.field(description="Share of the commission base, 0 to 1.")
    created_at: datetime = strawberry.field(description="When it was entered.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    row_id: strawberry.Private[strawberry.ID]
    analytics = analytics_of("campaign")

    of = of_row(budget=money("budget_minor"), sales_goal=money("sales_goal_minor"), row_id="id")

    enrollments = nested_list(
        LazyEnrollment,
        ENROLLMENTS,
        parent="campaign_id",
        sort=OLDEST,
        description="Influencers in it, in the order they entered.",
    )

    links = nested_list(
        LazyLink,
        LINKS,
        parent="campaign_id",
        sort=OLDEST,
        description="Its tracking links, oldest first.",
    )

    codes = nested_list(
        LazyCode,
        CODES,
        parent="campaign_id",
        sort=OLDEST,
        description="Its coupon codes, oldest first.",
    )

    orders = nested_list(
        LazyOrder,
        CAMPAIGN_ORDERS,
        parent="campaign_id",
        sort=LATEST,
        description="Orders credited to it, newest first.",
        rows=ORDERS,
        scope=Scope.ORDERS_READ,
    )


@strawberry.input(description="Which campaigns to list. Conditions are combined by AND.")
class CampaignFilter:
    """Which campaigns to list."""

    id: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Their ids.")
    external_id: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="The caller's own ids.")
    name: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="What they are called.")
    status: list[CampaignStatus] | None = strawberry.field(default=strawberry.UNSET, description="Any of these states.")
    starts: TimeFilter | None = strawberry.field(default=strawberry.UNSET, description="When they start.")
    ends: TimeFilter | None = strawberry.field(
        default=strawberry.UNSET, description="When they end; those without end match nothing."
    )

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *on("id", self.id),
            *on("external_id", self.external_id),
            *on("name", self.name),
            *any_of("status", self.status),
            *on("starts_at", self.starts),
            *on("ends_at", self.ends),
        ]


CampaignOrder = ordering(
    "Campaign",
    "campaigns",
    CREATED_AT="When they were entered.",
    NAME="What they are called, as the database collates.",
    STARTS_AT="When they start.",
)


@strawberry.type
class Query:
    """Fields of this file."""

    campaign = root_one(Campaign, CAMPAIGNS, scope=Scope.PROGRAM_READ)
    campaigns = root_list(
        Campaign,
        CAMPAIGNS,
        where=CampaignFilter,
        order=CampaignOrder,
        description="Campaigns, oldest first.",
        scope=Scope.PROGRAM_READ,
    )


TYPES = (Campaign,)
