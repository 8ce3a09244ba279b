"""Edits orders: a new version that posts differences at the order's own time. One transaction.

Credits stay as they were booked; commissions follow the new gross, and what earlier refunds took back of them follows
in turn. Orders are locked in id order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from app import outbox
from app.commissions.earnings import amended
from app.core.context import Ctx
from app.core.hashing import content_hash
from app.core.ids import new_id
from app.core.money import checked_amount, from_minor
from app.core.outcomes import ItemOutcome, Outcome
from app.core.texts import checked_external_id, checked_instant, checked_text
from app.core.words import OrderEventKind
from app.db.session import WriteSession
from app.errors import DomainError
from app.orders import contributions
from app.orders.conversion import Rates, key_of, load_rates
from app.orders.inputs import EditInput
from app.orders.known import OrderState, lock_orders, order_named
from app.orders.lines import Line, added_up, checked_lines
from app.orders.open_lines import Change, changes, edited_lines, open_lines
from app.orders.service import EventRow, LineRow, VersionRow, append_versions
from app.products.ensure import ensure as ensure_products
from app.runtime import Runtime
from app.usecases.amending import BookedTerms, open_terms, products_of
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, in_order, refused
from app.usecases.taking_back import Books, open_books, reverse, write

NAME = "edits"


async def edit_orders(
    runtime: Runtime, ctx: Ctx, edits: Sequence[EditInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each edit, in the order given; `detail` holds the order's version and total.

    An edit to what the order already is, is REPLAYED. Several edits of one order apply one after the other. Raises
    BATCH_TOO_LARGE, BAD_USER_INPUT or IDEMPOTENCY_CONFLICT for the call as a whole.
    """
    check_batch(runtime, edits, name=NAME)
    latest = ctx.now + runtime.settings.future_tolerance

    def check(edit: EditInput) -> EditInput:
        checked_external_id(edit.order_external_id, "orderExternalId")
        checked_instant(edit.occurred_at, "occurredAt", latest=latest)
        return edit

    checked, bad = await check_each(edits, check, name=NAME, external_id=lambda edit: edit.order_external_id)
    return await perform(
        runtime,
        ctx,
        operation="editOrders",
        body=edits,
        idempotency_key=idempotency_key,
        work=partial(_edit, ctx, checked, bad),
    )


@dataclass(slots=True)
class Drafts:
    """What the edits of one attempt append to orders."""

    versions: list[VersionRow] = field(default_factory=list)
    lines: list[LineRow] = field(default_factory=list)


async def _edit(
    ctx: Ctx, checked: Mapping[int, EditInput], bad: Mapping[int, ItemOutcome], session: WriteSession
) -> tuple[ItemOutcome, ...]:
    outcomes = dict(bad)
    orders = await lock_orders(ctx, session, {edit.order_external_id for edit in checked.values()})
    rates = await load_rates(ctx, session, {key_of(order.currency, order.occurred_at) for order in orders.values()})
    titles = {
        line.sku: line.title
        for edit in checked.values()
        if edit.order_external_id in orders
        for line in edit.lines
        if line.sku is not None and _names_product(line.sku, line.title)
    }
    products = await ensure_products(ctx, session, titles)
    books = await open_books(ctx, session, orders)
    terms = await open_terms(ctx, session, books.earnings, {*products_of(orders.values()), *products.values()})
    drafts = Drafts()
    for index, edit in checked.items():
        await books.pauses.take()
        try:
            order = order_named(orders, edit.order_external_id)
            lines = _lines(order, edit)
            total = checked_amount(edit.total, order.currency, "total")
            gross = added_up(lines, total, order.currency)
            edited = open_lines(lines, products=products, bases=_bases(rates, order, lines))
            found = changes(order.lines, edited, currency=order.currency)
            if found and edit.version is not None and edit.version != order.version:
                raise DomainError(
                    "VERSION_CONFLICT",
                    f"The order is at version {order.version}, the edit was made on {edit.version}. Read it again.",
                    path=("version",),
                )
        except DomainError as error:
            outcomes[index] = refused(error, index, name=NAME, external_id=edit.order_external_id)
            continue
        if found:
            await _apply(books, terms, drafts, order, edit, lines, found, total=total, gross=gross)
        session.touch_days([order.occurred_at.date()])
        outcomes[index] = _outcome(index, Outcome.RECORDED if found else Outcome.REPLAYED, order)
    await append_versions(ctx, session, drafts.versions, drafts.lines)
    await write(ctx, session, books)
    return in_order(outcomes, len(outcomes))


def _lines(order: OrderState, edit: EditInput) -> tuple[Line, ...]:
    known = {line.external_id: line.position for line in order.lines if line.external_id is not None}
    return checked_lines(edit.lines, order.currency, known=known, used=order.last_position + 1)


def _bases(rates: Rates, order: OrderState, lines: Sequence[Line]) -> list[int | None]:
    return rates.convert([line.amount for line in lines], order.currency, order.occurred_at)


async def _apply(
    books: Books,
    terms: BookedTerms,
    drafts: Drafts,
    order: OrderState,
    edit: EditInput,
    lines: Sequence[Line],
    found: Sequence[Change],
    *,
    total: int,
    gross: int,
) -> None:
    order.version += 1
    order.total = total
    order.last_position = max(order.last_position, *(line.position for line in lines))
    digest = content_hash([total, [line.content() for line in lines]])
    drafts.versions.append(VersionRow(order.id, order.version, digest, total, gross))
    for change in found:
        for line, is_reversal in ((change.old, True), (change.new, False)):
            if line is not None:
                drafts.lines.append(
                    LineRow(order.id, order.version, line, is_reversal, order.currency, order.occurred_at)
                )
    order.lines = edited_lines(order.lines, found)
    _amend(books, terms, order)
    # What was refunded before is now another part of the order: at the order's time, for no refund of its own.
    await reverse(books, order, refund_id=None, occurred_at=order.occurred_at)
    books.contributions.extend(contributions.of_edit(order.occurred_at, found, books.shares.get(order.id, ())))
    books.events.append(EventRow(new_id(), order.id, OrderEventKind.EDITED, edit.occurred_at))
    books.messages.append(
        outbox.Event(
            "order.edited",
            order.id,
            {
                "externalId": order.external_id,
                "version": order.version,
                "totalMinor": total,
                "isTest": order.is_test,
            },
        )
    )


def _amend(books: Books, booked: BookedTerms, order: OrderState) -> None:
    amounts = booked.amounts(order.id, order.lines)
    for earnings in books.earnings.get(order.id, ()):
        assert earnings.terms.credit_id is not None, "what an order earned is a credit's"
        row = amended(
            earnings,
            amounts[earnings.terms.credit_id],
            order_id=order.id,
            currency=order.currency,
            occurred_at=order.occurred_at,
        )
        if row is not None:
            books.commissions.append(row)


def _outcome(index: int, outcome: Outcome, order: OrderState) -> ItemOutcome:
    detail: dict[str, Any] = {
        "version": order.version,
        "total": format(from_minor(order.total, order.currency), "f"),
        "currency": order.currency,
    }
    return ItemOutcome(index=index, outcome=outcome, id=order.id, external_id=order.external_id, detail=detail)


def _names_product(sku: str, title: str | None) -> bool:
    # Lines are checked only once their order's currency is known; what is refused then must not reach the database.
    try:
        checked_external_id(sku, "sku")
        if title is not None:
            checked_text(title, "title", is_blank_fine=True)
    except DomainError:
        return False
    return True
