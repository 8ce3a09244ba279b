"""Tenants, keys and the two directories that must be global: reference tables of a cluster, without row-level security.

They never point at tenant tables and hold no counters.
"""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.core.context import Role
from app.core.words import TenantKind
from app.tables.base import instant, number, one_of, text, uid


class Tenant(SQLModel, table=True):
    """The brand, agency or chain whose data this is. A LIVE tenant has a TEST twin, opened by sk_test_ keys."""

    __tablename__ = "tenants"
    __table_args__ = (
        one_of("kind", TenantKind, name="tenants_kind_known"),
        CheckConstraint("(kind = 'TEST') = (twin_of IS NOT NULL)", name="tenants_twin_is_test"),
        CheckConstraint("length(currency) = 3", name="tenants_currency_is_iso"),
        ForeignKeyConstraint(["twin_of"], ["tenants.id"], name="tenants_twin_of"),
        UniqueConstraint("name", "kind", name="tenants_name"),
    )

    id: UUID = uid(key=True)
    name: str = text()
    kind: str = text()
    twin_of: UUID | None = uid(null=True)
    reporting_zone: str = text()
    currency: str = text()
    created_at: datetime = instant()


class ApiKey(SQLModel, table=True):
    """A key by its SHA-256; the key itself is shown once and stored nowhere.

    No column tells its last use: that would be a write to a global table at every request.
    """

    __tablename__ = "api_keys"
    __table_args__ = (
        one_of("role", Role, name="api_keys_role_known"),
        CheckConstraint("(role = 'influencer') = (influencer_id IS NOT NULL)", name="api_keys_influencer_named"),
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="api_keys_tenant"),
        Index("api_keys_tenant_created", "tenant_id", "created_at"),
    )

    key_hash: str = text(key=True)
    id: UUID = uid()
    tenant_id: UUID = uid()
    role: str = text()
    influencer_id: UUID | None = uid(null=True)
    name: str = text()
    hint: str = text()
    created_at: datetime = instant()
    revoked_at: datetime | None = instant(null=True)


class SlugDirectory(SQLModel, table=True):
    """Whose link a slug is: the one look-up that happens before the tenant is known."""

    __tablename__ = "slug_directory"
    __table_args__ = (ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="slug_directory_tenant"),)

    slug: str = text(key=True)
    tenant_id: UUID = uid()
    link_id: UUID = uid()


class ExchangeRate(SQLModel, table=True):
    """Units of `quote` for one unit of `base`, on a day."""

    __tablename__ = "exchange_rates"
    __table_args__ = (CheckConstraint("rate > 0", name="exchange_rates_positive"),)

    base: str = text(key=True)
    quote: str = text(key=True)
    day: date = Field(sa_type=Date, primary_key=True)
    rate: Decimal = number(20, 10)
    source: str = text()
    recorded_at: datetime = instant()
