"""Columns as JSON: the objects of a long list are put together as texts, and never made.

A dict for each, and the writer of JSON that goes through all of them, cost twice as much as texts that are joined a
column at a time.

Texts are UTF-8 read as Latin-1, a character a byte: one name in Japanese would make every text around it twice as
large, and an emoji four times.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import accumulate, repeat
from typing import Any

import orjson

from graphql_schema.execution.columns import Column, Done, Texts

OPTIONS = orjson.OPT_UTC_Z
"""How answers are written."""

TEXTS_MIN = 64
"""Values of a column from which on they are written together: fewer cost less as they are."""


def strings(column: list[str]) -> Done:
    """A column of strings."""
    return column if len(column) < TEXTS_MIN else _quoted(column)


def plain(column: Column) -> Done:
    """A column of numbers, flags or times: of what has no comma in it once it is written."""
    return column if len(column) < TEXTS_MIN else _plain(column)


def texts_of(column: Done) -> Texts:
    """A column of whatever orjson writes, as texts."""
    if isinstance(column, Texts):
        return column
    kinds = set(map(type, column))
    if kinds == {str}:
        return _quoted(column)
    if kinds and kinds <= _PLAIN:
        return _plain(column)
    if kinds == {str, type(None)} and _stand_as_they_are(orjson.dumps(column)):
        return Texts(["null" if value is None else f'"{value}"' for value in column])
    return Texts(list(map(_written, column)))


def objects(heads: Sequence[str], columns: Sequence[Done], count: int) -> Texts:
    """The objects of these columns, so many. heads: the key of each, with what stands around it."""
    assert all(len(column) == count for column in columns), "columns of the same objects"
    parts: list[Iterable[str]] = []
    constant = before = ""
    for head, column in zip(heads, columns, strict=True):
        values = texts_of(column)
        constant += head + values.before
        if parts:
            parts.append(repeat(constant))
        else:
            before = constant
        parts.append(values.items)
        constant = values.after
    # What is the same in all of them stands around their values: with one key, nothing is to be done for each.
    items = values.items if len(columns) == 1 else list(map("".join, zip(*parts, strict=False)))
    return Texts(items, before, constant + "}")


def cut(column: Done, sizes: Sequence[int]) -> Done:
    """The lists that were laid end to end in a column, of these sizes."""
    ends = zip(sizes, accumulate(sizes), strict=True)
    if not isinstance(column, Texts):
        return [column[end - size : end] for size, end in ends]
    before, after, items = f"[{column.before}", f"{column.after}]", column.items
    between = f"{column.after},{column.before}"
    if all(sizes):
        return Texts([between.join(items[end - size : end]) for size, end in ends], before, after)
    return Texts([f"{before}{between.join(items[end - size : end])}{after}" if size else "[]" for size, end in ends])


def spread(column: Done, are_there: Sequence[bool]) -> Done:
    """What became of the values that are there, in their places, and nulls in the others'."""
    if isinstance(column, Texts):
        texts = iter(column.whole())
        return Texts([next(texts) if is_there else "null" for is_there in are_there])
    found = iter(column)
    return [next(found) if is_there else None for is_there in are_there]


def picked(column: Done, places: Sequence[int]) -> Done:
    """The values in these places."""
    if isinstance(column, Texts):
        return Texts(list(map(column.items.__getitem__, places)), column.before, column.after)
    return list(map(column.__getitem__, places))


# Nothing of them is a comma once it is written.
_PLAIN = {int, float, bool, datetime, date, type(None)}


def _written(value: Any) -> str:
    return orjson.dumps(value, option=OPTIONS).decode("latin-1")


def _stand_as_they_are(written: bytes) -> bool:
    # Whether strings do, in their quotes: whatever does not stands behind a backslash, and so does a backslash itself.
    return b"\\" not in written and written.isascii()


def _quoted(column: list[str]) -> Texts:
    written = orjson.dumps(column)
    if _stand_as_they_are(written):
        return Texts(column, '"', '"')
    if b"\\" in written:
        return Texts(list(map(_written, column)))
    # No quote is in any of them.
    return Texts(written[2:-2].decode("latin-1").split('","'), '"', '"')


def _plain(column: Column) -> Texts:
    return Texts(_written(column)[1:-1].split(","))
