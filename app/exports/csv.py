"""CSV as RFC 4180 has it: UTF-8, a header, CRLF, quotes where they are needed.

Nothing stands for null, and "" for an empty text. A text that a spreadsheet would run as a formula gets an apostrophe
before it; numbers never do. Whoever needs such texts as they are takes off the one of those that would be a formula
without theirs, or takes another format.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from app.exports.columns import ColumnKind, FileColumn, Values

END = "\r\n"

# Spreadsheets also run the full-width forms. An apostrophe that was there before such a text is doubled, so that taking
# one off gives every text back.
_FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠]")
_SPECIAL = re.compile(r'[",\r\n]')


class CsvWriter:
    """Writes CSV."""

    def __init__(self, columns: Sequence[FileColumn]) -> None:
        self._columns = columns
        self._texts = [_texts(column) for column in columns]
        # A line without anything would be no row.
        self._null = '""' if len(columns) == 1 else ""

    def start(self) -> bytes:
        """The header."""
        return (",".join(text_field(column.name) for column in self._columns) + END).encode()

    def rows(self, values: Values) -> bytes:
        """Lines of these rows."""
        null = self._null
        columns = [
            [null if value is None else text(value) for value in column]
            for text, column in zip(self._texts, values, strict=True)
        ]
        lines = [",".join(fields) for fields in zip(*columns, strict=True)]
        return (END.join([*lines, ""])).encode()

    def end(self) -> bytes:
        """Nothing."""
        return b""


def text_field(text: str) -> str:
    """A text as a field."""
    if _FORMULA.match(text):
        text = f"'{text}"
    if not text or _SPECIAL.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def decimal_text(scaled: int, digits: int, digits_min: int | None = None) -> str:
    """A whole number of last digits in plain digits, with a point. digits_min: those that are kept though zeros."""
    if not digits:
        return str(scaled)
    text = str(abs(scaled)).zfill(digits + 1)
    whole, part = text[:-digits], text[-digits:]
    if digits_min is not None:
        part = part[:digits_min] + part[digits_min:].rstrip("0")
    sign = "-" if scaled < 0 else ""
    return f"{sign}{whole}.{part}" if part else f"{sign}{whole}"


def _texts(column: FileColumn) -> Callable[[Any], str]:
    match column.kind:
        case ColumnKind.STRING:
            return text_field
        case ColumnKind.INTEGER:
            return str
        case ColumnKind.DECIMAL:
            digits, digits_min = column.digits, column.digits_min
            return lambda scaled: decimal_text(scaled, digits, digits_min)
        case ColumnKind.TIME:
            return _instant


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
