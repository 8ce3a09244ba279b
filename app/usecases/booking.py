"""Books new orders, inside the transaction that records them: touches → verdict → credits → commissions → rollups.

A step of `record_orders`. Looks the rest up first, then judges and computes without waiting, then writes set-wise.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from app import outbox
from app.analytics.rollups import deltas
from app.analytics.rollups.deltas import Contribution
from app.attribution import service as attribution
from app.attribution.awaited import await_touches, look_at
from app.attribution.judging import Placed, judge_all, reach_of
from app.attribution.program import Program
from app.attribution.service import Credit, JudgedOrder, credits_of
from app.attribution.touches import Trail
from app.commissions import service as commissions
from app.core.context import Ctx
from app.core.ids import new_id, new_ids
from app.core.pauses import Pauses
from app.core.words import InstanceKind, OrderEventKind
from app.customers.ensure import complete as complete_customers
from app.db.session import WriteSession
from app.errors import DomainError
from app.orders import contributions
from app.orders import service as orders
from app.orders.contributions import BookedShare
from app.orders.conversion import key_of, load_rates
from app.orders.lines import CheckedOrder
from app.orders.open_lines import open_lines
from app.orders.service import EventRow, NewOrder
from app.products.ensure import complete as complete_products
from app.runtime import Runtime
from app.usecases.earning import credited_of, earn
from app.usecases.looking_up import Looks
from app.usecases.rating_round import Earning
from app.usecases.screening import Buying, screen


@dataclass(frozen=True, slots=True)
class Booked:
    """An order that was recorded, with what the answer shows. row: as `orders` has it."""

    order: NewOrder
    row: dict[str, Any]
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Orders whose references are resolved; `refused` are those that cannot be kept, by their place."""

    orders: dict[int, NewOrder]
    refused: dict[int, DomainError]


async def prepare(ctx: Ctx, session: WriteSession, checked: Sequence[CheckedOrder], looks: Looks) -> Prepared:
    """Resolve customers, products and rates of the orders; unknown customers and products are created."""
    rates = await load_rates(ctx, session, {key_of(order.currency, order.occurred_at) for order in checked})
    bases: dict[int, list[int | None]] = {}
    refused: dict[int, DomainError] = {}
    pauses = Pauses()
    for place, order in enumerate(checked):
        await pauses.take()
        try:
            bases[place] = rates.convert([line.amount for line in order.lines], order.currency, order.occurred_at)
        except DomainError as error:
            refused[place] = error
    kept = {place: checked[place] for place in bases}
    countries = {order.customer: order.country for order in kept.values() if order.customer is not None}
    customers = await complete_customers(ctx, session, countries, looks.customers.found)
    products = await complete_products(ctx, session, _titles(kept.values()), looks.products.found)
    new: dict[int, NewOrder] = {}
    for place, order in kept.items():
        new[place] = NewOrder(
            id=new_id(),
            checked=order,
            customer_id=None if order.customer is None else customers[order.customer],
            lines=open_lines(order.lines, products=products, bases=bases[place]),
        )
        await pauses.take()
    return Prepared(new, refused)


async def book(
    runtime: Runtime, ctx: Ctx, session: WriteSession, new: Sequence[NewOrder], looks: Looks
) -> list[Booked]:
    """Insert the orders, judge them, and write what follows; in the order given."""
    if not new:
        return []
    judged, program = await _judge(runtime, ctx, session, new, looks)
    earning = [
        (order, verdict, credits_of(verdict.verdict))
        for order, verdict in zip(new, judged, strict=True)
        if not verdict.is_test
    ]
    books = await earn(
        ctx,
        session,
        [_earning(order, credits, program) for order, _, credits in earning],
        has_plans=looks.has_plans.found,
    )
    contributed: list[Contribution] = []
    pauses = Pauses()
    for order, verdict, credits in earning:
        await pauses.take()
        contributed.extend(contributions.of_order(verdict.occurred_at, order.lines, _shares(credits)))
        contributed.extend(_purchase(verdict))
    earned = books.rows()
    buying = {order.id: Buying(order.customer_id, order.checked.visitor_id) for order in new}
    screened = await screen(ctx, session, earned, buying, looks.fraud.found)
    posted = screened.held(earned)
    contributed.extend(commissions.contribution_of(row) for row in posted)

    await orders.insert_orders(ctx, session, new)
    await orders.append_events(ctx, session, _recorded(new))
    await attribution.insert_credits(ctx, session, [(verdict, credits) for _, verdict, credits in earning])
    candidates = [order.verdict.to_json() for order in judged]
    await attribution.insert_explanations(ctx, session, judged, candidates)
    await attribution.insert_purchases(ctx, session, judged)
    await await_touches(ctx, session, judged, look_at=look_at(runtime.settings, ctx.now))
    await commissions.post(ctx, session, posted)
    await screened.keep(ctx, session)
    await books.keep(ctx, session)
    await deltas.append(ctx, session, contributed)
    await outbox.append(ctx, session, [_event(order) for order in new])
    session.touch_days({order.checked.occurred_at.date() for order, _, _ in earning})
    return [
        Booked(order, orders.row_of(ctx, order), detail_of(_explanation(verdict, of_order), books.answers(order.id)))
        for order, verdict, of_order in zip(new, judged, candidates, strict=True)
    ]


async def _judge(
    runtime: Runtime, ctx: Ctx, session: WriteSession, new: Sequence[NewOrder], looks: Looks
) -> tuple[list[JudgedOrder], Program]:
    placed = [
        Placed(
            trail=Trail(order.checked.occurred_at, order.checked.visitor_id, order.checked.click_id, order.customer_id),
            codes=order.checked.codes,
            customer=order.checked.customer,
            is_test=order.checked.is_test,
        )
        for order in new
    ]
    verdicts, program = await judge_all(ctx, session, placed, reach_of(runtime.settings), looks=looks.judging)
    judged = [
        JudgedOrder(
            order_id=order.id,
            occurred_at=order.checked.occurred_at,
            currency=order.checked.currency,
            country=order.checked.country,
            customer_id=order.customer_id,
            visitor_id=order.checked.visitor_id,
            click_id=order.checked.click_id,
            is_test=order.checked.is_test,
            verdict=verdict,
        )
        for order, verdict in zip(new, verdicts, strict=True)
    ]
    return judged, program


def _earning(order: NewOrder, credits: Sequence[Credit], program: Program) -> Earning:
    checked = order.checked
    return Earning(
        order_id=order.id,
        occurred_at=checked.occurred_at,
        currency=checked.currency,
        country=checked.country,
        customer_id=order.customer_id,
        lines=order.lines,
        credits=credited_of(credits, program),
    )


def _shares(credits: Sequence[Credit]) -> list[BookedShare]:
    return [
        BookedShare(credit.id, None, None, None, credit.booked)
        if (touch := credit.touch) is None
        else BookedShare(credit.id, touch.campaign_id, touch.influencer_id, touch.platform, credit.booked)
        for credit in credits
        if credit.booked
    ]


def _purchase(order: JudgedOrder) -> list[Contribution]:
    winner = order.verdict.winner
    if winner is None:
        return []
    return [
        deltas.of_instance(
            occurred_at=order.occurred_at,
            kind=InstanceKind.PURCHASE,
            campaign_id=winner.campaign_id,
            influencer_id=winner.influencer_id,
            platform=winner.platform,
        )
    ]


def _recorded(new: Sequence[NewOrder]) -> list[EventRow]:
    return [
        EventRow(id, order.id, OrderEventKind.RECORDED, order.checked.occurred_at)
        for id, order in zip(new_ids(len(new)), new, strict=True)
    ]


def _event(order: NewOrder) -> outbox.Event:
    checked = order.checked
    return outbox.Event(
        "order.recorded",
        order.id,
        {
            "externalId": checked.external_id,
            "currency": checked.currency,
            "totalMinor": checked.total,
            "isTest": checked.is_test,
        },
    )


def _titles(checked: Iterable[CheckedOrder]) -> dict[str, str | None]:
    # The first title that a batch gives a product is the one it is created with.
    titles: dict[str, str | None] = {}
    for order in checked:
        for line in order.lines:
            if line.sku is not None and titles.get(line.sku) is None:
                titles[line.sku] = line.title
    return titles


def _explanation(order: JudgedOrder, candidates: list[dict[str, Any]]) -> dict[str, Any]:
    return attribution.explanation(order.verdict.model, order.verdict.rule, candidates)


def detail_of(explanation: dict[str, Any], accrued: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the answer shows of a recorded order beside its ids."""
    return {"explanation": explanation, "commissions": list(accrued)}
