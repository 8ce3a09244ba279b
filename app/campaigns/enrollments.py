"""Enrollments: influencers in campaigns, one for each pair. Rules are pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from uuid import UUID

from app.campaigns.inputs import EnrollmentChange, EnrollmentInput
from app.campaigns.service import checked_rate
from app.core.context import Ctx
from app.core.ids import new_id
from app.core.unset import given
from app.core.words import EnrollmentStatus, ProgramKind
from app.db.entities import EntityKind
from app.db.rows import RowTable
from app.db.statuses import keep_statuses
from app.errors import DomainError
from app.tables import Enrollment


@dataclass(frozen=True, slots=True)
class EnrollmentRow:
    """An influencer in a campaign. commission_rate: None means the campaign's."""

    id: UUID
    campaign_id: UUID
    influencer_id: UUID
    status: EnrollmentStatus
    commission_rate: Decimal | None
    created_at: datetime
    updated_at: datetime


def drafted(ctx: Ctx, item: EnrollmentInput) -> EnrollmentRow:
    """The new enrollment. Raises DomainError."""
    return _checked(
        EnrollmentRow(
            id=new_id(),
            campaign_id=item.campaign_id,
            influencer_id=item.influencer_id,
            status=item.status,
            commission_rate=item.commission_rate,
            created_at=ctx.now,
            updated_at=ctx.now,
        )
    )


def changed(ctx: Ctx, row: EnrollmentRow, change: EnrollmentChange) -> EnrollmentRow:
    """The enrollment after the change. Raises DomainError."""
    return _checked(replace(row, **given(change, "id", required=("status",)), updated_at=ctx.now))


def _checked(row: EnrollmentRow) -> EnrollmentRow:
    if row.commission_rate is not None:
        checked_rate(row.commission_rate, "commissionRate")
    return row


def _taken(row: EnrollmentRow) -> DomainError:
    return DomainError(
        "CONFLICTING_DUPLICATE",
        "The influencer is in the campaign under other terms. Update the enrollment instead.",
        path=("influencerId",),
    )


ENROLLMENT_KIND = EntityKind(
    noun="enrollment",
    plural="enrollments",
    table=RowTable(
        Enrollment,
        EnrollmentRow,
        key=("campaign_id", "influencer_id"),
        changeable=("status", "commission_rate"),
    ),
    taken=_taken,
    save=partial(keep_statuses, ProgramKind.ENROLLMENT),
)
