"""Which rollups are kept: dimension sets and their grains. Data, not code: adopting a set is one line and a rebuild.

A grain is kept only where it compresses: sets of many cells a bucket (pairs, influencers) keep none that is finer than
a day or month, and quarters besides: with them a year is four to six buckets instead of twelve, for a third more rows.
Years are kept where leaderboards of all time are asked for. Each grain is a row more that every fact's fold writes.
The edges of a range that no bucket of a set covers come from facts.
"""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import combinations

from app.core.words import Grain

GRAINS: tuple[Grain, ...] = tuple(reversed(Grain))
"""Coarsest first."""

ROLLUP_DIMENSIONS = ("campaign", "influencer", "platform")
"""What rollups can be split by; each is a key column of `rollups`."""

DIMENSION_SETS: tuple[tuple[str, ...], ...] = tuple(
    found for count in range(len(ROLLUP_DIMENSIONS) + 1) for found in combinations(ROLLUP_DIMENSIONS, count)
)
"""Every choice of them, fewest first: what a set may have."""


def zone_of(grain: Grain, reporting_zone: str) -> str:
    """The zone in which a grain's buckets are cut."""
    return "UTC" if grain is Grain.HOUR else reporting_zone


@dataclass(frozen=True, slots=True)
class RollupSet:
    """One set of sums: by these dimensions, in buckets of these grains.

    cells: rows of one bucket in a busy tenant; the planner prefers sets with fewer.
    """

    name: str
    dimensions: tuple[str, ...]
    grains: tuple[Grain, ...]
    cells: int

    def __post_init__(self) -> None:
        assert set(self.dimensions) <= set(ROLLUP_DIMENSIONS), (
            f"{self.name}: a set may have {', '.join(ROLLUP_DIMENSIONS)}; others need a column of tables/rollups.Rollup"
        )
        assert len(set(self.grains)) == len(self.grains) > 0, f"{self.name}: give each grain once, and at least one"

    def token(self, grain: Grain) -> str:
        """What rollup_state.sets holds when this grain of the set is stored."""
        return f"{self.name}:{grain.value}"


CATALOG: tuple[RollupSet, ...] = (
    RollupSet("platform", ("platform",), (Grain.MONTH, Grain.DAY, Grain.HOUR), cells=11),
    RollupSet("campaign", ("campaign",), (Grain.YEAR, Grain.QUARTER, Grain.MONTH, Grain.DAY), cells=50),
    RollupSet("campaign_platform", ("campaign", "platform"), (Grain.QUARTER, Grain.MONTH, Grain.DAY), cells=250),
    RollupSet("influencer", ("influencer",), (Grain.YEAR, Grain.QUARTER, Grain.MONTH, Grain.DAY), cells=500),
    RollupSet("influencer_platform", ("influencer", "platform"), (Grain.QUARTER, Grain.MONTH), cells=1_500),
    RollupSet("campaign_influencer", ("campaign", "influencer"), (Grain.QUARTER, Grain.MONTH), cells=2_500),
)
"""Every set, grains coarsest first."""

TOKENS: tuple[str, ...] = tuple(rollup.token(grain) for rollup in CATALOG for grain in rollup.grains)
"""Every stored grain of every set."""


def are_known(tokens: Collection[str]) -> bool:
    """Whether the catalog has all of these."""
    return set(tokens) <= set(TOKENS)


def stored(tokens: Collection[str]) -> tuple[RollupSet, ...]:
    """The sets of the catalog, each with those of its grains that the tokens name; sets without any are left out."""
    found = []
    for rollup in CATALOG:
        grains = tuple(grain for grain in rollup.grains if rollup.token(grain) in tokens)
        if grains:
            found.append(RollupSet(rollup.name, rollup.dimensions, grains, rollup.cells))
    return tuple(found)
