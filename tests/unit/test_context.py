"""What a role may not do is refused with the scope that is missing and the roles that have it."""

from datetime import UTC, datetime

import pytest

from app.core.context import Ctx, Principal, Role, Scope, TenantInfo
from app.core.ids import new_id
from app.errors import DomainError


def ctx_of(role: Role) -> Ctx:
    """A request of a key of this role."""
    tenant = TenantInfo(id=new_id(), name="brand", reporting_zone="UTC", currency="EUR", is_test=False)
    influencer_id = new_id() if role is Role.INFLUENCER else None
    return Ctx(Principal(new_id(), role, tenant, influencer_id), "request", datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("role", "scope", "roles"),
    [
        (Role.ANALYST, Scope.ORDERS_WRITE, "the roles store and admin have"),
        (Role.STORE, Scope.ANALYTICS_READ, "the roles analyst, influencer, finance and admin have"),
        (Role.INFLUENCER, Scope.OPERATE, "the role admin has"),
    ],
)
def test_a_refusal_names_the_roles_that_may(role: Role, scope: Scope, roles: str) -> None:
    with pytest.raises(DomainError) as caught:
        ctx_of(role).require(scope)

    assert caught.value.code == "FORBIDDEN"
    assert caught.value.message == f"This needs the scope {scope.value}, which {roles}; the key's role is {role.value}."


def test_every_scope_is_some_roles() -> None:
    admin = ctx_of(Role.ADMIN)

    for scope in Scope:
        admin.require(scope)
