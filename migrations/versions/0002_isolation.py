"""Who may see and change what: row-level security on every tenant table, and the least privileges of the app role.

The app role can neither bypass the policies nor own a table; it may update only the columns listed here, so that a
fact's amount cannot be changed even by a faulty statement. Partitions get policies too, and no grants: they are
reached through their parent alone.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APP_ROLE = "scoville_app"

TENANT_TABLES = (
    "influencers",
    "social_profiles",
    "campaigns",
    "enrollments",
    "links",
    "codes",
    "customers",
    "customer_identities",
    "products",
    "instances",
    "instance_keys",
    "orders",
    "order_versions",
    "order_lines",
    "order_events",
    "refunds",
    "refund_lines",
    "adjustments",
    "credits",
    "attributions",
    "commissions",
    "commission_lines",
    "commission_events",
    "ledger_entries",
    "rollups",
    "rollup_delta",
    "rollup_state",
    "outbox",
    "audit_log",
    "idempotency_keys",
)

# What the app role may do beyond SELECT and INSERT.
MORE = {
    "influencers": "UPDATE",
    "social_profiles": "UPDATE, DELETE",
    "campaigns": "UPDATE",
    "enrollments": "UPDATE",
    "links": "UPDATE",
    "codes": "UPDATE",
    "customers": "UPDATE (country, updated_at)",
    "customer_identities": "UPDATE, DELETE",
    "products": "UPDATE (title, category, updated_at)",
    "orders": "UPDATE (version)",
    "refunds": "UPDATE (state, order_id, settled_at, reject_code)",
    "commissions": "UPDATE (state, updated_at)",
    "rollups": "UPDATE, DELETE",
    "rollup_delta": "DELETE",
    "rollup_state": "UPDATE",
    "outbox": "UPDATE (available_at, delivered_at), DELETE",
    "idempotency_keys": "UPDATE (response), DELETE",
}

POLICY = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"


def upgrade() -> None:
    op.execute(
        f"""
        DO $$ BEGIN
          IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN
            CREATE ROLE {APP_ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
          END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
          -- Roles belong to the server: a migration of another database was faster.
          NULL;
        END $$
        """
    )
    op.execute(f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}")
    op.execute("CREATE TABLE instances_default PARTITION OF instances DEFAULT")
    for table in (*TENANT_TABLES, "instances_default"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant_isolation ON {table} USING ({POLICY}) WITH CHECK ({POLICY})")
    for table in TENANT_TABLES:
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {APP_ROLE}")
        if table in MORE:
            op.execute(f"GRANT {MORE[table]} ON {table} TO {APP_ROLE}")
    op.execute(f"GRANT SELECT ON tenants, api_keys, exchange_rates TO {APP_ROLE}")
    op.execute(f"GRANT SELECT, INSERT ON slug_directory TO {APP_ROLE}")
