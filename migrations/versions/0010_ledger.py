"""States that commissions move through, balances, adjustments and rates.

The previous release must not run beside this: it posts all that is taken back as if it were pending still. From here
on it is refused, for it does not write `commissions.taken_minor`, which has no default.
"""

import sqlalchemy as sa
from alembic import op

from app.db.citus import distribute

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

APP_ROLE = "scoville_app"
POLICY = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"
ROLES = "'admin', 'analyst', 'finance', 'store', 'influencer'"
KINDS = "'ACCRUAL', 'EDIT', 'REVERSAL', 'ADJUSTMENT', 'BONUS', 'REJECTION'"
ACCOUNTS = (
    "'EXPENSE', 'ACCRUED', 'PAYABLE', 'HELD', 'PAYING', 'PAID', 'INVOICED', 'CLAWED_BACK', 'FEES', 'ROUNDING', 'FX'"
)
APPROVALS = "'AUTOMATIC', 'MANUAL'"
EARNED_WHEN = "'ORDERED', 'PAID', 'FULFILLED'"

LATE_RATES = ("order_lines", "refund_lines", "adjustments", "spend", "commissions", "commission_lines")
"""Tables whose amount in the tenant's currency may follow when its rate comes late."""

UNCONVERTED = {
    "order_lines": "order_id",
    "refund_lines": "order_id",
    "commissions": "order_id",
    "adjustments": "id",
    "spend": "id",
}
"""Tables of which rows that are not converted are looked for, and by what."""


def upgrade() -> None:
    connection = op.get_bind()
    # First: what the previous release has begun to write ends before it, and is in the balances below.
    op.add_column("commissions", sa.Column("taken_minor", sa.BigInteger(), nullable=False, server_default="0"))
    op.alter_column("commissions", "taken_minor", server_default=None)
    op.execute(f"GRANT UPDATE (taken_minor) ON commissions TO {APP_ROLE}")
    _check("api_keys", "api_keys_role_known", f"role IN ({ROLES})")
    _check("commissions", "commissions_kind_known", f"kind IN ({KINDS})")
    _check("commissions", "commissions_reversal_state", "(kind IN ('REVERSAL', 'REJECTION')) = (state = 'REVERSED')")
    _check("ledger_entries", "ledger_entries_account_known", f"account IN ({ACCOUNTS})")
    op.create_index(
        "commissions_pending",
        "commissions",
        ["tenant_id", "occurred_at", "id"],
        postgresql_where=sa.text("state = 'PENDING'"),
    )
    op.add_column("commission_events", sa.Column("key_id", sa.UUID(), nullable=True))
    op.add_column("ledger_entries", sa.Column("rate", sa.Numeric(20, 10), nullable=True))
    op.drop_index("ledger_entries_influencer", "ledger_entries")
    op.create_index("ledger_entries_influencer", "ledger_entries", ["tenant_id", "influencer_id", "posted_at", "id"])

    op.create_table(
        "ledger_balances",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        *_moved(),
        sa.CheckConstraint(f"account IN ({ACCOUNTS})", name="ledger_balances_account_known"),
        sa.PrimaryKeyConstraint("tenant_id", "influencer_id", "account", "currency", "month"),
    )
    distribute(connection, "ledger_balances")
    op.create_index("ledger_balances_account", "ledger_balances", ["tenant_id", "account", "currency", "influencer_id"])
    _isolate("ledger_balances", "UPDATE, DELETE")

    op.create_table(
        "ledger_deltas",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        *_moved(),
        sa.CheckConstraint(f"account IN ({ACCOUNTS})", name="ledger_deltas_account_known"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    distribute(connection, "ledger_deltas")
    op.create_index("ledger_deltas_influencer", "ledger_deltas", ["tenant_id", "influencer_id"])
    # A fold locks the deltas that it takes.
    _isolate("ledger_deltas", "UPDATE (entries), DELETE")

    op.create_table(
        "money_terms",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("approval", sa.Text(), nullable=False),
        sa.Column("earned_when", sa.Text(), nullable=False),
        sa.Column("hold_days", sa.Integer(), nullable=False),
        sa.Column("clawback", sa.Text(), nullable=False),
        sa.Column("adjustment_limit_minor", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"approval IN ({APPROVALS})", name="money_terms_approval_known"),
        sa.CheckConstraint(f"earned_when IN ({EARNED_WHEN})", name="money_terms_earned_when_known"),
        sa.CheckConstraint("clawback IN ('NEXT_PAYOUT', 'INVOICE')", name="money_terms_clawback_known"),
        sa.CheckConstraint("hold_days BETWEEN 0 AND 730", name="money_terms_hold_days_bounded"),
        sa.CheckConstraint("adjustment_limit_minor >= 0", name="money_terms_limit_not_negative"),
        sa.PrimaryKeyConstraint("tenant_id"),
    )
    distribute(connection, "money_terms")
    _isolate("money_terms", "UPDATE")

    op.create_table(
        "approval_terms",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("campaign_id", sa.UUID(), nullable=False),
        sa.Column("approval", sa.Text(), nullable=True),
        sa.Column("earned_when", sa.Text(), nullable=True),
        sa.Column("hold_days", sa.Integer(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"approval IN ({APPROVALS})", name="approval_terms_approval_known"),
        sa.CheckConstraint(f"earned_when IN ({EARNED_WHEN})", name="approval_terms_earned_when_known"),
        sa.CheckConstraint("hold_days BETWEEN 0 AND 730", name="approval_terms_hold_days_bounded"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "campaign_id"], ["campaigns.tenant_id", "campaigns.id"], name="approval_terms_campaign"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "campaign_id"),
    )
    distribute(connection, "approval_terms")
    _isolate("approval_terms", "UPDATE, DELETE")

    op.create_table(
        "commission_adjustments",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("influencer_id", sa.UUID(), nullable=False),
        sa.Column("campaign_id", sa.UUID(), nullable=True),
        sa.Column("order_id", sa.UUID(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.UUID(), nullable=False),
        sa.Column("decided_by", sa.UUID(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=True),
        sa.Column("commission_id", sa.UUID(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('PROPOSED', 'POSTED', 'DECLINED')", name="commission_adjustments_state_known"),
        sa.CheckConstraint("amount_minor <> 0", name="commission_adjustments_not_empty"),
        sa.CheckConstraint(
            "(state = 'POSTED') = (commission_id IS NOT NULL)", name="commission_adjustments_posted_has_row"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "influencer_id"],
            ["influencers.tenant_id", "influencers.id"],
            name="commission_adjustments_influencer",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "campaign_id"],
            ["campaigns.tenant_id", "campaigns.id"],
            name="commission_adjustments_campaign",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name="commission_adjustments_order"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "commission_id"],
            ["commissions.tenant_id", "commissions.id"],
            name="commission_adjustments_row",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    distribute(connection, "commission_adjustments")
    op.create_index(
        "commission_adjustments_external", "commission_adjustments", ["tenant_id", "external_id"], unique=True
    )
    op.create_index("commission_adjustments_created", "commission_adjustments", ["tenant_id", "created_at", "id"])
    op.create_index(
        "commission_adjustments_influencer", "commission_adjustments", ["tenant_id", "influencer_id", "created_at"]
    )
    _isolate("commission_adjustments", "UPDATE (state, decided_by, decided_at, decision_reason, commission_id)")

    op.create_table(
        "own_rates",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("rate", sa.Numeric(20, 10), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("rate > 0", name="own_rates_positive"),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    distribute(connection, "own_rates")
    op.create_index("own_rates_pair", "own_rates", ["tenant_id", "base", "quote", "day", sa.text("id DESC")])
    op.create_index("own_rates_recorded", "own_rates", ["tenant_id", "recorded_at", "id"])
    _isolate("own_rates", "")

    # Few rows as a rule: those that wait for a rate.
    for table, column in UNCONVERTED.items():
        op.create_index(
            f"{table}_unconverted",
            table,
            ["tenant_id", column],
            postgresql_where=sa.text("amount_base_minor IS NULL"),
        )
    for table in LATE_RATES:
        op.execute(f"GRANT UPDATE (amount_base_minor) ON {table} TO {APP_ROLE}")
    _fill_taken()
    _fill_balances()


def _moved() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("influencer_id", sa.UUID(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
    )


def _check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(name, table)
    op.create_check_constraint(name, table, condition)


def _fill_taken() -> None:
    # Of a credit's rows the newest first, of each at most what it earned. None had moved before: all of them are PENDING.
    op.execute("ALTER TABLE commissions NO FORCE ROW LEVEL SECURITY")
    op.execute(
        """
        UPDATE commissions
        SET taken_minor = least(earned.amount, earned.taken - earned.newer)
        FROM (
          SELECT row.tenant_id, row.id, row.amount_minor AS amount, back.taken,
            sum(row.amount_minor) OVER (PARTITION BY row.tenant_id, row.credit_id ORDER BY row.id DESC)
              - row.amount_minor AS newer
          FROM commissions AS row
          JOIN (
            SELECT tenant_id, credit_id, - sum(amount_minor) AS taken
            FROM commissions
            WHERE kind = 'REVERSAL'
            GROUP BY tenant_id, credit_id
            HAVING sum(amount_minor) < 0
          ) AS back ON back.tenant_id = row.tenant_id AND back.credit_id = row.credit_id
          WHERE row.kind <> 'REVERSAL' AND row.amount_minor > 0
        ) AS earned
        WHERE commissions.tenant_id = earned.tenant_id AND commissions.id = earned.id AND earned.taken > earned.newer
        """
    )
    op.execute("ALTER TABLE commissions FORCE ROW LEVEL SECURITY")


def _fill_balances() -> None:
    # An owner that is no superuser is held to its own policies while they are forced.
    for table in ("ledger_entries", "ledger_balances"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        """
        INSERT INTO ledger_balances (tenant_id, influencer_id, account, currency, month, amount_minor, entries)
        SELECT tenant_id, coalesce(influencer_id, '00000000-0000-0000-0000-000000000000'), account, currency,
          date_trunc('month', posted_at AT TIME ZONE 'UTC')::date, sum(amount_minor)::bigint, count(*)
        FROM ledger_entries
        GROUP BY 1, 2, 3, 4, 5
        """
    )
    for table in ("ledger_entries", "ledger_balances"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _isolate(table: str, more: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant_isolation ON {table} USING ({POLICY}) WITH CHECK ({POLICY})")
    op.execute(f"GRANT SELECT, INSERT ON {table} TO {APP_ROLE}")
    if more:
        op.execute(f"GRANT {more} ON {table} TO {APP_ROLE}")
