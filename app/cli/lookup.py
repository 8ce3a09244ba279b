"""The tenant that a command names."""

from app.core.context import TenantInfo
from app.core.words import TenantKind
from app.db.owner import OwnerDatabase
from app.errors import DomainError
from app.tenancy import queries


async def find_tenant(db: OwnerDatabase, name: str, *, is_test: bool) -> TenantInfo:
    """The tenant of this name, or its TEST twin. Raises NOT_FOUND."""
    async with db.directory() as session:
        found = await queries.find_tenant(session, name, TenantKind.TEST if is_test else TenantKind.LIVE)
    if found is None:
        raise unknown_tenant(name)
    return found


def unknown_tenant(name: str) -> DomainError:
    """The refusal of a name that no tenant has."""
    return DomainError("NOT_FOUND", f"There is no tenant named {name!r}. `scoville tenants list` shows them.")
