"""Measures as quotients of parts, and parts as aggregates of facts: the tables of SEMANTICS.md, once more."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tests.oracle.facts import ONE

DIGITS_OF_RATIOS = 6
DIGITS_OF_WEIGHTS = 9


@dataclass(frozen=True, slots=True)
class Part:
    """Something that is added up over one kind of facts. by_product: the facts to use when products are asked for."""

    facts: str
    aggregate: str
    by_product: str = ""
    is_money: bool = False


_AMOUNT = "$amount$"
"""Stands for the amount's column: the tenant's currency, or the original one where grouped by currency."""


def _commission(state: str) -> Part:
    sign = "-" if state == "REVERSED" else ""
    aggregate = f"sum(({sign}{_AMOUNT})::HUGEINT) FILTER (state = '{state}')"
    return Part("commissions", aggregate, "commissions_by_product", is_money=True)


PARTS: dict[str, Part] = {
    "instances": Part("instances", "count(*)"),
    "clicks": Part("instances", "count(*) FILTER (kind = 'CLICK')"),
    "purchases": Part("instances", "count(*) FILTER (kind = 'PURCHASE')"),
    "visitors": Part("instances", "count(DISTINCT visitor_id)"),
    "customers": Part("orders", "count(DISTINCT customer_id)", "orders_by_product"),
    "new_customers": Part(
        "orders",
        "count(DISTINCT customer_id) FILTER (first_at >= greatest(cell_start, $1::TIMESTAMPTZ))",
        "orders_by_product",
    ),
    "orders": Part("orders", "sum(weight::HUGEINT)", "orders_by_product"),
    "units": Part("lines", "sum(quantity::HUGEINT * weight) FILTER (kind = 'ITEM')", "lines"),
    "gross": Part("lines", f"sum({_AMOUNT}::HUGEINT * weight)", "lines", is_money=True),
    "refunds": Part("refunds", f"sum({_AMOUNT}::HUGEINT * weight)", "refunds", is_money=True),
    "pending": _commission("PENDING"),
    "held": _commission("HELD"),
    "approved": _commission("APPROVED"),
    "paid": _commission("PAID"),
    "reversed": _commission("REVERSED"),
}

_WEIGHED = frozenset({"orders", "units", "gross", "refunds"})
_COMMISSION = {"pending": 1, "held": 1, "approved": 1, "paid": 1, "reversed": -1}


@dataclass(frozen=True, slots=True)
class Measure:
    """Σ factor × part ÷ Σ factor × part. shown: count, quantity, money, ratio or rate (money per click)."""

    shown: str
    above: dict[str, int]
    below: dict[str, int] | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of its parts."""
        return tuple(dict.fromkeys((*self.above, *(self.below or {}))))


MEASURES: dict[str, Measure] = {
    "instances": Measure("count", {"instances": 1}),
    "clicks": Measure("count", {"clicks": 1}),
    "purchases": Measure("count", {"purchases": 1}),
    "nonPurchases": Measure("count", {"instances": 1, "purchases": -1}),
    "visitors": Measure("count", {"visitors": 1}),
    "orders": Measure("quantity", {"orders": 1}),
    "customers": Measure("count", {"customers": 1}),
    "newCustomers": Measure("count", {"new_customers": 1}),
    "units": Measure("quantity", {"units": 1}),
    "grossRevenue": Measure("money", {"gross": 1}),
    "refunds": Measure("money", {"refunds": 1}),
    "netRevenue": Measure("money", {"gross": 1, "refunds": -1}),
    "averageOrderValue": Measure("money", {"gross": 1}, {"orders": 1}),
    "conversionRate": Measure("ratio", {"purchases": 1}, {"instances": 1}),
    "orderRate": Measure("ratio", {"orders": 1}, {"clicks": 1}),
    "commission": Measure("money", _COMMISSION),
    "earningsPerClick": Measure("rate", _COMMISSION, {"clicks": 1}),
}

_INSTANCES = frozenset({"influencer", "campaign", "code", "platform", "channel", "country"})
_ORDERS = _INSTANCES | {"currency", "product"}
_COMMISSIONS = frozenset({"influencer", "campaign", "code", "currency", "product"})


def dimensions(measure: str) -> frozenset[str]:
    """What the measure can be grouped and filtered by: what all its facts have."""
    has = {
        "instances": _INSTANCES,
        "orders": _ORDERS,
        "lines": _ORDERS,
        "refunds": _ORDERS,
        "commissions": _COMMISSIONS,
    }
    found = _ORDERS
    for part in MEASURES[measure].parts:
        found &= has[PARTS[part].facts]
    return found


def value(measure: str, parts: dict[str, int], exponent: int) -> Decimal | None:
    """The shown value. parts: whole sums. exponent: digits of the currency in which the money is."""
    declared = MEASURES[measure]
    above = _total(declared.above, parts, exponent)
    if declared.below is not None:
        below = _total(declared.below, parts, exponent)
        if below == 0:
            return None
        above /= below
    digits = {"count": 0, "quantity": DIGITS_OF_WEIGHTS, "money": exponent}.get(declared.shown, DIGITS_OF_RATIOS)
    return half_even(above, digits)


def _total(factors: dict[str, int], parts: dict[str, int], exponent: int) -> Fraction:
    total = Fraction(0)
    for name, factor in factors.items():
        amount = Fraction(factor * parts[name], ONE if name in _WEIGHED else 1)
        total += amount / 10**exponent if PARTS[name].is_money else amount
    return total


def half_even(exact: Fraction, digits: int) -> Decimal:
    """The fraction in so many digits; Python rounds fractions half-even, exactly."""
    return Decimal(round(exact * 10**digits)).scaleb(-digits)
