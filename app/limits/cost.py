"""What an operation may cost at most, from its text and variables, before anything runs.

An object is a point, a plain field a tenth; a list counts as often as its page may have items, so nested pages
multiply. One pass: a fragment is measured once, however often it is spread, so the time grows with the document and not
with what it unfolds to. Fragment cycles are stood here and refused later, by validation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLDefaultInput,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from app.errors import DomainError

UNIT = 100
"""Parts of a point: costs are added as integers."""

OBJECT = UNIT
LEAF = UNIT // 10

INTROSPECTION_DIVISOR = 10
"""Introspection reads memory, not the database: its objects and fields cost a tenth."""

LIST_ITEMS_ASSUMED = 5
"""Items of a list that takes no page size: an order's lines, an influencer's profiles."""

INTROSPECTION_ITEMS = {"fields": 8, "args": 2, "inputFields": 4, "enumValues": 4}
"""Items of introspection's lists, on average; others 1. `types` has as many as the schema."""

INTROSPECTION_DEPTH_MAX = 20
"""The standard introspection query is 15 deep: deeper than what a selection of rows needs."""

RECURSION_MAX = 150
"""Nested selections and spreads that the pass follows: below Python's own limit with room for its callers."""

_PAGE_ARGUMENTS = ("first", "last")


@dataclass(frozen=True, slots=True)
class Weights:
    """What the schema's owner knows beyond types. page_items: of a connection whose query gives no size.

    extra: points of a field beside its object, by "Type.field": what runs a statement of its own.
    """

    page_items: int
    extra: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measured:
    """An operation's cost in points and its depth.

    size_variables: the variables that decided it: with the same values the measure is the same. visited: nodes that the
    pass looked at.
    """

    cost: int
    depth: int
    size_variables: tuple[str, ...]
    visited: int


@dataclass(frozen=True, slots=True)
class _Cost:
    """Of a selection: fixed, and for each item of the page it is on, in parts of a point; levels below it."""

    fixed: int = 0
    per_item: int = 0
    height: int = 0


def measure(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    weights: Weights,
    *,
    depth_max: int,
) -> Measured:
    """The operation's cost and depth. Raises QUERY_TOO_DEEP as soon as a selection is too deep."""
    root = schema.get_root_type(operation.operation)
    meter = _Meter(schema, document, operation, variables, weights, depth_max)
    cost = meter.selections(operation.selection_set, root, depth=1, nesting=1)
    points = -(-(cost.fixed + cost.per_item) // UNIT)
    return Measured(
        cost=points, depth=cost.height, size_variables=tuple(sorted(meter.size_variables)), visited=meter.visited
    )


class _Meter:
    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
        weights: Weights,
        depth_max: int,
    ) -> None:
        self.schema = schema
        self.variables = variables
        self.weights = weights
        self.depth_max = depth_max
        self.defaults = {
            definition.variable.name.value: definition.default_value
            for definition in operation.variable_definitions or ()
        }
        self.fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self.measured: dict[str, _Cost] = {}
        self.under_way: set[str] = set()
        self.size_variables: set[str] = set()
        self.visited = 0

    def selections(self, node: SelectionSetNode, parent: GraphQLNamedType | None, *, depth: int, nesting: int) -> _Cost:
        """The cost of a selection set on a type; None for a type that is not known."""
        self._check_depth(depth, parent, nesting)
        fixed = per_item = 0
        height = 1
        spread: set[str] = set()
        for selection in node.selections:
            self.visited += 1
            match selection:
                case FieldNode():
                    cost = self._field(selection, parent, depth=depth, nesting=nesting)
                case InlineFragmentNode():
                    on = selection.type_condition
                    inner = parent if on is None else self.schema.get_type(on.name.value)
                    cost = self.selections(selection.selection_set, inner, depth=depth, nesting=nesting + 1)
                case FragmentSpreadNode() if selection.name.value not in spread:
                    # A fragment spread twice in one selection is executed once.
                    spread.add(selection.name.value)
                    cost = self._fragment(selection.name.value, depth=depth, nesting=nesting)
                case _:
                    cost = _Cost()
            fixed += cost.fixed
            per_item += cost.per_item
            height = max(height, cost.height)
        return _Cost(fixed=fixed, per_item=per_item, height=height)

    def _fragment(self, name: str, *, depth: int, nesting: int) -> _Cost:
        known = self.measured.get(name)
        fragment = self.fragments.get(name)
        if known is None and fragment is not None and name not in self.under_way:
            self.under_way.add(name)
            on = self.schema.get_type(fragment.type_condition.name.value)
            known = self.selections(fragment.selection_set, on, depth=depth, nesting=nesting + 1)
            self.under_way.remove(name)
            self.measured[name] = known
        elif known is not None and fragment is not None:
            on = self.schema.get_type(fragment.type_condition.name.value)
            self._check_depth(depth + known.height - 1, on, nesting)
        return known or _Cost()

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, *, depth: int, nesting: int) -> _Cost:
        definition = _definition(self.schema, parent, node.name.value)
        named = None if definition is None else get_named_type(definition.type)
        divisor = INTROSPECTION_DIVISOR if _is_introspection(parent) or node.name.value.startswith("__") else 1
        if node.selection_set is None:
            return _Cost(fixed=LEAF // divisor, height=1)

        below = self.selections(node.selection_set, named, depth=depth + 1, nesting=nesting + 1)
        own = OBJECT // divisor
        if parent is not None:
            own += self.weights.extra.get(f"{parent.name}.{node.name.value}", 0) * UNIT
        height = 1 + below.height
        if definition is None or not _is_list(definition):
            items = self._page_items(node, definition) if below.per_item else 0
            return _Cost(fixed=own + below.fixed + items * below.per_item, height=height)
        each = OBJECT // divisor + below.fixed + below.per_item
        if _is_connection(parent) and node.name.value in ("edges", "nodes"):
            return _Cost(per_item=each, height=height)
        return _Cost(fixed=own - OBJECT // divisor + self._list_items(node, definition, parent) * each, height=height)

    def _page_items(self, node: FieldNode, definition: GraphQLField | None) -> int:
        return max(self._sizes(node, definition), default=self.weights.page_items)

    def _list_items(self, node: FieldNode, definition: GraphQLField, parent: GraphQLNamedType | None) -> int:
        if _is_introspection(parent):
            name = node.name.value
            return len(self.schema.type_map) if name == "types" else INTROSPECTION_ITEMS.get(name, 1)
        return max(self._sizes(node, definition), default=LIST_ITEMS_ASSUMED)

    def _sizes(self, node: FieldNode, definition: GraphQLField | None) -> list[int]:
        return [size for name in _PAGE_ARGUMENTS if (size := self._size(node, definition, name)) is not None]

    def _size(self, node: FieldNode, definition: GraphQLField | None, name: str) -> int | None:
        """How many items an argument asks for."""
        if definition is None or name not in definition.args:
            return None
        given = next((argument.value for argument in node.arguments or () if argument.name.value == name), None)
        size = None if given is None else self._value_size(given)
        if size is None:
            argument = definition.args[name]
            default = argument.default
            size = _count(argument.default_value) if default is None else self._default_size(default)
        return size

    def _default_size(self, default: GraphQLDefaultInput) -> int | None:
        return _count(default.value) if default.literal is None else self._value_size(default.literal)

    def _value_size(self, value: ValueNode | None) -> int | None:
        match value:
            case VariableNode():
                name = value.name.value
                self.size_variables.add(name)
                given = self.variables.get(name, Undefined)
                if given is Undefined:
                    return self._value_size(self.defaults.get(name))
                return _count(given)
            case IntValueNode():
                return _count(int(value.value))
            case _:
                return None

    def _check_depth(self, depth: int, parent: GraphQLNamedType | None, nesting: int) -> None:
        depth_max = INTROSPECTION_DEPTH_MAX if _is_introspection(parent) else self.depth_max
        if depth > depth_max or nesting > RECURSION_MAX:
            raise DomainError(
                "QUERY_TOO_DEEP",
                f"The selection is nested deeper than {depth_max} levels. Split the query.",
            )


def _count(value: Any) -> int | None:
    return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else None


def _definition(schema: GraphQLSchema, parent: GraphQLNamedType | None, name: str) -> GraphQLField | None:
    if parent is None or not hasattr(parent, "fields"):
        return None
    return schema.get_field(parent, name)  # type: ignore[arg-type]  # a type with fields is composite


def _is_list(definition: GraphQLField) -> bool:
    kind = definition.type
    if is_non_null_type(kind):
        kind = kind.of_type
    return is_list_type(kind) and not is_leaf_type(get_named_type(kind))


def _is_connection(parent: GraphQLNamedType | None) -> bool:
    return parent is not None and parent.name.endswith("Connection")


def _is_introspection(parent: GraphQLNamedType | None) -> bool:
    return parent is not None and parent.name.startswith("__")
