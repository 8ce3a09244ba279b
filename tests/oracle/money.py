"""Whole numbers and other currencies: rounding, and the day's rate."""

from bisect import bisect_right
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from tests.oracle.facts import Fact

# ISO 4217: the digits of those currencies that the tests use.
EXPONENTS = {"GBP": 2, "EUR": 2, "USD": 2, "PLN": 2, "HUF": 2, "CHF": 2, "JPY": 0, "ISK": 0, "KWD": 3, "BHD": 3}

DAY = 86_400_000_000
"""Microseconds."""

AGE_MAX = 7
"""Days that a rate is used for after its own."""


def half_even(above: int, below: int) -> int:
    """The quotient, rounded half-even."""
    if below < 0:
        above, below = -above, -below
    whole, rest = divmod(above, below)
    if 2 * rest > below or (2 * rest == below and whole % 2):
        whole += 1
    return whole


class Rates:
    """The day's rate: the last one known within seven days, as it was published or the other way round."""

    def __init__(self, rows: Iterable[tuple[str, str, int, int, str]]) -> None:
        # Of one day, the tenant's own rate counts before that of all, then what was published the asked way round
        # before the other, then the later of the own ones before the earlier.
        self._known: dict[tuple[str, str], list[tuple[int, bool, int, int, Fraction]]] = {}
        for base, quote, day, place, rate in rows:
            self._known.setdefault((base, quote), []).append((day, place > 0, 1, place, Fraction(rate)))
            self._known.setdefault((quote, base), []).append((day, place > 0, 0, place, 1 / Fraction(rate)))
        for found in self._known.values():
            found.sort()
        self._amounts: dict[tuple[int, str | None, int, str], int | None] = {}

    def amount(self, fact: Fact, currency: str) -> int | None:
        """The fact's amount in minor units of another currency, half-even; None without a rate.

        A part is worth what the whole is up to it, less what it is before it.
        """
        up_to, before = (
            self._known_amount(whole, fact, currency) for whole in (fact.before + fact.amount, fact.before)
        )
        return None if up_to is None or before is None else up_to - before

    def _known_amount(self, amount: int, fact: Fact, currency: str) -> int | None:
        key = (amount, fact.currency, fact.rated_at // DAY, currency)
        if key not in self._amounts:
            self._amounts[key] = self._converted(*key)
        return self._amounts[key]

    def _converted(self, amount: int, own: str | None, day: int, currency: str) -> int | None:
        assert own is not None, "money has a currency"
        if own == currency:
            return amount
        known = self._known.get((own, currency), [])
        place = bisect_right(known, (day, True, 2, 0, Fraction(0))) - 1
        if place < 0 or known[place][0] < day - AGE_MAX:
            return None
        exact = amount * known[place][-1] * Fraction(10) ** (EXPONENTS[currency] - EXPONENTS[own])
        return half_even(exact.numerator, exact.denominator)


def shown(scaled: int, digits: int) -> Decimal:
    """A whole number of last digits as a decimal."""
    return Decimal(scaled).scaleb(-digits)
