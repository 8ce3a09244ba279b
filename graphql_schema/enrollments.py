"""Enrollments: influencers in campaigns, with their orders and mutations."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import strawberry

from app.campaigns import inputs as plain
from app.campaigns.queries import CAMPAIGNS, ENROLLMENTS
from app.core.context import Scope
from app.core.words import EnrollmentStatus
from app.db.keyset import Condition
from app.influencers.queries import INFLUENCERS
from app.orders.queries import ENROLLMENT_ORDERS, ORDERS
from app.usecases.create_enrollments import create_enrollments
from app.usecases.update_enrollments import update_enrollments
from graphql_schema.families import one_row, shows
from graphql_schema.filters import IdFilter, any_of, on, ordering
from graphql_schema.lists import LATEST, nested_list, root_list
from graphql_schema.node import Node
from graphql_schema.rows import of_row
from graphql_schema.writes import IDEMPOTENCY_KEY, NO_ROW, ItemResult, Payload, batch, given, id_named, own_id, present

if TYPE_CHECKING:
    from graphql_schema.campaigns import Campaign
    from graphql_schema.influencers import Influencer
    from graphql_schema.orders import Order

LazyCampaign = Annotated["Campaign", strawberry.lazy("graphql_schema.campaigns")]
LazyInfluencer = Annotated["Influencer", strawberry.lazy("graphql_schema.influencers")]
LazyOrder = Annotated["Order", strawberry.lazy("graphql_schema.orders")]


@shows(ENROLLMENTS, Scope.PROGRAM_READ)
@strawberry.type(description="An influencer in a campaign, with their own terms.")
class Enrollment(Node):
    """An influencer in a campaign."""

    status: EnrollmentStatus = strawberry.field(description="Where the influencer stands in the campaign.")
    commission_rate: Decimal | None = strawberry.field(
        description="Their own share of the commission base, 0 to 1; null means the campaign's."
    )
    created_at: datetime = strawberry.field(description="When they entered.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    campaign_id: strawberry.Private[strawberry.ID]
    influencer_id: strawberry.Private[strawberry.ID]
    row_id: strawberry.Private[strawberry.ID]

    of = of_row(row_id="id")

    campaign = one_row(LazyCampaign, CAMPAIGNS, "campaign_id", "The campaign.")

    influencer = one_row(LazyInfluencer, INFLUENCERS, "influencer_id", "The influencer.")

    orders = nested_list(
        LazyOrder,
        ENROLLMENT_ORDERS,
        parent="enrollment_id",
        sort=LATEST,
        description="Orders that the influencer is credited for in this campaign, newest first.",
        rows=ORDERS,
        scope=Scope.ORDERS_READ,
    )


@strawberry.input(description="Which enrollments to list. Conditions are combined by AND.")
class EnrollmentFilter:
    """Which enrollments to list."""

    campaign: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="In which campaigns.")
    influencer: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Of which influencers.")
    status: list[EnrollmentStatus] | None = strawberry.field(
        default=strawberry.UNSET, description="Any of these states."
    )

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *on("campaign_id", self.campaign),
            *on("influencer_id", self.influencer),
            *any_of("status", self.status),
        ]


EnrollmentOrder = ordering(
    "Enrollment",
    "enrollments",
    CREATED_AT="When the influencers entered.",
)


@strawberry.input(description="An influencer's entry into a campaign: one for each pair.")
class EnrollmentInput:
    """An influencer's entry into a campaign."""

    campaign_id: strawberry.ID = strawberry.field(description="The campaign.")
    influencer_id: strawberry.ID = strawberry.field(description="The influencer.")
    status: EnrollmentStatus | None = strawberry.field(
        default=strawberry.UNSET, description="Where they stand; ACTIVE when not given."
    )
    commission_rate: Decimal | None = strawberry.field(
        default=strawberry.UNSET, description="Their own share, 0 to 1, six digits; the campaign's when not given."
    )

    def value(self) -> plain.EnrollmentInput:
        """The enrollment as the use case takes it."""
        return plain.EnrollmentInput(
            campaign_id=id_named(self.campaign_id) or NO_ROW,
            influencer_id=id_named(self.influencer_id) or NO_ROW,
            **present(self, "campaign_id", "influencer_id"),
        )


@strawberry.input(description="What changes of an enrollment. What is not mentioned stays.")
class EnrollmentChange:
    """What changes of an enrollment."""

    id: strawberry.ID = strawberry.field(description="Which enrollment.")
    status: EnrollmentStatus | None = strawberry.field(
        default=strawberry.UNSET, description="Where they stand; cannot be null."
    )
    commission_rate: Decimal | None = strawberry.field(
        default=strawberry.UNSET, description="Their own share, 0 to 1; null: the campaign's from now on."
    )

    def value(self) -> plain.EnrollmentChange:
        """The change as the use case takes it."""
        return plain.EnrollmentChange(own_id(self.id), **given(self, "id"))


@strawberry.input(description="Enrollments to create, at most 1,000.")
class CreateEnrollmentsInput:
    """Enrollments to create."""

    enrollments: list[EnrollmentInput] = strawberry.field(description="The new enrollments.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Enrollments to change, at most 1,000.")
class UpdateEnrollmentsInput:
    """Enrollments to change."""

    enrollments: list[EnrollmentChange] = strawberry.field(description="The changes, applied in their order.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.type(description="What became of one enrollment of a write.")
class EnrollmentResult(ItemResult):
    """What became of one enrollment of a write."""

    enrollment = one_row(Enrollment, ENROLLMENTS, "row_id", "The enrollment as it is now; null when rejected.")


@strawberry.type(description="What became of the enrollments of a write.")
class EnrollmentsPayload(Payload[EnrollmentResult]):
    """What became of the enrollments of a write."""


@strawberry.type
class Query:
    """Fields of this file."""

    enrollments = root_list(
        Enrollment,
        ENROLLMENTS,
        where=EnrollmentFilter,
        order=EnrollmentOrder,
        description="Enrollments, oldest first.",
        scope=Scope.PROGRAM_READ,
    )


@strawberry.type
class Mutation:
    """Fields of this file."""

    create_enrollments = batch(
        create_enrollments,
        "enrollments",
        input=CreateEnrollmentsInput,
        payload=EnrollmentsPayload,
        result=EnrollmentResult,
        description="Enters influencers into campaigns.",
        scope=Scope.PROGRAM_WRITE,
    )

    update_enrollments = batch(
        update_enrollments,
        "enrollments",
        input=UpdateEnrollmentsInput,
        payload=EnrollmentsPayload,
        result=EnrollmentResult,
        description="Changes enrollments: only what each change mentions.",
        scope=Scope.PROGRAM_WRITE,
    )


TYPES = (Enrollment,)
