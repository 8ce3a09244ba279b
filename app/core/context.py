"""Who calls, and what they may do. Made once per request by the edge; passed as `ctx`, first argument, everywhere."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.core.ids import ZERO_ID, new_id
from app.errors import DomainError


class Role(StrEnum):
    """What a key is for."""

    ADMIN = "admin"
    ANALYST = "analyst"
    FINANCE = "finance"
    STORE = "store"
    INFLUENCER = "influencer"


class Scope(StrEnum):
    """What an operation needs. Every root field declares one; there is no default."""

    ANALYTICS_READ = "analytics:read"
    PROGRAM_READ = "program:read"
    PROGRAM_WRITE = "program:write"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    INSTANCES_WRITE = "instances:write"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    PRODUCTS_READ = "products:read"
    PRODUCTS_WRITE = "products:write"
    MONEY_READ = "money:read"
    MONEY_WRITE = "money:write"
    PAYOUTS_REQUEST = "payouts:request"
    OPERATE = "operate"


SCOPES: dict[Role, frozenset[Scope]] = {
    Role.ADMIN: frozenset(Scope),
    Role.ANALYST: frozenset(
        {Scope.ANALYTICS_READ, Scope.PROGRAM_READ, Scope.ORDERS_READ, Scope.PRODUCTS_READ, Scope.MONEY_READ}
    ),
    Role.FINANCE: frozenset(
        {
            Scope.ANALYTICS_READ,
            Scope.PROGRAM_READ,
            Scope.ORDERS_READ,
            Scope.PRODUCTS_READ,
            Scope.MONEY_READ,
            Scope.MONEY_WRITE,
        }
    ),
    Role.STORE: frozenset(
        {
            Scope.PROGRAM_READ,
            Scope.ORDERS_READ,
            Scope.ORDERS_WRITE,
            Scope.INSTANCES_WRITE,
            Scope.CUSTOMERS_READ,
            Scope.CUSTOMERS_WRITE,
            Scope.PRODUCTS_READ,
            Scope.PRODUCTS_WRITE,
        }
    ),
    # Own rows only: every query for this role carries the influencer (Principal.influencer_id).
    Role.INFLUENCER: frozenset(
        {Scope.ANALYTICS_READ, Scope.PROGRAM_READ, Scope.ORDERS_READ, Scope.MONEY_READ, Scope.PAYOUTS_REQUEST}
    ),
}


@dataclass(frozen=True, slots=True)
class TenantInfo:
    """What every request needs to know of its tenant."""

    id: UUID
    name: str
    reporting_zone: str
    currency: str
    is_test: bool


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: one key of one tenant.

    influencer_id: set for role influencer, and then every read is limited to that influencer's own rows.
    """

    key_id: UUID
    role: Role
    tenant: TenantInfo
    influencer_id: UUID | None = None

    def __post_init__(self) -> None:
        assert (self.role is Role.INFLUENCER) == (self.influencer_id is not None), "influencer keys name an influencer"

    @property
    def scopes(self) -> frozenset[Scope]:
        """What this principal may do."""
        return SCOPES[self.role]


@dataclass(frozen=True, slots=True)
class Ctx:
    """One request: who, its id, and its time.

    Times that a write stores as `recorded_at` are `now`, of the latest request where several share a transaction.
    """

    principal: Principal
    request_id: str
    now: datetime

    @property
    def tenant_id(self) -> UUID:
        """The tenant whose data this request may touch."""
        return self.principal.tenant.id

    @property
    def tenant(self) -> TenantInfo:
        """The caller's tenant."""
        return self.principal.tenant

    def require(self, scope: Scope) -> None:
        """Raise FORBIDDEN unless the principal has the scope."""
        if scope not in self.principal.scopes:
            raise DomainError(
                "FORBIDDEN",
                f"This needs the scope {scope.value}, which {_roles_with(scope)}; the key's role is "
                f"{self.principal.role.value}.",
            )


def nobody(tenant: TenantInfo, now: datetime) -> Ctx:
    """A request that no key made: the worker's, or a command's of whoever owns the database.

    What it writes names the zero id as its key.
    """
    return Ctx(Principal(ZERO_ID, Role.ADMIN, tenant), f"own-{new_id()}", now)


def _roles_with(scope: Scope) -> str:
    # The role that may do least comes first: it is the one to take.
    *others, last = sorted((role for role in Role if scope in SCOPES[role]), key=lambda role: len(SCOPES[role]))
    if not others:
        return f"the role {last.value} has"
    return f"the roles {', '.join(others)} and {last.value} have"
