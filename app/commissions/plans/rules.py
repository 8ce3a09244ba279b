"""A plan's version as typed data: rules, bonuses, caps. Stored as JSON (`to_json`), read back by `version_of`. Pure.

Amounts are in minor units of the tenant's currency, rates in 1e-6, counts of orders in 1e-9, as credits are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from app.commissions.accrue import rate_millionths
from app.core.money import WEIGHT_ONE
from app.core.words import CustomerKind, PlanCap, PlanMetric, PlanPeriod, RuleKind, TierMode


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a rule asks of a line and its order; empty asks nothing, and of several values one must hold.

    codes: of the credited touch, in upper case. customer_kind: an order without a customer has none.
    """

    products: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    customer_kind: CustomerKind | None = None

    @property
    def by_product(self) -> bool:
        """Whether lines of one order may differ."""
        return bool(self.products or self.categories)


@dataclass(frozen=True, slots=True)
class Recurring:
    """How long a rule holds for a customer: for so many of their orders, or months since the first, that are credited
    to the influencer. None: without end."""

    orders_max: int | None = None
    months_max: int | None = None


@dataclass(frozen=True, slots=True)
class Tier:
    """A rate (1e-6) from so much on: minor units, or orders in 1e-9."""

    start: int
    rate: int


@dataclass(frozen=True, slots=True)
class Rule:
    """How lines that fit become money. key: its name within the plan, under which tiers count over all versions.

    rate: of PERCENTAGE; None: the enrollment's, else the campaign's. amount: of PER_ORDER and PER_ITEM. tiers, mode,
    metric: of TIERS; the first tier starts at 0.
    """

    key: str
    kind: RuleKind
    priority: int = 0
    rate: int | None = None
    amount: int | None = None
    tiers: tuple[Tier, ...] = ()
    mode: TierMode = TierMode.MARGINAL
    metric: PlanMetric = PlanMetric.REVENUE
    when: Conditions = Conditions()
    recurring: Recurring | None = None

    @property
    def needs_exchange_rate(self) -> bool:
        """Whether it knows nothing of an order whose amount in the tenant's currency is unknown."""
        return self.kind in (RuleKind.PER_ORDER, RuleKind.PER_ITEM) or (
            self.kind is RuleKind.TIERS and (self.metric is PlanMetric.REVENUE or self.mode is TierMode.WHOLE_VOLUME)
        )


@dataclass(frozen=True, slots=True)
class Bonus:
    """An amount, once a period, when all that the plan rated reaches the threshold (minor units, or orders in 1e-9)."""

    key: str
    metric: PlanMetric
    threshold: int
    amount: int


@dataclass(frozen=True)
class Version:
    """What a plan says from an instant on. rules: as they are tried, the highest priority first, else as given."""

    id: UUID
    plan_id: UUID
    number: int
    effective_from: datetime
    period: PlanPeriod
    rules: tuple[Rule, ...]
    bonuses: tuple[Bonus, ...] = ()
    caps: Mapping[PlanCap, int] = field(default_factory=dict)

    @cached_property
    def counts(self) -> bool:
        """Whether what was counted before decides anything, so that ratings come one after the other."""
        counted = any(rule.kind is RuleKind.TIERS for rule in self.rules) or bool(self.bonuses)
        return counted or bool(self.caps.keys() - {PlanCap.ORDER})

    @cached_property
    def looks_at_products(self) -> bool:
        """Whether products' ids or categories matter."""
        return any(rule.when.by_product for rule in self.rules)

    @cached_property
    def looks_at_customers(self) -> bool:
        """Whether it matters which order of its customer an order is."""
        return any(rule.when.customer_kind is not None or rule.recurring is not None for rule in self.rules)


def terms_json(rules: tuple[Rule, ...], bonuses: tuple[Bonus, ...], caps: Mapping[PlanCap, int]) -> dict[str, Any]:
    """The rules as they are stored, in the order given."""
    return {
        "rules": [_rule_json(rule) for rule in rules],
        "bonuses": [
            {
                "key": bonus.key,
                "metric": bonus.metric.value,
                "threshold": bonus.threshold,
                "amount": bonus.amount,
            }
            for bonus in bonuses
        ],
        "caps": {cap.value: amount for cap, amount in sorted(caps.items())},
    }


def version_of(row: Any) -> Version:
    """The version that a row of commission_plan_versions holds."""
    terms = row["terms"]
    return made_version(
        id=row["id"],
        plan_id=row["plan_id"],
        number=row["version"],
        effective_from=row["effective_from"],
        period=PlanPeriod(row["period"]),
        terms=terms,
    )


def made_version(
    *, id: UUID, plan_id: UUID, number: int, effective_from: datetime, period: PlanPeriod, terms: Mapping[str, Any]
) -> Version:
    """The version with these stored terms."""
    # Stable: of equal priority the rule given first is tried first.
    rules = sorted((_rule(value) for value in terms["rules"]), key=lambda rule: -rule.priority)
    return Version(
        id=id,
        plan_id=plan_id,
        number=number,
        effective_from=effective_from,
        period=period,
        rules=tuple(rules),
        bonuses=tuple(
            Bonus(value["key"], PlanMetric(value["metric"]), value["threshold"], value["amount"])
            for value in terms["bonuses"]
        ),
        caps={PlanCap(cap): amount for cap, amount in terms["caps"].items()},
    )


def orders_e9(orders: int) -> int:
    """So many whole orders, as they are counted."""
    return orders * WEIGHT_ONE


def shown_rate(millionths: int) -> Decimal:
    """The rate as a share with six digits."""
    return Decimal(millionths).scaleb(-6)


def stored_rate(rate: Decimal) -> int:
    """The share in 1e-6."""
    return rate_millionths(rate)


def _rule_json(rule: Rule) -> dict[str, Any]:
    when = rule.when
    return {
        "key": rule.key,
        "kind": rule.kind.value,
        "priority": rule.priority,
        "rate": rule.rate,
        "amount": rule.amount,
        "tiers": [[tier.start, tier.rate] for tier in rule.tiers],
        "mode": rule.mode.value,
        "metric": rule.metric.value,
        "when": {
            "products": sorted(when.products),
            "categories": sorted(when.categories),
            "countries": sorted(when.countries),
            "codes": sorted(when.codes),
            "customerKind": None if when.customer_kind is None else when.customer_kind.value,
        },
        "recurring": None
        if rule.recurring is None
        else {"ordersMax": rule.recurring.orders_max, "monthsMax": rule.recurring.months_max},
    }


def _rule(value: Mapping[str, Any]) -> Rule:
    when, recurring = value["when"], value["recurring"]
    return Rule(
        key=value["key"],
        kind=RuleKind(value["kind"]),
        priority=value["priority"],
        rate=value["rate"],
        amount=value["amount"],
        tiers=tuple(Tier(start, rate) for start, rate in value["tiers"]),
        mode=TierMode(value["mode"]),
        metric=PlanMetric(value["metric"]),
        when=Conditions(
            products=frozenset(when["products"]),
            categories=frozenset(when["categories"]),
            countries=frozenset(when["countries"]),
            codes=frozenset(when["codes"]),
            customer_kind=None if when["customerKind"] is None else CustomerKind(when["customerKind"]),
        ),
        recurring=None if recurring is None else Recurring(recurring["ordersMax"], recurring["monthsMax"]),
    )
