"""Layouts: sums that nobody tells apart come added up, and formulas read them so."""

import random

import pytest

from app.analytics.layout import Layout, laid_out, netted
from app.analytics.query import Ask
from app.analytics.semantic.formula import Formula
from app.analytics.semantic.measures import MEASURES

NAMES = sorted(MEASURES)


def given(layout: Layout) -> dict[str, dict[str, int]]:
    (outputs,) = layout.outputs
    return {output.name: dict(output.parts) for output in outputs}


def test_sums_of_one_figure_come_as_one() -> None:
    assert given(laid_out((Ask("commission"), Ask("earningsPerClick")))) == {
        "commission_pending_combined": {
            "commission_pending": 1,
            "commission_held": 1,
            "commission_approved": 1,
            "commission_paid": 1,
            "commission_reversed": -1,
        },
        "clicks": {"clicks": 1},
    }


def test_sums_that_another_measure_takes_otherwise_stay_apart() -> None:
    found = given(laid_out((Ask("netRevenue"), Ask("refunds"))))

    assert found == {"gross_e9": {"gross_e9": 1}, "refunds_e9": {"refunds_e9": 1}}


def test_sums_that_are_read_besides_and_counts_of_what_is_known_stay_apart() -> None:
    found = given(laid_out((Ask("engagements"), Ask("commission")), more=("missing_rates",)))

    assert [name for name in found if "combined" not in name] == [
        "likes_known",
        "comments_known",
        "shares_known",
        "missing_rates",
    ]


def _values(formula: Formula, sums: dict[str, int]) -> list[int | None]:
    places = {name: place for place, name in enumerate(formula.sums)}
    return list(formula.scaled(places, 2)([(sums[name],) for name in formula.sums]))


@pytest.mark.parametrize("seed", range(50))
def test_measures_are_the_same_over_what_comes(seed: int) -> None:
    chosen = random.Random(seed)
    asks = [Ask(name) for name in chosen.sample(NAMES, 4)] + [Ask("commission", states=("PAID", "REVERSED"))]
    by_state = chosen.random() < 0.5
    layout = laid_out(tuple(asks), by_state=by_state)
    sums = {name: chosen.randrange(-(10**12), 10**12) for names in layout.sums for name in names}
    (outputs,) = layout.outputs
    columns = {output.name: sum(sums[name] * times for name, times in output.parts) for output in outputs}

    for ask in asks:
        measure = MEASURES[ask.name]
        apart = measure.formula_of(ask.states, by_state=by_state)
        assert _values(layout.readings[ask, False].formula, columns) == _values(apart, sums)
        together = measure.formula_of(ask.states, by_state=False)
        assert _values(netted(layout).readings[ask, False].formula, columns) == _values(together, sums)


def test_a_cell_is_told_by_all_sums_of_the_measures_shown() -> None:
    layout = laid_out((Ask("netRevenue"), Ask("clicks")), (Ask("orders"),))

    assert layout.counted((Ask("netRevenue"),)) == (("gross_e9", 0), ("refunds_e9", 0))
    assert layout.counted(()) == (("gross_e9", 0), ("refunds_e9", 0), ("clicks", 0), ("orders_e9", 1))
