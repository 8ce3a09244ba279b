"""How nested fields load: rows by id, small child lists, and pages per parent, each batched into one statement.

A loader is asked for by what it loads, and is the same for the whole request:
`await info.context.loaders.get(ById(ORDERS)).load(id)`. Adding one is naming a Listing. Each batch is one short read
transaction; no connection is kept in the context.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from aiodataloader import DataLoader

from app.core.context import Ctx
from app.core.paging import Page, page_of
from app.db import keyset
from app.db.keyset import Condition, Listing, Sort
from app.runtime import Runtime
from graphql_schema.connection import PAGE_ITEMS_DEFAULT, Connection, connection
from graphql_schema.context import Info

Node = TypeVar("Node")

BATCH_MAX = 5_000
"""Keys of one batch; more become several statements."""


def _batched(load: Callable[[Sequence[UUID]], Any]) -> DataLoader[UUID, Any]:
    async def batch(keys: list[UUID]) -> list[Any]:
        found: list[Any] = await load(keys)
        return found

    return DataLoader(batch_load_fn=batch, max_batch_size=BATCH_MAX)


@dataclass(frozen=True, slots=True)
class ById:
    """Loads rows of a listing by id; None for what is not there or not the caller's to see."""

    listing: Listing

    def __call__(self, runtime: Runtime, ctx: Ctx) -> DataLoader[UUID, Any]:
        """The loader of one request."""

        async def load(ids: Sequence[UUID]) -> list[Any]:
            async with runtime.db.read(ctx.tenant_id) as session:
                return await keyset.get_many(ctx, session, self.listing, ids)

        return _batched(load)


@dataclass(frozen=True, slots=True)
class Children:
    """Loads all rows of a parent, in `order`: for lists that stay small."""

    listing: Listing
    parent: str
    order: str

    def __call__(self, runtime: Runtime, ctx: Ctx) -> DataLoader[UUID, Any]:
        """The loader of one request."""

        async def load(parent_ids: Sequence[UUID]) -> list[Any]:
            async with runtime.db.read(ctx.tenant_id) as session:
                return await keyset.get_children(
                    ctx, session, self.listing, parent=self.parent, parent_ids=parent_ids, order=self.order
                )

        return _batched(load)


@dataclass(frozen=True, slots=True)
class Pages:
    """Loads the same page of every parent's list."""

    listing: Listing
    parent: str
    conditions: tuple[Condition, ...]
    sort: Sort
    page: Page

    def __call__(self, runtime: Runtime, ctx: Ctx) -> DataLoader[UUID, Any]:
        """The loader of one request."""

        async def load(parent_ids: Sequence[UUID]) -> list[Any]:
            async with runtime.db.read(ctx.tenant_id) as session:
                found = await keyset.pages(
                    ctx,
                    session,
                    self.listing,
                    parent=self.parent,
                    parent_ids=parent_ids,
                    conditions=self.conditions,
                    sort=self.sort,
                    page=self.page,
                )
            return [found[parent_id] for parent_id in parent_ids]

        return _batched(load)


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts every parent's list."""

    listing: Listing
    parent: str
    conditions: tuple[Condition, ...]

    def __call__(self, runtime: Runtime, ctx: Ctx) -> DataLoader[UUID, int]:
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

        return _batched(load)


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


async def listed(
    info: Info,
    listing: Listing,
    paging: Paging,
    *,
    node: Callable[[Any], Node],
    sort: Sort,
    conditions: Sequence[Condition] = (),
) -> Connection[Node]:
    """A root list as a connection: one statement, and one more when its totalCount is selected."""
    runtime, ctx = info.context.runtime, info.context.ctx
    page = paging.page(runtime)
    async with runtime.db.read(ctx.tenant_id) as session:
        rows = await keyset.page(ctx, session, listing, conditions=conditions, sort=sort, page=page)

    async def count() -> int:
        async with runtime.db.read(ctx.tenant_id) as session:
            return await keyset.count(ctx, session, listing, conditions=conditions)

    return connection(
        rows,
        page,
        question=keyset.question(listing, sort, conditions),
        sort_values=lambda row: keyset.sort_values(row, sort),
        node=node,
        count=count,
    )


async def nested(
    info: Info,
    listing: Listing,
    paging: Paging,
    *,
    parent: str,
    parent_id: UUID,
    node: Callable[[Any], Node],
    sort: Sort,
    conditions: Sequence[Condition] = (),
) -> Connection[Node]:
    """A parent's list as a connection; the lists of all parents in the answer are one statement."""
    page = paging.page(info.context.runtime)
    fixed = tuple(conditions)
    loaders = info.context.loaders
    rows = await loaders.get(Pages(listing, parent, fixed, sort, page)).load(parent_id)

    async def count() -> int:
        return await loaders.get(Counts(listing, parent, fixed)).load(parent_id)

    return connection(
        rows,
        page,
        question=keyset.question(listing, sort, fixed),
        sort_values=lambda row: keyset.sort_values(row, sort),
        node=node,
        count=count,
    )
