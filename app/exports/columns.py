"""What a file's columns are, whatever its format."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class ColumnKind(StrEnum):
    """What the values of a column are. Every one may be None.

    STRING: str. INTEGER: int. DECIMAL: int, a whole number of the column's last digit. TIME: aware datetime.
    """

    STRING = "STRING"
    INTEGER = "INTEGER"
    DECIMAL = "DECIMAL"
    TIME = "TIME"


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column of a file. unit: of a measure.

    digits: behind the point of a DECIMAL. digits_min: those that plain text shows although they are zeros; None shows
    all. sample: one of so many keys was counted, in an estimate.
    """

    name: str
    kind: ColumnKind
    unit: str | None = None
    digits: int = 0
    digits_min: int | None = None
    sample: int = 1

    @property
    def notes(self) -> dict[str, str]:
        """What a file that can say more than a name says of it."""
        unit = {} if self.unit is None else {"unit": self.unit}
        return unit if self.sample == 1 else {**unit, "estimatedFromOneIn": str(self.sample)}


Values = Sequence[Sequence[Any]]
"""Some rows: the values of each column, in order."""

Notes = Mapping[str, Any]
"""What is told of a whole file, as JSON."""


class Writer(Protocol):
    """Makes one file: first `start`, then `rows` any number of times, then `end`; their bytes in order are the file."""

    def start(self) -> bytes:
        """What stands before the first row."""
        ...

    def rows(self, values: Values) -> bytes:
        """Some rows. Nothing, while they are gathered for a larger piece."""
        ...

    def end(self) -> bytes:
        """What stands after the last row. A file without it is not whole."""
        ...
