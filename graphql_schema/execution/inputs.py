"""Values on their way in: variables and arguments read by what was found out of their types and nodes once.

A reading gives exactly what graphql-core gives, or raises Unusual: whoever reads then asks graphql-core, which makes of
the value what it makes of it, and tells its errors. So nothing is refused here, and no message is made.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from graphql import (
    DirectiveNode,
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLSchema,
    ListValueNode,
    Node,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    assert_leaf_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, input_is_nested_too_deeply
from graphql.utilities.coerce_input_value import coerce_default_value, coerce_input_literal, coerce_input_value

from app.limits.documents import children

Coerced = Mapping[str, Any]
"""Variables that have a value, as graphql-core has read them."""

Coerce = Callable[[Any], Any]
"""A value as it was sent, as its type has it. Raises Unusual."""

Read = Callable[[Coerced], Any]
"""The value of a node. Raises Unusual; gives Undefined where it is a variable without one."""


class Unusual(Exception):
    """A value, or a node, that graphql-core is to read."""


def variables_in(nodes: Iterable[Node], *, directives: bool) -> set[str]:
    """Names of the variables that stand below the nodes: all, or those in directives, which decide what a plan is."""
    found: set[str] = set()
    stack = [(node, not directives) for node in nodes]
    while stack:
        node, counts = stack.pop()
        if isinstance(node, VariableNode):
            if counts:
                found.add(node.name.value)
            continue
        counts = counts or isinstance(node, DirectiveNode)
        stack.extend((child, counts) for child in children(node))
    return found


class Variables:
    """The variables that an operation declares."""

    def __init__(self, schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]) -> None:
        """Raises Unusual for declarations that are not read here."""
        self._parts = [_declared(schema, definition) for definition in definitions]

    def read(self, given: Mapping[str, Any]) -> VariableValues:
        """Their values, of those that were sent. Raises Unusual."""
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        for name, signature, absent, coerce in self._parts:
            if name in given:
                value = given[name]
                sources[name] = VariableValueSource(signature, value)
                coerced[name] = coerce(value)
                continue
            sources[name] = VariableValueSource(signature)
            if absent is _REQUIRED:
                raise Unusual
            if absent is not Undefined:
                coerced[name] = absent
        return VariableValues(sources, coerced)


_REQUIRED = object()
"""In the place of the default of what must be given."""


def _declared(
    schema: GraphQLSchema, definition: VariableDefinitionNode
) -> tuple[str, GraphQLVariableSignature, Any, Coerce]:
    # A variable: its name and signature, what it is when it was not sent, and how it is read.
    signature = get_variable_signature(schema, definition)
    if not isinstance(signature, GraphQLVariableSignature):
        raise Unusual
    absent: Any = Undefined
    if definition.default_value is not None:
        absent = _default(signature)
    elif is_non_null_type(signature.type):
        absent = _REQUIRED
    try:
        coerce = _coercion(signature.type, ())
    except Unusual:
        coerce = _by_graphql_core(signature.type)
    return signature.name, signature, absent, coerce


def _by_graphql_core(kind: GraphQLInputType) -> Coerce:
    def coerce(value: Any) -> Any:
        try:
            found = Undefined if input_is_nested_too_deeply(value, kind) else coerce_input_value(value, kind)
        except Exception as error:
            raise Unusual from error
        if found is Undefined:
            raise Unusual
        return found

    return coerce


def _default(declared: GraphQLArgument | GraphQLInputField | GraphQLVariableSignature) -> Any:
    try:
        return coerce_default_value(declared)
    except TypeError as error:
        raise Unusual from error


def _coercion(kind: GraphQLInputType, above: tuple[GraphQLInputType, ...]) -> Coerce:
    # above: the input objects that it is of. How deep values of types within themselves may be is for graphql-core.
    if is_non_null_type(kind):
        inner = _coercion(kind.of_type, above)

        def required(value: Any) -> Any:
            if value is None:
                raise Unusual
            return inner(value)

        return required
    if is_list_type(kind):
        item = _coercion(kind.of_type, above)

        def listed(value: Any) -> Any:
            if value is None:
                return None
            if type(value) is not list:
                raise Unusual
            return [item(part) for part in value]

        return listed
    if is_input_object_type(kind):
        if kind in above:
            raise Unusual
        return _object(kind, (*above, kind))
    coerce_leaf = assert_leaf_type(kind).coerce_input_value

    def leaf(value: Any) -> Any:
        if value is None:
            return None
        try:
            found = coerce_leaf(value)
        except Exception as error:
            raise Unusual from error
        if found is Undefined:
            raise Unusual
        return found

    return leaf


def _object(kind: GraphQLInputObjectType, above: tuple[GraphQLInputType, ...]) -> Coerce:
    fields = [
        (name, field.out_name or name, _REQUIRED if is_required_input_field(field) else _default(field), coerce)
        for name, field in kind.fields.items()
        for coerce in (_coercion(field.type, above),)
    ]
    names, make, is_one_of = kind.fields.keys(), kind.out_type, kind.is_one_of

    def read(value: Any) -> Any:
        if value is None:
            return None
        if type(value) is not dict or not value.keys() <= names or (is_one_of and len(value) != 1):
            raise Unusual
        found = {}
        for name, out_name, absent, coerce in fields:
            if name in value:
                found[out_name] = coerce(value[name])
            elif absent is _REQUIRED:
                raise Unusual
            elif absent is not Undefined:
                found[out_name] = absent
        if is_one_of and not _is_one(found):
            raise Unusual
        return _made(make, found)

    return read


def _made(make: Callable[[dict[str, Any]], Any], found: dict[str, Any]) -> Any:
    try:
        return make(found)
    except Exception as error:
        raise Unusual from error


def _is_one(found: Mapping[str, Any]) -> bool:
    # graphql-core's Undefined is equal to None, so nothing is looked for by equality.
    return len(found) == 1 and all(value is not None for value in found.values())


def _found(parts: Iterable[tuple[str, Callable[[Coerced], Any], Any, bool]], variables: Coerced) -> dict[str, Any]:
    """Values by name. parts: name, what reads the value, what stands for an absent one, whether it is never null."""
    found = {}
    for name, value_of, absent, is_required in parts:
        value = value_of(variables)
        if value is Undefined:
            value = absent
        if value is _REQUIRED or (value is None and is_required):
            raise Unusual
        if value is not Undefined:
            found[name] = value
    return found


def arguments_reader(definition: GraphQLField, node: FieldNode) -> Callable[[Coerced], dict[str, Any]]:
    """What reads the arguments of a field of a valid document, by their names in it. Raises Unusual, now and then."""
    nodes = {argument.name.value: argument.value for argument in node.arguments or ()}
    given, absent = [], {}
    for name, argument in definition.args.items():
        node_of, is_required = nodes.get(name), is_non_null_type(argument.type)
        value_of, default = _argument(argument, node_of)
        if node_of is not None or default is _REQUIRED:
            given.append((argument.out_name or name, value_of, default, is_required))
        elif default is not Undefined:
            absent[argument.out_name or name] = default

    def read(variables: Coerced) -> dict[str, Any]:
        return {**absent, **_found(given, variables)}

    return read


def _argument(argument: GraphQLArgument, node: ValueNode | None) -> tuple[Read, Any]:
    # How its node is read, and what it is without a value.
    absent = _REQUIRED if is_required_argument(argument) else _default(argument)
    return (_nothing if node is None else _reading(node, argument.type)), absent


def _nothing(_: Coerced) -> Any:
    return Undefined


def _reading(node: ValueNode, kind: GraphQLInputType) -> Read:
    if isinstance(node, VariableNode):
        variable = node.name.value
        return lambda variables: variables.get(variable, Undefined)
    if not variables_in((node,), directives=False):
        value = coerce_input_literal(node, kind)
        if value is Undefined:
            raise Unusual
        return lambda _: value
    if is_non_null_type(kind):
        kind = kind.of_type
    if is_list_type(kind) and isinstance(node, ListValueNode):
        return _list_reading(node, kind.of_type)
    if is_input_object_type(kind) and isinstance(node, ObjectValueNode):
        return _object_reading(node, kind)
    raise Unusual


def _list_reading(node: ListValueNode, kind: GraphQLInputType) -> Read:
    items, is_nullable = [_reading(item, kind) for item in node.values], not is_non_null_type(kind)

    def read(variables: Coerced) -> Any:
        found = [item(variables) for item in items]
        if any(value is Undefined or (value is None and not is_nullable) for value in found):
            raise Unusual
        return found

    return read


def _object_reading(node: ObjectValueNode, kind: GraphQLInputObjectType) -> Read:
    nodes = {field.name.value: field.value for field in node.fields}
    if not nodes.keys() <= kind.fields.keys() or (kind.is_one_of and len(nodes) != 1):
        raise Unusual
    fields = [
        (
            field.out_name or name,
            _reading(nodes[name], field.type) if name in nodes else _nothing,
            _REQUIRED if is_required_input_field(field) else _default(field),
            is_non_null_type(field.type),
        )
        for name, field in kind.fields.items()
    ]
    make, is_one_of = kind.out_type, kind.is_one_of

    def read(variables: Coerced) -> Any:
        found = _found(fields, variables)
        if is_one_of and not _is_one(found):
            raise Unusual
        return _made(make, found)

    return read
