"""The ECB's files are read as they come, and rates between other currencies follow from the euro's."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import DomainError
from app.orders.ecb import Rate, crossed, read_rates

DAY = date(2026, 3, 10)


def test_both_files_are_read() -> None:
    history = "Date,USD,LTL,GBP,\n2026-03-10,1.16,N/A,0.87,\n2026-03-09,1.15,,0.865,\n"
    daily = "\ufeffDate, USD, GBP, \n10 March 2026, 1.16, 0.87, \n"

    assert list(read_rates(daily)) == list(read_rates(history, since=DAY))
    assert [(rate.quote, rate.day.day, rate.rate) for rate in read_rates(history)] == [
        ("USD", 10, Decimal("1.16")),
        ("GBP", 10, Decimal("0.87")),
        ("USD", 9, Decimal("1.15")),
        ("GBP", 9, Decimal("0.865")),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("Day,USD\n", 1),
        ("Date,USD\nyesterday,1\n", 2),
        ("Date,USD\n2026-03-10,1\n2026-03-09,-1\n", 3),
        ("Date,USD\n2026-03-10,NaN\n", 2),
    ],
)
def test_what_is_no_such_file_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(DomainError, match=f"^Line {line} ") as caught:
        list(read_rates(text))
    assert caught.value.code == "BAD_USER_INPUT"


@given(st.decimals("0.0001", "100000", places=4), st.decimals("0.0001", "100000", places=4))
def test_a_cross_is_what_the_euro_makes_of_it(first: Decimal, second: Decimal) -> None:
    rates = [Rate("EUR", "USD", DAY, first), Rate("EUR", "JPY", DAY, second)]

    [cross] = crossed(rates)

    euros = dict(zip(("USD", "JPY"), (first, second), strict=True))
    # From the dearer to the cheaper, so that ten digits tell it to ten.
    assert cross.rate >= 1
    assert abs(cross.rate - euros[cross.quote] / euros[cross.base]) <= Decimal("1e-10")


def test_crosses_may_be_limited_to_one_currency() -> None:
    rates = [Rate("EUR", code, DAY, Decimal(value)) for code, value in (("USD", 1), ("GBP", 2), ("JPY", 3))]

    assert {(rate.base, rate.quote) for rate in crossed(rates, only={"GBP"})} == {("USD", "GBP"), ("GBP", "JPY")}


@given(
    st.lists(st.sampled_from(["USD", "GBP", "JPY", "CHF"]), unique=True),
    st.sets(st.sampled_from(["USD", "GBP", "EUR"])),
)
def test_limited_crosses_are_those_of_all_that_have_the_currency(quoted: list[str], only: set[str]) -> None:
    rates = [Rate("EUR", code, DAY, Decimal(number % 3 + 1)) for number, code in enumerate(quoted)]

    every = sorted(crossed(rates), key=lambda rate: (rate.base, rate.quote))

    limited = sorted(crossed(rates, only=only), key=lambda rate: (rate.base, rate.quote))
    assert limited == [rate for rate in every if rate.base in only or rate.quote in only]


def test_a_cell_of_megabytes_is_refused_with_its_line() -> None:
    with pytest.raises(DomainError, match="Line 2") as refused:
        list(read_rates('Date,USD\n2026-03-10,"' + '""' * 100_000 + '"\n'))

    assert refused.value.code == "BAD_USER_INPUT"
