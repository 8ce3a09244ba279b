"""Scalars and enums on their way out, a whole column at a time.

A column that holds only what its type always holds passes in one or two steps in C. Any other goes value by value
through graphql-core, which decides what it makes of it.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from math import isfinite
from operator import attrgetter
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLString,
    Undefined,
)
from graphql.execution.executor import Executor
from graphql.type.scalars import GRAPHQL_MAX_INT, GRAPHQL_MIN_INT

from graphql_schema.execution.columns import Done
from graphql_schema.execution.texts import plain, strings
from graphql_schema.scalars import (
    serialize_big_int,
    serialize_date,
    serialize_date_time,
    serialize_decimal,
    serialize_text,
)

_ZONE = attrgetter("tzinfo")

Leaf = Callable[[list[Any]], Done | None]
"""A column of values, none of them null, as it goes out; None when they must be looked at one by one."""


def leaf_of(kind: GraphQLLeafType) -> Leaf:
    """The quick way out for a type."""
    if isinstance(kind, GraphQLEnumType):
        return _enum(kind)
    if kind in (GraphQLString, GraphQLID):
        return _strings
    if kind is GraphQLInt:
        return _integers
    if kind is GraphQLBoolean:
        return _flags
    if kind is GraphQLFloat:
        return _floats
    return _OWN.get(kind.coerce_output_value, _one_by_one(kind))


def is_quick(kind: GraphQLLeafType) -> bool:
    """Whether the quick way out knows by itself what it is not for: nulls, failures, values of other classes."""
    own = (GraphQLString, GraphQLID, GraphQLInt, GraphQLBoolean, GraphQLFloat)
    return isinstance(kind, GraphQLEnumType) or kind in own or kind.coerce_output_value in _OWN


def one_value(kind: GraphQLLeafType, value: Any) -> Any:
    """One value, as graphql-core has it go out. Raises what it raises."""
    return Executor.complete_leaf_value(kind, value)


def _one_by_one(kind: GraphQLLeafType) -> Leaf:
    def leaf(values: list[Any]) -> Done | None:
        found = [kind.coerce_output_value(value) for value in values]
        return None if any(value is None or value is Undefined for value in found) else found

    return leaf


def _strings(values: list[Any]) -> Done | None:
    return strings(values) if _all(values, str) else None


def _integers(values: list[Any]) -> Done | None:
    is_plain = _all(values, int) and min(values) >= GRAPHQL_MIN_INT and max(values) <= GRAPHQL_MAX_INT
    return plain(values) if is_plain else None


def _flags(values: list[Any]) -> Done | None:
    return plain(values) if _all(values, bool) else None


def _floats(values: list[Any]) -> Done | None:
    return plain(values) if _all(values, float) and all(map(isfinite, values)) else None


def _big_integers(values: list[Any]) -> Done | None:
    if not _all(values, int):
        return None
    serialize_big_int(min(values))
    serialize_big_int(max(values))
    return plain(values)


def _decimals(values: list[Any]) -> Done | None:
    if not _all(values, Decimal):
        return None
    texts = list(map(str, values))
    # Exponents and what is not finite have letters.
    return strings(texts if "".join(texts).strip("-.0123456789") == "" else list(map(serialize_decimal, values)))


def _times(values: list[Any]) -> Done | None:
    if not _all(values, datetime):
        return None
    # In UTC they are left to the writer of JSON.
    is_utc = list(map(_ZONE, values)).count(UTC) == len(values)
    return plain(values) if is_utc else strings(list(map(serialize_date_time, values)))


def _dates(values: list[Any]) -> Done | None:
    return plain(values) if _all(values, date) else None


def _enum(kind: GraphQLEnumType) -> Leaf:
    # By the identity of members, which are always the same objects: they are hashed in Python.
    names: dict[int, str] = {}
    wrapped: Any = getattr(kind, "wrapped_cls", None)
    if isinstance(wrapped, type) and issubclass(wrapped, Enum):
        names = {id(member): kind.coerce_output_value(member) for member in wrapped}

    def leaf(values: list[Any]) -> Done | None:
        # Members only: nothing else has their identity, and has its own way through graphql-core.
        return strings(list(map(names.__getitem__, map(id, values)))) if names else None

    return leaf


def _all(values: list[Any], kind: type) -> bool:
    return set(map(type, values)) <= {kind}


_OWN: dict[Any, Leaf] = {
    serialize_big_int: _big_integers,
    serialize_decimal: _decimals,
    serialize_date_time: _times,
    serialize_date: _dates,
    serialize_text: _strings,
}
"""By what serialises the scalars of graphql_schema/scalars.py."""
