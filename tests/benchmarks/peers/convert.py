"""Loads the harness's rows into Scoville's tables: `python -m tests.benchmarks.peers.convert --from DSN --to DSN`.

Both databases are on one server; the second is made, and is Scoville's as in production: migrated and owned by a role
that is no superuser, row-level security forced, served as scoville_app. Every row comes from a row of the source, by
COPY from one into the other, so that both answer the same questions about the same facts:

partner                 a tenant in UTC and USD with its TEST twin and an administrator's key
influencer, campaign    the same, with a profile for the handle; status paused → PAUSED and so on
campaign's member       an enrollment, made in the order of positions, with a coupon code
instance                an instance; PURCHASE where the source says so, else CLICK (click) or VIEW (visit)
order, its lines        an order of ITEM lines with its first version and event; one credit of full weight for the
                        campaign, influencer and platform of its instance, which is its one PURCHASE
commission              an ACCRUAL with its parts by line, states and posting: PENDING, APPROVED, PAID
refunded order          a refund of everything at the order's own time (the source knows no other), and a REVERSAL. The
                        accrual is APPROVED, so that what is pending or paid agrees with the source

Rows that a mutation of the harness wrote (ids from a thousand millions on) are left out. At the end the rollups of
every tenant are made by `rollups.rebuild`, and the tables vacuumed and analysed.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr

from app.analytics.rollups.rebuild import rebuild
from app.cli.services import make_partitions
from app.core.context import Role, TenantInfo
from app.db.migrate import migrate
from app.db.session import Database
from app.settings import Settings
from app.tables.rollups import Rollup
from app.tenancy.service import hash_key
from tests.benchmarks.peers.ids import Kind, id_of, key_of, sql_id

Connection = psycopg.Connection[Any]

OWNER_ROLE = "scoville_owner"

WRITE_TIMEOUT_S = 1_800.0
"""Seconds that a statement of the rebuild may run: a tenant's year at once."""

FIRST_MUTATED = 1_000_000_000
"""Ids from here on are rows that mutations wrote."""

WHOLE = 1_000_000_000
RATE = "0.12"


@dataclass(frozen=True, slots=True)
class Load:
    """A table, the columns that are filled, and the query over the source that gives them, in their types."""

    table: str
    columns: str
    query: str


def _tenant(partner: str = "o.partner_id") -> str:
    return sql_id(Kind.TENANT, partner)


_PLATFORM = "upper({}.platform)"
_PRODUCT = sql_id(Kind.PRODUCT, "o.partner_id::bigint * 1000000 + substr(l.sku, 5)::bigint")

_ORDERS = f"""FROM orders AS o
  WHERE o.id < {FIRST_MUTATED} AND o.instance_id IS NOT NULL
  ORDER BY o.id"""

_LINES = f"""FROM order_lines AS l
  JOIN orders AS o ON o.id = l.order_id
  WHERE o.id < {FIRST_MUTATED} AND o.instance_id IS NOT NULL
  ORDER BY l.id"""

# What each line earned: the commission's cents cut where the lines' running sums cut the order, so that parts add up.
_PARTS = f"""FROM (
    SELECT l.id, l.order_id, l.sku,
      sum(l.revenue_cents) OVER (PARTITION BY l.order_id ORDER BY l.id)::bigint AS upto, l.revenue_cents
    FROM order_lines AS l
    WHERE l.order_id < {FIRST_MUTATED}
  ) AS l
  JOIN orders AS o ON o.id = l.order_id
  JOIN commissions AS c ON c.order_id = o.id
  WHERE o.instance_id IS NOT NULL"""
_PART = (
    "(c.amount_cents * l.upto / o.total_cents - c.amount_cents * (l.upto - l.revenue_cents) / o.total_cents)::bigint"
)

_COMMISSIONS = f"""FROM commissions AS c
  JOIN orders AS o ON o.id = c.order_id
  WHERE o.id < {FIRST_MUTATED} AND o.instance_id IS NOT NULL"""

_REVERSED = "AND c.status = 'reversed'"
_STATE = "CASE c.status WHEN 'paid' THEN 'PAID' WHEN 'pending' THEN 'PENDING' ELSE 'APPROVED' END"


def _commission(kind: Kind, *, is_reversal: bool) -> Load:
    sign, name, state = ("-", "REVERSAL", "'REVERSED'") if is_reversal else ("", "ACCRUAL", _STATE)
    refund = sql_id(Kind.REFUND, "o.id") if is_reversal else "NULL::uuid"
    return Load(
        "commissions",
        "tenant_id, id, kind, state, order_id, credit_id, refund_id, influencer_id, campaign_id, rate, basis_minor, "
        "currency, amount_minor, amount_base_minor, taken_minor, occurred_at, recorded_at, updated_at",
        f"""SELECT {_tenant()}, {sql_id(kind, "o.id")}, '{name}', {state}, {sql_id(Kind.ORDER, "o.id")},
          {sql_id(Kind.CREDIT, "o.id")}, {refund}, {sql_id(Kind.INFLUENCER, "o.influencer_id")},
          {sql_id(Kind.CAMPAIGN, "o.campaign_id")}, {RATE}::numeric(9, 6), o.total_cents::bigint, 'USD',
          {sign}c.amount_cents::bigint, {sign}c.amount_cents::bigint, 0, o.placed_at, o.placed_at,
          coalesce(c.paid_at, o.placed_at)
        {_COMMISSIONS} {_REVERSED if is_reversal else ""} ORDER BY o.id""",
    )


def _parts(kind: Kind, commission: Kind, *, is_reversal: bool) -> Load:
    amount = f"-{_PART}" if is_reversal else _PART
    return Load(
        "commission_lines",
        "tenant_id, id, commission_id, position, product_id, amount_minor, amount_base_minor, occurred_at, recorded_at",
        f"""SELECT {_tenant()}, {sql_id(kind, "l.id")}, {sql_id(commission, "o.id")}, ((l.id - 1) % 3)::integer,
          {_PRODUCT}, {amount}, {amount}, o.placed_at, o.placed_at
        {_PARTS} {_REVERSED if is_reversal else ""} ORDER BY l.id""",
    )


def _entry(entry: Kind, posting: Kind, commission: Kind, *, account: str, sign: str, is_reversal: bool) -> Load:
    influencer = "NULL::uuid" if account == "EXPENSE" else sql_id(Kind.INFLUENCER, "o.influencer_id")
    return Load(
        "ledger_entries",
        "tenant_id, id, posting_id, account, influencer_id, currency, amount_minor, cause_kind, cause_id, posted_at",
        f"""SELECT {_tenant()}, {sql_id(entry, "o.id")}, {sql_id(posting, "o.id")}, '{account}', {influencer}, 'USD',
          {sign}c.amount_cents::bigint, 'commission', {sql_id(commission, "o.id")}, o.placed_at
        {_COMMISSIONS} AND c.amount_cents > 0 {_REVERSED if is_reversal else ""} ORDER BY o.id""",
    )


def _state(kind: Kind, commission: Kind, *, before: str, after: str, condition: str, at: str = "o.placed_at") -> Load:
    return Load(
        "commission_events",
        "tenant_id, id, commission_id, from_state, to_state, recorded_at",
        f"""SELECT {_tenant()}, {sql_id(kind, "o.id")}, {sql_id(commission, "o.id")}, {before}, {after}, {at}
        {_COMMISSIONS} {condition} ORDER BY o.id""",
    )


_STATUS = "CASE c.status WHEN 'paused' THEN 'PAUSED' WHEN 'ended' THEN 'ENDED' ELSE 'ACTIVE' END"
_MEMBERS = "FROM campaign_influencers AS m JOIN campaigns AS c ON c.id = m.campaign_id"
_MEMBER = "m.campaign_id::bigint * 1000 + m.position"
_MEMBER_AT = "c.starts_on::timestamptz + m.position * interval '1 second'"

LOADS: tuple[Load, ...] = (
    Load(
        "influencers",
        "tenant_id, id, external_id, name, status, created_at, updated_at",
        f"""SELECT {_tenant("i.partner_id")}, {sql_id(Kind.INFLUENCER, "i.id")}, i.id::text, i.name, 'ACTIVE',
          i.created_at, i.created_at
        FROM influencers AS i ORDER BY i.id""",
    ),
    Load(
        "social_profiles",
        "tenant_id, id, influencer_id, platform, handle, followers, created_at, updated_at",
        f"""SELECT {_tenant("i.partner_id")}, {sql_id(Kind.PROFILE, "i.id")}, {sql_id(Kind.INFLUENCER, "i.id")},
          {_PLATFORM.format("i")}, i.handle, i.followers::bigint, i.created_at, i.created_at
        FROM influencers AS i ORDER BY i.id""",
    ),
    Load(
        "campaigns",
        "tenant_id, id, external_id, name, status, starts_at, ends_at, currency, budget_minor, attribution_model, "
        "click_window_days, commission_rate, created_at, updated_at",
        f"""SELECT {_tenant("c.partner_id")}, {sql_id(Kind.CAMPAIGN, "c.id")}, c.id::text, c.name, {_STATUS},
          c.starts_on::timestamptz, c.ends_on::timestamptz, 'USD', c.budget_cents, 'LAST_TOUCH', 30,
          {RATE}::numeric(9, 6), '2025-01-01 00:00Z'::timestamptz + c.id * interval '1 second',
          '2025-01-01 00:00Z'::timestamptz + c.id * interval '1 second'
        FROM campaigns AS c ORDER BY c.id""",
    ),
    Load(
        "enrollments",
        "tenant_id, id, campaign_id, influencer_id, status, created_at, updated_at",
        f"""SELECT {_tenant("c.partner_id")}, {sql_id(Kind.ENROLLMENT, _MEMBER)},
          {sql_id(Kind.CAMPAIGN, "m.campaign_id")}, {sql_id(Kind.INFLUENCER, "m.influencer_id")}, 'ACTIVE',
          {_MEMBER_AT}, {_MEMBER_AT}
        {_MEMBERS} ORDER BY m.campaign_id, m.position""",
    ),
    Load(
        "codes",
        "tenant_id, id, influencer_id, campaign_id, code, status, created_at, updated_at",
        f"""SELECT {_tenant("c.partner_id")}, {sql_id(Kind.CODE, _MEMBER)},
          {sql_id(Kind.INFLUENCER, "m.influencer_id")}, {sql_id(Kind.CAMPAIGN, "m.campaign_id")},
          'C' || m.campaign_id || 'I' || m.influencer_id, 'ACTIVE', {_MEMBER_AT}, {_MEMBER_AT}
        {_MEMBERS} ORDER BY m.campaign_id, m.position""",
    ),
    Load(
        "products",
        "tenant_id, id, external_id, title, created_at, updated_at",
        f"""SELECT {_tenant()}, {_PRODUCT}, l.sku, l.sku, min(o.placed_at), min(o.placed_at)
        FROM order_lines AS l JOIN orders AS o ON o.id = l.order_id
        WHERE o.id < {FIRST_MUTATED} AND o.instance_id IS NOT NULL
        GROUP BY o.partner_id, l.sku""",
    ),
    Load(
        "instances",
        "tenant_id, occurred_at, id, kind, influencer_id, campaign_id, platform, channel, order_id, recorded_at",
        f"""SELECT {_tenant("i.partner_id")}, i.occurred_at, {sql_id(Kind.INSTANCE, "i.id")},
          CASE WHEN i.is_purchase THEN 'PURCHASE' WHEN i.kind = 'click' THEN 'CLICK' ELSE 'VIEW' END,
          {sql_id(Kind.INFLUENCER, "i.influencer_id")}, {sql_id(Kind.CAMPAIGN, "i.campaign_id")},
          {_PLATFORM.format("i")}, i.kind, {sql_id(Kind.ORDER, "o.id")}, i.occurred_at
        FROM instances AS i LEFT JOIN orders AS o ON o.instance_id = i.id AND o.id < {FIRST_MUTATED}
        ORDER BY i.id""",
    ),
    Load(
        "orders",
        "tenant_id, id, external_id, occurred_at, recorded_at, version, total_minor, gross_minor, currency, codes, "
        "country, is_test",
        f"""SELECT {_tenant()}, {sql_id(Kind.ORDER, "o.id")}, o.external_id, o.placed_at, o.placed_at, 1, o.total_cents,
          o.total_cents, 'USD', '{{}}'::text[], 'US', false
        {_ORDERS}""",
    ),
    Load(
        "order_versions",
        "tenant_id, order_id, version, content_hash, total_minor, gross_minor, recorded_at",
        f"""SELECT {_tenant()}, {sql_id(Kind.ORDER, "o.id")}, 1, sha256(o.external_id::bytea), o.total_cents::bigint,
          o.total_cents::bigint, o.placed_at
        {_ORDERS}""",
    ),
    Load(
        "order_lines",
        "tenant_id, id, order_id, version, position, kind, product_id, title, quantity, currency, amount_minor, "
        "amount_base_minor, is_reversal, occurred_at, recorded_at",
        f"""SELECT {_tenant()}, {sql_id(Kind.LINE, "l.id")}, {sql_id(Kind.ORDER, "o.id")}, 1, ((l.id - 1) % 3)::integer,
          'ITEM', {_PRODUCT}, l.sku, l.quantity::bigint, 'USD', l.revenue_cents::bigint, l.revenue_cents::bigint, false,
          o.placed_at, o.placed_at
        {_LINES}""",
    ),
    Load(
        "order_events",
        "tenant_id, id, order_id, kind, occurred_at, recorded_at",
        f"""SELECT {_tenant()}, {sql_id(Kind.EVENT, "o.id")}, {sql_id(Kind.ORDER, "o.id")}, 'RECORDED', o.placed_at,
          o.placed_at
        {_ORDERS}""",
    ),
    Load(
        "credits",
        "tenant_id, id, order_id, position, influencer_id, campaign_id, platform, channel, touch_kind, touched_at, "
        "weight_booked, weight_last, weight_first, weight_linear, weight_time_decay, weight_position, occurred_at, "
        "country, currency, recorded_at",
        f"""SELECT {_tenant()}, {sql_id(Kind.CREDIT, "o.id")}, {sql_id(Kind.ORDER, "o.id")}, 0,
          {sql_id(Kind.INFLUENCER, "o.influencer_id")}, {sql_id(Kind.CAMPAIGN, "o.campaign_id")},
          {_PLATFORM.format("i")}, i.kind, 'CLICK', o.placed_at, {WHOLE}, {WHOLE}, {WHOLE}, {WHOLE}, {WHOLE}, {WHOLE},
          o.placed_at, 'US', 'USD', o.placed_at
        FROM orders AS o JOIN instances AS i ON i.id = o.instance_id
        WHERE o.id < {FIRST_MUTATED} ORDER BY o.id""",
    ),
    Load(
        "attributions",
        "tenant_id, order_id, model, rule, candidates, judged_at",
        f"""SELECT {_tenant()}, {sql_id(Kind.ORDER, "o.id")}, 'LAST_TOUCH', 'LATEST_TOUCH', '[]'::jsonb, o.placed_at
        {_ORDERS}""",
    ),
    Load(
        "refunds",
        "tenant_id, id, external_id, order_external_id, order_id, kind, state, occurred_at, recorded_at, settled_at, "
        "content_hash, request",
        f"""SELECT {_tenant()}, {sql_id(Kind.REFUND, "o.id")}, 'R-' || o.external_id, o.external_id,
          {sql_id(Kind.ORDER, "o.id")}, 'REFUND', 'APPLIED', o.placed_at, o.placed_at, o.placed_at,
          sha256(o.external_id::bytea), '{{}}'::jsonb
        {_COMMISSIONS} {_REVERSED} ORDER BY o.id""",
    ),
    Load(
        "refund_lines",
        "tenant_id, id, refund_id, order_id, position, kind, product_id, quantity, currency, amount_minor, "
        "amount_base_minor, occurred_at, recorded_at",
        f"""SELECT {_tenant()}, {sql_id(Kind.REFUND_LINE, "l.id")}, {sql_id(Kind.REFUND, "o.id")},
          {sql_id(Kind.ORDER, "o.id")}, ((l.id - 1) % 3)::integer, 'ITEM', {_PRODUCT}, 1::bigint, 'USD',
          l.revenue_cents::bigint, l.revenue_cents::bigint, o.placed_at, o.placed_at
        {_PARTS} {_REVERSED} ORDER BY l.id""",
    ),
    Load(
        "order_events",
        "tenant_id, id, order_id, kind, occurred_at, recorded_at",
        f"""SELECT {_tenant()}, {sql_id(Kind.REFUND_EVENT, "o.id")}, {sql_id(Kind.ORDER, "o.id")}, 'REFUNDED',
          o.placed_at, o.placed_at
        {_COMMISSIONS} {_REVERSED} ORDER BY o.id""",
    ),
    _commission(Kind.ACCRUAL, is_reversal=False),
    _parts(Kind.ACCRUAL_PART, Kind.ACCRUAL, is_reversal=False),
    _state(Kind.ACCRUAL_STATE, Kind.ACCRUAL, before="NULL::text", after="'PENDING'", condition=""),
    _state(
        Kind.ACCRUAL_NEXT_STATE,
        Kind.ACCRUAL,
        before="'PENDING'",
        after=_STATE,
        condition="AND c.status <> 'pending'",
        at="coalesce(c.paid_at, o.placed_at)",
    ),
    _entry(Kind.ACCRUAL_EXPENSE, Kind.ACCRUAL_POSTING, Kind.ACCRUAL, account="EXPENSE", sign="", is_reversal=False),
    _entry(Kind.ACCRUAL_DEBT, Kind.ACCRUAL_POSTING, Kind.ACCRUAL, account="ACCRUED", sign="-", is_reversal=False),
    _commission(Kind.REVERSAL, is_reversal=True),
    _parts(Kind.REVERSAL_PART, Kind.REVERSAL, is_reversal=True),
    _state(Kind.REVERSAL_STATE, Kind.REVERSAL, before="NULL::text", after="'REVERSED'", condition=_REVERSED),
    _entry(Kind.REVERSAL_EXPENSE, Kind.REVERSAL_POSTING, Kind.REVERSAL, account="EXPENSE", sign="-", is_reversal=True),
    _entry(Kind.REVERSAL_DEBT, Kind.REVERSAL_POSTING, Kind.REVERSAL, account="ACCRUED", sign="", is_reversal=True),
)
"""Every load, what is referred to before what refers to it."""


def convert(source: str, target: str, *, say: Callable[[str], None] = print) -> Settings:
    """Make the target database from the source's rows. The settings to serve it with.

    Raises psycopg.Error when it exists already.
    """
    settings = prepare(source, target)
    with psycopg.connect(source) as reading, psycopg.connect(settings.owner_url) as writing:
        span = _span(reading)
        make_partitions(settings, span=span)
        tenants = _load_tenants(reading, writing)
        for load in LOADS:
            start = time.perf_counter()
            rows = _copy(reading, writing, load)
            writing.commit()
            say(f"{load.table:20} {rows:12,} rows {time.perf_counter() - start:8.1f} s")
    _timed(say, "VACUUM (FREEZE, ANALYZE)", lambda: _each_table(settings, "VACUUM (FREEZE, ANALYZE)"))
    _timed(say, "rollups", lambda: asyncio.run(_rebuild(settings, tenants)))
    _timed(say, "VACUUM rollups", lambda: _each_table(settings, "VACUUM (ANALYZE)", ("rollups", "rollup_delta")))
    return settings


def prepare(source: str, target: str) -> Settings:
    """The settings of a new migrated database, owned by a role that is no superuser, on the source's server."""
    wanted = conninfo_to_dict(target)
    name = wanted["dbname"]
    assert isinstance(name, str), "the target's DSN names its database"
    with psycopg.connect(make_conninfo(target, dbname=conninfo_to_dict(source)["dbname"]), autocommit=True) as server:
        row = server.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        assert row is not None, "whoever is connected has a role"
        owner, is_superuser = row
        if is_superuser:
            owner = OWNER_ROLE
            if not server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (owner,)).fetchone():
                server.execute(f"CREATE ROLE {owner} LOGIN CREATEDB CREATEROLE")
        server.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(owner)))
    settings = served(target, owner=owner)
    migrate(settings.owner_url)
    return settings


def served(target: str, *, owner: str = OWNER_ROLE, **more: Any) -> Settings:
    """The settings to serve a converted database with: statements run as scoville_app, whatever role logs in."""
    parts = conninfo_to_dict(target)
    host, port = quote(str(parts.get("host", "127.0.0.1")), safe="/"), parts.get("port", 5432)
    url = SecretStr(f"postgresql://{owner}@/{parts['dbname']}?host={host}&port={port}")
    return Settings(
        database_url=url, database_admin_url=url, redis_enabled=False, write_timeout_s=WRITE_TIMEOUT_S, **more
    )


def _span(reading: Connection) -> tuple[datetime, datetime]:
    row = reading.execute("SELECT min(occurred_at), max(occurred_at) FROM instances").fetchone()
    assert row is not None, "an aggregate has a row"
    return row[0], row[1]


def _load_tenants(reading: Connection, writing: Connection) -> list[TenantInfo]:
    partners = reading.execute("SELECT id, name FROM partners ORDER BY id").fetchall()
    made = []
    now = datetime.now(UTC)
    for number, name in partners:
        live, twin = id_of(Kind.TENANT, number), id_of(Kind.TWIN, number)
        for row in ((live, name, "LIVE", None), (twin, name, "TEST", live)):
            writing.execute(
                """INSERT INTO tenants (id, name, kind, twin_of, reporting_zone, currency, created_at)
                VALUES (%s, %s, %s, %s, 'UTC', 'USD', %s)""",
                (*row, now),
            )
        writing.execute(
            """INSERT INTO api_keys (key_hash, id, tenant_id, role, name, hint, created_at)
            VALUES (%s, %s, %s, %s, 'benchmark', 'benchmark', %s)""",
            (hash_key(key_of(number)), id_of(Kind.KEY, number), live, Role.ADMIN.value, now),
        )
        made.append(TenantInfo(id=live, name=name, reporting_zone="UTC", currency="USD", is_test=False))
    return made


_TYPES = """SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"""


def _copy(reading: Connection, writing: Connection, load: Load) -> int:
    with _unforced(writing, load.table), reading.cursor() as out, writing.cursor() as into:
        # The binary form says no types: each column is sent in the one that its table has.
        types = dict(writing.execute(_TYPES, (load.table,)).fetchall())
        typed = ", ".join(f"{name}::{types[name]}" for name in load.columns.split(", "))
        query = f"SELECT {typed} FROM ({load.query}) AS row ({load.columns})"
        with (
            out.copy(f"COPY ({query}) TO STDOUT (FORMAT binary)") as rows,
            into.copy(f"COPY {load.table} ({load.columns}) FROM STDIN (FORMAT binary)") as copy,
        ):
            for block in rows:
                copy.write(block)
        return into.rowcount


@contextmanager
def _unforced(writing: Connection, table: str) -> Iterator[None]:
    # COPY refuses tables whose policies bind it. Lifted for the owner, inside one transaction.
    writing.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    yield
    # Checks that wait for the end of the transaction are in the way of ALTER.
    writing.execute("SET CONSTRAINTS ALL IMMEDIATE")
    writing.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _each_table(settings: Settings, action: str, tables: Sequence[str] | None = None) -> None:
    chosen = sorted(table.name for table in Rollup.metadata.sorted_tables) if tables is None else tables
    with psycopg.connect(settings.owner_url, autocommit=True) as connection:
        for table in chosen:
            connection.execute(f"{action} {table}")


async def _rebuild(settings: Settings, tenants: Sequence[TenantInfo]) -> None:
    db = await Database.open(settings)
    try:
        for tenant in tenants:
            await rebuild(db, tenant, now=datetime.now(UTC))
    finally:
        await db.close()


def _timed(say: Callable[[str], None], what: str, work: Callable[[], object]) -> None:
    start = time.perf_counter()
    work()
    say(f"{what:38} {time.perf_counter() - start:8.1f} s")


def main(arguments: Sequence[str]) -> None:
    """Convert, and print what each step took and how large the database is."""
    parser = argparse.ArgumentParser(description="Load the harness's rows into Scoville's tables.")
    parser.add_argument("--from", dest="source", required=True, help="DSN of the harness's database")
    parser.add_argument("--to", dest="target", required=True, help="DSN of a database on the same server, to be made")
    chosen = parser.parse_args(arguments)
    start = time.perf_counter()
    settings = convert(chosen.source, chosen.target, say=lambda line: print(line, flush=True))
    with psycopg.connect(settings.owner_url) as connection:
        row = connection.execute("SELECT pg_size_pretty(pg_database_size(current_database()))").fetchone()
    assert row is not None, "a function has a value"
    print(f"{time.perf_counter() - start:.0f} s, {row[0]}; DATABASE_URL={settings.owner_url}")


if __name__ == "__main__":
    main(sys.argv[1:])
