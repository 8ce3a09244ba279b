"""Types that show rows of the database: an object holds its row, and reads from it only what is asked.

    of = of_row(total=money("total_minor"), row_id="id")

An attribute is the column of its name unless another reading is declared, brought into the form its annotation wants:
an ID is text, a vocabulary's word its member. Rows can be read many at once, and a reading tells its columns, so that
lists load only those that a document asks for (`needed` in families.py).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import Enum
from operator import attrgetter, itemgetter
from typing import Any, ClassVar, get_args, get_type_hints

import strawberry

from app.core.money import exponent
from graphql_schema.execution.columns import Columnar

_OF_ROW = attrgetter("row")


@dataclass(frozen=True, slots=True)
class Read:
    """How an attribute is read: of which columns, and its values of many rows."""

    columns: tuple[str, ...]
    values: Callable[[Sequence[Any]], list[Any]]


def money(column: str) -> Read:
    """An amount in minor units of the row's currency, in major units; None where there is none."""
    pick = itemgetter(column, "currency")

    def values(rows: Sequence[Any]) -> list[Decimal | None]:
        pairs = list(map(pick, rows))
        units = {currency: Decimal(1).scaleb(-exponent(currency)) for currency in {currency for _, currency in pairs}}
        # Exact: 64-bit integers have fewer digits than Decimals in multiplication.
        return [None if minor is None else Decimal(minor) * units[currency] for minor, currency in pairs]

    return Read((column, "currency"), values)


class Row:
    """What all classes made by `of_row` are beside the type they show."""

    __slots__ = ()
    reads: ClassVar[Mapping[str, Read]]
    row: Any

    @classmethod
    def columns(cls, attributes: Iterable[str]) -> frozenset[str]:
        """The columns that the attributes are read of."""
        return frozenset(column for name in attributes for column in cls.reads[name].columns)


class Attributes:
    """Reads attributes of objects, of all of them at once. What only holds a row is passed by: its row is read."""

    __slots__ = ("_objects", "_reads", "_rows")

    def __init__(self, objects: Sequence[Any]) -> None:
        self._objects = objects
        self._reads: Mapping[str, Read] | None = None
        self._rows: list[Any] = []
        kind = type(objects[0]) if objects and not isinstance(objects, Columnar) else None
        if kind is not None and issubclass(kind, Row) and set(map(type, objects)) == {kind}:
            self._reads, self._rows = kind.reads, list(map(_OF_ROW, objects))

    def values(self, attribute: str) -> list[Any]:
        """The attribute of each object."""
        if isinstance(self._objects, Columnar):
            return self._objects.column(attribute)
        if self._reads is None:
            return list(map(attrgetter(attribute), self._objects))
        return self._reads[attribute].values(self._rows)


def values_of(objects: Sequence[Any], attribute: str) -> list[Any]:
    """An attribute of each object."""
    return Attributes(objects).values(attribute)


class of_row:
    """The class attribute `of`, which makes a row into the type it stands in. Readings are columns or functions."""

    def __init__(self, **readings: str | Read) -> None:
        self._readings = readings
        self._made: dict[type, Callable[[Any], Any]] = {}

    def __get__(self, _: Any, owner: type) -> Callable[[Any], Any]:
        """What makes a row into the type."""
        made = self._made.get(owner)
        if made is None:
            made = self._made[owner] = _shown(owner, self._readings)
        return made


def _shown(owner: Any, readings: Mapping[str, str | Read]) -> Callable[[Any], Any]:
    hints = _hints(owner)
    reads: dict[str, Read] = {}
    for declared in fields(owner):
        if not declared.init:
            continue
        reading = readings.get(declared.name, declared.name)
        reads[declared.name] = _column(reading, hints[declared.name]) if isinstance(reading, str) else reading
    unknown = set(readings) - set(reads)
    assert not unknown, f"{owner.__name__} has no attributes {', '.join(sorted(unknown))}"

    def __init__(self: Any, row: Any) -> None:
        self.row = row

    body: dict[str, Any] = {name: _property(read) for name, read in reads.items()}
    return type(f"{owner.__name__}Row", (owner, Row), {**body, "__init__": __init__, "reads": reads})


def _hints(owner: type) -> dict[str, Any]:
    # Only the annotations of values: those of resolvers may name types that are not there yet.
    return get_type_hints(owner, include_extras=False)


def _property(read: Read) -> property:
    return property(lambda self: read.values((self.row,))[0])


def _column(column: str, hint: Any) -> Read:
    of_column = itemgetter(column)
    kinds = get_args(hint) or (hint,)
    if strawberry.ID in kinds:
        return Read((column,), lambda rows: [None if value is None else str(value) for value in map(of_column, rows)])
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, Enum):
            return _word(column, kind)
    return Read((column,), lambda rows: list(map(of_column, rows)))


def _word(column: str, kind: type[Enum]) -> Read:
    of_column = itemgetter(column)
    members: dict[Any, Any] = {None: None, **{member.value: member for member in kind}}
    return Read((column,), lambda rows: [members[value] for value in map(of_column, rows)])
