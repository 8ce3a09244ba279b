"""Sets of rows of one table, as dataclasses: inserted, found and changed set-wise, one statement each.

A RowTable is declared once per table that batches create and update. Its columns are those fields of the row's
dataclass that the table has; fields beside them are the feature's own (rows of other tables that belong to the thing).
"""

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import Field, dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Generic, Protocol, TypeVar, get_args, get_type_hints
from uuid import UUID

from sqlalchemy.dialects import postgresql

from app.core.context import Ctx
from app.db.session import ReadSession, WriteSession
from app.tables import TenantRow

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


class EntityRow(Protocol):
    """A row with an id of its own that remembers when it came and last changed: a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def id(self) -> UUID:
        """The row's id."""
        ...

    @property
    def created_at(self) -> datetime:
        """When it came."""
        ...

    @property
    def updated_at(self) -> datetime:
        """When it last changed."""
        ...


R = TypeVar("R", bound=EntityRow)


@dataclass(frozen=True, slots=True)
class Change(Generic[R]):
    """A row as it was, None when it is new, and as it is now."""

    before: R | None
    after: R

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that a change changed; none of a new row."""
        return () if self.before is None else differing(self.before, self.after)


def differing(one: R, other: R) -> tuple[str, ...]:
    """The fields in which two rows differ, but for their ids and times."""
    names = (field.name for field in fields(one) if field.name not in ("id", "created_at", "updated_at"))
    return tuple(name for name in names if getattr(one, name) != getattr(other, name))


class RowTable(Generic[R]):
    """The statements of one table.

    key: the columns (beside the tenant) of the unique constraint by which callers know a row. changeable: the columns
    that an update may write, which are all that the app's role is granted.
    """

    def __init__(self, table: type[TenantRow], row: type[R], *, key: Sequence[str], changeable: Sequence[str]) -> None:
        described: Any = table
        types = {column.name: column.type.compile(_DIALECT) for column in described.__table__.columns}
        hints = get_type_hints(row)
        self.name: str = described.__tablename__
        self.key = tuple(key)
        self._row = row
        self._columns = tuple(field.name for field in fields(row) if field.name in types)
        self._words = tuple(word_of(hints[column]) for column in self._columns)
        changed = ("id", *changeable, "updated_at")
        listed = ", ".join(self._columns)
        selected = ", ".join(f"{self.name}.{column}" for column in self._columns)
        matches = " AND ".join(f"{self.name}.{column} = asked.{column}" for column in self.key)
        by_key = f"""JOIN unnest({_arrays(self.key, types, first=2)}) AS asked ({", ".join(self.key)}) ON {matches}
            WHERE {self.name}.tenant_id = $1"""
        by_id = f"WHERE {self.name}.tenant_id = $1 AND {self.name}.id = ANY($2::uuid[])"
        locked = f"ORDER BY {self.name}.id FOR NO KEY UPDATE OF {self.name}"
        # Only declared names enter these texts; values are parameters.
        self._known = f"/* {self.name}.known */ SELECT id FROM {self.name} {by_id}"  # noqa: S608
        self._by_id = f"/* {self.name}.by_id */ SELECT {selected} FROM {self.name} {by_id}"  # noqa: S608
        self._find = f"/* {self.name}.find */ SELECT {selected} FROM {self.name} {by_key}"  # noqa: S608
        self._lock_keys = f"/* {self.name}.lock_keys */ SELECT {selected} FROM {self.name} {by_key} {locked}"  # noqa: S608
        self._lock = f"/* {self.name}.lock */ SELECT {selected} FROM {self.name} {by_id} {locked}"  # noqa: S608
        self._insert = f"""/* {self.name}.insert */
            INSERT INTO {self.name} (tenant_id, {listed})
            SELECT $1, new.*
            FROM unnest({_arrays(self._columns, types, first=2)}) AS new ({listed})
            ON CONFLICT (tenant_id, {", ".join(self.key)}) DO NOTHING
            RETURNING id"""  # noqa: S608
        self._update = f"""/* {self.name}.update */
            UPDATE {self.name}
            SET {", ".join(f"{column} = new.{column}" for column in changed[1:])}
            FROM unnest({_arrays(changed, types, first=2)}) AS new ({", ".join(changed)})
            WHERE {self.name}.tenant_id = $1 AND {self.name}.id = new.id"""  # noqa: S608
        self._changed = changed

    def key_of(self, row: R) -> Hashable | None:
        """What callers know the row by; None when they gave nothing to know it by."""
        values = tuple(getattr(row, column) for column in self.key)
        return None if None in values else values

    async def insert(self, ctx: Ctx, session: WriteSession, rows: Collection[R]) -> set[UUID]:
        """Ids of the rows that were inserted: all whose key was not there yet, also not in a transaction under way."""
        if not rows:
            return set()
        # Sorted: two batches with the same keys wait for each other instead of blocking each other.
        ordered = sorted(rows, key=lambda row: (str(self.key_of(row)), row.id))
        found = await session.fetch(self._insert, ctx.tenant_id, *_by_column(ordered, self._columns))
        return {record["id"] for record in found}

    async def known(self, ctx: Ctx, session: ReadSession, ids: Collection[UUID]) -> set[UUID]:
        """Those of the ids that are rows of the tenant."""
        records = await session.fetch(self._known, ctx.tenant_id, list(ids)) if ids else []
        return {record["id"] for record in records}

    async def by_id(self, ctx: Ctx, session: ReadSession, ids: Collection[UUID]) -> dict[UUID, R]:
        """Those of the rows with these ids that exist, by id."""
        records = await session.fetch(self._by_id, ctx.tenant_id, list(ids)) if ids else []
        return {record["id"]: self._made(record) for record in records}

    async def find(self, ctx: Ctx, session: ReadSession, keys: Collection[Hashable]) -> dict[Hashable, R]:
        """Those of the rows with these keys that exist, by key."""
        return self._keyed(await self._fetch(ctx, session, self._find, keys))

    async def lock_keys(self, ctx: Ctx, session: WriteSession, keys: Collection[Hashable]) -> dict[Hashable, R]:
        """As `find`; the rows are locked in id order until the end of the transaction."""
        return self._keyed(await self._fetch(ctx, session, self._lock_keys, keys))

    async def lock(self, ctx: Ctx, session: WriteSession, ids: Collection[UUID]) -> dict[UUID, R]:
        """Those of the rows with these ids that exist, by id, locked in id order until the end of the transaction."""
        records = await session.fetch(self._lock, ctx.tenant_id, list(ids)) if ids else []
        return {record["id"]: self._made(record) for record in records}

    async def update(self, ctx: Ctx, session: WriteSession, rows: Collection[R]) -> None:
        """Write the changeable columns of the rows, which exist and are locked."""
        if rows:
            tag = await session.execute(self._update, ctx.tenant_id, *_by_column(rows, self._changed))
            assert tag == f"UPDATE {len(rows)}", "locked rows do not vanish"

    async def _fetch(self, ctx: Ctx, session: ReadSession, sql: str, keys: Collection[Any]) -> list[R]:
        if not keys:
            return []
        columns = zip(*keys, strict=True)
        return [self._made(record) for record in await session.fetch(sql, ctx.tenant_id, *map(list, columns))]

    def _keyed(self, rows: Iterable[R]) -> dict[Hashable, R]:
        return {self.key_of(row): row for row in rows}

    def _made(self, record: Any) -> R:
        values = (
            value if word is None or value is None else word(value)
            for word, value in zip(self._words, record, strict=True)
        )
        return self._row(**dict(zip(self._columns, values, strict=True)))


def _arrays(columns: Sequence[str], types: dict[str, str], *, first: int) -> str:
    return ", ".join(f"${number}::{types[column]}[]" for number, column in enumerate(columns, start=first))


def _by_column(rows: Collection[Any], columns: Sequence[str]) -> list[list[Any]]:
    return [[getattr(row, column) for row in rows] for column in columns]


def word_of(hint: Any) -> type[StrEnum] | None:
    """The vocabulary of a field that is declared as one, or as one or None; else None."""
    for candidate in (hint, *get_args(hint)):
        if isinstance(candidate, type) and issubclass(candidate, StrEnum):
            return candidate
    return None
