"""Groups as columns, for notebooks and extracts; and where a page of groups lies in its list."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any

import strawberry

from app.analytics.answer import Answer
from app.analytics.pages import GroupPage
from app.analytics.query import Ask, ByDimension
from app.analytics.semantic.dimensions import DIMENSIONS, KeyKind
from app.analytics.semantic.formula import Unit
from app.analytics.semantic.measures import MEASURES
from app.cache.recording import shows
from graphql_schema.analytics_inputs import key_columns, others_columns
from graphql_schema.analytics_words import ENTITIES
from graphql_schema.connection import PageInfo
from graphql_schema.context import Info
from graphql_schema.execution.columns import Ready
from graphql_schema.families import name_tag
from graphql_schema.loaders import load_one_each
from graphql_schema.scalars import BigInt, serialize_date_time


def page_info(page: GroupPage) -> PageInfo:
    """Where the page lies in its list."""
    return PageInfo(
        has_next_page=page.has_next,
        has_previous_page=page.has_previous,
        start_cursor=page.cursor(0) if len(page.rows) else None,
        end_cursor=page.cursor(len(page.rows) - 1) if len(page.rows) else None,
    )


@strawberry.enum(description="What the values of a column are, and in which of its lists they stand.")
class ColumnKind(Enum):
    """What the values of a column are."""

    STRING = strawberry.enum_value("STRING", description="Texts and ids, in `strings`.")
    INTEGER = strawberry.enum_value("INTEGER", description="Counts, hours, weekdays, 0 and 1, in `integers`.")
    DECIMAL = strawberry.enum_value("DECIMAL", description="Money, quantities and ratios, in `decimals`.")
    TIME = strawberry.enum_value("TIME", description="The buckets' first instants, in `times`.")


@strawberry.type(description="A column of a table. Exactly one of the value lists is not null.")
class Column:
    """A column of a table."""

    name: str = strawberry.field(
        description="The dimension's name, `time`, the measure's name or what `as` said, or `<dimension>IsOthers`."
    )
    kind: ColumnKind = strawberry.field(description="Which of the lists holds the values.")
    unit: str | None = strawberry.field(
        description="A measure's unit; of money its currency, or `currency` when grouped by currency. Null for keys."
    )
    strings: list[str | None] | None = strawberry.field(
        default=None, description="A value per row; null: unknown, `Others`: the rest, or a key of that name."
    )
    integers: list[BigInt | None] | None = strawberry.field(
        default=None, description="A value per row; null: unknown, or the rest."
    )
    decimals: list[Decimal | None] | None = strawberry.field(
        default=None, description="A value per row; null: a ratio whose denominator is 0."
    )
    times: list[datetime | None] | None = strawberry.field(default=None, description="A value per row.")


@strawberry.type(
    description="Groups as columns instead of objects, for notebooks and extracts. An entity gives two columns, its id "
    "and its name."
)
class ColumnTable:
    """Groups as columns."""

    row_count: int = strawberry.field(description="Rows of this page.")
    columns: list[Column] = strawberry.field(
        description="Keys in the order of `by`, then the measures as asked; then for each dimension of which `top` "
        "keeps the rest as others a column `<dimension>IsOthers`: 1 where the row is the rest, else 0."
    )
    page: strawberry.Private[GroupPage]

    @strawberry.field(description="Where this page lies in the table.")
    def page_info(self) -> PageInfo:
        """Where this page lies in the table."""
        return page_info(self.page)


OTHERS = "Others"
"""What stands for the name of the rest of a dimension's keys. A key may be called so too: a column tells them apart."""


async def column_table(info: Info, answer: Answer, page: GroupPage, named: Iterable[tuple[str, Ask]]) -> ColumnTable:
    """The page as columns. named: columns and their measures. Names of entities take one statement a dimension."""
    columns: list[Column] = []
    dimensions = page.asked.dimensions
    for element in page.asked.by:
        name, *second = key_columns(element)
        if not isinstance(element, ByDimension):
            times: Any = Ready(
                len(page.rows), partial(page.starts, lambda start: start), partial(page.starts, serialize_date_time)
            )
            columns.append(Column(name=name, kind=ColumnKind.TIME, unit=None, times=times))
            continue
        number = dimensions.index(element.name)
        keys = page.keys(number)
        if DIMENSIONS[element.name].kind is KeyKind.NUMBER:
            columns.append(Column(name=name, kind=ColumnKind.INTEGER, unit=None, integers=_as_written(keys)))
            continue
        rest = page.others(number)
        strings = _strings(keys, None if second else rest)
        columns.append(Column(name=name, kind=ColumnKind.STRING, unit=None, strings=strings))
        if second:
            names = await _names(info, element.name, keys)
            columns.append(Column(name=second[0], kind=ColumnKind.STRING, unit=None, strings=_strings(names, rest)))
    currency = "currency" if "currency" in dimensions else answer.resolved.currency
    for column, ask in named:
        at = page.asked.columns.values.index(ask)
        values: Any = Ready(len(page.rows), partial(page.values, at), partial(page.written, at))
        unit = MEASURES[ask.name].formula.unit
        text = unit.value.replace(Unit.MONEY.value, currency)
        if unit is Unit.COUNT:
            columns.append(Column(name=column, kind=ColumnKind.INTEGER, unit=text, integers=values))
        else:
            columns.append(Column(name=column, kind=ColumnKind.DECIMAL, unit=text, decimals=values))
    folded = [rest for rest in map(page.others, range(len(dimensions))) if rest is not None]
    for column, rest in zip(others_columns(page.asked.by), folded, strict=True):
        flags = _as_written(list(map(int, rest)))
        columns.append(Column(name=column, kind=ColumnKind.INTEGER, unit=None, integers=flags))
    return ColumnTable(row_count=len(page.rows), columns=columns, page=page)


def _as_written(values: list[Any]) -> Any:
    # Texts and small numbers stand in JSON as they are.
    return Ready(len(values), lambda: values, lambda: values)


def _strings(texts: list[Any], rest: Iterable[bool] | None) -> Any:
    # rest: of which rows the text is that of others.
    if rest is not None:
        texts = [OTHERS if is_rest else text for text, is_rest in zip(texts, rest, strict=True)]
    return _as_written(texts)


async def _names(info: Info, dimension: str, keys: list[Any]) -> list[str | None]:
    # Each is looked up once: most come again and again.
    listing, _, column = ENTITIES[dimension]
    known = list(dict.fromkeys(keys))
    shows(name_tag(listing, row_id) for row_id in known if row_id is not None)
    rows, found = await load_one_each(info, listing, known, frozenset({column}))
    texts = [None if position is None else rows.column(column)[position] for position in found]
    return list(map(dict(zip(known, texts, strict=True)).__getitem__, keys))
