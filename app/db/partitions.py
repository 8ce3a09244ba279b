"""Monthly partitions of the facts that grow without bound: made ahead, and split out of the DEFAULT one.

Run by the owner (`scoville partitions ensure`, the worker): the app's role makes no tables. A row whose month has no
partition yet is never refused; it waits in DEFAULT and is moved here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from app.db.citus import distribute
from app.errors import OutsideError

TABLE = "instances"
DEFAULT = "instances_default"

MONTHS_MAX = 120
"""Partitions made in one run: rows with absurd dates must not make thousands of tables. The rest waits in DEFAULT."""

LOCK_TIMEOUT = "2s"
"""How long a run waits for its lock, and with it every writer that comes after; then it gives up until the next."""

STATEMENT_TIMEOUT = "10min"


@dataclass(frozen=True, slots=True)
class PartitionMade:
    """A partition that a run made. rows: moved into it from DEFAULT."""

    name: str
    month: date
    rows: int


def ensure_partitions(
    admin_url: str, *, now: datetime, months_ahead: int, span: tuple[datetime, datetime] | None = None
) -> list[PartitionMade]:
    """The partitions made: for this month and those ahead, and for every month found in DEFAULT, oldest first.

    span: also for the months of its first and last instant and those between, before rows of them come.
    Raises OutsideError when the database is away, too busy to give the lock, or lets only another login do it. What was
    made until then stays.
    """
    engine = create_engine("postgresql+psycopg://" + admin_url.split("://", 1)[1])
    try:
        wanted = set(_months_from(now, months_ahead)) | _months_in_default(engine)
        if span is not None:
            wanted |= set(_months_between(*span))
        missing = sorted(wanted - _existing_months(engine))[:MONTHS_MAX]
        made = (_make(engine, month) for month in missing)
        return [partition for partition in made if partition is not None]
    except OperationalError as error:
        raise OutsideError(
            "The database is away, or too busy to make partitions. Nothing is lost: run it again.", retryable=True
        ) from error
    except ProgrammingError as error:
        if not isinstance(error.orig, InsufficientPrivilege):
            raise
        raise OutsideError(
            "The login may not make partitions: they are made by the role that owns the tables. Set DATABASE_ADMIN_URL "
            "to its URL. Until then rows of new months wait in the DEFAULT partition; nothing is lost.",
            retryable=False,
        ) from error
    finally:
        engine.dispose()


def partition_name(month: date) -> str:
    """The table of a month, e.g. instances_2026_11."""
    return f"{TABLE}_{month:%Y_%m}"


def _months_from(now: datetime, ahead: int) -> Iterator[date]:
    month = now.astimezone(UTC).date().replace(day=1)
    for _ in range(ahead + 1):
        yield month
        month = _next(month)


def _months_between(first: datetime, last: datetime) -> Iterator[date]:
    month = first.astimezone(UTC).date().replace(day=1)
    while month <= last.astimezone(UTC).date():
        yield month
        month = _next(month)


def _next(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


def _existing_months(engine: Engine) -> set[date]:
    prefix = f"{TABLE}_"
    with engine.connect() as connection:
        names = connection.scalars(
            text(
                """/* partitions.existing */
                SELECT child.relname
                FROM pg_inherits AS tree
                JOIN pg_class AS child ON child.oid = tree.inhrelid
                WHERE tree.inhparent = CAST(:parent AS regclass)"""
            ),
            {"parent": TABLE},
        ).all()
    return {
        datetime.strptime(name.removeprefix(prefix), "%Y_%m").replace(tzinfo=UTC).date()
        for name in names
        if name != DEFAULT
    }


def _months_in_default(engine: Engine) -> set[date]:
    """The months (UTC) of which DEFAULT holds rows. Takes no lock while DEFAULT is empty, as it nearly always is."""
    with engine.connect() as connection:
        size = connection.scalar(
            text("/* partitions.default_size */ SELECT pg_relation_size(CAST(:name AS regclass))"), {"name": DEFAULT}
        )
    if not size:
        return set()
    with _unforced_default(engine) as connection:
        months = connection.scalars(
            text(
                f"""/* partitions.months_in_default */
                SELECT DISTINCT date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date
                FROM {DEFAULT}"""  # noqa: S608 - a constant
            )
        ).all()
    return set(months)


def _make(engine: Engine, month: date) -> PartitionMade | None:
    """The month's partition, with its rows of DEFAULT and its policies; None when another run has just made it."""
    name = partition_name(month)
    bounds: dict[str, Any] = {"low": _edge(month), "high": _edge(_next(month))}
    with _unforced_default(engine) as connection:
        if connection.scalar(text("SELECT to_regclass(:name)"), {"name": name}) is not None:
            return None
        connection.execute(text(f"CREATE TABLE {name} (LIKE {TABLE} INCLUDING ALL)"))
        distribute(connection, name)
        within = "occurred_at >= :low AND occurred_at < :high"
        connection.execute(text(f"INSERT INTO {name} SELECT * FROM {DEFAULT} WHERE {within}"), bounds)  # noqa: S608
        deleted = connection.execute(text(f"DELETE FROM {DEFAULT} WHERE {within}"), bounds)  # noqa: S608
        connection.execute(
            text(
                f"ALTER TABLE {TABLE} ATTACH PARTITION {name} "
                f"FOR VALUES FROM ('{bounds['low'].isoformat()}') TO ('{bounds['high'].isoformat()}')"
            )
        )
        _protect(connection, name)
        _name_indexes(connection, name)
    return PartitionMade(name=name, month=month, rows=deleted.rowcount)


def _edge(month: date) -> datetime:
    return datetime(month.year, month.month, 1, tzinfo=UTC)


@contextmanager
def _unforced_default(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees and moves all rows of DEFAULT, while nobody else can.

    The owner is bound by forced row-level security; it is lifted for DEFAULT inside this transaction only, under the
    lock. The lock comes first: a row written to DEFAULT between the move and the attachment would make that fail.
    """
    with engine.begin() as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'"))
        connection.execute(text("SET LOCAL citus.multi_shard_modify_mode = 'sequential'"))
        connection.execute(text(f"LOCK TABLE {DEFAULT} IN ACCESS EXCLUSIVE MODE"))
        connection.execute(text(f"ALTER TABLE {DEFAULT} NO FORCE ROW LEVEL SECURITY"))
        yield connection
        connection.execute(text(f"ALTER TABLE {DEFAULT} FORCE ROW LEVEL SECURITY"))


def _protect(connection: Connection, name: str) -> None:
    """Give the partition the parent's policies: they are not inherited. No grants: nobody reaches it directly."""
    policies = connection.execute(
        text(
            """/* partitions.policies */
            SELECT polname, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)
            FROM pg_policy
            WHERE polrelid = CAST(:parent AS regclass)"""
        ),
        {"parent": TABLE},
    ).all()
    assert policies, "the parent has its policies since the first migration"
    connection.execute(text(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"))
    connection.execute(text(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY"))
    for policy, using, check in policies:
        connection.exec_driver_sql(f"CREATE POLICY {policy} ON {name} USING ({using}) WITH CHECK ({check})")


def _name_indexes(connection: Connection, name: str) -> None:
    """Name each index after its parent's: the names that Postgres makes up are too long for a cluster."""
    indexes = connection.execute(
        text(
            """/* partitions.indexes */
            SELECT child.relname, parent.relname
            FROM pg_index AS own
            JOIN pg_class AS child ON child.oid = own.indexrelid
            JOIN pg_inherits AS tree ON tree.inhrelid = own.indexrelid
            JOIN pg_class AS parent ON parent.oid = tree.inhparent
            WHERE own.indrelid = CAST(:name AS regclass)"""
        ),
        {"name": name},
    ).all()
    for child, parent in indexes:
        wanted = f"{name}{parent.removeprefix(TABLE)}"
        if child != wanted:
            connection.execute(text(f'ALTER INDEX "{child}" RENAME TO "{wanted}"'))
