"""What a tenant's rollups are made of: for operators."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.analytics.rollups.catalog import TOKENS
from app.db.session import Database

_STATE = """/* rollups.status */
SELECT generation, zone, currency, sets, folded_at, rebuilt_at
FROM rollup_state
WHERE tenant_id = $1"""

_ROWS = """/* rollups.count_rows */
SELECT count(*) FROM rollups WHERE tenant_id = $1"""

_DELTAS = """/* rollups.count_deltas */
SELECT count(*) FROM rollup_delta WHERE tenant_id = $1"""


@dataclass(frozen=True, slots=True)
class RollupStatus:
    """State of a tenant's rollups. missing: what the catalog has and a rebuild would add, as `set:GRAIN`.

    generation: rebuilds so far. deltas: contributions not folded yet.
    """

    generation: int
    zone: str
    currency: str
    missing: tuple[str, ...]
    rows: int
    deltas: int
    folded_at: datetime | None
    rebuilt_at: datetime | None


async def status(db: Database, tenant_id: UUID) -> RollupStatus | None:
    """The state as of one moment; None for a tenant without any fact."""
    async with db.snapshot(tenant_id) as session:
        state = await session.fetchrow(_STATE, tenant_id)
        if state is None:
            return None
        rows = await session.fetchval(_ROWS, tenant_id)
        deltas = await session.fetchval(_DELTAS, tenant_id)
    return RollupStatus(
        generation=state["generation"],
        zone=state["zone"],
        currency=state["currency"],
        missing=tuple(token for token in TOKENS if token not in state["sets"]),
        rows=rows,
        deltas=deltas,
        folded_at=state["folded_at"],
        rebuilt_at=state["rebuilt_at"],
    )
