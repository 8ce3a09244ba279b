"""The first pass: what must be known before the first order can be made. Holds one entry an invoice, none a line."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.integrations.online_retail.lines import Line, LineKind, Parser, opened

BOOKED = frozenset({LineKind.SALE, LineKind.CANCELLATION})
"""Kinds that become facts."""


@dataclass(frozen=True, slots=True)
class Invoice:
    """The head of an invoice. occurred_at: its earliest time. lines_last: number of its last row in the file.

    is_order: it has lines that are sales. is_late: it lies at or after the end that was asked for.
    """

    number: str
    occurred_at: datetime
    customer: str | None
    country: str | None
    lines_last: int
    is_order: bool
    is_late: bool


@dataclass(frozen=True, slots=True)
class Survey:
    """One file, looked through. Invoices in order of their first line.

    products: title by stock code, the one that most sale lines have. customers: country by id, the latest known.
    several_times, several_customers: invoices whose lines have different ones; no customer is one of its own.
    """

    path: Path
    weeks: int
    end: datetime | None
    invoices: dict[str, Invoice]
    products: dict[str, str]
    customers: dict[str, str | None]
    several_times: int
    several_customers: int


@dataclass(slots=True)
class _Head:
    line: Line
    earliest: datetime
    latest: datetime
    lines_last: int = 0
    is_order: bool = False
    is_shared: bool = False


def survey(path: Path, *, weeks: int = 0, end: datetime | None = None) -> Survey:
    """What is in the file.

    weeks: moves all times, see Parser. end: invoices at or after it are left out.
    """
    parser = Parser(weeks=weeks)
    heads: dict[str, _Head] = {}
    titles: defaultdict[str, Counter[str]] = defaultdict(Counter)
    customers: dict[str, str | None] = {}
    with opened(path) as rows:
        for number, row in enumerate(rows):
            line = parser.line(row)
            if line is None:
                continue
            head = heads.get(line.invoice)
            if head is None:
                head = heads[line.invoice] = _Head(line, line.at, line.at)
            elif line.at < head.earliest:
                head.earliest = line.at
            elif line.at > head.latest:
                head.latest = line.at
            head.lines_last = number
            if line.customer != head.line.customer:
                head.is_shared = True
            if line.kind in BOOKED:
                titles[line.sku][line.title] += 1
                if line.kind is LineKind.SALE:
                    head.is_order = True
                if line.customer is not None:
                    customers[line.customer] = line.country
    return Survey(
        path=path,
        weeks=weeks,
        end=end,
        invoices={number: _invoice(head, end) for number, head in heads.items()},
        products={sku: _title(sku, counts) for sku, counts in titles.items()},
        customers=customers,
        several_times=sum(head.earliest != head.latest for head in heads.values()),
        several_customers=sum(head.is_shared for head in heads.values()),
    )


def _invoice(head: _Head, end: datetime | None) -> Invoice:
    return Invoice(
        number=head.line.invoice,
        occurred_at=head.earliest,
        customer=head.line.customer,
        country=head.line.country,
        lines_last=head.lines_last,
        is_order=head.is_order,
        is_late=end is not None and head.earliest >= end,
    )


def _title(sku: str, counts: Counter[str]) -> str:
    # The commonest, ties in alphabetical order; a product that was never described is called by its code.
    described = {title: count for title, count in counts.items() if title}
    return min(described, key=lambda title: (-described[title], title), default=sku)
