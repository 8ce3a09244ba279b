"""Judges recorded orders again, inside the transaction that asks for it: verdict → credits → commissions → ledger →
rollups → outbox.

A step of `record_instances` and of the worker, for touches that came late, and of `recompute_attribution`. What the
order was credited for is put out of force, not changed; commissions are posted as differences: what a credit earned is
taken back, and another earns. A credit of the same influencer, campaign, code and booked weight keeps its commissions,
but for the unit that it may get or lose because the order's whole is split anew.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from app import outbox
from app.analytics.rollups import deltas
from app.analytics.rollups.deltas import Contribution
from app.attribution import service as attribution
from app.attribution.awaited import end_waiting
from app.attribution.judgements import (
    Judgement,
    Sums,
    content_of,
    external_ids,
    load_judgements,
    replace_explanations,
    revenue_sums,
    supersede_credits,
    supersede_purchases,
    terms_of,
)
from app.attribution.judging import judge_all, reach_of
from app.attribution.program import Program
from app.attribution.service import Credit, JudgedOrder, credits_of
from app.commissions import service as commissions
from app.commissions.accrue import Revenue
from app.commissions.earnings import load_earnings
from app.commissions.retaking import (
    HELD,
    HELD_REASON,
    Sold,
    given_back,
    parted_anew,
    refunds_of,
    rejected_of,
    reversals_of,
    taken_back,
)
from app.commissions.service import NewCommission
from app.core.context import Ctx
from app.core.words import AttributionCause, InstanceKind
from app.db.session import WriteSession
from app.orders.known import OrderState, lock_orders
from app.runtime import Runtime
from app.usecases.amending import open_terms, products_of
from app.usecases.earning import credited_of, earn
from app.usecases.rating_round import Earning, Kept
from app.usecases.screening import Buying, screen


@dataclass(frozen=True, slots=True)
class Rejudged:
    """An order that is judged otherwise than before. commissions: what was posted for it; none if credits stay."""

    cause: AttributionCause
    before: Judgement
    after: JudgedOrder
    credits: Sequence[Credit]
    commissions: list[NewCommission] = field(default_factory=list)

    @property
    def explanation(self) -> dict[str, Any]:
        """The explanation as it is answered."""
        verdict = self.after.verdict
        return attribution.explanation(
            verdict.model, verdict.rule, verdict.to_json(), cause=self.cause, revision=self.before.revision + 1
        )

    @property
    def former(self) -> dict[str, Any]:
        """The explanation that was, as it is answered."""
        before = self.before
        return attribution.explanation(
            before.model, before.rule, before.candidates, cause=before.cause, revision=before.revision
        )

    @property
    def is_told_otherwise(self) -> bool:
        """Whether the explanation says anything else than before."""
        verdict, before = self.after.verdict, self.before
        was = [{"adClick": None} | stored for stored in before.candidates]
        return (verdict.model, verdict.rule, verdict.to_json()) != (before.model, before.rule, was)

    @property
    def moves_credit(self) -> bool:
        """Whether anybody's credit changes under any model."""
        return [content_of(stored.credit) for stored in self.before.credits] != [
            content_of(credit) for credit in self.credits
        ]


async def rejudge(
    runtime: Runtime,
    ctx: Ctx,
    session: WriteSession,
    order_ids: Collection[UUID],
    *,
    cause: AttributionCause,
    reason: str | None = None,
    still: Callable[[Collection[UUID]], Any] | None = None,
) -> list[Rejudged]:
    """The orders that are judged otherwise now, and are credited so from now on; in order of time. Tests are left out.

    cause LATE_TOUCH: by the statuses of now, and only where somebody is credited; RECOMPUTED: by the statuses that held
    when the order was booked. still: asked, once the orders are locked, which of them are to be judged after all.
    """
    locked = await lock_orders(ctx, session, await external_ids(ctx, session, order_ids))
    states = {order.id: order for order in locked.values() if order.is_read and not order.is_test}
    if still is not None:
        kept = await still(states)
        states = {order_id: order for order_id, order in states.items() if order_id in kept}
    if not states:
        return []
    judgements = sorted(
        (await load_judgements(ctx, session, states)).values(), key=lambda before: (before.occurred_at, before.order_id)
    )
    is_late = cause is AttributionCause.LATE_TOUCH
    placed = [before.placed(booked_at=None if is_late else before.recorded_at) for before in judgements]
    verdicts, program = await judge_all(ctx, session, placed, reach_of(runtime.settings))
    changed: list[Rejudged] = []
    for before, verdict in zip(judgements, verdicts, strict=True):
        if is_late and verdict.winner is None:
            continue
        after = JudgedOrder(
            order_id=before.order_id,
            occurred_at=before.occurred_at,
            currency=before.currency,
            country=before.country,
            customer_id=before.customer_id,
            visitor_id=before.visitor_id,
            click_id=before.click_id,
            is_test=False,
            verdict=verdict,
        )
        found = Rejudged(cause, before, after, credits_of(verdict))
        if found.moves_credit or found.is_told_otherwise:
            changed.append(found)
    await _post(ctx, session, changed, states, program)
    await replace_explanations(
        ctx, session, [(each.before, each.after) for each in changed], cause=cause, reason=reason
    )
    await end_waiting(ctx, session, [each.before.order_id for each in changed if each.after.verdict.winner is not None])
    await outbox.append(ctx, session, [_event(each, cause) for each in changed])
    session.touch_days({each.before.occurred_at.date() for each in changed})
    return changed


async def _post(
    ctx: Ctx,
    session: WriteSession,
    changed: Sequence[Rejudged],
    states: Mapping[UUID, OrderState],
    program: Program,
) -> None:
    moved = [each for each in changed if each.moves_credit]
    if not moved:
        return
    ids = [each.before.order_id for each in moved]
    continued = {each.before.order_id: _continued(each) for each in moved}
    await _move_commissions(ctx, session, moved, states, program, continued)
    sold, back = await revenue_sums(ctx, session, ids)
    contributed = [commissions.contribution_of(row) for each in moved for row in each.commissions]
    for each in moved:
        was = [stored.credit for stored in each.before.credits]
        of_order = sold.get(each.before.order_id), back.get(each.before.order_id, ())
        contributed += _shared(each, was, *of_order, sign=-1) + _shared(each, each.credits, *of_order, sign=1)
    resold = [each for each in moved if _purchase_of(each.before) != _winner_of(each.after)]
    gone = await supersede_purchases(ctx, session, {each.before.order_id: each.before.occurred_at for each in resold})
    contributed += [
        _negative(
            deltas.of_instance(
                occurred_at=purchase.occurred_at,
                kind=InstanceKind.PURCHASE,
                campaign_id=purchase.campaign_id,
                influencer_id=purchase.influencer_id,
                platform=purchase.platform,
            )
        )
        for purchase in gone
    ]
    contributed += [
        deltas.of_instance(
            occurred_at=each.after.occurred_at,
            kind=InstanceKind.PURCHASE,
            campaign_id=winner.campaign_id,
            influencer_id=winner.influencer_id,
            platform=winner.platform,
        )
        for each in resold
        if (winner := each.after.verdict.winner) is not None
    ]
    await attribution.insert_purchases(ctx, session, [each.after for each in resold])
    await deltas.append(ctx, session, contributed)


async def _move_commissions(
    ctx: Ctx,
    session: WriteSession,
    moved: Sequence[Rejudged],
    states: Mapping[UUID, OrderState],
    program: Program,
    continued: Mapping[UUID, Mapping[UUID, UUID]],
) -> None:
    """Put the old credits out of force and the new ones in, and post what each earned or earns."""
    ids = [each.before.order_id for each in moved]
    earnings = await load_earnings(ctx, session, ids)
    ended = {
        stored.earns_as
        for each in moved
        for stored in each.before.credits
        if stored.earns_as not in continued[each.before.order_id].values()
    }
    reversals = await reversals_of(ctx, session, ended)
    refunds = await refunds_of(ctx, session, ids)
    rejected = await rejected_of(ctx, session, ids)
    await supersede_credits(ctx, session, ids)
    await attribution.insert_credits(
        ctx,
        session,
        [(each.after, each.credits) for each in moved],
        continues={credit_id: earns_as for of_order in continued.values() for credit_id, earns_as in of_order.items()},
    )
    booked = await open_terms(
        ctx,
        session,
        [order_id for order_id, of_order in continued.items() if of_order],
        products_of(states[each.before.order_id] for each in moved),
    )
    new = {
        each.before.order_id: credited_of(
            (credit for credit in each.credits if credit.id not in continued[each.before.order_id]), program
        )
        for each in moved
    }
    books = await earn(
        ctx,
        session,
        [
            Earning(
                order_id=each.before.order_id,
                occurred_at=each.before.occurred_at,
                currency=each.before.currency,
                country=each.before.country,
                customer_id=each.before.customer_id,
                lines=states[each.before.order_id].lines,
                credits=new[each.before.order_id],
                kept=[
                    Kept(credit.position, earns_as)
                    for credit in each.credits
                    if (earns_as := continued[each.before.order_id].get(credit.id)) is not None
                    and booked.has(each.before.order_id, earns_as)
                ],
            )
            for each in moved
        ],
        is_new=False,
        ended=ended,
        booked=booked,
    )
    buying = {each.before.order_id: Buying(each.before.customer_id, each.before.visitor_id) for each in moved}
    rows = books.rows()
    screened = await screen(ctx, session, rows, buying)
    accruals = {row.id: row for row in screened.held(rows)}
    for each in moved:
        order = _sold(states[each.before.order_id], refunds.get(each.before.order_id, ()))
        for of_credit in earnings.get(order.id, ()):
            credit_id = of_credit.terms.credit_id
            if credit_id in ended:
                each.commissions.extend(taken_back(order, of_credit, reversals.get(credit_id, ())))
            elif credit_id is not None and credit_id in books.kept:
                each.commissions.extend(parted_anew(order, of_credit, books.kept[credit_id]))
        for one in books.earned.get(order.id, ()):
            accrual = accruals[one.accrual.id]
            if (order.id, accrual.terms.influencer_id) in rejected:
                accrual = replace(accrual, starts_as=HELD, reason=HELD_REASON)
            each.commissions.extend([accrual, *one.bonuses, *given_back(order, accrual)])
        each.commissions.extend(books.taken_back.get(order.id, ()))
    await commissions.post(ctx, session, [row for each in moved for row in each.commissions])
    await screened.keep(ctx, session)
    await books.keep(ctx, session)


def _continued(each: Rejudged) -> dict[UUID, UUID]:
    """New credits that keep the commissions of an old one, and which."""
    free: dict[Any, list[UUID]] = {}
    for stored in each.before.credits:
        free.setdefault(stored.terms, []).append(stored.earns_as)
    found: dict[UUID, UUID] = {}
    for credit in each.credits:
        known = free.get(terms_of(credit))
        if known and credit.booked:
            found[credit.id] = known.pop(0)
    return found


def _sold(state: OrderState, refunds: Sequence[Any]) -> Sold:
    return Sold(
        id=state.id,
        occurred_at=state.occurred_at,
        currency=state.currency,
        basis=sum(line.amount for line in state.lines if line.is_revenue),
        amounts={(line.position, line.product_id): line.amount for line in state.lines if line.is_revenue},
        refunds=refunds,
        refunded=[
            Revenue((line.position, line.product_id), line.refunded, None if line.base is None else line.refunded_base)
            for line in state.lines
            if line.refunded and line.is_revenue
        ],
    )


def _shared(
    each: Rejudged, credits: Sequence[Credit], sold: Sums | None, back: Sequence[Sums], *, sign: int
) -> list[Contribution]:
    """What the order and its refunds contribute by these credits, or, with sign −1, contributed."""
    found = []
    for credit in credits:
        if not credit.booked:
            continue
        touch = credit.touch
        keys: dict[str, Any] = {
            "campaign_id": None if touch is None else touch.campaign_id,
            "influencer_id": None if touch is None else touch.influencer_id,
            "platform": None if touch is None else touch.platform,
        }
        weight = sign * credit.booked
        found.append(
            Contribution(
                occurred_at=each.before.occurred_at,
                **keys,
                orders_e9=weight,
                units_e9=0 if sold is None else sold.units * weight,
                gross_e9=0 if sold is None else sold.base * weight,
                missing_rates=0 if sold is None else sign * sold.missing,
            )
        )
        found.extend(
            Contribution(
                occurred_at=sums.occurred_at, **keys, refunds_e9=sums.base * weight, missing_rates=sign * sums.missing
            )
            for sums in back
        )
    return found


def _negative(contribution: Contribution) -> Contribution:
    return contribution._replace(
        instances=-contribution.instances,
        clicks=-contribution.clicks,
        purchases=-contribution.purchases,
    )


_KEYS = ("influencerId", "campaignId", "linkId", "code", "platform", "channel")


def _purchase_of(before: Judgement) -> tuple[Any, ...] | None:
    winner = next((stored for stored in before.candidates if stored["isWinner"]), None)
    return None if winner is None else tuple(winner[key] for key in _KEYS)


def _winner_of(after: JudgedOrder) -> tuple[Any, ...] | None:
    winner = next((judged.to_json() for judged in after.verdict.candidates if judged.is_winner), None)
    return None if winner is None else tuple(winner[key] for key in _KEYS)


def _event(each: Rejudged, cause: AttributionCause) -> outbox.Event:
    return outbox.Event(
        "order.attributed",
        each.before.order_id,
        {"externalId": each.before.external_id, "cause": cause.value, "revision": each.before.revision + 1},
    )
