"""Moves deltas into rollups: one transaction, under the tenant's lock, so that a fact is always in exactly one of them.

The worker folds every tenant all the time; a writer folds in its own transaction when deltas have piled up.
"""

from datetime import datetime, timedelta
from uuid import UUID

from app.analytics.rollups.buckets import fold_text
from app.analytics.rollups.catalog import are_known, stored, zone_of
from app.core import timegrain
from app.core.context import Ctx
from app.core.timegrain import Granularity, Interval
from app.core.words import Grain
from app.db.piles import is_time_to_look
from app.db.session import Database, WriteSession
from app.settings import Settings

BATCH_DELTAS = 50_000
"""Deltas moved by one transaction, about: those of equal times stay together."""

BATCH_SPAN = timedelta(days=800)
"""Time that the deltas of one batch may span: the edges of its hours are computed."""

BATCHES_MAX = 1_000
"""Transactions of one fold: what comes meanwhile waits for the next."""

_HAS_DELTAS = """/* rollups.has_deltas */
SELECT EXISTS (SELECT 1 FROM rollup_delta WHERE tenant_id = $1)"""

_LOCK = """/* rollups.lock */
SELECT zone, sets
FROM rollup_state
WHERE tenant_id = $1
FOR UPDATE"""

_BATCH = """/* rollups.batch */
SELECT count(*) AS deltas, min(occurred_at) AS first_at, max(occurred_at) AS last_at
FROM (
  SELECT occurred_at FROM rollup_delta WHERE tenant_id = $1 ORDER BY occurred_at LIMIT $2
) AS batch"""

_DROP = """/* rollups.drop_deltas */
DELETE FROM rollup_delta WHERE tenant_id = $1 AND occurred_at >= $2 AND occurred_at < $3"""

_FOLDED = """/* rollups.folded */
UPDATE rollup_state SET folded_at = $2 WHERE tenant_id = $1"""

_PILE = """/* rollups.pile */
SELECT count(*) FROM (SELECT 1 FROM rollup_delta WHERE tenant_id = $1 LIMIT $2) AS pile"""


async def fold(db: Database, tenant_id: UUID, *, now: datetime) -> int:
    """Number of deltas folded, about: batch by batch until none is left, or BATCHES_MAX."""
    async with db.read(tenant_id) as session:
        if not await session.fetchval(_HAS_DELTAS, tenant_id):
            return 0
    folded = 0
    for _ in range(BATCHES_MAX):
        async with db.write(tenant_id) as writing:
            batch = await fold_batch(writing, now=now)
        if not batch:
            break
        folded += batch
    return folded


async def fold_batch(session: WriteSession, *, now: datetime, wait: bool = True) -> int:
    """Number of deltas folded in the session's transaction: the oldest BATCH_DELTAS, and those of the same times.

    wait: False gives up when another fold or a rebuild is under way.
    """
    tenant_id = session.tenant_id
    # First the lock, then statements that see everything committed before it was given.
    state = await session.fetchrow(_LOCK if wait else f"{_LOCK} SKIP LOCKED", tenant_id)
    if state is None or not are_known(state["sets"]):
        # Another release keeps sets that this one does not know: what is folded here would be missing from them.
        return 0
    batch = await session.fetchrow(_BATCH, tenant_id, BATCH_DELTAS)
    assert batch is not None, "an aggregate has a row"
    first_at, last_at = batch["first_at"], batch["last_at"]
    if first_at is None:
        return 0
    interval = Interval(first_at, min(last_at, first_at + BATCH_SPAN) + timedelta(microseconds=1))
    sets = stored(state["sets"])
    if sets:
        await session.execute(fold_text(sets), tenant_id, *bounds(interval, state["zone"]))
    else:
        # Nothing is stored that they could be folded into; a rebuild starts from facts.
        await session.execute(_DROP, tenant_id, interval.start, interval.end)
    await session.execute(_FOLDED, tenant_id, now)
    deltas: int = batch["deltas"]
    return deltas


async def fold_if_piled_up(ctx: Ctx, session: WriteSession, settings: Settings, *, appended: int) -> None:
    """Fold in the writer's own transaction once the tenant's deltas reach the setting; call it last of all.

    appended: how many deltas the transaction appended. Never waits for another fold.
    """
    pile = settings.fold_deltas_max
    if is_time_to_look(pile, appended=appended) and await session.fetchval(_PILE, ctx.tenant_id, pile) >= pile:
        await fold_batch(session, now=ctx.now, wait=False)


def bounds(interval: Interval, zone: str) -> tuple[datetime | list[datetime], ...]:
    """The parameters $2 to $8 of the texts in rollups/buckets."""
    edges = (timegrain.edges(interval, Granularity(grain.value), zone_of(grain, zone)) for grain in Grain)
    return interval.start, interval.end, *edges
