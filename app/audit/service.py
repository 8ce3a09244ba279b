"""Appends to the audit log, inside the transaction that it tells of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.core.context import Ctx
from app.core.ids import new_id, new_ids
from app.db.session import WriteSession


async def append(ctx: Ctx, session: WriteSession, *, action: str, items: int, detail: dict[str, Any]) -> None:
    """Append one row. detail: ids and counts; never personal data, never secrets."""
    await session.later(
        """/* audit.append */
        INSERT INTO audit_log (tenant_id, id, key_id, role, action, items, detail, request_id, recorded_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        ctx.tenant_id,
        new_id(),
        ctx.principal.key_id,
        ctx.principal.role.value,
        action,
        items,
        detail,
        ctx.request_id,
        ctx.now,
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the audit log. detail: as `append` takes it."""

    ctx: Ctx
    action: str
    items: int
    detail: dict[str, Any]


async def append_all(session: WriteSession, entries: Sequence[Entry]) -> None:
    """Append the rows of several calls of the session's tenant, each with its own principal, request and time."""
    if not entries:
        return
    await session.later(
        """/* audit.append_all */
        INSERT INTO audit_log (tenant_id, id, key_id, role, action, items, detail, request_id, recorded_at)
        SELECT $1, entry.*
        FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::integer[], $7::jsonb[], $8::text[],
            $9::timestamptz[])
          AS entry (id, key_id, role, action, items, detail, request_id, recorded_at)""",
        session.tenant_id,
        new_ids(len(entries)),
        [entry.ctx.principal.key_id for entry in entries],
        [entry.ctx.principal.role.value for entry in entries],
        [entry.action for entry in entries],
        [entry.items for entry in entries],
        [entry.detail for entry in entries],
        [entry.ctx.request_id for entry in entries],
        [entry.ctx.now for entry in entries],
    )
