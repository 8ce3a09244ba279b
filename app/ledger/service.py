"""Appends postings to the ledger: the only writer of ledger_entries. Append-only; a correction is another posting.

What the entries add to balances goes into ledger_deltas in the same transaction; app/ledger/balances folds it.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import ZERO_ID, new_ids
from app.core.words import LedgerAccount
from app.db.session import WriteSession
from app.ledger.postings import Entry, Posting


async def append(ctx: Ctx, session: WriteSession, postings: Sequence[Posting]) -> None:
    """Append the postings, in order, and what they add to balances: two statements."""
    if not postings:
        return
    rows = [
        (posting_id, posting, entry)
        for posting_id, posting in zip(new_ids(len(postings)), postings, strict=True)
        for entry in posting.entries
    ]
    await session.later(
        """/* ledger.append */
        INSERT INTO ledger_entries (tenant_id, id, posting_id, account, influencer_id, currency, amount_minor,
          cause_kind, cause_id, rate, posted_at)
        SELECT $1, entry.id, entry.posting_id, entry.account, entry.influencer_id, entry.currency, entry.amount_minor,
          entry.cause_kind, entry.cause_id, entry.rate, $11
        FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::bigint[], $8::text[], $9::uuid[],
            $10::numeric[])
          AS entry (id, posting_id, account, influencer_id, currency, amount_minor, cause_kind, cause_id, rate)""",
        ctx.tenant_id,
        new_ids(len(rows)),
        [posting_id for posting_id, _, _ in rows],
        [entry.account for _, _, entry in rows],
        [entry.influencer_id for _, _, entry in rows],
        [entry.currency for _, _, entry in rows],
        [entry.amount_minor for _, _, entry in rows],
        [posting.cause_kind for _, posting, _ in rows],
        [posting.cause_id for _, posting, _ in rows],
        [entry.rate for _, _, entry in rows],
        ctx.now,
    )
    await _append_deltas(ctx, session, [entry for _, _, entry in rows])


async def _append_deltas(ctx: Ctx, session: WriteSession, entries: Sequence[Entry]) -> None:
    # Entries of one account are added up: a batch of a thousand orders moves as many accounts as it has influencers.
    sums: dict[tuple[UUID, LedgerAccount, str], list[int]] = defaultdict(lambda: [0, 0])
    for entry in entries:
        moved = sums[entry.influencer_id or ZERO_ID, entry.account, entry.currency]
        moved[0] += entry.amount_minor
        moved[1] += 1
    session.moves += len(sums)
    month: date = ctx.now.astimezone(UTC).date().replace(day=1)
    await session.later(
        """/* ledger.append_deltas */
        INSERT INTO ledger_deltas (tenant_id, id, influencer_id, account, currency, month, amount_minor, entries)
        SELECT $1, moved.id, moved.influencer_id, moved.account, moved.currency, $2, moved.amount_minor, moved.entries
        FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::bigint[], $8::bigint[])
          AS moved (id, influencer_id, account, currency, amount_minor, entries)""",
        ctx.tenant_id,
        month,
        new_ids(len(sums)),
        [influencer_id for influencer_id, _, _ in sums],
        [account for _, account, _ in sums],
        [currency for _, _, currency in sums],
        [amount for amount, _ in sums.values()],
        [count for _, count in sums.values()],
    )
