"""What a plan's version gives for a credit: parts that sum to the whole, caps that hold, tiers that do not care how the
volume came in."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.commissions.accrue import Balance, Refunded, Share, added, parts_of, reversal_by_line
from app.commissions.plans.basket import Sold, basket
from app.commissions.plans.checks import checked_terms
from app.commissions.plans.evaluate import Before, Facts, Rated, rated, weigh
from app.commissions.plans.inputs import RuleInput, TermsInput
from app.commissions.plans.rules import Version, made_version, terms_json
from app.commissions.plans.tallies import FOR_EVER, period_start
from app.core.ids import new_id
from app.core.money import WEIGHT_ONE, allocate, divide_half_even
from app.core.timegrain import months_later
from app.core.words import PlanCap, PlanMetric, PlanPeriod, RuleKind, TierMode
from tests.factories.plans import bonus, caps, fixed, percent, tiers

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
PRODUCTS = {sku: new_id() for sku in ("mug", "cup", "salt")}


def version(*rules: RuleInput, **more: Any) -> Version:
    terms = TermsInput(effective_from=AT, rules=rules, **more)
    return made_version(
        id=new_id(),
        plan_id=new_id(),
        number=1,
        effective_from=AT,
        period=terms.period,
        terms=checked_terms(terms, "GBP"),
    )


def sold(*amounts: int, base: Fraction = Fraction(1), skus: tuple[str, ...] = ("mug", "cup", "salt")) -> list[Sold]:
    return [
        Sold(
            (position, PRODUCTS[skus[position % len(skus)]]),
            amount,
            divide_half_even(amount * base.numerator, base.denominator),
            1 + position,
            skus[position % len(skus)],
        )
        for position, amount in enumerate(amounts)
    ]


def of(plan: Version, lines: list[Sold], before: Before = Before(), **facts: Any) -> Rated:  # noqa: B008
    values: dict[str, Any] = {"occurred_at": AT, "weight": WEIGHT_ONE, "own_rate": 100_000}
    weighed = weigh(plan, basket(lines), Facts(**(values | facts)), before.volumes)
    (part,) = parts_of([weighed.exact])
    return rated(weighed, part, before.rooms)


EVERYTHING = (
    percent("0.1337", "mugs", priority=2, products=["mug"]),
    fixed(RuleKind.PER_ITEM, "0.35", "cups", priority=1, products=["cup"]),
    tiers(("0", "0.05"), ("70.00", "0.15"), ("1000.00", "0.2"), key="rest"),
)

amounts = st.lists(st.integers(0, 10**6), min_size=1, max_size=7)
weights = st.integers(1, WEIGHT_ONE)


@given(amounts, st.integers(0, 100), weights, st.sampled_from((Fraction(1), Fraction(2, 7), Fraction(31, 3))))
def test_the_parts_sum_to_the_commission(items: list[int], off: int, weight: int, rate: Fraction) -> None:
    lines = sold(*items, base=rate)
    discount = -sum(items) * off // 100
    if discount:
        lines.append(Sold((99, None), discount, divide_half_even(discount * rate.numerator, rate.denominator), 1))

    found = of(version(*EVERYTHING), lines, weight=weight, factor=rate).amount

    assert found.basis == sum(items) + discount
    assert sum(share.amount for share in found.shares) == found.amount >= 0
    assert sum(share.base or 0 for share in found.shares) == found.base
    assert all(share.amount >= 0 and share.rule is not None for share in found.shares)


@given(
    amounts,
    st.lists(st.integers(1, 9), min_size=2, max_size=6).map(lambda shares: allocate(WEIGHT_ONE, shares)),
    st.sampled_from((Fraction(1), Fraction(2, 7), Fraction(31, 3))),
)
def test_the_credits_of_an_order_share_what_it_earns(items: list[int], weights: list[int], rate: Fraction) -> None:
    plan, sold_ = (
        version(*EVERYTHING, fixed(RuleKind.PER_ORDER, "5.00", priority=3, countries=["DE"])),
        basket(sold(*items, base=rate)),
    )
    facts = [
        Facts(AT, weight, 100_000, country="DE" if number == 1 else None, factor=rate)
        for number, weight in enumerate(weights)
    ]
    weighed = [weigh(plan, sold_, one, {"rest": (number * 30_00, 0)}) for number, one in enumerate(facts)]

    parts = parts_of([one.exact for one in weighed])

    found = [rated(one, part, {}).amount for one, part in zip(weighed, parts, strict=True)]
    assert sum(amount.amount for amount in found) == round(
        sum((Fraction(one.exact.top, one.exact.under) for one in weighed), Fraction(0))
    )
    assert sum(amount.base or 0 for amount in found) == round(
        sum((Fraction(one.exact.base_top or 0, one.exact.under) for one in weighed), Fraction(0))
    )
    for amount, one in zip(found, weighed, strict=True):
        assert abs(amount.amount - Fraction(one.exact.top, one.exact.under)) < 1
        assert sum(share.amount for share in amount.shares) == amount.amount
        assert sum(share.base or 0 for share in amount.shares) == amount.base
        assert all(share.amount >= 0 and (share.base or 0) >= 0 for share in amount.shares)


def test_an_amount_per_order_is_given_once_however_many_credits_there_are() -> None:
    plan, lines = version(fixed(RuleKind.PER_ORDER, "5.00")), basket(sold(10_00, 7_00))

    weighed = [weigh(plan, lines, Facts(AT, weight, None), {}) for weight in allocate(WEIGHT_ONE, [1, 1, 1])]

    assert [part.amount for part in parts_of([one.exact for one in weighed])] == [1_67, 1_67, 1_66]


@given(amounts, st.dictionaries(st.sampled_from(list(PlanCap)), st.integers(0, 20_000), min_size=1))
def test_caps_are_never_exceeded(items: list[int], rooms: dict[PlanCap, int]) -> None:
    limits = caps(per_order="1.00", per_period="1.00", per_influencer="1.00", per_campaign="1.00")
    plan = version(*EVERYTHING, caps=limits, bonuses=(bonus("1.00", "50.00"),))

    found = of(plan, sold(*items), Before(rooms=rooms))

    assert found.amount.amount <= min(rooms.values())
    others = [room for cap, room in rooms.items() if cap is not PlanCap.ORDER]
    assert not others or found.earned <= max(min(others), found.amount.amount)
    if found.cap is not None:
        assert found.amount.amount == rooms[found.cap] == min(rooms.values())


@given(st.lists(st.integers(1, 40_000), min_size=1, max_size=12), st.sampled_from(list(TierMode)))
def test_tiers_do_not_care_in_how_many_orders_the_volume_came(orders: list[int], mode: TierMode) -> None:
    plan = version(tiers(("0", "0.1"), ("100.00", "0.2"), ("300.00", "0.35"), mode=mode, key="steps"))
    earned, volume, count = 0, 0, 0
    for amount in orders:
        found = of(plan, sold(amount), Before({"steps": (volume, count)}))
        earned += found.earned
        volume, count = volume + found.added["steps"][0], count + found.added["steps"][1]

    at_once = of(plan, sold(sum(orders)))

    assert (volume, count) == (sum(orders), len(orders) * WEIGHT_ONE)
    assert abs(earned - at_once.earned) <= len(orders)


@given(amounts, weights, st.data())
def test_lines_give_back_what_they_had_earned(items: list[int], weight: int, data: st.DataObject) -> None:
    lines = sold(*items)
    earned = added(Balance(), of(version(*EVERYTHING), lines, weight=weight).amount)
    so_far = Balance()
    back = [0] * len(lines)
    for _ in range(3):
        back = [data.draw(st.integers(part, line.amount)) for part, line in zip(back, lines, strict=True)]
        refunded = [Refunded(line.place, line.amount, part) for line, part in zip(lines, back, strict=True)]
        so_far = added(so_far, reversal_by_line(refunded, earned_so_far=earned, reversed_so_far=so_far))
        for (place, (amount, _)), part, line in zip((earned.shares or {}).items(), back, lines, strict=False):
            given = (so_far.shares or {}).get(place, (0, 0))[0]
            if place == line.place and sum(back) < sum(items):
                assert -given == divide_half_even(amount * part, line.amount)
    whole = [Refunded(line.place, line.amount, line.amount) for line in lines]
    so_far = added(so_far, reversal_by_line(whole, earned_so_far=earned, reversed_so_far=so_far))

    if sum(items):
        assert so_far.amount == -earned.amount
        assert {place: amount for place, (amount, _) in (so_far.shares or {}).items() if amount} == {
            place: -amount for place, (amount, _) in (earned.shares or {}).items() if amount
        }


def test_an_order_without_revenue_earns_nothing() -> None:
    plan = version(fixed(RuleKind.PER_ORDER, "5.00"), bonuses=(bonus("1", "9.00", metric=PlanMetric.ORDERS),))

    found = of(plan, [*sold(500), Sold((9, None), -500, -500, 1)])

    assert (found.amount.amount, found.amount.shares, found.added) == (0, (), {})


def test_amounts_per_order_fall_on_the_lines_that_the_rule_decides() -> None:
    found = of(
        version(fixed(RuleKind.PER_ORDER, "1.00", "once"), percent("0.5", "mugs", priority=1, products=["mug"])),
        sold(1000, 600, 300),
    )

    assert found.amount.shares == (
        Share((0, PRODUCTS["mug"]), 500, 500, "mugs", Decimal("0.500000")),
        Share((1, PRODUCTS["cup"]), 67, 67, "once", None),
        Share((2, PRODUCTS["salt"]), 33, 33, "once", None),
    )
    assert found.rate is None


def test_without_an_exchange_rate_only_shares_are_given() -> None:
    lines = [line._replace(base=None) for line in sold(1000)]

    found = of(version(fixed(RuleKind.PER_ORDER, "1.00", priority=1), percent("0.1")), lines, factor=None)
    capped = of(version(percent("0.1"), caps=caps(per_period="9.00")), lines, factor=None)

    assert (found.amount.amount, found.amount.base, found.lacks_rate) == (100, None, True)
    assert (capped.amount.amount, capped.amount.base, capped.lacks_rate) == (0, None, True)


def test_terms_are_read_back_as_they_were_stored() -> None:
    plan = version(*EVERYTHING, caps=caps(per_order="1.00"), bonuses=(bonus("1.00", "50.00"),))

    again = made_version(
        id=plan.id,
        plan_id=plan.plan_id,
        number=plan.number,
        effective_from=plan.effective_from,
        period=plan.period,
        terms=terms_json(plan.rules, plan.bonuses, plan.caps),
    )

    assert again == plan


@pytest.mark.parametrize(
    ("period", "at", "start"),
    [
        (PlanPeriod.MONTH, "2026-03-31T22:59:59+00:00", "2026-03-01T00:00:00+00:00"),
        # Half an hour before midnight in London is the next month in summer time.
        (PlanPeriod.MONTH, "2026-03-31T23:30:00+00:00", "2026-03-31T23:00:00+00:00"),
        (PlanPeriod.QUARTER, "2026-03-10T12:00:00+00:00", "2026-01-01T00:00:00+00:00"),
        (PlanPeriod.YEAR, "2026-03-10T12:00:00+00:00", "2026-01-01T00:00:00+00:00"),
    ],
)
def test_periods_are_of_the_local_calendar(period: PlanPeriod, at: str, start: str) -> None:
    assert period_start(period, datetime.fromisoformat(at), "Europe/London") == datetime.fromisoformat(start)
    assert period_start(PlanPeriod.ALL_TIME, datetime.fromisoformat(at), "Europe/London") == FOR_EVER


@pytest.mark.parametrize(
    ("at", "months", "later"),
    [
        ("2026-01-31T12:00:00+00:00", 1, "2026-02-28T12:00:00+00:00"),
        ("2026-03-01T12:00:00+00:00", 1, "2026-04-01T11:00:00+00:00"),
        ("2025-12-15T12:00:00+00:00", 14, "2027-02-15T12:00:00+00:00"),
    ],
)
def test_months_later_is_the_same_wall_time(at: str, months: int, later: str) -> None:
    assert months_later(datetime.fromisoformat(at), months, "Europe/London") == datetime.fromisoformat(later)
