"""Commission plans, their versions and assignments, as they are read. Mutations are in commission_plan_writes.py."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from app.campaigns.queries import CAMPAIGNS, ENROLLMENTS
from app.commissions.plans.queries import PLAN_ASSIGNMENTS, PLAN_VERSIONS, PLANS
from app.core.context import Scope
from app.core.money import from_minor
from app.core.words import PlanMetric, PlanPeriod
from app.db.keyset import Condition
from graphql_schema.commission_rules import CommissionRule, PlanBonus, PlanCaps, counted, rule_of
from graphql_schema.families import one_row, root_one, shows
from graphql_schema.filters import IdFilter, StringFilter, TimeFilter, on, ordering
from graphql_schema.lists import OLDEST, nested_list, root_list
from graphql_schema.node import Node
from graphql_schema.rows import of_row
from graphql_schema.scalars import CurrencyCode

if TYPE_CHECKING:
    from graphql_schema.campaigns import Campaign
    from graphql_schema.enrollments import Enrollment

LazyCampaign = Annotated["Campaign", strawberry.lazy("graphql_schema.campaigns")]
LazyEnrollment = Annotated["Enrollment", strawberry.lazy("graphql_schema.enrollments")]


@shows(PLAN_VERSIONS, Scope.PROGRAM_READ)
@strawberry.type(
    description="What a plan says from an instant on. Never changed: at an instant the version with the latest start "
    "before it holds, of equal starts the newest."
)
class CommissionPlanVersion(Node):
    """What a plan says from an instant on."""

    version: int = strawberry.field(description="1, and one more for each.")
    effective_from: datetime = strawberry.field(description="It holds for orders placed at this instant or later.")
    currency: CurrencyCode = strawberry.field(description="Of its amounts: the tenant's.")
    period: PlanPeriod = strawberry.field(description="Over which time it counts.")
    created_at: datetime = strawberry.field(description="When it was entered.")
    plan_id: strawberry.Private[strawberry.ID]
    terms: strawberry.Private[Any]

    of = of_row()

    plan = one_row(
        Annotated["CommissionPlan", strawberry.lazy("graphql_schema.commission_plans")],
        PLANS,
        "plan_id",
        "Whose version it is.",
    )

    @strawberry.field(description="Its rules, in the order given.")
    def rules(self) -> list[CommissionRule]:
        """Its rules."""
        return [rule_of(value, self.currency) for value in self.terms["rules"]]

    @strawberry.field(description="Its bonuses, in the order given.")
    def bonuses(self) -> list[PlanBonus]:
        """Its bonuses."""
        return [
            PlanBonus(
                key=value["key"],
                metric=PlanMetric(value["metric"]),
                threshold=counted(value["threshold"], value["metric"], self.currency),
                amount=from_minor(value["amount"], self.currency),
            )
            for value in self.terms["bonuses"]
        ]

    @strawberry.field(description="Its limits.")
    def caps(self) -> PlanCaps:
        """Its limits."""
        caps = self.terms["caps"]

        def limit(name: str) -> Decimal | None:
            return from_minor(caps[name], self.currency) if name in caps else None

        return PlanCaps(
            per_order=limit("ORDER"),
            per_period=limit("PERIOD"),
            per_influencer=limit("INFLUENCER"),
            per_campaign=limit("CAMPAIGN"),
        )


@shows(PLANS, Scope.PROGRAM_READ)
@strawberry.type(description="What influencers earn, by rules; what it says is in its versions.")
class CommissionPlan(Node):
    """What influencers earn, by rules."""

    external_id: str | None = strawberry.field(description="The caller's own id of it.")
    name: str = strawberry.field(description="What it is called.")
    created_at: datetime = strawberry.field(description="When it was entered.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    row_id: strawberry.Private[strawberry.ID]

    of = of_row(row_id="id")

    versions = nested_list(
        CommissionPlanVersion,
        PLAN_VERSIONS,
        parent="plan_id",
        sort=OLDEST,
        description="What it says, and said, oldest first.",
    )

    assignments = nested_list(
        Annotated["CommissionPlanAssignment", strawberry.lazy("graphql_schema.commission_plans")],
        PLAN_ASSIGNMENTS,
        parent="plan_id",
        sort=OLDEST,
        description="Where it was assigned to, oldest first; later ones of the same place may have taken it away.",
    )


@shows(PLAN_ASSIGNMENTS, Scope.PROGRAM_READ)
@strawberry.type(
    description="From when on a plan holds for an enrollment, a campaign, or the tenant. The latest start before an "
    "order holds for it; an enrollment's plan comes before its campaign's, that before the tenant's."
)
class CommissionPlanAssignment(Node):
    """From when on a plan holds."""

    effective_from: datetime = strawberry.field(description="It holds for orders placed at this instant or later.")
    created_at: datetime = strawberry.field(description="When it was entered.")
    plan_id: strawberry.Private[strawberry.ID | None]
    campaign_id: strawberry.Private[strawberry.ID | None]
    enrollment_id: strawberry.Private[strawberry.ID | None]

    of = of_row()

    plan = one_row(CommissionPlan, PLANS, "plan_id", "The plan; null: from then on none is assigned there.")

    campaign = one_row(LazyCampaign, CAMPAIGNS, "campaign_id", "The campaign it is assigned to; null: to none.")

    enrollment = one_row(
        LazyEnrollment, ENROLLMENTS, "enrollment_id", "The enrollment it is assigned to; null: to none."
    )


@strawberry.input(description="Which plans to list. Conditions are combined by AND.")
class CommissionPlanFilter:
    """Which plans to list."""

    id: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Their ids.")
    external_id: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="The caller's own ids.")
    name: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="What they are called.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [*on("id", self.id), *on("external_id", self.external_id), *on("name", self.name)]


@strawberry.input(description="Which assignments to list. Conditions are combined by AND.")
class CommissionPlanAssignmentFilter:
    """Which assignments to list."""

    plan: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Of which plans.")
    campaign: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="To which campaigns.")
    enrollment: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="To which enrollments.")
    effective: TimeFilter | None = strawberry.field(default=strawberry.UNSET, description="From when on they hold.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *on("plan_id", self.plan),
            *on("campaign_id", self.campaign),
            *on("enrollment_id", self.enrollment),
            *on("effective_from", self.effective),
        ]


CommissionPlanOrder = ordering(
    "CommissionPlan",
    "plans",
    CREATED_AT="When they were entered.",
    NAME="What they are called, as the database collates.",
)

CommissionPlanAssignmentOrder = ordering(
    "CommissionPlanAssignment", "assignments", CREATED_AT="When they were entered."
)


@strawberry.type
class Query:
    """Fields of this file."""

    commission_plan = root_one(CommissionPlan, PLANS, scope=Scope.PROGRAM_READ)
    commission_plans = root_list(
        CommissionPlan,
        PLANS,
        where=CommissionPlanFilter,
        order=CommissionPlanOrder,
        description="Commission plans, oldest first. A key of role influencer sees none.",
        scope=Scope.PROGRAM_READ,
    )
    commission_plan_assignments = root_list(
        CommissionPlanAssignment,
        PLAN_ASSIGNMENTS,
        where=CommissionPlanAssignmentFilter,
        order=CommissionPlanAssignmentOrder,
        description="Where commission plans are assigned to, oldest first. A key of role influencer sees none.",
        scope=Scope.PROGRAM_READ,
    )


TYPES = (CommissionPlan, CommissionPlanVersion, CommissionPlanAssignment)
