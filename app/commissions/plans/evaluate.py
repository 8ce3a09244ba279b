"""What a version of a plan gives for one credit of one order. Pure integer arithmetic; the same for booking, preview,
edits and recomputation.

Discounts are spread over the items first. Each item is decided by one rule: of those that fit, the one of the highest
priority, else the first given. What the credit earns exactly is the sum over its items (`weigh`). Once it is rounded
with that of its order's other credits (accrue.py), its part is cut by caps and split over the items by largest
remainder (`rated`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import NamedTuple
from uuid import UUID

from app.commissions.accrue import Amount, Exact, Part, Share
from app.commissions.plans.basket import Basket, Item
from app.commissions.plans.rules import Bonus, Rule, Version, shown_rate
from app.core.money import MINOR_MAX, WEIGHT_ONE, allocate, divide_half_even
from app.core.words import CustomerKind, PlanCap, PlanMetric, RuleKind, TierMode

MILLION = 10**6
REVENUE = ":revenue"
"""The counter of all that a plan rated: of what its bonuses look at."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules see beside the lines. Kept with the rating, so that an edit is rated as the order was.

    weight: of the credit, 1e-9. own_rate: the enrollment's, else the campaign's (1e-6). orders_before: the customer's
    earlier orders that are credited to the influencer, None without a customer. months_until: by a rule's number of
    months, the instant before which it holds. factor: minor units of the tenant's currency for one of the order's.
    """

    occurred_at: datetime
    weight: int
    own_rate: int | None
    code: str | None = None
    country: str | None = None
    customer_kind: CustomerKind | None = None
    orders_before: int | None = None
    months_until: Mapping[int, datetime] = field(default_factory=dict)
    factor: Fraction | None = Fraction(1)


@dataclass(frozen=True, slots=True)
class Before:
    """What was counted before. volumes: by counter, minor units and orders (1e-9). rooms: what each cap leaves."""

    volumes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    rooms: Mapping[PlanCap, int] = field(default_factory=dict)


class Due(NamedTuple):
    """A bonus, or what reaching a tier adds for the period's earlier volume: its key, and an amount in the tenant's
    currency."""

    key: str
    amount: int


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a credit earns before anything is rounded or cut. exact: on the whole; tops, base_tops: of it by item.

    names, rates: of the rules that decide the items; None where none does, or where it has no rate. added: to each
    counter. dues: as they are without caps. rate: that of all items, if they have but one. lacks_rate: as in `Rated`.
    """

    sold: Basket
    exact: Exact
    tops: Sequence[int]
    base_tops: Sequence[int]
    names: Sequence[str | None]
    rates: Sequence[Decimal | None]
    added: Mapping[str, tuple[int, int]]
    dues: tuple[Due, ...]
    rate: Decimal | None
    lacks_rate: bool


@dataclass(frozen=True, slots=True)
class Rated:
    """What a credit earns. added: to each counter. kept: of the amount in the tenant's currency, what refunds before
    leave. cap: which one cut it. lacks_rate: for want of an exchange rate some rule, or all of the version, could not
    be applied."""

    amount: Amount
    dues: tuple[Due, ...]
    added: Mapping[str, tuple[int, int]]
    kept: int
    rate: Decimal | None
    cap: PlanCap | None
    lacks_rate: bool

    @property
    def earned(self) -> int:
        """What counts of it below caps, bonuses included, in the tenant's currency; the unknown counts nothing."""
        return self.kept + sum(due.amount for due in self.dues)


Matches = dict[tuple[UUID, tuple[int, ...]], dict[UUID | None, int | None]]
"""Which rule decides a product, by version and rules that fit the order: remembered for the orders of one batch."""


def weigh(
    version: Version,
    sold: Basket,
    facts: Facts,
    volumes: Mapping[str, tuple[int, int]],
    matches: Matches | None = None,
) -> Weighed:
    """What the credit earns of these lines under the version, exactly. volumes: counted before (`Before.volumes`)."""
    has_base = sold.has_base and facts.factor is not None
    if not has_base and version.caps:
        return _nothing(sold)
    fitting = [number for number, rule in enumerate(version.rules) if _fits(rule, facts)]
    usable = [number for number in fitting if has_base or not version.rules[number].needs_exchange_rate]
    lacks_rate = len(usable) < len(fitting) or (not has_base and bool(version.bonuses))
    groups = _decided(version, sold.items, tuple(usable), {} if matches is None else matches)
    tops = [0] * len(sold.items)
    base_tops = tops if sold.is_same_currency else [0] * len(sold.items)
    rates: list[Decimal | None] = [None] * len(sold.items)
    names: list[str | None] = [None] * len(sold.items)
    scales: list[tuple[int, list[int]]] = []
    added: dict[str, tuple[int, int]] = {}
    lifts: list[Due] = []
    for number, places in groups.items():
        rule = version.rules[number]
        for place in places:
            names[place] = rule.key
        if rule.kind is RuleKind.PERCENTAGE or rule.kind is RuleKind.TIERS:
            if rule.kind is RuleKind.TIERS:
                before = volumes.get(rule.key, (0, 0))
                more = _counted(sold.items, places, facts.weight, has_base=has_base)
                top, under = _tier_rate(rule, before, more)
                added[rule.key] = more
                lift = _lift(rule, before, more)
                if lift:
                    lifts.append(Due(rule.key, lift))
            else:
                rate = facts.own_rate if rule.rate is None else rule.rate
                top, under = rate or 0, 1
            shown = shown_rate(divide_half_even(top, under))
            if under > 1:
                scales.append((under, places))
            unit = facts.weight * top
            for place in places:
                item = sold.items[place]
                tops[place] = item.net * unit
                base_tops[place] = item.net_base * unit
                rates[place] = shown
        else:
            _fixed(rule, sold, places, facts, tops, base_tops)
    under = _common(scales, tops, base_tops)
    dues: list[Due] = []
    if has_base:
        whole = _counted(sold.items, range(len(sold.items)), facts.weight, has_base=True)
        added[REVENUE] = whole
        dues = [*lifts, *_bonuses(version.bonuses, volumes.get(REVENUE, (0, 0)), whole)]
    return Weighed(
        sold,
        Exact(sum(tops), sum(base_tops) if has_base else None, under),
        tops,
        base_tops,
        names,
        rates,
        added=added if sold.items else {},
        dues=tuple(dues),
        rate=_uniform(version, groups, rates),
        lacks_rate=lacks_rate,
    )


def _nothing(sold: Basket) -> Weighed:
    """Of a version with caps, for want of an exchange rate."""
    none, nameless = [0] * len(sold.items), [None] * len(sold.items)
    return Weighed(sold, Exact(0, None, 1), none, none, nameless, nameless, {}, (), None, lacks_rate=True)


def rated(weighed: Weighed, part: Part, rooms: Mapping[PlanCap, int]) -> Rated:
    """What the credit earns by its part of what the order earns. rooms: what caps leave (`Before.rooms`)."""
    sold = weighed.sold
    amount = min(part.amount, MINOR_MAX)
    base = None if part.base is None else min(part.base, MINOR_MAX)
    cap, room = _tightest(rooms)
    if base is not None and cap is not None and base > room:
        amount = room if sold.is_same_currency else divide_half_even(amount * room, base)
        base = room
    else:
        cap = None
    result = _shared(weighed, amount, base)
    kept = _kept(sold, result)
    return Rated(
        amount=result,
        dues=tuple(_cut(weighed.dues, rooms, earned=kept)),
        added=weighed.added,
        kept=kept,
        rate=weighed.rate if cap is None else None,
        cap=cap,
        lacks_rate=weighed.lacks_rate,
    )


def _fits(rule: Rule, facts: Facts) -> bool:
    when, recurring = rule.when, rule.recurring
    if when.customer_kind is not None and when.customer_kind is not facts.customer_kind:
        return False
    if when.countries and facts.country not in when.countries:
        return False
    if when.codes and facts.code not in when.codes:
        return False
    if rule.kind is RuleKind.PERCENTAGE and rule.rate is None and facts.own_rate is None:
        return False
    if recurring is None:
        return True
    if facts.orders_before is None:
        return False
    if recurring.orders_max is not None and facts.orders_before >= recurring.orders_max:
        return False
    until = None if recurring.months_max is None else facts.months_until.get(recurring.months_max)
    return until is None or facts.occurred_at < until


def _decided(
    version: Version, items: Sequence[Item], usable: tuple[int, ...], matches: Matches
) -> dict[int, list[int]]:
    """The places of the items that each rule decides, by the rule's number."""
    if not usable or not items:
        return {}
    first = usable[0]
    if not version.rules[first].when.by_product:
        return {first: list(range(len(items)))}
    known = matches.setdefault((version.id, usable), {})
    groups: dict[int, list[int]] = {}
    for place, item in enumerate(items):
        product = item.place[1]
        if product not in known:
            known[product] = next((number for number in usable if _takes(version.rules[number], item)), None)
        number = known[product]
        if number is not None:
            groups.setdefault(number, []).append(place)
    return groups


def _takes(rule: Rule, item: Item) -> bool:
    when = rule.when
    return (not when.products or item.sku in when.products) and (
        not when.categories or item.category in when.categories
    )


def _counted(items: Sequence[Item], places: Sequence[int], weight: int, *, has_base: bool) -> tuple[int, int]:
    """What is counted of these items: revenue in the tenant's currency, and orders; of what had not come back."""
    kept = sum(items[place].kept(items[place].net_base) for place in places) if has_base else 0
    is_kept = any(items[place].refunded < items[place].amount for place in places)
    return divide_half_even(kept * weight, WEIGHT_ONE), weight if is_kept else 0


def _kept(sold: Basket, amount: Amount) -> int:
    if amount.base is None or not any(item.refunded for item in sold.items):
        return amount.base or 0
    items = {item.place: item for item in sold.items}
    return sum(items[share.place].kept(share.base or 0) for share in amount.shares)


def _metric(rule: Rule | Bonus, pair: tuple[int, int]) -> int:
    return pair[0] if rule.metric is PlanMetric.REVENUE else pair[1]


def _reached(rule: Rule, volume: int) -> int:
    return max((tier for tier in rule.tiers if tier.start <= volume), key=lambda tier: tier.start).rate


def _tier_rate(rule: Rule, before: tuple[int, int], added: tuple[int, int]) -> tuple[int, int]:
    """The rate (1e-6) of this volume, as a fraction."""
    start, volume = _metric(rule, before), _metric(rule, added)
    if rule.mode is TierMode.WHOLE_VOLUME:
        return _reached(rule, start + volume), 1
    if volume <= 0:
        return _reached(rule, start), 1
    end, top = start + volume, 0
    for tier, following in zip(rule.tiers, [*rule.tiers[1:], None], strict=True):
        upper = end if following is None else min(end, following.start)
        top += max(0, upper - max(start, tier.start)) * tier.rate
    return top, volume


def _lift(rule: Rule, before: tuple[int, int], added: tuple[int, int]) -> int:
    """What reaching a tier adds to the period's earlier volume; only where a tier's rate is that of the whole."""
    if rule.mode is not TierMode.WHOLE_VOLUME:
        return 0
    start = _metric(rule, before)
    more = _reached(rule, start + _metric(rule, added)) - _reached(rule, start)
    return divide_half_even(before[0] * more, MILLION)


def _fixed(
    rule: Rule, sold: Basket, places: Sequence[int], facts: Facts, tops: list[int], base_tops: list[int]
) -> None:
    assert rule.amount is not None, "a rule of amounts has one"
    assert facts.factor is not None, "it is passed over where no rate is known"
    own = rule.amount
    # Converted once, so that it is an amount of the order's currency like any other.
    converted = divide_half_even(own * facts.factor.denominator, facts.factor.numerator)
    targets = ((tops, converted),) if sold.is_same_currency else ((tops, converted), (base_tops, own))
    for target, amount in targets:
        unit = amount * facts.weight * MILLION
        if rule.kind is RuleKind.PER_ITEM:
            for place in places:
                target[place] = unit * sold.items[place].quantity
        else:
            parts = allocate(unit, [sold.items[place].net for place in places])
            for place, part in zip(places, parts, strict=True):
                target[place] = part


def _common(scales: Sequence[tuple[int, Sequence[int]]], tops: list[int], base_tops: list[int]) -> int:
    """Bring all numerators to one denominator, which is given back."""
    whole = WEIGHT_ONE * MILLION
    if not scales:
        return whole
    common = lcm(*(under for under, _ in scales))
    factors = [common] * len(tops)
    for under, places in scales:
        for place in places:
            factors[place] = common // under
    for column in (tops,) if tops is base_tops else (tops, base_tops):
        column[:] = [top * factor for top, factor in zip(column, factors, strict=True)]
    return whole * common


def _tightest(rooms: Mapping[PlanCap, int]) -> tuple[PlanCap | None, int]:
    if not rooms:
        return None, 0
    cap = min(rooms, key=lambda cap: (rooms[cap], cap))
    return cap, rooms[cap]


def _bonuses(bonuses: Sequence[Bonus], before: tuple[int, int], added: tuple[int, int]) -> list[Due]:
    return [
        Due(bonus.key, bonus.amount)
        for bonus in bonuses
        if _metric(bonus, before) < bonus.threshold <= _metric(bonus, before) + _metric(bonus, added)
    ]


def _cut(due: Sequence[Due], rooms: Mapping[PlanCap, int], *, earned: int) -> list[Due]:
    # A cap per order is about what the order's lines earn; all others are about everything.
    others = [room for cap, room in rooms.items() if cap is not PlanCap.ORDER]
    left = min(others) - earned if others else None
    kept = []
    for one in due:
        amount = one.amount if left is None else min(one.amount, left)
        if amount > 0:
            kept.append(Due(one.key, amount))
            left = None if left is None else left - amount
    return kept


def _shared(weighed: Weighed, amount: int, base: int | None) -> Amount:
    sold, tops, base_tops = weighed.sold, weighed.tops, weighed.base_tops
    amounts = allocate(amount, tops) if amount else [0] * len(tops)
    if base is None:
        bases: list[int | None] = [None] * len(amounts)
    elif sold.is_same_currency:
        bases = list(amounts)
    else:
        # Where nothing of it is left in the tenant's currency line by line, the original amounts say how it is split.
        bases = list(allocate(base, base_tops if any(base_tops) else tops)) if base else [0] * len(amounts)
    return Amount(
        sold.gross,
        amount,
        base,
        tuple(
            Share(item.place, part, base_part, name, rate)
            for item, part, base_part, name, rate in zip(
                sold.items, amounts, bases, weighed.names, weighed.rates, strict=True
            )
            if name is not None
        ),
    )


def _uniform(version: Version, groups: Mapping[int, Sequence[int]], rates: Sequence[Decimal | None]) -> Decimal | None:
    # One rate for everything: then the commission itself has it.
    if not rates or any(version.rules[number].kind is not RuleKind.PERCENTAGE for number in groups):
        return None
    return rates[0] if len(set(rates)) == 1 else None
