"""The questions of a document without running it: every `analytics` field that it selects, as the API would ask it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import strawberry
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    get_variable_values,
    is_abstract_type,
    is_object_type,
)

from app.analytics.query import Parents, Question
from app.core.ids import ZERO_ID
from app.limits.values import check_variables
from app.settings import Settings
from graphql_schema.analytics_selection import Document, asked
from graphql_schema.analytics_words import ENTITIES
from graphql_schema.documents import Documents, Refused
from graphql_schema.schema import schema as scoville_schema


@dataclass(frozen=True, slots=True)
class FoundQuestion:
    """An `analytics` field. path: names under which it answers, from the root.

    parents: under an entity, its dimension and one id that stands for those of the list.
    """

    path: tuple[str, ...]
    question: Question
    parents: Parents | None


def questions(
    text: str,
    variables: Mapping[str, Any] | None = None,
    *,
    operation_name: str | None = None,
    settings: Settings,
    schema: strawberry.Schema = scoville_schema,
) -> list[FoundQuestion]:
    """Every question of the operation, in the order of the document.

    Raises Refused for what is no document of the schema, DomainError beyond a bound.
    """
    documents = Documents(schema._schema, settings)
    prepared = documents.read(text)
    operation = prepared.operation(operation_name)
    documents.meter(prepared, operation).check(dict(variables or {}), settings)
    documents.validate(text, prepared)
    check_variables(text, dict(variables or {}))
    values = get_variable_values(schema._schema, operation.variable_definitions or (), dict(variables or {}))
    if isinstance(values, list):
        raise Refused("BAD_USER_INPUT", values)
    fragments = {
        definition.name.value: definition
        for definition in prepared.document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    document = Document(schema._schema, fragments, values, operation)
    root = schema._schema.get_root_type(operation.operation)
    assert root is not None, "the operation is valid"
    return [found for key, nodes in document.roots().items() for found in _questions(document, root, (key,), nodes)]


def _questions(
    document: Document, parent: GraphQLObjectType, path: tuple[str, ...], nodes: list[FieldNode]
) -> Iterator[FoundQuestion]:
    definition = document.schema.get_field(parent, nodes[0].name.value)
    assert definition is not None, "the document is valid"
    kind = get_named_type(definition.type)
    if kind.name == "Analytics":
        found = asked(document, nodes, document.arguments(parent.name, nodes[0]))
        dimension = parent.name.lower()
        parents = Parents(dimension, (ZERO_ID,)) if dimension in ENTITIES else None
        if found.runs:
            yield FoundQuestion(path, found.question, parents)
        return
    if kind.name.startswith("__"):
        return
    for each in _object_types(document, kind):
        for key, below in document.below(each.name, nodes).items():
            if not below[0].name.value.startswith("__"):
                yield from _questions(document, each, (*path, key), below)


def _object_types(document: Document, kind: GraphQLNamedType) -> list[GraphQLObjectType]:
    if is_abstract_type(kind):
        return list(document.schema.get_possible_types(kind))
    return [kind] if is_object_type(kind) else []
