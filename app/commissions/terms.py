"""A tenant's terms of money: who approves commissions and when, what a clawback becomes, what needs a second key."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from app.core.context import Ctx
from app.core.words import Approval, Clawback, EarnedWhen
from app.db.session import ReadSession


@dataclass(frozen=True, slots=True)
class MoneyTerms:
    """Terms of money. adjustment_limit_minor: in the tenant's currency; None where every correction needs two keys."""

    approval: Approval = Approval.AUTOMATIC
    earned_when: EarnedWhen = EarnedWhen.PAID
    hold_days: int = 30
    clawback: Clawback = Clawback.NEXT_PAYOUT
    adjustment_limit_minor: int | None = None


DEFAULT = MoneyTerms()
"""Of a tenant that never said anything."""


async def load_terms(ctx: Ctx, session: ReadSession) -> MoneyTerms:
    """The tenant's terms."""
    row = await session.fetchrow(
        """/* money_terms.load */
        SELECT approval, earned_when, hold_days, clawback, adjustment_limit_minor
        FROM money_terms
        WHERE tenant_id = $1""",
        ctx.tenant_id,
    )
    if row is None:
        return DEFAULT
    return MoneyTerms(
        approval=Approval(row["approval"]),
        earned_when=EarnedWhen(row["earned_when"]),
        hold_days=row["hold_days"],
        clawback=Clawback(row["clawback"]),
        adjustment_limit_minor=row["adjustment_limit_minor"],
    )


async def earned_when(ctx: Ctx, session: ReadSession, campaign_ids: Collection[UUID]) -> dict[UUID, EarnedWhen]:
    """Of these campaigns, those that say for themselves what an order needs before its commission may be approved."""
    rows = await session.fetch(
        """/* approval_terms.earned_when */
        SELECT campaign_id, earned_when
        FROM approval_terms
        WHERE tenant_id = $1 AND campaign_id = ANY($2::uuid[]) AND earned_when IS NOT NULL""",
        ctx.tenant_id,
        list(campaign_ids),
    )
    return {row["campaign_id"]: EarnedWhen(row["earned_when"]) for row in rows}
