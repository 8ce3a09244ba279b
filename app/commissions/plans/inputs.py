"""What callers send about commission plans, as plain values.

Amounts are exact Decimals in major units of the tenant's currency, rates shares of 0 to 1 with at most six digits.
Thresholds are amounts where revenue is counted, whole numbers where orders are. Nothing here is checked: `checks.py`
does that.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app.core.unset import UNSET, Unset
from app.core.words import CustomerKind, PlanMetric, PlanPeriod, RuleKind, TierMode


@dataclass(frozen=True, slots=True)
class ConditionsInput:
    """What a rule asks; what is empty asks nothing. products: SKUs."""

    products: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    customer_kind: CustomerKind | None = None


@dataclass(frozen=True, slots=True)
class RecurringInput:
    """How long a rule holds for a customer; at least one of the two."""

    orders_max: int | None = None
    months_max: int | None = None


@dataclass(frozen=True, slots=True)
class TierInput:
    """A rate from so much on."""

    start: Decimal
    rate: Decimal


@dataclass(frozen=True, slots=True)
class RuleInput:
    """A rule. Which of rate, amount and tiers it has, its kind says."""

    key: str
    kind: RuleKind
    priority: int = 0
    rate: Decimal | None = None
    amount: Decimal | None = None
    tiers: tuple[TierInput, ...] = ()
    mode: TierMode = TierMode.MARGINAL
    metric: PlanMetric = PlanMetric.REVENUE
    when: ConditionsInput = ConditionsInput()
    recurring: RecurringInput | None = None


@dataclass(frozen=True, slots=True)
class BonusInput:
    """A bonus at a threshold."""

    key: str
    threshold: Decimal
    amount: Decimal
    metric: PlanMetric = PlanMetric.REVENUE


@dataclass(frozen=True, slots=True)
class CapsInput:
    """Limits of what the plan gives; None: none."""

    per_order: Decimal | None = None
    per_period: Decimal | None = None
    per_influencer: Decimal | None = None
    per_campaign: Decimal | None = None


@dataclass(frozen=True, slots=True)
class TermsInput:
    """What a version says."""

    effective_from: datetime
    rules: tuple[RuleInput, ...]
    period: PlanPeriod = PlanPeriod.MONTH
    bonuses: tuple[BonusInput, ...] = ()
    caps: CapsInput = field(default_factory=CapsInput)


@dataclass(frozen=True, slots=True)
class PlanInput:
    """A new plan and its first version. external_id: the caller's own; without one each is another plan."""

    name: str
    terms: TermsInput
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class PlanChange:
    """What changes of a plan: what it is called."""

    id: UUID
    name: str | Unset | None = UNSET


@dataclass(frozen=True, slots=True)
class VersionInput:
    """A further version of a plan."""

    plan_id: UUID
    terms: TermsInput


@dataclass(frozen=True, slots=True)
class AssignmentInput:
    """From when on a plan holds for an enrollment, a campaign or (neither) the tenant. plan_id: None takes it away."""

    plan_id: UUID | None
    effective_from: datetime
    campaign_id: UUID | None = None
    enrollment_id: UUID | None = None
