"""What is still open on an order, and what a refund or an edit makes of it. Pure.

A refund takes back amounts with the sign of their line: a discount's is negative. Nothing ever goes beyond the order:
neither a line, nor its revenue, nor its total. Amounts in the tenant's currency follow cumulatively, so that a line
that is wholly refunded leaves nothing in either currency.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from app.core.money import allocate, checked_amount, divide_half_even, from_minor
from app.core.words import REVENUE_KINDS, LineKind
from app.errors import DomainError
from app.orders.inputs import RefundLineInput
from app.orders.lines import Line


class OpenLine(NamedTuple):
    """A line of the newest version with what was taken back of it so far. base: in the tenant's currency, if known."""

    position: int
    kind: LineKind
    product_id: UUID | None
    external_id: str | None
    title: str | None
    quantity: int
    amount: int
    base: int | None
    refunded_quantity: int = 0
    refunded: int = 0
    refunded_base: int = 0

    @property
    def open(self) -> int:
        """What is left of the amount, with the line's sign."""
        return self.amount - self.refunded

    @property
    def open_quantity(self) -> int:
        """Units not taken back yet."""
        return self.quantity - self.refunded_quantity

    @property
    def is_revenue(self) -> bool:
        """Whether the line counts as revenue."""
        return self.kind in REVENUE_KINDS


def open_lines(lines: Sequence[Line], *, products: Mapping[str, UUID], bases: Sequence[int | None]) -> list[OpenLine]:
    """The lines with nothing taken back of them. products: ids by SKU. bases: amounts in the tenant's currency."""
    return [
        OpenLine(
            line.position,
            line.kind,
            None if line.sku is None else products[line.sku],
            line.external_id,
            line.title,
            line.quantity,
            line.amount,
            base,
        )
        for line, base in zip(lines, bases, strict=True)
    ]


class Taken(NamedTuple):
    """What one refund takes back of one line."""

    position: int
    kind: LineKind
    product_id: UUID | None
    quantity: int
    amount: int
    base: int | None

    @property
    def is_revenue(self) -> bool:
        """Whether the line counts as revenue."""
        return self.kind in REVENUE_KINDS


def take_amount(lines: Sequence[OpenLine], amount: int, currency: str) -> list[Taken]:
    """The amount spread over the open amounts in proportion, by largest remainder. No units come back.

    Raises REFUND_EXCEEDS_ORDER when less is open.
    """
    left = sum(line.open for line in lines)
    if amount <= 0:
        raise DomainError(
            "INVALID_AMOUNT", f"A refund of {from_minor(amount, currency)} takes nothing back.", path=("amount",)
        )
    if amount > left:
        raise _exceeds(f"{from_minor(amount, currency)} {currency} exceed", left, currency, "amount")
    parts = _spread(lines, amount)
    taken = [_taken(line, 0, part) for line, part in zip(lines, parts, strict=True) if part]
    _assert_within(lines, taken, currency)
    return taken


def take_rest(lines: Sequence[OpenLine]) -> list[Taken]:
    """All that is open, units included; empty when nothing is."""
    return [_taken(line, line.open_quantity, line.open) for line in lines if line.open or line.open_quantity]


def take_lines(lines: Sequence[OpenLine], asked: Sequence[RefundLineInput], currency: str) -> list[Taken]:
    """What is asked of each line. Raises UNKNOWN_LINE, INVALID_AMOUNT or REFUND_EXCEEDS_ORDER with the line's path."""
    by_position = {line.position: line for line in lines}
    by_external_id = (
        {line.external_id: line.position for line in lines if line.external_id is not None}
        if any(ask.position is None for ask in asked)
        else {}
    )
    taken: dict[int, Taken] = {}
    for index, ask in enumerate(asked):
        if ask.position is not None:
            position, name = ask.position, f"position {ask.position}"
        else:
            assert ask.external_id is not None, "checked_refund saw that the line is named"
            position, name = by_external_id.get(ask.external_id, -1), f"id {ask.external_id!r}"
        line = by_position.get(position)
        if line is None:
            raise DomainError("UNKNOWN_LINE", f"The order has no line of {name}.", path=("lines", index))
        if line.position in taken:
            raise DomainError(
                "BAD_USER_INPUT", f"The line {line.position} is named twice in one refund.", path=("lines", index)
            )
        taken[line.position] = _take_line(line, ask, index, currency)
    parts = [part for part in taken.values() if part.amount or part.quantity]
    back = sum(part.amount for part in parts)
    if back < 0 or (back == 0 and not any(part.quantity for part in parts)):
        raise DomainError("INVALID_AMOUNT", "The refund takes nothing back.", path=("lines",))
    _assert_within(lines, parts, currency)
    return parts


def _take_line(line: OpenLine, ask: RefundLineInput, index: int, currency: str) -> Taken:
    quantity = ask.quantity
    if quantity is not None and not 0 < quantity <= line.open_quantity:
        raise DomainError(
            "REFUND_EXCEEDS_ORDER",
            f"{quantity} units of line {line.position} cannot come back: {line.open_quantity} are open.",
            path=("lines", index, "quantity"),
        )
    if ask.amount is not None:
        amount = checked_amount(ask.amount, currency, "lines", index, "amount")
        if not _between(amount, line.open):
            raise _exceeds(
                f"{from_minor(amount, currency)} {currency} of line {line.position} exceed",
                line.open,
                currency,
                "lines",
                index,
                "amount",
            )
    elif quantity is None:
        quantity, amount = line.open_quantity, line.open
    else:
        # The units' share, cumulatively over the units; what was refunded by amount before may have left less.
        upto = line.refunded_quantity + quantity
        share = _share(line.amount, upto, line.quantity) - _share(line.amount, line.refunded_quantity, line.quantity)
        amount = share if _between(share, line.open) else line.open
    return _taken(line, quantity or 0, amount)


def after(lines: Sequence[OpenLine], taken: Sequence[Taken]) -> list[OpenLine]:
    """The lines once the refund is applied."""
    parts = {part.position: part for part in taken}
    return [line if (part := parts.get(line.position)) is None else _reduced(line, part) for line in lines]


@dataclass(frozen=True, slots=True)
class Change:
    """What an edit does to one position: the old line is reversed, the new one added; either may be missing."""

    old: OpenLine | None
    new: OpenLine | None


def changes(
    lines: Sequence[OpenLine],
    edited: Sequence[OpenLine],
    *,
    currency: str,
) -> list[Change]:
    """The positions that differ, in order; empty when the edit changes nothing.

    edited: the new state, as `open_lines` gives it. Raises REFUND_EXCEEDS_ORDER when a line, the revenue or the total
    would fall below what was refunded.
    """
    old = {line.position: line for line in lines}
    found: list[Change] = []
    state: list[OpenLine] = []
    for line in edited:
        new = line
        before = old.pop(line.position, None)
        if before is None:
            found.append(Change(None, new))
        elif not _same(before, new):
            new = new._replace(
                refunded_quantity=before.refunded_quantity,
                refunded=before.refunded,
                refunded_base=before.refunded_base,
            )
            _assert_covers(before, new, currency)
            found.append(Change(before, new))
        else:
            new = before
        state.append(new)
    for gone in old.values():
        _assert_covers(gone, None, currency)
        found.append(Change(gone, None))
    if found:
        _assert_refunded_within(state, currency, "lines")
    found.sort(key=lambda change: (change.old or change.new).position)  # type: ignore[union-attr]
    return found


def edited_lines(lines: Sequence[OpenLine], applied: Sequence[Change]) -> list[OpenLine]:
    """The lines once the edit is applied, by position."""
    state = {line.position: line for line in lines}
    for change in applied:
        if change.old is not None:
            del state[change.old.position]
        if change.new is not None:
            state[change.new.position] = change.new
    return [state[position] for position in sorted(state)]


def _taken(line: OpenLine, quantity: int, amount: int) -> Taken:
    base = None
    if line.base is not None:
        upto = line.refunded + amount
        base = (line.base if upto == line.amount else _share(line.base, upto, line.amount)) - line.refunded_base
    return Taken(line.position, line.kind, line.product_id, quantity, amount, base)


def _reduced(line: OpenLine, part: Taken) -> OpenLine:
    # Not by _replace, which takes three times as long: every line of a refund comes through here.
    return OpenLine(
        line.position,
        line.kind,
        line.product_id,
        line.external_id,
        line.title,
        line.quantity,
        line.amount,
        line.base,
        line.refunded_quantity + part.quantity,
        line.refunded + part.amount,
        line.refunded_base + (part.base or 0),
    )


def _share(total: int, part: int, whole: int) -> int:
    # total × part ÷ whole, half-even. part and whole have the same sign, or part is 0, as whole may be then.
    return divide_half_even(total * part, whole) if part else 0


def _spread(lines: Sequence[OpenLine], amount: int) -> list[int]:
    # In proportion over all lines at once. Where a discount nearly outweighs the items, rounding could take back more
    # revenue than there is: then revenue as a whole and the other lines share first, and the revenue lines among them.
    parts = allocate(amount, [line.open for line in lines])
    revenue = [index for index, line in enumerate(lines) if line.is_revenue]
    left = sum(lines[index].open for index in revenue)
    if 0 <= sum(parts[index] for index in revenue) <= left:
        return parts
    others = [index for index, line in enumerate(lines) if not line.is_revenue]
    of_revenue, *of_others = allocate(amount, [left, *(lines[index].open for index in others)])
    parts = [0] * len(lines)
    for index, part in zip(others, of_others, strict=True):
        parts[index] = part
    for index, part in zip(revenue, allocate(of_revenue, [lines[index].open for index in revenue]), strict=True):
        parts[index] = part
    return parts


def _between(amount: int, limit: int) -> bool:
    # From 0 to the limit, whatever the limit's sign.
    return 0 <= amount <= limit or limit <= amount <= 0


def _assert_within(lines: Sequence[OpenLine], taken: Sequence[Taken], currency: str) -> None:
    # Line by line it fits; together, discounts left behind could still make it more than the order was.
    _assert_refunded_within(lines, currency, "lines", taken=taken)


def _assert_refunded_within(state: Sequence[OpenLine], currency: str, *path: str, taken: Sequence[Taken] = ()) -> None:
    revenue = [line for line in state if line.is_revenue]
    for name, lines, parts in (
        ("order", state, taken),
        ("order's revenue", revenue, [part for part in taken if part.is_revenue]),
    ):
        refunded = sum(line.refunded for line in lines) + sum(part.amount for part in parts)
        amount = sum(line.amount for line in lines)
        if not 0 <= refunded <= amount:
            raise DomainError(
                "REFUND_EXCEEDS_ORDER",
                f"{from_minor(refunded, currency)} {currency} of the {name} would be refunded, which is "
                f"{from_minor(amount, currency)}. Take back the discounts with the items, or name amounts.",
                path=path,
            )


def _assert_covers(before: OpenLine, new: OpenLine | None, currency: str) -> None:
    if not before.refunded and not before.refunded_quantity:
        return
    # A line that was refunded keeps its product and kind: what came back was of that product.
    kept = new is not None and (new.kind, new.product_id) == (before.kind, before.product_id)
    if new is None or not kept or not _between(before.refunded, new.amount) or before.refunded_quantity > new.quantity:
        raise DomainError(
            "REFUND_EXCEEDS_ORDER",
            f"Of line {before.position}, {from_minor(before.refunded, currency)} {currency} and "
            f"{before.refunded_quantity} units were refunded: an edit must leave it at least that.",
            path=("lines",),
        )


def _same(old: OpenLine, new: OpenLine) -> bool:
    return (old.kind, old.product_id, old.external_id, old.title, old.quantity, old.amount) == (
        new.kind,
        new.product_id,
        new.external_id,
        new.title,
        new.quantity,
        new.amount,
    )


def _exceeds(what: str, left: int, currency: str, *path: str | int) -> DomainError:
    return DomainError(
        "REFUND_EXCEEDS_ORDER", f"{what} what is open: {from_minor(left, currency)} {currency}.", path=path
    )
