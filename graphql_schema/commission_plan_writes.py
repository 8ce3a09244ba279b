"""Mutations of commission plans."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry

from app.commissions.plans import inputs as plain
from app.commissions.plans.queries import PLAN_ASSIGNMENTS, PLAN_VERSIONS, PLANS
from app.core.context import Scope
from app.core.words import CustomerKind, PlanMetric, PlanPeriod, RuleKind, TierMode
from app.usecases.assign_commission_plans import assign_commission_plans
from app.usecases.create_commission_plan_versions import create_commission_plan_versions
from app.usecases.create_commission_plans import create_commission_plans
from app.usecases.update_commission_plans import update_commission_plans
from graphql_schema.commission_plans import CommissionPlan, CommissionPlanAssignment, CommissionPlanVersion
from graphql_schema.families import one_row
from graphql_schema.writes import IDEMPOTENCY_KEY, NO_ROW, ItemResult, Payload, batch, given, id_named, own_id, present


def _listed(item: Any, name: str) -> tuple[Any, ...]:
    value = getattr(item, name)
    return tuple(value) if value and value is not strawberry.UNSET else ()


@strawberry.input(
    description="What a rule asks of a line and its order. What is empty asks nothing; else one must fit."
)
class RuleConditionsInput:
    """What a rule asks."""

    products: list[str] | None = strawberry.field(default=strawberry.UNSET, description="SKUs; need not be known yet.")
    categories: list[str] | None = strawberry.field(default=strawberry.UNSET, description="Categories of products.")
    countries: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Of the order, ISO 3166-1 alpha-2."
    )
    codes: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Of the credited touch, in upper or lower case: a rate of their own."
    )
    customer_kind: CustomerKind | None = strawberry.field(
        default=strawberry.UNSET,
        description="Whether it is the customer's first order, of those recorded by then. An order without a customer "
        "is neither.",
    )

    def value(self) -> plain.ConditionsInput:
        """The conditions as the use case takes them."""
        lists: dict[str, Any] = {name: _listed(self, name) for name in ("products", "categories", "countries", "codes")}
        return plain.ConditionsInput(**lists, **present(self, *lists))


@strawberry.input(
    description="How long a rule holds for a customer, by their orders that are credited to the influencer; of both "
    "the earlier end. It does not fit orders without a customer."
)
class RuleRecurringInput:
    """How long a rule holds for a customer."""

    orders_max: int | None = strawberry.field(
        default=strawberry.UNSET, description="So many orders, the first included."
    )
    months_max: int | None = strawberry.field(
        default=strawberry.UNSET, description="So many months from the first order on, at most 1,200."
    )

    def value(self) -> plain.RecurringInput:
        """The bounds as the use case takes them."""
        return plain.RecurringInput(**present(self))


@strawberry.input(description="A rate from so much on.")
class RuleTierInput:
    """A rate from so much on."""

    from_: Decimal = strawberry.field(name="from", description="Major units of the tenant's currency, or orders.")
    rate: Decimal = strawberry.field(description="Share, 0 to 1, six digits.")

    def value(self) -> plain.TierInput:
        """The tier as the use case takes it."""
        return plain.TierInput(self.from_, self.rate)


@strawberry.input(description="How lines that fit become money. Each line is decided by one rule.")
class CommissionRuleInput:
    """How lines that fit become money."""

    key: str = strawberry.field(
        description="Its name within the plan: 1 to 40 letters, digits, hyphens and underscores. Tiers count under it "
        "over all versions."
    )
    kind: RuleKind = strawberry.field(description="How it counts.")
    priority: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="Of the rules that fit a line the highest decides, of equal ones the first; 0 when not given.",
    )
    rate: Decimal | None = strawberry.field(
        default=strawberry.UNSET,
        description="Of PERCENTAGE: share, 0 to 1, six digits; without it the enrollment's own, else the campaign's.",
    )
    amount: Decimal | None = strawberry.field(
        default=strawberry.UNSET,
        description="Of PER_ORDER and PER_ITEM: major units of the tenant's currency, converted at the day's rate.",
    )
    tiers: list[RuleTierInput] | None = strawberry.field(
        default=strawberry.UNSET, description="Of TIERS: lowest first, the first from 0."
    )
    mode: TierMode | None = strawberry.field(
        default=strawberry.UNSET, description="Of TIERS; MARGINAL when not given. A rate of WHOLE_VOLUME never falls."
    )
    metric: PlanMetric | None = strawberry.field(
        default=strawberry.UNSET, description="Of TIERS: what is counted; REVENUE when not given."
    )
    when: RuleConditionsInput | None = strawberry.field(
        default=strawberry.UNSET, description="What it asks; nothing when not given."
    )
    recurring: RuleRecurringInput | None = strawberry.field(
        default=strawberry.UNSET, description="How long it holds for a customer; always when not given."
    )

    def value(self) -> plain.RuleInput:
        """The rule as the use case takes it."""
        return plain.RuleInput(
            tiers=tuple(tier.value() for tier in _listed(self, "tiers")),
            when=self.when.value() if self.when else plain.ConditionsInput(),
            recurring=self.recurring.value() if self.recurring else None,
            **present(self, "tiers", "when", "recurring"),
        )


@strawberry.input(description="An amount, once a period, when all that the plan rated reaches a threshold.")
class PlanBonusInput:
    """An amount at a threshold."""

    key: str = strawberry.field(description="Its name within the plan, as a rule's.")
    threshold: Decimal = strawberry.field(description="Major units of the tenant's currency, or orders.")
    amount: Decimal = strawberry.field(description="Major units of the tenant's currency.")
    metric: PlanMetric | None = strawberry.field(
        default=strawberry.UNSET, description="What is counted; REVENUE when not given."
    )

    def value(self) -> plain.BonusInput:
        """The bonus as the use case takes it."""
        return plain.BonusInput(**present(self))


@strawberry.input(description="Limits of what a plan gives, major units of the tenant's currency; without one none.")
class PlanCapsInput:
    """Limits of what a plan gives."""

    per_order: Decimal | None = strawberry.field(
        default=strawberry.UNSET, description="For an order's lines, of one influencer."
    )
    per_period: Decimal | None = strawberry.field(
        default=strawberry.UNSET, description="To an influencer in a period, bonuses included."
    )
    per_influencer: Decimal | None = strawberry.field(
        default=strawberry.UNSET, description="To an influencer, bonuses included."
    )
    per_campaign: Decimal | None = strawberry.field(
        default=strawberry.UNSET, description="In a campaign, to everybody: its budget."
    )

    def value(self) -> plain.CapsInput:
        """The limits as the use case takes them."""
        return plain.CapsInput(**present(self))


@strawberry.input(description="What a version of a plan says.")
class PlanTermsInput:
    """What a version says."""

    effective_from: datetime = strawberry.field(
        description="It holds for orders placed at this instant or later. One dated back changes no booked order: that "
        "does `recomputeCommissions`."
    )
    rules: list[CommissionRuleInput] = strawberry.field(description="At most 100. A line that none fits earns nothing.")
    period: PlanPeriod | None = strawberry.field(
        default=strawberry.UNSET, description="Over which time it counts; MONTH when not given."
    )
    bonuses: list[PlanBonusInput] | None = strawberry.field(default=strawberry.UNSET, description="At most 100.")
    caps: PlanCapsInput | None = strawberry.field(default=strawberry.UNSET, description="Its limits.")

    def value(self) -> plain.TermsInput:
        """The terms as the use case takes them."""
        return plain.TermsInput(
            rules=tuple(rule.value() for rule in self.rules),
            bonuses=tuple(bonus.value() for bonus in _listed(self, "bonuses")),
            caps=self.caps.value() if self.caps else plain.CapsInput(),
            **present(self, "rules", "bonuses", "caps"),
        )


@strawberry.input(description="A new plan with its first version.")
class CommissionPlanInput:
    """A new plan with its first version."""

    name: str = strawberry.field(description="What it is called.")
    terms: PlanTermsInput = strawberry.field(description="What its first version says.")
    external_id: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The caller's own id, which makes a repetition a replay; without one each is another plan.",
    )

    def value(self) -> plain.PlanInput:
        """The plan as the use case takes it."""
        return plain.PlanInput(terms=self.terms.value(), **present(self, "terms"))


@strawberry.input(description="What changes of a plan: what it is called. What it says is in its versions.")
class CommissionPlanChange:
    """What changes of a plan."""

    id: strawberry.ID = strawberry.field(description="Which plan.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="What it is called; cannot be null.")

    def value(self) -> plain.PlanChange:
        """The change as the use case takes it."""
        return plain.PlanChange(own_id(self.id), **given(self, "id"))


@strawberry.input(description="A further version of a plan.")
class CommissionPlanVersionInput:
    """A further version of a plan."""

    plan_id: strawberry.ID = strawberry.field(description="The plan.")
    terms: PlanTermsInput = strawberry.field(description="What it says.")

    def value(self) -> plain.VersionInput:
        """The version as the use case takes it."""
        return plain.VersionInput(id_named(self.plan_id) or NO_ROW, self.terms.value())


@strawberry.input(description="From when on a plan holds for an enrollment, a campaign or, without either, the tenant.")
class CommissionPlanAssignmentInput:
    """From when on a plan holds."""

    effective_from: datetime = strawberry.field(description="It holds for orders placed at this instant or later.")
    plan_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The plan; without one none is assigned there from then on."
    )
    campaign_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="To this campaign.")
    enrollment_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="To this enrollment.")

    def value(self) -> plain.AssignmentInput:
        """The assignment as the use case takes it."""
        return plain.AssignmentInput(
            plan_id=id_named(self.plan_id),
            effective_from=self.effective_from,
            campaign_id=id_named(self.campaign_id),
            enrollment_id=id_named(self.enrollment_id),
        )


@strawberry.input(description="Plans to create, at most 1,000.")
class CreateCommissionPlansInput:
    """Plans to create."""

    commission_plans: list[CommissionPlanInput] = strawberry.field(description="The new plans.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Plans to change, at most 1,000.")
class UpdateCommissionPlansInput:
    """Plans to change."""

    commission_plans: list[CommissionPlanChange] = strawberry.field(description="The changes, applied in their order.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Versions to add, at most 1,000.")
class CreateCommissionPlanVersionsInput:
    """Versions to add."""

    versions: list[CommissionPlanVersionInput] = strawberry.field(description="The new versions.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Assignments to make, at most 1,000.")
class AssignCommissionPlansInput:
    """Assignments to make."""

    assignments: list[CommissionPlanAssignmentInput] = strawberry.field(
        description="The assignments; of several for one place and instant the last one holds."
    )
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.type(description="What became of one plan of a write.")
class CommissionPlanResult(ItemResult):
    """What became of one plan of a write."""

    plan = one_row(CommissionPlan, PLANS, "row_id", "The plan; null when rejected.")


@strawberry.type(description="What became of one version of a write.")
class CommissionPlanVersionResult(ItemResult):
    """What became of one version of a write."""

    version = one_row(CommissionPlanVersion, PLAN_VERSIONS, "row_id", "The version; null when rejected.")


@strawberry.type(description="What became of one assignment of a write.")
class CommissionPlanAssignmentResult(ItemResult):
    """What became of one assignment of a write."""

    assignment = one_row(
        CommissionPlanAssignment, PLAN_ASSIGNMENTS, "row_id", "The assignment; null when rejected or replayed."
    )


@strawberry.type(description="What became of the plans of a write.")
class CommissionPlansPayload(Payload[CommissionPlanResult]):
    """What became of the plans of a write."""


@strawberry.type(description="What became of the versions of a write.")
class CommissionPlanVersionsPayload(Payload[CommissionPlanVersionResult]):
    """What became of the versions of a write."""


@strawberry.type(description="What became of the assignments of a write.")
class AssignCommissionPlansPayload(Payload[CommissionPlanAssignmentResult]):
    """What became of the assignments of a write."""


@strawberry.type
class Mutation:
    """Fields of this file."""

    create_commission_plans = batch(
        create_commission_plans,
        "commission_plans",
        input=CreateCommissionPlansInput,
        payload=CommissionPlansPayload,
        result=CommissionPlanResult,
        description="Creates commission plans, each with its first version. They earn nothing until they are assigned.",
        scope=Scope.PROGRAM_WRITE,
    )

    update_commission_plans = batch(
        update_commission_plans,
        "commission_plans",
        input=UpdateCommissionPlansInput,
        payload=CommissionPlansPayload,
        result=CommissionPlanResult,
        description="Renames commission plans.",
        scope=Scope.PROGRAM_WRITE,
    )

    create_commission_plan_versions = batch(
        create_commission_plan_versions,
        "versions",
        input=CreateCommissionPlanVersionsInput,
        payload=CommissionPlanVersionsPayload,
        result=CommissionPlanVersionResult,
        description="Adds versions to commission plans. Booked orders keep the version that rated them.",
        scope=Scope.PROGRAM_WRITE,
    )

    assign_commission_plans = batch(
        assign_commission_plans,
        "assignments",
        input=AssignCommissionPlansInput,
        payload=AssignCommissionPlansPayload,
        result=CommissionPlanAssignmentResult,
        description="Assigns commission plans. Booked orders keep the terms that rated them.",
        scope=Scope.PROGRAM_WRITE,
    )
