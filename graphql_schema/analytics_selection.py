"""The question in a document: what is selected below an `analytics` field, with the arguments of its parts.

Arguments decide the rows, the selection decides the columns. Fragments, aliases, @skip and @include count as they do
when the fields are executed: the same library code collects them. Read by resolvers, and by whoever explains a document
without running it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_argument_values,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from app.analytics.query import Filter, GroupElement, Groups, OrderElement, Question, RangeAsk, Series
from graphql_schema.analytics_inputs import FactFilter, GroupBy, GroupOrder, MeasureRef, RangeInput, measure_columns
from graphql_schema.connection import PAGE_ITEMS_DEFAULT
from graphql_schema.context import Info

Fields = dict[str, list[FieldNode]]
"""Nodes by the name that they answer under, in order."""


@dataclass(frozen=True, slots=True)
class Document:
    """An operation with what it takes to read its selections."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: VariableValues
    operation: OperationDefinitionNode

    @staticmethod
    def of(info: Info) -> "Document":
        """The operation that is executed."""
        raw = info._raw_info
        # Strawberry shows the values alone; nothing is told of where they came from.
        return Document(raw.schema, raw.fragments, VariableValues({}, info.variable_values), raw.operation)

    def roots(self) -> Fields:
        """The root fields."""
        kind = self.schema.get_root_type(self.operation.operation)
        assert kind is not None, "the operation is valid"
        found = collect_fields(self.schema, self._details(), self.variables, kind, self.operation)
        return _nodes(found.grouped_field_set)

    def below(self, kind: str, nodes: Iterable[FieldNode]) -> Fields:
        """What is selected on the object type below these nodes."""
        found = collect_subfields(
            self.schema,
            self._details(),
            self.variables,
            self.operation,
            self.kind(kind),
            [FieldDetails(node, None) for node in nodes],
        )
        return _nodes(found.grouped_field_set)

    def arguments(self, kind: str, node: FieldNode) -> dict[str, Any]:
        """The arguments of a field, as its resolver gets them. Raises GraphQLError for values that do not fit."""
        definition = self.kind(kind).fields[node.name.value]
        values = get_argument_values(definition, node, self.variables, hide_suggestions=True)
        field: StrawberryField = definition.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
        # Kept beside the schema by Strawberry, which converts the same way before it calls a resolver.
        strawberry_schema: Any = self.schema._strawberry_schema  # type: ignore[attr-defined]
        registry = strawberry_schema.schema_converter.scalar_registry
        return convert_arguments(values, field.arguments, registry, strawberry_schema.config)

    def kind(self, name: str) -> GraphQLObjectType:
        """The object type of the name."""
        found = self.schema.type_map[name]
        assert isinstance(found, GraphQLObjectType)
        return found

    def _details(self) -> dict[str, FragmentDetails]:
        return {name: FragmentDetails(fragment) for name, fragment in self.fragments.items()}


def _nodes(grouped: Mapping[str, Sequence[FieldDetails]]) -> Fields:
    return {key: [details.node for details in found] for key, found in grouped.items()}


@dataclass(frozen=True, slots=True)
class Asked:
    """An `analytics` field as a question. places: of its series and groups in the question, by answering name.

    columns: names of the measures' columns of each table, with the measures. runs: whether anything needs an answer.
    """

    question: Question
    places: Mapping[str, int]
    columns: Mapping[str, tuple[tuple[str, str], ...]]
    runs: bool


def asked(document: Document, nodes: Iterable[FieldNode], arguments: Mapping[str, Any]) -> Asked:
    """The question of one `analytics` field. arguments: its own. Raises QueryIssues for a table's column names."""
    totals: list[str] = []
    series: list[Series] = []
    groups: list[Groups] = []
    places: dict[str, int] = {}
    columns: dict[str, tuple[tuple[str, str], ...]] = {}
    wants_warnings = False
    runs = False
    for key, found in document.below("Analytics", nodes).items():
        name = found[0].name.value
        runs = runs or name in ("totals", "series", "groups", "table", "meta")
        match name:
            case "totals":
                totals += _measures(document, found)
            case "meta":
                below = document.below("Meta", found).values()
                wants_warnings = wants_warnings or any(each[0].name.value == "warnings" for each in below)
            case "series":
                places[key] = len(series)
                given = document.arguments("Analytics", found[0])
                series.append(Series(given["every"], _measures(document, _named(document, "Bucket", found)), (key,)))
            case "groups":
                places[key] = len(groups)
                connected, of_all = _groups(document, key, found)
                groups.append(connected)
                totals += of_all
            case "table":
                places[key] = len(groups)
                table, named = _table(document, key, found)
                groups.append(table)
                columns[key] = named
    question = Question(
        range=_range(arguments["range"]),
        where=_where(arguments.get("where")),
        zone=arguments.get("time_zone") or None,
        totals=tuple(dict.fromkeys(totals)),
        series=tuple(series),
        groups=tuple(groups),
        wants_warnings=wants_warnings,
    )
    return Asked(question, places, columns, runs)


def _range(given: RangeInput) -> RangeAsk:
    return given.value()


def _where(given: FactFilter | None) -> Filter | None:
    return given.value() if given else None


def _measures(document: Document, nodes: Iterable[FieldNode]) -> tuple[str, ...]:
    # Fields of Measures are named as the measures are.
    below = document.below("Measures", nodes).values()
    names = (found[0].name.value for found in below)
    return tuple(dict.fromkeys(name for name in names if not name.startswith("__")))


def _named(document: Document, kind: str, nodes: Iterable[FieldNode], name: str = "measures") -> list[FieldNode]:
    return [node for found in document.below(kind, nodes).values() for node in found if node.name.value == name]


def _groups(document: Document, key: str, nodes: Sequence[FieldNode]) -> tuple[Groups, tuple[str, ...]]:
    given = document.arguments("Analytics", nodes[0])
    connection = [node for found in document.below("GroupConnection", nodes).values() for node in found]

    def of(name: str) -> list[FieldNode]:
        return [node for node in connection if node.name.value == name]

    shown = [*of("nodes"), *_named(document, "GroupEdge", of("edges"), "node")]
    first = given.get("first")
    found = Groups(
        by=_by(given["by"]),
        measures=_measures(document, _named(document, "Group", shown)),
        order=_order(given.get("order_by")),
        first=PAGE_ITEMS_DEFAULT if first is None else first,
        after=given.get("after"),
        is_counted=bool(of("totalCount")),
        is_ranked=bool(_named(document, "Group", shown, "rank")),
        path=(key,),
    )
    return found, _measures(document, of("totals"))


def _table(document: Document, key: str, nodes: Sequence[FieldNode]) -> tuple[Groups, tuple[tuple[str, str], ...]]:
    given = document.arguments("Analytics", nodes[0])
    refs: list[MeasureRef] = given["measures"]
    measures = [ref.name.value for ref in refs]
    found = Groups(
        by=_by(given["by"]),
        measures=tuple(dict.fromkeys(measures)),
        order=_order(given.get("order_by")),
        first=given.get("first"),
        after=given.get("after"),
        is_table=True,
        path=(key,),
    )
    return found, tuple(zip(measure_columns(refs, found.by, key), measures, strict=True))


def _by(elements: Iterable[GroupBy]) -> tuple[GroupElement, ...]:
    return tuple(element.value() for element in elements)


def _order(elements: Iterable[GroupOrder] | None) -> tuple[OrderElement, ...]:
    return tuple(element.value() for element in elements or ())
