"""Where every line of the file went. Each line is in exactly one bucket; the buckets add up to the file."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from app.integrations.online_retail.lines import ZERO


class Bucket(StrEnum):
    """What became of a line."""

    ORDER_LINE = "ORDER_LINE"
    REFUND = "REFUND"
    ADJUSTMENT_NO_ORDER = "ADJUSTMENT_NO_ORDER"
    ADJUSTMENT_NO_CUSTOMER = "ADJUSTMENT_NO_CUSTOMER"
    BAD_DEBT = "BAD_DEBT"
    STOCK_ADJUSTMENT = "STOCK_ADJUSTMENT"
    PRICE_NOT_POSITIVE = "PRICE_NOT_POSITIVE"
    AFTER_END = "AFTER_END"
    MALFORMED = "MALFORMED"


MEANINGS: dict[Bucket, str] = {
    Bucket.ORDER_LINE: "sold: a line of an order",
    Bucket.REFUND: "cancelled, and matched to an earlier line of the same customer and product: a refund",
    Bucket.ADJUSTMENT_NO_ORDER: "cancelled, but no earlier line has enough open units: an adjustment",
    Bucket.ADJUSTMENT_NO_CUSTOMER: "cancelled without a customer, so no order can be found: an adjustment",
    Bucket.BAD_DEBT: "book-keeping of bad debt (invoices A…): left out",
    Bucket.STOCK_ADJUSTMENT: "goods counted, broken or lost (negative quantity, no cancellation): left out",
    Bucket.PRICE_NOT_POSITIVE: "given away or booked without a price: left out",
    Bucket.AFTER_END: "after the end that was asked for: left out",
    Bucket.MALFORMED: "not a line of this format, or a cancellation that cancels nothing: left out",
}
"""What each bucket holds, in words."""

MALFORMED_SHOWN_MAX = 20
"""Row numbers of malformed lines that a report names; all are counted."""


@dataclass(slots=True)
class Tally:
    """Lines, their units and their exact value (quantity × price), with the file's signs."""

    lines: int = 0
    quantity: int = 0
    value: Decimal = ZERO

    def add(self, quantity: int, value: Decimal) -> None:
        """Count one line."""
        self.lines += 1
        self.quantity += quantity
        self.value += value

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"lines": self.lines, "quantity": self.quantity, "value": format(self.value, "f")}


def _tallies() -> dict[Bucket, Tally]:
    return {bucket: Tally() for bucket in Bucket}


@dataclass(slots=True)
class Report:
    """What was found in a file and what was made of it; filled while the file is read.

    surplus: what matched credit notes pay beyond their order line, booked as adjustments of their own (the lines are in
    bucket REFUND). rounded, rounding: lines whose value has parts of a penny, and booked minus exact value.
    several_times, several_customers: invoices whose lines differ in it; the earliest time and the first line's customer
    were taken.
    """

    lines: int = 0
    positive: Decimal = ZERO
    negative: Decimal = ZERO
    buckets: dict[Bucket, Tally] = field(default_factory=_tallies)
    orders: int = 0
    units: int = 0
    gross: Decimal = ZERO
    refunds: int = 0
    refunded: Decimal = ZERO
    adjustments: int = 0
    adjusted: Decimal = ZERO
    surplus: Tally = field(default_factory=Tally)
    rounded: int = 0
    rounding: Decimal = ZERO
    several_times: int = 0
    several_customers: int = 0
    malformed_rows: list[int] = field(default_factory=list)

    def count(self, bucket: Bucket, quantity: int, value: Decimal) -> None:
        """Put a line into its bucket."""
        self.lines += 1
        if value > 0:
            self.positive += value
        else:
            self.negative += value
        self.buckets[bucket].add(quantity, value)

    def count_malformed(self, row: int, quantity: int, value: Decimal) -> None:
        """Put a malformed line into its bucket. row: its number in the file, the header being 1."""
        self.count(Bucket.MALFORMED, quantity, value)
        if len(self.malformed_rows) < MALFORMED_SHOWN_MAX:
            self.malformed_rows.append(row)

    def check(self) -> None:
        """Assert that every line is in one bucket and that what was booked is what the buckets hold."""
        tallies = self.buckets.values()
        assert sum(tally.lines for tally in tallies) == self.lines
        assert sum((tally.value for tally in tallies), ZERO) == self.positive + self.negative
        cancelled = (Bucket.REFUND, Bucket.ADJUSTMENT_NO_ORDER, Bucket.ADJUSTMENT_NO_CUSTOMER)
        exact = self.buckets[Bucket.ORDER_LINE].value + sum((self.buckets[name].value for name in cancelled), ZERO)
        assert self.gross - self.refunded - self.adjusted == exact + self.rounding

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; amounts as decimal strings in pounds."""
        return {
            "lines": self.lines,
            "positiveValue": format(self.positive, "f"),
            "negativeValue": format(self.negative, "f"),
            "buckets": {bucket.value: tally.to_json() for bucket, tally in self.buckets.items()},
            "orders": self.orders,
            "units": self.units,
            "grossRevenue": format(self.gross, "f"),
            "refunds": self.refunds,
            "refunded": format(self.refunded, "f"),
            "adjustments": self.adjustments,
            "adjusted": format(self.adjusted, "f"),
            "surplus": self.surplus.to_json(),
            "roundedLines": self.rounded,
            "rounding": format(self.rounding, "f"),
            "invoicesWithSeveralTimes": self.several_times,
            "invoicesWithSeveralCustomers": self.several_customers,
            "malformedRows": self.malformed_rows,
        }
