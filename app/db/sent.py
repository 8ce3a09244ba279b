"""Facts that callers send under ids of their own: known again by the id, and told from others by their content."""

from collections.abc import Collection
from uuid import UUID

from app.core.context import Ctx
from app.db.session import ReadSession


class SentRows:
    """The rows of one table that has an external_id and a content_hash."""

    def __init__(self, table: str) -> None:
        # Only declared names enter this text; values are parameters.
        self._known = f"""/* {table}.known */
            SELECT id, external_id, content_hash
            FROM {table}
            WHERE tenant_id = $1 AND external_id = ANY($2::text[])"""  # noqa: S608

    async def known(
        self, ctx: Ctx, session: ReadSession, external_ids: Collection[str]
    ) -> dict[str, tuple[UUID, bytes]]:
        """Ids and content hashes of those of the rows that exist, by external id."""
        if not external_ids:
            return {}
        rows = await session.fetch(self._known, ctx.tenant_id, list(external_ids))
        return {row["external_id"]: (row["id"], row["content_hash"]) for row in rows}
