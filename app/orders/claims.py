"""Claims on orders' external ids: what whoever records an order, and whoever comes before it, wait for each other by.

A claim is inserted and deleted by one transaction: nobody ever sees it, a second claimant of the same id waits for the
first one's commit. Claims come before every other lock, in order of the ids: claimants cannot block each other.
"""

from collections.abc import Collection

from app.core.context import Ctx
from app.db.session import WriteSession


async def claim(ctx: Ctx, session: WriteSession, external_ids: Collection[str]) -> None:
    """Wait until nobody else holds one of the ids; hold them until `release` and commit."""
    if external_ids:
        await session.execute(
            """/* orders.claim */
            INSERT INTO order_claims (tenant_id, external_id)
            SELECT $1, claimed.external_id
            FROM unnest($2::text[]) AS claimed (external_id)""",
            ctx.tenant_id,
            sorted(set(external_ids)),
        )


async def release(ctx: Ctx, session: WriteSession, external_ids: Collection[str]) -> None:
    """Leave no trace of the claims; others still wait until this transaction commits."""
    if external_ids:
        await session.later(
            """/* orders.release */
            DELETE FROM order_claims
            WHERE tenant_id = $1 AND external_id = ANY($2::text[])""",
            ctx.tenant_id,
            sorted(set(external_ids)),
        )
