"""Customers that facts name: looked up by the store's id, created when unknown. Called by writes, inside theirs."""

from collections.abc import Mapping
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import new_id
from app.db.session import WriteSession


async def ensure(ctx: Ctx, session: WriteSession, countries: Mapping[str, str | None]) -> dict[str, UUID]:
    """Ids by external id of all customers asked for; the unknown ones are created with the country given.

    Known customers stay as they are. One statement when all are known, three at most.
    """
    if not countries:
        return {}
    found = await _known(ctx, session, list(countries))
    # Sorted: two batches that create the same customers wait for each other instead of blocking each other.
    missing = sorted(countries.keys() - found.keys())
    if missing:
        rows = await session.fetch(
            """/* customers.ensure */
            INSERT INTO customers (tenant_id, id, external_id, country, created_at, updated_at)
            SELECT $1, customer.id, customer.external_id, customer.country, $5, $5
            FROM unnest($2::uuid[], $3::text[], $4::text[]) AS customer (id, external_id, country)
            ON CONFLICT (tenant_id, external_id) DO NOTHING
            RETURNING id, external_id""",
            ctx.tenant_id,
            [new_id() for _ in missing],
            missing,
            [countries[external_id] for external_id in missing],
            ctx.now,
        )
        found |= {row["external_id"]: row["id"] for row in rows}
        elsewhere = [external_id for external_id in missing if external_id not in found]
        if elsewhere:
            found |= await _known(ctx, session, elsewhere)
    return found


async def _known(ctx: Ctx, session: WriteSession, external_ids: list[str]) -> dict[str, UUID]:
    rows = await session.fetch(
        """/* customers.known */
        SELECT id, external_id
        FROM customers
        WHERE tenant_id = $1 AND external_id = ANY($2::text[])""",
        ctx.tenant_id,
        external_ids,
    )
    return {row["external_id"]: row["id"] for row in rows}
