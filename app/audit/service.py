"""Appends to the audit log, inside the transaction that it tells of."""

from typing import Any

from app.core.context import Ctx
from app.core.ids import new_id
from app.db.session import WriteSession


async def append(ctx: Ctx, session: WriteSession, *, action: str, items: int, detail: dict[str, Any]) -> None:
    """Append one row. detail: ids and counts; never personal data, never secrets."""
    await session.execute(
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
