"""The table of a document as a file: what POST /export asks is read here, and its rows become columns of a file.

The document's operation selects one `analytics` with one `table` in it; the same document sent to /graphql answers the
table's first rows as JSON. Names of entities are looked up in the table's own snapshot, in one statement a dimension
and chunk of rows.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import strawberry
from graphql import FragmentDefinitionNode, GraphQLError, OperationType, get_variable_values

from app.analytics.answer import WarningCode, warned
from app.analytics.query import Ask, ByDimension, Question
from app.analytics.semantic.dimensions import DIMENSIONS, KeyKind
from app.analytics.semantic.formula import Unit
from app.analytics.semantic.measures import MEASURES
from app.analytics.streaming import Chunk, StreamedTable
from app.core.context import Ctx
from app.db import keyset
from app.errors import DomainError, QueryIssues
from app.exports.columns import ColumnKind, FileColumn, Notes, Values
from app.limits.values import check_variables
from app.runtime import Runtime
from graphql_schema.analytics import runner_of
from graphql_schema.analytics_inputs import key_columns, others_columns
from graphql_schema.analytics_selection import Document, asked
from graphql_schema.analytics_table import OTHERS
from graphql_schema.analytics_words import ENTITIES
from graphql_schema.documents import Documents, Refused
from graphql_schema.errors import Rendered, render_domain, render_field_errors, render_refusal
from graphql_schema.scalars import serialize_date_time
from graphql_schema.schema import schema as scoville_schema

NAMES_MAX = 100_000
"""Names of one dimension that are kept from chunk to chunk; beyond, they are looked up again."""

BESIDE = frozenset({"meta", "plan", "__typename"})
"""What may be selected beside the table. It is no part of the file."""

MONEY_DIGITS_MIN = 2
"""Digits that plain text shows of amounts in several currencies, though they are zeros."""


@dataclass(frozen=True, slots=True)
class TableAsk:
    """A table that is asked as a file. name: of its operation, or under which it would answer. columns: of measures."""

    name: str
    question: Question
    columns: tuple[tuple[str, Ask], ...]
    document: str
    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OpenTable:
    """A table that is being read. counts: what is told of it beside its columns, by header. values: to be read once."""

    columns: tuple[FileColumn, ...]
    notes: Notes
    told: Mapping[str, str]
    values: AsyncIterator[tuple[int, Values]]


class Exports:
    """Reads the tables that documents ask."""

    def __init__(self, runtime: Runtime, documents: Documents, *, schema: strawberry.Schema = scoville_schema) -> None:
        self._runtime = runtime
        self._documents = documents
        self._schema = schema._schema

    def asked(self, document: str, operation_name: str | None, variables: Mapping[str, Any] | None) -> TableAsk:
        """The table of the operation.

        Raises Refused for what is no document of the schema, DomainError beyond a bound and for what is no table.
        """
        given = dict(variables or {})
        prepared = self._documents.read(document)
        operation = prepared.operation(operation_name)
        self._documents.validate(document, prepared)
        if operation.operation is not OperationType.QUERY:
            raise _no_table(f"The operation is a {operation.operation.value}.")
        check_variables(document, given)
        values = get_variable_values(self._schema, operation.variable_definitions or (), given, hide_suggestions=True)
        if isinstance(values, list):
            raise Refused("BAD_USER_INPUT", values)
        fragments = {
            definition.name.value: definition
            for definition in prepared.document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        read = Document(self._schema, fragments, values, operation)
        roots = {key: nodes for key, nodes in read.roots().items() if nodes[0].name.value != "__typename"}
        (key, nodes), *more = roots.items() or [("", [])]
        if more or not nodes or nodes[0].name.value != "analytics":
            raise _no_table("The operation selects something else.")
        try:
            found = asked(read, nodes, read.arguments("Query", nodes[0]))
        except GraphQLError as error:
            # Arguments whose values do not fit, for which there is no field to be null here.
            raise Refused("BAD_USER_INPUT", [error]) from error
        selected = [below[0].name.value for below in read.below("Analytics", nodes).values()]
        others, tables = sorted(set(selected) - BESIDE - {"table"}), selected.count("table")
        if others or tables != 1:
            raise _no_table(f"`{key}` selects {', '.join(others) or f'{tables} tables'}.")
        ((name, part),) = found.parts.items()
        name = operation.name.value if operation.name else name
        return TableAsk(name, found.question, part.columns, document, given)

    @asynccontextmanager
    async def open(self, ctx: Ctx, ask: TableAsk, *, timeout_s: float) -> AsyncIterator[OpenTable]:
        """The table, whose rows are read in this context. Raises QueryIssues for a question with mistakes."""
        runner = runner_of(self._runtime)
        async with runner.streamed(ctx, ask.question, timeout_s=timeout_s) as table:
            columns = _columns(table, ask)
            yield OpenTable(columns, _notes(table, ask), _told(table, columns), _Filling(ctx, table, ask).values())

    def render(self, error: BaseException) -> Rendered | None:
        """What was raised here, as errors of GraphQL; None for what is no mistake of the caller's."""
        errors_max = self._runtime.settings.errors_max
        match error:
            case Refused():
                return render_refusal(error.errors, error.code, errors_max=errors_max)
            case DomainError():
                return render_domain(error)
            case QueryIssues():
                return render_field_errors([GraphQLError(str(error), original_error=error)], errors_max=errors_max)
            case _:
                return None


def _no_table(what: str) -> DomainError:
    return DomainError(
        "NOT_SUPPORTED", f"{what} A file holds one table: send a query with one `analytics {{ table(…) {{ … }} }}`."
    )


def _columns(table: StreamedTable, ask: TableAsk) -> tuple[FileColumn, ...]:
    found: list[FileColumn] = []
    for element in table.asked.by:
        for name in key_columns(element):
            kind = ColumnKind.STRING
            if not isinstance(element, ByDimension):
                kind = ColumnKind.TIME
            elif DIMENSIONS[element.name].kind is KeyKind.NUMBER:
                kind = ColumnKind.INTEGER
            found.append(FileColumn(name, kind))
    is_original = "currency" in table.asked.dimensions
    currency = "currency" if is_original else table.resolved.currency
    for name, measure in ask.columns:
        place = table.asked.columns.values.index(measure)
        unit = MEASURES[measure.name].formula.unit
        text, sample = unit.value.replace(Unit.MONEY.value, currency), table.samples[place]
        if unit is Unit.COUNT:
            found.append(FileColumn(name, ColumnKind.INTEGER, text, sample=sample))
            continue
        digits = table.digits[place]
        shown = 0 if unit is Unit.QUANTITY else MONEY_DIGITS_MIN if unit is Unit.MONEY and is_original else None
        found.append(FileColumn(name, ColumnKind.DECIMAL, text, digits, shown, sample))
    found += (FileColumn(name, ColumnKind.INTEGER) for name in others_columns(table.asked.by))
    return tuple(found)


def _notes(table: StreamedTable, ask: TableAsk) -> Notes:
    resolved = table.resolved
    return {
        "asOf": serialize_date_time(resolved.as_of or resolved.now),
        "from": serialize_date_time(resolved.interval.start),
        "until": serialize_date_time(resolved.interval.end),
        "timeZone": resolved.zone,
        "currency": resolved.currency,
        "query": ask.document,
        "variables": orjson.loads(orjson.dumps(dict(ask.variables))),
        "warnings": [{"code": code, "count": count} for code, count in _warnings(table).items()],
    }


def _warnings(table: StreamedTable) -> dict[WarningCode, int | None]:
    # As `meta.warnings` says it, with counts where there are any.
    partial = table.resolved.cut_times(table.asked)
    found = warned(table.resolved, partial=partial, missing_rates=table.missing_rates, estimated=table.estimated)
    return {each.code: each.count for each in found}


def _told(table: StreamedTable, columns: Sequence[FileColumn]) -> dict[str, str]:
    resolved = table.resolved
    told = {
        "Scoville-As-Of": serialize_date_time(resolved.as_of or resolved.now),
        "Scoville-Time-Zone": resolved.zone,
        "Scoville-Currency": resolved.currency,
        "Scoville-Columns": str(len(columns)),
    }
    warnings = _warnings(table).items()
    if warnings:
        told["Scoville-Warnings"] = ", ".join(code if count is None else f"{code}={count}" for code, count in warnings)
    return told


@dataclass(slots=True)
class _Filling:
    """Fills the columns of a file from the chunks of a table."""

    ctx: Ctx
    table: StreamedTable
    ask: TableAsk
    _names: dict[str, dict[str | None, str]] = field(default_factory=dict)

    async def values(self) -> AsyncIterator[tuple[int, Values]]:
        """Rows by column, with their number."""
        places = [self.table.asked.columns.values.index(measure) for _, measure in self.ask.columns]
        async with aclosing(self.table.chunks) as chunks:  # type: ignore[type-var]  # it is a generator
            async for chunk in chunks:
                keys = await self._keys(chunk)
                flags = [list(map(int, rest)) for rest in chunk.others if rest is not None]
                yield chunk.rows, [*keys, *(chunk.values[place] for place in places), *flags]

    async def _keys(self, chunk: Chunk) -> list[Sequence[Any]]:
        found: list[Sequence[Any]] = []
        dimensions = self.table.asked.dimensions
        for element in self.table.asked.by:
            if not isinstance(element, ByDimension):
                assert chunk.starts is not None, "it is grouped by time"
                found.append(chunk.starts)
                continue
            number = dimensions.index(element.name)
            keys, rest = chunk.keys[number], chunk.others[number]
            kind = DIMENSIONS[element.name].kind
            if kind is KeyKind.ENTITY:
                ids = [None if key is None else str(key) for key in keys]
                found.append(ids)
                names = await self._named(element.name, ids)
                keys = [names.get(row_id) for row_id in ids]
            if rest is not None and kind is not KeyKind.NUMBER:
                keys = [OTHERS if is_rest else key for key, is_rest in zip(keys, rest, strict=True)]
            found.append(keys)
        return found

    async def _named(self, dimension: str, ids: Sequence[str | None]) -> Mapping[str | None, str]:
        listing, _, column = ENTITIES[dimension]
        known = self._names.setdefault(dimension, {})
        if len(known) > NAMES_MAX:
            known.clear()
        unknown = list({row_id for row_id in ids if row_id is not None and row_id not in known})
        if unknown:
            rows = await keyset.get_many(self.ctx, self.table.session, listing, unknown)
            known.update(zip(rows.column("id"), rows.column(column), strict=True))
        return known
