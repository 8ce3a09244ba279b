"""Which order a cancelled line takes back: cancellations name no invoice, so the customer's own lines are searched.

Greedy: each cancelled line takes the latest earlier line of the same customer and product that has enough open units.
Whatever the credit note pays beyond the open amount of that line (prices differ at times) belongs to no order.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


@dataclass(slots=True)
class OpenLine:
    """A sale line and what is left of it."""

    order: str
    position: int
    occurred_at: datetime
    quantity: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Match:
    """The line that is taken back, by how much, and what is left over of the amount (0 or more)."""

    order: str
    position: int
    amount: Decimal
    surplus: Decimal


@dataclass(slots=True)
class OpenLines:
    """All sale lines of known customers that have units open, by customer and product."""

    _lines: defaultdict[tuple[str, str], list[OpenLine]] = field(default_factory=lambda: defaultdict(list))

    def add(self, customer: str, sku: str, line: OpenLine) -> None:
        """Remember a sale line."""
        self._lines[customer, sku].append(line)

    def take(self, customer: str, sku: str, *, quantity: int, amount: Decimal, at: datetime) -> Match | None:
        """The line that these units come back to, reduced by them; None when no line has enough."""
        lines = self._lines.get((customer, sku), [])
        for index in range(len(lines) - 1, -1, -1):
            line = lines[index]
            if line.quantity >= quantity and line.occurred_at <= at:
                taken = min(amount, line.amount)
                line.quantity -= quantity
                line.amount -= taken
                if line.quantity == 0:
                    del lines[index]
                return Match(line.order, line.position, taken, amount - taken)
        return None
