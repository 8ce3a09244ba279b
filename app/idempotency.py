"""Idempotency keys: the answer of a call is stored with its effects, and given again to the call's repetition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that a call claims, with what makes another call its repetition."""

    key: str
    operation: str
    body_hash: bytes
    created_at: datetime


async def claim_new(session: WriteSession, claims: Sequence[Claim]) -> set[str]:
    """Claim the keys for several calls of the session's tenant; which of them are taken already, and stay as they are.

    In order of the keys: two that claim the same ones wait for each other instead of blocking each other.
    """
    if not claims:
        return set()
    claims = sorted(claims, key=lambda claim: claim.key)
    rows = await session.fetch(
        """/* idempotency.claim_new */
        INSERT INTO idempotency_keys (tenant_id, key, operation, body_hash, created_at)
        SELECT $1, claim.*
        FROM unnest($2::text[], $3::text[], $4::bytea[], $5::timestamptz[])
          AS claim (key, operation, body_hash, created_at)
        ON CONFLICT (tenant_id, key) DO NOTHING
        RETURNING key""",
        session.tenant_id,
        [claim.key for claim in claims],
        [claim.operation for claim in claims],
        [claim.body_hash for claim in claims],
        [claim.created_at for claim in claims],
    )
    return {claim.key for claim in claims} - {row["key"] for row in rows}


async def answer_all(session: WriteSession, responses: Mapping[str, Any]) -> None:
    """Store responses under the keys that the session claimed."""
    if not responses:
        return
    await session.execute(
        """/* idempotency.answer_all */
        UPDATE idempotency_keys
        SET response = given.response
        FROM unnest($2::text[], $3::jsonb[]) AS given (key, response)
        WHERE idempotency_keys.tenant_id = $1 AND idempotency_keys.key = given.key""",
        session.tenant_id,
        list(responses),
        list(responses.values()),
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
