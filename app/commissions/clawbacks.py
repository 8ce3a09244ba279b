"""Writes what was taken back of rows, and reads from the ledger what of it had been paid and was clawed back."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from app.commissions.standing import Part, Standing, Taking
from app.commissions.terms import TERMS
from app.core.context import Ctx
from app.core.words import Clawback
from app.db.session import ReadSession, WriteSession


@dataclass(frozen=True, slots=True)
class Clawed:
    """By credit what was clawed back, and how much of it is to be invoiced. clawback: what it becomes now."""

    amounts: dict[UUID, tuple[int, int]] = field(default_factory=dict)
    clawback: Clawback = Clawback.NEXT_PAYOUT

    def standing(self, credit_id: UUID, parts: Sequence[Part]) -> Standing:
        """Where the credit stands, of which these are the rows in order of id."""
        clawed, invoiced = self.amounts.get(credit_id, (0, 0))
        return Standing(list(parts), clawed, invoiced, self.clawback)


async def clawed_back(ctx: Ctx, session: ReadSession, order_ids: Collection[UUID]) -> Clawed:
    """What was clawed back of the credits of these orders."""
    rows = await session.fetch(
        """/* commissions.clawed_back */
        SELECT commissions.credit_id,
          (- coalesce(sum(entry.amount_minor) FILTER (WHERE entry.account = 'CLAWED_BACK'), 0))::bigint AS clawed,
          coalesce(sum(entry.amount_minor) FILTER (WHERE entry.account = 'INVOICED'), 0)::bigint AS invoiced
        FROM commissions
        JOIN ledger_entries AS entry ON entry.tenant_id = $1 AND entry.cause_id = commissions.id
          AND entry.account IN ('CLAWED_BACK', 'INVOICED')
        WHERE commissions.tenant_id = $1 AND commissions.order_id = ANY($2::uuid[])
        GROUP BY commissions.credit_id""",
        ctx.tenant_id,
        list(order_ids),
    )
    amounts = {row["credit_id"]: (row["clawed"], row["invoiced"]) for row in rows}
    return Clawed(amounts, (await TERMS.load(ctx, session)).clawback)


async def write_takings(ctx: Ctx, session: WriteSession, takings: Sequence[Taking]) -> None:
    """Write of rows that are locked, or written just now, what was taken back of them."""
    taken: dict[UUID, int] = defaultdict(int)
    for each in takings:
        taken[each.commission_id] -= each.amount
    taken = {commission_id: amount for commission_id, amount in taken.items() if amount}
    if not taken:
        return
    await session.execute(
        """/* commissions.take */
        UPDATE commissions
        SET taken_minor = commissions.taken_minor + taken.amount
        FROM unnest($2::uuid[], $3::bigint[]) AS taken (id, amount)
        WHERE commissions.tenant_id = $1 AND commissions.id = taken.id""",
        ctx.tenant_id,
        list(taken),
        list(taken.values()),
    )
