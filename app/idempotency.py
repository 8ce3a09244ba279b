"""Idempotency keys: the answer of a call is stored with its effects, and given again to the call's repetition."""

from datetime import datetime
from typing import Any

from app.core.context import Ctx
from app.db.session import WriteSession
from app.errors import DomainError

KEY_LENGTH_MAX = 200


async def claim(ctx: Ctx, session: WriteSession, *, key: str, operation: str, body_hash: bytes) -> Any | None:
    """None if the key is new and now ours; else the response stored under it.

    A concurrent call with the same key waits here until the first commits. Raises IDEMPOTENCY_CONFLICT when the key was
    used for another operation or body.
    """
    if not key or len(key) > KEY_LENGTH_MAX:
        raise DomainError(
            "BAD_USER_INPUT",
            f"`idempotencyKey` must have 1 to {KEY_LENGTH_MAX} characters.",
            path=("idempotencyKey",),
        )
    claimed = await session.fetchval(
        """/* idempotency.claim */
        INSERT INTO idempotency_keys (tenant_id, key, operation, body_hash, created_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (tenant_id, key) DO NOTHING
        RETURNING true""",
        ctx.tenant_id,
        key,
        operation,
        body_hash,
        ctx.now,
    )
    if claimed:
        return None
    row = await session.fetchrow(
        """/* idempotency.read */
        SELECT operation, body_hash, response
        FROM idempotency_keys
        WHERE tenant_id = $1 AND key = $2""",
        ctx.tenant_id,
        key,
    )
    assert row is not None, "a key that conflicts exists: keys are deleted only by the worker, long after"
    if row["operation"] != operation or row["body_hash"] != body_hash:
        raise DomainError(
            "IDEMPOTENCY_CONFLICT",
            f"The idempotency key {key!r} was used with another body. Use a new key for new content.",
            path=("idempotencyKey",),
        )
    return row["response"]


async def answer(ctx: Ctx, session: WriteSession, *, key: str, response: Any) -> None:
    """Store the response of a call under the key it claimed."""
    await session.execute(
        """/* idempotency.answer */
        UPDATE idempotency_keys SET response = $3 WHERE tenant_id = $1 AND key = $2""",
        ctx.tenant_id,
        key,
        response,
    )


async def forget(session: WriteSession, *, before: datetime, rows_max: int) -> int:
    """How many of the tenant's keys made before the time were deleted: at most rows_max."""
    tag = await session.execute(
        """/* idempotency.forget */
        DELETE FROM idempotency_keys
        WHERE tenant_id = $1
          AND key IN (
            SELECT old.key
            FROM idempotency_keys AS old
            WHERE old.tenant_id = $1 AND old.created_at < $2  -- index: idempotency_keys_created
            ORDER BY old.created_at
            LIMIT $3
          )""",
        session.tenant_id,
        before,
        rows_max,
    )
    return int(tag.rpartition(" ")[2])
