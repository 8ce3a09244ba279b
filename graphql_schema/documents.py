"""Documents that were parsed, bounded and validated once, and are kept under their text, or its shape (literals.py)."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    ValuesOfCorrectTypeRule,
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
from graphql_schema.execution.inputs import variables_in
from graphql_schema.execution.operation import Operation
from graphql_schema.execution.plan import NotCompiled, Plan, compile_plan
from graphql_schema.limits import Meter
from graphql_schema.literals import Cut, Lifted, cut, lift
from graphql_schema.unreadable import Items
from graphql_schema.values_rule import ValuesRule

NODES_KEPT_MAX = 25_000
"""Syntax nodes of all kept documents together: with their plans some three kilobytes each, so 75 megabytes."""

PLANS_KEPT_MAX = 16
"""Plans of one document: one for each combination of the values of its directives."""

SHAPES_KEPT_MAX = 10_000
"""Shapes of texts that are remembered: a few words each."""

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
    executed: dict[str | None, Operation] = field(default_factory=dict)
    deciding: tuple[str, ...] | None = None
    lifted: Lifted | None = None
    """How values are put into it, when it is the document of a shape."""

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
        self.kept: OrderedDict[Hashable, Prepared] = OrderedDict()
        # What stays in the documents of a shape that was met: by the shape's hash, for it only saves work.
        self._shapes: OrderedDict[int, tuple[int, ...] | None] = OrderedDict()
        self._nodes = 0
        library = (ValuesRule if rule is ValuesOfCorrectTypeRule else rule for rule in specified_rules)
        self._rules = [*library, MaybeNullValidationRule, OneOfInputValidationRule]
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
        _let_go(document)
        document = self.items.marked_document(document)
        operations = _operations(document)
        nodes = scan(document).nodes
        check_overlaps(document)
        return Prepared(document=document, operations=operations, nodes=nodes)

    def of_shape(self, text: str) -> tuple[Prepared, Cut] | None:
        """The document of a text's shape, and the values to put into it.

        None when the text is kept itself, or has no values, or is the first of its shape; and when it is refused, which
        `read` and `validate` say. The document takes the place of the text where all goes well: what is refused with it
        must be tried with the text, to be told of it as it was sent.
        """
        if text in self.kept or len(text) > self._settings.document_bytes_max:
            return None
        found = cut(text)
        if found is None:
            return None
        mark = hash(found.shape)
        if mark not in self._shapes:
            self._shapes[mark] = None
            if len(self._shapes) > SHAPES_KEPT_MAX:
                self._shapes.popitem(last=False)
            return None
        fixed = self._shapes[mark]
        key = None if fixed is None else (found.shape, *(found.values[index] for index in fixed))
        known = None if key is None else self.kept.get(key)
        if known is None:
            known = self._of_new_shape(text, found, mark)
        elif key is not None:
            self.kept.move_to_end(key)
        return None if known is None else (known, found)

    def _of_new_shape(self, text: str, found: Cut, mark: int) -> Prepared | None:
        try:
            prepared = self.read(text)
            lifted = self._errors(prepared) or lift(self._schema, prepared.document, found)
        except (Refused, DomainError):
            return None
        if not isinstance(lifted, Lifted):
            return None
        fixed = self._shapes[mark] = tuple(index for index, name in enumerate(lifted.places) if name is None)
        operations = _operations(lifted.document)
        made = Prepared(lifted.document, operations, prepared.nodes, is_valid=True, lifted=lifted)
        self._keep((found.shape, *(found.values[index] for index in fixed)), made)
        return made

    def meter(self, prepared: Prepared, operation: OperationDefinitionNode) -> Meter:
        """The meter of one of the document's operations."""
        name = operation.name.value if operation.name else None
        if name not in prepared.meters:
            prepared.meters[name] = Meter(self._schema, prepared.document, operation)
        return prepared.meters[name]

    def executed(self, prepared: Prepared, operation: OperationDefinitionNode) -> Operation:
        """One of the document's operations, as it is executed."""
        name = operation.name.value if operation.name else None
        found = prepared.executed.get(name)
        if found is None:
            found = prepared.executed[name] = Operation(self._schema, prepared.document, operation)
        return found

    def plan(self, prepared: Prepared, operation: OperationDefinitionNode, variables: VariableValues) -> Plan | str:
        """The plan of one of the document's operations, or why it has none."""
        if prepared.deciding is None:
            prepared.deciding = tuple(sorted(variables_in(prepared.document.definitions, directives=True)))
        given = variables.coerced
        key = (operation.name and operation.name.value, *(given.get(name, ...) for name in prepared.deciding))
        found = prepared.plans.get(key)
        if found is None:
            try:
                found = compile_plan(self._schema, operation, self.executed(prepared, operation).fragments, variables)
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
        errors = self._errors(prepared)
        if errors:
            raise Refused("GRAPHQL_VALIDATION_FAILED", errors)
        prepared.is_valid = True
        self._keep(text, prepared)

    def _errors(self, prepared: Prepared) -> list[GraphQLError]:
        return validate(
            self._schema, prepared.document, self._rules, max_errors=VALIDATION_ERRORS_MAX, hide_suggestions=True
        )

    def _keep(self, key: Hashable, prepared: Prepared) -> None:
        self.kept[key] = prepared
        self._nodes += prepared.nodes
        while self._nodes > NODES_KEPT_MAX and len(self.kept) > 1:
            _, dropped = self.kept.popitem(last=False)
            self._nodes -= dropped.nodes


def _let_go(document: DocumentNode) -> None:
    # Each token has the one before it and the one behind it, which nobody asks for: a node would keep all of its
    # document, and such a ring stays until all of the process is looked through, too seldom for texts that are new in
    # every request.
    token = None if document.loc is None else document.loc.start_token
    while token is not None:
        following, token.prev, token.next = token.next, None, None
        token = following


def _operations(document: DocumentNode) -> dict[str | None, OperationDefinitionNode]:
    return {
        definition.name.value if definition.name else None: definition
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode)
    }
