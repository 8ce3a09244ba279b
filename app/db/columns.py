"""Rows by column: a statement gives each column as one array, all in one row, and no record is made for each row."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy.dialects import postgresql

from app.tables import TenantRow

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Form:
    """How values of a type travel: as which SQL, in which `{}` is the column, and what reads each where it must be."""

    sql: str = "{}"
    read: Callable[[Any], Any] | None = None


_AS_IT_IS = Form()

TEXT = Form("{}::text")
"""As its text, which whoever takes it reads."""

_FORMS = {
    # Read from its text in an eighth of the time: connections are in UTC.
    "TIMESTAMP WITH TIME ZONE": Form("{}::text", datetime.fromisoformat),
    # The same, in half the time.
    "NUMERIC": Form("{}::text", Decimal),
    # Arrays of arrays must be rectangular.
    "TEXT[]": Form("to_jsonb({})"),
}


@cache
def forms(table: str) -> Mapping[str, Form]:
    """The columns of a table of a tenant, and how they travel; none of what is a select."""
    if table not in TenantRow.metadata.tables:
        return {}
    columns = TenantRow.metadata.tables[table].columns
    kinds = {column.name: column.type.compile(_DIALECT) for column in columns}
    return {name: _FORMS.get(kind.split("(")[0], _AS_IT_IS) for name, kind in kinds.items()}


def by_column(statement: str, names: Sequence[str], known: Mapping[str, Form], more: Sequence[str] = ()) -> str:
    """The select that gives the columns of these names as arrays, of the rows of a select and in their order.

    more: what it gives behind them, once.
    """
    arrays = (f"array_agg({known.get(name, _AS_IT_IS).sql.format(f'rows.{name}')}) AS {name}" for name in names)
    return f"SELECT {', '.join([*arrays, *more])} FROM ({statement}\n        ) AS rows"  # noqa: S608 - only declared texts


class Rows:
    """Rows by column; more may be added below. A column is read when it is first asked for."""

    __slots__ = ("_columns", "_forms", "_length", "_read")

    def __init__(
        self, arrays: Mapping[str, list[Any] | None] | None = None, known: Mapping[str, Form] | None = None
    ) -> None:
        """arrays: what a select `by_column` gave, null where it has no rows. known: as it was told."""
        self._columns = {name: values or [] for name, values in (arrays or {}).items()}
        self._forms = known or {}
        self._length = max(map(len, self._columns.values()), default=0)
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
