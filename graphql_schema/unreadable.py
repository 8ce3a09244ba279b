"""Values that cannot be read, in items of batches: each is to refuse its item, and not the call.

GraphQL's own reading of input knows only the whole operation. So before it reads what one item of a batch brings, every
value whose kind fits (a text where a text is wanted) but whose content does not is replaced by an Unreadable, which all
scalars let pass. `writes.batch` finds it and refuses the item. Everything else a call brings, and every query, meets
the scalars as they are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Self

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    StringValueNode,
    ValueNode,
    get_named_type,
    type_from_ast,
)

from app.core.texts import is_storable

INTEGER_LENGTH_MAX = 40
"""Characters of an integer literal that is read as one: a longer one is beyond every scalar anyway."""


class Unreadable(str):
    """A value that cannot be read, as its text with escapes: storable, and different for different values.

    code, message: why its item is refused.
    """

    __slots__ = ("code", "message")
    code: str
    message: str

    def __new__(cls, value: object, code: str, message: str) -> Self:
        """The mark in the place of the value."""
        mark = super().__new__(cls, str(value).encode("unicode_escape").decode())
        mark.code = code
        mark.message = message
        return mark


class Items:
    """Marks what cannot be read in the items of a schema's batches.

    Items are the objects in lists of an argument `input` of a mutation, and all that is in them.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        fields = {} if schema.mutation_type is None else schema.mutation_type.fields
        self._arguments = {name: field.args for name, field in fields.items()}
        inputs = [get_named_type(args["input"].type) for args in self._arguments.values() if "input" in args]
        calls = [call for call in inputs if isinstance(call, GraphQLInputObjectType)]
        self.types: frozenset[str] = frozenset(
            name
            for call in calls
            for field in call.fields.values()
            if isinstance(_nullable(field.type), GraphQLList)
            for name in _names(get_named_type(field.type))
        )
        """Names of the input types that are items of mutations, or parts of them."""
        # Others are not looked into: what is sent for a type that holds itself can be of any depth.
        self._holders = self.types | {call.name for call in calls}

    def marked_variables(self, operation: OperationDefinitionNode, values: Mapping[str, Any]) -> dict[str, Any]:
        """The variables' values, marked. Equal to what they were where there is nothing to mark."""
        marked = dict(values)
        if operation.operation is not OperationType.MUTATION:
            # What a query takes is no item that could be refused apart, though it may be of an item's type.
            return marked
        for node in operation.variable_definitions or ():
            name = node.variable.name.value
            type_ = type_from_ast(self._schema, node.type)
            if name in marked and type_ is not None:
                marked[name] = self._value(marked[name], type_, is_item=False)
        return marked

    def marked_document(self, document: DocumentNode) -> DocumentNode:
        """The document with the literals of its mutations marked."""
        definitions = []
        is_marked = False
        for node in document.definitions:
            if isinstance(node, OperationDefinitionNode) and node.operation is OperationType.MUTATION:
                defaults = tuple(
                    definition
                    if definition.default_value is None
                    else replace(
                        definition,
                        default_value=self._literal(
                            definition.default_value, type_from_ast(self._schema, definition.type), is_item=False
                        ),
                    )
                    for definition in node.variable_definitions or ()
                )
                node = replace(node, variable_definitions=defaults, selection_set=self._selections(node.selection_set))
                is_marked = True
            elif isinstance(node, FragmentDefinitionNode) and self._is_of_mutations(node):
                node = replace(node, selection_set=self._selections(node.selection_set))
                is_marked = True
            definitions.append(node)
        return replace(document, definitions=tuple(definitions)) if is_marked else document

    def _is_of_mutations(self, fragment: FragmentDefinitionNode) -> bool:
        mutations = self._schema.mutation_type
        return mutations is not None and fragment.type_condition.name.value == mutations.name

    def _selections(self, selected: SelectionSetNode) -> SelectionSetNode:
        # Of the root only: no field further down takes items.
        found = []
        for node in selected.selections:
            if isinstance(node, InlineFragmentNode):
                node = replace(node, selection_set=self._selections(node.selection_set))
            elif isinstance(node, FieldNode) and node.name.value in self._arguments:
                node = replace(
                    node, arguments=tuple(self._argument(node, argument) for argument in node.arguments or ())
                )
            found.append(node)
        return replace(selected, selections=tuple(found))

    def _argument(self, field: FieldNode, argument: ArgumentNode) -> ArgumentNode:
        declared = self._arguments[field.name.value].get(argument.name.value)
        type_ = None if declared is None else declared.type
        return replace(argument, value=self._literal(argument.value, type_, is_item=False))

    def _value(self, value: Any, type_: Any, *, is_item: bool) -> Any:
        type_ = _nullable(type_)
        if isinstance(type_, GraphQLList):
            if isinstance(value, list):
                return [self._value(part, type_.of_type, is_item=is_item) for part in value]
            # One value stands for a list of one.
            return self._value(value, type_.of_type, is_item=is_item)
        if isinstance(type_, GraphQLInputObjectType):
            if not isinstance(value, dict) or type_.name not in self._holders:
                return value
            is_item = type_.name in self.types
            return {
                name: self._value(part, type_.fields[name].type, is_item=is_item) if name in type_.fields else part
                for name, part in value.items()
            }
        if is_item and isinstance(type_, GraphQLScalarType):
            mark = _mark(value, type_)
            return value if mark is None else mark
        return value

    def _literal(self, node: Any, type_: Any, *, is_item: bool) -> Any:
        type_ = _nullable(type_)
        if isinstance(node, ListValueNode):
            of_type = type_.of_type if isinstance(type_, GraphQLList) else None
            values = tuple(self._literal(part, of_type, is_item=is_item) for part in node.values)
            return replace(node, values=values)
        while isinstance(type_, GraphQLList):
            # One value stands for a list of one.
            type_ = _nullable(type_.of_type)
        if isinstance(node, ObjectValueNode) and isinstance(type_, GraphQLInputObjectType):
            if type_.name not in self._holders:
                return node
            is_item = type_.name in self.types
            known = type_.fields
            fields = tuple(
                replace(field, value=self._literal(field.value, known[field.name.value].type, is_item=is_item))
                if field.name.value in known
                else field
                for field in node.fields
            )
            return replace(node, fields=fields)
        if is_item and isinstance(type_, GraphQLScalarType):
            mark = _mark(_plain(node), type_)
            return node if mark is None else StringValueNode(value=mark, block=False, loc=node.loc)
        return node


def _mark(value: Any, type_: GraphQLScalarType) -> Unreadable | None:
    """The mark in the place of a value that the scalar refuses for its content, or that cannot be stored."""
    if isinstance(value, Unreadable) or not isinstance(value, (str, int, float)):
        return None
    try:
        type_.coerce_input_value(value)
    except GraphQLError as error:
        code = (error.extensions or {}).get("code")
        return None if code is None else Unreadable(value, code, error.message)
    if isinstance(value, str) and not is_storable(value):
        return Unreadable(value, "BAD_USER_INPUT", "It holds a character that is none (NUL or half of a pair).")
    return None


def _plain(node: ValueNode) -> str | int | float | None:
    match node:
        case StringValueNode():
            return node.value
        case IntValueNode():
            return int(node.value) if len(node.value) <= INTEGER_LENGTH_MAX else float(node.value)
        case FloatValueNode():
            return float(node.value)
        case _:
            return None


def _nullable(type_: Any) -> Any:
    return type_.of_type if isinstance(type_, GraphQLNonNull) else type_


def _names(type_: Any) -> Iterable[str]:
    """The input object type's name, and those of all in it."""
    if isinstance(type_, GraphQLInputObjectType):
        yield type_.name
        for field in type_.fields.values():
            yield from _names(get_named_type(field.type))
