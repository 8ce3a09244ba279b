"""What the store tells us beside orders: customers (personal data apart from facts) and products."""

from uuid import UUID

from sqlalchemy import Index, UniqueConstraint

from app.tables.base import Dated, TenantEntity, TenantRow, refers, text, uid


class Customer(Dated, TenantEntity, table=True):
    """A buyer, known by the store's id. Nothing here identifies a person: that is in customer_identities."""

    __tablename__ = "customers"
    __table_args__ = (
        UniqueConstraint("tenant_id", "external_id", name="customers_external_id"),
        Index("customers_created", "tenant_id", "created_at", "id"),
    )

    external_id: str = text()
    country: str | None = text(null=True)


class CustomerIdentity(Dated, TenantRow, table=True):
    """Personal data of a customer; erased without touching a fact."""

    __tablename__ = "customer_identities"
    __table_args__ = (refers("customer_id", "customers", name="customer_identities_customer"),)

    customer_id: UUID = uid(key=True)
    email: str | None = text(null=True)
    name: str | None = text(null=True)
    phone: str | None = text(null=True)


class Product(Dated, TenantEntity, table=True):
    """What the store sells, known by the store's id (SKU)."""

    __tablename__ = "products"
    __table_args__ = (
        UniqueConstraint("tenant_id", "external_id", name="products_external_id"),
        Index("products_created", "tenant_id", "created_at", "id"),
        Index("products_title", "tenant_id", "title", "id"),
    )

    external_id: str = text()
    title: str = text()
    category: str | None = text(null=True)
