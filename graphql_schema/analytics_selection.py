"""The question in a document: what is selected below an `analytics` field, with the arguments of its parts.

Arguments decide the rows, the selection decides the columns. Fragments, aliases, @skip and @include count as they do
when the fields are executed: the same library code collects them. Read by resolvers, and by whoever explains a document
without running it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
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
from strawberry.types.unset import UNSET

from app.analytics.query import (
    Ask,
    Asks,
    Attribution,
    Columns,
    Fill,
    Filter,
    GroupElement,
    Groups,
    OrderElement,
    Precision,
    Question,
    Series,
)
from app.analytics.semantic.measures import MEASURES
from app.errors import QueryIssue
from graphql_schema.analytics_filters import FactFilter, MeasureRef
from graphql_schema.analytics_inputs import GroupBy, GroupOrder, measure_columns
from graphql_schema.analytics_words import states_of
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
    known: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    """Arguments that were read, by type and node."""

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
        # Fragments may bring a field to a thousand places, and a variable a filter of thousands of values.
        found = self.known.get((kind, id(node)))
        if found is None:
            found = self.known[kind, id(node)] = self._arguments(kind, node)
        return found

    def _arguments(self, kind: str, node: FieldNode) -> dict[str, Any]:
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


@dataclass(frozen=True, eq=False)
class Views:
    """What is selected of rows. measures: by answering name, for each may have its own filter.

    known: what was made of it for the columns of facets.
    """

    measures: Mapping[str, Asks]
    previous: Asks = ()
    change: Asks = ()
    share: Asks = ()
    known: dict[Any, Any] = field(default_factory=dict)

    @cached_property
    def leaves(self) -> int:
        """How many values it shows of a row."""
        return sum(map(len, (*self.measures.values(), self.previous, self.change, self.share)))

    @cached_property
    def columns(self) -> Columns:
        """What is asked of every row."""
        values = (ask for asks in self.measures.values() for ask in asks)
        previous = tuple(dict.fromkeys((*self.previous, *self.change)))
        return Columns(tuple(dict.fromkeys(values)), previous, self.share)


@dataclass(frozen=True, slots=True)
class Nested:
    """A series of every group. place: among the groups' series."""

    place: int
    views: Views


@dataclass(frozen=True, slots=True)
class Part:
    """A series, grouping or table in the question. place: among the series, or among the groupings and tables.

    totals: of a grouping, what is selected of all groups together. series: of its groups, by answering name. columns:
    names of a table's columns, with the measures.
    """

    place: int
    views: Views
    totals: Asks = ()
    series: Mapping[str, Nested] = field(default_factory=dict)
    columns: tuple[tuple[str, Ask], ...] = ()
    is_series: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """An `analytics` field as a question. totals: what is selected of the range. parts: by answering name.

    runs: whether anything needs an answer.
    """

    question: Question
    totals: Views
    parts: Mapping[str, Part]
    runs: bool


ANSWERED = ("totals", "previous", "change", "series", "groups", "table", "meta")
"""Fields that need an answer."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What is selected below an `analytics` field, apart from the field's own arguments."""

    totals: Views
    series: tuple[Series, ...]
    groups: tuple[Groups, ...]
    parts: Mapping[str, Part]
    wants_warnings: bool
    runs: bool
    mistakes: tuple[QueryIssue, ...]

    def asked(self, arguments: Mapping[str, Any]) -> Asked:
        """The question with the field's arguments."""
        compare, freshness = arguments.get("compare"), arguments.get("freshness")
        where: FactFilter | None = arguments.get("where")
        question = Question(
            range=arguments["range"].value(),
            where=where.value() if where else None,
            zone=arguments.get("time_zone") or None,
            attribution=arguments.get("attribution") or Attribution.BOOKED,
            currency=arguments.get("currency") or None,
            compare=compare.value() if compare else None,
            max_age=_given(freshness.max_age) if freshness else None,
            as_of=_given(freshness.as_of) if freshness else None,
            max_cost=arguments.get("max_cost"),
            totals=self.totals.columns,
            series=self.series,
            groups=self.groups,
            wants_warnings=self.wants_warnings,
            mistakes=self.mistakes,
        )
        return Asked(question, self.totals, self.parts, self.runs)


def asked(document: Document, nodes: Iterable[FieldNode], arguments: Mapping[str, Any]) -> Asked:
    """The question of one `analytics` field. arguments: its own."""
    return selected(document, nodes).asked(arguments)


def selected(document: Document, nodes: Iterable[FieldNode]) -> Selection:
    """What is selected below an `analytics` field."""
    fields = document.below("Analytics", nodes)
    series: list[Series] = []
    groups: list[Groups] = []
    parts: dict[str, Part] = {}
    mistakes: list[QueryIssue] = []
    wants_warnings = False
    for key, found in fields.items():
        match found[0].name.value:
            case "meta":
                below = document.below("Meta", found).values()
                wants_warnings = wants_warnings or any(each[0].name.value == "warnings" for each in below)
            case "series":
                read, views = _series(document, "Analytics", found, (key,))
                parts[key] = Part(len(series), views, is_series=True)
                series.append(read)
            case "groups":
                read_groups, part = _groups(document, key, found, len(groups))
                parts[key] = part
                groups.append(read_groups)
            case "table":
                read_groups, part = _table(document, key, found, len(groups), mistakes)
                parts[key] = part
                groups.append(read_groups)
    totals = _views(document, fields, measures="totals")
    runs = any(found[0].name.value in ANSWERED for found in fields.values())
    return Selection(totals, tuple(series), tuple(groups), parts, wants_warnings, runs, tuple(mistakes))


def _given(value: Any) -> Any:
    return None if value is UNSET else value


def _asks(document: Document, nodes: Iterable[FieldNode], kind: str, where: Filter | None = None) -> Asks:
    # Fields of Measures, Changes and Shares are named as the measures are.
    found = []
    for below in document.below(kind, nodes).values():
        node = below[0]
        name = node.name.value
        if name.startswith("__"):
            continue
        given = document.arguments(kind, node) if node.arguments or MEASURES[name].takes == "at" else {}
        found.append(
            Ask(
                name,
                states_of(given.get("state")),
                given.get("at"),
                given.get("precision") or Precision.AUTO,
                where,
            )
        )
    return tuple(dict.fromkeys(found))


def _views(document: Document, fields: Fields, *, kind: str = "", measures: str = "measures") -> Views:
    # kind: the type of the rows, where their measures may have a filter.
    shown: dict[str, Asks] = {}
    parts: dict[str, list[FieldNode]] = {"previous": [], "change": [], "share": []}
    for key, nodes in fields.items():
        name = nodes[0].name.value
        if name == measures:
            where = document.arguments(kind, nodes[0]).get("where") if kind and nodes[0].arguments else None
            shown[key] = _asks(document, nodes, "Measures", where.value() if where else None)
        elif name in parts:
            parts[name] += nodes
    return Views(
        shown,
        _asks(document, parts["previous"], "Measures"),
        _asks(document, parts["change"], "Changes"),
        _asks(document, parts["share"], "Shares"),
    )


def _series(document: Document, kind: str, nodes: Sequence[FieldNode], path: tuple[str, ...]) -> tuple[Series, Views]:
    given = document.arguments(kind, nodes[0])
    views = _views(document, document.below("Bucket", nodes), kind="Bucket")
    fill = given.get("fill") or Fill.AUTO
    found = Series(given["every"], views.columns, fill, cumulative=bool(given.get("cumulative")), path=path)
    return found, views


def _groups(document: Document, key: str, nodes: Sequence[FieldNode], place: int) -> tuple[Groups, Part]:
    given = document.arguments("Analytics", nodes[0])
    connection = [node for found in document.below("GroupConnection", nodes).values() for node in found]

    def of(name: str) -> list[FieldNode]:
        return [node for node in connection if node.name.value == name]

    edges = document.below("GroupEdge", of("edges")).values()
    shown = [*of("nodes"), *(node for found in edges for node in found if node.name.value == "node")]
    fields = document.below("Group", shown)
    names = {found[0].name.value for found in fields.values()}
    series: list[Series] = []
    nested: dict[str, Nested] = {}
    for name, found in fields.items():
        if found[0].name.value == "series":
            read, views = _series(document, "Group", found, (key, name))
            nested[name] = Nested(len(series), views)
            series.append(read)
    views = _views(document, fields, kind="Group")
    totals = _asks(document, of("totals"), "Measures")
    first, having = given.get("first"), given.get("having")
    groups = Groups(
        by=_by(given["by"]),
        columns=views.columns,
        order=_order(given.get("order_by")),
        having=having.value() if having else None,
        first=PAGE_ITEMS_DEFAULT if first is None else first,
        after=given.get("after"),
        is_counted=bool(of("totalCount")),
        is_ranked="rank" in names,
        totals=totals,
        members="memberCount" in names,
        series=tuple(series),
        path=(key,),
    )
    return groups, Part(place, views, totals, nested)


def _table(
    document: Document, key: str, nodes: Sequence[FieldNode], place: int, mistakes: list[QueryIssue]
) -> tuple[Groups, Part]:
    given = document.arguments("Analytics", nodes[0])
    refs: list[MeasureRef] = given["measures"]
    asks = tuple(ref.value() for ref in refs)
    having = given.get("having")
    groups = Groups(
        by=_by(given["by"]),
        columns=Columns(tuple(dict.fromkeys(asks))),
        order=_order(given.get("order_by")),
        having=having.value() if having else None,
        first=given.get("first"),
        after=given.get("after"),
        is_table=True,
        path=(key,),
    )
    columns = tuple(zip(measure_columns(refs, groups.by, key, mistakes), asks, strict=True))
    return groups, Part(place, Views({}), columns=columns)


def _by(elements: Iterable[GroupBy]) -> tuple[GroupElement, ...]:
    return tuple(element.value() for element in elements)


def _order(elements: Iterable[GroupOrder] | None) -> tuple[OrderElement, ...]:
    return tuple(element.value() for element in elements or ())
