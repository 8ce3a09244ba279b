"""One statement a facet: scans of rollups, deltas and facts, added up by cell, ordered and cut to a page.

Compiled once a shape: two plans that differ in values only (ids, times, bounds) share a text. The text starts with a
comment that names it, and the tenant is its first parameter.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, cast, func, literal_column, or_, select, true, union_all
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.sql.expression import FromClause

from app.analytics.order import Sort, SortKind
from app.analytics.plan import FacetPlan, Plan, RollupScan
from app.analytics.semantic.sums import SUMS, Source
from app.analytics.sql.cells import PARENT, Cells, Times
from app.analytics.sql.facts import fact_scan
from app.analytics.sql.filters import shape_of
from app.analytics.sql.ordering import after, order_by, sort_column, sort_value
from app.analytics.sql.rollups import delta_scan, rollup_scan
from app.analytics.sql.tables import BIG, one
from app.core.money import exponent, odd_exponents

SHAPES_MAX = 1_000
"""Compiled shapes that a process remembers."""

RANK = "rank"
"""Name of the column of groups' places in the whole order."""

TOTAL = "total"
"""Name of the column of the number of all groups."""


@dataclass(frozen=True, slots=True)
class PageShape:
    """The shape of a page: sorts, and which values of its starting place are null (None: from the first group)."""

    sorts: tuple[Sort, ...]
    nulls: tuple[bool, ...] | None
    is_counted: bool
    is_ranked: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """Everything that changes a statement's text. facts: source, its sums, and how many
    intervals it reads (0: the range)."""

    name: str
    cells: Cells
    rollup: tuple[str, ...] | None
    facts: tuple[tuple[Source, tuple[str, ...], int], ...]
    is_original: bool
    page: PageShape | None


@dataclass(frozen=True, slots=True)
class Statement:
    """A compiled shape.

    names, types: of its parameters, in order; the first is the tenant. columns: of its rows.
    """

    text: str
    names: tuple[str, ...]
    types: tuple[str, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bound:
    """A statement with its values, ready to be run."""

    statement: Statement
    args: tuple[Any, ...]


def bound(plan: Plan, facet: FacetPlan, tenant_id: UUID) -> Bound:
    """The statement that computes a facet of the plan, with its values."""
    values: dict[str, Any] = {
        "tenant": tenant_id,
        "range_start": plan.interval.start,
        "range_end": plan.interval.end,
        "edges": list(facet.edges),
        "minors": 10 ** exponent(plan.currency),
    }
    where = None if plan.where is None else shape_of(plan.where, values, count())
    parent = None
    if plan.parents is not None:
        parent = plan.parents.dimension
        values["parents"] = list(plan.parents.ids)
    cells = Cells(parent, facet.dimensions, bool(facet.edges), where, facet.sums)
    rollup = None
    facts = []
    for scan in facet.scans:
        if isinstance(scan, RollupScan):
            rollup = scan.sums
            values["rollup_set"] = scan.rollup
            values["part_grains"] = [part.grain.value for part in scan.parts]
            values["part_starts"] = [part.interval.start for part in scan.parts]
            values["part_ends"] = [part.interval.end for part in scan.parts]
            values["delta_starts"] = [span.start for span in scan.spans]
            values["delta_ends"] = [span.end for span in scan.spans]
            continue
        rest = 0 if scan.spans == (plan.interval,) else len(scan.spans)
        if rest:
            values["rest_starts"] = [span.start for span in scan.spans]
            values["rest_ends"] = [span.end for span in scan.spans]
        facts.append((scan.source, scan.sums, rest))
    page = _page(facet, values)
    statement = compiled(Shape(facet.name, cells, rollup, tuple(facts), facet.is_original, page))
    return Bound(statement, tuple(values[name] for name in statement.names))


def _page(facet: FacetPlan, values: dict[str, Any]) -> PageShape | None:
    paging = facet.paging
    if paging is None:
        return None
    # One more than is shown tells whether there are more.
    values["limit"] = paging.limit + 1
    if facet.is_original:
        values["currencies"] = list(odd_exponents())
        values["currency_minors"] = [10**digits for digits in odd_exponents().values()]
    nulls = None
    if paging.place is not None:
        nulls = tuple(value is None for value in paging.place)
        values.update({f"place_{number}": value for number, value in enumerate(paging.place)})
    return PageShape(paging.sorts, nulls, paging.is_counted, paging.is_ranked)


@lru_cache(maxsize=SHAPES_MAX)
def compiled(shape: Shape) -> Statement:
    """The statement of a shape."""
    cells = shape.cells
    scans = []
    if shape.rollup is not None:
        scans += [rollup_scan(shape.rollup, cells), delta_scan(shape.rollup, cells)]
    for source, sums, rest in shape.facts:
        scan = fact_scan(source, sums, cells, Times(rest), is_original=shape.is_original)
        if scan is not None:
            scans.append(scan)
    scanned = (union_all(*scans) if len(scans) > 1 else scans[0]).cte("scanned")
    statement = _added_up(scanned, cells, shape.page is not None)
    if shape.page is not None:
        statement = _paged(statement, shape.page, shape)
    return rendered(statement, shape.name)


def _added_up(scanned: FromClause, cells: Cells, only_present: bool) -> Select[Any]:
    totals = {name: func.sum(scanned.c[name]) for name in cells.sums}
    columns = [*(scanned.c[name] for name in cells.columns), *(_typed(name, totals[name]) for name in cells.sums)]
    statement = select(*columns)
    if cells.columns:
        statement = statement.group_by(*cells.grouping)
    if only_present:
        # A group is there if anything that is asked of it is not nothing; rollups keep rows of which nothing is left.
        statement = statement.having(or_(*(total != literal_column("0") for total in totals.values())))
    return statement


def _typed(name: str, total: ColumnElement[Any]) -> ColumnElement[Any]:
    declared = SUMS[name]
    fits = declared.decimals == 0 and not declared.is_money
    return (cast(total, BIG) if fits else total).label(name)


def _paged(groups: Select[Any], page: PageShape, shape: Shape) -> Select[Any]:
    cells = shape.cells
    grouped = groups.cte("grouped")
    values = [
        sort_value(sort, grouped, is_original=shape.is_original).label(sort_column(number))
        for number, sort in enumerate(page.sorts)
        if sort.kind is SortKind.MEASURE
    ]
    valued: FromClause = select(grouped, *values).subquery("valued") if values else grouped
    if page.is_ranked:
        rank = func.row_number().over(partition_by=_parent(cells, valued), order_by=order_by(page.sorts, valued))
        valued = select(valued, rank.label(RANK)).subquery("ranked")
    chosen = select(valued)
    if page.nulls is not None:
        chosen = chosen.where(after(page.sorts, page.nulls, valued))
    if cells.parent is None:
        chosen = chosen.order_by(*order_by(page.sorts, valued)).limit(one("limit", BIG))
    else:
        # A page for each parent.
        number = func.row_number().over(partition_by=_parent(cells, valued), order_by=order_by(page.sorts, valued))
        numbered = chosen.add_columns(number.label("place")).subquery("numbered")
        columns = [column for column in numbered.c if column.name != "place"]
        chosen = select(*columns).where(numbered.c.place <= one("limit", BIG)).order_by(numbered.c.place)
    return _counted(chosen, grouped, cells, page) if page.is_counted else chosen


def _parent(cells: Cells, source: FromClause) -> list[ColumnElement[Any]] | None:
    return [source.c[PARENT]] if cells.parent else None


def _counted(chosen: Select[Any], grouped: FromClause, cells: Cells, page: PageShape) -> Select[Any]:
    # The number of groups stands beside each row of the page, and alone where the page is empty.
    paged = chosen.subquery("page")
    every = select(*(_parent(cells, grouped) or []), func.count().label(TOTAL)).select_from(grouped)
    on: Callable[[FromClause], ColumnElement[bool]] = lambda counted: true()  # noqa: E731
    if cells.parent:
        every = every.group_by(grouped.c[PARENT])
        on = lambda counted: counted.c[PARENT] == paged.c[PARENT]  # noqa: E731
    counted = every.subquery("counted")
    columns = [column for column in paged.c if column.name != PARENT]
    if cells.parent:
        columns.insert(0, counted.c[PARENT])
    joined = counted.outerjoin(paged, on(counted))
    return select(*columns, counted.c[TOTAL]).select_from(joined).order_by(*order_by(page.sorts, paged))


_CLAUSE = re.compile(r"(?<!\() (UNION ALL|LEFT OUTER JOIN|JOIN|GROUP BY|ORDER BY)(?= )")
_PARAMETER = re.compile(r"\$(\d+)")
_TENANT_CAST = re.compile(r"= \$1::UUID\b")


def rendered(statement: Select[Any], name: str) -> Statement:
    """The expression as text, with the tenant as its first parameter."""
    dialect: Any = asyncpg.dialect()  # type: ignore[no-untyped-call]
    text = statement.compile(dialect=dialect)
    given = list(text.positiontup or ())
    names = ["tenant", *(item for item in given if item != "tenant")]
    numbers = {str(number): str(names.index(item) + 1) for number, item in enumerate(given, start=1)}
    sql = _PARAMETER.sub(lambda found: f"${numbers[found[1]]}", str(text))
    sql = _TENANT_CAST.sub("= $1", sql)
    # A line for each clause, for those who read it in logs and in `explain`.
    sql = _CLAUSE.sub(r"\n\1", sql).replace("UNION ALL SELECT", "UNION ALL\nSELECT")
    lines = [line.strip() for line in sql.splitlines()]
    columns = tuple(column.name for column in statement.selected_columns)
    types = ("uuid", *(text.binds[item].type.compile(dialect).lower() for item in names[1:]))
    return Statement(f"/* analytics.{name} */\n" + "\n".join(lines), tuple(names), types, columns)
