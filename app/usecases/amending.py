"""What an edited order earns: by the terms it was booked under, whatever holds now.

A step of `edit_orders`. Without a plan the rate that was booked; by a plan the version that rated the credit, with what
it saw then: counted volumes, caps, the customer's orders and the products' categories. Nothing is counted anew.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from app.commissions.accrue import Amount, amendment, difference
from app.commissions.plans.basket import basket
from app.commissions.plans.evaluate import rated
from app.commissions.plans.in_force import load_versions
from app.commissions.plans.ratings import Rating, newest_ratings
from app.commissions.plans.rules import Version
from app.commissions.service import Earnings
from app.core.context import Ctx
from app.db.session import ReadSession
from app.orders.open_lines import OpenLine
from app.products.queries import Traits, traits
from app.usecases.earning import sold_of
from app.usecases.taking_back import Books, revenue_of


@dataclass(frozen=True, slots=True)
class BookedTerms:
    """Under what the credits of locked orders were booked. ratings: by credit, of those that a plan rated."""

    ratings: Mapping[UUID, Rating] = field(default_factory=dict)
    versions: Mapping[UUID, Version] = field(default_factory=dict)
    traits: Mapping[UUID, Traits] = field(default_factory=dict)

    def amendment(self, earnings: Earnings, lines: Sequence[OpenLine]) -> Amount:
        """The difference between what the credit earns of these lines and what it earned so far."""
        terms = earnings.terms
        rating = None
        if terms.plan_version_id is not None and terms.credit_id is not None:
            rating = self.ratings[terms.credit_id]
        if rating is None:
            assert terms.rate is not None, "what no plan rated has a rate"
            return amendment(revenue_of(lines), earnings.earned, weight=terms.weight, rate=terms.rate)
        known = {
            product_id: Traits(found.sku, rating.categories.get(product_id, found.category))
            for product_id, found in self.traits.items()
        }
        version = self.versions[rating.version_id]
        # The weight is the credit's own: it may have been judged anew since.
        facts = replace(rating.facts, weight=terms.weight)
        result = rated(version, basket(sold_of(lines, known, rating.refunded)), facts, rating.standing)
        return difference(result.amount, earnings.earned)


async def open_terms(ctx: Ctx, session: ReadSession, books: Books, products: Collection[UUID]) -> BookedTerms:
    """The terms of these orders' credits; three statements where a plan rated any. products: that edits bring."""
    asked = [
        order_id
        for order_id, of_order in books.earnings.items()
        if any(earnings.terms.plan_version_id is not None for earnings in of_order)
    ]
    if not asked:
        return BookedTerms()
    ratings = await newest_ratings(ctx, session, asked)
    versions = await load_versions(ctx, session, {rating.version_id for rating in ratings.values()})
    lines = {line.product_id for order in books.orders.values() for line in order.lines if line.product_id is not None}
    needs_products = any(version.looks_at_products for version in versions.values())
    return BookedTerms(ratings, versions, await traits(ctx, session, {*lines, *products}) if needs_products else {})
