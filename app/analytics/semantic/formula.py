"""Formulas over sums: one quotient of whole numbers, divided once and rounded half-even.

A formula is data, so that the same declaration is computed here, rendered into SQL for ordering, and shown in the
catalog. Never a float.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import partial
from itertools import repeat
from operator import add, sub
from typing import Any, TypeAlias

from app.analytics.semantic.sums import SUMS
from app.core.money import divide_half_even, point_writer

Value: TypeAlias = int | Decimal | None

Columns: TypeAlias = Sequence[Sequence[int]]
"""Sums of many rows, by column."""

Scaled: TypeAlias = Callable[[Columns], Sequence[int | None]]
"""What a measure is in each row, as whole numbers of its last shown digit; None where it is null."""

RATIO_DIGITS = 6
"""Digits of ratios."""

QUANTITY_DIGITS = 9
"""Digits of credited quantities: weights are whole 1e-9, so that these are exact."""


EXACT_MAX = 10**27
"""Beyond it arithmetic on decimals rounds, in the context that Python starts with."""


class Unit(StrEnum):
    """What a measure is counted in, as the catalog shows it."""

    COUNT = "count"
    QUANTITY = "quantity"
    MONEY = "currency"
    RATIO = "ratio"
    MONEY_RATE = "currency per click"


@dataclass(frozen=True, slots=True)
class Terms:
    """A sum of columns, at least one, each times a whole number. decimals: digits of it that are behind the point.

    is_money: whether it is minor units.
    """

    weights: tuple[tuple[str, int], ...]
    decimals: int
    is_money: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The columns it is made of."""
        return tuple([name for name, _ in self.weights])


def terms(added: Sequence[str], subtracted: Sequence[str] = ()) -> Terms:
    """Sums to be added or taken off, scaled to the digits of the finest. All are money, or none is."""
    sums = [SUMS[name] for name in (*added, *subtracted)]
    is_money = sums[0].is_money
    assert all(each.is_money is is_money for each in sums), "terms of one kind"
    decimals = max(each.decimals for each in sums)
    weights = dict.fromkeys([each.name for each in sums], 0)
    for place, each in enumerate(sums):
        weights[each.name] += 10 ** (decimals - each.decimals) * (1 if place < len(added) else -1)
    return Terms(tuple(weights.items()), decimals, is_money)


@dataclass(frozen=True, slots=True)
class Formula:
    """numerator ÷ denominator (of 1 when None), shown in the unit's digits.

    known: counts of what it was computed from; null when all of them are 0. () where nothing is 0.
    """

    unit: Unit
    numerator: Terms
    denominator: Terms | None = None
    known: tuple[str, ...] = ()

    @property
    def sums(self) -> tuple[str, ...]:
        """The sums it needs, each once."""
        denominator = self.denominator.names if self.denominator else ()
        return tuple(dict.fromkeys(self.numerator.names + denominator + self.known))

    @property
    def weighed(self) -> frozenset[str]:
        """Those of them that its value depends on: of no state of commissions it is nothing, whatever the sum."""
        terms = self.numerator.weights + (self.denominator.weights if self.denominator else ())
        return frozenset(name for name, weight in terms if weight).union(self.known)

    @property
    def is_nullable(self) -> bool:
        """Whether it is null somewhere: divided by 0, or unknown."""
        return self.denominator is not None or bool(self.known)

    @property
    def tens(self) -> int:
        """Power of ten, currency's digits aside, by which the quotient is scaled to whole units of its last digit."""
        fixed = {Unit.RATIO: RATIO_DIGITS, Unit.MONEY_RATE: RATIO_DIGITS, Unit.QUANTITY: QUANTITY_DIGITS}
        below = self.denominator.decimals if self.denominator else 0
        return fixed.get(self.unit, 0) + below - self.numerator.decimals

    @property
    def minors(self) -> int:
        """Power of the currency's minor units in one major (100 for GBP) by which it is scaled besides."""
        shown = int(self.unit is Unit.MONEY)
        below = int(self.denominator.is_money) if self.denominator else 0
        return shown + below - int(self.numerator.is_money)

    def digits(self, exponent: int) -> int:
        """Digits behind the point, for money of a currency with this exponent."""
        match self.unit:
            case Unit.COUNT:
                return 0
            case Unit.QUANTITY:
                return QUANTITY_DIGITS
            case Unit.MONEY:
                return exponent
            case _:
                return RATIO_DIGITS

    def scaled(self, places: Mapping[str, int], exponent: int) -> Scaled:
        """A function from columns of sums (at these places) to whole numbers of the last shown digit, half-even.

        None where divided by 0, or unknown.
        """
        above = _added(self.numerator, places)
        below = _added(self.denominator, places) if self.denominator else None
        known = tuple(places[name] for name in self.known)
        power = self.tens + self.minors * exponent
        up, down = 10 ** max(power, 0), 10 ** max(-power, 0)

        def values(columns: Columns) -> Sequence[int | None]:
            dividends = above(columns)
            found: Sequence[int | None]
            if below is None:
                found = _tenths(dividends, down) if up == 1 else [value * up for value in dividends]
            else:
                pairs = zip(dividends, below(columns), strict=True)
                found = [divide_half_even(value * up, by * down) if by else None for value, by in pairs]
            if known:
                counts = zip(*[columns[place] for place in known], strict=True)
                found = [value if any(counted) else None for value, counted in zip(found, counts, strict=True)]
            return found

        return values

    def shown(self, exponent: int) -> Callable[[int], Value]:
        """A function from a whole number of the last shown digit to the value."""
        return _shown(self.unit, self.digits(exponent))

    def written(self, exponent: int) -> Callable[[Sequence[int | None]], list[Any]]:
        """A function from a column of such numbers to what stands in JSON: counts as they are, others as texts."""
        return _written(self.unit, self.digits(exponent))


_RATIO = Decimal(1).scaleb(-RATIO_DIGITS)


def change_of(value: int | None, previous: int | None) -> int | None:
    """(value − previous) ÷ previous in 1e-6, half-even; None from nothing, and where either is unknown."""
    if value is None or not previous:
        return None
    return ratio_of(value - previous, previous)


def ratio_of(part: int | None, whole: int | None) -> int | None:
    """part ÷ whole in 1e-6, half-even; None where either is unknown or the whole is 0."""
    if part is None or not whole:
        return None
    if whole < 0:
        part, whole = -part, -whole
    return divide_half_even(part * 10**RATIO_DIGITS, whole)


def ratio(scaled: int | None) -> Decimal | None:
    """A number of 1e-6 as it is shown."""
    return None if scaled is None else _point(scaled, _RATIO)


def _added(terms: Terms, places: Mapping[str, int]) -> Callable[[Columns], Sequence[int]]:
    signed = [(places[name], weight) for name, weight in terms.weights]

    def values(columns: Columns) -> Sequence[int]:
        total: Sequence[int] | None = None
        for place, factor in signed:
            column = columns[place]
            if total is None:
                total = column if factor == 1 else [value * factor for value in column]
            elif factor in _STEPS:
                total = list(map(_STEPS[factor], total, column))
            else:
                total = [before + value * factor for before, value in zip(total, column, strict=True)]
        assert total is not None, "terms name a sum"
        return total

    return values


_STEPS = {1: add, -1: sub}


def _tenths(values: Sequence[int], down: int) -> Sequence[int]:
    # divide_half_even by a power of ten, of a whole column: most leave no rest.
    if down == 1:
        return values
    half = down // 2
    return [
        quotient + 1 if rest and (rest > half or (rest == half and quotient & 1)) else quotient
        for quotient, rest in map(divmod, values, repeat(down))
    ]


def _shown(unit: Unit, digits: int) -> Callable[[int], Value]:
    # The form in which a whole number of last digits is shown.
    if unit is Unit.COUNT:
        return lambda scaled: scaled
    if unit is Unit.QUANTITY:
        return _trimmed
    return partial(_point, last=Decimal(1).scaleb(-digits))


def _written(unit: Unit, digits: int) -> Callable[[Sequence[int | None]], list[Any]]:
    # The same form as text: str() of what _shown makes.
    if unit is Unit.COUNT:
        return list
    if unit is Unit.QUANTITY:
        return lambda column: [None if scaled is None else str(_trimmed(scaled)) for scaled in column]
    return point_writer(digits)


def _point(scaled: int, last: Decimal) -> Decimal:
    # last: one of the last digit.
    if -EXACT_MAX < scaled < EXACT_MAX:
        return scaled * last
    # Built from digits: the context's precision would round a sum so large.
    return Decimal((int(scaled < 0), tuple(map(int, str(abs(scaled)))), int(last.as_tuple().exponent)))


_ONE = 10**QUANTITY_DIGITS


def _trimmed(scaled: int) -> Decimal:
    whole, rest = divmod(scaled, _ONE)
    if not rest:
        return Decimal(whole)
    digits = QUANTITY_DIGITS
    while scaled % 10 == 0:
        scaled //= 10
        digits -= 1
    return _point(scaled, Decimal(1).scaleb(-digits))
