"""Plans: what a selection asks of each type, found out once for a document and read by run.py.

Selections are collected by graphql-core itself, so that fragments, directives and merged fields are what they are
there. What a plan depends on beside the document are the variables in its directives.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from inspect import iscoroutinefunction
from operator import attrgetter
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    TypeNameMetaFieldDef,
    get_argument_values,
    get_named_type,
    is_abstract_type,
    is_introspection_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.executor import to_nodes
from graphql.execution.values import VariableValues
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.unset import UNSET

from graphql_schema.execution import together
from graphql_schema.execution.arguments import converter
from graphql_schema.execution.inputs import Coerced, Unusual, arguments_reader, variables_in
from graphql_schema.execution.leaves import Leaf, is_quick, leaf_of
from graphql_schema.execution.objects import Build, builder
from graphql_schema.execution.quick import Quick, always, attributes, called, quick_of
from graphql_schema.permissions import Requires

PLAN_FIELDS_MAX = 2_000
"""Fields of one plan; documents that unfold to more are left to graphql-core, which unfolds only what it meets."""


class NotCompiled(Exception):
    """An operation that is left to graphql-core. reason: one of few words, for the metric."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Way(Enum):
    """How a field's values are had."""

    TYPENAME = "the type's name"
    ATTRIBUTE = "an attribute of each parent"
    CALL = "a plain resolver, called for each parent"
    AWAIT = "an async resolver, called for each parent"
    TOGETHER = "an async resolver that takes all parents at once"
    AT_ONCE = "a plain resolver that takes all parents at once"
    FOREIGN = "whatever Strawberry made of it, called for each parent"


@dataclass(slots=True)
class FieldPlan:
    """A field of a selection. nodes: those that ask for it.

    nullable: of its value and, for lists, of the items, from outside in. waits: whether anything of it, or below it, is
    async. below: plans of its object types by name.
    """

    key: str
    position: int
    details: list[FieldDetails]
    nodes: list[FieldNode]
    definition: GraphQLField
    parent: GraphQLObjectType
    nullable: tuple[bool, ...]
    named: GraphQLNamedType
    way: Way
    read: Callable[[Any], Any] | None = None
    attribute: str = ""
    call: Callable[..., Any] | None = None
    strawberry: StrawberryField | None = None
    convert: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None
    read_arguments: Callable[[Coerced], dict[str, Any]] | None = None
    checks: tuple[Requires, ...] = ()
    leaf: Leaf | None = None
    below: dict[str, "ObjectPlan"] = field(default_factory=dict)
    only: "ObjectPlan | None" = None
    """What is below, where its objects can be of one type alone, in one list at most."""
    kinds: dict[type, str] = field(default_factory=dict)
    """Names of the object types that instances of a class are of, for classes that were met."""
    waits: bool = False
    is_plain: bool = False
    """Whether it is no list, and its leaf knows the values that it can do nothing with."""
    passes_self: bool = False
    passes_info: str | None = None
    passes_parent: str | None = None
    arguments: dict[str, Any] | None = None
    """The arguments as the resolver gets them, where they are the same in every call."""
    quick: Quick | None = None
    """Its answers in one go, where nothing of it is awaited."""


@dataclass(slots=True)
class ObjectPlan:
    """What is selected of an object type. build: its columns, in order, made into objects."""

    kind: GraphQLObjectType
    fields: list[FieldPlan]
    build: Build
    waits: bool
    known: dict[type, bool] = field(default_factory=dict)
    """Whether instances of a class are of the type, for classes that were met."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole operation.

    reads: by the name of a type, the attributes that anything selected of it reads; None: any. in_single_file: whether
    at most one resolver is awaited at a time, and for one parent.
    """

    root: ObjectPlan
    is_serial: bool
    reads: Mapping[str, frozenset[str] | None]
    in_single_file: bool


_FIXED = (str, int, float, Decimal, date, type(None), type(UNSET), Enum)
"""Values that a resolver cannot change for the next call (datetimes are dates, flags are integers)."""


def arguments_of(schema: GraphQLSchema, plan: FieldPlan, variables: VariableValues) -> dict[str, Any]:
    """The arguments of a field as its resolver gets them. Raises what graphql-core and Strawberry raise."""
    assert plan.strawberry is not None, "only Strawberry's fields have resolvers"
    first = plan.details[0]
    if not plan.definition.args and not first.node.arguments:
        return {}
    if plan.read_arguments is None:
        plan.read_arguments, plan.convert = _arguments_read(plan), converter(schema, plan.strawberry)
    try:
        values = plan.read_arguments(variables.coerced)
    except Unusual:
        values = get_argument_values(
            plan.definition, first.node, variables, first.fragment_variable_values, hide_suggestions=True
        )
    assert plan.convert is not None, "made with the reader"
    return plan.convert(values)


def _arguments_read(plan: FieldPlan) -> Callable[[Coerced], dict[str, Any]]:
    try:
        return arguments_reader(plan.definition, plan.details[0].node)
    except Unusual:
        return _left_to_graphql_core


def _left_to_graphql_core(_: Coerced) -> dict[str, Any]:
    raise Unusual


def compile_plan(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: VariableValues,
) -> Plan:
    """The plan of an operation of a valid document. Raises NotCompiled."""
    if operation.directives or any(fragment.variable_definitions for fragment in fragments.values()):
        raise NotCompiled("directive")
    try:
        return _Compiler(schema, operation, fragments, variables).plan()
    except GraphQLError as error:
        # A directive's value: an error of the field below which it stands.
        raise NotCompiled("directive") from error


class _Compiler:
    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._fragments = {name: FragmentDetails(fragment) for name, fragment in fragments.items()}
        self._variables = variables
        self._fields = 0
        self._reads: dict[str, frozenset[str] | None] = {}

    def plan(self) -> Plan:
        kind = self._schema.get_root_type(self._operation.operation)
        assert kind is not None, "the operation is valid"
        found = collect_fields(self._schema, self._fragments, self._variables, kind, self._operation, True)
        root = self._object(kind, found.grouped_field_set)
        is_serial = self._operation.operation is OperationType.MUTATION
        in_single_file = not is_serial and _in_single_file(root)
        return Plan(root, is_serial=is_serial, reads=self._reads, in_single_file=in_single_file)

    def _object(self, kind: GraphQLObjectType, grouped: Mapping[str, list[FieldDetails]]) -> ObjectPlan:
        if is_introspection_type(kind):
            raise NotCompiled("introspection")
        definition = kind.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        if not isinstance(definition, StrawberryObjectDefinition) or definition.is_type_of is not None:
            raise NotCompiled("type")
        fields = []
        for position, (key, details) in enumerate(grouped.items()):
            found = self._schema.get_field(kind, details[0].node.name.value)
            assert found is not None, "the document is valid"
            fields.append(self._field(kind, key, position, details, found))
        self._note_reads(kind.name, fields)
        return ObjectPlan(
            kind=kind,
            fields=fields,
            build=builder([each.key for each in fields]),
            waits=any(each.waits for each in fields),
        )

    def _note_reads(self, name: str, fields: Sequence[FieldPlan]) -> None:
        known, read = self._reads.get(name, frozenset()), [_reads(each) for each in fields]
        one_by_one = [names for names in (known, *read) if names is not None]
        self._reads[name] = frozenset[str]().union(*one_by_one) if len(one_by_one) > len(read) else None

    def _field(
        self,
        parent: GraphQLObjectType,
        key: str,
        position: int,
        details: list[FieldDetails],
        definition: GraphQLField,
    ) -> FieldPlan:
        self._fields += 1
        if self._fields > PLAN_FIELDS_MAX:
            raise NotCompiled("size")
        nullable, named = _levels(definition)
        plan = FieldPlan(
            key=key,
            position=position,
            details=details,
            nodes=to_nodes(details),
            definition=definition,
            parent=parent,
            nullable=nullable,
            named=named,
            way=Way.FOREIGN,
        )
        self._choose_way(plan)
        is_foreign = plan.way is Way.FOREIGN
        awaits = plan.way in (Way.AWAIT, Way.TOGETHER) or (
            is_foreign and plan.strawberry is not None and plan.strawberry.is_async
        )
        if is_leaf_type(named):
            plan.leaf = leaf_of(named)
            plan.is_plain = len(nullable) == 1 and is_quick(named)
        else:
            for kind in self._object_kinds(named):
                below = collect_subfields(
                    self._schema, self._fragments, self._variables, self._operation, kind, details, True
                )
                plan.below[kind.name] = self._object(kind, below.grouped_field_set)
        if is_object_type(named) and len(nullable) <= 2:
            (plan.only,) = plan.below.values()
        # What is foreign may give something to be awaited whatever it says.
        plan.waits = awaits or is_foreign or any(each.waits for each in plan.below.values())
        if not plan.waits:
            plan.quick = quick_of(plan, _at_hand(plan))
        return plan

    def _object_kinds(self, named: GraphQLNamedType) -> list[GraphQLObjectType]:
        if is_object_type(named):
            return [named]
        assert is_abstract_type(named)
        definition = named.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        if getattr(definition, "resolve_type", None) is not None:
            raise NotCompiled("type")
        return list(self._schema.get_possible_types(named))

    def _choose_way(self, plan: FieldPlan) -> None:
        if plan.definition is TypeNameMetaFieldDef:
            plan.way = Way.TYPENAME
            return
        found = plan.definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        if not isinstance(found, StrawberryField):
            raise NotCompiled("introspection")
        plan.strawberry = found
        resolver = found.base_resolver
        if resolver is None:
            if found.is_basic_field:
                plan.way, plan.attribute, plan.read = Way.ATTRIBUTE, found.python_name, attrgetter(found.python_name)
            return
        if not all(type(extension) is Requires for extension in found.extensions):
            return
        plan.checks = tuple(extension for extension in found.extensions if isinstance(extension, Requires))
        parent = resolver.parent_parameter or resolver.root_parameter
        plan.passes_parent = parent.name if parent else None
        plan.passes_info = resolver.info_parameter.name if resolver.info_parameter else None
        plan.passes_self = resolver.self_parameter is not None
        call: Any = resolver.wrapped_func
        for_all = together.of(call)
        if for_all is not None:
            plan.way, plan.call = Way.TOGETHER if iscoroutinefunction(for_all) else Way.AT_ONCE, for_all
        else:
            plan.way, plan.call = Way.AWAIT if resolver.is_async else Way.CALL, call
        plan.arguments = self._constant(plan) if for_all is None or together.takes_arguments(call) else {}
        if for_all is not None and together.takes_key(call):
            plan.passes_info, plan.arguments = None, {"key": plan.key}

    def _constant(self, plan: FieldPlan) -> dict[str, Any] | None:
        """The arguments of a field in whose values no variable has a part, and nothing that a resolver could change."""
        if variables_in(plan.details[0].node.arguments or (), directives=False):
            return None
        try:
            found = arguments_of(self._schema, plan, self._variables)
        except Exception:  # noqa: BLE001 - whatever it is, it is raised again where it is an error of the field
            return None
        return found if all(isinstance(value, _FIXED) for value in found.values()) else None


def _at_hand(field: FieldPlan) -> Callable[[Any], Sequence[Any]] | None:
    """The values of a field by its parents' column, where nothing else is needed for them."""
    match field.way:
        case Way.TYPENAME:
            return always(field.parent.name)
        case Way.ATTRIBUTE:
            return attributes(field.attribute)
        case Way.AT_ONCE if field.arguments is not None and field.passes_info is None and not field.checks:
            assert field.call is not None, "a field that is called has a resolver"
            return called(field.call, field.arguments)
    return None


def _reads(field: FieldPlan) -> frozenset[str] | None:
    """The attributes of its parent that a field reads; None where nobody knows."""
    if field.way is Way.TYPENAME:
        return frozenset()
    if field.way is Way.ATTRIBUTE:
        return frozenset({field.attribute})
    resolver = field.strawberry.base_resolver if field.strawberry is not None else None
    call: Any = None if resolver is None else resolver.wrapped_func
    names = None if call is None else together.reads_of(call)
    return None if names is None else frozenset(names)


def _in_single_file(plan: ObjectPlan) -> bool:
    """Whether at most one resolver is awaited at a time, and for one parent, of a selection of which there is one."""
    waiting = [each for each in plan.fields if each.waits]
    if len(waiting) != 1:
        return not waiting
    (field,) = waiting
    below = [each for each in field.below.values() if each.waits]
    if field.way is Way.FOREIGN or (below and len(field.nullable) > 1):
        return False
    return all(map(_in_single_file, below))


def _levels(definition: GraphQLField) -> tuple[tuple[bool, ...], GraphQLNamedType]:
    nullable: list[bool] = []
    kind: Any = definition.type
    while True:
        is_nullable = not is_non_null_type(kind)
        nullable.append(is_nullable)
        kind = kind if is_nullable else kind.of_type
        if not is_list_type(kind):
            return tuple(nullable), get_named_type(kind)
        kind = kind.of_type
