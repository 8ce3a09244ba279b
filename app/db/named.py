"""Rows that facts name by the caller's own id: looked up, and created when unknown. Called by writes, inside theirs."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import new_id
from app.db.looks import Look, ask
from app.db.session import ReadSession, WriteSession


class NamedRows:
    """The rows of one table by external id. given: the text column that is told when one is named."""

    def __init__(self, table: str, *, given: str) -> None:
        # Only declared names enter these texts; values are parameters. They are looked up one by one: who believes that
        # the tenant has few rows, as Postgres does until it looks through them, reads all.
        self._find = f"""/* {table}.named */
            SELECT known.id, named.external_id
            FROM unnest($2::text[]) AS named (external_id)
            CROSS JOIN LATERAL (
              SELECT id FROM {table} WHERE tenant_id = $1 AND external_id = named.external_id LIMIT 1
            ) AS known"""  # noqa: S608
        self._create = f"""/* {table}.create_named */
            INSERT INTO {table} (tenant_id, id, external_id, {given}, created_at, updated_at)
            SELECT $1, named.id, named.external_id, named.{given}, $5, $5
            FROM unnest($2::uuid[], $3::text[], $4::text[]) AS named (id, external_id, {given})
            ON CONFLICT (tenant_id, external_id) DO NOTHING
            RETURNING id, external_id"""  # noqa: S608

    def look(self, external_ids: Collection[str]) -> Look[dict[str, UUID]]:
        """Ids by external id of those that there are."""
        return Look(self._find, ("id", "external_id"), _by_name, list(external_ids))

    async def ensure(self, ctx: Ctx, session: WriteSession, named: Mapping[str, str | None]) -> dict[str, UUID]:
        """Ids by external id of all rows named; the unknown ones are created with what was given.

        Known rows stay as they are. One statement when all are known, three at most.
        """
        return await self.complete(ctx, session, named, await self.known(ctx, session, named))

    async def complete(
        self, ctx: Ctx, session: WriteSession, named: Mapping[str, str | None], known: Mapping[str, UUID]
    ) -> dict[str, UUID]:
        """The same, where those that are known have been looked up."""
        found = dict(known)
        # Sorted: two batches that create the same rows wait for each other instead of blocking each other.
        missing = sorted(named.keys() - found.keys())
        if missing:
            ids, given = [new_id() for _ in missing], [named[external_id] for external_id in missing]
            rows = await session.fetch(self._create, ctx.tenant_id, ids, missing, given, ctx.now)
            found |= {row["external_id"]: row["id"] for row in rows}
            elsewhere = [external_id for external_id in missing if external_id not in found]
            if elsewhere:
                found |= await self.known(ctx, session, elsewhere)
        return found

    async def known(self, ctx: Ctx, session: ReadSession, external_ids: Collection[str]) -> dict[str, UUID]:
        """Ids by external id of those that there are."""
        look = self.look(external_ids)
        await ask(ctx, session, look)
        return look.found


def _by_name(rows: Sequence[tuple[UUID, str]]) -> dict[str, UUID]:
    return {external_id: id for id, external_id in rows}
