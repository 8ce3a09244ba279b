"""What all tables share: the naming of constraints, the columns' types, and the base of tenant rows.

Tables hold columns only: no relationships, no behaviour. Rows read at run time are plain records or dataclasses; these
classes are the data dictionary, the metadata for migrations, and the source of the drift test.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    Numeric,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as PgUuid
from sqlmodel import Field, SQLModel

_REQUIRED: Any = ...


def text(*, null: bool = False, key: bool = False, default: str | None = None) -> Any:
    """A text column."""
    return _column(Text(), null=null, key=key, default=default)


def uid(*, null: bool = False, key: bool = False) -> Any:
    """A uuid column."""
    return _column(PgUuid(as_uuid=True), null=null, key=key)


def instant(*, null: bool = False, key: bool = False, default: str | None = None) -> Any:
    """A timestamptz column."""
    return _column(DateTime(timezone=True), null=null, key=key, default=default)


def whole(*, null: bool = False, key: bool = False, default: str | None = None) -> Any:
    """An integer column of 64 bits: counts, and money in minor units."""
    return _column(BigInteger(), null=null, key=key, default=default)


def small(*, null: bool = False, key: bool = False, default: str | None = None) -> Any:
    """An integer column of 32 bits: positions, versions, weights in 1e-9."""
    return _column(Integer(), null=null, key=key, default=default)


def number(precision: int, scale: int, *, null: bool = False, default: str | None = None) -> Any:
    """An exact decimal column."""
    return _column(Numeric(precision, scale), null=null, default=default)


def json(*, null: bool = False) -> Any:
    """A jsonb column."""
    return _column(JSONB(), null=null)


def flag(*, default: str = "false") -> Any:
    """A boolean column."""
    return _column(Boolean(), null=False, default=default)


def digest() -> Any:
    """A SHA-256 (32 bytes)."""
    return _column(LargeBinary(), null=False)


def texts() -> Any:
    """An array of text."""
    return _column(ARRAY(Text()), null=False, default="{}")


def _column(sa_type: Any, *, null: bool, key: bool = False, default: str | None = None) -> Any:
    kwargs: dict[str, Any] = {} if default is None else {"server_default": default}
    return Field(None if null else _REQUIRED, sa_type=sa_type, nullable=null, primary_key=key, sa_column_kwargs=kwargs)


WORD = "word"
"""Under which the info of a constraint tells the column that holds one of known words."""


def one_of(column: str, values: type[StrEnum], *, name: str) -> CheckConstraint:
    """CHECK that a text column holds a member's value (text + CHECK instead of enum types: a value is added by one
    migration without a rewrite, and clusters take it)."""
    allowed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({allowed})", name=name, info={WORD: column})


def refers(columns: str, table: str, *, name: str, to: str = "id") -> ForeignKeyConstraint:
    """A composite foreign key (tenant_id, column) to another tenant table."""
    return ForeignKeyConstraint(["tenant_id", columns], [f"{table}.tenant_id", f"{table}.{to}"], name=name)


class TenantRow(SQLModel):
    """A row of one tenant: row-level security, and a primary key that starts with the tenant."""

    tenant_id: UUID = uid(key=True)


class TenantEntity(TenantRow):
    """A row with an id of its own."""

    id: UUID = uid(key=True)


class Dated(SQLModel):
    """When a mutable row came and last changed; the app writes both."""

    created_at: datetime = instant()
    updated_at: datetime = instant()
