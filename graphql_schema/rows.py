"""Types that show rows of the database: by column, and as objects where somebody takes them one by one.

    of = of_row(total=money("total_minor"), row_id="id")

An attribute is the column of its name unless another reading is declared, brought into the form its annotation wants:
an ID is text, a vocabulary's word its member. Rows can be read many at once, and a reading tells its columns, so that
lists load only those that a document asks for (`needed` in families.py).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import Enum
from itertools import chain, count
from typing import Any, ClassVar, get_args, get_type_hints

import strawberry

from app.core.money import exponent, point_writer
from app.db.columns import RowAt, Rows
from graphql_schema.execution.columns import Columnar, Done, Sparse, Written
from graphql_schema.execution.texts import strings

KNOWN_MAX = 200
"""Sets of attributes of a type of which it is remembered what columns they are read of."""


@dataclass(frozen=True, slots=True)
class Read:
    """How an attribute is read: of which columns, and its values of theirs, of many rows."""

    columns: tuple[str, ...]
    values: Callable[..., Sequence[Any]]


class Amounts(Written):
    """Amounts in major units, of minor units and their currencies; None where there is either not."""

    def __init__(self, minors: Sequence[int | None], currencies: Sequence[str | None]) -> None:
        self._minors, self._currencies = minors, currencies

    def written(self) -> list[Any]:
        """With the digits of their currencies; null for None."""
        codes = set(self._currencies)
        if len(codes) == 1 and None not in codes:
            (code,) = codes
            return point_writer(exponent(str(code)))(self._minors)
        return [None if value is None else format(value, "f") for value in self.values()]

    def values(self) -> list[Decimal | None]:
        """As decimals."""
        units = {code: Decimal(1).scaleb(-exponent(code)) for code in set(self._currencies) if code is not None}
        # Exact: 64-bit integers have fewer digits than Decimals in multiplication.
        return [
            None if minor is None or code is None else Decimal(minor) * units[code]
            for minor, code in zip(self._minors, self._currencies, strict=True)
        ]

    def __len__(self) -> int:
        return len(self._minors)


class Words(Written):
    """Members of a vocabulary, of their words. Raises KeyError for a word that is none of them."""

    def __init__(self, words: list[Any], vocabulary: "Vocabulary") -> None:
        self._words, self._vocabulary = words, vocabulary
        self._once = set(words)
        unknown = self._once - vocabulary.names.keys()
        if unknown:
            raise KeyError(*unknown)

    def written(self) -> Done:
        """As the API writes them; null for None."""
        names = self._vocabulary.names
        found = self._words if self._vocabulary.is_plain else list(map(names.__getitem__, self._words))
        return found if None in self._once else strings(found)

    def values(self) -> list[Any]:
        """The members."""
        return list(map(self._vocabulary.members.__getitem__, self._words))

    def __len__(self) -> int:
        return len(self._words)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A closed set of words: their members and how the API writes them; null for None. is_plain: as they are."""

    members: Mapping[Any, Any]
    names: Mapping[Any, Any]
    is_plain: bool


def money(column: str, *, currency: str = "currency") -> Read:
    """An amount in minor units of the row's currency, in major units; None where there is none.

    currency: the column that names it.
    """
    return Read((column, currency), Amounts)


def id_texts(values: Sequence[Any]) -> Sequence[Any]:
    """Ids as texts, which those of a table are already; None for None."""
    # A column is of one kind, but for what is None.
    if values and type(values[0]) is str:
        return values
    return [None if value is None else str(value) for value in values]


def plain_decimal(column: str) -> Read:
    """A decimal without the zeros that the database pads it with; None where there is none."""
    return Read((column,), lambda values: [None if value is None else value.normalize() for value in values])


class Row:
    """What all classes made by `of_row` are beside the type they show."""

    __slots__ = ()
    reads: ClassVar[Mapping[str, Read]]
    known: ClassVar[dict[frozenset[str], frozenset[str]]]
    """Columns of attributes that were asked for together."""

    def __init__(self, row: RowAt) -> None: ...

    @classmethod
    def columns(cls, attributes: frozenset[str]) -> frozenset[str]:
        """The columns that the attributes are read of: documents ask for the same again and again."""
        found = cls.known.get(attributes)
        if found is None:
            found = frozenset(column for name in attributes for column in cls.reads[name].columns)
            if len(cls.known) >= KNOWN_MAX:
                cls.known.clear()
            cls.known[attributes] = found
        return found


class Shown(Columnar):
    """Rows as objects of a type, by column. positions: which of the rows they are, in order."""

    def __init__(self, kind: type[Row], rows: Rows, positions: Sequence[int]) -> None:
        self.kind: type[Row] = kind
        self._rows, self._positions = rows, positions

    def column(self, attribute: str) -> Any:
        """The attribute of each object."""
        read = self.kind.reads[attribute]
        return read.values(*map(self._column, read.columns))

    def _column(self, name: str) -> list[Any]:
        column, positions = self._rows.column(name), self._positions
        if isinstance(positions, range) and positions.step > 0:
            return column[positions.start : positions.stop : positions.step]
        return list(map(column.__getitem__, positions))

    def distinct(self) -> tuple[Columnar, list[int]] | None:
        """Each row once, and which of these every object is."""
        if isinstance(self._positions, range):
            return None
        once = dict.fromkeys(self._positions)
        if len(once) == len(self._positions):
            return None
        places = dict(zip(once, count(), strict=False))
        return Shown(self.kind, self._rows, list(once)), list(map(places.__getitem__, self._positions))

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, index: Any) -> Any:
        found: Any = self._positions[index]
        return Shown(self.kind, self._rows, found) if isinstance(index, slice) else self.kind(RowAt(self._rows, found))

    def __iter__(self) -> Iterator[Any]:
        return (self.kind(RowAt(self._rows, position)) for position in self._positions)


def end_to_end(parts: Sequence[Sequence[int]]) -> Sequence[int]:
    """The positions of all parts: as a range where they are one, so that columns are cut and not gathered."""
    positions = list(chain.from_iterable(parts))
    if positions:
        whole = range(positions[0], positions[-1] + 1)
        if len(whole) == len(positions) and list(whole) == positions:
            return whole
    return positions


def shown(made: Callable[[Any], Any], rows: Rows, positions: Sequence[int]) -> Sequence[Any]:
    """Rows, at these positions, as what is made of them: by column where their type is made `of_row`."""
    kind: Any = made
    if isinstance(kind, type) and issubclass(kind, Row):
        return Shown(kind, rows, positions)
    return [made(RowAt(rows, position)) for position in positions]


def shown_some(made: Callable[[Any], Any], rows: Rows, positions: Sequence[int | None]) -> Sequence[Any]:
    """The same, and None for None."""
    if isinstance(positions, range):
        return shown(made, rows, positions)
    there = [position for position in positions if position is not None]
    found = shown(made, rows, there)
    return found if len(there) == len(positions) else Sparse(found, [position is not None for position in positions])


class of_row:
    """The class attribute `of`, which makes a row into the type it stands in. Readings are columns or functions."""

    def __init__(self, **readings: str | Read) -> None:
        self._readings = readings
        self._made: dict[type, Callable[[Any], Any]] = {}

    def __get__(self, _: Any, owner: type) -> Callable[[Any], Any]:
        """What makes a row into the type."""
        made = self._made.get(owner)
        if made is None:
            made = self._made[owner] = _of_rows(owner, self._readings)
        return made


def _of_rows(owner: Any, readings: Mapping[str, str | Read]) -> Callable[[Any], Any]:
    hints = _hints(owner)
    reads: dict[str, Read] = {}
    for declared in fields(owner):
        if not declared.init:
            continue
        reading = readings.get(declared.name, declared.name)
        reads[declared.name] = _column(reading, hints[declared.name]) if isinstance(reading, str) else reading
    unknown = set(readings) - set(reads)
    assert not unknown, f"{owner.__name__} has no attributes {', '.join(sorted(unknown))}"

    def __init__(self: Any, row: RowAt) -> None:
        self.row = row

    body: dict[str, Any] = {name: _property(read) for name, read in reads.items()}
    return type(f"{owner.__name__}Row", (owner, Row), {**body, "__init__": __init__, "reads": reads, "known": {}})


def _hints(owner: type) -> dict[str, Any]:
    # Only the annotations of values: those of resolvers may name types that are not there yet.
    return get_type_hints(owner, include_extras=False)


def _property(read: Read) -> property:
    return property(lambda self: read.values(*([self.row[name]] for name in read.columns))[0])


def _column(column: str, hint: Any) -> Read:
    kinds = get_args(hint) or (hint,)
    if strawberry.ID in kinds:
        return Read((column,), id_texts)
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, Enum):
            return _word(column, kind)
    return Read((column,), lambda values: values)


def _word(column: str, kind: type[Enum]) -> Read:
    # What Strawberry put there: an enum's own members need not have the names that the API gives them.
    defined: Any = kind
    members: dict[Any, Any] = {None: None, **{member.value: member for member in kind}}
    names = {None: None, **{each.value: each.name for each in defined.__strawberry_definition__.values}}
    vocabulary = Vocabulary(members, names, is_plain=all(word == name for word, name in names.items()))
    return Read((column,), lambda words: Words(words, vocabulary))
