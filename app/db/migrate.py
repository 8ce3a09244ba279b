"""Brings a database to the newest schema. Called by `scoville migrate`, by the tests, and on embedded servers at start.

`serve` and `worker` never change the schema of a server they were given: they only check that it is the newest.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError

from app.db.pool import APP_ROLE
from app.errors import OutsideError

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


MIGRATION_LOCK = 7_264_105
"""Number of the advisory lock that one migration at a time holds."""


def migrate(admin_url: str, *, revision: str = "head") -> None:
    """Upgrade to the revision, by default the newest, as the role of the URL, which will own the tables.

    Two that run at once wait for each other. Raises OutsideError when the database cannot be reached.
    """
    config = _config()
    with _connected(admin_url) as connection:
        connection.execute(text(f"SELECT pg_advisory_lock({MIGRATION_LOCK})"))
        connection.commit()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        _let_login_take_app_role(connection)
        # For `check_schema` of processes that log in as the app's role.
        connection.execute(text(f"GRANT SELECT ON alembic_version TO {APP_ROLE}"))
        connection.commit()


def check_schema(url: str) -> None:
    """Raise OutsideError, with the way out, unless the database is at the newest revision."""
    newest = newest_revision()
    with _connected(url) as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != newest:
        raise OutsideError(
            f"The database is at revision {found or 'none'}, this release needs {newest}. Run `scoville migrate`.",
            retryable=False,
        )


@lru_cache(maxsize=1)
def newest_revision() -> str | None:
    """The revision that this release needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = create_engine("postgresql+psycopg://" + url.split("://", 1)[1])
    try:
        with engine.connect() as connection:
            yield connection
    except OperationalError as error:
        raise OutsideError("The database is not reachable or refuses the role of the URL.", retryable=True) from error
    finally:
        engine.dispose()


def _let_login_take_app_role(connection: Connection) -> None:
    """Make the owner a member of the app's role where it may, so that one URL can serve for both.

    Since Postgres 16 whoever creates a role administers it, and yet may not take it.
    """
    version = int(connection.scalar(text("SHOW server_version_num")) or 0)
    privilege = "SET" if version >= 160_000 else "MEMBER"
    can_take, administers = connection.execute(
        text(
            """/* migrate.app_role */
            SELECT pg_has_role(current_user, :role, :privilege),
                   pg_has_role(current_user, :role, 'MEMBER WITH ADMIN OPTION')
                   OR (:is_old AND rolcreaterole)
            FROM pg_roles
            WHERE rolname = current_user"""
        ),
        {"role": APP_ROLE, "privilege": privilege, "is_old": version < 160_000},
    ).one()
    if administers and not can_take:
        connection.execute(text(f"GRANT {APP_ROLE} TO CURRENT_USER"))
