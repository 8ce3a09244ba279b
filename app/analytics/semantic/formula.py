"""Formulas over sums: one quotient of whole numbers, divided once and rounded half-even.

A formula is data, so that the same declaration is computed here, rendered into SQL for ordering, and shown in the
catalog. Never a float.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from app.analytics.semantic.sums import SUMS, Sum
from app.core.money import divide_half_even

Value: TypeAlias = int | Decimal | None

RATIO_DIGITS = 6
"""Digits of ratios."""

QUANTITY_DIGITS = 9
"""Digits of credited quantities: weights are whole 1e-9, so that these are exact."""


class Unit(StrEnum):
    """What a measure is counted in, as the catalog shows it."""

    COUNT = "count"
    QUANTITY = "quantity"
    MONEY = "currency"
    RATIO = "ratio"
    MONEY_RATE = "currency per click"


@dataclass(frozen=True, slots=True)
class Terms:
    """A sum of sums: each named once, to be added or (subtracted) taken off. All have one scale."""

    added: tuple[str, ...]
    subtracted: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert len({(SUMS[name].decimals, SUMS[name].is_money) for name in self.names}) == 1, "terms of one scale"

    @property
    def names(self) -> tuple[str, ...]:
        """The sums it is made of."""
        return self.added + self.subtracted

    @property
    def scale(self) -> Sum:
        """Any of its sums: they agree in decimals and money."""
        return SUMS[self.added[0]]


@dataclass(frozen=True, slots=True)
class Formula:
    """numerator ÷ denominator (of 1 when None), shown in the unit's digits."""

    unit: Unit
    numerator: Terms
    denominator: Terms | None = None

    @property
    def sums(self) -> tuple[str, ...]:
        """The sums it needs, each once."""
        denominator = self.denominator.names if self.denominator else ()
        return tuple(dict.fromkeys(self.numerator.names + denominator))

    @property
    def tens(self) -> int:
        """Power of ten, currency's digits aside, by which the quotient is scaled to whole units of its last digit."""
        fixed = {Unit.RATIO: RATIO_DIGITS, Unit.MONEY_RATE: RATIO_DIGITS, Unit.QUANTITY: QUANTITY_DIGITS}
        below = self.denominator.scale.decimals if self.denominator else 0
        return fixed.get(self.unit, 0) + below - self.numerator.scale.decimals

    @property
    def minors(self) -> int:
        """Power of the currency's minor units in one major (100 for GBP) by which it is scaled besides."""
        shown = int(self.unit is Unit.MONEY)
        below = int(self.denominator.scale.is_money) if self.denominator else 0
        return shown + below - int(self.numerator.scale.is_money)

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

    def compiled(self, columns: Mapping[str, int], exponent: int) -> Callable[[Sequence[int]], Value]:
        """A function from a row of sums (at the columns' indices) to the value, rounded; None when divided by 0."""
        added = tuple(columns[name] for name in self.numerator.added)
        subtracted = tuple(columns[name] for name in self.numerator.subtracted)
        divisor = self.denominator
        below_added = tuple(columns[name] for name in divisor.added) if divisor else ()
        below_subtracted = tuple(columns[name] for name in divisor.subtracted) if divisor else ()
        power = self.tens + self.minors * exponent
        up, down = 10 ** max(power, 0), 10 ** max(-power, 0)
        shown = _shown(self.unit, self.digits(exponent))

        def value(row: Sequence[int]) -> Value:
            above = sum([row[index] for index in added]) - sum([row[index] for index in subtracted])
            below = 1
            if divisor is not None:
                below = sum([row[index] for index in below_added]) - sum([row[index] for index in below_subtracted])
                if below == 0:
                    return None
                if below < 0:
                    above, below = -above, -below
            return shown(divide_half_even(above * up, below * down))

        return value


def _shown(unit: Unit, digits: int) -> Callable[[int], Value]:
    # The form in which a whole number of last digits is shown. Built from digits, not by Decimal arithmetic: the
    # context's precision would round large sums.
    if unit is Unit.COUNT:
        return lambda scaled: scaled
    if unit is Unit.QUANTITY:
        return _trimmed
    return lambda scaled: Decimal((int(scaled < 0), _digits(scaled), -digits))


def _digits(scaled: int) -> tuple[int, ...]:
    return tuple(map(int, str(abs(scaled))))


def _trimmed(scaled: int) -> Decimal:
    digits = QUANTITY_DIGITS
    while digits and scaled % 10 == 0:
        scaled //= 10
        digits -= 1
    return Decimal((int(scaled < 0), _digits(scaled), -digits))
