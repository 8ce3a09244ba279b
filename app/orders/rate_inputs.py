"""What callers send about exchange rates, as plain values."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class RateInput:
    """A tenant's own rate: one `base` is `rate` `quote` on a day of UTC."""

    base: str
    quote: str
    day: date
    rate: Decimal


@dataclass(frozen=True, slots=True)
class RateFile:
    """A file of the ECB's, as text. since: days before it are left out."""

    csv: str
    since: date | None = None
