"""Makes a tenant's rollups anew from its facts: for a changed zone or currency, a new set, or after a repair."""

from datetime import datetime, timedelta
from uuid import UUID

from app.analytics.rollups.buckets import rebuild_text
from app.analytics.rollups.catalog import CATALOG, TOKENS
from app.analytics.rollups.fold import bounds
from app.analytics.sql.state import EXTENT
from app.core.context import TenantInfo
from app.core.timegrain import Interval
from app.db.session import Database, TransactionConflict, WriteSession

ATTEMPTS_MAX = 10
"""Runs of a rebuild that meets folds."""

CHUNK = timedelta(days=366)
"""Facts added by one statement."""

_STATE = """/* rollups.ensure_state */
INSERT INTO rollup_state (tenant_id, generation, zone, currency)
VALUES ($1, 0, $2, $3)
ON CONFLICT (tenant_id) DO NOTHING"""

_LOCK = """/* rollups.lock_all */
SELECT 1 FROM rollup_state WHERE tenant_id = $1 FOR UPDATE"""

_CLEAR_ROLLUPS = """/* rollups.clear */
DELETE FROM rollups WHERE tenant_id = $1"""

_CLEAR_DELTAS = """/* rollups.clear_deltas */
DELETE FROM rollup_delta WHERE tenant_id = $1"""

_REBUILT = """/* rollups.rebuilt */
UPDATE rollup_state
SET generation = generation + 1, zone = $2, currency = $3, sets = $4, rebuilt_at = $5
WHERE tenant_id = $1"""


async def rebuild(db: Database, tenant: TenantInfo, *, now: datetime) -> None:
    """Replace the tenant's rollups by what its facts give, in its present zone and currency.

    One repeatable-read transaction under the fold lock: it sees a fact if and only if it sees its delta, so every delta
    that it deletes is in what it computes. Writers go on meanwhile; readers see the old rollups until the end.
    """
    async with db.write(tenant.id) as session:
        await session.execute(_STATE, tenant.id, tenant.reporting_zone, tenant.currency)
    for attempt in range(ATTEMPTS_MAX):
        try:
            async with db.write(tenant.id, repeatable=True) as session:
                await _rebuild(session, tenant, now)
            return
        except TransactionConflict:
            # A fold committed after our snapshot was taken: take another.
            if attempt + 1 == ATTEMPTS_MAX:
                raise


async def _rebuild(session: WriteSession, tenant: TenantInfo, now: datetime) -> None:
    tenant_id: UUID = tenant.id
    await session.fetchval(_LOCK, tenant_id)
    await session.execute(_CLEAR_ROLLUPS, tenant_id)
    await session.execute(_CLEAR_DELTAS, tenant_id)
    extent = await session.fetchrow(EXTENT, tenant_id)
    assert extent is not None, "an aggregate has a row"
    start, last_at = extent["first_at"], extent["last_at"]
    while start is not None and start <= last_at:
        end = min(start + CHUNK, last_at + timedelta(microseconds=1))
        await session.execute(rebuild_text(CATALOG), tenant_id, *bounds(Interval(start, end), tenant.reporting_zone))
        start = end
    await session.execute(_REBUILT, tenant_id, tenant.reporting_zone, tenant.currency, list(TOKENS), now)
