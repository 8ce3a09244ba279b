"""Keyset pages: one way to list rows of a tenant, forward and backward, for one list or one per parent.

A Listing is declared once per list; `page` reads one page of it, `pages` one page for each of many parents in a single
statement, `count` and `counts` whole lists. Never an offset: rows that come in between neither repeat nor hide others.
Every function applies the listing's `own` predicate for principals that are limited to one influencer's rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from app.core.context import Ctx
from app.core.paging import Page, decode_cursor
from app.db.session import ReadSession
from app.errors import DomainError

Columns = frozenset[str] | None
"""Columns that are read of the rows, beside their ids and sort columns; None: all that the listing has."""

EVERYTHING = "true"
NOTHING = "false"

_PARENT = itemgetter("parent_id")


@dataclass(frozen=True, slots=True)
class Owner:
    """The table of a list's parents, where rows do not name their parent's id, and the columns that both have."""

    table: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of rows of one tenant table, whose alias in all SQL is `item`.

    tag: of its statements. columns: the select list; `item.id` and every sort column are among them. computed: columns
    beside them that the table does not have, and their SQL. owner: see there; such rows are listed by parent alone.
    sorts: sort columns (never null) and their SQL types. own: which rows an influencer's key sees: a predicate on
    `item` in which `{}` stands for the influencer's id, or EVERYTHING, or NOTHING.
    """

    tag: str
    table: str
    columns: str
    own: str
    sorts: tuple[tuple[str, str], ...] = (("created_at", "timestamptz"),)
    computed: tuple[tuple[str, str], ...] = ()
    owner: Owner | None = None

    def select(self, columns: Columns, *always: str) -> str:
        """The select list of these columns and `always`, in one order, so that a set of columns is one statement."""
        if columns is None:
            return ", ".join((self.columns, *(f"{sql} AS {name}" for name, sql in self.computed)))
        computed = dict(self.computed)
        return ", ".join(
            f"{computed[name]} AS {name}" if name in computed else f"item.{name}"
            for name in sorted({*columns, *always})
        )


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of rows: by a sort column of the listing, then by id, both in the same direction."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A predicate on `item`. `{}` in its SQL stands for the value; without one there is no parameter."""

    sql: str
    value: Any = None

    @property
    def has_value(self) -> bool:
        """Whether it takes a parameter."""
        return "{}" in self.sql


def question(listing: Listing, sort: Sort, conditions: Sequence[Condition]) -> list[Any]:
    """What the cursors of a list are bound to."""
    return [listing.tag, sort.column, sort.descending, [[part.sql, part.value] for part in conditions]]


def sort_values(row: Any, sort: Sort) -> tuple[Any, UUID]:
    """The cursor's values of a row."""
    return row[sort.column], row["id"]


async def page(
    ctx: Ctx,
    session: ReadSession,
    listing: Listing,
    *,
    conditions: Sequence[Condition],
    sort: Sort,
    page: Page,
    columns: Columns = None,
    tells_more: bool = True,
) -> list[Any]:
    """At most page.limit rows, and one more if it is to tell whether there are more, nearest the cursor first.

    Raises INVALID_CURSOR.
    """
    args: list[Any] = [ctx.tenant_id]
    where = _where(args, ctx, listing, conditions) + _beyond(args, listing, conditions, sort, page)
    sql = f"""/* {listing.tag}.page */
        SELECT {listing.select(columns, "id", sort.column)}
        FROM {listing.table} AS item
        WHERE item.tenant_id = $1{where}
        ORDER BY {_order(sort, page)}
        LIMIT {_parameter(args, page.limit + tells_more)}"""  # noqa: S608 - only declared texts; values are parameters
    return await session.fetch(sql, *args)


async def pages(
    ctx: Ctx,
    session: ReadSession,
    listing: Listing,
    *,
    parent: str,
    parent_ids: Sequence[UUID],
    conditions: Sequence[Condition],
    sort: Sort,
    page: Page,
    columns: Columns = None,
    tells_more: bool = True,
) -> dict[UUID, list[Any]]:
    """The same for each parent, of its rows, in one statement.

    parent: the column of `item` that names the parent, unless the listing has an owner. Of each parent no more rows are
    read than asked for: the parent's columns are constants to an index that begins with them and is in order.
    """
    args: list[Any] = [ctx.tenant_id, list(parent_ids)]
    where = _where(args, ctx, listing, conditions) + _beyond(args, listing, conditions, sort, page)
    sql = f"""/* {listing.tag}.pages */{_with_parents(listing)}
        SELECT parent.id AS parent_id, found.*
        FROM {_parents(listing)}
        CROSS JOIN LATERAL (
          SELECT {listing.select(columns, "id", sort.column)}
          FROM {listing.table} AS item
          WHERE item.tenant_id = $1 AND {_of_parent(listing, parent)}{where}
          ORDER BY {_order(sort, page)}
          LIMIT {_parameter(args, page.limit + tells_more)}
        ) AS found"""  # noqa: S608 - only declared texts; values are parameters
    grouped: dict[UUID, list[Any]] = {parent_id: [] for parent_id in parent_ids}
    rows = await session.fetch(sql, *args)
    for parent_id, row in zip(map(_PARENT, rows), rows, strict=True):
        grouped[parent_id].append(row)
    return grouped


async def count(ctx: Ctx, session: ReadSession, listing: Listing, *, conditions: Sequence[Condition]) -> int:
    """Rows of the whole list."""
    args: list[Any] = [ctx.tenant_id]
    sql = f"""/* {listing.tag}.count */
        SELECT count(*)
        FROM {listing.table} AS item
        WHERE item.tenant_id = $1{_where(args, ctx, listing, conditions)}"""  # noqa: S608 - only declared texts
    found: int = await session.fetchval(sql, *args)
    return found


async def counts(
    ctx: Ctx,
    session: ReadSession,
    listing: Listing,
    *,
    parent: str,
    parent_ids: Sequence[UUID],
    conditions: Sequence[Condition],
) -> dict[UUID, int]:
    """Rows of each parent's whole list, in one statement."""
    args: list[Any] = [ctx.tenant_id, list(parent_ids)]
    sql = f"""/* {listing.tag}.counts */{_with_parents(listing)}
        SELECT parent.id AS parent_id, count(*) AS items
        FROM {_parents(listing)}
        JOIN {listing.table} AS item ON item.tenant_id = $1 AND {_of_parent(listing, parent)}
        WHERE item.tenant_id = $1{_where(args, ctx, listing, conditions)}
        GROUP BY parent.id"""  # noqa: S608 - only declared texts
    found = {row["parent_id"]: row["items"] for row in await session.fetch(sql, *args)}
    return {parent_id: found.get(parent_id, 0) for parent_id in parent_ids}


async def get_many(
    ctx: Ctx, session: ReadSession, listing: Listing, ids: Sequence[UUID], *, columns: Columns = None
) -> list[Any | None]:
    """The rows with these ids, in their order; None where there is none."""
    args: list[Any] = [ctx.tenant_id, list(ids)]
    sql = f"""/* {listing.tag}.get_many */
        SELECT {listing.select(columns, "id")}
        FROM {listing.table} AS item
        WHERE item.tenant_id = $1 AND item.id = ANY($2::uuid[]){_where(args, ctx, listing, ())}"""  # noqa: S608
    found = {row["id"]: row for row in await session.fetch(sql, *args)}
    return [found.get(wanted) for wanted in ids]


async def find(ctx: Ctx, session: ReadSession, listings: Sequence[Listing], wanted: UUID) -> str | None:
    """The tag of the listing that holds a row with this id that the caller may see, in one statement."""
    args: list[Any] = [ctx.tenant_id, wanted]
    parts = (
        f"SELECT '{listing.tag}' AS tag FROM {listing.table} AS item "  # noqa: S608 - only declared texts
        f"WHERE item.tenant_id = $1 AND item.id = $2{_where(args, ctx, listing, ())}"
        for listing in listings
    )
    tag: str | None = await session.fetchval("/* keyset.find */\n" + "\nUNION ALL\n".join(parts), *args)
    return tag


async def get_children(
    ctx: Ctx,
    session: ReadSession,
    listing: Listing,
    *,
    parent: str,
    parent_ids: Sequence[UUID],
    order: str,
    columns: Columns = None,
) -> list[list[Any]]:
    """All rows of each parent, in the parents' order: for small lists that are never paged (an order's lines)."""
    args: list[Any] = [ctx.tenant_id, list(parent_ids)]
    sql = f"""/* {listing.tag}.get_children */
        SELECT item.{parent} AS parent_id, {listing.select(columns, "id")}
        FROM {listing.table} AS item
        WHERE item.tenant_id = $1 AND item.{parent} = ANY($2::uuid[]){_where(args, ctx, listing, ())}
        ORDER BY {order}"""  # noqa: S608 - only declared texts
    grouped: dict[UUID, list[Any]] = {parent_id: [] for parent_id in parent_ids}
    rows = await session.fetch(sql, *args)
    for parent_id, row in zip(map(_PARENT, rows), rows, strict=True):
        grouped[parent_id].append(row)
    return [grouped[parent_id] for parent_id in parent_ids]


def _parameter(args: list[Any], value: Any) -> str:
    args.append(value)
    return f"${len(args)}"


def _with_parents(listing: Listing) -> str:
    """The parents of a listing with an owner. Materialised, so that they are looped over: a hash would lose order."""
    if listing.owner is None:
        return ""
    columns = "".join(f", owner.{column}" for column in listing.owner.columns)
    return f"""
        WITH parent AS MATERIALIZED (
          SELECT owner.id{columns}
          FROM unnest($2::uuid[]) AS asked (id)
          JOIN {listing.owner.table} AS owner ON owner.tenant_id = $1 AND owner.id = asked.id
        )"""  # noqa: S608 - only declared texts


def _parents(listing: Listing) -> str:
    return "unnest($2::uuid[]) AS parent (id)" if listing.owner is None else "parent"


def _of_parent(listing: Listing, parent: str) -> str:
    if listing.owner is None:
        return f"item.{parent} = parent.id"
    return " AND ".join(f"item.{column} = parent.{column}" for column in listing.owner.columns)


def _where(args: list[Any], ctx: Ctx, listing: Listing, conditions: Sequence[Condition]) -> str:
    limited = () if ctx.principal.influencer_id is None else (Condition(listing.own, ctx.principal.influencer_id),)
    parts = (
        part.sql.replace("{}", _parameter(args, part.value)) if part.has_value else part.sql
        for part in (*limited, *conditions)
    )
    return "".join(f"\n          AND {part}" for part in parts)


def _beyond(args: list[Any], listing: Listing, conditions: Sequence[Condition], sort: Sort, page: Page) -> str:
    casts = dict(listing.sorts)
    assert sort.column in casts, f"{listing.tag} is not sorted by {sort.column}"
    if page.cursor is None:
        return ""
    path = "before" if page.backward else "after"
    values = decode_cursor(question(listing, sort, conditions), page.cursor, path=path)
    if not _is_place(values, casts[sort.column]):
        raise DomainError("INVALID_CURSOR", f"`{path}` is not a cursor of this connection.", path=(path,))
    sign = "<" if sort.descending != page.backward else ">"
    value, last = (_parameter(args, part) for part in values)
    return f"\n          AND (item.{sort.column}, item.id) {sign} ({value}::{casts[sort.column]}, {last}::uuid)"


def _is_place(values: Sequence[Any], sql_type: str) -> bool:
    """Whether the values are a row's sort value and id: a cursor that somebody edited never reaches the database."""
    match values:
        case [datetime() as instant, UUID()]:
            return sql_type == "timestamptz" and instant.tzinfo is not None and MINYEAR < instant.year < MAXYEAR
        case [str() as text, UUID()]:
            return sql_type == "text" and "\0" not in text
        case [int() as number, UUID()]:
            return sql_type == "bigint" and type(number) is int and abs(number) < 2**63
        case _:
            return False


def _order(sort: Sort, page: Page) -> str:
    direction = "DESC" if sort.descending != page.backward else "ASC"
    return f"item.{sort.column} {direction}, item.id {direction}"
