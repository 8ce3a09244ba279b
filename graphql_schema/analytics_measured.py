"""The measures of rows as resolvers hold them: of one row, and of many by column."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from app.analytics.figures import Figures, Reader
from graphql_schema.execution.columns import Columnar, Joined, Ready, Written


class Row:
    """The measures of a row. read: what of its figures they are. places: where each stands, by `ask_key`."""

    __slots__ = ("figures", "places", "read")

    def __init__(self, figures: Figures, read: Callable[[Figures, int], Any], places: Mapping[Hashable, int]) -> None:
        self.figures = figures
        self.read = read
        self.places = places

    def asked(self, key: Hashable) -> Any:
        """The measure that was asked so."""
        return self.read(self.figures, self.places[key])


class Shown(Written):
    """A measure of many rows. place: among those of the reader. column: its whole numbers."""

    def __init__(self, reader: Reader, place: int, column: Sequence[int | None]) -> None:
        self._reader, self._place, self._column = reader, place, column

    def written(self) -> list[Any]:
        """What stands for them in JSON; null for None."""
        return self._reader.written[self._place](self._column)

    def values(self) -> list[Any]:
        """The same as values."""
        shown = self._reader.shown[self._place]
        return [None if scaled is None else shown(scaled) for scaled in self._column]

    def __len__(self) -> int:
        return len(self._column)


class Measured(Columnar):
    """The measures of many rows, by column. values: of each measure that is asked. figures: makes those of each row."""

    kind = Row

    def __init__(
        self,
        reader: Reader,
        values: Sequence[Sequence[int | None]],
        length: int,
        places: Mapping[Hashable, int],
        figures: Callable[[], Sequence[Figures]],
    ) -> None:
        self._reader, self._values, self._length = reader, values, length
        self._places, self._figures = places, figures

    @classmethod
    def of(cls, row: Row) -> "Measured":
        """One row."""
        figures = row.figures
        return cls(figures.reader, [(value,) for value in figures.values], 1, row.places, lambda: [figures])

    def asked(self, key: Hashable) -> Written:
        """The measure that was asked so."""
        place = self._places[key]
        return Shown(self._reader, place, self._values[place])

    def column(self, attribute: str) -> list[Any]:
        """The attribute of each row."""
        return [getattr(row, attribute) for row in self]

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: Any) -> Any:
        return list(self)[index]

    def __iter__(self) -> Iterator[Row]:
        return (Row(each, Figures.value, self._places) for each in self._figures())


def column_of(rows: Sequence[Row], key: Hashable) -> Sequence[Any]:
    """The same measure of many rows."""
    if isinstance(rows, Measured):
        return rows.asked(key)
    if isinstance(rows, Joined):
        parts = [part.asked(key) for part in rows.parts if isinstance(part, Measured)]
        return Ready(
            len(rows),
            lambda: list(chain.from_iterable(parts)),
            lambda: list(chain.from_iterable(part.written() for part in parts)),
        )
    return [row.asked(key) for row in rows]
