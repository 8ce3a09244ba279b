"""Money: integer minor units and an ISO 4217 code. Floats never come near it.

Called by everything that counts money. Splits are exact: the parts always sum to the whole.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import cache, lru_cache

from iso4217 import Currency

from app.errors import DomainError

MINOR_MAX = 10**15
"""Largest amount of one line or order, in minor units: sums of a thousand of them fit 64 bits."""

RATE_AGE_MAX = timedelta(days=7)
"""Longest gap of holidays between two days with a published exchange rate."""

WEIGHT_ONE = 10**9
"""A whole credit, as the sum of the integer weights of one order under one model."""


@lru_cache(maxsize=512)
def exponent(currency: str) -> int:
    """Digits of the currency's minor unit (GBP 2, JPY 0, KWD 3).

    Raises INVALID_CURRENCY for what is not an ISO 4217 code, and for codes without a minor unit (gold, test codes).
    Source: the ISO 4217 tables in the `iso4217` package.
    """
    try:
        digits = Currency(currency).exponent
    except ValueError:
        digits = None
    if digits is None:
        raise DomainError("INVALID_CURRENCY", f"{currency[:8]!r} is not an ISO 4217 currency. Use a code such as EUR.")
    return int(digits)


@lru_cache(maxsize=1)
def odd_exponents() -> dict[str, int]:
    """The currencies whose minor unit has not two digits, with their digits (JPY 0, KWD 3)."""
    known = {currency.code: currency.exponent for currency in Currency}
    return {code: int(digits) for code, digits in sorted(known.items()) if digits is not None and digits != 2}


def to_minor(amount: Decimal, currency: str) -> int:
    """Minor units of the amount, exactly.

    Raises INVALID_AMOUNT when it is not finite, has more digits than the currency, or exceeds MINOR_MAX.
    """
    digits = exponent(currency)
    if not amount.is_finite():
        raise DomainError("INVALID_AMOUNT", f"{amount} is not a finite amount.")
    if abs(amount.adjusted()) > 40:
        # Guards the scaling below: 1E+999999 would build a number of a million digits.
        raise DomainError("INVALID_AMOUNT", f"The amount exceeds {MINOR_MAX} minor units.")
    scaled = amount.scaleb(digits)
    minor = int(scaled)
    if minor != scaled:
        raise DomainError("INVALID_AMOUNT", f"{amount:f} has more than the {digits} digits of {currency}.")
    if abs(minor) > MINOR_MAX:
        raise DomainError("INVALID_AMOUNT", f"{amount:f} {currency} exceeds {MINOR_MAX} minor units.")
    return minor


def checked_currency(currency: str) -> str:
    """The code. Raises INVALID_CURRENCY with the path."""
    try:
        exponent(currency)
    except DomainError as error:
        raise DomainError(error.code, error.message, path=("currency",)) from None
    return currency


def checked_amount(amount: Decimal, currency: str, *path: str | int) -> int:
    """Minor units of the amount. Raises INVALID_AMOUNT with the path."""
    try:
        return to_minor(amount, currency)
    except DomainError as error:
        raise DomainError(error.code, error.message, path=path) from None


def from_minor(minor: int, currency: str) -> Decimal:
    """The amount in major units, with exactly the digits of its currency."""
    return Decimal(minor).scaleb(-exponent(currency))


def divide_half_even(numerator: int, denominator: int) -> int:
    """numerator ÷ denominator rounded half-even to an integer. denominator must not be 0."""
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    if twice > denominator or (twice == denominator and quotient % 2 == 1):
        return quotient + 1
    return quotient


def apportion(tops: Sequence[int], under: int) -> list[int]:
    """Whole parts of the fractions top ÷ under: their sum, rounded half-even once, split by largest remainder.

    Each part is its own fraction rounded down or up, so that none differs from it by a whole unit. Ties go to the
    earlier fraction. under must be positive.
    """
    parts, remainders = [], []
    for top in tops:
        quotient, remainder = divmod(top, under)
        parts.append(quotient)
        remainders.append(remainder)
    missing = divide_half_even(sum(tops), under) - sum(parts)
    assert 0 <= missing <= len(parts)
    # Stable also in reverse: among equal remainders the earlier comes first.
    for index in sorted(range(len(parts)), key=remainders.__getitem__, reverse=True)[:missing]:
        parts[index] += 1
    return parts


def allocate(total: int, shares: Sequence[int]) -> list[int]:
    """total split in proportion to the shares, by largest remainder; the parts sum to total exactly.

    Shares may be negative as long as their sum is not 0 (discount lines among positive ones); a part then never
    exceeds its share in size when |total| <= |sum|. Ties go to the earlier share. Raises ValueError when the shares sum
    to 0 and total does not.
    """
    whole = sum(shares)
    if whole == 0:
        if total != 0:
            raise ValueError("cannot split an amount over shares that sum to 0")
        return [0] * len(shares)
    sign = 1 if whole > 0 else -1
    parts, remainders = [], []
    for share in shares:
        quotient, remainder = divmod(total * share * sign, whole * sign)
        parts.append(quotient)
        remainders.append(remainder)
    missing = total - sum(parts)
    assert 0 <= missing < max(len(parts), 1)
    if missing:
        # Stable also in reverse: among equal remainders the earlier comes first.
        for index in sorted(range(len(parts)), key=remainders.__getitem__, reverse=True)[:missing]:
            parts[index] += 1
    assert sum(parts) == total
    return parts


@cache
def point_writer(digits: int) -> Callable[[Sequence[int | None]], list[str | None]]:
    """What writes whole numbers of a last digit, many at once, with so many digits behind the point."""
    if digits == 0:
        return lambda column: [None if scaled is None else str(scaled) for scaled in column]
    # What stands behind the point is looked up, at most three digits at a time: half as dear as writing it.
    one, low = 10**digits, 10 ** min(digits, 3)
    ends, starts = _padded(min(digits, 3)), _padded(digits - 3)

    def negative(scaled: int) -> str:
        return f"-{-scaled // one}.{-scaled % one:0{digits}}"

    if digits <= 3:
        return lambda column: [
            None if scaled is None else f"{scaled // one}.{ends[scaled % one]}" if scaled >= 0 else negative(scaled)
            for scaled in column
        ]
    return lambda column: [
        None
        if scaled is None
        else f"{scaled // one}.{starts[scaled % one // low]}{ends[scaled % low]}"
        if scaled >= 0
        else negative(scaled)
        for scaled in column
    ]


@cache
def _padded(digits: int) -> tuple[str, ...]:
    return tuple([str(number).zfill(digits) for number in range(10 ** max(digits, 0))])
