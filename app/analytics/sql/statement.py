"""One statement a facet: scans of rollups, deltas and facts, added up by cell, ordered and cut to a page.

Compiled once a shape: two plans that differ in values only (ids, times, bounds) share a text. The text starts with a
comment that names it, and the tenant is its first parameter.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import (
    ColumnElement,
    Select,
    SelectBase,
    cast,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.sql.expression import FromClause

from app.analytics.layout import Output, column
from app.analytics.plan import FacetPlan, Layer, Plan
from app.analytics.query import Facet
from app.analytics.semantic.sums import SUMS
from app.analytics.sql.cells import BUCKET, FITTING, KNOWN, PARENT, Cells, Money, Times, member
from app.analytics.sql.facts import fact_scan
from app.analytics.sql.filters import shape_of
from app.analytics.sql.ordering import (
    after,
    before_column,
    facet_value,
    fits,
    order_by,
    shown_value,
    term_column,
    weighed,
)
from app.analytics.sql.rollups import delta_scan, rollup_scan
from app.analytics.sql.shapes import NOTHING, Given, LayerShape, PageShape, Shape, View, filter_of, shaped
from app.analytics.sql.tables import BIG, one
from app.core.hashing import hashed_once

SHAPES_MAX = 1_000
"""Compiled shapes that a process remembers."""

RANK = "rank"
"""Name of the column of groups' places in the whole order."""

TOTAL = "total"
"""Name of the column of the number of all groups."""

MEMBERS = "members"
"""Name of the column of the number of keys in a group."""


@hashed_once
@dataclass(frozen=True)
class Statement:
    """A compiled shape.

    names, types: of its parameters, in order; the first is the tenant. columns: of its rows. numerics: those of them
    that are numerics, where it is asked by column.
    """

    text: str
    names: tuple[str, ...]
    types: tuple[str, ...]
    columns: tuple[str, ...]
    numerics: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Bound:
    """A statement with its values, ready to be run."""

    statement: Statement
    args: tuple[Any, ...]


def bound(plan: Plan, facet: FacetPlan, tenant_id: UUID, given: Given = NOTHING, view: View = View.CELLS) -> Bound:
    """The statement that computes a facet of the plan, with its values."""
    # Facets are shared by questions that differ in keys alone: what they bind but those is bound once.
    is_plain = given is NOTHING and view is View.CELLS
    kept = _kept.get(facet) if is_plain else None
    if kept is not None:
        found = kept.filled(plan, tenant_id)
        if found is not None:
            return found
    shape, values = shaped(plan, facet, tenant_id, given, view)
    statement = compiled(shape)
    # What no other statement has found yet is shown as nothing: the text is the same.
    made = Bound(statement, tuple(values.get(name) for name in statement.names))
    if is_plain:
        _kept[facet] = _Kept.of(plan, facet, made)
    return made


@dataclass(frozen=True, slots=True)
class _Kept:
    """A bound facet. filters: shapes of its layers' filters. slots: where the filter's values stand.

    parents: where keys of parents do, None without.
    """

    made: Bound
    filters: tuple[Any, ...]
    layers: tuple[Layer, ...]
    slots: tuple[tuple[str, int], ...]
    parents: int | None

    @classmethod
    def of(cls, plan: Plan, facet: FacetPlan, made: Bound) -> "_Kept":
        """What was bound for the plan."""
        values: dict[str, Any] = {}
        filters = _filters(plan, facet.layers, values)
        names = made.statement.names
        slots = tuple((name, place) for place, name in enumerate(names) if name in values)
        return cls(made, filters, facet.layers, slots, names.index("parents") if "parents" in names else None)

    def filled(self, plan: Plan, tenant_id: UUID) -> Bound | None:
        """The same for another plan with the facet; None where its filter has another shape."""
        values: dict[str, Any] = {}
        if _filters(plan, self.layers, values) != self.filters:
            return None
        args = list(self.made.args)
        args[0] = tenant_id
        for name, place in self.slots:
            args[place] = values[name]
        if self.parents is not None and plan.parents is not None:
            args[self.parents] = list(plan.parents.ids)
        return Bound(self.made.statement, tuple(args))


def _filters(plan: Plan, layers: Sequence[Layer], values: dict[str, Any]) -> tuple[Any, ...]:
    numbers = count()
    found = (filter_of(plan.where, layer) for layer in layers)
    return tuple([None if each is None else shape_of(each, values, numbers) for each in found])


_kept: WeakKeyDictionary[FacetPlan, _Kept] = WeakKeyDictionary()


@lru_cache(maxsize=SHAPES_MAX)
def compiled(shape: Shape) -> Statement:
    """The statement of a shape."""
    match shape.view:
        case View.TOTALS:
            found = rendered(_totals(shape), f"{shape.name}_totals")
        case View.MEMBERS:
            found = rendered(_members(shape), f"{shape.name}_members")
        case View.CELLS:
            if shape.page is None:
                statement = _added_up(_scanned(shape.layers, "scanned"), shape, only_present=False)
            else:
                statement = _paged(_groups(shape), shape.page, shape.cells)
            found = rendered(statement, shape.name)
    return replace(found, numerics=_numerics(found.columns, shape))


def _scanned(layers: tuple[LayerShape, ...], name: str) -> FromClause:
    scans = []
    for layer in layers:
        cells = layer.cells
        if layer.rollup is not None:
            rollup = layer.rollup
            scans += [rollup_scan(rollup, cells), delta_scan(rollup, cells)]
        for source, sums, rest in layer.facts:
            scan = fact_scan(source, sums, cells, Times(rest, cells.layer))
            if scan is not None:
                scans.append(scan)
    return (union_all(*scans) if len(scans) > 1 else scans[0]).cte(name)


def _added_up(scanned: FromClause, shape: Shape, *, only_present: bool, cells: Cells | None = None) -> Select[Any]:
    # cells: where they are not those of the answer.
    cells = shape.cells if cells is None else cells
    totals = {name: func.sum(scanned.c[name]) for name in cells.sums_named}
    columns: list[ColumnElement[Any]] = [scanned.c[name] for name in cells.columns]
    columns += _given(shape, totals)
    if shape.counted:
        known = or_(*(totals[column(*counted)] != literal_column("0") for counted in shape.counted))
        columns.append(known.is_(true()).label(KNOWN))
    statement = select(*columns)
    if cells.is_compared and cells.has_time:
        # Buckets of the compared time that belong to no bucket of the range.
        statement = statement.where(scanned.c[BUCKET].is_not(None))
    if shape.has_total:
        keys = [scanned.c[name] for name in cells.columns]
        statement = statement.group_by(func.grouping_sets(tuple_(*keys), tuple_(*keys[:-1])))
    elif cells.columns:
        statement = statement.group_by(*cells.grouping)
    if only_present:
        statement = statement.having(_is_present(shape, totals))
    return statement


def _groups(shape: Shape) -> SelectBase:
    if not shape.is_stored:
        return _added_up(_scanned(shape.layers, "scanned"), shape, only_present=True)
    # Rows of the rollup are groups as they are, unless there is anything to add to them.
    (layer,) = shape.layers
    cells, rollup = layer.cells, layer.rollup
    assert rollup is not None, "its rows are stored in one"
    fresh = delta_scan(rollup, cells).cte("fresh")
    has_fresh = exists(select(literal_column("1")).select_from(fresh))
    stored = rollup_scan(rollup, cells).subquery("stored")
    sums = {name: stored.c[name] for name in cells.sums_named}
    keys = (stored.c[name] for name in cells.columns)
    unchanged = select(*keys, *_given(shape, sums)).where(~has_fresh, _is_present(shape, sums))
    scanned = union_all(rollup_scan(rollup, cells), select(fresh)).cte("scanned")
    return union_all(unchanged, _added_up(scanned, shape, only_present=True).where(has_fresh))


def _is_present(shape: Shape, sums: Mapping[str, ColumnElement[Any]]) -> ColumnElement[bool]:
    # A group is there if anything that is asked of it is not nothing; rollups keep rows of which nothing is left.
    nothing = {column(name, layer) for output, layer in shape.outputs for name, times in output.parts if not times}
    asked = [found != literal_column("0") for name, found in sums.items() if name not in nothing]
    return or_(*asked) if asked else false()


def _given(shape: Shape, sums: Mapping[str, ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    # The outputs, made of the sums.
    found: list[ColumnElement[Any]] = []
    for output, layer in shape.outputs:
        value = weighed([(sums[column(name, layer)], weight) for name, weight in output.parts])
        found.append((cast(value, BIG) if _fits_big(output) else value).label(column(output.name, layer)))
    return found


def _fits_big(output: Output) -> bool:
    return all(SUMS[name].decimals == 0 and not SUMS[name].is_money for name, _ in output.parts)


def _fitting(groups: SelectBase, page: PageShape, cells: Cells) -> tuple[FromClause, FromClause]:
    # All groups, and those that fit `having`, with the values that they are ordered and chosen by.
    grouped = groups.cte("grouped")
    is_original = cells.money is Money.ORIGINAL
    values = []
    for number, term in enumerate(page.terms):
        values.append(shown_value(term.value, grouped, is_original=is_original).label(term_column(number)))
        if term.previous is not None:
            before = shown_value(term.previous, grouped, is_original=is_original)
            values.append(before.label(before_column(number)))
    valued: FromClause = select(grouped, *values).subquery("valued") if values else grouped
    derived = {
        term_column(number): facet_value(number, term, valued).label(term_column(number))
        for number, term in enumerate(page.terms)
        if term.of in (Facet.CHANGE, Facet.SHARE)
    }
    if derived:
        valued = select(*(derived.get(column.name, column) for column in valued.c)).subquery("derived")
    conditions = [] if page.having is None else [fits(page.having, valued)]
    if page.only_known:
        conditions.append(valued.c[cells.dimensions[0]].is_not(None))
    if not conditions:
        return grouped, valued
    fitting = select(valued).where(*conditions).cte(FITTING)
    return fitting, fitting


def _paged(groups: SelectBase, page: PageShape, cells: Cells) -> Select[Any]:
    every, valued = _fitting(groups, page, cells)
    if page.is_ranked:
        rank = func.row_number().over(partition_by=_parent(cells, valued), order_by=order_by(page.sorts, valued))
        valued = select(valued, rank.label(RANK)).subquery("ranked")
    chosen = select(valued)
    if page.nulls is not None:
        chosen = chosen.where(after(page.sorts, page.nulls, valued))
    apart = [*(_parent(cells, valued) or []), *([valued.c[BUCKET]] if page.per_bucket else [])]
    if not apart:
        chosen = chosen.order_by(*order_by(page.sorts, valued)).limit(one("limit", BIG))
    else:
        # A page for each parent, or time bucket.
        number = func.row_number().over(partition_by=apart, order_by=order_by(page.sorts, valued))
        numbered = chosen.add_columns(number.label("place")).subquery("numbered")
        columns = [column for column in numbered.c if column.name != "place"]
        chosen = select(*columns).where(numbered.c.place <= one("limit", BIG)).order_by(numbered.c.place)
    return _counted(chosen, every, cells, page) if page.is_counted else chosen


def _parent(cells: Cells, source: FromClause) -> list[ColumnElement[Any]] | None:
    return [source.c[PARENT]] if cells.groups_by else None


def _counted(chosen: Select[Any], groups: FromClause, cells: Cells, page: PageShape) -> Select[Any]:
    # The number of groups stands beside each row of the page, and alone where the page is empty.
    paged = chosen.subquery("page")
    every = select(*(_parent(cells, groups) or []), func.count().label(TOTAL)).select_from(groups)
    on: Callable[[FromClause], ColumnElement[bool]] = lambda counted: true()  # noqa: E731
    if cells.groups_by:
        every = every.group_by(groups.c[PARENT])
        on = lambda counted: counted.c[PARENT] == paged.c[PARENT]  # noqa: E731
    counted = every.subquery("counted")
    columns = [column for column in paged.c if column.name != PARENT]
    if cells.groups_by:
        columns.insert(0, counted.c[PARENT])
    joined = counted.outerjoin(paged, on(counted))
    return select(*columns, counted.c[TOTAL]).select_from(joined).order_by(*order_by(page.sorts, paged))


def _totals(shape: Shape) -> Select[Any]:
    # From the facts of all groups that fit: distinct counts of groups do not add up.
    assert shape.page is not None
    cells = shape.cells
    groups = _added_up(_scanned(shape.layers, "scanned"), shape, only_present=True)
    _, fitting = _fitting(groups, shape.page, cells)
    layers = tuple(replace(layer, cells=_inside(layer.cells, shape.whole)) for layer in shape.layers)
    inside = _inside(cells, shape.whole)
    statement = _added_up(_scanned(layers, "inside"), shape, only_present=False, cells=inside)
    return statement.add_cte(fitting)  # type: ignore[arg-type]  # a CTE, for totals are asked of groups that fit


def _inside(cells: Cells, money: Money) -> Cells:
    # Groups may have a currency each; what they are together has the answer's.
    return replace(cells, dimensions=(), folds=(), has_time=False, money=money, within=cells)


def _members(shape: Shape) -> Select[Any]:
    cells = shape.cells
    members = {member(name) for name, _ in cells.folded}
    apart = _added_up(_scanned(shape.layers, "scanned"), shape, only_present=True).subquery("apart")
    keys = [apart.c[name] for name in cells.columns if name not in members]
    return select(*keys, func.count().label(MEMBERS)).group_by(*keys)


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
    body = "\n".join(line.strip() for line in sql.splitlines())
    columns = tuple(column.name for column in statement.selected_columns)
    types = ("uuid", *(text.binds[item].type.compile(dialect).lower() for item in names[1:]))
    return Statement(f"/* analytics.{name} */\n{body}", tuple(names), types, columns)


def _numerics(columns: Sequence[str], shape: Shape) -> frozenset[str]:
    sums = [column(output.name, layer) for output, layer in shape.outputs if not _fits_big(output)]
    return frozenset([*sums, *filter(_TERM.match, columns)])


_TERM = re.compile(r"(term|before)_\d+$")
