"""Documents that were parsed, bounded and validated once, and are kept under their text."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.values import VariableValues
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from app.errors import DomainError
from app.limits.documents import COMMENTS_MAX, scan
from app.limits.overlaps import check_overlaps
from app.settings import Settings
from graphql_schema.execution.plan import NotCompiled, Plan, compile_plan, variables_in
from graphql_schema.limits import Meter
from graphql_schema.unreadable import Items

NODES_KEPT_MAX = 100_000
"""Syntax nodes of all kept documents together: about a kilobyte each, so some hundred megabytes at the very worst."""

PLANS_KEPT_MAX = 16
"""Plans of one document: one for each combination of the values of its directives."""

VALIDATION_ERRORS_MAX = 100
"""Errors after which validation stops looking."""


class Refused(Exception):
    """A document or operation that is not executed: GraphQL errors of one code."""

    def __init__(self, code: str, errors: list[GraphQLError]) -> None:
        super().__init__(code)
        self.code = code
        self.errors = errors


@dataclass(slots=True)
class Prepared:
    """A document ready for execution. nodes: its size."""

    document: DocumentNode
    operations: dict[str | None, OperationDefinitionNode]
    nodes: int
    is_valid: bool = False
    meters: dict[str | None, Meter] = field(default_factory=dict)
    plans: dict[tuple[Any, ...], Plan | str] = field(default_factory=dict)
    """By operation and the values that decide; or the reason why there is none."""
    deciding: tuple[str, ...] | None = None

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation asked for. Raises Refused when there is none of the name, or no telling which."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        found = self.operations.get(name)
        if name is None or found is None:
            message = (
                "The document has no operation."
                if not self.operations
                else "The document has several operations. Say which in `operationName`."
                if name is None
                else "The document has no operation of this name."
            )
            raise Refused("OPERATION_RESOLUTION_FAILURE", [GraphQLError(message)])
        return found


class Documents:
    """The documents kept by one process, the least recently used dropped first."""

    def __init__(self, schema: GraphQLSchema, settings: Settings) -> None:
        self._schema = schema
        self._settings = settings
        self.items = Items(schema)
        self.kept: OrderedDict[str, Prepared] = OrderedDict()
        self._nodes = 0
        self._rules = [*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule]
        if not settings.introspection:
            self._rules.append(NoSchemaIntrospectionCustomRule)

    def read(self, text: str) -> Prepared:
        """The parsed document, perhaps not validated yet. Raises Refused, and DomainError beyond a bound."""
        known = self.kept.get(text)
        if known is not None:
            self.kept.move_to_end(text)
            return known
        if len(text.encode()) > self._settings.document_bytes_max:
            raise DomainError(
                "PAYLOAD_TOO_LARGE",
                f"The document has more than {self._settings.document_bytes_max} bytes. Pass values as variables.",
            )
        try:
            document = parse(text, max_lexical_tokens=self._settings.tokens_max, max_comments=COMMENTS_MAX)
        except GraphQLError as error:
            if f"more than {self._settings.tokens_max} tokens" in error.message:
                raise DomainError(
                    "PAYLOAD_TOO_LARGE",
                    f"The document has more than {self._settings.tokens_max} tokens. Pass values as variables, and ask "
                    "for fewer fields and aliases at once.",
                ) from None
            raise Refused("GRAPHQL_PARSE_FAILED", [error]) from None
        document = self.items.marked_document(document)
        operations = {
            definition.name.value if definition.name else None: definition
            for definition in document.definitions
            if isinstance(definition, OperationDefinitionNode)
        }
        nodes = scan(document).nodes
        check_overlaps(document)
        return Prepared(document=document, operations=operations, nodes=nodes)

    def meter(self, prepared: Prepared, operation: OperationDefinitionNode) -> Meter:
        """The meter of one of the document's operations."""
        name = operation.name.value if operation.name else None
        if name not in prepared.meters:
            prepared.meters[name] = Meter(self._schema, prepared.document, operation)
        return prepared.meters[name]

    def plan(self, prepared: Prepared, operation: OperationDefinitionNode, variables: VariableValues) -> Plan | str:
        """The plan of one of the document's operations, or why it has none."""
        if prepared.deciding is None:
            prepared.deciding = tuple(sorted(variables_in(prepared.document.definitions, directives=True)))
        given = variables.coerced
        key = (operation.name and operation.name.value, *(given.get(name, ...) for name in prepared.deciding))
        found = prepared.plans.get(key)
        if found is None:
            fragments = {
                definition.name.value: definition
                for definition in prepared.document.definitions
                if isinstance(definition, FragmentDefinitionNode)
            }
            try:
                found = compile_plan(self._schema, operation, fragments, variables)
            except NotCompiled as left:
                found = left.reason
            if len(prepared.plans) >= PLANS_KEPT_MAX:
                prepared.plans.clear()
            prepared.plans[key] = found
        return found

    def validate(self, text: str, prepared: Prepared) -> None:
        """Keep the document if it fits the schema; raise Refused if it does not. Refused ones are not kept."""
        if prepared.is_valid:
            return
        errors = validate(
            self._schema, prepared.document, self._rules, max_errors=VALIDATION_ERRORS_MAX, hide_suggestions=True
        )
        if errors:
            raise Refused("GRAPHQL_VALIDATION_FAILED", errors)
        prepared.is_valid = True
        self.kept[text] = prepared
        self._nodes += prepared.nodes
        while self._nodes > NODES_KEPT_MAX and len(self.kept) > 1:
            _, dropped = self.kept.popitem(last=False)
            self._nodes -= dropped.nodes
