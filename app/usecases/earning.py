"""What the credits of orders earn: by the plan that holds, else by the enrollment's or the campaign's rate.

A step of whatever books credits (`booking`), previews them, or rates them anew. The same way for all: plans are looked
up, whoever counts is locked (not for a preview), all else is read, the orders are rated one after the other in the
order given, by pure functions, and what was counted is written.
What the credits of one order earn is rounded for all of them at once.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from app.attribution.program import Program
from app.attribution.service import Credit
from app.commissions.accrue import Amount, Exact, Part, Revenue, Share, parts_of, spread, weighed
from app.commissions.plans.basket import Basket, basket
from app.commissions.plans.evaluate import Before, Due, Facts, Rated, Weighed, rated, weigh
from app.commissions.plans.history import load_history, lock_customers
from app.commissions.plans.in_force import load_in_force
from app.commissions.plans.ratings import Rating, insert_ratings, outcome_of
from app.commissions.plans.rules import Version, stored_rate
from app.commissions.plans.tallies import (
    Subject,
    Tallies,
    load_tallies,
    lock_holders,
    period_start,
    write_tallies,
)
from app.commissions.service import NewCommission, Terms
from app.core.context import Ctx
from app.core.ids import new_id
from app.core.pauses import Pauses
from app.core.timegrain import months_later
from app.core.words import CommissionKind
from app.db.session import ReadSession, WriteSession
from app.orders.conversion import Rates, key_of, load_rates
from app.products.queries import Traits, traits
from app.usecases.amending import NO_TERMS, BookedTerms
from app.usecases.rated_before import NOT_COUNTED, Counted, RatedBefore, rated_before
from app.usecases.rating_round import Credited, Earning, Round, sold_of
from app.usecases.taking_back import revenue_of

NO_LINE = (-1, None)
"""The place of what no line of the order earned: bonuses."""


def credited_of(credits: Iterable[Credit], program: Program) -> list[Credited]:
    """Those of an order's credits that may earn."""
    return [
        Credited(
            credit.position,
            credit.id,
            touch.influencer_id,
            touch.campaign_id,
            touch.code,
            credit.booked,
            program.rate(touch.campaign_id, touch.influencer_id),
        )
        for credit in credits
        if credit.booked and (touch := credit.touch) is not None and touch.influencer_id is not None
    ]


@dataclass(frozen=True, slots=True)
class Earned:
    """What one credit earned. rating: by the plan that held, None without one."""

    accrual: NewCommission
    bonuses: tuple[NewCommission, ...] = ()
    version: Version | None = None
    rating: Rating | None = None
    rated: Rated | None = None

    @property
    def lacks_rate(self) -> bool:
        """Whether a rule could not be applied for want of an exchange rate."""
        return self.rated is not None and self.rated.lacks_rate


@dataclass(frozen=True, slots=True)
class Books:
    """What credits earned, by order, and what was counted for it.

    ended: of credits that were put out of force, how they were rated. taken_back: what bonuses give back for them, by
    order. kept: what credits earn that keep their terms, by credit.
    """

    earned: Mapping[UUID, Sequence[Earned]]
    tallies: Tallies
    ended: RatedBefore = field(default_factory=RatedBefore)
    taken_back: Mapping[UUID, Sequence[NewCommission]] = field(default_factory=dict)
    kept: Mapping[UUID, Amount] = field(default_factory=dict)

    def rows(self) -> list[NewCommission]:
        """The commissions to post: accruals, and the bonuses that came with them."""
        return [row for of_order in self.earned.values() for one in of_order for row in (one.accrual, *one.bonuses)]

    def answers(self, order_id: UUID) -> list[dict[str, Any]]:
        """An order's accruals as the answer of a recorded order shows them."""
        return [one.accrual.to_json(lacks_rate=one.lacks_rate) for one in self.earned.get(order_id, ())]

    async def keep(self, ctx: Ctx, session: WriteSession) -> None:
        """Write ratings and tallies. The orders and their credits are written."""
        ratings = [one.rating for of_order in self.earned.values() for one in of_order if one.rating is not None]
        await insert_ratings(ctx, session, [*self.ended.ended(), *ratings])
        await write_tallies(ctx, session, self.tallies)


async def earn(
    ctx: Ctx,
    session: WriteSession,
    orders: Sequence[Earning],
    *,
    is_new: bool = True,
    ended: Collection[UUID] = (),
    booked: BookedTerms = NO_TERMS,
    has_plans: bool = True,
) -> Books:
    """What the credits of these orders, which are new, earn. Who is counted is locked until the transaction's end.

    has_plans: whether the tenant ever assigned any.
    is_new: whether the orders are too; those recorded before are not what came before themselves. ended: credits of
    these orders that are put out of force: what was counted for them is taken out first.
    booked: the terms of those that keep theirs.
    """
    found = await open_round(ctx, session, orders) if has_plans else Round(orders, {})
    found.is_new = is_new
    before = RatedBefore()
    if ended:
        ids = [order.order_id for order in orders]
        before = await rated_before(ctx, session, ids, lambda rating: rating.credit_id in ended)
    counted = before.counted(ctx)
    await lock_customers(ctx, session, found.customers())
    await lock_holders(ctx, session, found.holders() | counted.holders)
    await complete(ctx, session, found, counted)
    before.take_out(ctx, found.tallies)
    taken_back = {order.order_id: _bonuses_back(ctx, order, before) for order in orders} if before.ratings else {}
    return Books(await rate_all(ctx, found, booked), found.tallies, before, taken_back, found.amounts)


def _bonuses_back(ctx: Ctx, order: Earning, before: RatedBefore) -> list[NewCommission]:
    return [
        bonus(
            ctx,
            order,
            Terms(None, rating.influencer_id, rating.campaign_id, None, 0, None, rating.version_id),
            Due(key, -amount),
        )
        for rating in before.of_order(order.order_id)
        for key, amount in rating.outcome["dues"]
    ]


async def open_round(ctx: Ctx, session: ReadSession, orders: Sequence[Earning]) -> Round:
    """The orders with the plans that hold for their credits: at the orders' own times."""
    in_force = await load_in_force(
        ctx,
        session,
        {(credit.campaign_id, credit.influencer_id) for order in orders for credit in order.credits},
    )
    versions = {}
    for order in orders:
        for credit in order.credits:
            version = in_force.version(credit.campaign_id, credit.influencer_id, order.occurred_at)
            if version is not None:
                versions[order.order_id, credit.credit_id] = version
    return Round(orders, versions)


async def complete(ctx: Ctx, session: ReadSession, found: Round, counted: Counted = NOT_COUNTED) -> None:
    """Read all else that the plans look at: customers' orders, tallies, products, exchange rates; each if needed.

    counted: whose tallies are read besides, and of which periods.
    """
    if not found.versions and not counted.holders:
        return
    zone = ctx.tenant.reporting_zone
    periods = {
        period_start(version.period, order.occurred_at, zone)
        for order, _, version in found.under_plans
        if version.counts
    }
    found.tallies = await load_tallies(ctx, session, found.holders() | counted.holders, periods | counted.periods)
    found.history = await load_history(
        ctx,
        session,
        found.customers(),
        {credit.influencer_id for _, credit, _ in found.under_plans},
        but=[] if found.is_new else [order.order_id for order in found.orders],
        in_time=found.in_time,
    )
    found.traits = await traits(
        ctx,
        session,
        {
            line.product_id
            for order, _, version in found.under_plans
            if version.looks_at_products
            for line in order.lines
            if line.product_id is not None
        },
    )
    found.rates = await load_rates(
        ctx, session, {key_of(order.currency, order.occurred_at) for order, _, _ in found.under_plans}
    )


async def rate_all(ctx: Ctx, found: Round, booked: BookedTerms = NO_TERMS) -> dict[UUID, list[Earned]]:
    """What the credits earn, one order after the other; the round's tallies, history and amounts follow.

    booked: the terms of those that keep theirs.
    """
    pauses = Pauses()
    earned: dict[UUID, list[Earned]] = {}
    for order in found.orders:
        await pauses.take()
        earned[order.order_id] = _rated(ctx, found, order, booked)
        if found.versions:
            influencers = {credit.influencer_id for credit in order.credits}
            found.history.add(order.customer_id, order.occurred_at, influencers)
    return earned


@dataclass(frozen=True, slots=True)
class _UnderPlan:
    """A credit under a plan, whose volume is counted: what it was weighed by, and what it weighs."""

    version: Version
    subject: Subject
    facts: Facts
    volumes: Mapping[str, tuple[int, int]]
    weighed: Weighed


def _rated(ctx: Ctx, found: Round, order: Earning, booked: BookedTerms) -> list[Earned]:
    """What the order's credits earn: all are weighed, then the whole is parted, then each earns, in their order."""
    revenue: list[Revenue] = []
    sold: Basket | None = None
    claims: list[tuple[Credited, Exact, _UnderPlan | None]] = []
    for credit in order.credits:
        version = found.versions.get((order.order_id, credit.credit_id))
        if version is not None:
            sold = sold or basket(sold_of(order.lines, found.traits, _refunded(order)))
            under = _weigh(ctx, found, order, credit, version, sold)
            claims.append((credit, under.weighed.exact, under))
        elif credit.rate is not None:
            revenue = revenue or revenue_of(order.lines)
            claims.append((credit, weighed(revenue, weight=credit.weight, rate=credit.rate), None))
    kept = [(one, booked.claim(order.order_id, one.credit_id, order.lines)) for one in order.kept]
    exact = {credit.position: own for credit, own, _ in claims} | {one.position: claim.exact for one, claim in kept}
    positions = sorted(exact)
    parts = dict(zip(positions, parts_of([exact[position] for position in positions]), strict=True))
    for one, claim in kept:
        found.amounts[one.credit_id] = claim.amount(parts[one.position])
    return [
        _by_rate(order, credit, spread(revenue, parts[credit.position]))
        if under is None
        else _by_plan(ctx, found, order, credit, under, parts[credit.position])
        for credit, _, under in claims
    ]


def _refunded(order: Earning) -> dict[int, int]:
    return {line.position: line.refunded for line in order.lines if line.refunded and line.is_revenue}


def _by_rate(order: Earning, credit: Credited, amount: Amount) -> Earned:
    return Earned(_accrual(order, _terms(credit, rate=credit.rate, version=None), amount))


def _weigh(ctx: Ctx, found: Round, order: Earning, credit: Credited, version: Version, sold: Basket) -> _UnderPlan:
    subject = Subject(
        order.order_id,
        credit.influencer_id,
        credit.campaign_id,
        period_start(version.period, order.occurred_at, ctx.tenant.reporting_zone),
    )
    facts = _facts(ctx, found, order, credit, version)
    volumes = found.tallies.volumes(version, subject)
    result = weigh(version, sold, facts, volumes, found.matches)
    found.tallies.count_volumes(version, subject, result.added)
    return _UnderPlan(version, subject, facts, volumes, result)


def _by_plan(ctx: Ctx, found: Round, order: Earning, credit: Credited, under: _UnderPlan, part: Part) -> Earned:
    version = under.version
    rooms = found.tallies.rooms(version, under.subject)
    result = rated(under.weighed, part, rooms)
    sequence, budget_sequence = found.tallies.count_earned(version, under.subject, result)
    terms = _terms(credit, rate=result.rate, version=version)
    rating = Rating(
        order_id=order.order_id,
        credit_id=credit.credit_id,
        influencer_id=credit.influencer_id,
        campaign_id=credit.campaign_id,
        plan_id=version.plan_id,
        version_id=version.id,
        sequence=sequence,
        budget_sequence=budget_sequence,
        facts=under.facts,
        before=Before(under.volumes, rooms),
        categories=_categories(order, version, found.traits),
        refunded=_refunded(order),
        outcome=outcome_of(result),
    )
    bonuses = tuple(bonus(ctx, order, terms, due) for due in result.dues)
    return Earned(_accrual(order, terms, result.amount), bonuses, version, rating, result)


def _facts(ctx: Ctx, found: Round, order: Earning, credit: Credited, version: Version) -> Facts:
    factor = factor_of(found.rates, order.currency, order.occurred_at)
    if credit.credit_id in found.booked:
        return replace(found.booked[credit.credit_id].facts, weight=credit.weight, factor=factor)
    kind, before, until = None, None, {}
    if version.looks_at_customers and order.customer_id is not None:
        kind = found.history.kind(order.customer_id, order.occurred_at)
        before, first = found.history.before(credit.influencer_id, order.customer_id, order.occurred_at)
        if first is not None:
            asked = {rule.recurring.months_max for rule in version.rules if rule.recurring is not None}
            zone = ctx.tenant.reporting_zone
            until = {months: months_later(first, months, zone) for months in asked if months is not None}
    return Facts(
        occurred_at=order.occurred_at,
        weight=credit.weight,
        own_rate=None if credit.rate is None else stored_rate(credit.rate),
        code=credit.code,
        country=order.country,
        customer_kind=kind,
        orders_before=before,
        months_until=until,
        factor=factor,
    )


def factor_of(rates: Rates | None, currency: str, at: datetime) -> Fraction | None:
    """Minor units of the tenant's currency for one of this one, on the day; None where no rate is known."""
    assert rates is not None, "rates are read before"
    return Fraction(1) if currency == rates.currency else rates.factors.get(key_of(currency, at))


def _categories(order: Earning, version: Version, known: Mapping[UUID, Traits]) -> dict[UUID, str]:
    if not any(rule.when.categories for rule in version.rules):
        return {}
    products = {line.product_id for line in order.lines if line.product_id is not None}
    return {
        product_id: category
        for product_id in products
        if product_id in known and (category := known[product_id].category) is not None
    }


def _terms(credit: Credited, *, rate: Decimal | None, version: Version | None) -> Terms:
    return Terms(
        credit.credit_id,
        credit.influencer_id,
        credit.campaign_id,
        credit.code,
        credit.weight,
        rate,
        None if version is None else version.id,
    )


def _accrual(order: Earning, terms: Terms, amount: Amount) -> NewCommission:
    return NewCommission(
        id=new_id(),
        kind=CommissionKind.ACCRUAL,
        terms=terms,
        order_id=order.order_id,
        refund_id=None,
        currency=order.currency,
        amount=amount,
        occurred_at=order.occurred_at,
    )


def bonus(ctx: Ctx, order: Earning, terms: Terms, due: Due) -> NewCommission:
    """The row of a bonus: in the tenant's currency, at the time of the order that reached its threshold."""
    share = Share(NO_LINE, due.amount, due.amount, due.key, None)
    return NewCommission(
        id=new_id(),
        kind=CommissionKind.BONUS,
        terms=Terms(None, terms.influencer_id, terms.campaign_id, None, 0, None, terms.plan_version_id),
        order_id=order.order_id,
        refund_id=None,
        currency=ctx.tenant.currency,
        amount=Amount(0, due.amount, due.amount, (share,)),
        occurred_at=order.occurred_at,
    )
