"""The European Central Bank's euro reference rates: eurofxref.csv and eurofxref-hist.csv, a line a day,
a column a currency, units of it for one euro.

The daily file writes days as `20 November 2026`, the history as `2026-11-20`; both end lines with a comma, and
blanks may follow commas. Where a currency was not quoted stands N/A or nothing.
"""

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from io import StringIO
from itertools import chain, combinations, product

from app.core.money import exponent
from app.errors import DomainError

EURO = "EUR"
SOURCE = "ecb"
CROSS_SOURCE = "ecb-cross"

DIGITS = Decimal("1e-10")
RATE_MAX = Decimal(10**10)
"""Rates are kept with ten digits before and ten behind the point."""

_EXACT = Context(prec=40, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Rate:
    """One `base` is `rate` `quote` on a day."""

    base: str
    quote: str
    day: date
    rate: Decimal
    source: str = SOURCE


def read_rates(text: str, *, since: date | None = None) -> Iterator[Rate]:
    """The euro's rates of a file, from the day `since` on; currencies that ISO 4217 no longer has are left out.

    Raises BAD_USER_INPUT naming the line for what is no such file.
    """
    lines = _lines(text.lstrip("\ufeff"))
    header = [cell.strip() for cell in next(lines, [])]
    if not header or header[0] != "Date" or len(header) < 2:
        raise _bad(1, "it does not begin with `Date` and currencies")
    quotes = [(place, code) for place, code in enumerate(header) if place and code and _is_current(code)]
    for number, cells in enumerate(lines, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        day = _day(cells[0].strip(), number)
        if since is not None and day < since:
            continue
        for place, code in quotes:
            value = cells[place].strip() if place < len(cells) else ""
            if value not in ("", "N/A"):
                yield Rate(EURO, code, day, _rate(value, number))


def _lines(text: str) -> Iterator[list[str]]:
    lines = csv.reader(StringIO(text))
    try:
        yield from lines
    except csv.Error:
        # A cell of more characters than the library takes.
        raise _bad(lines.line_num, "it is no line of a table") from None


def crossed(rates: Collection[Rate], *, only: Collection[str] | None = None) -> Iterator[Rate]:
    """The rates between two other currencies that the euro's rates of the same day give. only: those with one of these.

    Each pair once, from the dearer to the cheaper currency, so that ten digits behind the point are enough.
    """
    by_day: dict[date, list[Rate]] = {}
    for rate in rates:
        by_day.setdefault(rate.day, []).append(rate)
    for day, of_day in by_day.items():
        asked = [rate for rate in of_day if only is None or rate.quote in only]
        others = [rate for rate in of_day if only is not None and rate.quote not in only]
        for pair in chain(combinations(asked, 2), product(asked, others)):
            left, right = sorted(pair, key=lambda each: (each.rate, each.quote))
            yield Rate(left.quote, right.quote, day, _divided(right.rate, left.rate), CROSS_SOURCE)


def _divided(above: Decimal, below: Decimal) -> Decimal:
    return _EXACT.divide(above, below).quantize(DIGITS, context=_EXACT)


def _is_current(code: str) -> bool:
    try:
        exponent(code)
    except DomainError:
        return False
    return True


def _day(text: str, number: int) -> date:
    for form in ("%Y-%m-%d", "%d %B %Y"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    raise _bad(number, f"{text[:20]!r} is no day")


def _rate(text: str, number: int) -> Decimal:
    try:
        rate = Decimal(text)
    except InvalidOperation:
        raise _bad(number, f"{text[:20]!r} is no rate") from None
    if not rate.is_finite() or not DIGITS <= rate < RATE_MAX:
        raise _bad(number, f"{text[:20]!r} is no rate")
    return rate.quantize(DIGITS, context=_EXACT)


def _bad(number: int, what: str) -> DomainError:
    return DomainError("BAD_USER_INPUT", f"Line {number} is not of the ECB's CSV: {what}.", path=("csv",))
