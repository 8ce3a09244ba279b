"""What the scans of facts are put together from."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal_column, select
from sqlalchemy.sql.expression import FromClause

from app.analytics.sql.cells import Cells
from app.analytics.sql.filters import Key
from app.analytics.sql.tables import BIG

UNKNOWN = Key(None)
"""The key of facts that never have it."""

WHOLE: ColumnElement[int] = literal_column("1000000000::bigint", BIG)
"""A whole credit."""


def grouped(
    source: FromClause,
    conditions: list[ColumnElement[bool]],
    keys: Mapping[str, Key],
    at: ColumnElement[Any],
    cells: Cells,
    sums: Mapping[str, ColumnElement[Any]],
) -> Select[Any]:
    """The sums over the rows of a source, by cell. keys, at: the dimensions and the time of a row."""
    columns = [*cells.keys(keys, at), *cells.summed(sums)]
    statement = select(*columns).select_from(source).where(*conditions, *cells.conditions(keys, at))
    return statement.group_by(*cells.grouping) if cells.columns else statement


def regrouped(rows: FromClause, cells: Cells, sums: Mapping[str, ColumnElement[Any]]) -> Select[Any]:
    """The sums over rows that have the columns of the cells already."""
    statement = select(*(rows.c[name] for name in cells.columns), *cells.summed(sums)).select_from(rows)
    return statement.group_by(*cells.grouping) if cells.columns else statement


def sum_of(value: ColumnElement[Any], *, where: ColumnElement[bool] | None = None) -> ColumnElement[Any]:
    """The sum, 0 of nothing."""
    found = func.sum(value)
    return func.coalesce(found if where is None else found.filter(where), literal_column("0"))


def count_of(where: ColumnElement[bool] | None = None) -> ColumnElement[Any]:
    """The number of rows."""
    found = func.count()
    return found if where is None else found.filter(where)


def looked_up(statement: Select[Any], name: str) -> FromClause:
    """The rows of a statement that names another's columns, found anew for each of its rows: for few among many.

    OFFSET 0 keeps it apart, so that it stays a look-up whatever the database's statistics make it expect.
    """
    return statement.offset(literal_column("0")).lateral(name)


def word(value: str) -> ColumnElement[str]:
    """One of our own words, such as a kind: written out, for it never changes."""
    return literal_column(f"'{value}'")
