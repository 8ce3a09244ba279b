"""Rows by column: a statement gives each column as one value, all in one row, and no record is made for each row."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, cast

from sqlalchemy import Column
from sqlalchemy.dialects import postgresql

from app.tables import TenantRow
from app.tables.base import WORD

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Form:
    """How the values of a column travel: as which SQL, in which `{}` is the column, and what reads each if need be.

    An array is taken apart value by value, each made into an object before anybody wants it; one text of all values,
    with commas between them, in one step. As such travels what never has a comma. Null is "" in it.
    """

    sql: str = "array_agg({})"
    read: Callable[[Any], Any] | None = None


_AS_IT_IS = Form()
_JOINED = "string_agg(coalesce({}::text, ''), ',')"

JOINED = Form(_JOINED)
"""Texts of ids and numbers, which whoever takes them reads."""

# Ids are shown, compared and sent back as texts: to make a UUID of one, only to write it, takes longer than the rest.
# Times are read from their texts in an eighth of the time: connections are in UTC. Numerics in half of it.
_READS: Mapping[str, Callable[[Any], Any] | None] = {
    "UUID": None,
    "TIMESTAMP WITH TIME ZONE": datetime.fromisoformat,
    "NUMERIC": Decimal,
}

# Arrays of arrays must be rectangular.
_LISTS = Form("array_agg(to_jsonb({}))")


@cache
def forms(table: str) -> Mapping[str, Form]:
    """The columns of a table of a tenant, and how they travel; none of what is a select."""
    found = TenantRow.metadata.tables.get(table)
    if found is None:
        return {}
    words = {constraint.info.get(WORD) for constraint in found.constraints}

    def form(column: Column[Any]) -> Form:
        kind = column.type.compile(_DIALECT).split("(")[0]
        if kind == "TEXT[]":
            return _LISTS
        if kind in _READS or column.name in words:
            return Form(_JOINED, _READS.get(kind))
        return _AS_IT_IS

    return {column.name: form(column) for column in found.columns}


def by_column(statement: str, names: Sequence[str], known: Mapping[str, Form], more: Sequence[str] = ()) -> str:
    """The select that gives the columns of these names, of the rows of a select and in their order, for `listed`.

    more: what it gives behind them, once.
    """
    columns = (f"{known.get(name, _AS_IT_IS).sql.format(f'rows.{name}')} AS {name}" for name in names)
    return f"SELECT {', '.join([*columns, *more])} FROM ({statement}\n        ) AS rows"  # noqa: S608 - only declared texts


def listed(column: Any) -> list[Any]:
    """The values of a column as a select `by_column` gave it; it is null where there are no rows."""
    if column is None:
        return []
    if type(column) is not str:
        return cast(list[Any], column)
    values: list[Any] = column.split(",")
    return [value or None for value in values] if "" in values else values


class Rows:
    """Rows by column; more may be added below. A column is read when it is first asked for."""

    __slots__ = ("_columns", "_forms", "_length", "_read")

    def __init__(
        self, arrays: Mapping[str, list[Any] | str | None] | None = None, known: Mapping[str, Form] | None = None
    ) -> None:
        """arrays: what a select `by_column` gave. known: as it was told."""
        self._columns = {name: listed(values) for name, values in (arrays or {}).items()}
        self._forms = known or {}
        lengths = set(map(len, self._columns.values()))
        assert len(lengths) <= 1, "columns of the same rows"
        self._length = lengths.pop() if lengths else 0
        self._read: dict[str, list[Any]] = {}

    @classmethod
    def together(cls, names: Sequence[str], known: Mapping[str, Form], rows: Collection[Sequence[Any]]) -> "Rows":
        """Rows that `apart` gave, of the select by these columns."""
        columns = map(list, zip(*rows, strict=True)) if rows else ([] for _ in names)
        return cls(dict(zip(names, columns, strict=True)), known)

    def apart(self) -> Sequence[tuple[Any, ...]]:
        """Each row as it came, for `together`."""
        return list(zip(*self._columns.values(), strict=True))

    def __len__(self) -> int:
        return self._length

    def column(self, name: str) -> list[Any]:
        """The values of a column, which nobody changes. Raises KeyError for one that was not selected."""
        found = self._columns[name]
        read = self._forms.get(name, _AS_IT_IS).read
        if read is None:
            return found
        done = self._read.setdefault(name, [])
        if len(done) < len(found):
            new = found[len(done) :]
            done += map(read, new) if None not in new else (None if value is None else read(value) for value in new)
        return done

    def add(self, more: "Rows") -> None:
        """Put rows with the same columns below these: of the same statement, or of any when these are as they are."""
        if not self._columns:
            self._columns, self._forms = more._columns, more._forms
        elif self._forms == more._forms:
            for name, values in self._columns.items():
                values += more._columns[name]
        else:
            assert not self._forms, "what is there is not read again"
            for name, values in self._columns.items():
                values += more.column(name)
        self._length += len(more)


@dataclass(frozen=True, slots=True)
class RowAt:
    """One of the rows, for whoever takes them one by one."""

    rows: Rows
    position: int

    def __getitem__(self, name: str) -> Any:
        return self.rows.column(name)[self.position]
