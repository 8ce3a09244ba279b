"""Payments of what was invoiced to influencers: what was taken back from them after it was paid out."""

from collections.abc import Collection
from uuid import UUID, uuid5

from app.core.context import Ctx
from app.core.ids import plain
from app.core.words import LedgerAccount
from app.db.session import ReadSession, WriteSession
from app.ledger.postings import Entry, Posting

CAUSE = "invoice_payment"


def payment_id(ctx: Ctx, external_id: str) -> UUID:
    """The id of a payment: it follows from the caller's own, so that one is posted once."""
    return uuid5(ctx.tenant_id, f"{CAUSE}:{external_id}")


def payment(payment_id: UUID, *, influencer_id: UUID, currency: str, amount: int) -> Posting:
    """The posting of a payment: less is to be invoiced, and less was paid out to them."""
    return Posting(
        CAUSE,
        payment_id,
        (
            Entry(LedgerAccount.PAID, influencer_id, currency, amount),
            Entry(LedgerAccount.INVOICED, influencer_id, currency, -amount),
        ),
    )


async def lock_influencers(ctx: Ctx, session: WriteSession, influencer_ids: Collection[UUID]) -> set[UUID]:
    """Those of the influencers that exist, locked in order of id: no two payments of theirs are entered at once."""
    rows = await session.fetch(
        """/* invoices.lock */
        SELECT id FROM influencers WHERE tenant_id = $1 AND id = ANY($2::uuid[]) ORDER BY id FOR NO KEY UPDATE""",
        ctx.tenant_id,
        list(influencer_ids),
    )
    return {plain(row["id"]) for row in rows}


async def known_payments(ctx: Ctx, session: ReadSession, ids: Collection[UUID]) -> dict[UUID, tuple[UUID, str, int]]:
    """Those of the payments that were posted: influencer, currency and amount by id."""
    rows = await session.fetch(
        """/* invoices.known */
        SELECT cause_id, influencer_id, currency, -amount_minor AS amount
        FROM ledger_entries
        WHERE tenant_id = $1 AND cause_id = ANY($2::uuid[]) AND account = 'INVOICED'""",
        ctx.tenant_id,
        list(ids),
    )
    return {plain(row["cause_id"]): (plain(row["influencer_id"]), row["currency"], row["amount"]) for row in rows}
