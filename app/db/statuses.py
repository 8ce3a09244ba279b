"""Keeps which status a thing of the program had since when: called as it is created and changed."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from app.core.context import Ctx
from app.core.words import ProgramKind
from app.db.rows import Change, EntityRow
from app.db.session import WriteSession


class HasStatus(EntityRow, Protocol):
    """A row with a status."""

    @property
    def status(self) -> str:
        """Its status."""
        ...


R = TypeVar("R", bound=HasStatus)


async def keep_statuses(kind: ProgramKind, ctx: Ctx, session: WriteSession, changes: Sequence[Change[R]]) -> None:
    """Keep the statuses of rows that are new or have another one, since now; in one statement."""
    rows = [change.after for change in changes if change.before is None or change.before.status != change.after.status]
    if not rows:
        return
    # Of two changes at one instant the later one holds.
    await session.execute(
        """/* program_statuses.keep */
        INSERT INTO program_statuses (tenant_id, kind, entity_id, since, status)
        SELECT $1, $2, kept.entity_id, $3, kept.status
        FROM unnest($4::uuid[], $5::text[]) AS kept (entity_id, status)
        ON CONFLICT (tenant_id, kind, entity_id, since) DO UPDATE SET status = excluded.status""",
        ctx.tenant_id,
        kind,
        ctx.now,
        [row.id for row in rows],
        [row.status for row in rows],
    )
