"""Filters as predicates: two-valued, so that NOT and OR mean what they say also where a key is null."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, ColumnElement, and_, any_, cast, func, literal_column, not_, null, or_
from sqlalchemy import all_ as all_of_array

from app.analytics.query import AllOf, AnyOf, Filter, Matches, Not
from app.analytics.semantic.dimensions import DIMENSIONS, KeyKind
from app.analytics.sql.tables import SMALL, TEXT, UID, element, many, one
from app.core.ids import ZERO_ID

# Not true() and false(): a conjunction with those is simplified away, the tenant's predicate with it.
ALWAYS: ColumnElement[bool] = literal_column("true", Boolean())
NEVER: ColumnElement[bool] = literal_column("false", Boolean())


@dataclass(frozen=True, slots=True)
class Key:
    """A dimension's key in some table.

    column: None where the facts never have it. empty: what stands for null there, where it is not null.
    """

    column: ColumnElement[Any] | None
    empty: ColumnElement[Any] | None = None

    def value(self, kind: Any) -> ColumnElement[Any]:
        """The key, null where unknown. kind: its SQL type."""
        if self.column is None:
            return cast(null(), kind)
        return self.column if self.empty is None else func.nullif(self.column, self.empty)

    @property
    def is_null(self) -> ColumnElement[bool]:
        """Whether it is unknown."""
        if self.column is None:
            return ALWAYS
        return self.column.is_(None) if self.empty is None else self.column == self.empty

    def is_in(self, values: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether it is one of the values."""
        if self.column is None:
            return NEVER
        return and_(not_(self.is_null), self.column == any_(values))

    def is_listed(self, name: str, kind: Any, *, is_one: bool) -> ColumnElement[bool]:
        """Whether it is one of the values of a parameter. is_one: it is written as the one value that there is."""
        if not is_one or self.column is None:
            return self.is_in(many(name, kind))
        return and_(not_(self.is_null), self.column == element(name, kind, literal_column("1")))

    def is_not_in(self, values: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether it is none of the values; an unknown key is none of them."""
        if self.column is None:
            return ALWAYS
        return or_(self.is_null, self.column != all_of_array(values))

    def starts_with(self, prefix: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether it is known and starts so."""
        if self.column is None:
            return NEVER
        return and_(not_(self.is_null), func.starts_with(self.column, prefix))


_KINDS: dict[KeyKind, Any] = {KeyKind.ENTITY: UID, KeyKind.TEXT: TEXT, KeyKind.NUMBER: SMALL}


def kind_of(dimension: str) -> Any:
    """The SQL type of a dimension's keys."""
    return _KINDS[DIMENSIONS[dimension].kind]


@dataclass(frozen=True, slots=True)
class Mask:
    """The shape of a condition: which of its parts are there, under which numbers their values are bound.

    has_one: whether it lists one key.
    """

    dimension: str
    number: int
    has_in: bool
    has_one: bool
    has_not_in: bool
    has_prefix: bool
    is_null: bool | None


@dataclass(frozen=True, slots=True)
class Joint:
    """The shape of a connective."""

    word: str
    parts: tuple["Mask | Joint", ...]


def shape_of(where: Filter, values: dict[str, Any], numbers: Iterator[int]) -> Mask | Joint:
    """The filter without its values, which are added to `values` under the names that `predicate` binds."""
    match where:
        case AllOf():
            return Joint("and", tuple(shape_of(part, values, numbers) for part in where.parts))
        case AnyOf():
            return Joint("or", tuple(shape_of(part, values, numbers) for part in where.parts))
        case Not():
            return Joint("not", (shape_of(where.part, values, numbers),))
        case Matches():
            number = next(numbers)
            if where.isin is not None:
                values[f"in_{number}"] = _known(where.isin)
            if where.not_in is not None:
                values[f"not_in_{number}"] = _known(where.not_in)
            if where.starts_with is not None:
                values[f"prefix_{number}"] = where.starts_with
            return Mask(
                dimension=where.dimension,
                number=number,
                has_in=where.isin is not None,
                has_one=len(values.get(f"in_{number}", ())) == 1,
                has_not_in=where.not_in is not None,
                has_prefix=where.starts_with is not None,
                is_null=where.is_null,
            )


def _known(values: tuple[Any, ...]) -> list[Any]:
    # What stands for null in rollups is no key: asked for, it must not find the unknown ones.
    return [value for value in values if value not in (ZERO_ID, "")]


def requires(shape: Mask | Joint, dimension: str) -> bool:
    """Whether only facts with one of some listed keys of the dimension fit the filter."""
    if isinstance(shape, Mask):
        return shape.dimension == dimension and shape.has_in and shape.is_null is not True
    parts = [requires(part, dimension) for part in shape.parts]
    return (shape.word == "and" and any(parts)) or (shape.word == "or" and bool(parts) and all(parts))


def predicate(shape: Mask | Joint, keys: Mapping[str, Key], *, tells_one: bool = False) -> ColumnElement[bool]:
    """The filter over the keys of one table. tells_one: see Cells.conditions."""
    if isinstance(shape, Joint):
        parts = [predicate(part, keys, tells_one=tells_one) for part in shape.parts]
        if shape.word == "not":
            return not_(parts[0])
        if not parts:
            return ALWAYS if shape.word == "and" else NEVER
        return and_(*parts) if shape.word == "and" else or_(*parts)
    key = keys[shape.dimension]
    kind = kind_of(shape.dimension)
    conditions = []
    if shape.has_in:
        found = key.is_listed(f"in_{shape.number}", kind, is_one=tells_one and shape.has_one)
        conditions.append(or_(key.is_null, found) if shape.is_null else found)
    if shape.is_null is not None and not (shape.has_in and shape.is_null):
        conditions.append(key.is_null if shape.is_null else not_(key.is_null))
    if shape.has_not_in:
        conditions.append(key.is_not_in(many(f"not_in_{shape.number}", kind)))
    if shape.has_prefix:
        conditions.append(key.starts_with(one(f"prefix_{shape.number}", TEXT)))
    return and_(*conditions) if conditions else ALWAYS
