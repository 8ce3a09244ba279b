"""Tenants and keys: made by the owner, found by their hash, closed by revocation."""

import re
import uuid
from datetime import timedelta

import asyncpg
import pytest

from app.core.context import Ctx, Role, TenantInfo
from app.core.ids import new_id
from app.core.words import TenantKind
from app.db.owner import OwnerDatabase
from app.errors import DomainError
from app.runtime import Runtime
from app.tenancy import queries, service

pytestmark = pytest.mark.database


async def create_tenant(owner: OwnerDatabase, ctx: Ctx, **changed: str) -> tuple[TenantInfo, TenantInfo]:
    """A tenant and its twin."""
    values = {"name": f"brand {uuid.uuid4().hex}", "reporting_zone": "Europe/Berlin", "currency": "EUR", **changed}
    async with owner.owner() as session:
        return await service.create_tenant(session, now=ctx.now, **values)


async def test_tenant_comes_with_its_test_twin(owner: OwnerDatabase, ctx: Ctx) -> None:
    live, test = await create_tenant(owner, ctx)

    async with owner.directory() as session:
        rows = {row.info.id: row for row in await queries.list_tenants(session)}
        found = await queries.find_tenant(session, live.name, TenantKind.TEST)

    assert rows[live.id].info == live
    assert rows[live.id].twin_of is None
    assert rows[test.id].twin_of == live.id
    assert (live.is_test, test.is_test) == (False, True)
    assert found == test


async def test_second_tenant_of_a_name_is_refused_and_makes_nothing(owner: OwnerDatabase, ctx: Ctx) -> None:
    live, _ = await create_tenant(owner, ctx)

    with pytest.raises(DomainError) as refused:
        await create_tenant(owner, ctx, name=live.name)

    assert refused.value.code == "NAME_TAKEN"
    async with owner.directory() as session:
        named = [row for row in await queries.list_tenants(session) if row.info.name == live.name]
    assert len(named) == 2


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"name": "  "}, "BAD_USER_INPUT"),
        ({"name": "x" * 201}, "BAD_USER_INPUT"),
        ({"name": "a\nb"}, "BAD_USER_INPUT"),
        ({"name": "a\x1b[31mb"}, "BAD_USER_INPUT"),
        ({"name": "a\u2028b"}, "BAD_USER_INPUT"),
        ({"name": "a\udcffb"}, "BAD_USER_INPUT"),
        ({"reporting_zone": "Europe/Atlantis"}, "INVALID_TIME_ZONE"),
        ({"currency": "XXX"}, "INVALID_CURRENCY"),
        ({"currency": "EURO"}, "INVALID_CURRENCY"),
    ],
)
async def test_malformed_tenants_are_refused(
    owner: OwnerDatabase, ctx: Ctx, changed: dict[str, str], code: str
) -> None:
    with pytest.raises(DomainError) as refused:
        await create_tenant(owner, ctx, **changed)

    assert refused.value.code == code


async def test_key_opens_its_tenant_until_it_is_revoked(owner: OwnerDatabase, runtime: Runtime, ctx: Ctx) -> None:
    live, test = await create_tenant(owner, ctx)
    async with owner.owner() as session:
        made = await service.create_key(session, tenant=live, role=Role.STORE, name="shop", now=ctx.now)
        twin = await service.create_key(session, tenant=test, role=Role.ADMIN, name="shop", now=ctx.now)

    principal = await queries.find_principal(runtime.db, service.hash_key(made.key))
    of_twin = await queries.find_principal(runtime.db, service.hash_key(twin.key))

    assert principal is not None
    assert principal.tenant == live
    assert (principal.key_id, principal.role, principal.influencer_id) == (made.id, Role.STORE, None)
    assert of_twin is not None
    assert of_twin.tenant == test
    assert re.fullmatch(r"sk_live_[A-Za-z0-9]{32}", made.key)
    assert re.fullmatch(r"sk_test_[A-Za-z0-9]{32}", twin.key)

    async with owner.owner() as session:
        first = await service.revoke_key(session, key_id=made.id, now=ctx.now)
        again = await service.revoke_key(session, key_id=made.id, now=ctx.now + timedelta(hours=1))

    assert first == again == ctx.now, "it stays revoked since the first time"
    assert await queries.find_principal(runtime.db, service.hash_key(made.key)) is None
    assert await queries.find_principal(runtime.db, service.hash_key(twin.key)) is not None


async def test_influencers_key_carries_its_influencer(owner: OwnerDatabase, runtime: Runtime, ctx: Ctx) -> None:
    influencer_id = new_id()
    async with owner.owner() as session:
        made = await service.create_key(
            session, tenant=ctx.tenant, role=Role.INFLUENCER, name="ada", now=ctx.now, influencer_id=influencer_id
        )

    principal = await queries.find_principal(runtime.db, service.hash_key(made.key))

    assert principal is not None
    assert principal.influencer_id == influencer_id


@pytest.mark.parametrize(
    ("role", "influencer_id"), [(Role.INFLUENCER, None), (Role.ADMIN, new_id()), (Role.STORE, new_id())]
)
async def test_only_an_influencers_key_names_an_influencer(
    owner: OwnerDatabase, ctx: Ctx, role: Role, influencer_id: uuid.UUID | None
) -> None:
    with pytest.raises(DomainError) as refused:
        async with owner.owner() as session:
            await service.create_key(
                session, tenant=ctx.tenant, role=role, name="k", now=ctx.now, influencer_id=influencer_id
            )

    assert refused.value.code == "BAD_USER_INPUT"


async def test_a_key_is_stored_only_as_its_hash(
    owner: OwnerDatabase, ctx: Ctx, admin: "asyncpg.Pool[asyncpg.Record]"
) -> None:
    async with owner.owner() as session:
        made = await service.create_key(session, tenant=ctx.tenant, role=Role.ADMIN, name="k", now=ctx.now)
        (listed,) = await queries.list_keys(session, [ctx.tenant_id])

    stored = await admin.fetchval("SELECT api_key::text FROM api_keys AS api_key WHERE id = $1", made.id)

    assert made.key not in stored
    assert service.hash_key(made.key) in stored
    assert made.key not in repr(made)
    assert listed.hint == f"sk_live_…{made.key[-4:]}"
    assert listed.revoked_at is None


async def test_unknown_keys_are_refused(owner: OwnerDatabase, runtime: Runtime, ctx: Ctx) -> None:
    assert await queries.find_principal(runtime.db, service.hash_key("sk_live_" + "x" * 32)) is None
    with pytest.raises(DomainError) as refused:
        async with owner.owner() as session:
            await service.revoke_key(session, key_id=new_id(), now=ctx.now)
    assert refused.value.code == "NOT_FOUND"


async def test_the_apps_role_can_make_neither_tenants_nor_keys(runtime: Runtime, ctx: Ctx) -> None:
    async def attempt(statement: str) -> None:
        async with runtime.db.write(ctx.tenant_id) as session:
            await session.execute(statement)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await attempt("/* test */ UPDATE api_keys SET role = 'admin'")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await attempt("/* test */ DELETE FROM tenants")


@pytest.mark.parametrize(
    ("text", "is_key"),
    [
        ("sk_live_" + "a" * 32, True),
        ("sk_test_" + "Z9" * 16, True),
        ("sk_live_" + "a" * 31, False),
        ("sk_live_" + "a" * 33, False),
        ("sk_live_" + "ä" * 32, False),
        ("sk_prod_" + "a" * 32, False),
        ("", False),
    ],
)
def test_the_form_of_a_key(text: str, is_key: bool) -> None:
    assert service.is_key(text) is is_key
