"""Measures as quotients of parts, and parts as what is added up of facts: the tables of SEMANTICS.md, once more."""

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from tests.oracle.ask import Of
from tests.oracle.facts import DIMENSIONS, FIGURES, ONE
from tests.oracle.money import half_even, shown

Parts: TypeAlias = dict[str, Any]
"""What was found in one cell, by part: a whole number; or, of what counts once, a dict whose keys are counted."""

FACTS_OF: dict[str, tuple[str, ...]] = {
    "instances": ("instances", "clicks", "purchases", "visitors"),
    "orders": ("orders", "customers", "new_customers", "worths"),
    "lines": ("units", "gross"),
    "refunds": ("refunds",),
    "commissions": ("pending", "held", "approved", "paid", "reversed"),
    "engagement": (*FIGURES, *(f"{name}_known" for name in FIGURES)),
    "spend": ("spend",),
    "payouts": ("payouts",),
}
"""The kind of facts that parts come from."""

STATES = ("PENDING", "HELD", "APPROVED", "PAID", "REVERSED")
WEIGHED = frozenset({"orders", "units", "gross", "refunds"})
MONEY = frozenset({"gross", "refunds", "spend", "payouts", *(state.lower() for state in STATES)})
FACTS = {part: facts for facts, parts in FACTS_OF.items() for part in parts}

_NET = {"pending": 1, "held": 1, "approved": 1, "paid": 1, "reversed": -1}
_ENGAGED = ("likes", "comments", "shares")
_ENGAGED_KNOWN = tuple(f"{name}_known" for name in _ENGAGED)


@dataclass(frozen=True, slots=True)
class Measure:
    """Σ factor × part ÷ Σ factor × part. unit: count, quantity, money, ratio or rate (money per click).

    known: unknown unless one of these parts is found. takes: its argument. is_additive: it has a share.
    """

    unit: str
    above: dict[str, int]
    below: dict[str, int] | None = None
    known: tuple[str, ...] = ()
    takes: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of its parts."""
        return tuple(dict.fromkeys((*self.above, *(self.below or {}), *self.known)))

    @property
    def is_additive(self) -> bool:
        """Whether the values of buckets add up."""
        return self.below is None and self.has_additive_parts

    @property
    def has_additive_parts(self) -> bool:
        """Whether what it is made of adds up."""
        return not {"visitors", "customers", "new_customers", "worths"} & {*self.parts}


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
    "orderValueQuantile": Measure("money", {"worths": 1}, known=("worths",), takes="at"),
    "conversionRate": Measure("ratio", {"purchases": 1}, {"instances": 1}),
    "orderRate": Measure("ratio", {"orders": 1}, {"clicks": 1}),
    "clickThroughRate": Measure("ratio", {"clicks": 1}, {"views": 1}),
    "commission": Measure("money", _NET, takes="state"),
    "payouts": Measure("money", {"payouts": 1}),
    "spend": Measure("money", {"spend": 1}),
    "profit": Measure("money", {"gross": 1, "refunds": -1, "spend": -1, **{name: -by for name, by in _NET.items()}}),
    "returnOnSpend": Measure("ratio", {"gross": 1, "refunds": -1}, {**_NET, "spend": 1}),
    "earningsPerClick": Measure("rate", _NET, {"clicks": 1}),
    "postLikes": Measure("count", {"likes": 1}, known=("likes_known",)),
    "postComments": Measure("count", {"comments": 1}, known=("comments_known",)),
    "postShares": Measure("count", {"shares": 1}, known=("shares_known",)),
    "postViews": Measure("count", {"views": 1}, known=("views_known",)),
    "engagements": Measure("count", dict.fromkeys(_ENGAGED, 1), known=_ENGAGED_KNOWN),
    "engagementRate": Measure("ratio", dict.fromkeys(_ENGAGED, 1), {"views": 1}, known=_ENGAGED_KNOWN),
}


def dimensions(name: str) -> frozenset[str]:
    """What the measure can be grouped and filtered by: what all its facts have."""
    facts = {FACTS[part] for part in MEASURES[name].parts}
    # Lines and refunds have what their orders have.
    kinds = {"orders" if kind in ("lines", "refunds") else kind for kind in facts}
    return frozenset(dimension for dimension, has in DIMENSIONS.items() if kinds <= {*has})


def formula(asked: Of, *, by_state: bool) -> Measure:
    """The measure with its states. by_state: groups are states, each with its own amount, and nothing is set off."""
    if asked.name != "commission" or (asked.states is None and not by_state):
        return MEASURES[asked.name]
    return Measure("money", {state.lower(): 1 for state in (STATES if asked.states is None else asked.states)})


def value(asked: Of, parts: Parts, exponent: int, *, by_state: bool = False) -> Decimal | None:
    """The shown value. exponent: digits of the currency in which the money is."""
    declared = formula(asked, by_state=by_state)
    if declared.takes == "at":
        return _quantile(asked, parts, exponent)
    if declared.known and not any(number(parts, name) for name in declared.known):
        return None
    above, below = _total(declared.above, parts), ONE
    digits = {"count": 0, "quantity": 9, "money": exponent}.get(declared.unit, 6)
    # Money is counted in minor units: major ones are fewer by its digits.
    tens = digits - exponent * _is_money(declared.above)
    if declared.below is not None:
        below = _total(declared.below, parts)
        tens += exponent * _is_money(declared.below)
        if below == 0:
            return None
    up, down = 10 ** max(tens, 0), 10 ** max(-tens, 0)
    return shown(half_even(above * up, below * down), digits)


def number(parts: Parts, name: str) -> int:
    """A part as a whole number. Of what counts once by its worth: the worths together; else how many."""
    found = parts.get(name, 0)
    if isinstance(found, dict):
        return sum(found.values()) if name == "orders" else len(found)
    return int(found)


def _quantile(asked: Of, parts: Parts, exponent: int) -> Decimal | None:
    worths = sorted(parts.get("worths", {}).values())
    if not worths:
        return None
    assert asked.at is not None, "a quantile has a rank"
    # Nearest rank: the first that so many do not exceed.
    return shown(worths[max(math.ceil(asked.at * len(worths)), 1) - 1], exponent)


def _is_money(factors: dict[str, int]) -> bool:
    return not MONEY.isdisjoint(factors)


def _total(factors: dict[str, int], parts: Parts) -> int:
    # In 1e-9.
    return sum(factor * number(parts, name) * (1 if name in WEIGHED else ONE) for name, factor in factors.items())
