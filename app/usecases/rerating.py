"""Rates credits of recorded orders anew, inside the transaction that asks for it: plans → commissions → ledger →
rollups.

A step of `recompute_commissions`, which rates orders as they are now, in the order of their time, by the versions that
hold for their dates now; and of `convert_late`, which rates credits that lacked an exchange rate by the versions and
facts that they were booked by. What they had counted is taken out of the tallies first, what others counted stays
before them. Credits of these orders that are not asked for keep their terms, and share what the order earns.
Differences are posted: EDIT for a credit, BONUS for bonuses; reversals follow. What was rejected stays rejected.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from app.commissions.accrue import Amount, added, difference
from app.commissions.earnings import Earnings, amended, earnings_of
from app.commissions.plans.evaluate import Due
from app.commissions.plans.history import lock_customers
from app.commissions.plans.ratings import Rating, insert_ratings, newest_ratings
from app.commissions.plans.rerating import OrderToRate, Which, orders_of_credits
from app.commissions.plans.rules import shown_rate
from app.commissions.plans.tallies import lock_holders, write_tallies
from app.commissions.retaking import rejected_of
from app.commissions.service import NewCommission, Terms
from app.core.context import Ctx
from app.core.ids import new_id
from app.core.words import CommissionKind
from app.db.session import WriteSession
from app.orders.known import check_read, lock_orders
from app.usecases.amending import open_terms, products_of
from app.usecases.earning import Earned, bonus, complete, open_round, rate_all
from app.usecases.rated_before import RatedBefore, rated_before
from app.usecases.rating_round import Credited, Earning, Kept, Round
from app.usecases.taking_back import Books, open_books, reverse, write

LATE_REASON = "The exchange rate of the order's day came late."


@dataclass(frozen=True, slots=True)
class Rerated:
    """An order and what was posted for it: nothing where everybody keeps what they had."""

    order: OrderToRate
    commissions: Sequence[NewCommission]


async def rerate(
    ctx: Ctx, session: WriteSession, orders: Sequence[OrderToRate], which: Which, *, reason: str
) -> list[Rerated]:
    """What was posted for each of the orders, in the order given, which is that of their time.

    reason: kept with every row that is posted. Raises BATCH_TOO_LARGE when they have more lines than a call holds.
    """

    def fits(rating: Rating) -> bool:
        return which.has(rating.influencer_id, rating.campaign_id)

    return await _rerate(ctx, session, orders, fits, reason=reason)


async def rerate_late(ctx: Ctx, session: WriteSession, order_ids: Collection[UUID]) -> list[Rerated]:
    """What was posted for those of these orders of which credits lacked an exchange rate, which is known by now.

    Those credits alone are rated; others keep their terms. The orders are locked, and converted.
    """
    newest = await newest_ratings(ctx, session, order_ids)
    lacking = {credit_id: rating.order_id for credit_id, rating in newest.items() if rating.lacks_rate}
    if not lacking:
        return []
    orders = await orders_of_credits(ctx, session, lacking)

    def fits(rating: Rating) -> bool:
        return rating.credit_id in lacking

    return await _rerate(ctx, session, orders, fits, reason=LATE_REASON, as_booked=True)


async def _rerate(
    ctx: Ctx,
    session: WriteSession,
    orders: Sequence[OrderToRate],
    fits: Callable[[Rating], bool],
    *,
    reason: str,
    as_booked: bool = False,
) -> list[Rerated]:
    # What is locked as booked is locked already, however many lines it has.
    states = await lock_orders(ctx, session, {order.external_id for order in orders}, is_bounded=not as_booked)
    for state in states.values():
        check_read(state)
    books = await open_books(ctx, session, states)
    rejected = await rejected_of(ctx, session, [order.id for order in orders])
    before = await rated_before(ctx, session, [order.id for order in orders], fits)
    earnings = {
        each.terms.credit_id: each for of_order in books.earnings.values() for each in of_order if each.terms.credit_id
    }
    kept = {
        order.id: [
            Kept(position, credit.earns_as)
            for position, credit in enumerate(order.credits)
            if not credit.is_asked or (order.id, credit.influencer_id) in rejected
        ]
        for order in orders
    }
    sharing = [order_id for order_id, of_order in kept.items() if of_order]
    booked = await open_terms(ctx, session, sharing, products_of(states.values()))
    earning = [
        Earning(
            order_id=order.id,
            occurred_at=order.occurred_at,
            currency=order.currency,
            country=order.country,
            customer_id=order.customer_id,
            lines=states[order.external_id].lines,
            credits=[
                Credited(
                    position,
                    credit.earns_as,
                    credit.influencer_id,
                    credit.campaign_id,
                    credit.code,
                    credit.weight,
                    _own_rate(earnings.get(credit.earns_as), before.ratings.get(credit.earns_as)),
                )
                for position, credit in enumerate(order.credits)
                if credit.is_asked and (order.id, credit.influencer_id) not in rejected
            ],
            kept=[one for one in kept[order.id] if booked.has(order.id, one.credit_id)],
        )
        for order in orders
    ]
    found = await _counted_out(ctx, session, earning, before, as_booked=as_booked)
    if as_booked:
        earned: dict[UUID, list[Earned]] = {}
        for each in earning:
            earned |= await rate_all(ctx, found.as_booked(each), booked)
    else:
        earned = await rate_all(ctx, found, booked)
    now = {one.accrual.terms.credit_id: one for of_order in earned.values() for one in of_order}
    books.earnings = {order_id: list(of_order) for order_id, of_order in books.earnings.items()}
    rerated = []
    for each, order in zip(earning, orders, strict=True):
        start = len(books.commissions)
        for one in earned[order.id]:
            _post_credit(books, order.id, earnings, one)
        _post_kept(books, each, earnings, found.amounts)
        _post_bonuses(ctx, books, each, before, earned[order.id])
        await reverse(books, states[order.external_id], refund_id=None, occurred_at=order.occurred_at)
        if len(books.commissions) > start:
            books.commissions[start:] = [replace(row, reason=reason) for row in books.commissions[start:]]
            books.days.add(order.occurred_at)
        rerated.append(Rerated(order, books.commissions[start:]))
    await write(ctx, session, books)
    fresh = {credit_id: one.rating for credit_id, one in now.items() if credit_id and one.rating is not None}
    await insert_ratings(ctx, session, [*before.ended(but=fresh), *fresh.values()])
    await write_tallies(ctx, session, found.tallies)
    return rerated


async def _counted_out(
    ctx: Ctx, session: WriteSession, orders: Sequence[Earning], before: RatedBefore, *, as_booked: bool
) -> Round:
    """All that rating needs to know, without what these orders had counted. Who is counted is locked."""
    if as_booked:
        versions = {
            (rating.order_id, credit_id): before.versions[rating.version_id]
            for credit_id, rating in before.ratings.items()
        }
        found = Round(orders, versions, booked=before.ratings)
    else:
        found = await open_round(ctx, session, orders)
    found.is_new, found.in_time = False, True
    counted = before.counted(ctx)
    await lock_customers(ctx, session, found.customers())
    await lock_holders(ctx, session, found.holders() | counted.holders)
    await complete(ctx, session, found, counted)
    before.take_out(ctx, found.tallies)
    return found


def _own_rate(earnings: Earnings | None, rating: Rating | None) -> Any:
    # The rate that was agreed when the order was booked, whatever the enrollment's is now.
    if rating is not None:
        own = rating.facts.own_rate
        return None if own is None else shown_rate(own)
    return None if earnings is None else earnings.terms.rate


def _post_credit(books: Books, order_id: UUID, earnings: Mapping[UUID, Earnings], one: Earned) -> None:
    accrual = one.accrual
    assert accrual.terms.credit_id is not None, "an accrual is a credit's"
    known = earnings.get(accrual.terms.credit_id)
    if known is None:
        assert isinstance(books.earnings, dict)
        books.earnings.setdefault(order_id, []).append(earnings_of(accrual))
        books.commissions.append(accrual)
        return
    amount = difference(accrual.amount, known.earned)
    changes_terms = known.terms.plan_version_id != accrual.terms.plan_version_id
    known.terms = accrual.terms
    if amount.is_empty and not changes_terms:
        return
    known.earned = added(known.earned, amount)
    row = replace(accrual, id=new_id(), kind=CommissionKind.EDIT, amount=amount, starts_as=known.standing.state)
    known.standing.enter(row.id, row.state, amount.amount)
    books.commissions.append(row)


def _post_kept(books: Books, order: Earning, earnings: Mapping[UUID, Earnings], amounts: Mapping[UUID, Amount]) -> None:
    for one in order.kept:
        known = earnings.get(one.credit_id)
        if known is None:
            # Rejected: it is weighed, and earns nothing more.
            continue
        row = amended(
            known,
            amounts[one.credit_id],
            order_id=order.order_id,
            currency=order.currency,
            occurred_at=order.occurred_at,
        )
        if row is not None:
            books.commissions.append(row)


def _post_bonuses(ctx: Ctx, books: Books, order: Earning, before: RatedBefore, earned: Sequence[Earned]) -> None:
    """Post what bonuses of this order are more or less than before, by influencer, campaign and key."""
    sums: dict[tuple[UUID, UUID | None, str], int] = defaultdict(int)
    versions: dict[tuple[UUID, UUID | None, str], UUID] = {}
    for rating in before.of_order(order.order_id):
        for key, amount in rating.outcome["dues"]:
            holder = rating.influencer_id, rating.campaign_id, key
            sums[holder] -= amount
            versions[holder] = rating.version_id
    for one in earned:
        if one.rated is not None and one.version is not None:
            for due in one.rated.dues:
                holder = one.accrual.terms.influencer_id, one.accrual.terms.campaign_id, due.key
                sums[holder] += due.amount
                versions[holder] = one.version.id
    for holder, amount in sums.items():
        if amount:
            influencer_id, campaign_id, key = holder
            terms = Terms(None, influencer_id, campaign_id, None, 0, None, versions[holder])
            books.commissions.append(bonus(ctx, order, terms, Due(key, amount)))
