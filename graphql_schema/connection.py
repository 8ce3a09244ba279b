"""Relay connections: one generic type for every list that grows, filled from one page of keyset-ordered rows.

page = page_of(first, after, last, before, default=50, limit_max=settings.page_items_max)
rows = await queries.page(ctx, session, page, …)          # at most page.limit + 1 rows, nearest the cursor first
return connection(rows, page, question=…, sort_values=lambda row: (row.created_at, row.id), node=Order.of, count=…)
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from app.core.paging import Page, cursors, encode_cursor
from app.settings import Settings
from graphql_schema.execution.together import reads

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
    """One page of a list. Items and cursors are made when they are asked for."""

    shown: strawberry.Private[Sequence[Any]]
    more: strawberry.Private[bool]
    page: strawberry.Private[Page]
    question: strawberry.Private[Any]
    sort_values: strawberry.Private[Callable[[Any], Sequence[Any]]]
    node: strawberry.Private[Callable[[Any], Any]]
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field(description="The items of this page with their cursors, in order.")
    @reads("shown", "question", "sort_values", "node")
    def edges(self) -> list[Edge[Node]]:
        """The items of this page with their cursors."""
        encode = cursors(self.question)
        return [Edge(cursor=encode(self.sort_values(row)), node=self.node(row)) for row in self.shown]

    @strawberry.field(description="The items of this page, in order.")
    @reads("shown", "node")
    def nodes(self) -> list[Node]:
        """The items of this page."""
        return list(map(self.node, self.shown))

    @strawberry.field(description="Where this page lies in the list.")
    def page_info(self) -> PageInfo:
        """Where this page lies in the list."""
        has_before = self.page.cursor is not None
        ends = (self.shown[0], self.shown[-1]) if self.shown else ()
        start, end = [encode_cursor(self.question, self.sort_values(row)) for row in ends] or (None, None)
        return PageInfo(
            has_next_page=has_before if self.page.backward else self.more,
            has_previous_page=self.more if self.page.backward else has_before,
            start_cursor=start,
            end_cursor=end,
        )

    @strawberry.field(description="Items of the whole list, counted only when asked: one statement more.")
    @reads("count")
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
    shown = rows[: page.limit]
    return Connection(
        shown=shown[::-1] if page.backward else shown,
        more=len(rows) > page.limit,
        page=page,
        question=question,
        sort_values=sort_values,
        node=node,
        count=count,
    )
