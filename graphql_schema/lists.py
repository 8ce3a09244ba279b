"""Fields that are lists: a root list of a family, and the list that each row of another family has.

    enrollments = nested_list(LazyEnrollment, ENROLLMENTS, parent="campaign_id", sort=OLDEST, description="…")
    campaigns = root_list(Campaign, CAMPAIGNS, where=CampaignFilter, order=CampaignOrder, description="…", scope=…)

All take the four paging arguments of Relay connections; root lists also take a filter and, where rows can be had in
several orders, an order.
"""

from collections.abc import Callable
from typing import Any, Protocol

import strawberry

from app.core.context import Scope
from app.db.keyset import Condition, Listing, Sort
from graphql_schema.connection import Connection
from graphql_schema.context import Info
from graphql_schema.families import shown
from graphql_schema.filters import Ordering, sorted_by
from graphql_schema.loaders import Paging, listed, nested
from graphql_schema.permissions import requires

OLDEST = Sort("created_at")
LATEST = Sort("occurred_at", descending=True)


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

    async def resolve(
        root: strawberry.Parent[Any],
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Any:
        return await nested(
            info,
            listing,
            Paging(first, after, last, before),
            parent=parent,
            parent_id=root.row_id,
            node=shown(rows or listing),
            sort=sort,
        )

    resolve.__annotations__["return"] = Connection[of]
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
    order: Callable[[], Ordering] | Sort,
    show: Callable[[Any], Any] | None = None,
) -> Any:
    """The field of all rows that the caller may see and the filter lets through.

    of: the rows' GraphQL type. order: the input type that orders them, as it is by default, or a fixed order. show:
    makes a row into its type; by default as the family registered it.
    """

    async def page(info: Info, wanted: Filter | None, sort: Sort, paging: Paging) -> Any:
        conditions = wanted.conditions() if wanted else ()
        return await listed(info, listing, paging, node=show or shown(listing), sort=sort, conditions=conditions)

    if isinstance(order, Sort):
        fixed = order

        async def resolve(
            info: Info,
            where: Any = None,
            first: int | None = None,
            after: str | None = None,
            last: int | None = None,
            before: str | None = None,
        ) -> Any:
            return await page(info, where, fixed, Paging(first, after, last, before))

        field: Any = resolve
    else:
        default = order()

        async def resolve_ordered(
            info: Info,
            where: Any = None,
            order_by: Any = None,
            first: int | None = None,
            after: str | None = None,
            last: int | None = None,
            before: str | None = None,
        ) -> Any:
            return await page(info, where, sorted_by(order_by or default), Paging(first, after, last, before))

        field = resolve_ordered
        field.__annotations__["order_by"] = order | None  # type: ignore[operator]  # an input type
    field.__annotations__ |= {"where": where | None, "return": Connection[of]}
    return strawberry.field(resolver=field, description=description, extensions=[requires(scope)])
