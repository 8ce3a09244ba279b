"""The shape of a statement: everything of a plan that changes its text, apart from the values that are bound to it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import count
from typing import Any
from uuid import UUID

from app.analytics.layout import Output, Term, column
from app.analytics.order import Sort
from app.analytics.plan import FacetPlan, Layer, Paging, Plan, RollupScan, Wanted, WantedJoint
from app.analytics.query import AllOf, Facet, Filter
from app.analytics.semantic.dimensions import DIMENSIONS
from app.analytics.semantic.formula import RATIO_DIGITS, Unit
from app.analytics.semantic.sums import Source
from app.analytics.sql.cells import WEIGHTS, Cells, Money
from app.analytics.sql.filters import shape_of
from app.analytics.sql.local import offsets
from app.core.arrays import array_text
from app.core.money import exponent, odd_exponents
from app.core.timegrain import Interval

BEFORE_BUCKETS = ("campaign", "influencer")
"""Dimensions that stand before the bucket in the key of rollups."""

INTERVALS_MAX = 8
"""Intervals of rollups that are written out one by one; of more the database's planner knows less."""

DIGITS_MAX = 4
"""Digits of the currencies with the most: amounts of several currencies are compared in that many."""


class View(StrEnum):
    """What of a facet is asked: its cells, the totals of those that fit `having`, or how many keys others have."""

    CELLS = "cells"
    TOTALS = "totals"
    MEMBERS = "members"


@dataclass(frozen=True, slots=True)
class Bounded:
    """A condition on a term. bounds: pairs of a comparison and the number of its parameter."""

    term: int
    bounds: tuple[tuple[str, int], ...]
    is_null: bool | None


@dataclass(frozen=True, slots=True)
class BoundedJoint:
    """A connective of conditions: and, or, not (of one part)."""

    word: str
    parts: tuple["Bounded | BoundedJoint", ...]


@dataclass(frozen=True, slots=True)
class PageShape:
    """The shape of a page: sorts, and which values of its starting place are null (None: from the first group)."""

    sorts: tuple[Sort, ...]
    nulls: tuple[bool, ...] | None
    is_counted: bool
    is_ranked: bool
    terms: tuple[Term, ...]
    having: Bounded | BoundedJoint | None
    per_bucket: bool
    only_known: bool


@dataclass(frozen=True, slots=True)
class RollupShape:
    """The sums of a rollup scan, and how many parts and spans of deltas it reads (0: any number).

    told_empty: dimensions that the set lacks, and that the statement says to be empty.
    """

    sums: tuple[str, ...]
    parts: int
    spans: int
    told_empty: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LayerShape:
    """One layer. facts: source, its sums, and how many intervals it reads (0: the range)."""

    cells: Cells
    rollup: RollupShape | None
    facts: tuple[tuple[Source, tuple[str, ...], int], ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """Everything that changes a statement's text.

    outputs: what it gives of the sums, with their layers. counted: sums of which it tells whether any is not nothing.
    whole: the currency of what all groups are together. is_stored: whether the rows of its only rollup are its groups.
    """

    name: str
    layers: tuple[LayerShape, ...]
    outputs: tuple[tuple[Output, int], ...]
    counted: tuple[tuple[str, int], ...]
    page: PageShape | None
    view: View = View.CELLS
    whole: Money = Money.BASE
    has_total: bool = False
    is_stored: bool = False

    @property
    def cells(self) -> Cells:
        """Those of the answer."""
        return self.layers[0].cells


@dataclass(frozen=True, slots=True)
class TopKeys:
    """The keys of a dimension that stand for themselves, each with its time bucket and parent where these are asked."""

    keys: tuple[Any, ...] = ()
    buckets: tuple[int, ...] = ()
    parents: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """What other statements found. tops: by dimension. totals: of measures in the answer's last digits, one value, or
    one for each parent. samples: of each layer one of so many keys is counted."""

    tops: Mapping[str, TopKeys] = field(default_factory=dict)
    totals: tuple[Sequence[int | None], ...] = ()
    samples: tuple[int, ...] = ()


NOTHING = Given()
"""Before anything was found."""


def shaped(
    plan: Plan, facet: FacetPlan, tenant_id: UUID, given: Given = NOTHING, view: View = View.CELLS
) -> tuple[Shape, dict[str, Any]]:
    """The shape of a facet's statement, and the values of its parameters by name."""
    digits = exponent(plan.currency)
    values: dict[str, Any] = {"tenant": tenant_id, "minors": 10**digits, "as_of": plan.as_of, "currency": plan.currency}
    values["currencies"] = list(odd_exponents())
    values["currency_minors"] = [10**number for number in odd_exponents().values()]
    parent, has_one_parent = None, False
    if plan.parents is not None:
        parent = plan.parents.dimension
        has_one_parent = len(plan.parents.ids) == 1
        values["parents"] = list(plan.parents.ids)
    for name, top in given.tops.items():
        values |= {f"top_{name}": list(top.keys), f"top_{name}_buckets": list(top.buckets)}
        values[f"top_{name}_parents"] = list(top.parents)
    for number, totals in enumerate(given.totals):
        values[f"total_{number}"] = list(totals) if parent is not None and not has_one_parent else totals[0]
    if any(DIMENSIONS[name].is_local for name in facet.dimensions):
        starts, seconds = offsets(_extent(facet.layers), plan.zone)
        values |= {"offset_starts": list(starts), "offsets": list(seconds)}
    if facet.top_edges:
        values["top_edges"] = array_text(facet.top_edges)
    whole = Money.CONVERTED if plan.converts else Money.BASE
    money = Money.ORIGINAL if facet.is_original else whole
    every_sum = tuple((name, number) for number, layer in enumerate(facet.layers) for name in layer.sums)
    common = Cells(
        parent,
        facet.dimensions,
        facet.has_time,
        None,
        (),
        every_sum,
        folds=facet.folds if any(facet.folds) else (),
        weight=WEIGHTS[plan.attribution],
        money=money,
        has_as_of=plan.as_of is not None,
        keeps_members=view is View.MEMBERS,
        is_compared=any(layer.aligned for layer in facet.layers),
        has_top_edges=bool(facet.top_edges),
        has_one_parent=has_one_parent,
    )
    numbers = count()
    layers = tuple(
        _layer(common, number, layer, plan.where, values, numbers, given) for number, layer in enumerate(facet.layers)
    )
    page = None
    if facet.paging is not None:
        page = _page(facet.paging, values, digits, is_original=facet.is_original)
    return (
        Shape(
            facet.name,
            layers,
            tuple((output, number) for number, layer in enumerate(facet.layers) for output in layer.outputs),
            facet.counted,
            page,
            view,
            whole,
            has_total=facet.has_total,
            is_stored=facet.is_stored,
        ),
        values,
    )


def filter_of(where: Filter | None, layer: Layer) -> Filter | None:
    """What facts a layer reads. where: the question's filter."""
    parts = tuple(part for part in (where, layer.key.where, layer.only) if part is not None)
    return parts[0] if len(parts) == 1 else AllOf(parts) if parts else None


def _extent(layers: Sequence[Layer]) -> Interval:
    return Interval(min(layer.interval.start for layer in layers), max(layer.interval.end for layer in layers))


def _layer(
    common: Cells,
    number: int,
    layer: Layer,
    where: Filter | None,
    values: dict[str, Any],
    numbers: Iterator[int],
    given: Given,
) -> LayerShape:
    filtered = filter_of(where, layer)
    cells = replace(
        common,
        where=None if filtered is None else shape_of(filtered, values, numbers),
        sums=layer.sums,
        layer=number,
        is_aligned=bool(layer.aligned),
        is_sampled=layer.key.is_sampled,
    )
    bound: dict[str, Any] = {
        "range_start": layer.interval.start,
        "range_end": layer.interval.end,
        "edges": array_text(layer.edges),
        "aligned": [place or None for place in layer.aligned],
        "at": layer.key.at,
    }
    if layer.aligned:
        bound["starts"] = _starts(layer.edges, layer.aligned)
    if layer.key.is_sampled:
        bound["sample"] = (given.samples[number] if given.samples else 1) - 1
    rollup = None
    facts = []
    for scan in layer.scans:
        if isinstance(scan, RollupScan):
            rollup = RollupShape(
                scan.sums, _written_out(scan.parts), _written_out(scan.spans), _told_empty(scan, cells)
            )
            bound["rollup_set"] = scan.rollup
            bound["part_grains"] = [part.grain.value for part in scan.parts]
            bound["part_starts"] = [part.interval.start for part in scan.parts]
            bound["part_ends"] = [part.interval.end for part in scan.parts]
            bound["delta_starts"] = [span.start for span in scan.spans]
            bound["delta_ends"] = [span.end for span in scan.spans]
            continue
        rest = 0 if scan.spans == (layer.interval,) else len(scan.spans)
        if rest:
            bound["rest_starts"] = [span.start for span in scan.spans]
            bound["rest_ends"] = [span.end for span in scan.spans]
        facts.append((scan.source, scan.sums, rest))
    values |= {column(name, number): value for name, value in bound.items()}
    return LayerShape(cells, rollup, tuple(facts))


def _told_empty(scan: RollupScan, cells: Cells) -> tuple[str, ...]:
    # Where it makes the buckets looked for lie in a row. Elsewhere the database's planner would take it for narrowing.
    empty = tuple(name for name in BEFORE_BUCKETS if name not in scan.dimensions)
    looked_for = {name for name in scan.dimensions if cells.requires(name)}
    return empty if looked_for and looked_for.issuperset({*BEFORE_BUCKETS} - {*empty}) else ()


def _written_out(intervals: Sequence[Any]) -> int:
    return len(intervals) if len(intervals) <= INTERVALS_MAX else 0


def _starts(edges: Sequence[datetime], aligned: Sequence[int]) -> list[datetime | None]:
    # By cell of the answer, when the first bucket that belongs to it begins.
    found: list[datetime | None] = [None] * max(aligned, default=0)
    for start, place in zip(edges, aligned, strict=False):
        if place and found[place - 1] is None:
            found[place - 1] = start
    return found


def _page(paging: Paging, values: dict[str, Any], digits: int, *, is_original: bool) -> PageShape:
    # One more than is shown tells whether there are more. Of first keys exactly as many as asked.
    values["limit"] = paging.limit + (0 if paging.only_known else 1)
    nulls = None
    if paging.place is not None:
        nulls = tuple(value is None for value in paging.place)
        values.update({f"place_{number}": value for number, value in enumerate(paging.place)})
    having = None
    if paging.having is not None:
        scales = [scale_of(term, digits, is_original=is_original) for term in paging.terms]
        having = _bounded(paging.having, scales, values, count())
    return PageShape(
        paging.sorts,
        nulls,
        paging.is_counted,
        paging.is_ranked,
        paging.terms,
        having,
        paging.per_bucket,
        paging.only_known,
    )


def scale_of(term: Term, digits: int, *, is_original: bool) -> int:
    """Digits behind the point of a term's shown value. digits: of the answer's currency."""
    if term.of in (Facet.CHANGE, Facet.SHARE):
        return RATIO_DIGITS
    unit = term.value.formula.unit
    return DIGITS_MAX if is_original and unit is Unit.MONEY else term.value.formula.digits(digits)


def _bounded(
    wanted: Wanted | WantedJoint, scales: Sequence[int], values: dict[str, Any], numbers: Iterator[int]
) -> Bounded | BoundedJoint:
    if isinstance(wanted, WantedJoint):
        return BoundedJoint(wanted.word, tuple(_bounded(part, scales, values, numbers) for part in wanted.parts))
    bounds = []
    for word, value in wanted.bounds:
        number = next(numbers)
        values[f"bound_{number}"] = _scaled(value, scales[wanted.term])
        bounds.append((word, number))
    return Bounded(wanted.term, tuple(bounds), wanted.is_null)


def _scaled(value: Decimal, digits: int) -> Decimal:
    # By its digits: a context's precision would round it.
    sign, figures, power = value.as_tuple()
    assert isinstance(power, int), "bounds are finite"
    return Decimal((sign, figures, power + digits))
