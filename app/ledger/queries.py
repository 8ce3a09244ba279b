"""What may be read of the ledger: lists for app/db/keyset."""

from app.db.keyset import Listing
from app.ledger.statements import OWED

LEDGER_ENTRIES = Listing(
    tag="ledger_entries",
    table="ledger_entries",
    columns="item.*",
    own="item.influencer_id = {}",
    sorts=(("posted_at", "timestamptz"),),
)


def _owed(*accounts: str) -> str:
    named = ", ".join(f"'{account}'" for account in accounts)
    return f"coalesce(sum(-moved.amount_minor) FILTER (WHERE moved.account IN ({named})), 0)::bigint"


BALANCES = Listing(
    tag="balances",
    # The rollup and what is not folded into it yet. The id is made of the key: there is no row that has one.
    table=f"""(
          SELECT moved.tenant_id, md5(moved.influencer_id::text || moved.currency)::uuid AS id, moved.influencer_id,
            moved.currency, {_owed("ACCRUED")} AS pending, {_owed("HELD")} AS held,
            {_owed("PAYABLE")} AS payable, {_owed("PAYING")} AS paying, {_owed("PAID")} AS paid,
            -{_owed("INVOICED")} AS invoiced, {_owed(*OWED)} AS owed
          FROM (
            SELECT tenant_id, influencer_id, currency, account, amount_minor
            FROM ledger_balances
            WHERE tenant_id = $1
            UNION ALL
            SELECT tenant_id, influencer_id, currency, account, amount_minor
            FROM ledger_deltas
            WHERE tenant_id = $1
          ) AS moved
          WHERE moved.influencer_id <> '00000000-0000-0000-0000-000000000000'
          GROUP BY moved.tenant_id, moved.influencer_id, moved.currency
        )""",  # noqa: S608 - only declared texts
    columns="item.id, item.influencer_id, item.currency, item.pending, item.held, item.payable, item.paying, "
    "item.paid, item.invoiced, item.owed",
    own="item.influencer_id = {}",
    sorts=(("owed", "bigint"), ("payable", "bigint"), ("currency", "text")),
)
