"""Checks orders as they were sent and brings them into minor units. Pure; one pass over the lines, for it runs on each.

What comes out adds up: the lines to the total, ITEM and DISCOUNT lines to the gross. Errors name the value and its
path below the item; callers put the item's own path before it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from app.core.hashing import content_hash
from app.core.money import checked_amount, checked_currency, from_minor, to_minor
from app.core.texts import (
    checked_code,
    checked_country,
    checked_external_id,
    checked_instant,
    checked_optional,
    checked_text,
)
from app.core.words import REVENUE_KINDS, LineKind
from app.errors import DomainError
from app.orders.inputs import LineInput, OrderInput

LINES_MAX = 5_000
"""Lines of one order: the longest invoice of a wholesaler has some thousand."""

POSITION_MAX = 1_000_000
QUANTITY_MAX = 10**9
CODES_MAX = 20
"""Codes of one order: more than any checkout takes."""


class Line(NamedTuple):
    """A checked line: amount in minor units, position within its order."""

    position: int
    kind: LineKind
    quantity: int
    amount: int
    sku: str | None
    title: str | None
    external_id: str | None

    @property
    def is_revenue(self) -> bool:
        """Whether the line counts as revenue."""
        return self.kind in REVENUE_KINDS

    def content(self) -> list[Any]:
        """What makes two lines the same."""
        return [
            self.position,
            self.external_id,
            str(self.kind),
            self.sku,
            self.title,
            self.quantity,
            self.amount,
        ]


@dataclass(frozen=True, slots=True)
class CheckedOrder:
    """A checked order. content_hash: equal for equal orders, however they were written."""

    external_id: str
    occurred_at: datetime
    currency: str
    total: int
    gross: int
    lines: tuple[Line, ...]
    customer: str | None
    visitor_id: str | None
    click_id: str | None
    codes: tuple[str, ...]
    country: str | None
    is_test: bool
    content_hash: bytes


def checked_order(order: OrderInput, *, latest: datetime) -> CheckedOrder:
    """The order in minor units. latest: no occurrence time beyond it. Raises DomainError at the first mistake."""
    external_id = checked_external_id(order.external_id, "externalId")
    occurred_at = checked_instant(order.occurred_at, "occurredAt", latest=latest)
    currency = checked_currency(order.currency)
    total = checked_amount(order.total, currency, "total")
    lines = checked_lines(order.lines, currency)
    gross = added_up(lines, total, currency)
    if len(order.codes) > CODES_MAX:
        raise DomainError(
            "BAD_USER_INPUT", f"`codes` holds {len(order.codes)}; at most {CODES_MAX} fit an order.", path=("codes",)
        )
    customer = checked_optional(order.customer, "customer", length_max=200)
    visitor_id = checked_optional(order.visitor_id, "visitorId", length_max=200)
    click_id = checked_optional(order.click_id, "clickId", length_max=200)
    codes = tuple(dict.fromkeys(checked_code(code, "codes") for code in order.codes))
    country = checked_country(order.country)
    content = [
        external_id,
        occurred_at.isoformat(),
        currency,
        total,
        [line.content() for line in lines],
        customer,
        visitor_id,
        click_id,
        codes,
        country,
        order.test,
    ]
    return CheckedOrder(
        external_id=external_id,
        occurred_at=occurred_at,
        currency=currency,
        total=total,
        gross=gross,
        lines=lines,
        customer=customer,
        visitor_id=visitor_id,
        click_id=click_id,
        codes=codes,
        country=country,
        is_test=order.test,
        content_hash=content_hash(content),
    )


def checked_lines(
    lines: Sequence[LineInput], currency: str, *, known: Mapping[str, int] | None = None, used: int = 0
) -> tuple[Line, ...]:
    """The lines with their positions, in order of position.

    A line's position is the one given; else that of the known line with its external id; else, with an external id that
    is not known, a fresh one (`used` or more); else where it stands in the list, or a fresh one if that is another's.
    known: line ids of the order so far.
    """
    if not 0 < len(lines) <= LINES_MAX:
        raise DomainError(
            "BAD_USER_INPUT", f"`lines` holds {len(lines)}; an order has 1 to {LINES_MAX}.", path=("lines",)
        )
    checked: list[Line] = []
    taken: set[int] = set()
    fresh: list[int] = []
    named = () if known is None else _named(lines, known)
    for index, line in enumerate(lines):
        kind, quantity, external_id, position = line.kind, line.quantity, line.external_id, line.position
        try:
            amount = to_minor(line.amount, currency)
            if external_id is not None:
                checked_external_id(external_id, "externalId")
            if line.sku is not None:
                checked_external_id(line.sku, "sku")
            if line.title is not None:
                checked_text(line.title, "title", is_blank_fine=True)
        except DomainError as error:
            raise DomainError(error.code, error.message, path=("lines", index, *(error.path or ("amount",)))) from None
        if kind is LineKind.ITEM and amount < 0:
            raise _refused(
                "INVALID_AMOUNT", f"An ITEM line has the amount {line.amount:f}; it is at least 0.", index, "amount"
            )
        if kind is LineKind.DISCOUNT and amount > 0:
            raise _refused(
                "INVALID_AMOUNT", f"A DISCOUNT line has the amount {line.amount:f}; it is at most 0.", index, "amount"
            )
        if not 0 < quantity <= QUANTITY_MAX:
            raise _refused(
                "BAD_USER_INPUT", f"The quantity is {quantity}; it must be 1 to {QUANTITY_MAX}.", index, "quantity"
            )
        if position is None:
            if external_id is not None and known is not None:
                position = known.get(external_id)
                if position is None:
                    fresh.append(index)
                    position = -1
            elif index in named:
                fresh.append(index)
                position = -1
            else:
                position = index
        elif not 0 <= position <= POSITION_MAX:
            raise _refused(
                "BAD_USER_INPUT", f"The position is {position}; it must be 0 to {POSITION_MAX}.", index, "position"
            )
        if position in taken:
            raise _refused("BAD_USER_INPUT", f"Two lines have the position {position}.", index, "position")
        if position >= 0:
            taken.add(position)
        checked.append(Line(position, kind, quantity, amount, line.sku, line.title, external_id))
    if fresh:
        checked = _placed(checked, fresh, after=max(max(taken, default=-1) + 1, used))
    ids = [line.external_id for line in checked if line.external_id is not None]
    if len(ids) != len(set(ids)):
        twice = next(value for value in ids if ids.count(value) > 1)
        raise DomainError("BAD_USER_INPUT", f"Two lines have the id {twice!r}.", path=("lines",))
    return tuple(sorted(checked, key=_position))


def added_up(lines: Sequence[Line], total: int, currency: str) -> int:
    """The gross: the sum of the revenue lines. Raises unless all lines add up to the total, and nothing is negative."""
    gross = rest = 0
    for line in lines:
        if line.kind in REVENUE_KINDS:
            gross += line.amount
        else:
            rest += line.amount
    if gross + rest != total:
        sums, off = from_minor(gross + rest, currency), from_minor(gross + rest - total, currency)
        raise DomainError(
            "LINES_DO_NOT_ADD_UP",
            f"The lines sum to {sums} {currency}, which is {off:+f} beside the total of {from_minor(total, currency)}.",
            path=("total",),
        )
    if total < 0:
        raise DomainError("INVALID_AMOUNT", "`total` is negative. Record what went back as a refund.", path=("total",))
    if gross < 0:
        raise DomainError(
            "INVALID_AMOUNT", f"The discounts exceed the items by {from_minor(-gross, currency)}.", path=("lines",)
        )
    return gross


def _named(lines: Sequence[LineInput], known: Mapping[str, int]) -> set[int]:
    # The positions of an edit's lines that say which lines they are.
    return {
        known.get(line.external_id or "", -1) if line.position is None else line.position
        for line in lines
        if line.position is not None or line.external_id is not None
    }


def _placed(lines: Sequence[Line], fresh: Sequence[int], *, after: int) -> list[Line]:
    # Fresh positions come after all others, in the order given.
    positions = dict(zip(fresh, range(after, after + len(fresh)), strict=True))
    return [
        Line(
            positions.get(index, line.position),
            line.kind,
            line.quantity,
            line.amount,
            line.sku,
            line.title,
            line.external_id,
        )
        for index, line in enumerate(lines)
    ]


def _position(line: Line) -> int:
    return line.position


def _refused(code: str, message: str, index: int, name: str) -> DomainError:
    return DomainError(code, message, path=("lines", index, name))
