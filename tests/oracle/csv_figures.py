"""What the Online Retail file itself says, line by line: the standard library and SEMANTICS.md, nothing else.

Gross revenue and units are the lines sold, refunds the lines cancelled (whether or not an order is found for them),
each in whole pence. The month is that of the invoice's earliest time, which the file already has in London's time.
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

PENNY = Decimal("0.01")


@dataclass(slots=True)
class Figures:
    """Sums of one month, one product, or the whole file."""

    lines: int = 0
    orders: set[str] = field(default_factory=set)
    customers: set[str] = field(default_factory=set)
    units: int = 0
    gross: Decimal = Decimal(0)
    refunds: Decimal = Decimal(0)

    @property
    def net(self) -> Decimal:
        """Gross less refunds."""
        return self.gross - self.refunds


@dataclass(frozen=True, slots=True)
class FileFigures:
    """Everything, by month (2010-12), by stock code, and by both."""

    whole: Figures
    months: dict[str, Figures]
    products: dict[str, Figures]
    cells: dict[tuple[str, str], Figures]


def figures(path: Path) -> FileFigures:
    """The figures of a file."""
    earliest: dict[str, str] = {}
    for row in _rows(path):
        invoice, at = row["InvoiceNo"], row["InvoiceDate"]
        earliest[invoice] = min(at, earliest.get(invoice, at))
    whole = Figures()
    months: defaultdict[str, Figures] = defaultdict(Figures)
    products: defaultdict[str, Figures] = defaultdict(Figures)
    cells: defaultdict[tuple[str, str], Figures] = defaultdict(Figures)
    for row in _rows(path):
        invoice, product = row["InvoiceNo"], row["StockCode"]
        quantity, price = int(row["Quantity"]), Decimal(row["UnitPrice"])
        if invoice.startswith("A") or price <= 0:
            continue
        amount = (abs(quantity) * price).quantize(PENNY, rounding=ROUND_HALF_EVEN)
        month = earliest[invoice][:7]
        for sums in (whole, months[month], products[product], cells[month, product]):
            if invoice.startswith("C"):
                sums.refunds += amount
            elif quantity > 0:
                sums.lines += 1
                sums.orders.add(invoice)
                sums.customers |= {row["CustomerID"]} - {""}
                sums.units += quantity
                sums.gross += amount
    return FileFigures(whole, dict(months), dict(products), dict(cells))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        yield from csv.DictReader(text)
