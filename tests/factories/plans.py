"""Commission plans as callers make them. Builders take only what matters."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.commissions.plans.inputs import (
    AssignmentInput,
    BonusInput,
    CapsInput,
    ConditionsInput,
    PlanInput,
    RuleInput,
    TermsInput,
    TierInput,
    VersionInput,
)
from app.core.context import Ctx
from app.core.outcomes import Outcome
from app.core.words import PlanPeriod, RuleKind
from app.runtime import Runtime
from app.usecases.assign_commission_plans import assign_commission_plans
from app.usecases.create_commission_plan_versions import create_commission_plan_versions
from app.usecases.create_commission_plans import create_commission_plans
from tests.factories.orders import NOON

LONG_AGO = NOON - timedelta(days=400)


def percent(rate: str | None, key: str = "rate", *, priority: int = 0, **more: Any) -> RuleInput:
    """A share of the lines. What is not a field of rules is a condition."""
    return _rule(RuleKind.PERCENTAGE, key, priority, more, rate=None if rate is None else Decimal(rate))


def fixed(kind: RuleKind, amount: str, key: str = "fixed", *, priority: int = 0, **more: Any) -> RuleInput:
    """An amount per order or item."""
    return _rule(kind, key, priority, more, amount=Decimal(amount))


def tiers(*steps: tuple[str, str], key: str = "tiers", priority: int = 0, **more: Any) -> RuleInput:
    """Rates from so much on."""
    made = tuple(TierInput(Decimal(start), Decimal(rate)) for start, rate in steps)
    return _rule(RuleKind.TIERS, key, priority, more, tiers=made)


def bonus(threshold: str, amount: str, key: str = "bonus", **more: Any) -> BonusInput:
    """An amount at a threshold."""
    return BonusInput(key, Decimal(threshold), Decimal(amount), **more)


def caps(**amounts: str) -> CapsInput:
    """Limits by their names."""
    return CapsInput(**{name: Decimal(amount) for name, amount in amounts.items()})


def terms(*rules: RuleInput, effective_from: datetime = LONG_AGO, **more: Any) -> TermsInput:
    """What a version says; it counts by month."""
    return TermsInput(effective_from=effective_from, rules=rules, **({"period": PlanPeriod.MONTH} | more))


def _rule(kind: RuleKind, key: str, priority: int, more: dict[str, Any], **values: Any) -> RuleInput:
    own = {name: more.pop(name) for name in ("mode", "metric", "recurring") if name in more}
    asked: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in more.items()}
    when = ConditionsInput(**asked)
    return RuleInput(key=key, kind=kind, priority=priority, when=when, **values, **own)


@dataclass(frozen=True, slots=True)
class Plans:
    """Makes plans, versions and assignments of the tenant, by the use cases."""

    runtime: Runtime
    ctx: Ctx

    async def plan(self, *rules: RuleInput, **more: Any) -> UUID:
        """A plan with its first version."""
        (made,) = await create_commission_plans(self.runtime, self.ctx, [PlanInput("Plan", terms(*rules, **more))])
        assert made.outcome is Outcome.RECORDED, made
        assert made.id is not None
        return made.id

    async def version(self, plan_id: UUID, *rules: RuleInput, **more: Any) -> UUID:
        """A further version."""
        (made,) = await create_commission_plan_versions(
            self.runtime, self.ctx, [VersionInput(plan_id, terms(*rules, **more))]
        )
        assert made.outcome is Outcome.RECORDED, made
        assert made.id is not None
        return made.id

    async def assign(self, plan_id: UUID | None, *, since: datetime = LONG_AGO, **place: UUID) -> None:
        """An assignment: `campaign_id` or `enrollment_id`, or to the tenant."""
        (made,) = await assign_commission_plans(self.runtime, self.ctx, [AssignmentInput(plan_id, since, **place)])
        assert made.outcome is Outcome.RECORDED, made

    async def agreed(self, campaign_id: UUID, *rules: RuleInput, **more: Any) -> UUID:
        """A plan that is assigned to the campaign."""
        plan_id = await self.plan(*rules, **more)
        await self.assign(plan_id, campaign_id=campaign_id)
        return plan_id
