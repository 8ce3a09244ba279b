"""Commission plans, their versions and assignments, as they are read. Mutations are in commission_plan_writes.py."""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from app.campaigns.queries import CAMPAIGNS, ENROLLMENTS
from app.commissions.plans.queries import PLAN_ASSIGNMENTS, PLAN_VERSIONS, PLANS
from app.core import words
from app.core.context import Scope
from app.core.money import WEIGHT_ONE, from_minor
from app.core.words import CustomerKind, PlanMetric, PlanPeriod, RuleKind, TierMode
from app.db.keyset import Condition
from graphql_schema.families import one_row, root_one, shows
from graphql_schema.filters import IdFilter, StringFilter, TimeFilter, on, ordering
from graphql_schema.lists import OLDEST, nested_list, root_list
from graphql_schema.node import Node
from graphql_schema.rows import of_row
from graphql_schema.scalars import CurrencyCode
from graphql_schema.words import vocabulary

if TYPE_CHECKING:
    from graphql_schema.campaigns import Campaign
    from graphql_schema.enrollments import Enrollment

LazyCampaign = Annotated["Campaign", strawberry.lazy("graphql_schema.campaigns")]
LazyEnrollment = Annotated["Enrollment", strawberry.lazy("graphql_schema.enrollments")]

vocabulary(
    words.RuleKind,
    "How a rule turns lines into money.",
    PERCENTAGE="A share of the lines' amount.",
    PER_ORDER="An amount, once for all lines of the order that it decides.",
    PER_ITEM="An amount for each unit.",
    TIERS="A share that depends on what was sold before in the period.",
)
vocabulary(
    words.TierMode,
    "What a tier's rate is for.",
    MARGINAL="The volume inside the tier.",
    WHOLE_VOLUME="All of the period's volume, once the tier is reached: what it adds for earlier orders is a BONUS.",
)
vocabulary(
    words.PlanMetric,
    "What tiers and bonuses count.",
    REVENUE="Revenue after discounts, by credit, in the tenant's currency.",
    ORDERS="Orders, by credit.",
)
vocabulary(
    words.PlanPeriod,
    "Over which time a version's tiers, bonuses and cap per period count, by the tenant's calendar.",
    MONTH="Calendar months.",
    QUARTER="Calendar quarters.",
    YEAR="Calendar years.",
    ALL_TIME="For ever.",
)
vocabulary(
    words.PlanCap,
    "Which limit of a plan cut what an order earned.",
    ORDER="Per order.",
    PERIOD="Per influencer and period.",
    INFLUENCER="Per influencer.",
    CAMPAIGN="The campaign's budget.",
)


@strawberry.type(description="What a rule asks of a line and its order. What is empty asks nothing; else one must fit.")
class RuleConditions:
    """What a rule asks."""

    products: list[str] = strawberry.field(description="SKUs.")
    categories: list[str] = strawberry.field(description="Categories of products.")
    countries: list[str] = strawberry.field(description="Of the order.")
    codes: list[str] = strawberry.field(description="Of the credited touch, in upper case.")
    customer_kind: CustomerKind | None = strawberry.field(description="Of the order; null: any.")


@strawberry.type(
    description="How long a rule holds for a customer, by their orders that are credited to the influencer."
)
class RuleRecurring:
    """How long a rule holds for a customer."""

    orders_max: int | None = strawberry.field(description="So many orders; null: any number.")
    months_max: int | None = strawberry.field(description="So many months from the first on; null: without end.")


@strawberry.type(description="A rate from so much on.")
class RuleTier:
    """A rate from so much on."""

    from_: Decimal = strawberry.field(name="from", description="Major units of the plan's currency, or orders.")
    rate: Decimal = strawberry.field(description="Share, 0 to 1.")


@strawberry.type(description="How lines that fit become money.")
class CommissionRule:
    """How lines that fit become money."""

    key: str = strawberry.field(description="Its name within the plan; tiers count under it over all versions.")
    kind: RuleKind = strawberry.field(description="How it counts.")
    priority: int = strawberry.field(description="Of the rules that fit a line the highest decides, else the first.")
    rate: Decimal | None = strawberry.field(
        description="Of PERCENTAGE: share, 0 to 1; null: the enrollment's own, else the campaign's."
    )
    amount: Decimal | None = strawberry.field(description="Of PER_ORDER and PER_ITEM: major units.")
    tiers: list[RuleTier] = strawberry.field(description="Of TIERS, lowest first.")
    mode: TierMode | None = strawberry.field(description="Of TIERS.")
    metric: PlanMetric | None = strawberry.field(description="Of TIERS.")
    when: RuleConditions = strawberry.field(description="What it asks.")
    recurring: RuleRecurring | None = strawberry.field(description="How long it holds for a customer; null: always.")


@strawberry.type(description="An amount, once a period, when all that the plan rated reaches a threshold.")
class PlanBonus:
    """An amount at a threshold."""

    key: str = strawberry.field(description="Its name within the plan.")
    metric: PlanMetric = strawberry.field(description="What is counted.")
    threshold: Decimal = strawberry.field(description="Major units of the plan's currency, or orders.")
    amount: Decimal = strawberry.field(description="Major units.")


@strawberry.type(description="Limits of what a plan gives, in the plan's currency; null: none.")
class PlanCaps:
    """Limits of what a plan gives."""

    per_order: Decimal | None = strawberry.field(description="For an order's lines, of one influencer.")
    per_period: Decimal | None = strawberry.field(description="To an influencer in a period, bonuses included.")
    per_influencer: Decimal | None = strawberry.field(description="To an influencer, bonuses included.")
    per_campaign: Decimal | None = strawberry.field(description="In a campaign, to everybody: its budget.")


@strawberry.type(
    description="A rule, or a bonus, that gave some of a commission: how it counts, without what it asks of orders."
)
class AppliedRule:
    """A rule, or a bonus, that gave some of a commission."""

    key: str = strawberry.field(description="As in the commission's lines.")
    version: int = strawberry.field(description="Of the plan: the version that it is of.")
    kind: RuleKind | None = strawberry.field(description="How it counts; null of a bonus.")
    rate: Decimal | None = strawberry.field(
        description="Of PERCENTAGE: share, 0 to 1; null: the enrollment's own, else the campaign's."
    )
    amount: Decimal | None = strawberry.field(description="Of PER_ORDER, PER_ITEM and bonuses: major units.")
    threshold: Decimal | None = strawberry.field(description="Of a bonus: major units, or orders.")
    currency: CurrencyCode = strawberry.field(description="Of its amounts: the tenant's.")
    period: PlanPeriod = strawberry.field(description="Over which time tiers and bonuses count.")
    tiers: list[RuleTier] = strawberry.field(description="Of TIERS, lowest first.")
    mode: TierMode | None = strawberry.field(description="Of TIERS.")
    metric: PlanMetric | None = strawberry.field(description="Of TIERS and bonuses: what is counted.")


def applied_rules(version: Any, keys: Collection[str]) -> list[AppliedRule]:
    """Those of a version's rules and bonuses that have these keys, in the order given. version: of APPLIED_VERSIONS."""
    terms, currency, period = version["terms"], version["currency"], PlanPeriod(version["period"])
    rules = [_rule(value, currency) for value in terms["rules"] if value["key"] in keys]
    return [
        AppliedRule(
            key=rule.key,
            version=version["version"],
            kind=rule.kind,
            rate=rule.rate,
            amount=rule.amount,
            threshold=None,
            currency=CurrencyCode(currency),
            period=period,
            tiers=rule.tiers,
            mode=rule.mode,
            metric=rule.metric,
        )
        for rule in rules
    ] + [
        AppliedRule(
            key=bonus["key"],
            version=version["version"],
            kind=None,
            rate=None,
            amount=from_minor(bonus["amount"], currency),
            threshold=_counted(bonus["threshold"], bonus["metric"], currency),
            currency=CurrencyCode(currency),
            period=period,
            tiers=[],
            mode=None,
            metric=PlanMetric(bonus["metric"]),
        )
        for bonus in terms["bonuses"]
        if bonus["key"] in keys
    ]


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
    plan_id: strawberry.Private[UUID]
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
        return [_rule(value, self.currency) for value in self.terms["rules"]]

    @strawberry.field(description="Its bonuses, in the order given.")
    def bonuses(self) -> list[PlanBonus]:
        """Its bonuses."""
        return [
            PlanBonus(
                key=value["key"],
                metric=PlanMetric(value["metric"]),
                threshold=_counted(value["threshold"], value["metric"], self.currency),
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
    row_id: strawberry.Private[UUID]

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
    plan_id: strawberry.Private[UUID | None]
    campaign_id: strawberry.Private[UUID | None]
    enrollment_id: strawberry.Private[UUID | None]

    of = of_row()

    plan = one_row(CommissionPlan, PLANS, "plan_id", "The plan; null: from then on none is assigned there.")

    campaign = one_row(LazyCampaign, CAMPAIGNS, "campaign_id", "The campaign it is assigned to; null: to none.")

    enrollment = one_row(
        LazyEnrollment, ENROLLMENTS, "enrollment_id", "The enrollment it is assigned to; null: to none."
    )


def _rule(value: Mapping[str, Any], currency: str) -> CommissionRule:
    when, recurring = value["when"], value["recurring"]
    is_tiers = value["kind"] == RuleKind.TIERS
    return CommissionRule(
        key=value["key"],
        kind=RuleKind(value["kind"]),
        priority=value["priority"],
        rate=None if value["rate"] is None else Decimal(value["rate"]).scaleb(-6),
        amount=None if value["amount"] is None else from_minor(value["amount"], currency),
        tiers=[
            RuleTier(from_=_counted(start, value["metric"], currency), rate=Decimal(rate).scaleb(-6))
            for start, rate in value["tiers"]
        ],
        mode=TierMode(value["mode"]) if is_tiers else None,
        metric=PlanMetric(value["metric"]) if is_tiers else None,
        when=RuleConditions(
            products=when["products"],
            categories=when["categories"],
            countries=when["countries"],
            codes=when["codes"],
            customer_kind=None if when["customerKind"] is None else CustomerKind(when["customerKind"]),
        ),
        recurring=None
        if recurring is None
        else RuleRecurring(orders_max=recurring["ordersMax"], months_max=recurring["monthsMax"]),
    )


def _counted(value: int, metric: str, currency: str) -> Decimal:
    return from_minor(value, currency) if metric == PlanMetric.REVENUE else Decimal(value // WEIGHT_ONE)


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
