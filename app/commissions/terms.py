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
from app.db.session import ReadSession, WriteSession


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


async def load_terms(ctx: Ctx, session: ReadSession) -> MoneyTerms:
    """The tenant's terms."""
    row = await session.fetchrow(
        """/* money_terms.load */
        SELECT approval, earned_when, hold_days, clawback, adjustment_limit_minor
        FROM money_terms
        WHERE tenant_id = $1""",
        ctx.tenant_id,
    )
    return _unsaid(ctx) if row is None else _terms(row)


async def lock_terms(ctx: Ctx, session: WriteSession) -> MoneyTerms:
    """The tenant's terms, locked until the transaction's end, and its campaigns' own with them.

    Changes name a part of the terms: so who changes them reads them here, and the next one reads what came of it.
    """
    unsaid = _unsaid(ctx)
    row = await session.fetchrow(
        """/* money_terms.lock */
        INSERT INTO money_terms (tenant_id, approval, earned_when, hold_days, clawback, adjustment_limit_minor,
          updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (tenant_id) DO UPDATE SET updated_at = money_terms.updated_at
        RETURNING approval, earned_when, hold_days, clawback, adjustment_limit_minor""",
        ctx.tenant_id,
        unsaid.approval,
        unsaid.earned_when,
        unsaid.hold_days,
        unsaid.clawback,
        unsaid.adjustment_limit_minor,
        ctx.now,
    )
    assert row is not None, "an upsert returns its row"
    return _terms(row)


def _unsaid(ctx: Ctx) -> MoneyTerms:
    return replace(DEFAULT, adjustment_limit_minor=to_minor(DEFAULT_LIMIT, ctx.tenant.currency))


def _terms(row: Any) -> MoneyTerms:
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


async def save_terms(ctx: Ctx, session: WriteSession, terms: MoneyTerms) -> None:
    """Make these the tenant's terms, which are locked."""
    await session.execute(
        """/* money_terms.save */
        UPDATE money_terms
        SET approval = $2, earned_when = $3, hold_days = $4, clawback = $5, adjustment_limit_minor = $6, updated_at = $7
        WHERE tenant_id = $1""",
        ctx.tenant_id,
        terms.approval,
        terms.earned_when,
        terms.hold_days,
        terms.clawback,
        terms.adjustment_limit_minor,
        ctx.now,
    )


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
