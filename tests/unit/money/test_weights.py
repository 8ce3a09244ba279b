"""The attribution models: weights in 1e-9 that sum to a whole, exactly and everywhere the same."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.attribution.program import HALF_LIFE
from app.attribution.weights import SINGLE, linear, position_based, time_decay, weigh
from app.core.money import WEIGHT_ONE
from app.core.words import AttributionModel

START = datetime(2026, 1, 1, tzinfo=UTC)

touch_times = st.lists(
    st.integers(0, 730 * 86_400 * 10**6).map(lambda each: START + timedelta(microseconds=each)), min_size=1, max_size=50
).map(sorted)


half_lives = st.integers(1, 365).map(lambda days: timedelta(days=days))


@given(touch_times, half_lives)
def test_the_weights_of_every_model_sum_to_a_whole(times: list[datetime], half_life: timedelta) -> None:
    weights = weigh(times, half_life=half_life)

    for model in AttributionModel:
        of_model = weights.of(model)
        assert sum(of_model) == WEIGHT_ONE
        assert len(of_model) == len(times)
        assert min(of_model) >= 0


@given(touch_times)
def test_a_newer_touch_never_counts_less_under_time_decay_but_for_rounding(times: list[datetime]) -> None:
    weights = time_decay(times)

    assert all(older <= newer + 1 for older, newer in pairwise(weights))


@given(touch_times, st.integers(0, 10**6))
def test_weights_depend_on_the_distances_of_touches_only(times: list[datetime], seconds: int) -> None:
    assert weigh([at + timedelta(seconds=seconds) for at in times]) == weigh(times)


@given(touch_times, half_lives)
def test_time_decay_is_within_rounding_of_the_exact_powers(times: list[datetime], half_life: timedelta) -> None:
    powers = [2.0 ** -((times[-1] - at) / half_life) for at in times]

    for weight, power in zip(time_decay(times, half_life), powers, strict=True):
        assert abs(weight - WEIGHT_ONE * power / sum(powers)) <= 1.001


def test_a_touch_a_half_life_older_counts_half_as_much() -> None:
    assert time_decay([START - HALF_LIFE, START]) == (333_333_333, 666_666_667)
    assert time_decay([START - 2 * HALF_LIFE, START - HALF_LIFE, START]) == (142_857_143, 285_714_286, 571_428_571)


def test_fractions_of_a_second_count() -> None:
    day = timedelta(days=1)

    # 2 ** −(86,399.001 ÷ 86,400) to 1.
    assert time_decay([START + timedelta(seconds=0.999), START + day], day) == (333_335_114, 666_664_886)


@given(st.integers(1, 500))
def test_linear_differs_by_one_at_most_and_gives_the_rest_to_the_older(count: int) -> None:
    weights = linear(count)

    assert list(weights) == sorted(weights, reverse=True)
    assert weights[0] - weights[-1] <= 1


@given(st.integers(3, 500))
def test_position_based_gives_two_fifths_to_each_end(count: int) -> None:
    weights = position_based(count)

    exact = [Fraction(2, 5), *([Fraction(1, 5) / (count - 2)] * (count - 2)), Fraction(2, 5)]
    assert all(abs(weight - share * WEIGHT_ONE) < 1 for weight, share in zip(weights, exact, strict=True))


def test_position_based_of_few_touches() -> None:
    assert position_based(1) == (WEIGHT_ONE,)
    assert position_based(2) == (500_000_000, 500_000_000)
    assert position_based(3) == (400_000_000, 200_000_000, 400_000_000)
    assert position_based(5) == (400_000_000, 66_666_667, 66_666_667, 66_666_666, 400_000_000)


def test_single_touches_and_ends() -> None:
    assert weigh([START]) == SINGLE
    weights = weigh([START, START, START + HALF_LIFE])
    assert weights.last == (0, 0, WEIGHT_ONE)
    assert weights.first == (WEIGHT_ONE, 0, 0)
    assert weights.linear == (333_333_334, 333_333_333, 333_333_333)
