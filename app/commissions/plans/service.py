"""Commission plans, their versions and assignments: how they are written. What they may be is in checks.py."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from app.commissions.plans.checks import checked_start, checked_terms
from app.commissions.plans.inputs import AssignmentInput, PlanChange, PlanInput, TermsInput
from app.core.context import Ctx
from app.core.ids import new_id
from app.core.texts import checked_external_id, checked_text
from app.core.unset import given
from app.core.words import PlanPeriod
from app.db.entities import EntityKind
from app.db.rows import Change, RowTable
from app.db.session import ReadSession, WriteSession
from app.errors import DomainError
from app.tables import CommissionPlan


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version about to be written, or as it is stored. terms: as `checks.checked_terms` gives them."""

    id: UUID
    plan_id: UUID
    version: int
    effective_from: datetime
    currency: str
    period: PlanPeriod
    terms: dict[str, Any]

    @property
    def content(self) -> tuple[Any, ...]:
        """What makes two versions the same."""
        return self.effective_from, self.currency, self.period, self.terms


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan. first: what its first version says, as `VersionRow.content`."""

    id: UUID
    external_id: str | None
    name: str
    created_at: datetime
    updated_at: datetime
    first: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class AssignmentRow:
    """An assignment about to be written, or as it is stored."""

    id: UUID
    plan_id: UUID | None
    campaign_id: UUID | None
    enrollment_id: UUID | None
    effective_from: datetime

    @property
    def place(self) -> tuple[UUID | None, UUID | None, datetime]:
        """Where it holds, and from when on: what a later one replaces."""
        return self.campaign_id, self.enrollment_id, self.effective_from


def drafted(ctx: Ctx, item: PlanInput) -> PlanRow:
    """The new plan. Raises DomainError."""
    if item.external_id is not None:
        checked_external_id(item.external_id, "externalId")
    row = PlanRow(
        id=new_id(),
        external_id=item.external_id,
        name=checked_text(item.name, "name"),
        created_at=ctx.now,
        updated_at=ctx.now,
    )
    return replace(row, first=versioned(ctx, row.id, 1, item.terms).content)


def changed(ctx: Ctx, row: PlanRow, change: PlanChange) -> PlanRow:
    """The plan after the change. Raises DomainError."""
    after = replace(row, **given(change, "id", required=("name",)), updated_at=ctx.now)
    return replace(after, name=checked_text(after.name, "name"))


def versioned(ctx: Ctx, plan_id: UUID, number: int, terms: TermsInput) -> VersionRow:
    """A version of the plan. Raises DomainError."""
    currency = ctx.tenant.currency
    try:
        effective_from, checked = checked_start(terms.effective_from), checked_terms(terms, currency)
    except DomainError as error:
        raise DomainError(error.code, error.message, path=("terms", *error.path)) from None
    return VersionRow(new_id(), plan_id, number, effective_from, currency, terms.period, checked)


def assigned(item: AssignmentInput) -> AssignmentRow:
    """The assignment. Raises DomainError."""
    return AssignmentRow(
        id=new_id(),
        plan_id=item.plan_id,
        campaign_id=item.campaign_id,
        enrollment_id=item.enrollment_id,
        effective_from=checked_start(item.effective_from),
    )


async def insert_versions(ctx: Ctx, session: WriteSession, versions: Sequence[VersionRow]) -> None:
    """Insert the versions, in one statement. Their plans are new or locked."""
    if not versions:
        return
    await session.execute(
        """/* commission_plan_versions.insert */
        INSERT INTO commission_plan_versions (tenant_id, id, plan_id, version, effective_from, currency, period, terms,
          created_at)
        SELECT $1, new.*, $2
        FROM unnest($3::uuid[], $4::uuid[], $5::integer[], $6::timestamptz[], $7::text[], $8::text[], $9::jsonb[])
          AS new (id, plan_id, version, effective_from, currency, period, terms)""",
        ctx.tenant_id,
        ctx.now,
        [row.id for row in versions],
        [row.plan_id for row in versions],
        [row.version for row in versions],
        [row.effective_from for row in versions],
        [row.currency for row in versions],
        [row.period for row in versions],
        [row.terms for row in versions],
    )


async def newest_versions(ctx: Ctx, session: ReadSession, plan_ids: Collection[UUID]) -> dict[UUID, VersionRow]:
    """The version with the highest number of each plan."""
    return await _versions(ctx, session, plan_ids, "version DESC")


async def _versions(ctx: Ctx, session: ReadSession, plan_ids: Collection[UUID], order: str) -> dict[UUID, VersionRow]:
    rows = await session.fetch(
        f"""/* commission_plan_versions.of_plans */
        SELECT DISTINCT ON (plan_id) id, plan_id, version, effective_from, currency, period, terms
        FROM commission_plan_versions
        WHERE tenant_id = $1 AND plan_id = ANY($2::uuid[])
        ORDER BY plan_id, {order}""",  # noqa: S608 - one of two declared orders
        ctx.tenant_id,
        list(plan_ids),
    )
    return {
        row["plan_id"]: VersionRow(
            row["id"],
            row["plan_id"],
            row["version"],
            row["effective_from"],
            row["currency"],
            PlanPeriod(row["period"]),
            row["terms"],
        )
        for row in rows
    }


async def known_assignments(
    ctx: Ctx, session: ReadSession, rows: Collection[AssignmentRow]
) -> dict[tuple[UUID | None, UUID | None, datetime], UUID | None]:
    """The plan that was assigned last to each of these places from these instants on."""
    found = await session.fetch(
        """/* plan_assignments.known */
        SELECT campaign_id, enrollment_id, effective_from, plan_id
        FROM plan_assignments
        WHERE tenant_id = $1 AND effective_from = ANY($2::timestamptz[])
        ORDER BY created_at, id""",
        ctx.tenant_id,
        list({row.effective_from for row in rows}),
    )
    return {(row["campaign_id"], row["enrollment_id"], row["effective_from"]): row["plan_id"] for row in found}


async def insert_assignments(ctx: Ctx, session: WriteSession, rows: Sequence[AssignmentRow]) -> None:
    """Insert the assignments, in one statement."""
    if not rows:
        return
    await session.execute(
        """/* plan_assignments.insert */
        INSERT INTO plan_assignments (tenant_id, id, plan_id, campaign_id, enrollment_id, effective_from,
          created_at)
        SELECT $1, new.*, $2
        FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::timestamptz[])
          AS new (id, plan_id, campaign_id, enrollment_id, effective_from)""",
        ctx.tenant_id,
        ctx.now,
        [row.id for row in rows],
        [row.plan_id for row in rows],
        [row.campaign_id for row in rows],
        [row.enrollment_id for row in rows],
        [row.effective_from for row in rows],
    )


async def _with_first(ctx: Ctx, session: ReadSession, rows: Sequence[PlanRow]) -> Sequence[PlanRow]:
    firsts = await _versions(ctx, session, [row.id for row in rows], "version")
    return [replace(row, first=firsts[row.id].content) for row in rows]


async def _save_first(ctx: Ctx, session: WriteSession, changes: Sequence[Change[PlanRow]]) -> None:
    await insert_versions(
        ctx,
        session,
        [VersionRow(new_id(), change.after.id, 1, *change.after.first) for change in changes if change.before is None],
    )


PLAN_KIND = EntityKind(
    noun="commission_plan",
    plural="commissionPlans",
    table=RowTable(CommissionPlan, PlanRow, key=("external_id",), changeable=("name",)),
    has_topic=False,
    complete=_with_first,
    save=_save_first,
)
