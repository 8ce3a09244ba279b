"""Random documents over a schema: fields, arguments, aliases, fragments, directives and variables. For comparisons."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
    parse,
    validate,
)

Make = Callable[[random.Random], Any]
"""A value of a scalar, as JSON."""

PLAIN: dict[str, Make] = {
    "Int": lambda chance: chance.choice((0, 1, 2, 5)),
    "Float": lambda chance: chance.choice((0.5, 2.0)),
    "String": lambda chance: chance.choice(("", "a", 'say "hi" \\ ü')),
    "ID": lambda chance: chance.choice(("1", "0190a8a0-0000-7000-8000-000000000000")),
    "Boolean": lambda chance: chance.random() < 0.5,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A document with the values of its variables."""

    document: str
    variables: dict[str, Any]


@dataclass(slots=True)
class _Draft:
    definitions: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)
    names: int = 0

    def name(self, prefix: str) -> str:
        self.names += 1
        return f"{prefix}{self.names}"


class Documents:
    """Documents that are valid for a schema. The same seed gives the same ones.

    roots: root fields that are asked; all but introspection when not given. scalars: how values of scalars are made.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        seed: int,
        *,
        scalars: Mapping[str, Make] | None = None,
        without: frozenset[str] = frozenset(),
        depth: int = 6,
    ) -> None:
        self._schema = schema
        self._chance = random.Random(seed)
        self._scalars = {**PLAIN, **(scalars or {})}
        self._without = without
        self._depth = depth

    def next(self) -> Asked:
        """A valid document."""
        while True:
            asked = self._drafted()
            if not validate(self._schema, parse(asked.document)):
                return asked

    def value(self, kind: Any) -> Any:
        """A value of an input type, as JSON."""
        return self._made(kind, 3)

    def _drafted(self) -> Asked:
        draft = _Draft()
        assert self._schema.query_type is not None
        body = self._selection(draft, self._schema.query_type, self._depth, fields_max=3)
        head = f"query Random({', '.join(draft.definitions)})" if draft.definitions else "query Random"
        return Asked("\n".join([f"{head} {body}", *draft.fragments]), draft.values)

    def _is(self, share: float) -> bool:
        return self._chance.random() < share

    def _selection(self, draft: _Draft, kind: Any, depth: int, fields_max: int = 4) -> str:
        parts = []
        if is_abstract_type(kind):
            chosen = [possible for possible in self._schema.get_possible_types(kind) if self._is(0.5)]
            parts += [self._fragment(draft, possible, depth) for possible in chosen]
        names = [name for name in getattr(kind, "fields", {}) if name not in self._without]
        for name in self._chance.sample(names, min(len(names), self._chance.randint(1, fields_max))):
            found = self._field(draft, name, kind.fields[name], depth)
            if found:
                parts.append(self._fragment(draft, kind, depth) if self._is(0.05) else found)
        if not parts or self._is(0.1):
            parts.append(f"{draft.name('kind')}: __typename" if self._is(0.5) else "__typename")
        return f"{{ {' '.join(parts)} }}"

    def _fragment(self, draft: _Draft, kind: Any, depth: int) -> str:
        body = self._selection(draft, kind, depth)
        if self._is(0.5):
            return f"... on {kind.name}{self._directive(draft)} {body}"
        name = draft.name("Part")
        draft.fragments.append(f"fragment {name} on {kind.name} {body}")
        return f"...{name}{self._directive(draft)}"

    def _directive(self, draft: _Draft) -> str:
        if not self._is(0.15):
            return ""
        name = self._chance.choice(("skip", "include"))
        return f" @{name}(if: {self._value(draft, GraphQLNonNull(self._schema.type_map['Boolean']), 0)})"

    def _field(self, draft: _Draft, name: str, found: GraphQLField, depth: int) -> str:
        named = get_named_type(found.type)
        if not is_leaf_type(named) and depth == 0:
            return ""
        arguments = self._arguments(draft, found.args)
        # Under a name of its own where it could not be merged with another of its name.
        alias = f"{draft.name('field')}: " if arguments or not is_leaf_type(named) or self._is(0.2) else ""
        below = "" if is_leaf_type(named) else f" {self._selection(draft, named, depth - 1)}"
        return f"{alias}{name}{arguments}{self._directive(draft)}{below}"

    def _arguments(self, draft: _Draft, args: Mapping[str, GraphQLArgument]) -> str:
        given = [
            f"{name}: {self._value(draft, argument.type, 3)}"
            for name, argument in args.items()
            if is_required_argument(argument) or self._is(0.3)
        ]
        return f"({', '.join(given)})" if given else ""

    def _value(self, draft: _Draft, kind: Any, depth: int) -> str:
        """A value as it stands in a document: a literal, or a variable."""
        value = self._made(kind, depth)
        if not self._is(0.4):
            return _literal(value, kind)
        name = draft.name("v")
        default = f" = {_literal(self._made(kind, depth), kind)}" if self._is(0.2) else ""
        draft.definitions.append(f"${name}: {kind}{default}")
        if not default or self._is(0.5):
            draft.values[name] = value
        return f"${name}"

    def _made(self, kind: Any, depth: int) -> Any:
        if isinstance(kind, GraphQLNonNull):
            return self._present(kind.of_type, depth)
        return None if self._is(0.15) else self._present(kind, depth)

    def _present(self, kind: Any, depth: int) -> Any:
        if isinstance(kind, GraphQLList):
            ends = depth <= 0 and not is_leaf_type(get_named_type(kind))
            return [] if ends else [self._made(kind.of_type, depth - 1) for _ in range(self._chance.randint(0, 2))]
        if isinstance(kind, GraphQLEnumType):
            return self._chance.choice(list(kind.values))
        if isinstance(kind, GraphQLInputObjectType):
            return self._object(kind, depth)
        return self._scalars[kind.name](self._chance)

    def _object(self, kind: GraphQLInputObjectType, depth: int) -> dict[str, Any]:
        if kind.extensions["strawberry-definition"].is_one_of:
            fields = kind.fields.items()
            name, found = self._chance.choice([item for item in fields if depth > 0 or _ends(item[1])])
            return {name: self._present(found.type, depth - 1)}
        return {
            name: self._made(found.type, depth - 1)
            for name, found in kind.fields.items()
            if is_required_input_field(found) or (depth > 0 and self._is(0.4))
        }


def _ends(found: GraphQLInputField) -> bool:
    # A list ends by being empty.
    return isinstance(found.type, GraphQLList) or is_leaf_type(get_named_type(found.type))


def _literal(value: Any, kind: Any) -> str:
    if isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    if value is None:
        return "null"
    if isinstance(kind, GraphQLList):
        return f"[{', '.join(_literal(item, kind.of_type) for item in value)}]"
    if isinstance(kind, GraphQLInputObjectType):
        pairs = (f"{name}: {_literal(item, kind.fields[name].type)}" for name, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(kind, GraphQLEnumType):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return str(value)
