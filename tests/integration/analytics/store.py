"""The made-up store that analytics is asked about: half a year of facts of one tenant."""

from dataclasses import dataclass
from datetime import UTC, datetime

from app.analytics.rollups.fold import fold
from app.core.context import Ctx
from app.runtime import Runtime
from tests.factories.facts import Facts, contribute, insert, made_up
from tests.integration.analytics.naive import Naive

START = datetime(2025, 9, 20, 7, 30, tzinfo=UTC)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Store:
    """A tenant with facts: half of its deltas folded, half not."""

    ctx: Ctx
    facts: Facts
    naive: Naive


async def half_folded(runtime: Runtime, ctx: Ctx, *, seed: int, orders: int = 120, instances: int = 400) -> Facts:
    """Half a year of facts, twice so many: the first half folded into rollups, the second still deltas."""
    folded = made_up(ctx.tenant, seed=seed, start=START, days=150, orders=orders, instances=instances)
    await insert(runtime.db, folded)
    await contribute(runtime.db, ctx, folded)
    await fold(runtime.db, ctx.tenant_id, now=NOW)
    pending = made_up(ctx.tenant, seed=seed + 1, start=START, days=160, orders=orders, instances=instances)
    for table in ("customers", "products", "orders", "refunds", "adjustments"):
        for row in pending.rows[table]:
            row["external_id"] = f"second-{row['external_id']}"
    await insert(runtime.db, pending)
    await contribute(runtime.db, ctx, pending)
    for table, rows in pending.rows.items():
        folded.rows[table] += rows
    return folded
