"""Money arithmetic: exact, in whole minor units."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.money import MINOR_MAX, allocate, divide_half_even, exponent, from_minor, point_writer, to_minor
from app.errors import DomainError

amounts = st.integers(-(10**12), 10**12)


@pytest.mark.parametrize(("currency", "digits"), [("GBP", 2), ("JPY", 0), ("KWD", 3)])
def test_exponents_are_those_of_iso_4217(currency: str, digits: int) -> None:
    assert exponent(currency) == digits


@pytest.mark.parametrize("currency", ["", "gbp", "GB", "XAU", "XXX", "NOPE", "£"])
def test_what_is_no_currency_is_refused(currency: str) -> None:
    with pytest.raises(DomainError) as refused:
        exponent(currency)

    assert refused.value.code == "INVALID_CURRENCY"


@given(amounts, st.sampled_from(["GBP", "JPY", "KWD"]))
def test_minor_and_major_units_are_one_amount(minor: int, currency: str) -> None:
    assert to_minor(from_minor(minor, currency), currency) == minor


@given(st.lists(amounts | st.integers(-2_000, 2_000) | st.none()), st.sampled_from(["GBP", "JPY", "KWD", "CLF"]))
def test_amounts_are_written_as_their_decimals_are(minors: list[int | None], currency: str) -> None:
    written = point_writer(exponent(currency))(minors)

    assert written == [None if minor is None else format(from_minor(minor, currency), "f") for minor in minors]


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("1.001", "GBP"),
        ("0.5", "JPY"),
        ("NaN", "GBP"),
        ("sNaN", "GBP"),
        ("Infinity", "GBP"),
        ("-Infinity", "GBP"),
        ("1e999999", "GBP"),
        ("1e-999999", "GBP"),
        (str(MINOR_MAX), "GBP"),
    ],
)
def test_what_is_no_amount_of_the_currency_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(DomainError) as refused:
        to_minor(Decimal(amount), currency)

    assert refused.value.code == "INVALID_AMOUNT"


@given(amounts, st.integers(-(10**9), 10**9).filter(bool))
def test_division_rounds_half_even(numerator: int, denominator: int) -> None:
    assert divide_half_even(numerator, denominator) == round(Fraction(numerator, denominator))


@given(amounts, st.lists(st.integers(0, 10**9), min_size=1, max_size=50).filter(any))
def test_parts_sum_to_the_whole_and_stay_within_one_of_their_share(total: int, shares: list[int]) -> None:
    parts = allocate(total, shares)

    assert sum(parts) == total
    for part, share in zip(parts, shares, strict=True):
        assert abs(part - Fraction(total * share, sum(shares))) < 1


@given(st.data(), st.lists(st.integers(-1000, 10**6), min_size=1, max_size=20))
def test_no_part_exceeds_a_share_of_mixed_sign(data: st.DataObject, shares: list[int]) -> None:
    whole = sum(shares)
    if whole <= 0:
        return
    total = data.draw(st.integers(0, whole))

    parts = allocate(total, shares)

    assert sum(parts) == total
    for part, share in zip(parts, shares, strict=True):
        assert min(share, 0) <= part <= max(share, 0)


def test_ties_go_to_the_earlier_share() -> None:
    assert allocate(1, [1, 1]) == [1, 0]
    assert allocate(-1, [1, 1]) == [0, -1]


def test_nothing_can_be_split_over_nothing() -> None:
    assert allocate(0, [0, 0]) == [0, 0]
    with pytest.raises(ValueError, match="sum to 0"):
        allocate(1, [1, -1])
