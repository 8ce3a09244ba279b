"""Appends postings to the ledger: the only writer of ledger_entries. Append-only; a correction is another posting."""

from collections.abc import Sequence
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import new_id
from app.db.session import WriteSession
from app.ledger.postings import Entry, Posting


async def append(ctx: Ctx, session: WriteSession, postings: Sequence[Posting]) -> None:
    """Append the postings, in order, in one statement."""
    if not postings:
        return
    rows: list[tuple[UUID, UUID, Posting, Entry]] = []
    for posting in postings:
        posting_id = new_id()
        rows.extend((new_id(), posting_id, posting, entry) for entry in posting.entries)
    await session.execute(
        """/* ledger.append */
        INSERT INTO ledger_entries
          (tenant_id, id, posting_id, account, influencer_id, currency, amount_minor, cause_kind, cause_id, posted_at)
        SELECT $1, entry.id, entry.posting_id, entry.account, entry.influencer_id, entry.currency, entry.amount_minor,
          entry.cause_kind, entry.cause_id, $10
        FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::bigint[], $8::text[], $9::uuid[])
          AS entry (id, posting_id, account, influencer_id, currency, amount_minor, cause_kind, cause_id)""",
        ctx.tenant_id,
        [row_id for row_id, _, _, _ in rows],
        [posting_id for _, posting_id, _, _ in rows],
        [entry.account for _, _, _, entry in rows],
        [entry.influencer_id for _, _, _, entry in rows],
        [entry.currency for _, _, _, entry in rows],
        [entry.amount_minor for _, _, _, entry in rows],
        [posting.cause_kind for _, _, posting, _ in rows],
        [posting.cause_id for _, _, posting, _ in rows],
        ctx.now,
    )
