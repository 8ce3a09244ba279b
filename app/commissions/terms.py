"""A tenant's terms of money: who approves commissions and when, what a clawback becomes, what needs a second key."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import plain
from app.core.money import to_minor
from app.core.words import Approval, Clawback, EarnedWhen
from app.db.one_row import OneRow
from app.db.session import ReadSession, WriteSession
from app.tables import MoneyTerms as MoneyTermsRow


@dataclass(frozen=True, slots=True)
class MoneyTerms:
    """Terms of money. adjustment_limit_minor: in the tenant's currency; None where every correction needs two keys."""

    approval: Approval = Approval.AUTOMATIC
    earned_when: EarnedWhen = EarnedWhen.PAID
    hold_days: int = 30
    clawback: Clawback = Clawback.NEXT_PAYOUT
    adjustment_limit_minor: int | None = None


DEFAULT = MoneyTerms()
DEFAULT_LIMIT = Decimal(100)
"""Of a tenant that never said anything; the limit in major units of its currency."""


def _unsaid(ctx: Ctx) -> MoneyTerms:
    return replace(DEFAULT, adjustment_limit_minor=to_minor(DEFAULT_LIMIT, ctx.tenant.currency))


TERMS = OneRow(MoneyTermsRow, MoneyTerms, _unsaid)
"""The terms that each tenant has set. Who locks them locks the own ones of its campaigns with them."""


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


async def load_own(ctx: Ctx, session: ReadSession, campaign_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """What these campaigns have of their own, by the columns of approval_terms; None: the tenant's."""
    rows = await session.fetch(
        """/* approval_terms.load */
        SELECT campaign_id, approval, earned_when, hold_days
        FROM approval_terms
        WHERE tenant_id = $1 AND campaign_id = ANY($2::uuid[])""",
        ctx.tenant_id,
        list(campaign_ids),
    )
    return {
        plain(row["campaign_id"]): {
            "approval": None if row["approval"] is None else Approval(row["approval"]),
            "earned_when": None if row["earned_when"] is None else EarnedWhen(row["earned_when"]),
            "hold_days": row["hold_days"],
        }
        for row in rows
    }


async def save_own(ctx: Ctx, session: WriteSession, own: Mapping[UUID, Mapping[str, Any]]) -> None:
    """Make these the campaigns' own terms. The tenant's are locked."""
    if not own:
        return
    await session.execute(
        """/* approval_terms.save */
        INSERT INTO approval_terms (tenant_id, campaign_id, approval, earned_when, hold_days, updated_at)
        SELECT $1, own.campaign_id, own.approval, own.earned_when, own.hold_days, $2
        FROM unnest($3::uuid[], $4::text[], $5::text[], $6::integer[])
          AS own (campaign_id, approval, earned_when, hold_days)
        ON CONFLICT (tenant_id, campaign_id) DO UPDATE
        SET approval = excluded.approval, earned_when = excluded.earned_when, hold_days = excluded.hold_days,
          updated_at = excluded.updated_at""",
        ctx.tenant_id,
        ctx.now,
        list(own),
        *([terms[name] for terms in own.values()] for name in ("approval", "earned_when", "hold_days")),
    )
