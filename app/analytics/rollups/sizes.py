"""How large a tenant's facts are, and how many rows each set of rollups has or would have: measured on what is there.

A set that is not stored is counted over the latest months alone: what it would hold of all time is in proportion, of
buckets that are longer than these months at least so much.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from app.analytics.rollups.buckets import sizes_text
from app.analytics.rollups.fold import bounds
from app.analytics.semantic.sums import SUMS, Source
from app.analytics.sql.state import EXTENT
from app.core import timegrain
from app.core.timegrain import Granularity, Interval
from app.core.words import Grain
from app.db.session import ReadSession

MONTHS_MEASURED = 3
"""Latest months with facts that are counted, the last one so far."""

STORED_SOURCES: tuple[Source, ...] = tuple(
    source for source in Source if any(each.is_stored and source in each.sources for each in SUMS.values())
)
"""Facts whose sums rollups hold. Each is the name of its table."""

_FACTS = "/* rollups.facts */\n" + "\nUNION ALL\n".join(
    f"""SELECT '{source.value}'::text AS source, count(*) AS facts
FROM {source.value}
WHERE tenant_id = $1 AND occurred_at >= $2 AND occurred_at < $3"""  # noqa: S608 - names of tables only
    for source in STORED_SOURCES
)

_STORED = """/* rollups.stored_rows */
SELECT rollup_set, grain, count(*) AS rows
FROM rollups
WHERE tenant_id = $1
GROUP BY rollup_set, grain"""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of one tenant. extent: from its first fact to its last. daily: facts of a day, by kind.

    cells: rows of a bucket, by dimensions and grain. stored: rows there are, by set and grain.
    """

    extent: Interval
    zone: str
    daily: Mapping[Source, float]
    cells: Mapping[tuple[frozenset[str], Grain], float]
    stored: Mapping[tuple[str, Grain], int]

    def rows(self, dimensions: frozenset[str], grain: Grain) -> float:
        """Rows that a set of these would have of all facts."""
        return self.cells[dimensions, grain] * _buckets(self.extent, grain, self.zone)

    @property
    def months(self) -> Interval:
        """The months in which there are facts."""
        edges = timegrain.edges(self.extent, Granularity.MONTH, self.zone)
        return Interval(edges[0], edges[-1])

    @property
    def facts(self) -> float:
        """All facts, about."""
        return sum(self.daily.values()) * ((self.extent.end - self.extent.start) / timedelta(days=1))


async def sizes(session: ReadSession, zone: str) -> Sizes | None:
    """Those of the session's tenant; None without facts. zone: of stored days and months."""
    extent = await session.fetchrow(EXTENT, session.tenant_id)
    if extent is None or extent["first_at"] is None:
        return None
    whole = Interval(extent["first_at"], extent["last_at"] + timedelta(microseconds=1))
    latest = timegrain.floor(extent["last_at"], Granularity.MONTH, zone)
    start = timegrain.shift(latest, Granularity.MONTH, zone, 1 - MONTHS_MEASURED)
    measured = Interval(max(start, whole.start), whole.end)
    facts = await session.fetch(_FACTS, session.tenant_id, measured.start, measured.end)
    cells = await session.fetch(sizes_text(), session.tenant_id, *bounds(measured, zone))
    stored = await session.fetch(_STORED, session.tenant_id)
    # Of less than a day as of one: what began an hour ago is no measure of a day.
    days = max((measured.end - measured.start) / timedelta(days=1), 1.0)
    return Sizes(
        extent=whole,
        zone=zone,
        daily={Source(row["source"]): row["facts"] / days for row in facts},
        cells={_set_of(row): row["rows"] / _buckets(measured, Grain(row["grain"]), zone) for row in cells},
        stored={(row["rollup_set"], Grain(row["grain"])): row["rows"] for row in stored},
    )


def _set_of(row: Any) -> tuple[frozenset[str], Grain]:
    return frozenset(filter(None, row["dimensions"].split("+"))), Grain(row["grain"])


def _buckets(interval: Interval, grain: Grain, zone: str) -> float:
    if grain is Grain.HOUR:
        # More than one question may have.
        return max((interval.end - interval.start) / timedelta(hours=1), 1.0)
    return len(timegrain.edges(interval, Granularity(grain.value), zone)) - 1
