"""How the measures of a facet are laid out: which readings of the facts they need, in which column each sum stands.

A layer is one reading of the facts: of the range or of the compared time, narrowed by a measure's own filter or not.
All layers of a facet are added up by cell in one statement; their sums stand side by side. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import lru_cache
from math import gcd
from typing import Any

from app.analytics.large import are_large
from app.analytics.query import Ask, Asks, Facet, Filter, Precision
from app.analytics.semantic.formula import Formula, Terms
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
class Output:
    """What a statement gives of a layer: a sum, or several that nobody tells apart, each times a whole number.

    Times 0 is what is asked of no state of commissions: nothing, whatever the sum.
    """

    name: str
    parts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a measure is read off: the outputs of a layer, which are its formula's columns."""

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

    The first layer is the range, without any filter of a measure. outputs: of each layer, made of its sums. readings:
    by measure, and whether of the compared time.
    """

    layers: tuple[LayerKey, ...]
    sums: tuple[tuple[str, ...], ...]
    outputs: tuple[tuple[Output, ...], ...]
    readings: Mapping[tuple[Ask, bool], Reading]

    def counted(self, values: Asks) -> tuple[tuple[str, int], ...]:
        """The sums, with their layers, by which something lies in a cell: those of these measures, or all.

        What lies in the compared time alone does not count.
        """
        readings = [self.readings[ask, False] for ask in values]
        read = {(name, reading.layer) for reading in readings for name in reading.formula.weighed}
        every = ((output, layer) for layer, outputs in enumerate(self.outputs) for output in outputs)
        counted = [(each, at) for each, at in every if not readings or (each.name, at) in read]
        return tuple([(name, at) for each, at in counted for name, times in each.parts if times])


def column(name: str, layer: int) -> str:
    """Name of the column, or parameter, of a layer. The first layer's stand under the plain name."""
    return name if layer == 0 else f"{name}_{layer}"


def laid_out(values: Asks, previous: Asks = (), **more: Any) -> Layout:
    """The layout of these measures; more: see `_made`. Equal questions share one, unless their filters are large."""
    make = _made if are_large((*values, *previous)) else _made_once
    return make(values, previous, **more)


def _made(
    values: Asks,
    previous: Asks,
    *,
    estimates: bool = False,
    by_state: bool = False,
    presence: tuple[str, ...] = (),
    more: tuple[str, ...] = (),
) -> Layout:
    """estimates: distinct counts asked as AUTO are estimated. by_state: groups are commission states. presence: sums by
    which a cell is there where no measure is asked. more: sums that are read besides.
    """
    sums: dict[LayerKey, dict[str, None]] = {LayerKey(): {}}
    formulas: dict[LayerKey, list[Formula]] = {LayerKey(): []}
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
            # Groups that are commission states are read together as well.
            formulas.setdefault(key, []).extend((formula, measure.formula_of(ask.states, by_state=False)))
            found[ask, is_previous] = key, formula
    sums[LayerKey()].update(dict.fromkeys(more))
    if not any(sums.values()):
        sums[LayerKey()] = dict.fromkeys(presence)
    layers = tuple(sums)
    outputs = tuple([_outputs(names, formulas[key], more) for key, names in sums.items()])
    readings = {}
    for asked, (key, formula) in found.items():
        layer = layers.index(key)
        readings[asked] = Reading(layer, _over(formula, outputs[layer]))
    return Layout(layers, tuple(map(tuple, sums.values())), outputs, readings)


_made_once = lru_cache(maxsize=LAYOUTS_MAX)(_made)


def presence(needed: Set[str]) -> tuple[str, ...]:
    """Sums by which a cell is there where no measure is asked: it has instances or orders; or, where neither know all
    of these dimensions, commissions. Empty where they do not either."""
    for names in (("instances", "orders"), ("commission",)):
        found = [MEASURES[name] for name in names if needed <= {*MEASURES[name].dimensions}]
        if found:
            return tuple([total for measure in found for total in measure.formula.sums])
    return ()


def alone(names: Iterable[str]) -> tuple[Output, ...]:
    """Sums that are each told apart."""
    return tuple([Output(name, ((name, 1),)) for name in names])


def _outputs(names: Iterable[str], formulas: Iterable[Formula], apart: tuple[str, ...]) -> tuple[Output, ...]:
    # Sums that all formulas take in the same proportions are given added up. apart: sums that are read as they are.
    uses, kept = [], set(apart)
    for formula in formulas:
        uses += [dict(each.weights) for each in (formula.numerator, formula.denominator) if each is not None]
        kept.update(formula.known)
    together: dict[Any, list[tuple[str, int]]] = {}
    for name in names:
        if not uses or name in kept:
            together[name] = [(name, 1)]
            continue
        weights = [use.get(name, 0) for use in uses]
        times = gcd(*weights)
        if next(filter(None, weights), 0) < 0:
            times = -times
        proportions = tuple([weight // times for weight in weights]) if times else name
        together.setdefault(proportions, []).append((name, times))
    return tuple([_output(parts) for parts in together.values()])


def _output(parts: Sequence[tuple[str, int]]) -> Output:
    first, times = parts[0]
    common = (gcd(*(each for _, each in parts)) or 1) * (-1 if times < 0 else 1)
    name = first if len(parts) == 1 else f"{first}_combined"
    return Output(name, tuple([(part, each // common) for part, each in parts]))


def _over(formula: Formula, outputs: Sequence[Output]) -> Formula:
    # The formula over what the statement gives.
    denominator = None if formula.denominator is None else _terms_over(formula.denominator, outputs)
    return replace(formula, numerator=_terms_over(formula.numerator, outputs), denominator=denominator)


def _terms_over(terms: Terms, outputs: Sequence[Output]) -> Terms:
    own = dict(terms.weights)
    weights = []
    for output in outputs:
        if any(name in own for name, _ in output.parts):
            name, times = output.parts[0]
            weight = own.get(name, 0) // (times or 1)
            assert all(own.get(each, 0) == weight * of for each, of in output.parts), "its parts are not told apart"
            weights.append((output.name, weight))
    return replace(terms, weights=tuple(weights))


def netted(layout: Layout) -> Layout:
    """The same, of groups together that are commission states: what was reversed is taken off."""
    readings = {}
    for (ask, is_previous), reading in layout.readings.items():
        formula = MEASURES[ask.name].formula_of(ask.states, by_state=False)
        readings[ask, is_previous] = Reading(reading.layer, _over(formula, layout.outputs[reading.layer]))
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
