"""From when to when a tenant's facts reach, and what is kept of them: stray rows lie outside, and are to be found."""

from datetime import timedelta

from app.analytics.sql.state import EXTENT
from app.core.timegrain import Interval
from app.db.session import ReadSession

_ROLLUP_EXTENT = """/* rollups.extent */
SELECT min(bucket) AS first_at, max(bucket) AS last_at FROM rollups WHERE tenant_id = $1"""

_DELTA_EXTENT = """/* rollups.delta_extent */
SELECT min(occurred_at) AS first_at, max(occurred_at) AS last_at FROM rollup_delta WHERE tenant_id = $1"""


async def extent(session: ReadSession) -> Interval | None:
    """Of facts, rollups and deltas together; None when there is none of them."""
    rows = [await session.fetchrow(sql, session.tenant_id) for sql in (EXTENT, _ROLLUP_EXTENT, _DELTA_EXTENT)]
    known = [row for row in rows if row is not None and row["first_at"] is not None]
    if not known:
        return None
    last_at = max(row["last_at"] for row in known)
    return Interval(min(row["first_at"] for row in known), last_at + timedelta(microseconds=1))
