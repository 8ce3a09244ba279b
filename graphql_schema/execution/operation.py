"""An operation as it is executed: what all its executions have in common, and one of them.

An execution is what plans, and resolvers, read of graphql-core's executor. That one is part of a cycle and takes as
long to make as a small answer: it is made only where something is left to it.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
)
from graphql.execution.values import VariableValues
from graphql.pyutils import Path
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graphql_schema.execution.inputs import Unusual, Variables


class Operation:
    """An operation of a valid document."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, node: OperationDefinitionNode) -> None:
        self.schema, self.node = schema, node
        self.kind = node.operation.value
        self._document = document
        self.fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        try:
            self._variables: Variables | None = Variables(schema, node.variable_definitions or ())
        except Unusual:
            self._variables = None

    def execution(self, context: Any, given: Mapping[str, Any], *, errors_max: int) -> "Execution | list[GraphQLError]":
        """An execution with these variables, or what is wrong with them, in at most so many errors.

        context: what resolvers read as `info.context`.
        """
        if self._variables is not None:
            try:
                return Execution(self, context, given, self._variables.read(given))
            except Unusual:
                pass
        executor = self.executor(context, given, errors_max=errors_max)
        if isinstance(executor, list):
            return executor
        return Execution(self, context, given, executor.variable_values)

    def executor(self, context: Any, given: Mapping[str, Any], *, errors_max: int) -> Any:
        """graphql-core's executor, or what is wrong with the variables."""
        return StrawberryGraphQLCoreExecutionContext.build(
            self.schema,
            self._document,
            context_value=context,
            raw_variable_values=dict(given),
            operation_name=self.node.name.value if self.node.name else None,
            max_coercion_errors=errors_max,
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]  # it is one, and not typed so
            hide_suggestions=True,
            operation_extensions=None,
        )


class Execution:
    """One execution: attributes are those of graphql-core's executor, and kind: query, mutation or subscription.

    given: the variables as they were sent.
    """

    root_value = None
    is_awaitable = staticmethod(optimized_is_awaitable)
    abort_signal = None
    async_helpers = None
    operation_extensions = None

    def __init__(self, operation: Operation, context: Any, given: Mapping[str, Any], variables: VariableValues) -> None:
        self.schema = operation.schema
        self.operation = operation.node
        self.kind = operation.kind
        self.fragment_definitions: dict[str, FragmentDefinitionNode] = operation.fragments
        self.context_value = context
        self.variable_values = variables
        self._executed, self._given = operation, given

    def build_resolve_info(
        self, field: GraphQLField, nodes: list[FieldNode], parent: GraphQLObjectType, path: Path
    ) -> GraphQLResolveInfo[Any]:
        """What resolvers are told of their field."""
        like_it: Any = self
        return StrawberryGraphQLCoreExecutionContext.build_resolve_info(like_it, field, nodes, parent, path)

    @cached_property
    def executor(self) -> Any:
        """graphql-core's, for the same execution."""
        return self._executed.executor(self.context_value, self._given, errors_max=0)

    @property
    def type_resolver(self) -> Any:
        """What tells the type of an object whose interface does not."""
        return self.executor.type_resolver

    @property
    def ensure_valid_runtime_type(self) -> Any:
        """What makes of what was told a type, or an error."""
        return self.executor.ensure_valid_runtime_type


Executing = Execution | StrawberryGraphQLCoreExecutionContext
"""What a plan runs for."""
