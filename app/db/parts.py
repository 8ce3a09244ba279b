"""Rows to insert, or that were read, in parts: while they are encoded or gone through, nothing else runs."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

ROWS_MAX = 5_000
"""Rows that one statement inserts: encoding them takes some hundredths of a second."""


READ_MAX = 1_000
"""Rows that are gone through before a pause may be taken."""


def in_parts(rows: Sequence[T], size: int = ROWS_MAX) -> Iterator[Sequence[T]]:
    """The rows in order, at most `size` at a time; all at once when they are few, nothing when there are none."""
    if len(rows) <= size:
        if rows:
            yield rows
        return
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
