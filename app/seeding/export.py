"""Exports facts as Parquet: one file per family, all of one moment, in bounded memory. Driven by `scoville export`."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson

from app.core.context import TenantInfo
from app.db import facts
from app.db.facts import FAMILIES
from app.db.families import Family, Kind
from app.db.session import Database, ReadSession
from app.errors import DomainError

MANIFEST = "export.json"
"""Written last: a directory without it holds an export that did not finish."""

TIMEOUT_S = 3600.0
"""Seconds one statement of an export may run: it streams for as long as the disk takes."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A finished export. rows: by family."""

    directory: Path
    rows: dict[str, int]


async def export_facts(
    db: Database,
    tenant: TenantInfo,
    directory: Path,
    *,
    now: datetime,
    snapshot_id: str | None = None,
    progress: Callable[[str, int], None] = lambda name, rows: None,
) -> Exported:
    """Write all families of the tenant into the directory, as one snapshot sees them.

    snapshot_id: what `pg_export_snapshot()` gave in a transaction that is still open; None takes a snapshot of now.
    progress: told of each batch (family, rows). Raises BAD_USER_INPUT when the directory already holds an export or
    cannot be written, and NOT_SUPPORTED without pyarrow.
    """
    arrow, parquet = _pyarrow()
    with _writing(directory):
        _prepare(directory)
    rows: dict[str, int] = {}
    async with db.snapshot(tenant.id, timeout_s=TIMEOUT_S, snapshot_id=snapshot_id) as session:
        for family in FAMILIES:
            rows[family.name] = 0
            schema = _schema(arrow, family)
            with _writing(directory):
                writer = parquet.ParquetWriter(directory / f"{family.name}.parquet", schema, compression="zstd")
            try:
                async for batch in _batches(session, family, arrow, schema):
                    with _writing(directory):
                        writer.write_batch(batch)
                    rows[family.name] += batch.num_rows
                    progress(family.name, batch.num_rows)
            finally:
                with _writing(directory):
                    writer.close()
    manifest = orjson.dumps(_manifest(tenant, now, rows), option=orjson.OPT_INDENT_2)
    with _writing(directory):
        _write(directory / MANIFEST, manifest)
    return Exported(directory, rows)


@contextmanager
def _writing(directory: Path) -> Iterator[None]:
    # Around the files alone: an OSError of the database means another thing.
    try:
        yield
    except OSError as error:
        raise DomainError(
            "BAD_USER_INPUT",
            f"{directory} cannot be written: {error.strerror or error}. Name another directory with --out.",
        ) from error


# Files are written between two fetches of the same task; nothing else runs in the process of an export.
def _prepare(directory: Path) -> None:
    if (directory / MANIFEST).exists():
        raise DomainError("BAD_USER_INPUT", f"{directory} already holds an export. Name an empty directory.")
    directory.mkdir(parents=True, exist_ok=True)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _pyarrow() -> tuple[ModuleType, ModuleType]:
    # An extra: a server needs no 100 MB of Arrow.
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise DomainError(
            "NOT_SUPPORTED", "Parquet needs pyarrow. Install it with: pip install 'scoville[export]'"
        ) from error
    return pyarrow, pyarrow.parquet


def _schema(arrow: ModuleType, family: Family) -> Any:
    types = {
        Kind.ID: arrow.string(),
        Kind.TEXT: arrow.string(),
        Kind.TEXTS: arrow.list_(arrow.string()),
        Kind.INTEGER: arrow.int64(),
        Kind.MINOR: arrow.int64(),
        Kind.WEIGHT: arrow.int64(),
        Kind.RATE: arrow.decimal128(9, 6),
        Kind.EXCHANGE_RATE: arrow.decimal128(20, 10),
        Kind.DAY: arrow.date32(),
        Kind.INSTANT: arrow.timestamp("us", tz="UTC"),
        Kind.FLAG: arrow.bool_(),
    }
    fields = [
        arrow.field(column.name, types[column.kind], metadata={"description": column.description})
        for column in family.columns
    ]
    return arrow.schema(fields, metadata={"description": family.description})


async def _batches(session: ReadSession, family: Family, arrow: ModuleType, schema: Any) -> AsyncIterator[Any]:
    async for rows in facts.stream(session, family):
        yield _batch(rows, arrow, schema)


def _batch(rows: Sequence[Any], arrow: ModuleType, schema: Any) -> Any:
    columns = zip(*rows, strict=True)
    arrays = [arrow.array(values, type=field.type) for values, field in zip(columns, schema, strict=True)]
    return arrow.RecordBatch.from_arrays(arrays, schema=schema)


def _manifest(tenant: TenantInfo, now: datetime, rows: dict[str, int]) -> dict[str, Any]:
    return {
        "tenant": tenant.name,
        "tenantId": str(tenant.id),
        "isTest": tenant.is_test,
        "reportingZone": tenant.reporting_zone,
        "currency": tenant.currency,
        "exportedAt": now.isoformat(),
        "families": {
            family.name: {
                "description": family.description,
                "rows": rows[family.name],
                "columns": {column.name: f"{column.kind.value}: {column.description}" for column in family.columns},
            }
            for family in FAMILIES
        },
    }
