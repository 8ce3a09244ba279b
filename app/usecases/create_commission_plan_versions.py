"""Adds versions to commission plans. One transaction. A version is never changed: the next one holds from its start."""

from collections.abc import Mapping, Sequence
from functools import partial

from app.commissions.plans.inputs import VersionInput
from app.commissions.plans.service import PLAN_KIND, VersionRow, insert_versions, newest_versions, versioned
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome, Outcome
from app.db.session import WriteSession
from app.errors import DomainError
from app.runtime import Runtime
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, in_order, refused

NAME = "versions"


async def create_commission_plan_versions(
    runtime: Runtime, ctx: Ctx, versions: Sequence[VersionInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each version, in the order given. One that says what the plan's newest does is REPLAYED."""
    check_batch(runtime, versions, name=NAME)
    # By itself first: the plan and the number follow.
    checked, bad = await check_each(
        versions, lambda item: versioned(ctx, item.plan_id, 1, item.terms), name=NAME, external_id=lambda _: None
    )
    return await perform(
        runtime,
        ctx,
        operation="createCommissionPlanVersions",
        body=versions,
        idempotency_key=idempotency_key,
        work=partial(_create, ctx, checked, bad),
    )


async def _create(
    ctx: Ctx, checked: Mapping[int, VersionRow], bad: Mapping[int, ItemOutcome], session: WriteSession
) -> tuple[ItemOutcome, ...]:
    outcomes = dict(bad)
    plans = await PLAN_KIND.table.lock(ctx, session, {row.plan_id for row in checked.values()})
    newest = await newest_versions(ctx, session, plans)
    new: list[VersionRow] = []
    for index, row in checked.items():
        last = newest.get(row.plan_id)
        if last is None:
            error = DomainError("NOT_FOUND", "No commission plan has this id.", path=("planId",))
            outcomes[index] = refused(error, index, name=NAME, external_id=None)
            continue
        if last.content == row.content:
            outcomes[index] = ItemOutcome(index, Outcome.REPLAYED, last.id)
            continue
        numbered = VersionRow(row.id, row.plan_id, last.version + 1, *row.content)
        newest[row.plan_id] = numbered
        new.append(numbered)
        outcomes[index] = ItemOutcome(index, Outcome.RECORDED, numbered.id)
    await insert_versions(ctx, session, new)
    return in_order(outcomes, len(outcomes))
