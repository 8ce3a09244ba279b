"""How the measures of a facet are laid out: which readings of the facts they need, in which column each sum stands.

A layer is one reading of the facts: of the range or of the compared time, narrowed by a measure's own filter or not.
All layers of a facet are added up by cell in one statement; their sums stand side by side. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from app.analytics.query import Ask, Asks, Facet, Filter, Precision
from app.analytics.semantic.formula import Formula
from app.analytics.semantic.measures import MEASURES

LAYOUTS_MAX = 2_000
"""Layouts that a process remembers."""


@dataclass(frozen=True, slots=True)
class LayerKey:
    """What makes a reading differ. where: of the measure alone. at: of a quantile.

    is_sampled: its distinct counts are estimated.
    """

    is_previous: bool = False
    where: Filter | None = None
    at: float | None = None
    is_sampled: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a measure is read off: the sums of a layer."""

    layer: int
    formula: Formula


@dataclass(frozen=True, slots=True)
class Term:
    """A facet of a measure that groups are ordered or chosen by. total: number of the bound total, of a share."""

    of: Facet
    value: Reading
    previous: Reading | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The layers of a facet, the sums of each, and where every measure is read off. Equal questions share one.

    The first layer is the range, without any filter of a measure. readings: by measure, and whether of the compared
    time.
    """

    layers: tuple[LayerKey, ...]
    sums: tuple[tuple[str, ...], ...]
    readings: Mapping[tuple[Ask, bool], Reading]


def column(name: str, layer: int) -> str:
    """Name of the column, or parameter, of a layer. The first layer's stand under the plain name."""
    return name if layer == 0 else f"{name}_{layer}"


@lru_cache(maxsize=LAYOUTS_MAX)
def laid_out(
    values: Asks,
    previous: Asks = (),
    *,
    estimates: bool = False,
    by_state: bool = False,
    presence: tuple[str, ...] = (),
    more: tuple[str, ...] = (),
) -> Layout:
    """The layout of these measures. estimates: distinct counts asked as AUTO are estimated.

    by_state: groups are commission states. presence: sums by which a cell is there where no measure is asked. more:
    sums that are read besides.
    """
    sums: dict[LayerKey, dict[str, None]] = {LayerKey(): {}}
    found: dict[tuple[Ask, bool], tuple[LayerKey, Formula]] = {}
    for is_previous, asks in ((False, values), (True, previous)):
        for ask in asks:
            measure = MEASURES[ask.name]
            formula = measure.formula_of(ask.states, by_state=by_state)
            is_sampled = measure.takes == "precision" and (
                ask.precision is Precision.APPROXIMATE or (estimates and ask.precision is Precision.AUTO)
            )
            key = LayerKey(is_previous, ask.where, ask.at, is_sampled)
            sums.setdefault(key, {}).update(dict.fromkeys(formula.sums))
            found[ask, is_previous] = key, formula
    sums[LayerKey()].update(dict.fromkeys(more))
    if not any(sums.values()):
        sums[LayerKey()] = dict.fromkeys(presence)
    layers = tuple(sums)
    readings = {asked: Reading(layers.index(key), formula) for asked, (key, formula) in found.items()}
    return Layout(layers, tuple(map(tuple, sums.values())), readings)


def netted(layout: Layout) -> Layout:
    """The same, of groups together that are commission states: what was reversed is taken off."""
    readings = {
        (ask, is_previous): Reading(reading.layer, MEASURES[ask.name].formula_of(ask.states, by_state=False))
        for (ask, is_previous), reading in layout.readings.items()
    }
    return replace(layout, readings=readings)


def terms_of(sought: Iterable[tuple[Ask, Facet]], layout: Layout, totals: Iterable[Ask]) -> tuple[Term, ...]:
    """What is sought as terms. totals: measures whose totals are bound, in this order."""
    bound = list(totals)
    return tuple(
        Term(
            of,
            layout.readings[ask, of is Facet.PREVIOUS],
            layout.readings[ask, True] if of is Facet.CHANGE else None,
            bound.index(ask) if of is Facet.SHARE else None,
        )
        for ask, of in sought
    )
