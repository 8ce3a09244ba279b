"""Keyset pages: one way to list rows of a tenant, forward and backward, for one list or one per parent.

A Listing is declared once per list; `page` reads one page of it, `pages` one page for each of many parents in a single
statement, `count` and `counts` whole lists. Never an offset: rows that come in between neither repeat nor hide others.
Every function applies the listing's `own` predicate for principals that are limited to one influencer's rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any
from uuid import UUID

from app.core.arrays import array_text
from app.core.context import Ctx
from app.core.paging import Page, decode_cursor
from app.db.columns import Form, Rows, by_column, forms
from app.db.session import ReadSession
from app.errors import DomainError

Columns = frozenset[str] | None
"""Columns that are read of the rows; None: all that the listing has."""

EVERYTHING = "true"
NOTHING = "false"


@dataclass(frozen=True, slots=True)
class Owner:
    """The table of a list's parents, where rows do not name their parent's id, and the columns that both have."""

    table: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of rows of one tenant table, whose alias in all SQL is `item`.

    tag: of its statements. columns: the select list, `item.*` or single ones; `item.id` and every sort column are among
    them. computed: columns beside them that the table does not have, and their SQL. owner: see there; such rows are
    listed by parent alone. sorts: sort columns (never null) and their SQL types. own: which rows an influencer's key
    sees: a predicate on `item` in which `{}` stands for the influencer's id, or EVERYTHING, or NOTHING.

    places: a table that has the ids, the sort columns and the parents of the rows, where their own has not all of them:
    lists by parent are paged in it, under the alias `item` too, and only the rows of the page are read. Such rows are
    listed in no other way. like: the table whose columns it has, where `table` is a select.

    is_kept: whether processes keep rows that they looked up: every change of one is noted by the tag of an entity,
    which begins another epoch of the tenant's rows (app/cache/rows.py).
    """

    tag: str
    table: str
    columns: str
    own: str
    sorts: tuple[tuple[str, str], ...] = (("created_at", "timestamptz"),)
    computed: tuple[tuple[str, str], ...] = ()
    owner: Owner | None = None
    places: str | None = None
    like: str | None = None
    is_kept: bool = False

    @property
    def forms(self) -> Mapping[str, Form]:
        """How its columns travel, as far as they are those of a table."""
        return forms(self.like or self.table)

    def __hash__(self) -> int:
        # Every look-up of a request goes by its listing.
        return hash(self.tag)

    def names(self, columns: Columns, *always: str) -> list[str]:
        """Names of these columns and `always`, in one order, so that a set of columns is one statement."""
        if columns is not None:
            return sorted({*columns, *always})
        listed = [name.strip().removeprefix("item.") for name in self.columns.split(",")]
        return [*(self.forms if listed == ["*"] else listed), *(name for name, _ in self.computed)]

    def select(self, names: Sequence[str]) -> str:
        """The select list of these columns."""
        computed = dict(self.computed)
        return ", ".join(f"{computed[name]} AS {name}" if name in computed else f"item.{name}" for name in names)


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


def sort_columns(sort: Sort) -> tuple[str, str]:
    """The columns of which a row's cursor is made."""
    return sort.column, "id"


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
) -> Rows:
    """At most page.limit rows, and one more if it is to tell whether there are more, nearest the cursor first.

    Raises INVALID_CURSOR.
    """
    args: list[Any] = [ctx.tenant_id]
    where = _where(args, ctx, listing, conditions) + _beyond(args, listing, conditions, sort, page)
    names = listing.names(columns, "id")
    limit = page.limit + tells_more
    # The number that no parameter hides is the next power of two. A plan for any number of rows would expect a tenth of
    # the tenant's: Postgres planned every call anew, longer than it takes to read twenty rows of a partitioned table.
    sql = f"""
          SELECT *
          FROM (
            SELECT {listing.select(names)}
            FROM {listing.table} AS item
            WHERE item.tenant_id = $1{where}
            ORDER BY {_order("item", sort, page)}
            LIMIT {1 << limit.bit_length()}
          ) AS nearest
          LIMIT {_parameter(args, limit)}"""  # noqa: S608 - only declared texts; values are parameters
    return await _fetched(session, listing, "page", sql, names, args)


async def pages(
    ctx: Ctx,
    session: ReadSession,
    listing: Listing,
    *,
    parent: str,
    parent_ids: Sequence[UUID | str],
    conditions: Sequence[Condition],
    sort: Sort,
    page: Page,
    columns: Columns = None,
    tells_more: bool = True,
) -> Rows:
    """The same for each parent, of its rows, in one statement: those of the first parent, then those of the next.

    In `parent_number` stands whose they are: 1 for the first of the ids. parent: the column of `item` that names the
    parent, unless the listing has an owner. Of each parent no more rows are read than asked for: the parent's columns
    are constants to an index that begins with them and is in order.
    """
    args: list[Any] = [ctx.tenant_id, array_text(parent_ids)]
    where = _where(args, ctx, listing, conditions) + _beyond(args, listing, conditions, sort, page)
    names = listing.names(columns)
    limit = _parameter(args, page.limit + tells_more)
    # Only declared texts; values are parameters.
    sql = f"""
          SELECT parent.number AS parent_number, found.*
          FROM {_parents(listing)}
          CROSS JOIN LATERAL (
            SELECT {listing.select(sorted({*(names if listing.places is None else ()), *sort_columns(sort)}))}
            FROM {listing.places or listing.table} AS item
            WHERE item.tenant_id = $1 AND {_of_parent(listing, parent)}{where}
            ORDER BY {_order("item", sort, page)}
            LIMIT {limit}
          ) AS found"""  # noqa: S608
    if listing.places is None:
        sql += f"\n          ORDER BY parent.number, {_order('found', sort, page)}"
    else:
        # Looked up in the order of their index, which costs a sixth less than in that of the lists.
        sql = f"""
          SELECT {_with_number("place.parent_number", listing.select(names))}
          FROM ({sql}
          ORDER BY found.id) AS place
          JOIN {listing.table} AS item ON item.tenant_id = $1 AND item.id = place.id
          ORDER BY place.parent_number, {_order("place", sort, page)}"""  # noqa: S608
    names = ["parent_number", *names]
    return await _fetched(session, listing, "pages", sql, names, args, before=_with_parents(listing))


async def _fetched(
    session: ReadSession,
    listing: Listing,
    tag: str,
    statement: str,
    names: Sequence[str],
    args: Sequence[Any],
    *,
    before: str = "",
) -> Rows:
    """The rows of a select, by column. before: what stands before it."""
    known = listing.forms
    sql = f"/* {listing.tag}.{tag} */{before}\n        {by_column(statement, names, known)}"
    return Rows(await session.fetchrow(sql, *args), known)


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
    parent_ids: Sequence[UUID | str],
    conditions: Sequence[Condition],
) -> list[int]:
    """Rows of each parent's whole list, in the order of the ids, in one statement."""
    args: list[Any] = [ctx.tenant_id, array_text(parent_ids)]
    sql = f"""/* {listing.tag}.counts */{_with_parents(listing)}
        SELECT parent.number, count(*) AS items
        FROM {_parents(listing)}
        JOIN {listing.places or listing.table} AS item ON item.tenant_id = $1 AND {_of_parent(listing, parent)}
        WHERE item.tenant_id = $1{_where(args, ctx, listing, conditions)}
        GROUP BY parent.number"""  # noqa: S608 - only declared texts
    found = {row["number"]: row["items"] for row in await session.fetch(sql, *args)}
    return [found.get(number, 0) for number in range(1, len(parent_ids) + 1)]


async def get_many(
    ctx: Ctx, session: ReadSession, listing: Listing, ids: Sequence[UUID | str], *, columns: Columns = None
) -> Rows:
    """Those of the rows with these ids that there are, in any order."""
    args: list[Any] = [ctx.tenant_id, array_text(ids)]
    names = listing.names(columns, "id")
    # A select of its own reads the text once. As a condition of each row it would be read anew for every row where the
    # planner takes another index than that of ids, as it does until it has a plan for all values.
    sql = f"""
          SELECT {listing.select(names)}
          FROM {listing.table} AS item
          WHERE item.tenant_id = $1 AND item.id IN (SELECT unnest({_IDS})){_where(args, ctx, listing, ())}"""  # noqa: S608
    return await _fetched(session, listing, "get_many", sql, names, args)


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
    parent_ids: Sequence[UUID | str],
    order: str,
    columns: Columns = None,
) -> Rows:
    """All rows of all parents, those of each in order: for small lists that are never paged (an order's lines).

    They stand in their parents' order, and in `parent_number` whose they are: 1 for the first of the ids.
    """
    args: list[Any] = [ctx.tenant_id, array_text(parent_ids)]
    names = listing.names(columns)
    sql = f"""
          SELECT {_with_number("parent.number AS parent_number", listing.select(names))}
          FROM {_PARENTS}
          JOIN {listing.table} AS item ON item.tenant_id = $1 AND item.{parent} = parent.id
          WHERE item.tenant_id = $1{_where(args, ctx, listing, ())}
          ORDER BY parent.number, {order}"""  # noqa: S608 - only declared texts
    return await _fetched(session, listing, "get_children", sql, ["parent_number", *names], args)


def _parameter(args: list[Any], value: Any) -> str:
    args.append(value)
    return f"${len(args)}"


_IDS = "($2::text)::uuid[]"
_PARENTS = f"unnest({_IDS}) WITH ORDINALITY AS parent (id, number)"


def _with_number(number: str, columns: str) -> str:
    # Of no column at all where rows are only counted.
    return f"{number}, {columns}" if columns else number


def _with_parents(listing: Listing) -> str:
    """The parents of a listing with an owner. Materialised, so that they are looped over."""
    if listing.owner is None:
        return ""
    columns = "".join(f", owner.{column}" for column in listing.owner.columns)
    return f"""
        WITH parent AS MATERIALIZED (
          SELECT owner.id, asked.number{columns}
          FROM unnest({_IDS}) WITH ORDINALITY AS asked (id, number)
          JOIN {listing.owner.table} AS owner ON owner.tenant_id = $1 AND owner.id = asked.id
        )"""  # noqa: S608 - only declared texts


def _parents(listing: Listing) -> str:
    return _PARENTS if listing.owner is None else "parent"


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


def _order(alias: str, sort: Sort, page: Page) -> str:
    direction = "DESC" if sort.descending != page.backward else "ASC"
    return f"{alias}.{sort.column} {direction}, {alias}.id {direction}"
