"""Arrow streams and Parquet files: typed columns, with what is told of them in the schema. Needs pyarrow, an extra.

Ids and names are plain strings: Parquet encodes those that repeat as dictionaries by itself, and dictionaries that grow
within an Arrow stream are not read by everybody.
"""

import io
from collections.abc import Sequence
from decimal import Decimal
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import orjson

from app.errors import DomainError
from app.exports.columns import ColumnKind, FileColumn, Notes, Values

DECIMAL_DIGITS = 38
"""Digits of every decimal: as many as readers take in one type, so that no sum is too large."""

ROW_GROUP_ROWS = 65_536
"""Rows of one piece of a Parquet file: they are gathered in memory first."""

NOTES_KEY = b"scoville"
"""Under which key of the schema's metadata the notes stand, as JSON."""


def is_installed() -> bool:
    """Whether pyarrow is there. It is loaded only when it is needed: it is large."""
    return find_spec("pyarrow") is not None


def loaded() -> tuple[ModuleType, ModuleType]:
    """pyarrow and its Parquet. Raises NOT_SUPPORTED without them."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        message = "Parquet and Arrow need pyarrow. Install it with: pip install 'scoville[export]'"
        raise DomainError("NOT_SUPPORTED", message) from error
    return pyarrow, pyarrow.parquet


class _Written(io.RawIOBase):
    """A file that hands over what was written to it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, piece: Any) -> int:
        """Keep the piece until it is taken."""
        self._pieces.append(bytes(piece))
        return len(self._pieces[-1])

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


class ArrowWriter:
    """Writes an Arrow IPC stream: a batch for each call."""

    def __init__(self, columns: Sequence[FileColumn], notes: Notes) -> None:
        self._arrow, _ = loaded()
        self._columns = columns
        self._schema = _schema(self._arrow, columns, notes)
        self._written = _Written()
        self._writer = self._arrow.ipc.new_stream(self._written, self._schema)

    def start(self) -> bytes:
        """The schema."""
        return self._written.take()

    def rows(self, values: Values) -> bytes:
        """One batch."""
        self._writer.write_batch(_batch(self._arrow, self._columns, self._schema, values))
        return self._written.take()

    def end(self) -> bytes:
        """The mark by which readers know that nothing is missing."""
        self._writer.close()
        return self._written.take()


class ParquetWriter:
    """Writes a Parquet file: a row group for each ROW_GROUP_ROWS rows."""

    def __init__(self, columns: Sequence[FileColumn], notes: Notes) -> None:
        self._arrow, parquet = loaded()
        self._columns = columns
        self._schema = _schema(self._arrow, columns, notes)
        self._written = _Written()
        self._writer = parquet.ParquetWriter(
            self._written,
            self._schema,
            compression="zstd",
            use_dictionary=[column.name for column in columns if column.kind in (ColumnKind.STRING, ColumnKind.TIME)],
        )
        self._gathered: list[Any] = []
        self._count = 0

    def start(self) -> bytes:
        """The file's mark."""
        return self._written.take()

    def rows(self, values: Values) -> bytes:
        """A row group, when enough rows came together."""
        batch = _batch(self._arrow, self._columns, self._schema, values)
        self._gathered.append(batch)
        self._count += batch.num_rows
        if self._count >= ROW_GROUP_ROWS:
            self._flush()
        return self._written.take()

    def end(self) -> bytes:
        """The last row group and the footer, without which no reader opens the file."""
        self._flush()
        self._writer.close()
        return self._written.take()

    def _flush(self) -> None:
        if self._gathered:
            self._writer.write_table(self._arrow.Table.from_batches(self._gathered), row_group_size=self._count)
        self._gathered, self._count = [], 0


def _schema(arrow: ModuleType, columns: Sequence[FileColumn], notes: Notes) -> Any:
    fields = [arrow.field(column.name, _type(arrow, column), metadata=column.notes or None) for column in columns]
    return arrow.schema(fields, metadata={NOTES_KEY: orjson.dumps(notes)})


def _type(arrow: ModuleType, column: FileColumn) -> Any:
    match column.kind:
        case ColumnKind.STRING:
            return arrow.string()
        case ColumnKind.INTEGER:
            return arrow.int64()
        case ColumnKind.DECIMAL:
            return arrow.decimal128(DECIMAL_DIGITS, column.digits)
        case ColumnKind.TIME:
            return arrow.timestamp("us", tz="UTC")


def _batch(arrow: ModuleType, columns: Sequence[FileColumn], schema: Any, values: Values) -> Any:
    arrays = [
        _decimals(arrow, field.type, found, column.digits)
        if column.kind is ColumnKind.DECIMAL
        else arrow.array(found, field.type)
        for column, field, found in zip(columns, schema, values, strict=True)
    ]
    return arrow.record_batch(arrays, schema=schema)


def _decimals(arrow: ModuleType, kind: Any, values: Sequence[int | None], digits: int) -> Any:
    try:
        whole = arrow.array(values, arrow.int64())
    except (OverflowError, arrow.ArrowInvalid):
        # By its digits: a context's precision would round it.
        exact = [
            None if value is None else Decimal((int(value < 0), tuple(map(int, str(abs(value)))), -digits))
            for value in values
        ]
        return arrow.array(exact, kind)
    # A decimal is kept as its whole number of last digits: the same bytes, under a type with a point. Ten times faster
    # than by way of Decimal.
    wide = whole.cast(arrow.decimal128(DECIMAL_DIGITS, 0))
    return arrow.Array.from_buffers(kind, len(wide), wide.buffers(), wide.null_count, wide.offset)
