"""The numbers of a row: sums become whole numbers of measures' last shown digit, and these what is shown. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import repeat
from typing import Any

from app.analytics.large import is_large
from app.analytics.layout import Layout, Reading, column
from app.analytics.query import Asks, Columns
from app.analytics.semantic.formula import Columns as Sums
from app.analytics.semantic.formula import Scaled, Value, change_of, ratio, ratio_of

Numbers = tuple[int | None, ...]
"""Measures as whole numbers of their last digit, None where null; in the order of the facet's measures."""


READERS_MAX = 2_000
"""Readers that a process remembers."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of one row. previous: of the compared time. whole: of everything together, for shares."""

    reader: "Reader"
    values: Numbers
    previous: Numbers = ()
    whole: Numbers = ()

    def value(self, place: int) -> Value:
        """The measure at this place among the facet's values."""
        scaled = self.values[place]
        return None if scaled is None else self.reader.shown[place](scaled)

    def written(self, place: int) -> Any:
        """The same as it stands in JSON."""
        return self.reader.written[place]((self.values[place],))[0]

    def before(self, place: int) -> Value:
        """The measure of the compared time; place: among the facet's values."""
        scaled = self._previous(place)
        return None if scaled is None else self.reader.shown[place](scaled)

    def change(self, place: int) -> Decimal | None:
        """By what part of its previous value it changed."""
        return ratio(change_of(self.values[place], self._previous(place)))

    def share(self, place: int) -> Decimal | None:
        """Its part of the whole; place: among the facet's values."""
        at = self.reader.shares.get(place)
        return None if at is None or not self.whole else ratio(ratio_of(self.values[place], self.whole[at]))

    def _previous(self, place: int) -> int | None:
        at = self.reader.previous.get(place)
        return None if at is None or not self.previous else self.previous[at]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads rows of one facet in one currency. digits: of the currency.

    sums: where they stand in the rows. previous, shares: where a value's measure stands among those of the compared
    time, and among the shares.
    """

    sums: tuple[int, ...]
    values: tuple[Scaled, ...]
    before: tuple[Scaled, ...]
    shown: tuple[Callable[[int], Value], ...]
    written: tuple[Callable[[Sequence[int | None]], list[Any]], ...]
    previous: dict[int, int]
    shares: dict[int, int]

    def numbers(self, columns: Sequence[Sequence[Any]]) -> list[Sequence[int]]:
        """The sums of rows, by column."""
        return [whole_numbers(columns[place]) for place in self.sums]

    def read(self, sums: Sequence[int], whole: Numbers = ()) -> Figures:
        """The figures of a row of sums."""
        columns = [(value,) for value in sums]
        values = tuple([formula(columns)[0] for formula in self.values])
        return Figures(self, values, tuple([formula(columns)[0] for formula in self.before]), whole)

    def measures(self, sums: Sums) -> list[Sequence[int | None]]:
        """The measures of many rows of sums, by column."""
        return [formula(sums) for formula in self.values]

    def earlier(self, sums: Sums) -> list[Sequence[int | None]]:
        """The measures of the compared time of many rows, by column; none where nothing is compared."""
        return [formula(sums) for formula in self.before]

    def figures(
        self,
        values: Sequence[Sequence[int | None]],
        before: Sequence[Sequence[int | None]],
        count: int,
        whole: Numbers = (),
    ) -> list[Figures]:
        """Columns of measures as the figures of so many rows."""
        rows: Iterable[Numbers] = zip(*values, strict=True) if values else repeat((), count)
        earlier: Iterable[Numbers] = zip(*before, strict=True) if before else repeat((), count)
        return [Figures(self, row, previous, whole) for row, previous in zip(rows, earlier, strict=True)]


NOTHING_ASKED = Figures(Reader((), (), (), (), (), {}, {}), ())
"""Of a row of which no measure is asked."""


def reader(asked: Columns, layout: Layout, columns: tuple[str, ...], digits: int) -> Reader:
    """A reader of rows with these columns."""
    make = _made if is_large(asked) else _made_once
    return make(asked, layout, columns, digits)


def _made(asked: Columns, layout: Layout, columns: tuple[str, ...], digits: int) -> Reader:
    sums = sums_of(columns, layout)
    places = {name: index for index, name in enumerate(sums)}

    def formulas(asks: Asks, *, is_previous: bool) -> tuple[Scaled, ...]:
        return tuple(_formula(layout.readings[ask, is_previous], places, digits) for ask in asks)

    readings = [layout.readings[ask, False] for ask in asked.values]
    return Reader(
        tuple(map(columns.index, sums)),
        formulas(asked.values, is_previous=False),
        formulas(asked.previous, is_previous=True),
        tuple(reading.formula.shown(digits) for reading in readings),
        tuple(reading.formula.written(digits) for reading in readings),
        {asked.values.index(ask): index for index, ask in enumerate(asked.previous)},
        {asked.values.index(ask): index for index, ask in enumerate(asked.shares)},
    )


_made_once = lru_cache(maxsize=READERS_MAX)(_made)


def measured(
    reading: Reading, layout: Layout, columns: tuple[str, ...], values: Sequence[Sequence[Any]], digits: int
) -> Sequence[int | None]:
    """One measure of all rows, whether it is asked or only looked at."""
    sums = sums_of(columns, layout)
    numbers = [whole_numbers(values[columns.index(name)]) for name in sums]
    return _formula(reading, {name: index for index, name in enumerate(sums)}, digits)(numbers)


def sums_of(columns: Sequence[str], layout: Layout) -> tuple[str, ...]:
    """Those of the columns that are outputs of the layout, in order."""
    known = {column(output.name, layer) for layer, outputs in enumerate(layout.outputs) for output in outputs}
    return tuple([name for name in columns if name in known])


def _formula(reading: Reading, places: dict[str, int], digits: int) -> Scaled:
    formula = reading.formula
    return formula.scaled({name: places[column(name, reading.layer)] for name in formula.sums}, digits)


def whole_number(value: Any) -> int:
    """A sum: a number, or the text of one; None where nothing was added."""
    if type(value) is int or type(value) is Decimal:
        return int(value)
    return 0 if value is None else int(Decimal(value))


def whole_numbers(values: Sequence[Any]) -> Sequence[int]:
    """The same of a column."""
    if values and type(values[0]) is str:
        try:
            return list(map(int, values))
        except (TypeError, ValueError):
            # Nulls are among them.
            return list(map(whole_number, values))
    return values if set(map(type, values)) == {int} else list(map(whole_number, values))
