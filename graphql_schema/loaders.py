"""How nested fields load: rows by id, small child lists, and pages per parent, each batched into one statement.

A loader is asked for by what it loads, and is the same for the whole request:
`await info.context.loaders.get(ById(ORDERS)).load(id)`. Adding one is naming a Listing. Each batch is one short read
transaction; no connection is kept in the context.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from graphql import get_named_type

from app.core.context import Ctx
from app.core.paging import Page, page_of
from app.db import keyset
from app.db.columns import Rows
from app.db.keyset import Columns, Condition, Listing, Sort
from app.runtime import Runtime
from graphql_schema.batching import Loader
from graphql_schema.connection import PAGE_ITEMS_DEFAULT, Connection, Connections
from graphql_schema.context import Info
from graphql_schema.row_loaders import ChildLoader, IdLoader, Memory


@dataclass(frozen=True, slots=True)
class ById:
    """Loads rows of a listing by id; none for what is not there or not the caller's to see."""

    listing: Listing
    columns: Columns = None

    def __call__(self, runtime: Runtime, ctx: Ctx) -> IdLoader:
        """The loader of one request."""

        async def fetch(ids: Sequence[str]) -> Rows:
            async with runtime.db.read(ctx.tenant_id, in_turn=True) as session:
                return await keyset.get_many(ctx, session, self.listing, ids, columns=self.columns)

        def names() -> Sequence[str]:
            return self.listing.names(self.columns, "id")

        return IdLoader(fetch, Memory.of(runtime, ctx, self.listing, self.columns, names))


async def load_one_each(
    info: Info, listing: Listing, ids: Sequence[UUID | str | None], columns: Columns = None
) -> tuple[Rows, list[int | None]]:
    """Rows by their ids: all that were loaded, and where among them each id's stands; None without id or row."""
    loader = info.context.loaders.get(ById(listing, columns))
    return loader.rows, await loader.places(ids)


@dataclass(frozen=True, slots=True)
class Children:
    """Loads all rows of a parent, in `order`: for lists that stay small."""

    listing: Listing
    parent: str
    order: str
    columns: Columns = None

    def __call__(self, runtime: Runtime, ctx: Ctx) -> ChildLoader:
        """The loader of one request."""

        async def fetch(parent_ids: Sequence[str]) -> Rows:
            async with runtime.db.read(ctx.tenant_id) as session:
                return await keyset.get_children(
                    ctx,
                    session,
                    self.listing,
                    parent=self.parent,
                    parent_ids=parent_ids,
                    order=self.order,
                    columns=self.columns,
                )

        def names() -> Sequence[str]:
            return ["parent_number", *self.listing.names(self.columns)]

        return ChildLoader(fetch, Memory.of(runtime, ctx, self.listing, (self.parent, self.order, self.columns), names))


@dataclass(frozen=True, slots=True)
class Pages:
    """Loads the same page of every parent's list."""

    listing: Listing
    parent: str
    conditions: tuple[Condition, ...]
    sort: Sort
    page: Page
    columns: Columns
    tells_more: bool

    def __call__(self, runtime: Runtime, ctx: Ctx) -> ChildLoader:
        """The loader of one request."""

        async def fetch(parent_ids: Sequence[str]) -> Rows:
            async with runtime.db.read(ctx.tenant_id) as session:
                return await keyset.pages(
                    ctx,
                    session,
                    self.listing,
                    parent=self.parent,
                    parent_ids=parent_ids,
                    conditions=self.conditions,
                    sort=self.sort,
                    page=self.page,
                    columns=self.columns,
                    tells_more=self.tells_more,
                )

        return ChildLoader(fetch)


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts every parent's list."""

    listing: Listing
    parent: str
    conditions: tuple[Condition, ...]

    def __call__(self, runtime: Runtime, ctx: Ctx) -> Loader:
        """The loader of one request."""

        async def load(parent_ids: Sequence[UUID | str]) -> list[int]:
            async with runtime.db.read(ctx.tenant_id) as session:
                return await keyset.counts(
                    ctx,
                    session,
                    self.listing,
                    parent=self.parent,
                    parent_ids=parent_ids,
                    conditions=self.conditions,
                )

        return Loader(load)


@dataclass(frozen=True, slots=True)
class Paging:
    """The four paging arguments of a connection field, as given."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None

    def page(self, runtime: Runtime) -> Page:
        """The page asked for. Raises INVALID_PAGE."""
        return page_of(
            self.first,
            self.after,
            self.last,
            self.before,
            default=PAGE_ITEMS_DEFAULT,
            limit_max=runtime.settings.page_items_max,
        )


def _asks(info: Info, attribute: str) -> bool:
    """Whether the operation reads an attribute of a connection of this field's type."""
    read = info.context.reads.get(get_named_type(info._raw_info.return_type).name)
    return read is None or attribute in read


def _with_cursors(info: Info, columns: Columns, sort: Sort) -> Columns:
    """The columns, with those of the cursors if they are asked for."""
    return columns.union(keyset.sort_columns(sort)) if columns is not None and _asks(info, "cursors") else columns


async def listed(
    info: Info,
    listing: Listing,
    paging: Paging,
    *,
    node: Callable[[Any], Any],
    sort: Sort,
    conditions: Sequence[Condition] = (),
    columns: Columns = None,
) -> Connection[Any]:
    """A root list as a connection: one statement, and one more when its totalCount is selected."""
    runtime, ctx = info.context.runtime, info.context.ctx
    page = paging.page(runtime)
    async with runtime.db.read(ctx.tenant_id) as session:
        rows = await keyset.page(
            ctx,
            session,
            listing,
            conditions=conditions,
            sort=sort,
            page=page,
            columns=_with_cursors(info, columns, sort),
            tells_more=_asks(info, "more"),
        )

    async def count(_: int) -> int:
        async with runtime.db.read(ctx.tenant_id) as session:
            return await keyset.count(ctx, session, listing, conditions=conditions)

    question = keyset.question(listing, sort, conditions)
    found: Connection[Any] = Connections(
        rows, [range(len(rows))], page, question=question, sort=sort, node=node, count=count
    )[0]
    return found


async def nested(
    info: Info,
    listing: Listing,
    paging: Paging,
    *,
    parent: str,
    parent_ids: Sequence[UUID | str],
    node: Callable[[Any], Any],
    sort: Sort,
    conditions: Sequence[Condition] = (),
    columns: Columns = None,
) -> Connections:
    """Each parent's list as a connection; the lists of all parents in the answer are one statement."""
    page = paging.page(info.context.runtime)
    fixed = tuple(conditions)
    loaders = info.context.loaders
    asked = _with_cursors(info, columns, sort)
    loader = loaders.get(Pages(listing, parent, fixed, sort, page, asked, _asks(info, "more")))
    parts = await loader.load_many(parent_ids)

    async def count(index: int) -> int:
        counted: int = await loaders.get(Counts(listing, parent, fixed)).load(parent_ids[index])
        return counted

    question = keyset.question(listing, sort, fixed)
    return Connections(loader.rows, parts, page, question=question, sort=sort, node=node, count=count)
