"""`viewer`: who the caller is, as the server sees it. The first query of every client."""

import strawberry

from app.core.context import Ctx, Role, Scope
from graphql_schema.context import Info
from graphql_schema.permissions import requires
from graphql_schema.scalars import CurrencyCode, TimeZone


@strawberry.type(description="The caller: one key of one tenant.")
class Viewer:
    """The caller: one key of one tenant."""

    tenant_name: str = strawberry.field(description="Name of the tenant whose data the key opens.")
    reporting_zone: TimeZone = strawberry.field(description="The tenant's zone: days and months are cut in it.")
    currency: CurrencyCode = strawberry.field(description="The tenant's currency: money is shown in it.")
    is_test: bool = strawberry.field(description="Whether this is the tenant's test twin, apart from its live data.")
    role: Role = strawberry.field(description="What the key is for.")
    scopes: list[str] = strawberry.field(description="What the key may do, in alphabetical order.")
    influencer_id: strawberry.ID | None = strawberry.field(
        description="The influencer whose rows the key is limited to; null for other roles than INFLUENCER."
    )

    @staticmethod
    def of(ctx: Ctx) -> "Viewer":
        """The caller of this request."""
        own = ctx.principal.influencer_id
        return Viewer(
            tenant_name=ctx.tenant.name,
            reporting_zone=TimeZone(ctx.tenant.reporting_zone),
            currency=CurrencyCode(ctx.tenant.currency),
            is_test=ctx.tenant.is_test,
            role=ctx.principal.role,
            scopes=sorted(scope.value for scope in ctx.principal.scopes),
            influencer_id=None if own is None else strawberry.ID(str(own)),
        )


@strawberry.type
class Query:
    """Fields of this file."""

    @strawberry.field(description="Who is asking.", extensions=[requires(Scope.PROGRAM_READ)])
    def viewer(self, info: Info) -> Viewer:
        """Who is asking."""
        return Viewer.of(info.context.ctx)
