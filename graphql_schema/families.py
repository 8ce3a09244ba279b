"""Families of rows that the API shows: each listing with the GraphQL type of its rows, and who may see them.

A type's file registers it here; others ask `shown(LISTING)`. So types can lead to each other, as campaigns and
enrollments do, while their files do not: they name each other's types lazily.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from uuid import UUID

import strawberry
from strawberry.types.base import get_object_definition

from app.cache.recording import shows as _shown
from app.core.context import Scope
from app.db.columns import Rows
from app.db.keyset import Columns, Listing
from graphql_schema.context import Info
from graphql_schema.execution.columns import classes_of, values_of
from graphql_schema.execution.together import together
from graphql_schema.loaders import ById, load_one_each
from graphql_schema.permissions import requires
from graphql_schema.rows import Row, shown_some
from graphql_schema.scalars import required_uuid

T = TypeVar("T", bound=type)


@dataclass(frozen=True, slots=True)
class Family:
    """A listing and how its rows are shown. scope: needed to see a row by `node`."""

    listing: Listing
    scope: Scope
    show: Callable[[Any], Any]


FAMILIES: dict[str, Family] = {}
"""By the listing's tag. `node` looks through all of them."""


def shows(listing: Listing, scope: Scope) -> Callable[[T], T]:
    """Class decorator above `@strawberry.type`: its `of(row)` makes the type from a row of the listing."""

    def register(shown_as: T) -> T:
        assert listing.tag not in FAMILIES, f"two types show {listing.tag}"
        FAMILIES[listing.tag] = Family(listing, scope, shown_as.of)  # type: ignore[attr-defined]  # checked by its call
        return shown_as

    return register


@dataclass(frozen=True, slots=True)
class Shown:
    """What makes a row of the listing into its GraphQL type; looked up when it is called, when all files are loaded."""

    listing: Listing

    def __call__(self, row: Any) -> Any:
        """The row as its type."""
        return FAMILIES[self.listing.tag].show(row)


def shown(listing: Listing) -> Shown:
    """What makes a row of the listing into its GraphQL type."""
    return Shown(listing)


def maker(show: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same, looked up: to be asked for when all files are loaded."""
    return FAMILIES[show.listing.tag].show if isinstance(show, Shown) else show


def needed(info: Info, made: Callable[[Any], Any]) -> Columns:
    """The columns that the operation reads of rows that `maker` gave this for. It is known of types `of_row` alone."""
    if not (isinstance(made, type) and issubclass(made, Row)):
        return None
    definition = get_object_definition(made, strict=True)
    attributes = info.context.reads.get(definition.name)
    return None if attributes is None else made.columns(attributes)


def name_tag(listing: Listing, row_id: UUID | str) -> str:
    """What is noted when the name of a row changes: see usecases/entities.py."""
    return f"{listing.tag.removesuffix('s')}:{row_id}"


async def found(info: Info, listing: Listing, row_id: UUID | str | None) -> Any | None:
    """The row with this id as its GraphQL type; None when there is no id, no such row, or it is not the caller's."""
    if row_id is None:
        return None
    (shown,) = await all_found(info, listing, (row_id,))
    return shown


async def all_found(info: Info, listing: Listing, ids: Sequence[UUID | str | None]) -> Sequence[Any | None]:
    """The same for many ids, in their order: one look-up."""
    texts = [None if row_id is None else str(row_id) for row_id in ids]
    _shown(name_tag(listing, text) for text in texts if text is not None)
    show = FAMILIES[listing.tag].show
    return shown_some(show, *await load_one_each(info, listing, texts, needed(info, show)))


def know(info: Info, listing: Listing, rows: Sequence[Mapping[str, Any]]) -> None:
    """These rows of the listing, by column, are the caller's to see and need not be looked up. Told before any is."""
    columns = needed(info, FAMILIES[listing.tag].show)
    # Ids as texts, as they are read.
    arrays = {
        name: [str(row[name]) if isinstance(row[name], UUID) else row[name] for row in rows]
        for name in listing.names(columns, "id")
    }
    info.context.loaders.get(ById(listing, columns)).know(Rows(arrays))


def _named_alone(info: Info, listing: Listing, roots: Sequence[Any], key: str) -> Sequence[Any] | None:
    # Rows of which nothing but their ids is read, where these are known: what a row of the database refers to was there
    # when the row was written, and is never deleted. None where they must be looked up, as an influencer does not see
    # all rows.
    show = FAMILIES[listing.tag].show
    if info.context.ctx.principal.influencer_id is not None or needed(info, show) != _ID:
        return None
    if not all(issubclass(kind, Row) for kind in classes_of(roots)):
        return None
    ids = values_of(roots, key)
    places: Sequence[int | None] = range(len(ids))
    if None in ids:
        places = [None if row_id is None else place for place, row_id in enumerate(ids)]
    return shown_some(show, Rows({"id": ids}), places)


_ID = frozenset({"id"})


def one_row(of: Any, listing: Listing, key: str, description: str, *, scope: Scope | None = None) -> Any:
    """The field of the row whose id is a type's attribute `key`; null when there is none, or it is not the caller's.

    of: the row's GraphQL type. scope: needed beside the type's own.
    """

    async def for_all(roots: Sequence[Any], info: Info) -> Sequence[Any]:
        named = _named_alone(info, listing, roots, key)
        return await all_found(info, listing, values_of(roots, key)) if named is None else named

    @together(for_all, reads=(key,))
    async def resolve(root: strawberry.Parent[Any], info: Info) -> Any:
        return await found(info, listing, getattr(root, key))

    return strawberry.field(
        resolver=resolve,
        graphql_type=of | None,
        description=description,
        extensions=[] if scope is None else [requires(scope)],
    )


def root_one(of: Any, listing: Listing, *, scope: Scope) -> Any:
    """The root field of one row by its id. of: the row's GraphQL type."""
    name = listing.tag.removesuffix("s")

    async def for_all(roots: Sequence[Any], info: Info, id: strawberry.ID) -> Sequence[Any]:
        return await all_found(info, listing, [required_uuid(id, path=("id",))] * len(roots))

    @together(for_all)
    async def resolve(
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="An id that the API gave: a plain UUID.")],
    ) -> Any:
        return await found(info, listing, required_uuid(id, path=("id",)))

    return strawberry.field(
        resolver=resolve,
        graphql_type=of | None,
        description=f"The {name.replace('_', ' ')} with this id; null when there is none, or it is not the caller's. "
        "One statement.",
        extensions=[requires(scope)],
    )
