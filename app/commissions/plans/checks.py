"""What the terms of a plan may be. Pure: inputs in, stored terms out, or a DomainError with the path of the mistake."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from app.commissions.plans.inputs import BonusInput, CapsInput, ConditionsInput, RecurringInput, RuleInput, TermsInput
from app.commissions.plans.rules import (
    Bonus,
    Conditions,
    Recurring,
    Rule,
    Tier,
    orders_e9,
    stored_rate,
    terms_json,
)
from app.core.money import to_minor
from app.core.texts import EARLIEST, checked_code, checked_country, checked_external_id
from app.core.words import PlanCap, PlanMetric, RuleKind, TierMode
from app.errors import DomainError

RULES_MAX = 100
"""Rules of a version, and as many bonuses; tiers of a rule."""

VALUES_MAX = 1_000
"""Values of one condition."""

AMOUNT_MAX = 10**8
"""Minor units of a rule's amount: of a line of many units it stays an amount that can be kept."""

COUNT_MAX = 10**6
"""Orders, or months, that a rule names; and its priority, either way."""

_KEY = re.compile(r"[A-Za-z0-9_-]{1,40}")


def checked_terms(terms: TermsInput, currency: str) -> dict[str, Any]:
    """The terms as they are stored, amounts in minor units of the currency. Raises DomainError at the first mistake."""
    if not 0 < len(terms.rules) <= RULES_MAX:
        raise _wrong(f"`rules` holds {len(terms.rules)}; a version has 1 to {RULES_MAX}.", "rules")
    if len(terms.bonuses) > RULES_MAX:
        raise _wrong(f"`bonuses` holds {len(terms.bonuses)}; at most {RULES_MAX} fit a version.", "bonuses")
    keys: set[str] = set()
    rules: list[Rule] = []
    for index, rule in enumerate(terms.rules):
        with _at("rules", index):
            rules.append(_rule(rule, currency, keys))
    bonuses: list[Bonus] = []
    for index, bonus in enumerate(terms.bonuses):
        with _at("bonuses", index):
            bonuses.append(_bonus(bonus, currency, keys))
    with _at("caps"):
        caps = _caps(terms.caps, currency)
    return terms_json(tuple(rules), tuple(bonuses), caps)


def checked_start(at: datetime) -> datetime:
    """The instant in UTC. Raises BAD_USER_INPUT before the earliest order there can be."""
    instant = at.astimezone(UTC)
    if instant < EARLIEST:
        raise _wrong(f"`effectiveFrom` lies before {EARLIEST.date()}.", "effectiveFrom")
    return instant


def _rule(rule: RuleInput, currency: str, keys: set[str]) -> Rule:
    key = _key(rule.key, keys)
    if abs(rule.priority) > COUNT_MAX:
        raise _wrong(f"`priority` lies beyond {COUNT_MAX}.", "priority")
    is_amount = rule.kind in (RuleKind.PER_ORDER, RuleKind.PER_ITEM)
    for name, is_given, fits in (
        ("rate", rule.rate is not None, rule.kind is RuleKind.PERCENTAGE),
        ("amount", rule.amount is not None, is_amount),
        ("tiers", bool(rule.tiers), rule.kind is RuleKind.TIERS),
    ):
        if is_given and not fits:
            raise _wrong(f"A rule of kind {rule.kind.value} has no `{name}`.", name)
        if not is_given and fits and name != "rate":
            raise _wrong(f"A rule of kind {rule.kind.value} needs `{name}`.", name)
    return Rule(
        key=key,
        kind=rule.kind,
        priority=rule.priority,
        rate=None if rule.rate is None else _rate(rule.rate, "rate"),
        amount=None if rule.amount is None else _amount(rule.amount, currency, "amount"),
        tiers=_tiers(rule, currency),
        mode=rule.mode,
        metric=rule.metric,
        when=_conditions(rule.when),
        recurring=None if rule.recurring is None else _recurring(rule.recurring),
    )


def _bonus(bonus: BonusInput, currency: str, keys: set[str]) -> Bonus:
    key = _key(bonus.key, keys)
    threshold = _volume(bonus.threshold, bonus.metric, currency, "threshold")
    amount = _amount(bonus.amount, currency, "amount")
    if threshold == 0 or amount == 0:
        raise _wrong("A bonus has a threshold and an amount above 0.")
    return Bonus(key, bonus.metric, threshold, amount)


def _key(key: str, keys: set[str]) -> str:
    if not _KEY.fullmatch(key):
        raise _wrong("`key` must have 1 to 40 letters, digits, hyphens and underscores.", "key")
    if key in keys:
        raise _wrong(f"Two rules or bonuses have the key {key!r}.", "key")
    keys.add(key)
    return key


def _tiers(rule: RuleInput, currency: str) -> tuple[Tier, ...]:
    if len(rule.tiers) > RULES_MAX:
        raise _wrong(f"`tiers` holds {len(rule.tiers)}; at most {RULES_MAX} fit a rule.", "tiers")

    tiers: list[Tier] = []
    for index, value in enumerate(rule.tiers):
        with _at("tiers", index):
            tiers.append(Tier(_volume(value.start, rule.metric, currency, "from"), _rate(value.rate, "rate")))
    if tiers and tiers[0].start != 0:
        raise _wrong("The first tier is from 0.", "tiers", 0, "from")
    for index in range(1, len(tiers)):
        if tiers[index].start <= tiers[index - 1].start:
            raise _wrong("Tiers stand in order: each is from more than the one before.", "tiers", index, "from")
        if rule.mode is TierMode.WHOLE_VOLUME and tiers[index].rate < tiers[index - 1].rate:
            raise _wrong("A rate of the whole volume never falls: it would take back.", "tiers", index, "rate")
    return tuple(tiers)


def _conditions(when: ConditionsInput) -> Conditions:
    for name in ("products", "categories", "countries", "codes"):
        if len(getattr(when, name)) > VALUES_MAX:
            raise _wrong(f"`{name}` holds more than {VALUES_MAX} values.", "when", name)
    with _at("when"):
        return Conditions(
            products=_each(when.products, lambda value: checked_external_id(value, "products")),
            categories=_each(when.categories, lambda value: checked_external_id(value, "categories")),
            countries=_each(when.countries, lambda value: checked_country(value, "countries") or ""),
            codes=_each(when.codes, lambda value: checked_code(value, "codes")),
            customer_kind=when.customer_kind,
        )


def _recurring(value: RecurringInput) -> Recurring:
    if value.orders_max is None and value.months_max is None:
        raise _wrong("`recurring` needs `ordersMax`, `monthsMax` or both.", "recurring")
    for name, most in (("ordersMax", value.orders_max), ("monthsMax", value.months_max)):
        if most is not None and not 0 < most <= (COUNT_MAX if name == "ordersMax" else 1_200):
            raise _wrong(f"`{name}` is {most}.", "recurring", name)
    return Recurring(value.orders_max, value.months_max)


def _caps(caps: CapsInput, currency: str) -> dict[PlanCap, int]:
    given = (
        (PlanCap.ORDER, "perOrder", caps.per_order),
        (PlanCap.PERIOD, "perPeriod", caps.per_period),
        (PlanCap.INFLUENCER, "perInfluencer", caps.per_influencer),
        (PlanCap.CAMPAIGN, "perCampaign", caps.per_campaign),
    )
    return {cap: _minor(amount, currency, name) for cap, name, amount in given if amount is not None}


def _volume(value: Decimal, metric: PlanMetric, currency: str, name: str) -> int:
    if metric is PlanMetric.REVENUE:
        return _minor(value, currency, name)
    if not value.is_finite() or value != int(value) or not 0 <= value <= COUNT_MAX:
        raise _wrong(f"`{name}` is a number of orders: whole, and 0 to {COUNT_MAX}.", name)
    return orders_e9(int(value))


def _rate(rate: Decimal, name: str) -> int:
    if not rate.is_finite() or not 0 <= rate <= 1 or rate != round(rate, 6):
        raise _wrong(f"`{name}` must be a share between 0 and 1 of at most six digits.", name)
    return stored_rate(rate)


def _amount(amount: Decimal, currency: str, name: str) -> int:
    minor = _minor(amount, currency, name)
    if minor > AMOUNT_MAX:
        raise DomainError("INVALID_AMOUNT", f"`{name}` exceeds {AMOUNT_MAX} minor units.", path=(name,))
    return minor


def _minor(amount: Decimal, currency: str, name: str) -> int:
    try:
        minor = to_minor(amount, currency)
    except DomainError as error:
        raise DomainError(error.code, error.message, path=(name,)) from None
    if minor < 0:
        raise DomainError("INVALID_AMOUNT", f"`{name}` is negative.", path=(name,))
    return minor


def _each(values: Iterable[str], check: Callable[[str], str]) -> frozenset[str]:
    return frozenset(check(value) for value in values)


@contextmanager
def _at(*path: str | int) -> Iterator[None]:
    """Mistakes inside get the path before their own."""
    try:
        yield
    except DomainError as error:
        raise DomainError(error.code, error.message, path=(*path, *error.path)) from None


def _wrong(message: str, *path: str | int) -> DomainError:
    return DomainError("BAD_USER_INPUT", message, path=path)
