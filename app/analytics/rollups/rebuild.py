"""Makes a tenant's rollups anew from its facts: for a changed zone or currency, a new set, or after a repair."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from app.analytics.extent import kept_extent
from app.analytics.rollups.buckets import rebuild_text
from app.analytics.rollups.catalog import CATALOG, TOKENS
from app.analytics.rollups.fold import bounds
from app.core.context import TenantInfo
from app.core.timegrain import Interval
from app.db.session import Database

CHUNK = timedelta(days=366)
"""Facts added by one statement."""

_STATE = """/* rollups.ensure_state */
INSERT INTO rollup_state (tenant_id, generation, zone, currency)
VALUES ($1, 0, $2, $3)
ON CONFLICT (tenant_id) DO NOTHING"""

_LOCK = """/* rollups.lock_all */
SELECT 1 FROM rollup_state WHERE tenant_id = $1 FOR UPDATE"""

_CLEAR = """/* rollups.clear */
DELETE FROM rollups WHERE tenant_id = $1"""

_REBUILT = """/* rollups.rebuilt */
UPDATE rollup_state
SET generation = generation + 1, zone = $2, currency = $3, sets = $4, rebuilt_at = $5
WHERE tenant_id = $1"""


async def rebuild(db: Database, tenant: TenantInfo, *, now: datetime) -> None:
    """Replace the tenant's rollups by what its facts give, in its present zone and currency.

    One transaction under the fold lock. Each statement sees a fact if and only if it sees its delta, and takes both:
    what a writer commits after it is left to the next fold. Writers go on meanwhile; readers see the old rollups until
    the end.
    """
    async with db.write(tenant.id) as session:
        # Committed by itself: writers of a tenant without a state make one as well, and would wait for this one.
        await session.execute(_STATE, tenant.id, tenant.reporting_zone, tenant.currency)
    async with db.write(tenant.id) as session:
        await session.fetchval(_LOCK, tenant.id)
        await session.execute(_CLEAR, tenant.id)
        reach = await kept_extent(session)
        for each in _chunks(reach):
            await session.execute(rebuild_text(CATALOG), tenant.id, *bounds(each, tenant.reporting_zone))
        await session.execute(_REBUILT, tenant.id, tenant.reporting_zone, tenant.currency, list(TOKENS), now)


def _chunks(reach: Interval | None) -> Iterator[Interval]:
    if reach is None:
        return
    start = reach.start
    while start < reach.end:
        end = min(start + CHUNK, reach.end)
        yield Interval(start, end)
        start = end
