"""`node(id)`: any object by its id, and the interface of all that have one."""

from typing import Annotated

import strawberry

from app.core.context import Scope
from app.db import keyset
from graphql_schema.context import Info
from graphql_schema.families import FAMILIES, found
from graphql_schema.permissions import requires
from graphql_schema.scalars import required_uuid


@strawberry.interface(description="Whatever has an id of its own and can be fetched again by `node`.")
class Node:
    """Whatever has an id of its own and can be fetched again by `node`."""

    id: strawberry.ID = strawberry.field(description="The id: a plain UUID, unique among all types.")


@strawberry.type
class Query:
    """Fields of this file."""

    @strawberry.field(
        description="The object with this id; null when there is none that the key may see. Two statements at most.",
        extensions=[requires(Scope.PROGRAM_READ)],
    )
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="An id that the API gave: a plain UUID.")],
    ) -> Node | None:
        """The object with this id."""
        runtime, ctx = info.context.runtime, info.context.ctx
        wanted = required_uuid(id, path=("id",))
        listings = [family.listing for family in FAMILIES.values() if family.scope in ctx.principal.scopes]
        async with runtime.db.read(ctx.tenant_id) as session:
            tag = await keyset.find(ctx, session, listings, wanted)
        node: Node | None = None if tag is None else await found(info, FAMILIES[tag].listing, wanted)
        return node
