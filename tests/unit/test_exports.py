"""Files of tables: what each format writes is what its readers read."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.exports import arrow as arrow_files
from app.exports.columns import ColumnKind, FileColumn, Values
from app.exports.csv import CsvWriter, decimal_text
from app.exports.formats import FORMATS, Format

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
COLUMNS = (
    FileColumn("code", ColumnKind.STRING),
    FileColumn("time", ColumnKind.TIME),
    FileColumn("clicks", ColumnKind.INTEGER, unit="count"),
    FileColumn("netRevenue", ColumnKind.DECIMAL, unit="GBP", digits=2),
)
ROWS: list[list[Any]] = [
    ["SPICY20", NOON, 3, 1234],
    [None, NOON + timedelta(microseconds=1), 0, -5],
    ["", None, None, None],
    ['say "hot", twice\r\nor more', NOON, 2**53, 10**20 + 7],
]
"""Whole numbers of the last digit where there are decimals."""

WITH_ARROW = [each for each in FORMATS if each.needs_arrow]


def by_column(rows: Sequence[Sequence[Any]]) -> Values:
    """The rows, turned."""
    return list(zip(*rows, strict=True))


def written(format: Format, *chunks: Sequence[Sequence[Any]], columns: Sequence[FileColumn] = COLUMNS) -> bytes:
    """The file of these rows."""
    writer = format.writer(columns, {"asOf": "2026-03-29T12:00:00Z"})
    return b"".join([writer.start(), *(writer.rows(by_column(chunk)) for chunk in chunks), writer.end()])


def read(format: Format, file: bytes) -> Any:
    """The file as pyarrow reads it."""
    return parquet.read_table(io.BytesIO(file)) if format.name == "parquet" else arrow.ipc.open_stream(file).read_all()


def text_of(*columns: FileColumn, rows: Sequence[Sequence[Any]]) -> str:
    """The lines of a CSV file behind its header."""
    return CsvWriter(columns).rows(by_column(rows)).decode()


@pytest.mark.parametrize("format", WITH_ARROW, ids=lambda format: format.name)
def test_arrow_reads_what_was_written(format: Format) -> None:
    table = read(format, written(format, ROWS[:1], ROWS[1:]))

    assert [str(field.type) for field in table.schema] == [
        "string",
        "timestamp[us, tz=UTC]",
        "int64",
        "decimal128(38, 2)",
    ]
    shown = [[None if row[3] is None else Decimal(row[3]).scaleb(-2) for row in ROWS]]
    assert [table.column(index).to_pylist() for index in range(4)] == [*map(list, by_column(ROWS)[:3]), *shown]


@pytest.mark.parametrize("format", WITH_ARROW, ids=lambda format: format.name)
def test_what_is_told_of_the_table_and_its_columns_is_in_the_schema(format: Format) -> None:
    columns = [*COLUMNS, FileColumn("visitors", ColumnKind.INTEGER, unit="count", sample=8)]

    schema = read(format, written(format, columns=columns)).schema

    assert schema.metadata[b"scoville"] == b'{"asOf":"2026-03-29T12:00:00Z"}'
    assert schema.field("netRevenue").metadata[b"unit"] == b"GBP"
    assert schema.field("visitors").metadata[b"estimatedFromOneIn"] == b"8"


@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)
def test_table_without_rows_is_a_file_with_columns(format: Format) -> None:
    file = written(format)

    if format.name == "csv":
        assert file == b"code,time,clicks,netRevenue\r\n"
    else:
        table = read(format, file)
        assert (table.num_rows, table.column_names) == (0, ["code", "time", "clicks", "netRevenue"])


@pytest.mark.parametrize("format", WITH_ARROW, ids=lambda format: format.name)
def test_file_without_its_end_is_not_read_as_whole(format: Format) -> None:
    writer = format.writer(COLUMNS, {})
    part = writer.start() + writer.rows(by_column(ROWS))

    if format.name == "parquet":
        with pytest.raises(arrow.ArrowInvalid):
            read(format, part)
    else:
        # An Arrow stream may end between batches; the mark at its end tells that it is whole.
        assert writer.end() == b"\xff\xff\xff\xff\x00\x00\x00\x00"


def test_parquet_gathers_rows_into_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow_files, "ROW_GROUP_ROWS", 5)
    format = next(each for each in FORMATS if each.name == "parquet")

    file = parquet.ParquetFile(io.BytesIO(written(format, *[ROWS] * 3)))

    assert [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)] == [8, 4]


def test_csv_is_read_by_a_reader_of_csv() -> None:
    file = written(FORMATS[0], ROWS).decode()

    assert list(csv.reader(io.StringIO(file, newline=""))) == [
        ["code", "time", "clicks", "netRevenue"],
        ["SPICY20", "2026-03-29T12:00:00Z", "3", "12.34"],
        ["", "2026-03-29T12:00:00.000001Z", "0", "-0.05"],
        ["", "", "", ""],
        ['say "hot", twice\r\nor more', "2026-03-29T12:00:00Z", "9007199254740992", "1000000000000000000.07"],
    ]
    assert "\r\n,2026" in file, "null is nothing"
    assert '\r\n"",' in file, "an empty text is not"


@pytest.mark.parametrize("text", ["=1+2", "+49", "-cmd", "@sum(a1)", "\tx", "\rx", "'=1", "＝1"])
def test_formula_is_kept_from_spreadsheets_by_an_apostrophe(text: str) -> None:
    line = text_of(COLUMNS[0], COLUMNS[2], rows=[[text, 1]])

    assert next(csv.reader(io.StringIO(line, newline=""))) == [f"'{text}", "1"]


@pytest.mark.parametrize("text", ["it's", "'t Hof", "a=b", "1-2"])
def test_other_texts_stand_as_they_are(text: str) -> None:
    assert text_of(COLUMNS[0], COLUMNS[2], rows=[[text, 1]]) == f"{text},1\r\n"


def test_negative_number_is_no_formula() -> None:
    assert text_of(COLUMNS[0], COLUMNS[2], COLUMNS[3], rows=[["a", -1, -250]]) == "a,-1,-2.50\r\n"


def test_name_of_a_column_is_no_formula() -> None:
    assert CsvWriter([FileColumn("=cmd()", ColumnKind.INTEGER)]).start() == b"'=cmd()\r\n"


def test_row_of_one_null_is_a_line() -> None:
    assert text_of(COLUMNS[0], rows=[[None], ["A"]]) == '""\r\nA\r\n'


@given(some.lists(some.tuples(some.text(), some.none() | some.integers()), min_size=1))
def test_every_text_comes_back_from_csv_without_its_apostrophe(rows: list[tuple[str, int | None]]) -> None:
    file = text_of(COLUMNS[0], COLUMNS[2], rows=rows)

    found = list(csv.reader(io.StringIO(file, newline="")))
    for (text, number), (shown, digits) in zip(rows, found, strict=True):
        assert shown in (text, f"'{text}")
        assert shown.lstrip("'")[:1] not in set("=+-@\t\r＝＋－＠") or shown.startswith("'")
        assert digits == ("" if number is None else str(number))


@given(some.integers(-(10**30), 10**30), some.integers(0, 9))
def test_plain_digits_are_the_number(scaled: int, digits: int) -> None:
    text = decimal_text(scaled, digits)

    assert Decimal(text) == Decimal((int(scaled < 0), tuple(map(int, str(abs(scaled)))), -digits))
    assert len(text.partition(".")[2]) == digits
    assert Decimal(decimal_text(scaled, digits, 0)) == Decimal(text)


@pytest.mark.parametrize(
    ("scaled", "digits_min", "shown"),
    [(1_500_000_000, 0, "1.5"), (2_000_000_000, 0, "2"), (12_300_000_000, 2, "12.30"), (-1, 2, "-0.000000001")],
)
def test_zeros_behind_the_point_are_left_out_down_to_a_minimum(scaled: int, digits_min: int, shown: str) -> None:
    assert decimal_text(scaled, 9, digits_min) == shown
