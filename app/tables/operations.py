"""Outbox, audit log and idempotency keys: what every write leaves beside its facts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index

from app.tables.base import TenantEntity, TenantRow, digest, instant, json, small, text, uid


class Outbox(TenantEntity, table=True):
    """An event written in the transaction that caused it.

    It is kept, undelivered, for the consumers that later releases bring: nothing reads or deletes events yet, so that
    no index finds those that are due.
    available_at: when it may first be delivered. delivered_at: null until it was.
    """

    __tablename__ = "outbox"
    topic: str = text()
    subject_id: UUID = uid()
    payload: Any = json()
    created_at: datetime = instant()
    available_at: datetime = instant()
    delivered_at: datetime | None = instant(null=True)


class AuditLog(TenantEntity, table=True):
    """Who did what, when, to how many rows."""

    __tablename__ = "audit_log"
    __table_args__ = (Index("audit_log_recorded", "tenant_id", "recorded_at", "id"),)

    key_id: UUID = uid()
    role: str = text()
    action: str = text()
    items: int = small()
    detail: Any = json()
    request_id: str = text()
    recorded_at: datetime = instant()


class IdempotencyKey(TenantRow, table=True):
    """The answer given to a call, so that its repetition gets the same one."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("idempotency_keys_created", "tenant_id", "created_at"),)

    key: str = text(key=True)
    operation: str = text()
    body_hash: bytes = digest()
    response: Any = json(null=True)
    created_at: datetime = instant()
