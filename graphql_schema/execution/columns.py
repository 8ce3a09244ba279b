"""Columns of values on their way through a plan: what failed in them, and where they stand in the answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from itertools import islice
from typing import Any

from graphql import GraphQLError
from graphql.pyutils import gather_with_cancel

Column = list[Any]


@dataclass(frozen=True, slots=True)
class Failed:
    """An error on its way to what may be null. order: its place among all: the wait it came after, then as written."""

    error: GraphQLError
    order: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the values of a column stand in the answer.

    outer: the place of what they are of. One of: key and position, of a field; lists, whose items they are, laid end to
    end; among, of which they are those that are there; picked, their indices in the outer column. turn: number of the
    wait that their field ended, if it was waited for.
    """

    outer: "Place | None" = None
    key: str | None = None
    position: int = 0
    lists: Sequence[Sequence[Any]] | None = None
    among: Sequence[Any] | None = None
    picked: Sequence[int] | None = None
    turn: int | None = None

    def turn_of(self) -> int:
        """When its values were there: 0 for what was not waited for."""
        place: Place | None = self
        while place is not None:
            if place.turn is not None:
                return place.turn
            place = place.outer
        return 0

    def of(self, index: int) -> tuple[tuple[str | int, ...], tuple[int, ...]]:
        """The path of a value, and the path with fields by their position in the selection."""
        if self.outer is None:
            return (), ()
        if self.key is not None:
            path, order = self.outer.of(index)
            return (*path, self.key), (*order, self.position)
        if self.lists is not None:
            number, item = 0, index
            while item >= len(self.lists[number]):
                item -= len(self.lists[number])
                number += 1
            path, order = self.outer.of(number)
            return (*path, item), (*order, item)
        if self.among is not None:
            there = (number for number, value in enumerate(self.among) if is_there(value))
            return self.outer.of(next(islice(there, index, None)))
        assert self.picked is not None, "a place is of one kind"
        return self.outer.of(self.picked[index])


def is_there(value: Any) -> bool:
    """Whether the value is neither null nor failed."""
    return value is not None and not isinstance(value, Failed)


def there(values: Column) -> Column:
    """What is neither null nor failed: the column itself where all is."""
    found = [value for value in values if value is not None and type(value) is not Failed]
    return values if len(found) == len(values) else found


def first_failed(values: Iterable[Any]) -> Failed | None:
    """The first failure among values that are nulled together."""
    failed = [value for value in values if type(value) is Failed]
    return min(failed, key=lambda each: each.order) if failed else None


def caught(call: Any, *given: Any, **named: Any) -> Any:
    """What a call gives, or the exception that it raises."""
    try:
        return call(*given, **named)
    except Exception as error:  # noqa: BLE001 - an error of the field, in the place of its value
        return error


async def settled_all(awaited: Iterable[Any]) -> Column:
    """What all of them give, the exceptions that they raise, and what is not awaited as it is."""
    waiting = list(awaited)
    if len(waiting) == 1:
        return [await _settled(waiting[0])]
    return list(await gather_with_cancel(*map(_settled, waiting)))


async def _settled(value: Any) -> Any:
    try:
        return await value if isawaitable(value) else value
    except Exception as error:  # noqa: BLE001 - an error of the field, in the place of its value
        return error
