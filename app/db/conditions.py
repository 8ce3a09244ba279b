"""Conditions that filters are made of. Two-valued: a row matches or it does not, nulls included.

A null passes `is_not_in`; `is_in` with `or_null` takes it too; an empty list matches nothing. Columns are declared
names, never a caller's text; values are parameters, tuples so that a condition can be a key.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from app.db.keyset import Condition


def is_in(column: str, values: Iterable[Any], sql_type: str, *, or_null: bool = False) -> Condition:
    """The column is one of the values, or null where that is asked too."""
    found = f"item.{column} = ANY({{}}::{sql_type}[])"
    return Condition(f"({found} OR item.{column} IS NULL)" if or_null else found, tuple(values))


def is_not_in(column: str, values: Iterable[Any], sql_type: str) -> Condition:
    """The column is none of the values; null is none of them."""
    return Condition(f"(item.{column} IS NULL OR item.{column} <> ALL({{}}::{sql_type}[]))", tuple(values))


def starts_with(column: str, prefix: str) -> Condition:
    """The column is known and begins with the prefix, letter by letter."""
    return Condition(f"starts_with(item.{column}, {{}}::text)", prefix)


def is_null(column: str, wanted: bool) -> Condition:
    """The column is null, or is not."""
    return Condition(f"item.{column} IS NULL" if wanted else f"item.{column} IS NOT NULL")


def since(column: str, instant: datetime) -> Condition:
    """The column is the instant or later."""
    return Condition(f"item.{column} >= {{}}::timestamptz", instant)


def until(column: str, instant: datetime) -> Condition:
    """The column is earlier than the instant."""
    return Condition(f"item.{column} < {{}}::timestamptz", instant)


def is_flag(column: str, wanted: bool) -> Condition:
    """The boolean column has this value."""
    return Condition(f"item.{column} = {{}}::boolean", wanted)
