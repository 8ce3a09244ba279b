"""An order's lines as the rules of plans see them: items, with their shares of the discounts taken off. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.commissions.accrue import Place
from app.core.money import allocate, divide_half_even


class Sold(NamedTuple):
    """A revenue line as it was sold; discounts are negative. base: in the tenant's currency, if known.

    refunded: what of it had come back before it is rated: that counts for nothing.
    """

    place: Place
    amount: int
    base: int | None
    quantity: int
    sku: str | None = None
    category: str | None = None
    refunded: int = 0


class Item(NamedTuple):
    """A line with its share of the order's discounts taken off, in the order's and in the tenant's currency.

    amount, refunded: before discounts, and what of that had come back.
    """

    place: Place
    net: int
    net_base: int
    quantity: int
    sku: str | None
    category: str | None
    amount: int
    refunded: int

    def kept(self, value: int) -> int:
        """What is left of a value of the whole line."""
        return divide_half_even(value * (self.amount - self.refunded), self.amount) if self.refunded else value


@dataclass(frozen=True, slots=True)
class Basket:
    """What rules see of an order's lines. gross: the sum of the revenue lines. has_base: whether net_base is known."""

    gross: int
    items: tuple[Item, ...]
    has_base: bool
    is_same_currency: bool


def basket(lines: Sequence[Sold]) -> Basket:
    """The order's items, its discounts spread over them in proportion to their amounts."""
    items = [line for line in lines if line.amount >= 0]
    gross = sum(line.amount for line in lines)
    discount = gross - sum(line.amount for line in items)
    nets = [line.amount for line in items]
    if discount:
        nets = [net + part for net, part in zip(nets, allocate(discount, nets), strict=True)]
    known = [line.base for line in lines if line.base is not None]
    has_base = len(known) == len(lines)
    # All of an order's revenue can come back while a discount, and as much of the items, stays.
    is_gone = any(line.refunded for line in lines) and sum(line.refunded for line in lines) == gross
    is_same = all(line.amount == line.base for line in lines)
    if is_same:
        bases = nets
    elif has_base and gross:
        bases = allocate(sum(known), nets)
    else:
        bases = [0] * len(nets)
    return Basket(
        gross,
        tuple(
            Item(
                line.place,
                net,
                base,
                line.quantity,
                line.sku,
                line.category,
                line.amount,
                line.amount if is_gone else line.refunded,
            )
            for line, net, base in zip(items, nets, bases, strict=True)
            if net > 0
        ),
        has_base,
        is_same,
    )
