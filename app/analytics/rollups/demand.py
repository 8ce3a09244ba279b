"""What questions need of rollups, counted by shape: gathered in memory, for `scoville rollups advise`.

A shape holds no values of filters and no keys, only which dimensions they are of. Nothing here waits or writes.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.analytics.large import KEPT_VALUES_MAX, values_in
from app.analytics.plan import FacetPlan, Layer, Plan
from app.analytics.query import dimensions_of
from app.analytics.rollups.catalog import GRAINS, zone_of
from app.analytics.rollups.match import rollable_sums
from app.analytics.semantic.sums import SUMS, Source
from app.core import timegrain
from app.core.context import TenantInfo
from app.core.hashing import content_hash
from app.core.timegrain import Granularity, Interval
from app.core.words import Grain

GATHERED_MAX = 1_000
"""Plans that a process looks at from one recording to the next. Questions of others are counted, no more."""

EDGES_MAX = 64
"""Edges of cells that are kept with a reading, and looked at to see which grain they leave whole: steps are regular."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reading of the facts needs of a set. dimensions: grouped or filtered by, sorted.

    sources: facts of its sums, of those that rollups hold; sorted. grain: the coarsest whose buckets lie each in one
    cell of the answer, None where not even hours do. interval, breaks: of the question that was asked last; breaks are
    the edges of its cells, None where they are many and the grain tells enough.
    """

    dimensions: tuple[str, ...]
    sources: tuple[Source, ...]
    grain: Grain | None
    interval: Interval
    breaks: tuple[datetime, ...] | None = ()

    @property
    def kind(self) -> tuple[Any, ...]:
        """What readings of one shape have in common: lengths of time differ by a factor of two at most."""
        days = -(-(self.interval.end - self.interval.start) // timedelta(days=1))
        return self.dimensions, self.sources, self.grain, max(days - 1, 0).bit_length()


@dataclass(frozen=True, slots=True)
class Shape:
    """What a question needs of rollups. Without readings no set can serve it: distinct counts, another currency."""

    readings: tuple[Reading, ...]

    @property
    def key(self) -> str:
        """The same for all questions of the shape."""
        return content_hash([list(reading.kind) for reading in self.readings]).hex()[:32]


def shape_of(planned: Plan, zone: str) -> Shape:
    """The shape of a planned question. zone: the tenant's, of stored days and months."""
    if planned.converts or planned.as_of is not None:
        return Shape(())
    layers = ((facet, layer) for facet in planned.facets for layer in facet.layers)
    readings = [found for facet, layer in layers if (found := _reading(planned, facet, layer, zone)) is not None]
    return Shape(tuple(sorted(readings, key=lambda reading: repr(reading.kind))))


def _reading(planned: Plan, facet: FacetPlan, layer: Layer, zone: str) -> Reading | None:
    needed = set(facet.dimensions) | dimensions_of(planned.where) | dimensions_of(layer.key.where)
    if planned.parents is not None:
        needed.add(planned.parents.dimension)
    sums = rollable_sums(layer.sums, needed, planned.attribution)
    if not sums:
        return None
    sources = sorted({source for name in sums for source in SUMS[name].sources})
    breaks = layer.edges[1:-1]
    return Reading(
        dimensions=tuple(sorted(needed)),
        sources=tuple(sources),
        grain=_whole_grain(breaks, zone),
        interval=layer.interval,
        breaks=breaks if len(breaks) <= EDGES_MAX else None,
    )


def _whole_grain(breaks: Sequence[datetime], zone: str) -> Grain | None:
    for grain in GRAINS:
        own = zone_of(grain, zone)
        if all(timegrain.floor(at, Granularity(grain.value), own) == at for at in breaks[:EDGES_MAX]):
            return grain
    return None


@dataclass(slots=True)
class Gathered:
    """A plan and how many questions it answered. kept: what these have in common, held so that its id stays its own.

    planned: its shape alone where its filters are large.
    """

    tenant: TenantInfo
    planned: Plan | Shape
    kept: object
    questions: int = 1

    @property
    def shape(self) -> Shape:
        """What it needs of rollups."""
        if isinstance(self.planned, Shape):
            return self.planned
        return shape_of(self.planned, self.tenant.reporting_zone)


@dataclass(frozen=True, slots=True)
class Taken:
    """What was gathered. beyond: questions that were only counted, by tenant."""

    gathered: tuple[Gathered, ...]
    beyond: dict[UUID, int]


class Demand:
    """The questions that a process computed since they were last taken."""

    def __init__(self) -> None:
        self._gathered: dict[Hashable, Gathered] = {}
        self._beyond: Counter[UUID] = Counter()

    def note(self, tenant: TenantInfo, planned: Plan, kept: object) -> None:
        """Count a question. kept: one object for all questions that are planned as one."""
        key: Hashable = tenant.id, id(kept)
        of: Plan | Shape = planned
        if key not in self._gathered and _is_large(planned):
            # Nothing of its values is held.
            of = shape = shape_of(planned, tenant.reporting_zone)
            key, kept = (tenant.id, shape.key), None
        found = self._gathered.get(key)
        if found is not None:
            found.questions += 1
        elif len(self._gathered) < GATHERED_MAX:
            self._gathered[key] = Gathered(tenant, of, kept)
        else:
            self._beyond[tenant.id] += 1

    def take(self) -> Taken:
        """What was gathered; from now on it gathers anew."""
        taken = Taken(tuple(self._gathered.values()), dict(self._beyond))
        self._gathered, self._beyond = {}, Counter()
        return taken


def _is_large(planned: Plan) -> bool:
    layers = (layer for facet in planned.facets for layer in facet.layers)
    return values_in(planned.where) + sum(values_in(layer.key.where) for layer in layers) > KEPT_VALUES_MAX
