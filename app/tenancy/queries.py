"""Reads of tenants and keys. These tables are global: no row of them belongs to a tenant's own data."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.context import Principal, Role, TenantInfo
from app.core.ids import plain
from app.core.words import TenantKind
from app.db.session import Database, ReadSession


@dataclass(frozen=True, slots=True)
class TenantRow:
    """A tenant as commands list it. twin_of: the live tenant of a TEST one."""

    info: TenantInfo
    twin_of: UUID | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as commands list it: never the key itself. hint: its prefix and last four characters."""

    id: UUID
    tenant_id: UUID
    tenant_name: str
    role: Role
    influencer_id: UUID | None
    name: str
    hint: str
    created_at: datetime
    revoked_at: datetime | None


async def find_principal(db: Database, key_hash: str) -> Principal | None:
    """Whose key has this SHA-256 (64 hex digits), or None when it is unknown or revoked."""
    async with db.directory() as session:
        row = await session.fetchrow(
            """/* tenancy.find_principal */
            SELECT api_key.id, api_key.role, api_key.influencer_id,
                   tenant.id AS tenant_id, tenant.name, tenant.reporting_zone, tenant.currency, tenant.kind
            FROM api_keys AS api_key
            JOIN tenants AS tenant ON tenant.id = api_key.tenant_id
            WHERE api_key.key_hash = $1
              AND api_key.revoked_at IS NULL""",
            key_hash,
        )
    if row is None:
        return None
    return Principal(
        key_id=plain(row["id"]),
        role=Role(row["role"]),
        tenant=TenantInfo(
            id=plain(row["tenant_id"]),
            name=row["name"],
            reporting_zone=row["reporting_zone"],
            currency=row["currency"],
            is_test=row["kind"] == TenantKind.TEST,
        ),
        influencer_id=_plain_or_none(row["influencer_id"]),
    )


async def list_tenants(session: ReadSession) -> list[TenantRow]:
    """All tenants by name, each live one before its twin."""
    rows = await session.fetch(
        """/* tenancy.list_tenants */
        SELECT id, name, kind, twin_of, reporting_zone, currency, created_at
        FROM tenants
        ORDER BY name, kind"""
    )
    return [_tenant(row) for row in rows]


async def list_tenant_ids(session: ReadSession) -> list[UUID]:
    """The ids of all tenants, oldest first."""
    rows = await session.fetch("/* tenancy.list_tenant_ids */ SELECT id FROM tenants ORDER BY id")
    return [plain(row["id"]) for row in rows]


async def find_tenant(session: ReadSession, name: str, kind: TenantKind) -> TenantInfo | None:
    """The tenant of this name and kind, or None."""
    row = await session.fetchrow(
        """/* tenancy.find_tenant */
        SELECT id, name, kind, twin_of, reporting_zone, currency, created_at
        FROM tenants
        WHERE name = $1 AND kind = $2""",
        name,
        kind.value,
    )
    return None if row is None else _tenant(row).info


async def find_tenant_by_id(session: ReadSession, tenant_id: UUID) -> TenantInfo | None:
    """The tenant with this id, or None."""
    row = await session.fetchrow(
        """/* tenancy.find_tenant_by_id */
        SELECT id, name, kind, twin_of, reporting_zone, currency, created_at
        FROM tenants
        WHERE id = $1""",
        tenant_id,
    )
    return None if row is None else _tenant(row).info


async def find_influencer(session: ReadSession, reference: str) -> UUID | None:
    """The id of the tenant's influencer with this id or external id, or None.

    Here and not with the influencers: a key names one, and no foreign key can lead from a global table to a tenant's.
    """
    found: UUID | None = await session.fetchval(
        """/* tenancy.find_influencer */
        SELECT id
        FROM influencers
        WHERE tenant_id = $1
          AND (id::text = $2 OR external_id = $2)
        ORDER BY id::text = $2 DESC
        LIMIT 1""",
        session.tenant_id,
        reference,
    )
    return _plain_or_none(found)


async def list_keys(session: ReadSession, tenant_ids: Sequence[UUID]) -> list[KeyRow]:
    """The tenants' keys, oldest first within a tenant."""
    rows = await session.fetch(
        """/* tenancy.list_keys */
        SELECT api_key.id, api_key.tenant_id, tenant.name AS tenant_name, api_key.role, api_key.influencer_id,
               api_key.name, api_key.hint, api_key.created_at, api_key.revoked_at
        FROM api_keys AS api_key
        JOIN tenants AS tenant ON tenant.id = api_key.tenant_id
        WHERE api_key.tenant_id = ANY ($1::uuid[])
        ORDER BY tenant.name, tenant.kind, api_key.created_at, api_key.id""",
        tenant_ids,
    )
    return [
        KeyRow(
            id=plain(row["id"]),
            tenant_id=plain(row["tenant_id"]),
            tenant_name=row["tenant_name"],
            role=Role(row["role"]),
            influencer_id=_plain_or_none(row["influencer_id"]),
            name=row["name"],
            hint=row["hint"],
            created_at=row["created_at"],
            revoked_at=row["revoked_at"],
        )
        for row in rows
    ]


def _tenant(row: Any) -> TenantRow:
    return TenantRow(
        info=TenantInfo(
            id=plain(row["id"]),
            name=row["name"],
            reporting_zone=row["reporting_zone"],
            currency=row["currency"],
            is_test=row["kind"] == TenantKind.TEST,
        ),
        twin_of=_plain_or_none(row["twin_of"]),
        created_at=row["created_at"],
    )


def _plain_or_none(value: UUID | None) -> UUID | None:
    return None if value is None else plain(value)
