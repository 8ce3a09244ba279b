"""Commissions: what a credit earns, and that a full refund takes all of it back, to the unit and by line."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from app.commissions.accrue import (
    Amount,
    Balance,
    Revenue,
    accrual,
    added,
    amendment,
    cumulative,
    earned,
    reversal,
)
from app.core.ids import new_id
from app.core.money import WEIGHT_ONE, divide_half_even

PRODUCTS = [new_id() for _ in range(3)]
NOTHING = Balance()

rates = st.integers(0, 10**6).map(lambda millionths: Decimal(millionths).scaleb(-6))
weights = st.integers(1, WEIGHT_ONE)


@st.composite
def revenues(draw: st.DrawFn) -> list[Revenue]:
    """Revenue lines that sum to at least 0, in two currencies or with an unknown one."""
    amounts = draw(st.lists(st.integers(0, 10**7), min_size=1, max_size=8))
    discount = draw(st.integers(0, sum(amounts)))
    kind = draw(st.sampled_from(("same", "other", "unknown")))
    rows = []
    for position, amount in enumerate([*amounts, *([-discount] if discount else [])]):
        base = {"same": amount, "other": divide_half_even(amount * 7, 10), "unknown": None}[kind]
        rows.append(Revenue((position, draw(st.sampled_from([*PRODUCTS, None]))), amount, base))
    return rows


@st.composite
def partly_refunded(draw: st.DrawFn, of: list[Revenue]) -> list[Revenue]:
    """A part of the lines, line by line between nothing and all."""
    refunded = []
    for line in of:
        amount = draw(st.integers(min(0, line.amount), max(0, line.amount)))
        base = None if line.base is None else cumulative(line.base, part=amount, whole=line.amount)
        refunded.append(Revenue(line.place, amount, base))
    return refunded


def check_parts(amount: Amount) -> None:
    assert sum(share.amount for share in amount.shares) == amount.amount
    if amount.base is not None:
        assert sum(share.base or 0 for share in amount.shares) == amount.base


@given(revenues(), weights, rates)
def test_the_parts_of_an_accrual_sum_to_it(lines: list[Revenue], weight: int, rate: Decimal) -> None:
    amount = accrual(lines, weight=weight, rate=rate)

    check_parts(amount)
    assert amount.basis == sum(line.amount for line in lines)
    assert (amount.base is None) == any(line.base is None for line in lines)
    if all(line.base == line.amount for line in lines):
        assert all(share.base == share.amount for share in amount.shares)


@given(st.integers(0, 10**12), weights, rates)
def test_an_earning_is_rounded_half_even_once(basis: int, weight: int, rate: Decimal) -> None:
    exact = Decimal(basis) * Decimal(weight) * rate / WEIGHT_ONE

    assert abs(earned(basis, weight=weight, rate=rate) - exact) <= Decimal("0.5")


def test_halves_go_to_the_even_unit() -> None:
    assert earned(5, weight=WEIGHT_ONE, rate=Decimal("0.1")) == 0
    assert earned(15, weight=WEIGHT_ONE, rate=Decimal("0.1")) == 2
    assert earned(25, weight=WEIGHT_ONE, rate=Decimal("0.1")) == 2


@given(revenues(), weights, rates, st.data())
def test_a_full_refund_leaves_nothing_however_it_came(
    lines: list[Revenue], weight: int, rate: Decimal, data: st.DataObject
) -> None:
    earned_so_far = added(NOTHING, accrual(lines, weight=weight, rate=rate))
    reversed_so_far = NOTHING
    for refunded in [data.draw(partly_refunded(lines)) for _ in range(data.draw(st.integers(0, 3)))]:
        amount = reversal(
            sum(line.amount for line in lines), refunded, earned_so_far=earned_so_far, reversed_so_far=reversed_so_far
        )
        check_parts(amount)
        reversed_so_far = added(reversed_so_far, amount)

    last = reversal(
        sum(line.amount for line in lines), lines, earned_so_far=earned_so_far, reversed_so_far=reversed_so_far
    )
    net = added(added(earned_so_far, Amount(0, reversed_so_far.amount, reversed_so_far.base, ())), last)

    assert net.amount == 0
    assert not net.base
    total = added(reversed_so_far, last)
    for place, (amount_of_line, base_of_line) in (earned_so_far.shares or {}).items():
        back = (total.shares or {}).get(place, (0, 0))
        assert amount_of_line + back[0] == 0
        assert (base_of_line or 0) + (back[1] or 0) == 0


@given(revenues(), weights, rates, st.data())
def test_what_is_taken_back_is_the_refunded_part(
    lines: list[Revenue], weight: int, rate: Decimal, data: st.DataObject
) -> None:
    earned_so_far = added(NOTHING, accrual(lines, weight=weight, rate=rate))
    refunded = data.draw(partly_refunded(lines))

    amount = reversal(
        sum(line.amount for line in lines), refunded, earned_so_far=earned_so_far, reversed_so_far=NOTHING
    )

    part, whole = sum(line.amount for line in refunded), sum(line.amount for line in lines)
    assert amount.amount == -cumulative(earned_so_far.amount, part=part, whole=whole)


@given(revenues(), revenues(), weights, rates)
def test_edits_bring_earnings_to_what_the_new_order_earns(
    before: list[Revenue], now: list[Revenue], weight: int, rate: Decimal
) -> None:
    first = added(NOTHING, accrual(before, weight=weight, rate=rate))

    change = amendment(now, first, weight=weight, rate=rate)

    check_parts(change)
    after = added(first, change)
    target = accrual(now, weight=weight, rate=rate)
    assert after.amount == target.amount
    if first.base is not None and target.base is not None:
        assert after.base == target.base
    shares = {place: amount for place, (amount, _) in (after.shares or {}).items() if amount}
    assert shares == {share.place: share.amount for share in target.shares if share.amount}


@given(revenues(), weights, rates)
def test_an_edit_that_changes_nothing_is_empty(lines: list[Revenue], weight: int, rate: Decimal) -> None:
    first = added(NOTHING, accrual(lines, weight=weight, rate=rate))

    assert amendment(lines, first, weight=weight, rate=rate).is_empty
