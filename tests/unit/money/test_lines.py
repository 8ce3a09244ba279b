"""Orders in minor units: lines that add up, positions, and mistakes that name their value and path."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.words import REVENUE_KINDS, LineKind
from app.errors import DomainError
from app.orders.inputs import LineInput, OrderInput
from app.orders.lines import CheckedOrder, checked_lines, checked_order
from tests.factories.orders import NOON, item, line, order

LATEST = NOON + timedelta(days=365)


def checked(sent: OrderInput) -> CheckedOrder:
    """The order, checked a year later."""
    return checked_order(sent, latest=LATEST)


def refusal(sent: OrderInput) -> DomainError:
    """Why the order is refused."""
    with pytest.raises(DomainError) as caught:
        checked(sent)
    return caught.value


def test_an_order_comes_out_in_minor_units() -> None:
    sent = order(
        item("19.99", 2, title="Hot sauce", external_id="l1"),
        line(LineKind.DISCOUNT, "-1.99"),
        line(LineKind.TAX, "3.60"),
        customer="c",
        codes=(" hot ", "HOT", "mild"),
        country="gb",
    )

    found = checked(sent)

    assert (found.total, found.gross, found.codes, found.country) == (2_160, 1_800, ("HOT", "MILD"), "GB")
    assert [(each.position, each.amount) for each in found.lines] == [(0, 1_999), (1, -199), (2, 360)]


@pytest.mark.parametrize(("currency", "amount", "minor"), [("JPY", "500", 500), ("KWD", "1.234", 1_234)])
def test_minor_units_are_the_currencys(currency: str, amount: str, minor: int) -> None:
    assert checked(order(item(amount), currency=currency)).total == minor


def test_lines_that_do_not_add_up_name_the_difference() -> None:
    error = refusal(order(item("10.00"), line(LineKind.TAX, "2.00"), total=Decimal("12.50")))

    assert error.code == "LINES_DO_NOT_ADD_UP"
    assert error.path == ("total",)
    assert error.message == "The lines sum to 12.00 GBP, which is -0.50 beside the total of 12.50."


@pytest.mark.parametrize(
    ("sent", "code", "path"),
    [
        (order(external_id=""), "BAD_USER_INPUT", ("externalId",)),
        (order(external_id="x" * 201), "BAD_USER_INPUT", ("externalId",)),
        (order(external_id="a\0b"), "BAD_USER_INPUT", ("externalId",)),
        (order(external_id="\ud800"), "BAD_USER_INPUT", ("externalId",)),
        (order(currency="XXX"), "INVALID_CURRENCY", ("currency",)),
        (order(currency="pound"), "INVALID_CURRENCY", ("currency",)),
        (order(occurred_at=LATEST + timedelta(microseconds=1)), "OCCURRED_IN_FUTURE", ("occurredAt",)),
        (order(occurred_at=datetime(1969, 12, 31, tzinfo=UTC)), "BAD_USER_INPUT", ("occurredAt",)),
        (order(country="GBR"), "BAD_USER_INPUT", ("country",)),
        (order(codes=("",)), "BAD_USER_INPUT", ("codes",)),
        (order(codes=("a\x1fb",)), "BAD_USER_INPUT", ("codes",)),
        (order(codes=tuple(f"c{number}" for number in range(21))), "BAD_USER_INPUT", ("codes",)),
        (order(customer=""), "BAD_USER_INPUT", ("customer",)),
        (order(total=Decimal("NaN")), "INVALID_AMOUNT", ("total",)),
        (order(item("1.001"), total=Decimal(1)), "INVALID_AMOUNT", ("lines", "0", "amount")),
        (order(item("-1.00")), "INVALID_AMOUNT", ("lines", "0", "amount")),
        (order(item("1E+999999"), total=Decimal(1)), "INVALID_AMOUNT", ("lines", "0", "amount")),
        (order(item("1.00"), line(LineKind.DISCOUNT, "1.00")), "INVALID_AMOUNT", ("lines", "1", "amount")),
        (order(item("1.00", 0)), "BAD_USER_INPUT", ("lines", "0", "quantity")),
        (order(item("1.00", sku="")), "BAD_USER_INPUT", ("lines", "0", "sku")),
        (order(item("1.00", title="t" * 501)), "BAD_USER_INPUT", ("lines", "0", "title")),
        (order(item("1.00", position=-1)), "BAD_USER_INPUT", ("lines", "0", "position")),
        (order(item("1.00", position=1), item("1.00")), "BAD_USER_INPUT", ("lines", "1", "position")),
        (order(item("1.00", external_id="a"), item("1.00", external_id="a")), "BAD_USER_INPUT", ("lines",)),
        (
            order(item("1.00"), line(LineKind.DISCOUNT, "-2.00"), line(LineKind.TAX, "3.00")),
            "INVALID_AMOUNT",
            ("lines",),
        ),
        (order(item("1.00"), line(LineKind.GIFT_CARD, "-2.00")), "INVALID_AMOUNT", ("total",)),
        (replace(order(), lines=()), "BAD_USER_INPUT", ("lines",)),
    ],
)
def test_mistakes_are_named_with_their_path(sent: OrderInput, code: str, path: tuple[str, ...]) -> None:
    error = refusal(sent)

    assert (error.code, error.path) == (code, path)


def test_equal_orders_have_equal_hashes_however_they_are_written() -> None:
    sent = order(item("10.0"), codes=("hot",), occurred_at=NOON)
    same = replace(
        sent,
        total=Decimal("1E+1"),
        lines=(item("10.00"),),
        codes=(" HOT",),
        occurred_at=datetime.fromisoformat("2026-03-10T13:00:00+01:00"),
    )

    assert checked(sent).content_hash == checked(same).content_hash


@pytest.mark.parametrize(
    "change",
    [
        {"customer": "other"},
        {"visitor_id": "v"},
        {"click_id": "c"},
        {"codes": ("HOT",)},
        {"country": "DE"},
        {"test": True},
        {"occurred_at": NOON + timedelta(seconds=1)},
        {"currency": "EUR"},
        {"lines": (item("100.00", 2),)},
        {"lines": (item("100.00", title="t"),)},
        {"lines": (item("100.00", sku="s"),)},
        {"lines": (item("60.00"), item("40.00"))},
    ],
)
def test_other_content_has_another_hash(change: dict[str, Any]) -> None:
    sent = order(external_id="o")

    assert checked(sent).content_hash != checked(replace(sent, **change)).content_hash


def test_an_edits_unnamed_line_makes_room_for_those_that_are_named() -> None:
    lines = checked_lines(
        [item("1.00", external_id="b"), item("2.00"), item("3.00")], "GBP", known={"a": 0, "b": 1}, used=3
    )

    assert [(line.position, line.amount) for line in lines] == [(1, 100), (2, 300), (3, 200)]


def test_positions_of_an_edit_follow_the_lines_ids() -> None:
    lines = checked_lines(
        [
            item("1.00", external_id="new"),
            item("2.00", external_id="b"),
            item("3.00", external_id="a"),
            item("4.00"),
            item("5.00", external_id="newer"),
        ],
        "GBP",
        known={"a": 0, "b": 1},
        used=9,
    )

    assert [(each.position, each.amount) for each in lines] == [(0, 300), (1, 200), (3, 400), (9, 100), (10, 500)]


@given(st.lists(st.tuples(st.sampled_from(LineKind), st.integers(0, 10**9)), min_size=1, max_size=20))
def test_gross_is_the_revenue_lines_and_the_total_is_all(parts: list[tuple[LineKind, int]]) -> None:
    lines = [
        LineInput(kind, Decimal(-amount if kind is LineKind.DISCOUNT else amount).scaleb(-2)) for kind, amount in parts
    ]
    gross = sum(-amount if kind is LineKind.DISCOUNT else amount for kind, amount in parts if kind in REVENUE_KINDS)
    total = gross + sum(amount for kind, amount in parts if kind not in REVENUE_KINDS)
    sent = order(*lines)
    if gross < 0 or total < 0:
        assert refusal(sent).code == "INVALID_AMOUNT"
    else:
        assert (checked(sent).gross, checked(sent).total) == (gross, total)
