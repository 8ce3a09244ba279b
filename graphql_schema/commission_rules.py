"""Rules of commission plans, as they are shown: of a plan's version, and of a commission that they gave."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

import strawberry

from app.core import words
from app.core.money import WEIGHT_ONE, from_minor
from app.core.words import CustomerKind, PlanMetric, PlanPeriod, RuleKind, TierMode
from graphql_schema.scalars import CurrencyCode
from graphql_schema.words import vocabulary

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
    rules = [rule_of(value, currency) for value in terms["rules"] if value["key"] in keys]
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
            threshold=counted(bonus["threshold"], bonus["metric"], currency),
            currency=CurrencyCode(currency),
            period=period,
            tiers=[],
            mode=None,
            metric=PlanMetric(bonus["metric"]),
        )
        for bonus in terms["bonuses"]
        if bonus["key"] in keys
    ]


def rule_of(value: Mapping[str, Any], currency: str) -> CommissionRule:
    """A stored rule as it is shown. currency: of its amounts."""
    when, recurring = value["when"], value["recurring"]
    is_tiers = value["kind"] == RuleKind.TIERS
    return CommissionRule(
        key=value["key"],
        kind=RuleKind(value["kind"]),
        priority=value["priority"],
        rate=None if value["rate"] is None else Decimal(value["rate"]).scaleb(-6),
        amount=None if value["amount"] is None else from_minor(value["amount"], currency),
        tiers=[
            RuleTier(from_=counted(start, value["metric"], currency), rate=Decimal(rate).scaleb(-6))
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


def counted(value: int, metric: str, currency: str) -> Decimal:
    """A threshold as it is shown: major units where revenue is counted, else orders."""
    return from_minor(value, currency) if metric == PlanMetric.REVENUE else Decimal(value // WEIGHT_ONE)
