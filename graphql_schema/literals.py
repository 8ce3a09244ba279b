"""Values written into documents, taken out of them: documents that differ in their values alone are one.

A text is cut at its numbers and strings by one regular expression. What is left, with the kind of each value and which
of them are equal, is its shape: texts of one shape are valid or not together, whatever their values. The document of
a shape has variables in the place of the values, typed as their places are; a value that can stand in no variable (in
a directive, as a default) is part of the shape's key.

Nothing is refused here. What is unusual (comments, block strings, several operations, values that do not fit) goes the
usual way, where it gets the error it deserves.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    NameNode,
    OperationDefinitionNode,
    Source,
    TypeInfo,
    TypeInfoVisitor,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    get_location,
    is_nullable_type,
    parse_type,
    visit,
)

LENGTH_MAX = 15
"""Characters of a number that is taken out: longer ones may be more than their kind can hold."""

VALUES_MAX = 500
"""Values of a document that are taken out."""

PREFIX = "_literal"

# A text that is not closed is taken whole as well, and then refused: it would be looked through from each quote in it.
_VALUE = re.compile(r'("(?:[^"\\\n\r]|\\.)*+"?|(?<![\w.$])-?\d[\w.+-]*)')
_INTEGER = re.compile(r"-?(?:0|[1-9]\d*)")
_FLOAT = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Cut:
    """A text without its values. starts, lengths: of the values in the text."""

    shape: str
    values: list[Any]
    starts: list[int]
    lengths: list[int]


@dataclass(frozen=True, slots=True)
class Lifted:
    """The document of a shape. places: the variable that each value is put into; None for those in the key.

    starts, lengths: of the values in the text that it was parsed from.
    """

    document: DocumentNode
    places: list[str | None]
    starts: list[int]
    lengths: list[int]

    def variables(self, values: Sequence[Any]) -> dict[str, Any]:
        """The variables of a text's values."""
        return {name: value for name, value in zip(self.places, values, strict=True) if name is not None}

    def move(self, error: GraphQLError, text: str, cut: Cut) -> None:
        """Tell an error's locations in a text of the shape, where they are told in the text that was parsed."""
        if error.positions:
            source = Source(text)
            error.locations = [get_location(source, self._moved(position, cut)) for position in error.positions]

    def _moved(self, position: int, cut: Cut) -> int:
        # Everything stands where it did, but for the lengths of the values before it.
        before = bisect_right(self.starts, position) - 1
        if before < 0:
            return position
        return position - self.starts[before] - self.lengths[before] + cut.starts[before] + cut.lengths[before]


def cut(text: str) -> Cut | None:
    """The text cut at its values; None when it has none, or holds what is better left whole."""
    parts = _VALUE.split(text)
    if not 3 <= len(parts) <= 2 * VALUES_MAX or '"""' in text or PREFIX in text or "\0" in text:
        return None
    values: list[Any] = []
    starts: list[int] = []
    raws = parts[1::2]
    seen: dict[str, str] = {}
    offset = 0
    for index, raw in enumerate(raws):
        offset += len(parts[2 * index])
        starts.append(offset)
        offset += len(raw)
        read = _read(raw)
        if read is None or "#" in parts[2 * index]:
            return None
        kind, value = read
        values.append(value)
        parts[2 * index + 1] = seen.setdefault(raw, f"{kind}{index}")
    return None if "#" in parts[-1] else Cut("\0".join(parts), values, starts, list(map(len, raws)))


def _read(raw: str) -> tuple[str, Any] | None:
    """The kind of a value and the value; None for what is none of the language, or may be more than its kind holds."""
    if raw[0] == '"':
        try:
            return "s", orjson.loads(raw)
        except orjson.JSONDecodeError:
            return None
    if len(raw) > LENGTH_MAX:
        return None
    if _INTEGER.fullmatch(raw):
        return "i", int(raw)
    if _FLOAT.fullmatch(raw) and isfinite(value := float(raw)):
        return "f", value
    return None


def lift(schema: GraphQLSchema, document: DocumentNode, found: Cut) -> Lifted | None:
    """The document of a valid text's shape; None when nothing can be taken out of it, or it has several operations."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(operations) != 1:
        return None
    types = TypeInfo(schema)
    lifting = _Lifting(types, found)
    lifted: DocumentNode = visit(document, TypeInfoVisitor(types, lifting))
    if not lifting.definitions:
        return None
    definitions = tuple(
        replace(node, variable_definitions=(*(node.variable_definitions or ()), *lifting.definitions.values()))
        if isinstance(node, OperationDefinitionNode)
        else node
        for node in lifted.definitions
    )
    return Lifted(replace(lifted, definitions=definitions), lifting.places, found.starts, found.lengths)


class _Lifting(Visitor):
    """Puts variables in the place of values in arguments of fields."""

    def __init__(self, types: TypeInfo, found: Cut) -> None:
        super().__init__()
        self._types = types
        self._indices = {start: index for index, start in enumerate(found.starts)}
        self._names = found.shape.split("\0")[1::2]
        self._made: dict[tuple[str, str], str] = {}
        self.places: list[str | None] = [None] * len(found.values)
        self.definitions: dict[str, VariableDefinitionNode] = {}

    def enter_variable_definition(self, *_: Any) -> Any:
        """Defaults stay."""
        return False

    def enter_directive(self, *_: Any) -> Any:
        """Directives stay."""
        return False

    def _replaced(self, node: Any, *_: Any) -> Any:
        kind = self._types.get_input_type()
        index = None if node.loc is None else self._indices.get(node.loc.start)
        if index is None or kind is None:
            return None
        # Equal values of one type are one variable: fields with equal arguments stay equal.
        wanted = f"{kind}!" if is_nullable_type(kind) else str(kind)
        name = self._made.setdefault((self._names[index], wanted), f"{PREFIX}{len(self._made)}")
        variable = VariableNode(name=NameNode(value=name), loc=node.loc)
        written = parse_type(wanted, no_location=True)
        self.definitions.setdefault(name, VariableDefinitionNode(variable=variable, type=written))
        self.places[index] = name
        return variable

    enter_int_value = enter_float_value = enter_string_value = _replaced
