"""An order's lines as the rules of plans see them: items, with their shares of the discounts taken off. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.commissions.accrue import Place
from app.core.money import allocate


class Sold(NamedTuple):
    """A revenue line as it was sold; discounts are negative. base: in the tenant's currency, if known."""

    place: Place
    amount: int
    base: int | None
    quantity: int
    sku: str | None = None
    category: str | None = None


class Item(NamedTuple):
    """A line with its share of the order's discounts taken off, in the order's and in the tenant's currency."""

    place: Place
    net: int
    net_base: int
    quantity: int
    sku: str | None
    category: str | None


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
            Item(line.place, net, base, line.quantity, line.sku, line.category)
            for line, net, base in zip(items, nets, bases, strict=True)
            if net > 0
        ),
        has_base,
        is_same,
    )
