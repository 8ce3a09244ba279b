"""What credits earn by the terms they were booked under, whatever holds now.

A step of `edit_orders`, and, for the credits of an order that are not rated anew with its others, of `rerating` and
`rejudging`. Without a plan by the rate that was booked; by a plan under the version that rated the credit, with what it
saw then: counted volumes, caps, the customer's orders and the products' categories. Nothing is counted anew. Credits
whose commission was rejected earn nothing more, but are weighed: what the others get does not depend on it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple
from uuid import UUID

from app.commissions.accrue import Amount, Exact, Part, parts_of, spread, weighed
from app.commissions.earnings import load_booked
from app.commissions.plans.basket import basket
from app.commissions.plans.evaluate import Weighed, rated, weigh
from app.commissions.plans.in_force import load_versions
from app.commissions.plans.ratings import Rating, newest_ratings
from app.commissions.plans.rules import Version
from app.commissions.service import Terms
from app.core.context import Ctx
from app.db.session import ReadSession
from app.orders.known import OrderState
from app.orders.open_lines import OpenLine
from app.products.queries import Traits, traits
from app.usecases.rating_round import sold_of
from app.usecases.taking_back import revenue_of


class Claim(NamedTuple):
    """What a credit earns exactly, and what that is by its part of what the order earns."""

    exact: Exact
    amount: Callable[[Part], Amount]


@dataclass(frozen=True, slots=True)
class BookedTerms:
    """Under what the credits of locked orders were booked. terms: by order and credit, the oldest first.

    ratings: by credit, of those that a plan rated.
    """

    terms: Mapping[UUID, Mapping[UUID, Terms]] = field(default_factory=dict)
    ratings: Mapping[UUID, Rating] = field(default_factory=dict)
    versions: Mapping[UUID, Version] = field(default_factory=dict)
    traits: Mapping[UUID, Traits] = field(default_factory=dict)

    def has(self, order_id: UUID, credit_id: UUID) -> bool:
        """Whether the credit was booked with terms."""
        return credit_id in self.terms.get(order_id, {})

    def claim(self, order_id: UUID, credit_id: UUID, lines: Sequence[OpenLine]) -> Claim:
        """What the credit earns of these lines."""
        terms = self.terms[order_id][credit_id]
        if terms.plan_version_id is None:
            assert terms.rate is not None, "what no plan rated has a rate"
            revenue = revenue_of(lines)
            return Claim(weighed(revenue, weight=terms.weight, rate=terms.rate), partial(spread, revenue))
        rating = self.ratings[credit_id]
        known = {
            product_id: Traits(found.sku, rating.categories.get(product_id, found.category))
            for product_id, found in self.traits.items()
        }
        version = self.versions[rating.version_id]
        # The weight is the credit's own: it may have been judged anew since.
        facts = replace(rating.facts, weight=terms.weight)
        sold = basket(sold_of(lines, known, rating.refunded))
        result = weigh(version, sold, facts, rating.before.volumes)
        return Claim(result.exact, partial(_by_plan, result, rating))

    def amounts(self, order_id: UUID, lines: Sequence[OpenLine]) -> dict[UUID, Amount]:
        """What each of the order's credits earns of these lines."""
        claims = {credit_id: self.claim(order_id, credit_id, lines) for credit_id in self.terms.get(order_id, ())}
        parts = parts_of([claim.exact for claim in claims.values()])
        return {credit_id: claim.amount(part) for (credit_id, claim), part in zip(claims.items(), parts, strict=True)}


NO_TERMS = BookedTerms()


def _by_plan(found: Weighed, rating: Rating, part: Part) -> Amount:
    return rated(found, part, rating.before.rooms).amount


async def open_terms(
    ctx: Ctx, session: ReadSession, order_ids: Collection[UUID], products: Collection[UUID]
) -> BookedTerms:
    """The terms of these orders' credits; three more statements where a plan rated any.

    products: of all lines that are to be rated.
    """
    if not order_ids:
        return NO_TERMS
    booked = await load_booked(ctx, session, order_ids)
    asked = [
        order_id
        for order_id, of_order in booked.items()
        if any(terms.plan_version_id is not None for terms in of_order.values())
    ]
    if not asked:
        return BookedTerms(booked)
    ratings = await newest_ratings(ctx, session, asked)
    versions = await load_versions(ctx, session, {rating.version_id for rating in ratings.values()})
    needs_products = any(version.looks_at_products for version in versions.values())
    return BookedTerms(booked, ratings, versions, await traits(ctx, session, set(products)) if needs_products else {})


def products_of(orders: Iterable[OrderState]) -> set[UUID]:
    """The products of these orders' lines."""
    return {line.product_id for order in orders for line in order.lines if line.product_id is not None}
