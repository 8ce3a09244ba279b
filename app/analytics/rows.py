"""Rows of sums, as statements gave them or the cache kept them, and how they are taken apart. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.analytics.figures import whole_number
from app.analytics.plan import Plan
from app.analytics.query import Parents
from app.analytics.semantic.dimensions import DIMENSIONS, KeyKind
from app.analytics.semantic.sums import MISSING_RATES
from app.analytics.sql.cells import others
from app.core.ids import plain

Keys = tuple[UUID | str | int | None, ...]
"""Keys of a group, in the order of the facet's dimensions, None where unknown."""

GroupId = tuple[Keys, tuple[bool, ...]]
"""What tells groups of one time apart: keys, and of which dimensions they are the rest."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What the statement of one facet gave, by column. samples: of each layer, one of so many keys was counted; () all
    of them."""

    columns: tuple[str, ...]
    values: tuple[Sequence[Any], ...]
    samples: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.values[0])

    def sample(self, layer: int) -> int:
        """One of so many keys of the layer was counted; 1: all."""
        return self.samples[layer] if self.samples else 1

    def of(self, name: str) -> Sequence[Any]:
        """A column."""
        return self.values[self.columns.index(name)]

    def picked(self, places: Sequence[int]) -> "Rows":
        """These rows of them."""
        found = tuple([[column[place] for place in places] for column in self.values])
        return Rows(self.columns, found, self.samples)

    def cut(self, start: int, end: int) -> "Rows":
        """Those from one place to another."""
        return Rows(self.columns, tuple([column[start:end] for column in self.values]), self.samples)

    def first(self, count: int) -> "Rows":
        """So many of them."""
        return self if len(self) <= count else self.cut(0, count)


def missing_rates(totals: Rows, places: Sequence[int]) -> int:
    """How many amounts are left out of the totals, for they have no exchange rate. places: of the rows, one at most."""
    columns = [totals.of(name) for name in MISSING_RATES if name in totals.columns]
    return sum(whole_number(column[place]) for column in columns for place in places)


@dataclass(frozen=True, slots=True)
class GroupRows:
    """What the statements of one grouping gave. totals, members: None where they were not asked.

    ranked: of each top, one of so many keys was counted by the measure that ranks.
    """

    page: Rows
    totals: Rows | None = None
    members: Rows | None = None
    series: tuple[Rows, ...] = ()
    ranked: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Computed:
    """What all statements of a question gave; None where nothing of the totals was asked. plan: None from the cache."""

    at: datetime
    totals: Rows | None
    series: tuple[Rows, ...]
    groups: tuple[GroupRows, ...]
    plan: Plan | None


Apart = dict[UUID | None, Rows]
"""Rows by parent; parents without rows are not in it."""

Places = dict[UUID | None, Sequence[int]]
"""Where the rows of each parent stand, in order; parents without rows are not in it."""


def places_by_parent(rows: Rows | None, parents: Parents | None) -> Places:
    """Where the rows of each of the parents stand; those of None where there are no parents."""
    if rows is None or not len(rows):
        return {}
    if "parent" not in rows.columns:
        # There is one at most.
        return {None if parents is None else parents.ids[0]: range(len(rows))}
    column = rows.of("parent")
    places: dict[Any, list[int]] = {parent: [] for parent in dict.fromkeys(column)}
    for place, parent in enumerate(column):
        places[parent].append(place)
    return {_id(parent): found for parent, found in places.items()}


def by_parent(rows: Rows | None, parents: Parents | None) -> Apart:
    """The rows of each of the parents; of None where there are no parents."""
    if rows is None:
        return {}
    return {
        parent: rows if len(places) == len(rows) else rows.picked(places)
        for parent, places in places_by_parent(rows, parents).items()
    }


def keys_of(dimension: str, values: Sequence[Any]) -> list[UUID | str | int | None]:
    """Keys as they were read; each that comes again is read once."""
    if not is_id(dimension):
        return list(values)
    known = {value: key_of(dimension, value) for value in dict.fromkeys(values)}
    return [known[value] for value in values]


def is_id(column: str) -> bool:
    """Whether a column of these rows holds ids."""
    return column == "parent" or (column in DIMENSIONS and DIMENSIONS[column].kind is KeyKind.ENTITY)


def key_of(dimension: str, value: Any) -> UUID | str | int | None:
    """A key as it was read."""
    return _id(value) if value is not None and is_id(dimension) else value


@dataclass(frozen=True, slots=True)
class GroupColumns:
    """Where the keys of groups stand in rows: of each dimension the key, and whether it is the rest of them."""

    keys: tuple[tuple[str, int], ...]
    others: tuple[int | None, ...]
    bucket: int | None

    @classmethod
    def of(cls, columns: Sequence[str], dimensions: Sequence[str]) -> "GroupColumns":
        """Those of these rows."""
        at = {name: index for index, name in enumerate(columns)}
        return cls(
            tuple((name, at[name]) for name in dimensions),
            tuple(at.get(others(name)) for name in dimensions),
            at.get("bucket"),
        )

    def ids(self, rows: Rows) -> list[GroupId]:
        """The group of each row, apart from its time."""
        count = len(rows)
        keys = [keys_of(name, rows.values[index]) for name, index in self.keys]
        rest = [[False] * count if index is None else list(map(bool, rows.values[index])) for index in self.others]
        return list(zip(zip(*keys, strict=True), zip(*rest, strict=True), strict=True)) if keys else [((), ())] * count

    def times(self, rows: Rows) -> Sequence[int | None]:
        """Number of the time bucket of each row, from 1."""
        return [None] * len(rows) if self.bucket is None else rows.values[self.bucket]


def _id(value: Any) -> UUID:
    return plain(value) if isinstance(value, UUID) else UUID(value)
