"""Laws that the database's own catalogue shows: tenancy, and what a cluster needs of a schema.

Everything is asked of a freshly migrated database, so that a new table, key or partition cannot be forgotten.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any, TypeAlias

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlmodel import SQLModel

from app.core.ids import new_id
from app.db.partitions import ensure_partitions
from app.db.pool import APP_ROLE
from app.runtime import Runtime
from app.settings import Settings
from app.tables import GLOBAL_TABLES

pytestmark = pytest.mark.database

Admin: TypeAlias = "asyncpg.Pool[Any]"

NAME_LENGTH_MAX = 50
"""Characters of a name: a cluster appends the shard's number, and Postgres cuts at 63."""

OWN_TABLES = {"alembic_version"}

CHANGEABLE = {
    "attribution_rules",
    "awaited_touches",
    "approval_terms",
    "campaigns",
    "codes",
    "commission_plans",
    "commission_tallies",
    "customer_identities",
    "customers",
    "enrollments",
    "fraud_rules",
    "idempotency_keys",
    "influencers",
    "ledger_balances",
    "ledger_deltas",
    "links",
    "money_terms",
    "order_claims",
    "outbox",
    "payout_messages",
    "payout_methods",
    "payout_policies",
    "payout_requests",
    "post_claims",
    "products",
    "program_statuses",
    "rollup_delta",
    "rollup_demand",
    "rollup_state",
    "rollups",
    "social_profiles",
}
"""Tables whose rows the app changes or deletes: settings of the program, and what is derived or passing."""

FACTS: dict[str, set[str]] = {
    "adjustments": {"amount_base_minor"},
    "attribution_changes": set(),
    "attributions": {"model", "rule", "candidates", "judged_at", "revision", "cause"},
    "audit_log": set(),
    "commission_events": set(),
    "commission_adjustments": {"state", "decided_by", "decided_at", "decision_reason", "commission_id"},
    "commission_lines": {"amount_base_minor"},
    "plan_assignments": set(),
    "commission_plan_versions": set(),
    "commission_ratings": set(),
    "commissions": {"state", "updated_at", "amount_base_minor", "taken_minor"},
    "credits": {"superseded_at"},
    "engagement_snapshots": set(),
    "fraud_hits": {"state", "reviewed_at", "reviewed_by", "review_reason"},
    "instance_keys": set(),
    "instances": {"superseded_at"},
    "ledger_entries": set(),
    "order_events": set(),
    "order_lines": {"amount_base_minor"},
    "order_versions": set(),
    "orders": {"version", "total_minor", "gross_minor"},
    "own_rates": set(),
    "payout_batches": {"state", "approved_by", "approved_at", "finished_at", "updated_at"},
    "payout_events": set(),
    "payout_item_commissions": set(),
    # What was reserved and is paid never changes; what the provider told of it does.
    "payout_items": {
        "attempts",
        "failure",
        "failure_code",
        "fee_currency",
        "fee_minor",
        "next_at",
        "paid_at",
        "provider_batch_id",
        "provider_id",
        "returned_minor",
        "sent_at",
        "state",
        "updated_at",
    },
    "payout_payments": {"amount_base_minor"},
    "refund_lines": {"amount_base_minor"},
    "refunds": {"state", "order_id", "settled_at", "reject_code"},
    "spend": {"amount_base_minor"},
}
"""Append-only tables, and the columns of them that follow later facts. Never an amount, never a time of occurrence.

The amount in the tenant's currency is derived: it follows a rate that comes late, from unknown to known and no further.
"""

POLICY = "(tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)"


@pytest.fixture(scope="module", autouse=True)
async def partitions(settings: Settings, admin: Admin) -> None:
    """Monthly partitions beside the DEFAULT one: the laws hold for them too."""
    url = settings.owner_url
    await asyncio.to_thread(ensure_partitions, url, now=datetime.now(UTC), months_ahead=2)
    found = await admin.fetchval("SELECT count(*) FROM pg_inherits WHERE inhparent = 'instances'::regclass")
    assert found >= 4


async def _relations(admin: Admin, kinds: str) -> dict[str, Any]:
    rows = await admin.fetch(
        """SELECT relname, relkind, relispartition, relrowsecurity, relforcerowsecurity,
          pg_get_userbyid(relowner) AS owner
        FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind::text = ANY (string_to_array($1, NULL))""",
        kinds,
    )
    return {row["relname"]: row for row in rows}


async def _tenant_tables(admin: Admin) -> dict[str, Any]:
    """All tables that hold tenants' rows, partitions included."""
    tables = await _relations(admin, "rp")
    return {name: row for name, row in tables.items() if name not in GLOBAL_TABLES | OWN_TABLES}


async def test_tables_are_those_declared(admin: Admin) -> None:
    tables = await _relations(admin, "rp")

    assert {name for name, row in tables.items() if not row["relispartition"]} == {
        *SQLModel.metadata.tables,
        *OWN_TABLES,
    }


async def test_schema_equals_the_declared_tables(settings: Settings, admin: Admin) -> None:
    partitions = {name for name, row in (await _relations(admin, "rp")).items() if row["relispartition"]}

    def differences() -> list[Any]:
        engine = create_engine("postgresql+psycopg://" + url.split("://", 1)[1])
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection,
                opts={
                    "compare_type": True,
                    "include_name": lambda name, kind, _: kind != "table" or name not in partitions | OWN_TABLES,
                },
            )
            found = list(compare_metadata(context, SQLModel.metadata))
        engine.dispose()
        return found

    url = settings.owner_url
    assert await asyncio.to_thread(differences) == []


async def test_checks_equal_the_declared_ones(settings: Settings) -> None:
    # Alembic compares no CHECK: the declared tables are made beside the migrated ones, and undone again.
    def checks() -> tuple[set[Any], set[Any]]:
        engine = create_engine("postgresql+psycopg://" + url.split("://", 1)[1])
        with engine.connect() as connection:
            connection.execute(text("CREATE SCHEMA declared"))
            translated = connection.execution_options(schema_translate_map={None: "declared"})
            SQLModel.metadata.create_all(translated)
            rows = connection.execute(
                text(
                    """SELECT relnamespace::regnamespace::text, relname, conname, pg_get_constraintdef(c.oid)
                    FROM pg_constraint AS c JOIN pg_class AS r ON r.oid = c.conrelid
                    WHERE contype = 'c' AND NOT relispartition"""
                )
            ).all()
            connection.rollback()
        engine.dispose()
        found = {place: {tuple(row[1:]) for row in rows if row[0] == place} for place in ("public", "declared")}
        return found["public"], found["declared"]

    url = settings.owner_url
    migrated, declared = await asyncio.to_thread(checks)
    assert declared, "words are checked"
    assert migrated ^ declared == set()


async def test_primary_keys_start_with_the_tenant(admin: Admin) -> None:
    keys = await _keys(admin, "pu")

    tables = await _tenant_tables(admin)
    assert {key["table"] for key in keys if key["contype"] == "p"} >= set(tables)
    assert [key["name"] for key in keys if key["table"] in tables and key["columns"][0] != "tenant_id"] == []


async def _keys(admin: Admin, kinds: str) -> list[Any]:
    rows = await admin.fetch(
        """SELECT pg_class.relname AS table, conname AS name, contype::text AS contype,
          (SELECT array_agg(attname::text ORDER BY ordinal)
            FROM unnest(conkey) WITH ORDINALITY AS key(number, ordinal)
            JOIN pg_attribute ON attrelid = conrelid AND attnum = number) AS columns,
          confdeltype::text AS on_delete, confupdtype::text AS on_update,
          confrelid::regclass::text AS referred,
          conparentid <> 0 AS is_inherited
        FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
        WHERE connamespace = 'public'::regnamespace AND contype::text = ANY (string_to_array($1, NULL))""",
        kinds,
    )
    return list(rows)


async def test_unique_indexes_start_with_the_tenant(admin: Admin) -> None:
    rows = await admin.fetch(
        """SELECT pg_class.relname AS table, index.relname AS name,
          (SELECT attname::text FROM pg_attribute WHERE attrelid = indrelid AND attnum = indkey[0]) AS first
        FROM pg_index
        JOIN pg_class ON pg_class.oid = indrelid
        JOIN pg_class index ON index.oid = indexrelid
        WHERE pg_class.relnamespace = 'public'::regnamespace AND indisunique"""
    )
    tables = await _tenant_tables(admin)

    assert [row["name"] for row in rows if row["table"] in tables and row["first"] != "tenant_id"] == []


async def test_all_indexes_start_with_the_tenant(admin: Admin) -> None:
    # Row-level security adds the tenant to every query; an index that starts with anything else serves none.
    rows = await admin.fetch(
        """SELECT pg_class.relname AS table, index.relname AS name,
          (SELECT attname::text FROM pg_attribute WHERE attrelid = indrelid AND attnum = indkey[0]) AS first
        FROM pg_index
        JOIN pg_class ON pg_class.oid = indrelid
        JOIN pg_class index ON index.oid = indexrelid
        WHERE pg_class.relnamespace = 'public'::regnamespace"""
    )
    tables = await _tenant_tables(admin)

    assert [row["name"] for row in rows if row["table"] in tables and row["first"] != "tenant_id"] == []


async def test_foreign_keys_carry_the_tenant_and_cascade_nothing(admin: Admin) -> None:
    tables = await _tenant_tables(admin)
    keys = await _keys(admin, "f")

    for key in keys:
        assert (key["on_delete"], key["on_update"]) == ("a", "a"), key["name"]
        if key["table"] in tables:
            assert key["columns"][0] == "tenant_id", key["name"]
        else:
            # Global tables are copied to every node of a cluster and may point at each other only.
            assert key["referred"] in GLOBAL_TABLES, key["name"]


async def test_constraints_are_named_by_us(admin: Admin) -> None:
    # A name that Postgres makes up differs between servers and partitions, and cannot be found in the source.
    declared = {constraint.name for table in SQLModel.metadata.tables.values() for constraint in table.constraints} | {
        index.name for table in SQLModel.metadata.tables.values() for index in table.indexes
    }
    keys = await _keys(admin, "fuc")
    partitions = {name for name, row in (await _relations(admin, "rp")).items() if row["relispartition"]}

    unnamed = [key["name"] for key in keys if key["table"] not in partitions and key["name"] not in declared]
    assert unnamed == []


async def test_names_are_short(admin: Admin) -> None:
    rows = await admin.fetch(
        """SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace"""
    )
    partitions = {name for name, row in (await _relations(admin, "rp")).items() if row["relispartition"]}

    # Names that a partition inherits are made by Postgres from its own and the parent's.
    long = [row["name"] for row in rows if len(row["name"]) > NAME_LENGTH_MAX]
    assert [name for name in long if not any(name.startswith(partition) for partition in partitions)] == []


async def test_there_is_nothing_a_cluster_could_not_take(admin: Admin) -> None:
    assert await _relations(admin, "vmSf") == {}, "views, materialised views, sequences, foreign tables"
    assert (
        await admin.fetchval(
            """SELECT count(*) FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE relnamespace = 'public'::regnamespace AND NOT tgisinternal"""
        )
        == 0
    )
    assert (
        await admin.fetchval(
            """SELECT count(*) FROM pg_rewrite JOIN pg_class ON pg_class.oid = ev_class
        WHERE relnamespace = 'public'::regnamespace"""
        )
        == 0
    )
    assert await admin.fetchval("SELECT count(*) FROM pg_type WHERE typtype IN ('e', 'd', 'r') AND oid > 16384") == 0
    assert await admin.fetchval("SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace") == 0


async def test_columns_make_nothing_up(admin: Admin) -> None:
    # Times and ids come from the app: a default that is volatile differs between the nodes of a cluster.
    rows = await admin.fetch(
        """SELECT relname || '.' || attname AS name, pg_get_expr(adbin, adrelid) AS expression
        FROM pg_attrdef
        JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
        JOIN pg_class ON pg_class.oid = adrelid
        WHERE relnamespace = 'public'::regnamespace"""
    )

    assert [row["name"] for row in rows if "(" in row["expression"]] == []
    assert await admin.fetchval("SELECT count(*) FROM pg_attribute WHERE attidentity <> '' AND attrelid > 16384") == 0


async def test_money_is_never_a_float(admin: Admin) -> None:
    rows = await admin.fetch(
        """SELECT relname || '.' || attname AS name, format_type(atttypid, NULL) AS type
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped"""
    )
    inexact = {"real", "double precision", "money", "timestamp without time zone", "json", "character varying"}

    assert [row["name"] for row in rows if row["type"] in inexact] == ["alembic_version.version_num"]
    amounts = [row for row in rows if row["name"].endswith("_minor")]
    assert amounts
    assert {row["type"] for row in amounts} == {"bigint"}


async def test_row_level_security_is_forced_everywhere(admin: Admin) -> None:
    policies = await admin.fetch(
        """SELECT tablename, permissive, roles::text[] AS roles, cmd, qual, with_check
        FROM pg_policies WHERE schemaname = 'public'"""
    )
    tables = await _tenant_tables(admin)

    assert any(row["relispartition"] for row in tables.values())
    assert [name for name, row in tables.items() if not (row["relrowsecurity"] and row["relforcerowsecurity"])] == []
    # One policy each: a second permissive one would widen the first.
    assert sorted(policy["tablename"] for policy in policies) == sorted(tables)
    for policy in policies:
        assert (policy["permissive"], policy["roles"], policy["cmd"]) == ("PERMISSIVE", ["public"], "ALL")
        assert policy["qual"] == POLICY
        assert policy["with_check"] == POLICY


async def test_app_role_can_do_nothing_but_what_it_was_granted(admin: Admin) -> None:
    role = await admin.fetchrow(
        "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication FROM pg_roles WHERE rolname = $1",
        APP_ROLE,
    )
    assert role is not None
    assert not any(role.values())
    assert await admin.fetchval("SELECT count(*) FROM pg_auth_members WHERE member = $1::regrole", APP_ROLE) == 0
    owned = await admin.fetchval("SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) = $1", APP_ROLE)
    assert owned == 0
    for what in ("CREATE ON SCHEMA", "CREATE ON DATABASE"):
        privilege, _, kind = what.partition(" ON ")
        asked = "has_schema_privilege($1, 'public', $2)"
        if kind == "DATABASE":
            asked = "has_database_privilege($1, current_database(), $2)"
        assert await admin.fetchval(f"SELECT {asked}", APP_ROLE, privilege) is False, what


async def test_app_role_reaches_partitions_through_their_parent_alone(admin: Admin) -> None:
    partitions = {name for name, row in (await _relations(admin, "rp")).items() if row["relispartition"]}
    granted = await admin.fetch(
        "SELECT table_name FROM information_schema.role_table_grants WHERE grantee IN ($1, 'PUBLIC')", APP_ROLE
    )

    assert partitions
    assert partitions & {row["table_name"] for row in granted} == set()


async def test_app_role_cannot_change_what_a_fact_says(admin: Admin) -> None:
    rows = await admin.fetch(
        """SELECT table_name AS table, column_name AS column FROM information_schema.column_privileges
        WHERE grantee = $1 AND privilege_type = 'UPDATE' AND table_schema = 'public'""",
        APP_ROLE,
    )
    deletable = await admin.fetch(
        """SELECT table_name FROM information_schema.role_table_grants
        WHERE grantee = $1 AND privilege_type IN ('DELETE', 'TRUNCATE') AND table_schema = 'public'""",
        APP_ROLE,
    )
    tables = {name for name, row in (await _tenant_tables(admin)).items() if not row["relispartition"]}

    assert tables == FACTS.keys() | CHANGEABLE, "say of a new table whether it holds facts"
    changed = {(row["table"], row["column"]) for row in rows if row["table"] not in CHANGEABLE}
    assert changed == {(table, column) for table, columns in FACTS.items() for column in columns}
    assert {row["table_name"] for row in deletable} <= CHANGEABLE


async def test_without_a_tenant_no_row_is_seen_or_written(runtime: Runtime, admin: Admin, settings: Settings) -> None:
    tenant_id, now = new_id(), datetime.now(UTC)
    insert = """/* test.insert_customer */
        INSERT INTO customers (tenant_id, id, external_id, created_at, updated_at) VALUES ($1, $2, 'c', $3, $3)"""
    async with runtime.db.write(tenant_id) as session:
        await session.execute(insert, tenant_id, new_id(), now)
    assert settings.database_url is not None

    connection = await asyncpg.connect(settings.database_url.get_secret_value(), server_settings={"role": APP_ROLE})
    for table in sorted(await _tenant_tables(admin)):
        try:
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0, table
        except asyncpg.InsufficientPrivilegeError:
            # A partition, or a table the app never reads.
            continue
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await connection.execute(insert, tenant_id, new_id(), now)
    # After a transaction that set it, the setting is the empty string.
    await connection.execute(f"BEGIN; SET LOCAL app.tenant_id = '{tenant_id}'")
    assert await connection.fetchval("SELECT count(*) FROM customers") == 1
    await connection.execute("COMMIT")
    assert await connection.fetchval("SELECT count(*) FROM customers") == 0
    await connection.close()
