"""Which commissions may be approved: those whose order was paid (or what else the terms ask for), after a hold period.

The worker approves what is due; a caller may approve earlier, but never what an unpaid order earned.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.commissions.states import Row
from app.commissions.terms import MoneyTerms, earned_when
from app.core.context import Ctx
from app.core.ids import ZERO_ID, plain
from app.core.words import CommissionKind, EarnedWhen
from app.db.session import ReadSession
from app.errors import DomainError

BATCH = 500
"""Commissions that the worker approves in one transaction."""

# The hold period is exact: days of 24 hours. One that was due when it was read is looked at again under its lock. The
# shortest period of all bounds what is read of the index commissions_pending.
_DUE = """/* commissions.due */
SELECT item.id, item.occurred_at
FROM commissions AS item
LEFT JOIN approval_terms AS own ON own.tenant_id = $1 AND own.campaign_id = item.campaign_id
WHERE item.tenant_id = $1 AND item.state = 'PENDING' AND item.kind NOT IN ('REVERSAL', 'REJECTION')
  AND (item.occurred_at, item.id) > ($6::timestamptz, $7::uuid)
  AND item.occurred_at <= $2::timestamptz - interval '24 hours' * (
    SELECT least(min(each.hold_days), $4) FROM approval_terms AS each WHERE each.tenant_id = $1
  )
  AND item.occurred_at + coalesce(own.hold_days, $4) * interval '24 hours' <= $2
  AND coalesce(own.approval, $3) = 'AUTOMATIC'
  AND (item.order_id IS NULL OR coalesce(own.earned_when, $5) = 'ORDERED' OR EXISTS (
    SELECT 1
    FROM order_events AS event
    WHERE event.tenant_id = $1 AND event.order_id = item.order_id AND event.kind = coalesce(own.earned_when, $5)
      AND event.occurred_at + coalesce(own.hold_days, $4) * interval '24 hours' <= $2
  ))
  AND (item.credit_id IS NULL OR 0 <> (
    SELECT sum(part.amount_minor - part.taken_minor)
    FROM commissions AS part
    WHERE part.tenant_id = $1 AND part.order_id = item.order_id AND part.credit_id = item.credit_id
      AND part.state = 'PENDING'
  ))
ORDER BY item.occurred_at, item.id
LIMIT $8"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the worker's search goes on: after this commission."""

    occurred_at: datetime
    id: UUID


START = Place(datetime.fromisoformat("0001-01-03T00:00:00+00:00"), ZERO_ID)
"""Before all commissions."""


async def find_due(
    session: ReadSession, terms: MoneyTerms, *, now: datetime, after: Place
) -> tuple[list[UUID], Place | None]:
    """Pending commissions that are due, at most BATCH in order of their time, and where to go on; None at the end.

    All rows of a credit that are PENDING move with the first. What was taken back whole is never due.
    """
    rows = await session.fetch(
        _DUE,
        session.tenant_id,
        now,
        terms.approval,
        terms.hold_days,
        terms.earned_when,
        after.occurred_at,
        after.id,
        BATCH,
    )
    last = Place(rows[-1]["occurred_at"], plain(rows[-1]["id"])) if len(rows) == BATCH else None
    return [plain(row["id"]) for row in rows], last


@dataclass(frozen=True, slots=True)
class Earned:
    """Which orders fulfil what the terms ask for. has: what happened to each order."""

    terms: MoneyTerms
    own: Mapping[UUID, EarnedWhen]
    has: Mapping[UUID, Collection[str]]

    def check(self, row: Row) -> None:
        """Raise ORDER_NOT_EARNED where the commission's order was not paid, or not fulfilled."""
        if row.order_id is None or row.kind is CommissionKind.ADJUSTMENT:
            return
        needed = self.terms.earned_when if row.campaign_id is None else self.own.get(row.campaign_id)
        needed = needed or self.terms.earned_when
        if needed is not EarnedWhen.ORDERED and needed not in self.has.get(row.order_id, ()):
            raise DomainError(
                "ORDER_NOT_EARNED",
                f"The order is not {needed.lower()}: record the order event {needed.value} first.",
                path=("id",),
            )


async def load_earned(ctx: Ctx, session: ReadSession, rows: Collection[Row], terms: MoneyTerms) -> Earned:
    """What happened to the orders of these commissions, and what their campaigns ask for."""
    own = await earned_when(ctx, session, {row.campaign_id for row in rows if row.campaign_id is not None})
    found = await session.fetch(
        """/* commissions.order_events */
        SELECT order_id, array_agg(DISTINCT kind) AS kinds
        FROM order_events
        WHERE tenant_id = $1 AND order_id = ANY($2::uuid[]) AND kind IN ('PAID', 'FULFILLED')
        GROUP BY order_id""",
        ctx.tenant_id,
        list({row.order_id for row in rows if row.order_id is not None}),
    )
    return Earned(terms, own, {row["order_id"]: row["kinds"] for row in found})
