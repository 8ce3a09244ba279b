"""How nested fields load: rows by id, small child lists, and pages per parent, each batched into one statement.

A loader is asked for by what it loads, and is the same for the whole request:
`await info.context.loaders.get(ById(ORDERS)).load(id)`. Adding one is naming a Listing. Each batch is one short read
transaction; no connection is kept in the context.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from graphql import get_named_type

from app.core.context import Ctx
from app.core.paging import Page, page_of
from app.db import keyset
from app.db.columns import RowAt, Rows
from app.db.keyset import Columns, Condition, Listing, Sort
from app.runtime import Runtime
from graphql_schema.connection import PAGE_ITEMS_DEFAULT, Connection, Connections
from graphql_schema.context import Info

BATCH_MAX = 5_000
"""Keys of one batch; more become several statements."""


class Loader:
    """Loads by key, each key once: what is asked for in one turn of the loop is one batch.

    Askers wait for their batch, however many keys they have: there is no promise for each key.
    """

    def __init__(self, fetch: Callable[[Sequence[Any]], Awaitable[Any]], *, batch_max: int = BATCH_MAX) -> None:
        """fetch: gives what is loaded for each key, in their order. batch_max: keys that it is given at most."""
        self._fetch = fetch
        self._batch_max = batch_max
        self._known: dict[Any, Any] = {}
        self._under_way: dict[Any, asyncio.Future[None]] = {}
        self._wanted: list[Any] = []
        self._next: asyncio.Future[None] | None = None

    async def load(self, key: Any) -> Any:
        """What is loaded for the key."""
        (found,) = await self.load_many((key,))
        return found

    async def load_many(self, keys: Collection[Any]) -> list[Any]:
        """What is loaded for each key, in their order."""
        new: list[Any] = list(dict.fromkeys(keys))
        if self._known or self._under_way:
            new = [key for key in new if key not in self._known and key not in self._under_way]
        if new:
            if self._next is None:
                self._next = asyncio.ensure_future(self._batch())
            self._wanted += new
            self._under_way |= dict.fromkeys(new, self._next)
        for batch in dict.fromkeys(map(self._under_way.get, keys)):
            # Shielded: one that leaves takes nothing from the others.
            if batch is not None:
                await asyncio.shield(batch)
        return list(map(self._known.__getitem__, keys))

    async def _loaded(self, keys: Sequence[Any]) -> Sequence[Any]:
        found: Sequence[Any] = await self._fetch(keys)
        return found

    async def _batch(self) -> None:
        # A turn of the loop, in which others ask for more.
        await asyncio.sleep(0)
        wanted, self._wanted, self._next = self._wanted, [], None
        try:
            size = self._batch_max
            parts = [wanted[first : first + size] for first in range(0, len(wanted), size)]
            for part in parts:
                self._known |= zip(part, await self._loaded(part), strict=True)
        finally:
            for key in wanted:
                del self._under_way[key]


class RowLoader(Loader):
    """Loads rows by key: of each key, the positions of its rows among `rows`, which is all that was loaded.

    fetch: gives the rows of keys; in the column `by` stands whose they are, those of a key in their order.
    """

    def __init__(self, fetch: Callable[[Sequence[UUID]], Awaitable[Rows]], by: str) -> None:
        super().__init__(fetch)
        self.rows = Rows()
        self._by = by

    def know(self, rows: Rows) -> None:
        """These rows need not be loaded. Told before any is."""
        assert not self._known, "told before any is loaded"
        self._known = {key: (position,) for position, key in enumerate(rows.column(self._by))}
        self.rows.add(rows)

    async def _loaded(self, keys: Sequence[UUID]) -> Sequence[Sequence[int]]:
        found = await self._fetch(keys)
        positions: dict[UUID, list[int]] = {key: [] for key in keys}
        for position, key in enumerate(found.column(self._by), start=len(self.rows)):
            positions[key].append(position)
        self.rows.add(found)
        return list(positions.values())

    async def rows_of(self, key: UUID) -> list[RowAt]:
        """The rows of a key, for whoever takes them one by one."""
        return [RowAt(self.rows, position) for position in await self.load(key)]


@dataclass(frozen=True, slots=True)
class ById:
    """Loads rows of a listing by id; none for what is not there or not the caller's to see."""

    listing: Listing
    columns: Columns = None

    def __call__(self, runtime: Runtime, ctx: Ctx) -> RowLoader:
        """The loader of one request."""

        async def fetch(ids: Sequence[UUID]) -> Rows:
            async with runtime.db.read(ctx.tenant_id) as session:
                return await keyset.get_many(ctx, session, self.listing, ids, columns=self.columns)

        return RowLoader(fetch, "id")


async def load_one_each(
    info: Info, listing: Listing, ids: Sequence[UUID | None], columns: Columns = None
) -> tuple[Rows, list[int | None]]:
    """Rows by their ids: all that were loaded, and where among them each id's stands; None without id or row."""
    loader = info.context.loaders.get(ById(listing, columns))
    known = dict.fromkeys(ids)
    known.pop(None, None)
    found = await loader.load_many(known)
    places = {key: positions[0] for key, positions in zip(known, found, strict=True) if positions}
    return loader.rows, list(map(places.get, ids))


@dataclass(frozen=True, slots=True)
class Children:
    """Loads all rows of a parent, in `order`: for lists that stay small."""

    listing: Listing
    parent: str
    order: str
    columns: Columns = None

    def __call__(self, runtime: Runtime, ctx: Ctx) -> RowLoader:
        """The loader of one request."""

        async def fetch(parent_ids: Sequence[UUID]) -> Rows:
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

        return RowLoader(fetch, "parent_id")


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

    def __call__(self, runtime: Runtime, ctx: Ctx) -> RowLoader:
        """The loader of one request."""

        async def fetch(parent_ids: Sequence[UUID]) -> Rows:
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

        return RowLoader(fetch, "parent_id")


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts every parent's list."""

    listing: Listing
    parent: str
    conditions: tuple[Condition, ...]

    def __call__(self, runtime: Runtime, ctx: Ctx) -> Loader:
        """The loader of one request."""

        async def load(parent_ids: Sequence[UUID]) -> list[int]:
            async with runtime.db.read(ctx.tenant_id) as session:
                found = await keyset.counts(
                    ctx,
                    session,
                    self.listing,
                    parent=self.parent,
                    parent_ids=parent_ids,
                    conditions=self.conditions,
                )
            return [found[parent_id] for parent_id in parent_ids]

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
    parent_ids: Sequence[UUID],
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
