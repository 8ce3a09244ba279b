"""Commissions: what a credit earns, and that a full refund takes all of it back, to the unit and by line."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.commissions.accrue import (
    Amount,
    Balance,
    Exact,
    Revenue,
    added,
    cumulative,
    difference,
    parts_of,
    reversal,
    spread,
    weighed,
)
from app.core.ids import new_id
from app.core.money import WEIGHT_ONE, allocate, divide_half_even

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


def accrual(lines: list[Revenue], *, weight: int, rate: Decimal) -> Amount:
    """What the only credit of an order earns."""
    (part,) = parts_of([weighed(lines, weight=weight, rate=rate)])
    return spread(lines, part)


def exactly(one: Exact) -> Fraction:
    return Fraction(one.top, one.under)


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
def test_what_a_single_credit_earns_is_rounded_half_even_once(basis: int, weight: int, rate: Decimal) -> None:
    lines = [Revenue((0, None), basis, divide_half_even(basis * 7, 10))]
    amount = accrual(lines, weight=weight, rate=rate)

    assert amount.amount == round(Fraction(basis * weight, WEIGHT_ONE) * Fraction(rate))
    assert amount.base == round(Fraction((lines[0].base or 0) * weight, WEIGHT_ONE) * Fraction(rate))


def test_halves_go_to_the_even_unit() -> None:
    for basis, expected in ((5, 0), (15, 2), (25, 2)):
        line = Revenue((0, None), basis, basis)
        assert accrual([line], weight=WEIGHT_ONE, rate=Decimal("0.1")).amount == expected


shared_weights = st.lists(st.integers(1, 10**6), min_size=1, max_size=12).map(
    lambda shares: [weight for weight in allocate(WEIGHT_ONE, shares) if weight]
)


@example(
    [
        Revenue((number, None), *line)
        for number, line in enumerate([(1_875, 1_312), (554_112, 387_878), (-555_987, -389_191)])
    ],
    [WEIGHT_ONE],
    [Decimal("0.500001")] * 12,
)
@given(revenues(), shared_weights, st.lists(rates, min_size=12, max_size=12))
def test_the_credits_of_an_order_earn_what_is_rounded_once(
    lines: list[Revenue], weights: list[int], all_rates: list[Decimal]
) -> None:
    exact = [weighed(lines, weight=weight, rate=rate) for weight, rate in zip(weights, all_rates, strict=False)]

    parts = parts_of(exact)

    assert sum(part.amount for part in parts) == round(sum(map(exactly, exact), Fraction(0)))
    for part, one in zip(parts, exact, strict=True):
        assert part.amount >= 0
        assert abs(part.amount - exactly(one)) < 1
        assert (part.base is None) == (one.base_top is None)
        check_parts(spread(lines, part))
    if all(line.base is not None for line in lines):
        bases = [Fraction(one.base_top or 0, one.under) for one in exact]
        assert sum(part.base or 0 for part in parts) == round(sum(bases, Fraction(0)))
        # Lines are converted one by one: where they cancel each other out, what is left may be below zero.
        assert all(
            (part.base or 0) * own >= 0 and abs((part.base or 0) - own) < 1
            for part, own in zip(parts, bases, strict=True)
        )
    if all(line.base == line.amount for line in lines):
        assert all(part.base == part.amount for part in parts)


@given(revenues(), shared_weights, rates)
def test_at_one_rate_the_credits_earn_what_a_whole_credit_would(
    lines: list[Revenue], weights: list[int], rate: Decimal
) -> None:
    parts = parts_of([weighed(lines, weight=weight, rate=rate) for weight in weights])

    alone = accrual(lines, weight=WEIGHT_ONE, rate=rate)
    assert sum(part.amount for part in parts) == alone.amount
    if alone.base is not None:
        assert sum(part.base or 0 for part in parts) == alone.base


exacts = st.tuples(st.integers(0, 10**4), st.integers(1, 60)).map(lambda pair: Exact(pair[0], pair[0], pair[1]))


@given(st.lists(exacts, min_size=1, max_size=8).flatmap(lambda own: st.tuples(st.just(own), st.permutations(own))))
def test_the_place_of_a_credit_decides_ties_alone(orders: tuple[list[Exact], list[Exact]]) -> None:
    earned = []
    for exact in orders:
        found: dict[Fraction, list[int]] = {}
        rests: dict[Fraction, list[int]] = {}
        for one, part in zip(exact, parts_of(exact), strict=True):
            own = exactly(one)
            found.setdefault(own, []).append(part.amount)
            rests.setdefault(own % 1, []).append(part.amount - own.numerator // own.denominator)
        # Of equal remainders the older has the unit, and of unequal ones the larger.
        assert all(given == sorted(given, reverse=True) for given in rests.values())
        by_rest = [given for _, given in sorted(rests.items(), reverse=True)]
        assert all(min(more) >= max(less) for more, less in pairwise(by_rest))
        earned.append({rest: sum(given) for rest, given in rests.items()})
    assert earned[0] == earned[1]


@pytest.mark.parametrize(
    ("gross", "weights", "expected"),
    [
        (120, [50_000_000] * 20, [1] * 12 + [0] * 8),
        (80, [50_000_000] * 20, [1] * 8 + [0] * 12),
        (100_00, [333_333_334, 333_333_333, 333_333_333], [3_34, 3_33, 3_33]),
    ],
)
def test_small_credits_share_the_whole(gross: int, weights: list[int], expected: list[int]) -> None:
    line = Revenue((0, None), gross, gross)

    parts = parts_of([weighed([line], weight=weight, rate=Decimal("0.1")) for weight in weights])

    assert [part.amount for part in parts] == expected


def test_what_has_no_rate_takes_no_part_in_the_tenants_currency() -> None:
    parts = parts_of([Exact(5, 10, 10), Exact(5, None, 10), Exact(10, 20, 20)])

    assert parts == [(1, 1), (1, None), (0, 1)]


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

    change = difference(accrual(now, weight=weight, rate=rate), first)

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

    assert difference(accrual(lines, weight=weight, rate=rate), first).is_empty
