"""Rows of sums, as statements gave them or the cache kept them, and how they are taken apart. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.analytics.figures import whole_number
from app.analytics.layout import Layout, column
from app.analytics.plan import Plan
from app.analytics.semantic.dimensions import DIMENSIONS, KeyKind
from app.analytics.sql.cells import others
from app.core.ids import plain

Keys = tuple[UUID | str | int | None, ...]
"""Keys of a group, in the order of the facet's dimensions, None where unknown."""

GroupId = tuple[Keys, tuple[bool, ...]]
"""What tells groups of one time apart: keys, and of which dimensions they are the rest."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What the statement of one facet gave. samples: of each layer, one of so many keys was counted; () all of them."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    samples: tuple[int, ...] = ()

    def sums(self, layout: Layout) -> tuple[str, ...]:
        """The columns that are sums of the layout, in order."""
        known = {column(name, layer) for layer, names in enumerate(layout.sums) for name in names}
        return tuple([name for name in self.columns if name in known])

    def numbers(self, sums: Sequence[str]) -> Callable[[Sequence[Any]], list[int]]:
        """What reads these sums off a row."""
        places = [self.columns.index(name) for name in sums]
        return lambda row: [whole_number(row[place]) for place in places]


@dataclass(frozen=True, slots=True)
class GroupRows:
    """What the statements of one grouping gave. totals, members: None where they were not asked."""

    page: Rows
    totals: Rows | None = None
    members: Rows | None = None
    series: tuple[Rows, ...] = ()


@dataclass(frozen=True, slots=True)
class Computed:
    """What all statements of a question gave; None where nothing of the totals was asked. plan: None from the cache."""

    at: datetime
    totals: Rows | None
    series: tuple[Rows, ...]
    groups: tuple[GroupRows, ...]
    plan: Plan | None


Apart = dict[UUID | None, list[Sequence[Any]]]
"""Rows by parent."""


def by_parent(rows: Rows | None) -> Apart:
    """The rows of each parent; of None where there are no parents."""
    if rows is None:
        return {}
    if "parent" not in rows.columns:
        return {None: list(rows.rows)}
    at = rows.columns.index("parent")
    found: Apart = {}
    for row in rows.rows:
        found.setdefault(_id(row[at]), []).append(row)
    return found


def key_of(dimension: str, value: Any) -> UUID | str | int | None:
    """A key as it was read."""
    is_entity = DIMENSIONS[dimension].kind is KeyKind.ENTITY
    return _id(value) if is_entity and value is not None else value


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

    def id(self, row: Sequence[Any]) -> GroupId:
        """The group of a row, apart from its time."""
        keys = tuple([key_of(name, row[index]) for name, index in self.keys])
        return keys, tuple([index is not None and bool(row[index]) for index in self.others])

    def time(self, row: Sequence[Any]) -> int | None:
        """Number of its time bucket, from 1."""
        return None if self.bucket is None else row[self.bucket]


def _id(value: Any) -> UUID:
    return plain(value) if isinstance(value, UUID) else UUID(value)
