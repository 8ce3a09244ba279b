"""Databases that tests and benchmarks make for themselves."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import psycopg
from pydantic import SecretStr

from app.db.keeper.postgres import SUPERUSER
from app.db.migrate import migrate
from app.db.pool import APP_ROLE
from app.db.session import ReadSession
from app.settings import Settings


def wait_for_no_disk(settings: Settings) -> None:
    """Let an embedded server acknowledge what no disk has yet: of a suite whose server is killed nothing is kept.

    What kills must not take is tested on servers of those tests' own.
    """
    parts = urlsplit(settings.owner_url)
    with psycopg.connect(urlunsplit(parts._replace(netloc=f"{SUPERUSER}@")), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("ALTER SYSTEM SET full_page_writes = off")
        connection.execute("SELECT pg_reload_conf()")


@asynccontextmanager
async def empty_database(services: Settings) -> AsyncIterator[Settings]:
    """Settings for a new database with nothing in it, on the same server; dropped at the end."""
    assert services.database_url is not None
    server = services.database_admin_url or services.database_url
    name = f"scoville_test_{uuid.uuid4().hex[:12]}"
    connection = await asyncpg.connect(server.get_secret_value())
    await connection.execute(f"CREATE DATABASE {name}")
    try:
        yield services.model_copy(
            update={"database_url": _named(services.database_url, name), "database_admin_url": _named(server, name)}
        )
    finally:
        await _drop(connection, name)
        await connection.close()


@asynccontextmanager
async def migrated_database(services: Settings) -> AsyncIterator[Settings]:
    """Settings for a new database at the newest schema, without rows."""
    async with empty_database(services) as settings:
        await asyncio.to_thread(migrate, settings.owner_url)
        yield settings


async def let_no_table_be_analyzed(settings: Settings) -> None:
    """Turn autovacuum off for all tables of the database: it comes within a minute after they are filled."""
    connection = await asyncpg.connect(settings.owner_url)
    tables = await connection.fetch(
        "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'r' AND oid > 16383"
    )
    for table in tables:
        await connection.execute(f"ALTER TABLE {table['name']} SET (autovacuum_enabled = false)")
    await connection.close()


async def rows_read(session: ReadSession, *tables: str) -> int:
    """Rows of these tables that the session's transaction has read. tables: patterns of LIKE."""
    read: int = await session.fetchval(
        """/* test.rows_read */
        SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint
        FROM pg_stat_xact_user_tables WHERE relname LIKE ANY ($1)""",
        tables,
    )
    return read


@asynccontextmanager
async def member_login(settings: Settings) -> AsyncIterator[str]:
    """The URL of a new login that is a member of the app's role and nothing else; dropped at the end."""
    name, password = f"scoville_test_{uuid.uuid4().hex[:12]}", uuid.uuid4().hex
    connection = await asyncpg.connect(settings.owner_url)
    await connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}' IN ROLE {APP_ROLE}")
    try:
        parts = urlsplit(settings.owner_url)
        yield urlunsplit(parts._replace(netloc=f"{name}:{password}@{parts.netloc.rpartition('@')[2]}"))
    finally:
        await connection.execute(f"DROP ROLE {name}")
        await connection.close()


def _named(url: SecretStr, name: str) -> SecretStr:
    return SecretStr(urlunsplit(urlsplit(url.get_secret_value())._replace(path=f"/{name}")))


async def _drop(connection: "asyncpg.Connection[Any]", name: str) -> None:
    # Whoever is still connected to it. Not by FORCE, which is refused while autovacuum is at work there: that one ends
    # by itself when it is in the way.
    await connection.execute(
        """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = $1 AND backend_type = 'client backend'""",
        name,
    )
    await connection.execute(f"DROP DATABASE {name}")
