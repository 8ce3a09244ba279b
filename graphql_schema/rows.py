"""Types that show rows of the database: an object holds its row, and reads from it only what is asked.

    of = of_row(total=money("total_minor"), product_id="product")

An attribute is the column of its name unless another reading is declared, brought into the form its annotation wants:
an ID is text, a vocabulary's word its member.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from decimal import Decimal
from enum import Enum
from operator import itemgetter
from typing import Any, ClassVar, get_args, get_type_hints

import strawberry

from app.core.money import from_minor

Read = Callable[[Any], Any]
"""An attribute's value from a row."""


def money(column: str) -> Read:
    """An amount in minor units of the row's currency, in major units; None where there is none."""

    def read(row: Any) -> Decimal | None:
        minor = row[column]
        return None if minor is None else from_minor(minor, row["currency"])

    return read


class Row:
    """What all classes made by `of_row` are beside the type they show."""

    __slots__ = ()
    reads: ClassVar[Mapping[str, Read]]
    row: Any


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
    return property(lambda self: read(self.row))


def _column(column: str, hint: Any) -> Read:
    of_column = itemgetter(column)
    kinds = get_args(hint) or (hint,)
    if strawberry.ID in kinds:
        return lambda row: None if (value := of_column(row)) is None else str(value)
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, Enum):
            members: dict[Any, Any] = {None: None, **{member.value: member for member in kind}}
            return lambda row: members[of_column(row)]
    return of_column
