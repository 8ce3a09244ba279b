"""What accounts hold: the ledger's rollup by month of UTC, and the deltas that are not folded into it yet.

A write inserts its deltas beside its entries; `fold` moves them into ledger_balances; whoever reads adds both up in one
statement, so that an entry is in exactly one of them. Sums up to an instant take whole months from here and the rest of
that instant's month from the entries.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from app.core import timegrain
from app.core.context import Ctx
from app.core.ids import ZERO_ID, plain
from app.core.timegrain import Granularity, Interval
from app.core.words import LedgerAccount
from app.db.piles import is_time_to_look
from app.db.session import Database, ReadSession, TransactionConflict, WriteSession
from app.settings import Settings

BATCH_DELTAS = 50_000
"""Deltas moved by one transaction."""

DIFFERENCES_MAX = 100
"""Differences reported at most, of each kind."""

TIMEOUT_S = 600.0
"""Seconds that a verification may run: it reads all entries."""

ATTEMPTS_MAX = 10
"""Runs of a rebuild that meets folds."""

_HAS_DELTAS = """/* ledger.has_deltas */
SELECT EXISTS (SELECT 1 FROM ledger_deltas WHERE tenant_id = $1)"""

# What another fold holds is left to it. In order of the key, so that two folds never wait for each other.
_FOLD = """/* ledger.fold */
WITH moved AS (
  DELETE FROM ledger_deltas
  WHERE tenant_id = $1 AND id IN (
    SELECT id FROM ledger_deltas WHERE tenant_id = $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
  )
  RETURNING influencer_id, account, currency, month, amount_minor, entries
), added AS (
  INSERT INTO ledger_balances (tenant_id, influencer_id, account, currency, month, amount_minor, entries)
  SELECT $1, influencer_id, account, currency, month, sum(amount_minor)::bigint, sum(entries)::bigint
  FROM moved
  GROUP BY influencer_id, account, currency, month
  ORDER BY influencer_id, account, currency, month
  ON CONFLICT (tenant_id, influencer_id, account, currency, month) DO UPDATE
  SET amount_minor = ledger_balances.amount_minor + excluded.amount_minor,
    entries = ledger_balances.entries + excluded.entries
)
SELECT count(*) FROM moved"""

_PILE = """/* ledger.pile */
SELECT count(*) FROM (SELECT 1 FROM ledger_deltas WHERE tenant_id = $1 LIMIT $2) AS pile"""

_EXTENT = """/* ledger.extent */
SELECT min(posted_at) AS first_at, max(posted_at) AS last_at FROM ledger_entries WHERE tenant_id = $1"""

_UNBALANCED = """/* ledger.unbalanced */
SELECT posting_id, currency, sum(amount_minor)::bigint AS off
FROM ledger_entries
WHERE tenant_id = $1
GROUP BY posting_id, currency
HAVING sum(amount_minor) <> 0
LIMIT $2"""

# Months by their edges, which are computed outside: the parameters are the edges, and the months that begin with them.
_OF_ENTRIES = """coalesce(influencer_id, '00000000-0000-0000-0000-000000000000') AS influencer_id, account, currency,
    ($3::date[])[width_bucket(posted_at, $2::timestamptz[])] AS month, amount_minor, 1 AS entries
  FROM ledger_entries
  WHERE tenant_id = $1"""

_DIFFERENCES = f"""/* ledger.differences */
SELECT influencer_id, account, currency, month, sum(amount_minor)::bigint AS amount_minor,
  sum(entries)::bigint AS entries
FROM (
  SELECT {_OF_ENTRIES}
  UNION ALL
  SELECT influencer_id, account, currency, month, -amount_minor, -entries FROM ledger_balances WHERE tenant_id = $1
  UNION ALL
  SELECT influencer_id, account, currency, month, -amount_minor, -entries FROM ledger_deltas WHERE tenant_id = $1
) AS compared
GROUP BY influencer_id, account, currency, month
HAVING sum(amount_minor) <> 0 OR sum(entries) <> 0
ORDER BY influencer_id, account, currency, month
LIMIT $4"""  # noqa: S608 - only texts of this file

_CLEAR_DELTAS = """/* ledger.clear_deltas */
DELETE FROM ledger_deltas WHERE tenant_id = $1"""

_CLEAR = """/* ledger.clear_balances */
DELETE FROM ledger_balances WHERE tenant_id = $1"""

# A fold that made one of these rows meanwhile is a conflict: then all is done again.
_REBUILD = f"""/* ledger.rebuild */
INSERT INTO ledger_balances (tenant_id, influencer_id, account, currency, month, amount_minor, entries)
SELECT $1, influencer_id, account, currency, month, sum(amount_minor)::bigint, sum(entries)::bigint
FROM (
  SELECT {_OF_ENTRIES}
) AS posted
GROUP BY influencer_id, account, currency, month
ON CONFLICT (tenant_id, influencer_id, account, currency, month) DO UPDATE
SET amount_minor = excluded.amount_minor, entries = excluded.entries"""  # noqa: S608 - only texts of this file

Held = dict[tuple[UUID, str], dict[LedgerAccount, int]]
"""Minor units by influencer and currency, and by account; debits positive."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An account and month whose balance is not what its entries sum to. off, entries_off: entries minus balance."""

    influencer_id: UUID | None
    account: str
    currency: str
    month: date
    off: int
    entries_off: int


@dataclass(frozen=True, slots=True)
class Unbalanced:
    """A posting whose lines do not sum to zero."""

    posting_id: UUID
    currency: str
    off: int


async def fold(db: Database, tenant_id: UUID) -> int:
    """Number of deltas folded, batch by batch until a batch is not full."""
    async with db.read(tenant_id) as session:
        if not await session.fetchval(_HAS_DELTAS, tenant_id):
            return 0
    folded = 0
    while True:
        async with db.write(tenant_id) as writing:
            batch: int = await writing.fetchval(_FOLD, tenant_id, BATCH_DELTAS)
        folded += batch
        if batch < BATCH_DELTAS:
            return folded


async def fold_if_piled_up(ctx: Ctx, session: WriteSession, settings: Settings, *, appended: int) -> None:
    """Fold a batch in the writer's own transaction once the tenant's deltas reach the setting; call it last of all.

    appended: how many deltas the transaction appended.
    """
    pile = settings.fold_deltas_max
    if is_time_to_look(pile, appended=appended) and await session.fetchval(_PILE, ctx.tenant_id, pile) >= pile:
        await session.execute(_FOLD, ctx.tenant_id, BATCH_DELTAS)


async def verify(db: Database, tenant_id: UUID) -> tuple[list[Difference], list[Unbalanced]]:
    """What is wrong with the tenant's balances and postings, in one snapshot: may run beside writes and folds."""
    async with db.snapshot(tenant_id, timeout_s=TIMEOUT_S) as session:
        unbalanced = await session.fetch(_UNBALANCED, tenant_id, DIFFERENCES_MAX)
        off = await session.fetch(_DIFFERENCES, tenant_id, *await _months(session), DIFFERENCES_MAX)
    return (
        [
            Difference(
                influencer_id=None if row["influencer_id"] == ZERO_ID else plain(row["influencer_id"]),
                account=row["account"],
                currency=row["currency"],
                month=row["month"],
                off=row["amount_minor"],
                entries_off=row["entries"],
            )
            for row in off
        ],
        [Unbalanced(plain(row["posting_id"]), row["currency"], row["off"]) for row in unbalanced],
    )


async def rebuild(db: Database, tenant_id: UUID) -> None:
    """Make the tenant's balances anew from its entries.

    One repeatable-read transaction: it sees an entry if and only if it sees its delta or the balance that it is in.
    """
    for attempt in range(ATTEMPTS_MAX):
        try:
            async with db.write(tenant_id, repeatable=True) as session:
                await session.execute(_CLEAR_DELTAS, tenant_id)
                await session.execute(_CLEAR, tenant_id)
                await session.execute(_REBUILD, tenant_id, *await _months(session))
            return
        except TransactionConflict:
            # A fold committed after our snapshot was taken: take another.
            if attempt + 1 == ATTEMPTS_MAX:
                raise


async def _months(session: ReadSession) -> tuple[list[datetime], list[date]]:
    extent = await session.fetchrow(_EXTENT, session.tenant_id)
    assert extent is not None, "an aggregate has a row"
    if extent["first_at"] is None:
        return [], []
    edges = timegrain.edges(Interval(extent["first_at"], extent["last_at"]), Granularity.MONTH, "UTC") or [
        timegrain.floor(extent["first_at"], Granularity.MONTH, "UTC")
    ]
    return edges, [edge.astimezone(UTC).date() for edge in edges]


async def held(
    ctx: Ctx,
    session: ReadSession,
    accounts: Collection[LedgerAccount],
    *,
    influencer_ids: Collection[UUID] | None = None,
    before: date | None = None,
) -> Held:
    """What these accounts of influencers hold: of those named, or of all. Zeros are left out.

    before: what they held when that month of UTC began.
    """
    rows = await session.fetch(
        """/* ledger.held */
        SELECT influencer_id, currency, account, sum(amount_minor)::bigint AS amount_minor
        FROM (
          SELECT influencer_id, currency, account, amount_minor
          FROM ledger_balances
          WHERE tenant_id = $1 AND account = ANY($2::text[]) AND ($3::uuid[] IS NULL OR influencer_id = ANY($3::uuid[]))
            AND ($4::date IS NULL OR month < $4::date)
          UNION ALL
          SELECT influencer_id, currency, account, amount_minor
          FROM ledger_deltas
          WHERE tenant_id = $1 AND account = ANY($2::text[]) AND ($3::uuid[] IS NULL OR influencer_id = ANY($3::uuid[]))
            AND ($4::date IS NULL OR month < $4::date)
        ) AS moved
        WHERE influencer_id <> '00000000-0000-0000-0000-000000000000'
        GROUP BY influencer_id, currency, account
        HAVING sum(amount_minor) <> 0""",
        ctx.tenant_id,
        list(accounts),
        None if influencer_ids is None else list(influencer_ids),
        before,
    )
    found: Held = defaultdict(dict)
    for row in rows:
        found[plain(row["influencer_id"]), row["currency"]][LedgerAccount(row["account"])] = row["amount_minor"]
    return dict(found)


def owed(accounts: Mapping[LedgerAccount, int], *names: LedgerAccount) -> int:
    """What is owed by these accounts together: their sum with its sign turned."""
    return -sum(accounts.get(name, 0) for name in names)
