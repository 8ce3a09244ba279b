"""Fields that are lists: a root list of a family, and the list that each row of another family has.

    enrollments = nested_list(LazyEnrollment, ENROLLMENTS, parent="campaign_id", sort=OLDEST, description="…")
    campaigns = root_list(Campaign, CAMPAIGNS, where=CampaignFilter, order=CampaignOrder, description="…", scope=…)

All take the four paging arguments of Relay connections; root lists also take a filter and an order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Protocol

import strawberry

from app.core.context import Scope
from app.db.columns import RowAt
from app.db.keyset import Condition, Listing, Sort
from graphql_schema.connection import After, Before, Connection, First, Last
from graphql_schema.context import Info
from graphql_schema.execution.columns import Nested, values_of
from graphql_schema.execution.together import together
from graphql_schema.families import maker, needed, shown
from graphql_schema.filters import Ordering, sorted_by
from graphql_schema.loaders import Children, Paging, listed, nested
from graphql_schema.permissions import requires
from graphql_schema.rows import end_to_end
from graphql_schema.rows import shown as shown_all

OLDEST = Sort("created_at")
LATEST = Sort("occurred_at", descending=True)

WHICH = "Which rows to list; all that the key may see when not given."
"""Description of the argument `where` of every root list."""


class Filter(Protocol):
    """An input that says which rows to list."""

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        ...


def nested_list(
    of: Any,
    listing: Listing,
    *,
    parent: str,
    sort: Sort,
    description: str,
    rows: Listing | None = None,
    scope: Scope | None = None,
) -> Any:
    """The field of a parent's rows. The lists of all parents in an answer cost one statement.

    of: the rows' GraphQL type. parent: the listing's column that names the parent, whose type has its id as `row_id`.
    rows: the listing that the rows are shown as, if another one. scope: needed beside the parent's own.
    """

    show = shown(rows or listing)

    async def for_all(roots: Sequence[Any], info: Info, **paging: Any) -> Sequence[Any]:
        node = maker(show)
        return await nested(
            info,
            listing,
            Paging(**paging),
            parent=parent,
            parent_ids=values_of(roots, "row_id"),
            node=node,
            sort=sort,
            columns=needed(info, node),
        )

    @together(for_all, reads=("row_id",))
    async def resolve(
        root: strawberry.Parent[Any],
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        (found,) = await for_all((root,), info, first=first, after=after, last=last, before=before)
        return found

    resolve.__annotations__["return"] = Connection[of]
    return strawberry.field(
        resolver=resolve, description=description, extensions=[] if scope is None else [requires(scope)]
    )


@dataclass(frozen=True, slots=True)
class each:
    """What shows every row of a list."""

    show: Callable[[Any], Any]


def child_list(
    of: Any,
    rows: Children,
    *,
    show: each | Callable[[list[RowAt]], list[Any]],
    description: str,
    scope: Scope | None = None,
) -> Any:
    """The field of all rows of a parent, which has its id as `row_id`: for lists that stay small.

    of: the rows' GraphQL type. show: makes a parent's rows into it.
    """

    async def for_all(roots: Sequence[Any], info: Info) -> Sequence[Any]:
        parent_ids = values_of(roots, "row_id")
        if not isinstance(show, each):
            loader = info.context.loaders.get(rows)
            found = await loader.load_many(parent_ids)
            return [show([RowAt(loader.rows, position) for position in positions]) for positions in found]
        made = maker(show.show)
        loader = info.context.loaders.get(replace(rows, columns=needed(info, made)))
        found = await loader.load_many(parent_ids)
        return Nested(shown_all(made, loader.rows, end_to_end(found)), list(map(len, found)))

    @together(for_all, reads=("row_id",))
    async def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        (found,) = await for_all((root,), info)
        return found

    resolve.__annotations__["return"] = list[of]
    return strawberry.field(
        resolver=resolve, description=description, extensions=[] if scope is None else [requires(scope)]
    )


def root_list(
    of: Any,
    listing: Listing,
    *,
    description: str,
    scope: Scope,
    where: type[Filter],
    order: Callable[[], Ordering],
    show: Callable[[Any], Any] | None = None,
) -> Any:
    """The field of all rows that the caller may see and the filter lets through.

    of: the rows' GraphQL type. order: the input type that orders them, as it is by default; it offers all sorts of the
    listing. show: makes a row into its type; by default as the family registered it.
    """
    default = order()
    offered = [word.value.lower() for word in type(default.by)]
    assert offered == [column for column, _ in listing.sorts], f"{listing.tag}: the order offers {offered}"

    async def resolve(
        info: Info,
        where: Any = None,
        order_by: Any = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        node = maker(show or shown(listing))
        return await listed(
            info,
            listing,
            Paging(first, after, last, before),
            node=node,
            sort=sorted_by(order_by or default),
            conditions=where.conditions() if where else (),
            columns=needed(info, node),
        )

    in_order = (
        f"In which order: {default.by.value} {default.direction.value} when not given. Equal ones stand by id, in the "
        "same direction."
    )
    resolve.__annotations__ |= {
        "where": _argument(where, WHICH),
        "order_by": _argument(order, in_order),
        "return": Connection[of],
    }
    return strawberry.field(resolver=resolve, description=description, extensions=[requires(scope)])


def _argument(kind: Any, description: str) -> Any:
    return Annotated[kind | None, strawberry.argument(description=description)]
