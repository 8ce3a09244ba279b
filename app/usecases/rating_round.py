"""Orders whose credits are rated together, with all that is known for it. Filled and gone through by `earning`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from app.commissions.accrue import Amount
from app.commissions.plans.basket import Sold
from app.commissions.plans.evaluate import Matches
from app.commissions.plans.history import History
from app.commissions.plans.ratings import Rating
from app.commissions.plans.rules import Version
from app.commissions.plans.tallies import Holder, Tallies, holders_of
from app.orders.conversion import Rates
from app.orders.open_lines import OpenLine
from app.products.queries import Traits


class Credited(NamedTuple):
    """A credit that may earn. position: among its order's credits, the oldest first. rate: the enrollment's, else the
    campaign's; None without a campaign."""

    position: int
    credit_id: UUID
    influencer_id: UUID
    campaign_id: UUID | None
    code: str | None
    weight: int
    rate: Decimal | None


class Kept(NamedTuple):
    """A credit that keeps the terms it was booked under, while others of its order are rated. credit_id: that its
    commissions name."""

    position: int
    credit_id: UUID


@dataclass(frozen=True, slots=True)
class Earning:
    """An order with its credits. Orders that nobody is credited for are told too: their customers' next ones follow.

    kept: credits with which these share what the order earns, which is rounded for all of them at once.
    """

    order_id: UUID
    occurred_at: datetime
    currency: str
    country: str | None
    customer_id: UUID | None
    lines: Sequence[OpenLine]
    credits: Sequence[Credited]
    kept: Sequence[Kept] = ()


@dataclass
class Round:
    """Orders that are rated together, with what is known for it. versions: by order and credit, of plans that hold.

    booked: by credit, ratings whose facts hold, but for the exchange rate and the weight; all others' are looked up.
    amounts: what came of it for the credits that keep their terms, by credit.
    """

    orders: Sequence[Earning]
    versions: Mapping[tuple[UUID, UUID], Version]
    history: History = field(default_factory=History)
    tallies: Tallies = field(default_factory=Tallies)
    traits: Mapping[UUID, Traits] = field(default_factory=dict)
    rates: Rates | None = None
    matches: Matches = field(default_factory=dict)
    is_new: bool = True
    in_time: bool = False
    booked: Mapping[UUID, Rating] = field(default_factory=dict)
    amounts: dict[UUID, Amount] = field(default_factory=dict)

    @cached_property
    def under_plans(self) -> Sequence[tuple[Earning, Credited, Version]]:
        """The credits for which a plan holds."""
        return [
            (order, credit, version)
            for order in self.orders
            for credit in order.credits
            if (version := self.versions.get((order.order_id, credit.credit_id))) is not None
        ]

    def holders(self) -> set[Holder]:
        """Whose ratings are counted."""
        return {
            holder
            for _, credit, version in self.under_plans
            for holder in holders_of(version, credit.influencer_id, credit.campaign_id)
        }

    def customers(self) -> set[UUID]:
        """Of whom it matters which order theirs is."""
        return {
            order.customer_id
            for order, credit, version in self.under_plans
            if version.looks_at_customers and order.customer_id is not None and credit.credit_id not in self.booked
        }

    def as_booked(self, order: Earning) -> "Round":
        """The round of this order alone, which counts on, with its products' categories as they were booked."""
        categories: dict[UUID, str] = {}
        for credit in order.credits:
            if (rating := self.booked.get(credit.credit_id)) is not None:
                categories.update(rating.categories)
        known = {
            product_id: Traits(found.sku, categories.get(product_id, found.category))
            for product_id, found in self.traits.items()
        }
        return replace(self, orders=[order], traits=known)


def sold_of(lines: Sequence[OpenLine], known: Mapping[UUID, Traits], refunded: Mapping[int, int]) -> list[Sold]:
    """The revenue lines as rules see them. refunded: by position, what of them had come back when they were rated."""
    sold = []
    for line in lines:
        if line.is_revenue:
            trait = None if line.product_id is None else known.get(line.product_id)
            sku, category = (None, None) if trait is None else trait
            place, back = (line.position, line.product_id), refunded.get(line.position, 0)
            sold.append(Sold(place, line.amount, line.base, line.quantity, sku, category, back))
    return sold
