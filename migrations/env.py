"""Alembic's environment. Run through `scoville migrate`, which passes the owner's connection; forward only.

Settings for clusters stand before the first statement: they hold for what follows in the session. Plain Postgres
accepts them, for they have a dot in their name.
"""

from logging import getLogger
from typing import Any

from alembic import context
from sqlalchemy import Connection, create_engine, text
from sqlmodel import SQLModel

import app.tables  # noqa: F401 - fills the metadata
from app.settings import Settings

logger = getLogger("alembic.env")

LOCK_TIMEOUT = "10s"
STATEMENT_TIMEOUT = "15min"


def include_name(name: str | None, kind: str, parents: Any) -> bool:
    """Only what the metadata names: partitions are made by maintenance and are noise here."""
    if kind == "table":
        return name in SQLModel.metadata.tables
    return True


def run(connection: Connection) -> None:
    """Run the migrations on a connection of the owner."""
    for setting in (
        f"SET lock_timeout = '{LOCK_TIMEOUT}'",
        f"SET statement_timeout = '{STATEMENT_TIMEOUT}'",
        "SET row_security = off",
        "SET citus.multi_shard_modify_mode = 'sequential'",
        "SET citus.enable_local_reference_table_foreign_keys = off",
    ):
        connection.execute(text(setting))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        include_name=include_name,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def main() -> None:
    """Use the connection handed over, or make one from the settings (for alembic's own command line)."""
    connection: Connection | None = context.config.attributes.get("connection")
    if connection is not None:
        run(connection)
        return
    settings = Settings()
    if settings.database_admin_url is None and settings.database_url is None:
        raise SystemExit("Set DATABASE_ADMIN_URL or DATABASE_URL, or use `scoville migrate`.")
    engine = create_engine(sqlalchemy_url(settings.owner_url))
    with engine.connect() as own:
        run(own)
    engine.dispose()


def sqlalchemy_url(url: str) -> str:
    """The same URL for SQLAlchemy with psycopg."""
    return "postgresql+psycopg://" + url.split("://", 1)[1]


main()
