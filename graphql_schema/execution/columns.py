"""Columns of values on their way through a plan: what failed in them, and where they stand in the answer."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from itertools import accumulate, chain, islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import orjson
from graphql import GraphQLError
from graphql.pyutils import Path, gather_with_cancel

Column = list[Any]


if TYPE_CHECKING:
    _Sequence = Sequence[Any]
else:
    # A sequence by registration: to ask whether something is of a class that has no ABC above it costs a tenth.
    _Sequence = object


class Kept(_Sequence):
    """A column that is kept otherwise than as a list."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, index: Any) -> Any: ...

    @abstractmethod
    def __iter__(self) -> Iterator[Any]: ...


class Columnar(Kept):
    """Objects of one class that are kept by column: a list to graphql-core, and never made one by one by a plan.

    kind: their class. None of them is null.
    """

    kind: type

    @abstractmethod
    def column(self, attribute: str) -> Column:
        """The attribute of each object."""

    def distinct(self) -> "tuple[Columnar, Sequence[int]] | None":
        """Each of the objects once, and which of these every object is; None where no two are known to be one."""
        return None


class Joined(Columnar):
    """Such lists, of the same kind, laid end to end."""

    def __init__(self, parts: Sequence[Columnar]) -> None:
        self.parts = parts
        self.kind = parts[0].kind
        self._length = sum(map(len, parts))

    def column(self, attribute: str) -> Column:
        """The attribute of each object."""
        return list(chain.from_iterable(part.column(attribute) for part in self.parts))

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: Any) -> Any:
        return list(self)[index]

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(self.parts)


class Sparse(Kept):
    """Objects, and nulls between them. are_there: where the objects stand."""

    def __init__(self, objects: Sequence[Any], are_there: Sequence[bool]) -> None:
        self.objects, self.are_there = objects, are_there

    def __len__(self) -> int:
        return len(self.are_there)

    def __getitem__(self, index: Any) -> Any:
        return list(self)[index]

    def __iter__(self) -> Iterator[Any]:
        found = iter(self.objects)
        return (next(found) if is_there else None for is_there in self.are_there)


class Nested(Kept):
    """Lists, laid end to end. sizes: of each."""

    def __init__(self, items: Sequence[Any], sizes: list[int]) -> None:
        self.items, self.sizes = items, sizes

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: Any) -> Any:
        return list(self)[index]

    def __iter__(self) -> Iterator[Any]:
        return (self.items[end - size : end] for size, end in zip(self.sizes, accumulate(self.sizes), strict=True))


class Written(Kept):
    """Values of leaves with what stands for them in JSON; each is made when it is asked.

    As a column they are the values of a field; as a value, those of a field that is a list.
    """

    @abstractmethod
    def written(self) -> "Done":
        """What stands for them in JSON; null for None. As texts only where there is no null."""

    @abstractmethod
    def values(self) -> Sequence[Any]:
        """What they are."""

    def __getitem__(self, index: Any) -> Any:
        return self.values()[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values())


class Ready(Written):
    """Such values that somebody else makes. length: how many."""

    def __init__(self, length: int, values: Callable[[], Sequence[Any]], written: Callable[[], "Done"]) -> None:
        self._length = length
        self._values = values
        self._written = written

    def written(self) -> "Done":
        """What stands for them in JSON; null for None."""
        return self._written()

    def values(self) -> Sequence[Any]:
        """What they are."""
        return self._values()

    def __len__(self) -> int:
        return self._length


class Texts(Kept):
    """A column of JSON: each is `before`, an item, `after`, as texts.py writes them.

    Taken one by one, they are what orjson copies.
    """

    def __init__(self, items: Sequence[str], before: str = "", after: str = "") -> None:
        self.items, self.before, self.after = items, before, after

    def whole(self) -> list[str]:
        """Each of them."""
        return [f"{self.before}{item}{self.after}" for item in self.items]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: Any) -> Any:
        found = Texts(self.items[index] if isinstance(index, slice) else [self.items[index]], self.before, self.after)
        return found if isinstance(index, slice) else next(iter(found))

    def __iter__(self) -> Iterator[orjson.Fragment]:
        return (orjson.Fragment(text.encode("latin-1")) for text in self.whole())


Done = Column | Texts
"""What became of a column of values."""


Sequence.register(Kept)  # type: ignore[type-abstract]  # of whoever is one


def end_to_end(lists: Sequence[Sequence[Any]]) -> Any:
    """The items of all lists: by column where all are."""
    if isinstance(lists, Nested):
        return lists.items
    if lists and all(isinstance(each, Columnar) for each in lists):
        return lists[0] if len(lists) == 1 else Joined(lists)  # type: ignore[arg-type]  # they are
    return list(chain.from_iterable(lists))


def sizes(lists: Sequence[Sequence[Any]]) -> list[int]:
    """How long each list is."""
    return lists.sizes if isinstance(lists, Nested) else list(map(len, lists))


def written(values: Sequence[Any], nullable: Sequence[bool]) -> "Done | None":
    """What somebody has written for a column of leaves, or of lists of them; None where the values must be looked at.

    nullable: of the values and, for lists, of the items.
    """
    done: Done
    if isinstance(values, Written) and len(nullable) == 1:
        done = values.written()
    elif len(nullable) == 2 and nullable[1] and all(value is None or isinstance(value, Written) for value in values):
        done = [None if value is None else _as_list(value.written()) for value in values]
    else:
        return None
    # A null that is refused is an error of its own.
    return done if nullable[0] or not has_null(done) else None


def has_null(done: "Done") -> bool:
    """Whether there is a null among what somebody has written."""
    return not isinstance(done, Texts) and None in done


def _as_list(done: "Done") -> Column:
    return done if isinstance(done, list) else list(done)


def values_of(objects: Sequence[Any], attribute: str) -> list[Any]:
    """An attribute of each object."""
    return objects.column(attribute) if isinstance(objects, Columnar) else list(map(attrgetter(attribute), objects))


def classes_of(values: Sequence[Any]) -> set[type]:
    """The classes of the values."""
    return {values.kind} if isinstance(values, Columnar) else set(map(type, values))


@dataclass(frozen=True, slots=True)
class Failed:
    """An error on its way to what may be null. order: its place among all: the wait it came after, then as written."""

    error: GraphQLError
    order: tuple[int, ...]


@dataclass(slots=True)
class Place:
    """Where the values of a column stand in the answer. Not changed once it is told: frozen ones take thrice as long.

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
        above, item = self._above(index)
        path, order = self.outer.of(above)
        return (path, order) if item is None else ((*path, item), (*order, item))

    def path(self, index: int, kind: str) -> Path | None:
        """The path of a value as resolvers are told it. kind: the name of the type that its field is of."""
        if self.outer is None:
            return None
        if self.key is not None:
            return Path(self.outer.path(index, kind), self.key, kind)
        above, item = self._above(index)
        path = self.outer.path(above, kind)
        return path if item is None else Path(path, item, None)

    def _above(self, index: int) -> tuple[int, int | None]:
        """Where in the outer column a value stands, and as which item of a list, if it is one."""
        if self.lists is not None:
            number, item = 0, index
            for number, size in enumerate(sizes(self.lists)):  # noqa: B007 - where it is left
                if item < size:
                    break
                item -= size
            return number, item
        if self.among is not None:
            there = (number for number, value in enumerate(self.among) if is_there(value))
            return next(islice(there, index, None)), None
        assert self.picked is not None, "a place is of one kind"
        return self.picked[index], None


def is_there(value: Any) -> bool:
    """Whether the value is neither null nor failed."""
    return value is not None and not isinstance(value, Failed)


def there(values: Column) -> Column:
    """What is neither null nor failed: the column itself where all is."""
    if isinstance(values, Sparse):
        return values.objects  # type: ignore[return-value]  # a column, kept otherwise
    if isinstance(values, Columnar | Nested):
        return values
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
