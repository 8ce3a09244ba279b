"""When facts begin and end, and what is kept of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.analytics.sql.state import EXTENT, OWN_EXTENT
from app.core.context import Ctx
from app.core.timegrain import Interval
from app.db.session import ReadSession

_ROLLUP_EXTENT = """/* rollups.extent */
SELECT min(bucket) AS first_at, max(bucket) AS last_at FROM rollups WHERE tenant_id = $1"""

_DELTA_EXTENT = """/* rollups.delta_extent */
SELECT min(occurred_at) AS first_at, max(occurred_at) AS last_at FROM rollup_delta WHERE tenant_id = $1"""


@dataclass(frozen=True, slots=True)
class Extent:
    """When facts begin and end; None without facts."""

    first_at: datetime | None
    last_at: datetime | None


async def extent_of(ctx: Ctx, session: ReadSession) -> Extent:
    """That of the facts that the caller may see."""
    own = ctx.principal.influencer_id
    if own is None:
        row = await session.fetchrow(EXTENT, ctx.tenant_id)
    else:
        row = await session.fetchrow(OWN_EXTENT, ctx.tenant_id, own)
    assert row is not None, "an aggregate has a row"
    return Extent(row["first_at"], row["last_at"])


async def kept_extent(session: ReadSession) -> Interval | None:
    """That of all facts of the session's tenant, of its rollups and of its deltas together, or None.

    What strayed from its facts is in it as well.
    """
    rows = [await session.fetchrow(sql, session.tenant_id) for sql in (EXTENT, _ROLLUP_EXTENT, _DELTA_EXTENT)]
    known = [row for row in rows if row is not None and row["first_at"] is not None]
    if not known:
        return None
    last_at = max(row["last_at"] for row in known)
    return Interval(min(row["first_at"] for row in known), last_at + timedelta(microseconds=1))
