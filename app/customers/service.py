"""Customers, and apart from them what identifies a person. Rules are pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import new_id
from app.core.texts import checked_country, checked_email, checked_external_id, checked_optional
from app.core.unset import given
from app.customers.inputs import CustomerInput
from app.db.entities import EntityKind
from app.db.rows import Change, RowTable
from app.db.session import ReadSession, WriteSession
from app.tables import Customer

PHONE_LENGTH_MAX = 50


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A customer. email, name, phone: personal data, in a table of their own."""

    id: UUID
    external_id: str
    country: str | None
    created_at: datetime
    updated_at: datetime
    email: str | None = None
    name: str | None = None
    phone: str | None = None

    @property
    def is_identified(self) -> bool:
        """Whether any personal data are known."""
        return (self.email, self.name, self.phone) != (None, None, None)


def checked_customer(item: CustomerInput) -> CustomerInput:
    """The item, if its customer can be looked up. Raises DomainError."""
    checked_external_id(item.external_id, "externalId")
    return item


def drafted(ctx: Ctx, item: CustomerInput) -> CustomerRow:
    """A new customer of whom nothing is known yet."""
    return CustomerRow(id=new_id(), external_id=item.external_id, country=None, created_at=ctx.now, updated_at=ctx.now)


def changed(ctx: Ctx, row: CustomerRow, item: CustomerInput) -> CustomerRow:
    """The customer after the change. Raises DomainError."""
    after = replace(row, **given(item, "external_id"), updated_at=ctx.now)
    checked_optional(after.name, "name")
    checked_optional(after.phone, "phone", length_max=PHONE_LENGTH_MAX)
    if after.email is not None:
        checked_email(after.email, "email")
    return replace(after, country=checked_country(after.country))


async def _with_identities(ctx: Ctx, session: ReadSession, rows: Sequence[CustomerRow]) -> Sequence[CustomerRow]:
    records = await session.fetch(
        """/* customer_identities.of_customers */
        SELECT customer_id, email, name, phone
        FROM customer_identities
        WHERE tenant_id = $1 AND customer_id = ANY($2::uuid[])""",
        ctx.tenant_id,
        [row.id for row in rows],
    )
    found = {record["customer_id"]: record for record in records}
    return [
        row
        if (identity := found.get(row.id)) is None
        else replace(row, email=identity["email"], name=identity["name"], phone=identity["phone"])
        for row in rows
    ]


async def _save_identities(ctx: Ctx, session: WriteSession, changes: Sequence[Change[CustomerRow]]) -> None:
    known = [change.after for change in changes if change.after.is_identified]
    gone = [
        change.after.id
        for change in changes
        if change.before is not None and change.before.is_identified and not change.after.is_identified
    ]
    if known:
        await session.execute(
            """/* customer_identities.keep */
            INSERT INTO customer_identities (tenant_id, customer_id, email, name, phone, created_at, updated_at)
            SELECT $1, known.*, $2, $2
            FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[]) AS known (customer_id, email, name, phone)
            ON CONFLICT (tenant_id, customer_id) DO UPDATE
            SET email = excluded.email, name = excluded.name, phone = excluded.phone,
              updated_at = excluded.updated_at""",
            ctx.tenant_id,
            ctx.now,
            [row.id for row in known],
            [row.email for row in known],
            [row.name for row in known],
            [row.phone for row in known],
        )
    if gone:
        await session.execute(
            """/* customer_identities.forget */
            DELETE FROM customer_identities
            WHERE tenant_id = $1 AND customer_id = ANY($2::uuid[])""",
            ctx.tenant_id,
            gone,
        )


CUSTOMER_KIND = EntityKind(
    noun="customer",
    plural="customers",
    table=RowTable(Customer, CustomerRow, key=("external_id",), changeable=("country",)),
    has_topic=False,
    complete=_with_identities,
    save=_save_identities,
)
