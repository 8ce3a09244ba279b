"""Compares rollups with facts: what is stored and what is not folded yet are what the facts give, to the last unit."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from uuid import UUID

from app.analytics.extent import kept_extent
from app.analytics.rollups.buckets import STORED, verify_text
from app.analytics.rollups.catalog import TOKENS, RollupSet, stored, zone_of
from app.analytics.rollups.fold import bounds
from app.core import timegrain
from app.core.ids import ZERO_ID, plain
from app.core.timegrain import Granularity, Interval
from app.core.words import Grain
from app.db.session import Database, ReadSession

DIFFERENCES_MAX = 100
"""Differences reported at most."""

TIMEOUT_S = 600.0
"""Seconds one statement of a verification may run: it reads a year of facts."""

_STATE = """/* rollups.state */
SELECT zone, sets FROM rollup_state WHERE tenant_id = $1"""

_ZONE = """/* rollups.reporting_zone */
SELECT reporting_zone FROM tenants WHERE id = $1"""


@dataclass(frozen=True, slots=True)
class Difference:
    """A bucket whose stored sums are not its facts' sums.

    off: facts minus stored, for the sums that differ, in the unit of each (tables/rollups.Sums).
    """

    rollup_set: str
    grain: str
    campaign_id: UUID | None
    influencer_id: UUID | None
    platform: str | None
    bucket: datetime
    off: dict[str, int]


async def verify(db: Database, tenant_id: UUID) -> list[Difference]:
    """Differences, at most DIFFERENCES_MAX, of all stored sets and grains, in one snapshot: may run beside writes.

    A tenant without a state is compared as its next write would make it: all sets, in its present zone. Facts that came
    without their contributions would be missing from answers from then on.
    """
    async with db.snapshot(tenant_id, timeout_s=TIMEOUT_S, plans_once=True) as session:
        state = await session.fetchrow(_STATE, tenant_id)
        reach = await kept_extent(session)
        if reach is None:
            return []
        sets_stored = TOKENS if state is None else state["sets"]
        zone_stored = await session.fetchval(_ZONE, tenant_id) if state is None else state["zone"]
        found: list[Difference] = []
        for grain in Grain:
            sets = tuple(
                RollupSet(rollup.name, rollup.dimensions, (grain,), rollup.cells)
                for rollup in stored(sets_stored)
                if grain in rollup.grains
            )
            # Cut at edges of the grain, so that no bucket is cut.
            zone = zone_of(grain, zone_stored)
            years = timegrain.edges(reach, Granularity.YEAR, zone)
            for start, end in pairwise(years):
                if sets and len(found) < DIFFERENCES_MAX:
                    found += await _differences(session, sets, Interval(start, end), zone_stored)
        return found[:DIFFERENCES_MAX]


async def _differences(
    session: ReadSession, sets: tuple[RollupSet, ...], interval: Interval, zone: str
) -> list[Difference]:
    rows = await session.fetch(verify_text(sets), session.tenant_id, *bounds(interval, zone), DIFFERENCES_MAX)
    return [
        Difference(
            rollup_set=row["rollup_set"],
            grain=row["grain"],
            campaign_id=None if row["campaign_id"] == ZERO_ID else plain(row["campaign_id"]),
            influencer_id=None if row["influencer_id"] == ZERO_ID else plain(row["influencer_id"]),
            platform=row["platform"] or None,
            bucket=row["bucket"],
            off={name: int(row[name]) for name in STORED if row[name]},
        )
        for row in rows
    ]
