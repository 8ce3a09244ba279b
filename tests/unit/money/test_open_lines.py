"""What refunds and edits make of an order's open lines: never beyond it, and nothing left when all came back."""

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.core.ids import new_id
from app.core.money import divide_half_even
from app.core.words import LineKind
from app.errors import DomainError
from app.orders.inputs import RefundLineInput
from app.orders.lines import Line
from app.orders.open_lines import (
    OpenLine,
    Taken,
    after,
    changes,
    edited_lines,
    open_lines,
    take_amount,
    take_lines,
    take_rest,
)

SAUCE, SALSA = new_id(), new_id()
PRODUCTS = {"sauce": SAUCE, "salsa": SALSA}


def open_line(
    position: int, amount: int, quantity: int = 1, kind: LineKind = LineKind.ITEM, base: int | None = None
) -> OpenLine:
    """A line nothing was taken back of."""
    product = SAUCE if kind is LineKind.ITEM else None
    return OpenLine(position, kind, product, None, None, quantity, amount, amount if base is None else base)


ORDER = [
    open_line(0, 10_000, 10),
    open_line(1, 2_000, 1),
    open_line(2, -2_000, 1, LineKind.DISCOUNT),
    open_line(3, 500, 1, LineKind.SHIPPING),
]


def asked(position: int, quantity: int | None = None, amount: str | None = None) -> RefundLineInput:
    """A part of a refund by line."""
    return RefundLineInput(position, None, quantity, None if amount is None else Decimal(amount))


def refused(code: str) -> "pytest.RaisesExc[DomainError]":
    """Expects a refusal of the code."""
    return pytest.raises(DomainError, check=lambda error: error.code == code)


@st.composite
def orders(draw: st.DrawFn) -> list[OpenLine]:
    """Open lines of an order as it may be recorded: neither its revenue nor its total is negative."""
    kinds = draw(st.lists(st.sampled_from(LineKind), min_size=1, max_size=8))
    lines = []
    for position, kind in enumerate(kinds):
        amount = draw(st.integers(0, 5_000))
        if kind is LineKind.DISCOUNT or (kind is LineKind.GIFT_CARD and draw(st.booleans())):
            amount = -amount
        base = draw(st.sampled_from((amount, divide_half_even(amount * 13, 10))))
        lines.append(open_line(position, amount, draw(st.integers(1, 20)), kind, base))
    assume(sum(line.amount for line in lines if line.is_revenue) >= 0)
    assume(sum(line.amount for line in lines) >= 0)
    return lines


def check_within(lines: list[OpenLine]) -> None:
    for line in lines:
        low, high = sorted((0, line.amount))
        assert low <= line.refunded <= high
        assert 0 <= line.refunded_quantity <= line.quantity
    for group in (lines, [line for line in lines if line.is_revenue]):
        assert 0 <= sum(line.refunded for line in group) <= sum(line.amount for line in group)


@given(orders(), st.lists(st.integers(1, 6_000), max_size=4))
def test_refunds_by_amount_never_go_beyond_the_order(lines: list[OpenLine], amounts: list[int]) -> None:
    for amount in amounts:
        left = sum(line.open for line in lines)
        if amount > left:
            with refused("REFUND_EXCEEDS_ORDER"):
                take_amount(lines, amount, "GBP")
            continue
        taken = take_amount(lines, amount, "GBP")
        assert sum(part.amount for part in taken) == amount
        lines = after(lines, taken)
        check_within(lines)
    lines = after(lines, take_rest(lines))
    assert all(line.open == 0 and line.open_quantity == 0 for line in lines)
    assert all(line.refunded_base == line.base for line in lines)
    assert take_rest(lines) == []


@given(orders(), st.data())
def test_refunds_by_line_never_go_beyond_the_order(lines: list[OpenLine], data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 4))):
        positions = data.draw(st.lists(st.sampled_from(range(len(lines))), unique=True, min_size=1))
        asks = [
            asked(
                position,
                data.draw(st.none() | st.integers(1, 5)),
                data.draw(st.none() | st.integers(-500, 5_000).map(lambda minor: f"{minor / 100:.2f}")),
            )
            for position in positions
        ]
        try:
            taken = take_lines(lines, asks, "GBP")
        except DomainError as error:
            if error.code not in {"REFUND_EXCEEDS_ORDER", "INVALID_AMOUNT"}:
                raise
            continue
        assert sum(part.amount for part in taken) >= 0
        lines = after(lines, taken)
        check_within(lines)
    lines = after(lines, take_rest(lines))
    assert all(line.open == 0 and line.refunded_base == line.base for line in lines)


def test_an_amount_is_spread_over_all_open_lines() -> None:
    assert [part.amount for part in take_amount(ORDER, 1_050, "GBP")] == [1_000, 200, -200, 50]


def test_rounding_never_takes_back_more_revenue_than_there_is() -> None:
    lines = [
        open_line(0, 10),
        open_line(1, -10, kind=LineKind.DISCOUNT),
        *(open_line(position, amount, kind=LineKind.FEE) for position, amount in enumerate((4, 4, 2), start=2)),
    ]

    for amount in range(1, 11):
        taken = take_amount(lines, amount, "GBP")
        assert sum(part.amount for part in taken) == amount
        check_within(after(lines, taken))


def test_units_come_back_at_their_share_of_the_line_cumulatively() -> None:
    lines = [open_line(0, 1_000, 3)]
    amounts = []
    for _ in range(3):
        (taken,) = take_lines(lines, [asked(0, 1)], "GBP")
        amounts.append(taken.amount)
        lines = after(lines, [taken])

    assert amounts == [333, 334, 333]
    with refused("REFUND_EXCEEDS_ORDER"):
        take_lines(lines, [asked(0, 1)], "GBP")


def test_a_line_named_alone_comes_back_whole() -> None:
    (taken,) = take_lines(ORDER, [asked(1)], "GBP")

    assert taken == Taken(1, LineKind.ITEM, SAUCE, 1, 2_000, 2_000)


def test_units_after_an_amount_take_what_is_left() -> None:
    lines = after([open_line(0, 1_000, 2)], take_lines([open_line(0, 1_000, 2)], [asked(0, None, "8.00")], "GBP"))

    (taken,) = take_lines(lines, [asked(0, 1)], "GBP")

    assert (taken.quantity, taken.amount) == (1, 200)


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (asked(9), "UNKNOWN_LINE"),
        (RefundLineInput(external_id="nine"), "UNKNOWN_LINE"),
        (asked(0, 11), "REFUND_EXCEEDS_ORDER"),
        (asked(0, None, "100.01"), "REFUND_EXCEEDS_ORDER"),
        (asked(0, None, "-0.01"), "REFUND_EXCEEDS_ORDER"),
        (asked(0, None, "0.001"), "INVALID_AMOUNT"),
        (asked(0, None, "0.00"), "INVALID_AMOUNT"),
        (asked(2), "INVALID_AMOUNT"),
    ],
)
def test_impossible_lines_are_refused(ask: RefundLineInput, code: str) -> None:
    with refused(code):
        take_lines(ORDER, [ask], "GBP")


def test_items_without_their_discount_cannot_all_come_back() -> None:
    with refused("REFUND_EXCEEDS_ORDER"):
        take_lines(ORDER, [asked(0), asked(1)], "GBP")

    taken = take_lines(ORDER, [asked(0), asked(1), asked(2)], "GBP")

    assert sum(part.amount for part in taken) == 10_000


def line(position: int, amount: int, quantity: int = 1, sku: str | None = "sauce") -> Line:
    """A line of an edit."""
    return Line(position, LineKind.ITEM, quantity, amount, sku, None, None)


def edited_to(*lines: Line) -> list[OpenLine]:
    """The new state of an edit, in the tenant's own currency."""
    return open_lines(lines, products=PRODUCTS, bases=[each.amount for each in lines])


def test_new_lines_are_all_open() -> None:
    lines = open_lines([line(0, 1_000, 2), line(1, 500, sku=None)], products=PRODUCTS, bases=[1_100, None])

    assert [(each.product_id, each.base, each.open, each.open_quantity) for each in lines] == [
        (SAUCE, 1_100, 1_000, 2),
        (None, None, 500, 1),
    ]


def test_an_edit_changes_only_what_differs() -> None:
    before = [open_line(0, 1_000, 2), open_line(1, 500), open_line(2, 300)]
    edited = edited_to(line(0, 1_000, 2), line(1, 400), line(5, 700, 1, "salsa"))

    found = changes(before, edited, currency="GBP")

    assert [(change.old and change.old.amount, change.new and change.new.amount) for change in found] == [
        (500, 400),
        (300, None),
        (None, 700),
    ]
    assert [(each.position, each.amount) for each in edited_lines(before, found)] == [(0, 1_000), (1, 400), (5, 700)]


def test_an_edit_to_the_same_state_is_empty() -> None:
    before = [open_line(0, 1_000, 2)]

    assert changes(before, edited_to(line(0, 1_000, 2)), currency="GBP") == []


@pytest.mark.parametrize(
    "edited",
    [[line(0, 599, 2)], [line(0, 1_000, 1, "salsa")], [line(1, 1_000, 2)], [line(0, 600)._replace(quantity=1)]],
)
def test_an_edit_below_what_was_refunded_is_refused(edited: list[Line]) -> None:
    before = after([open_line(0, 1_000, 2)], take_lines([open_line(0, 1_000, 2)], [asked(0, 2, "6.00")], "GBP"))

    with refused("REFUND_EXCEEDS_ORDER"):
        changes(before, edited_to(*edited), currency="GBP")


def test_an_edit_keeps_what_was_refunded() -> None:
    before = after([open_line(0, 1_000, 2)], take_lines([open_line(0, 1_000, 2)], [asked(0, 1)], "GBP"))

    found = changes(before, edited_to(line(0, 800, 2)), currency="GBP")

    (state,) = edited_lines(before, found)
    assert (state.refunded, state.refunded_quantity, state.open) == (500, 1, 300)
