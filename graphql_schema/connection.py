"""Relay connections: one generic type for every list that grows, filled from pages of keyset-ordered rows.

page = page_of(first, after, last, before, default=50, limit_max=settings.page_items_max)
rows = await queries.page(ctx, session, page, …)          # at most page.limit + 1 rows, nearest the cursor first
return Connections(rows, [range(len(rows))], page, question=…, sort=…, node=Order.of, count=…)[0]
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import strawberry

from app.core.paging import Page, cursors
from app.db.columns import Rows
from app.db.keyset import Sort, sort_columns
from app.settings import Settings
from graphql_schema.execution.columns import Columnar, Nested
from graphql_schema.execution.together import reads, together
from graphql_schema.rows import end_to_end, shown

Node = TypeVar("Node")

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


def _edges(connections: "Sequence[Connection[Any]]") -> Sequence[Any]:
    return connections.edges() if isinstance(connections, Connections) else [each.edges() for each in connections]


def _nodes(connections: "Sequence[Connection[Any]]") -> Sequence[Any]:
    return connections.nodes() if isinstance(connections, Connections) else [each.nodes() for each in connections]


@strawberry.type(description="One page of a list.")
class Connection(Generic[Node]):
    """One page of a list. Items and cursors are made when they are asked for."""

    shown: strawberry.Private[Callable[[], Sequence[Any]]]
    cursors: strawberry.Private[Callable[[], Sequence[str]]]
    more: strawberry.Private[bool]
    page: strawberry.Private[Page]
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field(description="The items of this page with their cursors, in order.")
    @together(_edges, reads=("shown", "cursors"))
    def edges(self) -> list[Edge[Node]]:
        """The items of this page with their cursors."""
        return Edges(self.shown(), self.cursors)  # type: ignore[return-value]  # the same, by column

    @strawberry.field(description="The items of this page, in order.")
    @together(_nodes, reads=("shown",))
    def nodes(self) -> list[Node]:
        """The items of this page."""
        return self.shown()  # type: ignore[return-value]  # the same, by column

    @strawberry.field(description="Where this page lies in the list.")
    @reads("cursors", "more", "page")
    def page_info(self) -> PageInfo:
        """Where this page lies in the list."""
        has_before = self.page.cursor is not None
        cursors = self.cursors()
        return PageInfo(
            has_next_page=has_before if self.page.backward else self.more,
            has_previous_page=self.more if self.page.backward else has_before,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        )

    @strawberry.field(description="Items of the whole list, counted only when asked: one statement more.")
    @reads("count")
    async def total_count(self) -> int:
        """Items of the whole list."""
        return await self.count()


class Edges(Columnar):
    """Edges by column. cursors: makes theirs."""

    kind = Edge

    def __init__(self, nodes: Sequence[Any], cursors: Callable[[], Sequence[str]]) -> None:
        self._nodes, self._cursors = nodes, cursors

    def column(self, attribute: str) -> Any:
        """The attribute of each edge."""
        return self._nodes if attribute == "node" else self._cursors()

    def __len__(self) -> int:
        return len(self._nodes)

    def __getitem__(self, index: Any) -> Any:
        return list(self)[index]

    def __iter__(self) -> Iterator[Any]:
        return (Edge(cursor=cursor, node=node) for cursor, node in zip(self._cursors(), self._nodes, strict=True))


class Connections(Columnar):
    """The same page of many lists, in the lists' order.

    parts: the positions of each list's rows, nearest the cursor first (so reversed for a backward page), one more than
    page.limit when there are more. question: what the order of the rows depends on; see paging.encode_cursor. node:
    makes a row into its type. count: counts the list of an index.
    """

    kind = Connection

    def __init__(
        self,
        rows: Rows,
        parts: Sequence[Sequence[int]],
        page: Page,
        *,
        question: Any,
        sort: Sort,
        node: Callable[[Any], Any],
        count: Callable[[int], Awaitable[int]],
    ) -> None:
        sizes = list(map(len, parts))
        self._more = [size > page.limit for size in sizes]
        assert max(sizes, default=0) <= page.limit + 1, "a page query gives at most one row more than asked"
        if page.backward or True in self._more:
            parts = [part[: page.limit][:: -1 if page.backward else 1] for part in parts]
        self._rows, self._parts, self._page = rows, parts, page
        self._question, self._sort, self._node, self._count = question, sort, node, count

    def nodes(self) -> Nested:
        """The items of each page."""
        return Nested(self._shown(self._all()), list(map(len, self._parts)))

    def edges(self) -> Nested:
        """The items of each page with their cursors."""
        every = self._all()
        return Nested(Edges(self._shown(every), partial(self._cursors, every)), list(map(len, self._parts)))

    def _all(self) -> Sequence[int]:
        return end_to_end(self._parts)

    def _shown(self, positions: Sequence[int]) -> Sequence[Any]:
        return shown(self._node, self._rows, positions)

    def _cursors(self, positions: Sequence[int]) -> list[str]:
        values = [map(self._rows.column(name).__getitem__, positions) for name in sort_columns(self._sort)]
        # An id is a text where a table's column holds it.
        places = ((*place, UUID(str(row_id))) for *place, row_id in zip(*values, strict=True))
        return list(map(cursors(self._question), places))

    def column(self, attribute: str) -> list[Any]:
        """The attribute of each connection."""
        return [getattr(connection, attribute) for connection in self]

    def __len__(self) -> int:
        return len(self._parts)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return list(self)[index]
        part = self._parts[index]
        return Connection(
            shown=partial(self._shown, part),
            cursors=partial(self._cursors, part),
            more=self._more[index],
            page=self._page,
            count=partial(self._count, index),
        )

    def __iter__(self) -> Iterator[Any]:
        return map(self.__getitem__, range(len(self._parts)))
