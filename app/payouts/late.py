"""Payments of payouts that had no rate when they were told, converted once there is one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import plain
from app.db.session import WriteSession


@dataclass(frozen=True, slots=True)
class LatePayment:
    """A payment that is not converted."""

    id: UUID
    currency: str
    occurred_at: datetime
    amount: int


async def late_payments(session: WriteSession, *, after: UUID, limit: int) -> list[LatePayment]:
    """The next payments that are not converted, in order of id, at most `limit`; locked."""
    rows = await session.fetch(
        """/* late.payments */
        SELECT id, currency, occurred_at, amount_minor
        FROM payout_payments
        WHERE tenant_id = $1 AND id > $2 AND amount_base_minor IS NULL
        ORDER BY id
        LIMIT $3
        FOR NO KEY UPDATE""",
        session.tenant_id,
        after,
        limit,
    )
    return [LatePayment(plain(row["id"]), row["currency"], row["occurred_at"], row["amount_minor"]) for row in rows]


async def convert_payments(ctx: Ctx, session: WriteSession, bases: Mapping[UUID, int]) -> None:
    """Write what the payments are worth in the tenant's currency, minor units by id."""
    if not bases:
        return
    await session.execute(
        """/* late.write_payments */
        UPDATE payout_payments
        SET amount_base_minor = known.base
        FROM unnest($2::uuid[], $3::bigint[]) AS known (id, base)
        WHERE payout_payments.tenant_id = $1 AND payout_payments.id = known.id
          AND payout_payments.amount_base_minor IS NULL""",
        ctx.tenant_id,
        list(bases),
        list(bases.values()),
    )
