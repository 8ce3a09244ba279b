"""Assigns commission plans to enrollments, campaigns or the tenant, from an instant on. One transaction."""

from collections.abc import Mapping, Sequence
from functools import partial

from app.campaigns.enrollments import ENROLLMENT_KIND
from app.campaigns.service import CAMPAIGN_KIND
from app.commissions.plans.inputs import AssignmentInput
from app.commissions.plans.service import PLAN_KIND, AssignmentRow, assigned, insert_assignments, known_assignments
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome, Outcome
from app.db.session import WriteSession
from app.errors import DomainError
from app.runtime import Runtime
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, in_order, refused

NAME = "assignments"


async def assign_commission_plans(
    runtime: Runtime, ctx: Ctx, assignments: Sequence[AssignmentInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each assignment, in the order given. One that holds already is REPLAYED."""
    check_batch(runtime, assignments, name=NAME)
    checked, bad = await check_each(assignments, _checked, name=NAME, external_id=lambda _: None)
    return await perform(
        runtime,
        ctx,
        operation="assignCommissionPlans",
        body=assignments,
        idempotency_key=idempotency_key,
        work=partial(_assign, ctx, checked, bad),
    )


def _checked(item: AssignmentInput) -> AssignmentRow:
    if item.campaign_id is not None and item.enrollment_id is not None:
        raise DomainError(
            "BAD_USER_INPUT",
            "A plan is assigned to a campaign or to an enrollment; without either to the tenant.",
            path=("enrollmentId",),
        )
    return assigned(item)


async def _assign(
    ctx: Ctx, checked: Mapping[int, AssignmentRow], bad: Mapping[int, ItemOutcome], session: WriteSession
) -> tuple[ItemOutcome, ...]:
    outcomes = dict(bad)
    rows = checked.values()
    # Locked, so that two calls for one place come one after the other, and the later one holds.
    plans = await PLAN_KIND.table.lock(ctx, session, {row.plan_id for row in rows if row.plan_id is not None})
    campaigns = await CAMPAIGN_KIND.table.known(
        ctx, session, {row.campaign_id for row in rows if row.campaign_id is not None}
    )
    enrollments = await ENROLLMENT_KIND.table.known(
        ctx, session, {row.enrollment_id for row in rows if row.enrollment_id is not None}
    )
    known = await known_assignments(ctx, session, rows) if rows else {}
    new: list[AssignmentRow] = []
    for index, row in checked.items():
        error = None
        if row.plan_id is not None and row.plan_id not in plans:
            error = DomainError("NOT_FOUND", "No commission plan has this id.", path=("planId",))
        elif row.campaign_id is not None and row.campaign_id not in campaigns:
            error = DomainError("UNKNOWN_CAMPAIGN", "No campaign has this id. Create it first.", path=("campaignId",))
        elif row.enrollment_id is not None and row.enrollment_id not in enrollments:
            error = DomainError("NOT_FOUND", "No enrollment has this id. Create it first.", path=("enrollmentId",))
        if error is not None:
            outcomes[index] = refused(error, index, name=NAME, external_id=None)
            continue
        holds = known.get(row.place)
        if row.place in known and holds == row.plan_id:
            outcomes[index] = ItemOutcome(index, Outcome.REPLAYED)
            continue
        known[row.place] = row.plan_id
        new.append(row)
        outcomes[index] = ItemOutcome(index, Outcome.RECORDED, row.id)
    await insert_assignments(ctx, session, new)
    return in_order(outcomes, len(outcomes))
