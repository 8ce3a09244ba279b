"""When facts begin and end."""

from dataclasses import dataclass
from datetime import datetime

from app.analytics.sql.state import EXTENT, OWN_EXTENT
from app.core.context import Ctx
from app.db.session import ReadSession


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
