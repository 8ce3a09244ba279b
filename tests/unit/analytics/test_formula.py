"""Formulas: one division, half-even, exact at any size."""

from decimal import Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analytics.semantic.formula import Formula, Terms, Unit, change_of, ratio, ratio_of, terms
from app.analytics.semantic.measures import MEASURES
from app.analytics.semantic.sums import SUMS
from app.tables.rollups import SUM_COLUMNS

E9 = 10**9


def value_of(measure: str, exponent: int = 2, **sums: int) -> object:
    formula = MEASURES[measure].formula
    columns = {name: index for index, name in enumerate(formula.sums)}
    (scaled,) = formula.scaled(columns, exponent)([(sums.get(name, 0),) for name in formula.sums])
    return None if scaled is None else formula.shown(exponent)(scaled)


@pytest.mark.parametrize(
    ("measure", "sums", "expected"),
    [
        ("instances", {"instances": 7}, 7),
        ("nonPurchases", {"instances": 234, "purchases": 70}, 164),
        ("orders", {"orders_e9": 2_500_000_000}, Decimal("2.5")),
        ("orders", {"orders_e9": 30 * E9}, Decimal("30")),
        ("orders", {"orders_e9": 333_333_334}, Decimal("0.333333334")),
        ("units", {"units_e9": -4 * E9}, Decimal("-4")),
        ("grossRevenue", {"gross_e9": 1_005 * E9 // 10}, Decimal("1.00")),
        ("grossRevenue", {"gross_e9": 1_015 * E9 // 10}, Decimal("1.02")),
        ("netRevenue", {"gross_e9": 0, "refunds_e9": 5 * E9}, Decimal("-0.05")),
        ("averageOrderValue", {"gross_e9": 1_001 * E9, "orders_e9": 2 * E9}, Decimal("5.00")),
        ("conversionRate", {"purchases": 70, "instances": 234}, Decimal("0.299145")),
        ("orderRate", {"orders_e9": E9 // 2, "clicks": 4}, Decimal("0.125000")),
        ("commission", {"commission_pending": 500, "commission_paid": 7, "commission_reversed": 10}, Decimal("4.97")),
        ("earningsPerClick", {"commission_approved": 100, "clicks": 3}, Decimal("0.333333")),
        ("profit", {"gross_e9": 10_004 * E9 // 10, "commission_paid": 300, "spend": 200}, Decimal("5.00")),
        ("profit", {"gross_e9": E9 // 2, "commission_reversed": 1}, Decimal("0.02")),
        ("returnOnSpend", {"gross_e9": 900 * E9, "commission_paid": 200, "spend": 100}, Decimal("3.000000")),
        ("returnOnSpend", {"gross_e9": 900 * E9, "spend": -300}, Decimal("-3.000000")),
        ("postLikes", {"likes": 0, "likes_known": 1}, 0),
        ("engagements", {"likes": -3, "shares": 1, "shares_known": 2}, -2),
        ("engagementRate", {"likes": 1, "likes_known": 1, "views": 3, "views_known": 1}, Decimal("0.333333")),
        ("clickThroughRate", {"clicks": 2, "views": 3, "views_known": 1}, Decimal("0.666667")),
        ("orderValueQuantile", {"order_value": 1_234, "valued_orders": 3}, Decimal("12.34")),
    ],
)
def test_value_is_divided_once_and_rounded_half_even(measure: str, sums: dict[str, int], expected: object) -> None:
    found = value_of(measure, **sums)

    assert found == expected
    assert str(found) == str(expected)


@pytest.mark.parametrize("measure", [name for name, measure in MEASURES.items() if measure.is_nullable])
def test_quotient_over_nothing_is_null(measure: str) -> None:
    assert value_of(measure) is None


@pytest.mark.parametrize(("exponent", "shown"), [(0, "1234"), (2, "12.34"), (3, "1.234")])
def test_money_has_the_digits_of_its_currency(exponent: int, shown: str) -> None:
    assert str(value_of("grossRevenue", exponent, gross_e9=1_234 * E9)) == shown


@pytest.mark.parametrize(("exponent", "shown"), [(0, "411.333333"), (2, "4.113333"), (3, "0.411333")])
def test_rate_of_money_is_in_major_units(exponent: int, shown: str) -> None:
    assert str(value_of("earningsPerClick", exponent, commission_paid=1_234, clicks=3)) == shown


@given(st.integers(-(10**38), 10**38))
def test_money_of_any_size_keeps_every_digit(minor: int) -> None:
    found = value_of("grossRevenue", gross_e9=minor * E9)

    assert isinstance(found, Decimal)
    assert int(found.scaleb(2, context=Context(prec=80))) == minor


@given(
    st.sampled_from([measure.formula for measure in MEASURES.values()]),
    st.sampled_from([0, 2, 3]),
    st.data(),
)
def test_a_column_is_its_rows_one_by_one_and_is_written_as_it_is_shown(
    formula: Formula, exponent: int, data: st.DataObject
) -> None:
    numbers = data.draw(
        st.sampled_from(
            [
                st.one_of(
                    st.integers(-5, 5), st.integers(-(10**30), 10**30), st.integers(-9, 9).map((E9 // 2).__mul__)
                ),
                # Columns of which every number has digits before the point.
                st.integers(10**12, 10**30),
            ]
        )
    )
    rows = data.draw(st.lists(st.tuples(*[numbers for _ in formula.sums]), min_size=1, max_size=5))
    scaled = formula.scaled({name: index for index, name in enumerate(formula.sums)}, exponent)

    column = scaled(list(zip(*rows, strict=True)))

    alone = [scaled([(value,) for value in row])[0] for row in rows]
    assert list(column) == alone == [_divided(formula, exponent, row) for row in rows]
    shown = [None if value is None else formula.shown(exponent)(value) for value in column]
    is_count = formula.unit is Unit.COUNT
    assert formula.written(exponent)(column) == [v if v is None or is_count else str(v) for v in shown]


def _divided(formula: Formula, exponent: int, row: tuple[int, ...]) -> int | None:
    # By fractions: one division, half-even.
    sums = dict(zip(formula.sums, map(Fraction, row), strict=True))
    if formula.known and not any(sums[name] for name in formula.known):
        return None

    def added(terms: Terms) -> Fraction:
        def major(name: str) -> Fraction:
            return sums[name] / Fraction(f"1e{SUMS[name].decimals + exponent * SUMS[name].is_money}")

        # The weights but for their signs only bring the sums to the same digits.
        return sum((major(name) * ((weight > 0) - (weight < 0)) for name, weight in terms.weights), Fraction())

    below = Fraction(1) if formula.denominator is None else added(formula.denominator)
    if below == 0:
        return None
    return round(added(formula.numerator) / below * Fraction(f"1e{formula.digits(exponent)}"))


def test_terms_of_money_and_counts_are_refused() -> None:
    with pytest.raises(AssertionError, match="one kind"):
        terms(("gross_e9", "clicks"))


@pytest.mark.parametrize(
    ("value", "previous", "change"),
    [
        (150, 100, "0.500000"),
        (0, 3, "-1.000000"),
        (1, 3, "-0.666667"),
        (-50, -100, "-0.500000"),
        (50, -100, "-1.500000"),
        (7, 0, None),
        (None, 5, None),
        (5, None, None),
    ],
)
def test_change_is_of_the_previous_value_and_null_from_nothing(
    value: int | None, previous: int | None, change: str | None
) -> None:
    found = ratio(change_of(value, previous))

    assert (None if found is None else str(found)) == change


@pytest.mark.parametrize(
    ("part", "whole", "share"), [(1, 3, "0.333333"), (3, -3, "-1.000000"), (1, 0, None), (None, 3, None)]
)
def test_share_is_of_the_whole_and_null_of_nothing(part: int | None, whole: int | None, share: str | None) -> None:
    found = ratio(ratio_of(part, whole))

    assert (None if found is None else str(found)) == share


def test_commissions_of_a_state_stand_as_they_are_and_net_sets_the_reversed_off() -> None:
    commission = MEASURES["commission"]

    reversed_ = commission.formula_of(("REVERSED",), by_state=False)

    assert reversed_.numerator == terms(("commission_reversed",))
    assert dict(commission.formula_of(None, by_state=False).numerator.weights)["commission_reversed"] == -1
    assert dict(commission.formula_of(None, by_state=True).numerator.weights)["commission_reversed"] == 1


def test_commissions_of_no_state_are_nothing() -> None:
    formula = MEASURES["commission"].formula_of((), by_state=False)

    scaled = formula.scaled(dict.fromkeys(formula.sums, 0), 2)([[0, 12345, -1]])

    assert formula.written(2)(scaled) == ["0.00", "0.00", "0.00"]


def test_stored_sums_are_the_columns_of_rollups() -> None:
    assert {name for name, declared in SUMS.items() if declared.is_stored} == set(SUM_COLUMNS)


def test_every_sum_is_used_or_is_a_count_of_missing_rates() -> None:
    used = {name for measure in MEASURES.values() for name in measure.formula.sums}

    assert set(SUMS) - used == {"missing_rates", "missing_spend_rates", "missing_payout_rates"}


def test_a_measure_fits_the_dimensions_that_all_its_facts_have() -> None:
    local = ("hour_of_day", "day_of_week")
    own = ("influencer", "campaign", "product", "code", "currency")
    touch = ("influencer", "campaign", "code", "platform", "channel", "country", "is_purchase")
    assert MEASURES["commission"].dimensions == (*own, "commission_state", *local)
    assert MEASURES["clicks"].dimensions == (*touch, *local)
    assert MEASURES["earningsPerClick"].dimensions == ("influencer", "campaign", "code", *local)
    assert MEASURES["spend"].dimensions == ("influencer", "campaign", "currency", *local)
    assert MEASURES["profit"].dimensions == ("influencer", "campaign", "currency", *local)
    assert MEASURES["engagementRate"].dimensions == ("influencer", "campaign", "platform", *local)
    assert "customer_kind" in MEASURES["newCustomers"].dimensions
    assert "product" not in MEASURES["orders"].additive_by
    assert "currency" not in MEASURES["netRevenue"].additive_by
    assert "commission_state" not in MEASURES["commission"].additive_by
    assert MEASURES["visitors"].additive_by == MEASURES["averageOrderValue"].additive_by == ()
    assert MEASURES["netRevenue"].api_name == "NET_REVENUE"
