"""Coupon codes: what they may be. Rules are pure."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import new_id
from app.core.texts import checked_code, checked_external_id
from app.core.unset import given
from app.core.words import OfferStatus, Platform
from app.db.entities import EntityKind
from app.db.rows import RowTable
from app.errors import DomainError
from app.tables import Code
from app.tracking.inputs import CodeChange, CodeInput


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A coupon code, in upper case."""

    id: UUID
    influencer_id: UUID
    campaign_id: UUID | None
    code: str
    platform: Platform | None
    status: OfferStatus
    starts_at: datetime | None
    ends_at: datetime | None
    customer: str | None
    created_at: datetime
    updated_at: datetime


def drafted(ctx: Ctx, item: CodeInput) -> CodeRow:
    """The new code. Raises DomainError."""
    return _checked(
        CodeRow(
            id=new_id(),
            influencer_id=item.influencer_id,
            campaign_id=item.campaign_id,
            code=checked_code(item.code, "code"),
            platform=item.platform,
            status=item.status,
            starts_at=item.starts_at,
            ends_at=item.ends_at,
            customer=item.customer,
            created_at=ctx.now,
            updated_at=ctx.now,
        )
    )


def changed(ctx: Ctx, row: CodeRow, change: CodeChange) -> CodeRow:
    """The code after the change. Raises DomainError."""
    return _checked(replace(row, **given(change, "id", required=("status",)), updated_at=ctx.now))


def _checked(row: CodeRow) -> CodeRow:
    if row.customer is not None:
        checked_external_id(row.customer, "customer")
    starts_at = None if row.starts_at is None else row.starts_at.astimezone(UTC)
    ends_at = None if row.ends_at is None else row.ends_at.astimezone(UTC)
    if starts_at is not None and ends_at is not None and ends_at <= starts_at:
        raise DomainError("BAD_USER_INPUT", "`endsAt` must come after `startsAt`.", path=("endsAt",))
    return replace(row, starts_at=starts_at, ends_at=ends_at)


def _taken(row: CodeRow) -> DomainError:
    return DomainError("NAME_TAKEN", f"The code {row.code!r} is given out already. Choose another.", path=("code",))


CODE_KIND = EntityKind(
    noun="code",
    plural="codes",
    table=RowTable(Code, CodeRow, key=("code",), changeable=("platform", "status", "starts_at", "ends_at")),
    taken=_taken,
)
