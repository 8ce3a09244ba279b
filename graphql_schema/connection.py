"""Relay connections: one generic type for every list that grows, filled from one page of keyset-ordered rows.

page = page_of(first, after, last, before, default=50, limit_max=settings.page_items_max)
rows = await queries.page(ctx, session, page, …)          # at most page.limit + 1 rows, nearest the cursor first
return connection(rows, page, question=…, sort_values=lambda row: (row.created_at, row.id), node=Order.of, count=…)
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from app.core.paging import Page, encode_cursor
from app.settings import Settings

Node = TypeVar("Node")
Row = TypeVar("Row")

PAGE_ITEMS_DEFAULT = 50
"""Items of a page when neither `first` nor `last` is given. The cost limit counts with it too."""

PAGE_ITEMS_MAX = Settings.model_fields["page_items_max"].default
"""Items of a page at most, unless the server is set otherwise: what descriptions say."""

First = Annotated[
    int | None,
    strawberry.argument(
        description=f"Items of the page, from its start on: 0 to {PAGE_ITEMS_MAX:,}; {PAGE_ITEMS_DEFAULT} when neither "
        "`first` nor `last` is given."
    ),
]
After = Annotated[
    str | None,
    strawberry.argument(
        description="The page begins after the item with this cursor, of the same list with the same arguments; goes "
        "with `first`."
    ),
]
Last = Annotated[
    int | None,
    strawberry.argument(
        description=f"Items of the page, from its end back, shown in the list's order: 0 to {PAGE_ITEMS_MAX:,}. "
        "Instead of `first`."
    ),
]
Before = Annotated[
    str | None,
    strawberry.argument(
        description="The page ends before the item with this cursor, of the same list with the same arguments; goes "
        "with `last`."
    ),
]


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    """Where a page lies in its list."""

    has_next_page: bool = strawberry.field(description="Whether items follow this page.")
    has_previous_page: bool = strawberry.field(description="Whether items precede this page.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first item; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last item; null on an empty page.")


@strawberry.type(description="An item and its place in the list.")
class Edge(Generic[Node]):
    """An item and its place in the list."""

    cursor: str = strawberry.field(description="Opaque place of the item, for `after` and `before`.")
    node: Node = strawberry.field(description="The item.")


@strawberry.type(description="One page of a list.")
class Connection(Generic[Node]):
    """One page of a list."""

    edges: list[Edge[Node]] = strawberry.field(description="The items of this page with their cursors, in order.")
    nodes: list[Node] = strawberry.field(description="The items of this page, in order.")
    page_info: PageInfo = strawberry.field(description="Where this page lies in the list.")
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field(description="Items of the whole list, counted only when asked: one statement more.")
    async def total_count(self) -> int:
        """Items of the whole list."""
        return await self.count()


def connection(
    rows: Sequence[Row],
    page: Page,
    *,
    question: Any,
    sort_values: Callable[[Row], Sequence[Any]],
    node: Callable[[Row], Node],
    count: Callable[[], Awaitable[int]],
) -> Connection[Node]:
    """The page as a connection, in the list's order.

    rows: nearest the cursor first (so reversed for a backward page), one more than page.limit when there are more.
    question: what the order of the rows depends on; see paging.encode_cursor. count: of the whole list.
    """
    assert len(rows) <= page.limit + 1, "a page query gives at most one row more than asked"
    more = len(rows) > page.limit
    shown = list(rows[: page.limit])
    if page.backward:
        shown.reverse()
    edges = [Edge(cursor=encode_cursor(question, sort_values(row)), node=node(row)) for row in shown]
    return Connection(
        edges=edges,
        nodes=[edge.node for edge in edges],
        page_info=PageInfo(
            has_next_page=page.cursor is not None if page.backward else more,
            has_previous_page=more if page.backward else page.cursor is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        count=count,
    )
