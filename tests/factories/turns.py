"""What rows that are made to be listed have in common: words, instants and ids in turn."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from app.core.words import Platform
from tests.factories.orders import NOON

T = TypeVar("T")
Row = dict[str, Any]

NO_HASH = r"\x00"
PLATFORMS = (*list(Platform)[:3], None)
COUNTRIES = ("DE", "GB", None)
NAMES = ("ada", "ben", "ina", "ira")


def one_of(values: Sequence[T], number: int) -> T:
    """The values in turn."""
    return values[number % len(values)]


def word(number: int) -> str:
    """A word of its own for each number up to 675: letters alone, which every collation puts in one order."""
    return "word" + chr(97 + number // 26) + chr(97 + number % 26)


def instant(number: int) -> datetime:
    """One of four instants near NOON, hours and a few microseconds apart."""
    return NOON + timedelta(hours=number % 4, microseconds=number % 4)


class Turns:
    """Rows by table, those of parents first."""

    rows: dict[str, list[Row]]

    def _id(self, table: str, number: int) -> UUID:
        found: UUID = one_of(self.rows[table], number)["id"]
        return found
