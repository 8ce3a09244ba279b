"""Products that order lines name: looked up by SKU, created when unknown. Called by writes, inside theirs."""

from collections.abc import Mapping
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import new_id
from app.db.session import WriteSession


async def ensure(ctx: Ctx, session: WriteSession, titles: Mapping[str, str | None]) -> dict[str, UUID]:
    """Ids by SKU of all products asked for; the unknown ones are created with the title given, else their SKU.

    Known products stay as they are. One statement when all are known, three at most.
    """
    if not titles:
        return {}
    found = await _known(ctx, session, list(titles))
    # Sorted: two batches that create the same products wait for each other instead of blocking each other.
    missing = sorted(titles.keys() - found.keys())
    if missing:
        rows = await session.fetch(
            """/* products.ensure */
            INSERT INTO products (tenant_id, id, external_id, title, created_at, updated_at)
            SELECT $1, product.id, product.external_id, product.title, $5, $5
            FROM unnest($2::uuid[], $3::text[], $4::text[]) AS product (id, external_id, title)
            ON CONFLICT (tenant_id, external_id) DO NOTHING
            RETURNING id, external_id""",
            ctx.tenant_id,
            [new_id() for _ in missing],
            missing,
            [titles[sku] or sku for sku in missing],
            ctx.now,
        )
        found |= {row["external_id"]: row["id"] for row in rows}
        elsewhere = [sku for sku in missing if sku not in found]
        if elsewhere:
            found |= await _known(ctx, session, elsewhere)
    return found


async def _known(ctx: Ctx, session: WriteSession, skus: list[str]) -> dict[str, UUID]:
    rows = await session.fetch(
        """/* products.known */
        SELECT id, external_id
        FROM products
        WHERE tenant_id = $1 AND external_id = ANY($2::text[])""",
        ctx.tenant_id,
        skus,
    )
    return {row["external_id"]: row["id"] for row in rows}
