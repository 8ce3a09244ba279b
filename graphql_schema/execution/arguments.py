"""Arguments on their way in: what graphql-core has read, as resolvers take it.

The same as Strawberry's conversion, with what depends on types alone found out once for each type, and not with each
value.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from functools import cache
from typing import Any

from graphql import GraphQLSchema
from strawberry.schema.compat import is_scalar
from strawberry.types.arguments import convert_argument
from strawberry.types.base import StrawberryList, StrawberryMaybe, StrawberryObjectDefinition, StrawberryOptional
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import LazyType
from strawberry.types.unset import UNSET

Convert = Callable[[Any], Any]


def converter(schema: GraphQLSchema, field: StrawberryField) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """What makes a field's arguments, by their names in documents, into what its resolver takes."""
    made: Any = schema._strawberry_schema  # type: ignore[attr-defined]  # kept there by Strawberry
    names = made.config.name_converter.from_argument
    parts = [(names(each), each.python_name, _of(made, each.type)) for each in field.arguments]

    def convert(values: Mapping[str, Any]) -> dict[str, Any]:
        return {to: part(values[name]) for name, to, part in parts if name in values}

    return convert


def _of(made: Any, kind: Any) -> Convert:
    registry, config = made.schema_converter.scalar_registry, made.config
    if isinstance(kind, StrawberryOptional) and not isinstance(kind, StrawberryMaybe):
        return _of(made, kind.of_type)
    if isinstance(kind, StrawberryList):
        return _list(_of(made, kind.of_type))
    if isinstance(kind, LazyType):
        return _of(made, kind.resolve_type())
    if isinstance(kind, StrawberryEnumDefinition) or is_scalar(kind, registry):
        return _as_it_is
    definition = getattr(kind, "__strawberry_definition__", None)
    if isinstance(definition, StrawberryEnumDefinition):
        return _as_it_is
    if isinstance(definition, StrawberryObjectDefinition) and definition.is_input and definition.from_input is None:
        return _input(made, kind)
    return lambda value: convert_argument(value, kind, registry, config)


def _as_it_is(value: Any) -> Any:
    return value


def _list(item: Convert) -> Convert:
    def convert(value: Any) -> Any:
        if value is None or value is UNSET:
            return value
        # A list of its own in any case: defaults are the same in every request.
        return list(value) if item is _as_it_is else [item(part) for part in value]

    return convert


@cache
def _input(made: Any, kind: Any) -> "_Input":
    # One for each type: types may lead back to themselves.
    return _Input(made, kind, kind.__strawberry_definition__)


class _Input:
    """Input objects of a type. Its fields are looked at with the first object."""

    def __init__(self, made: Any, kind: Any, definition: StrawberryObjectDefinition) -> None:
        self._made = made
        self._kind = kind
        self._definition = definition
        self._fields: list[tuple[str, str, Convert]] | None = None
        self._absent: dict[str, None] = {}

    def __call__(self, value: Any) -> Any:
        """The object."""
        if value is None or value is UNSET:
            return value
        if self._fields is None:
            self._fields = self._found()
        given = {to: part(value[name]) for name, to, part in self._fields if name in value}
        return self._kind(**self._absent | given)

    def _found(self) -> list[tuple[str, str, Convert]]:
        names = self._made.config.name_converter.from_field
        declared = self._definition.fields
        self._absent = {
            each.python_name: None
            for each in declared
            if each.default_value is MISSING and each.default_factory is MISSING
        }
        return [
            (names(each), each.python_name, _of(self._made, each.resolve_type(type_definition=self._definition)))
            for each in declared
        ]
