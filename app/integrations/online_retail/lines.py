"""One line of the file: what it says, and what it is. Values are exact; parts of a penny are rounded when booked."""

import csv
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from enum import StrEnum
from io import TextIOWrapper, UnsupportedOperation
from pathlib import Path
from typing import IO, NamedTuple, cast

from app.core.timegrain import to_utc, zone
from app.errors import DomainError

COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
CURRENCY = "GBP"
ZONE = "Europe/London"

ZERO = Decimal(0)
PENNY = Decimal("0.01")

CANCELLATION_MARK = "C"
BAD_DEBT_MARK = "A"

# Countries as the file spells them. It also has "Channel Islands", "European Community" and "Unspecified", which are
# no country of ISO 3166-1: orders from there have none.
COUNTRIES = {
    "Australia": "AU",
    "Austria": "AT",
    "Bahrain": "BH",
    "Belgium": "BE",
    "Brazil": "BR",
    "Canada": "CA",
    "Cyprus": "CY",
    "Czech Republic": "CZ",
    "Denmark": "DK",
    "EIRE": "IE",
    "Finland": "FI",
    "France": "FR",
    "Germany": "DE",
    "Greece": "GR",
    "Hong Kong": "HK",
    "Iceland": "IS",
    "Israel": "IL",
    "Italy": "IT",
    "Japan": "JP",
    "Lebanon": "LB",
    "Lithuania": "LT",
    "Malta": "MT",
    "Netherlands": "NL",
    "Norway": "NO",
    "Poland": "PL",
    "Portugal": "PT",
    "RSA": "ZA",
    "Saudi Arabia": "SA",
    "Singapore": "SG",
    "Spain": "ES",
    "Sweden": "SE",
    "Switzerland": "CH",
    "USA": "US",
    "United Arab Emirates": "AE",
    "United Kingdom": "GB",
}


class LineKind(StrEnum):
    """What a line is. Only the first two become facts; the others are counted in the report."""

    SALE = "SALE"
    CANCELLATION = "CANCELLATION"
    BAD_DEBT = "BAD_DEBT"
    STOCK_ADJUSTMENT = "STOCK_ADJUSTMENT"
    PRICE_NOT_POSITIVE = "PRICE_NOT_POSITIVE"
    UNCLEAR = "UNCLEAR"


class Line(NamedTuple):
    """A line of the file. price: per unit. at: when it says it happened. A tuple, for half a million are made."""

    invoice: str
    sku: str
    title: str
    quantity: int
    price: Decimal
    at: datetime
    customer: str | None
    country: str | None
    kind: LineKind

    @property
    def value(self) -> Decimal:
        """Quantity × price, exactly: it may have parts of a penny."""
        return self.quantity * self.price

    @property
    def amount(self) -> Decimal:
        """The value's size in whole pence, half-even."""
        return abs(self.value).quantize(PENNY, rounding=ROUND_HALF_EVEN)


@dataclass(slots=True)
class Parser:
    """Makes lines of rows. Times, prices and customers repeat: each spelling is converted once.

    weeks: moves all times by whole weeks of the local calendar, so that weekdays and hours stay what they were.
    """

    weeks: int = 0
    _times: dict[str, datetime] = field(default_factory=dict)
    _prices: dict[str, Decimal] = field(default_factory=dict)
    _customers: dict[str, str | None] = field(default_factory=lambda: {"": None})

    def line(self, row: list[str]) -> Line | None:
        """The line, or None when the row is none (columns missing, no number, no time)."""
        try:
            invoice, sku, title, quantity_text, at_text, price_text, customer_text, country = row
            quantity = _quantity(quantity_text)
            at = self._times.get(at_text) or self._time(at_text)
            price = self._prices.get(price_text)
            if price is None:
                price = self._price(price_text)
            if customer_text in self._customers:
                customer = self._customers[customer_text]
            else:
                customer = self._customer(customer_text)
        except (ValueError, InvalidOperation):
            return None
        if not invoice or not sku:
            return None
        kind = _kind(invoice, quantity, price)
        return Line(invoice, sku, title.strip(), quantity, price, at, customer, COUNTRIES.get(country), kind)

    def remains(self, row: list[str]) -> tuple[int, Decimal]:
        """Quantity and exact value of a row that is no line, as far as they can be read: 0 for what cannot."""
        if len(row) > len(COLUMNS):
            # A comma too many: nobody knows which column is which.
            return 0, ZERO
        try:
            quantity = _quantity(row[COLUMNS.index("Quantity")])
        except (ValueError, IndexError):
            return 0, ZERO
        try:
            return quantity, quantity * self._price(row[COLUMNS.index("UnitPrice")])
        except (ValueError, IndexError, InvalidOperation):
            return quantity, ZERO

    def _time(self, text: str) -> datetime:
        local = datetime.strptime(text, "%Y-%m-%d %H:%M:%S") + timedelta(weeks=self.weeks)  # noqa: DTZ007
        at = to_utc(local.replace(tzinfo=zone(ZONE)))
        self._times[text] = at
        return at

    def _price(self, text: str) -> Decimal:
        price = Decimal(text)
        if not price.is_finite() or not -15 < price.adjusted() < 15:
            raise ValueError("a price is a number that can be multiplied exactly")
        self._prices[text] = price
        return price

    def _customer(self, text: str) -> str | None:
        # The published file writes customers as 17850.0: the column once had gaps, and so became a float.
        customer = str(int(text.removesuffix(".0")))
        self._customers[text] = customer
        return customer


def _quantity(text: str) -> int:
    if len(text) > 12:
        raise ValueError("a quantity is a number that can be multiplied exactly")
    return int(text)


def _kind(invoice: str, quantity: int, price: Decimal) -> LineKind:
    if invoice[0] == BAD_DEBT_MARK:
        return LineKind.BAD_DEBT
    if price <= 0:
        return LineKind.STOCK_ADJUSTMENT if quantity <= 0 else LineKind.PRICE_NOT_POSITIVE
    if invoice[0] == CANCELLATION_MARK:
        return LineKind.CANCELLATION if quantity < 0 else LineKind.UNCLEAR
    return LineKind.SALE if quantity > 0 else LineKind.STOCK_ADJUSTMENT


@contextmanager
def opened(path: Path) -> Iterator[Iterator[list[str]]]:
    """The rows below the header, of a plain or gzipped file. Raises BAD_USER_INPUT for other columns, broken files."""
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            binary = cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if zipped else raw
            with TextIOWrapper(binary, encoding="utf-8-sig", newline="") as text:
                rows = csv.reader(text)
                if tuple(next(rows, [])) != COLUMNS:
                    raise DomainError(
                        "BAD_USER_INPUT",
                        f"{path.name} is not an Online Retail file: its first line must be {','.join(COLUMNS)}.",
                    )
                yield rows
    except UnsupportedOperation as error:
        raise DomainError("BAD_USER_INPUT", f"{path} is a pipe; it is read twice. Name a file.") from error
    except (UnicodeDecodeError, csv.Error, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DomainError(
            "BAD_USER_INPUT", f"{path.name} cannot be read to its end as CSV in UTF-8: {type(error).__name__}."
        ) from error
    except OSError as error:
        raise DomainError(
            "BAD_USER_INPUT", f"{path} cannot be read: {error.strerror}. Name a file that can be."
        ) from error
