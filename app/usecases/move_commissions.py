"""Moves commissions by hand, approve, hold, release and reject, and approves what is due. One transaction each call."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from uuid import UUID

from app.analytics.rollups import deltas
from app.commissions import service, states
from app.commissions.approval import START, Earned, find_due, load_earned
from app.commissions.inputs import CommissionMove
from app.commissions.rejection import reject
from app.commissions.service import NewCommission
from app.commissions.states import Move, Passages, Row
from app.commissions.terms import load_terms
from app.core.context import Ctx, Principal, Role, TenantInfo
from app.core.ids import ZERO_ID, new_id
from app.core.outcomes import ItemOutcome, Outcome
from app.core.texts import checked_optional, checked_text
from app.core.words import CommissionState
from app.db.session import WriteSession
from app.errors import DomainError
from app.fraud.hits import to_be_reviewed
from app.runtime import Runtime
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, in_order, refused

NAME = "commissions"
DUE = "Due after its hold period."

Items = Sequence[CommissionMove | Unread]
Enter = Callable[[Passages, Earned, CommissionMove], bool]
"""Enters one item; False when nothing changes by it. Raises DomainError."""


async def approve_commissions(
    runtime: Runtime, ctx: Ctx, items: Items, *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each: PENDING or HELD becomes APPROVED, before its hold period has ended too.

    Refused where the order lacks what the terms ask for, or nothing is left of the commission.
    """
    return await _by_hand(runtime, ctx, items, "approveCommissions", _approve, idempotency_key)


async def hold_commissions(
    runtime: Runtime, ctx: Ctx, items: Items, *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each: PENDING or APPROVED becomes HELD. Each needs a reason."""
    enter = partial(_move, CommissionState.HELD)
    return await _by_hand(runtime, ctx, items, "holdCommissions", enter, idempotency_key, needs_reason=True)


async def release_commissions(
    runtime: Runtime, ctx: Ctx, items: Items, *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each: HELD becomes PENDING again, and is approved as any other."""
    return await _by_hand(runtime, ctx, items, "releaseCommissions", _release, idempotency_key)


async def reject_commissions(
    runtime: Runtime, ctx: Ctx, items: Items, *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each: what is left of it is taken back, for good. Each needs a reason; none may be paid."""
    return await _by_hand(runtime, ctx, items, "rejectCommissions", None, idempotency_key, needs_reason=True)


async def _by_hand(
    runtime: Runtime,
    ctx: Ctx,
    items: Items,
    operation: str,
    enter: Enter | None,
    idempotency_key: str | None,
    *,
    needs_reason: bool = False,
) -> tuple[ItemOutcome, ...]:
    check_batch(runtime, items, name=NAME)

    def check(item: CommissionMove) -> CommissionMove:
        if needs_reason:
            checked_text(item.reason or "", "reason")
        checked_optional(item.reason, "reason")
        return item

    checked, bad = await check_each(items, check, name=NAME, external_id=lambda _: None)
    return await perform(
        runtime,
        ctx,
        operation=operation,
        body=items,
        idempotency_key=idempotency_key,
        work=partial(_work, ctx, enter, checked, bad),
    )


async def _work(
    ctx: Ctx,
    enter: Enter | None,
    checked: Mapping[int, CommissionMove],
    bad: Mapping[int, ItemOutcome],
    session: WriteSession,
) -> tuple[ItemOutcome, ...]:
    outcomes = dict(bad)
    passages = await states.lock(ctx, session, {item.id for item in checked.values()})
    named = [passages.rows[item.id] for item in checked.values() if item.id in passages.rows]
    earned = await load_earned(ctx, session, named, await load_terms(ctx, session))
    to_review = await to_be_reviewed(ctx, session, passages.rows)
    refusals: list[NewCommission] = []
    parts = await service.shares_left(ctx, session, named) if enter is None else {}
    for index, item in checked.items():
        try:
            _check_review(passages, item, to_review)
            if enter is not None:
                is_new = enter(passages, earned, item)
            else:
                rejection = reject(passages, item, parts, at=ctx.now)
                refusals += [] if rejection is None else [rejection]
                is_new = rejection is not None
        except DomainError as error:
            outcomes[index] = refused(error, index, name=NAME, external_id=None)
            continue
        outcome = Outcome.RECORDED if is_new else Outcome.REPLAYED
        session.touch_days([passages.named(item.id).occurred_at.date()])
        outcomes[index] = ItemOutcome(index=index, outcome=outcome, id=item.id)
    await states.write(ctx, session, passages)
    await service.post(ctx, session, refusals)
    await deltas.append(ctx, session, [service.contribution_of(row) for row in refusals])
    session.touch_days({row.occurred_at.date() for row in refusals})
    return in_order(outcomes, len(outcomes))


def _check_review(passages: Passages, item: CommissionMove, to_review: Collection[UUID]) -> None:
    row = passages.named(item.id)
    if any(each.id in to_review for each in passages.together(row)):
        raise DomainError("FRAUD_TO_BE_REVIEWED", "Hits of the rules of fraud are open: review them.", path=("id",))


def _move(to: CommissionState, passages: Passages, _: Earned, item: CommissionMove) -> bool:
    return passages.enter(Move(item.id, to, item.reason))


def _approve(passages: Passages, earned: Earned, item: CommissionMove) -> bool:
    row = passages.named(item.id)
    if row.state in (CommissionState.PENDING, CommissionState.HELD):
        earned.check(row)
        _check_left(passages, row)
    elif row.state is CommissionState.PAID:
        # Its way back is a payment's that came back.
        raise DomainError("WRONG_STATE", "The commission is PAID and cannot become APPROVED by hand.", path=("id",))
    return passages.enter(Move(item.id, CommissionState.APPROVED, item.reason))


def _release(passages: Passages, _: Earned, item: CommissionMove) -> bool:
    row = passages.named(item.id)
    if row.state is not CommissionState.HELD and row.state is not CommissionState.PENDING:
        raise DomainError("WRONG_STATE", f"The commission is {row.state.value}, not HELD.", path=("id",))
    return passages.enter(Move(item.id, CommissionState.PENDING, item.reason))


def _check_left(passages: Passages, row: Row) -> None:
    if passages.net(row) == 0:
        raise DomainError("WRONG_STATE", "Nothing is left of the commission.", path=("id",))


async def approve_due(runtime: Runtime, tenant: TenantInfo) -> int:
    """Number of the tenant's commissions that were due and are approved now: batch by batch, each one transaction."""
    ctx = Ctx(Principal(ZERO_ID, Role.ADMIN, tenant), f"worker-{new_id()}", runtime.clock.now())
    approved = 0
    place = START
    while True:
        async with runtime.db.read(tenant.id) as session:
            terms = await load_terms(ctx, session)
            due, following = await find_due(session, terms, now=ctx.now, after=place)
        if due:
            outcomes = await perform(
                runtime, ctx, operation="approveDueCommissions", body=[], work=partial(_approve_due, ctx, due)
            )
            approved += len(outcomes)
        if following is None:
            return approved
        place = following


async def _approve_due(ctx: Ctx, due: Sequence[UUID], session: WriteSession) -> tuple[ItemOutcome, ...]:
    passages = await states.lock(ctx, session, due)
    outcomes: list[ItemOutcome] = []
    for commission_id in due:
        row = passages.named(commission_id)
        # Another worker, a caller or a refund may have been faster.
        if row.state is not CommissionState.PENDING or passages.net(row) == 0:
            continue
        passages.enter(Move(commission_id, CommissionState.APPROVED, DUE))
        outcomes.append(ItemOutcome(index=len(outcomes), outcome=Outcome.RECORDED, id=commission_id))
    await states.write(ctx, session, passages)
    return tuple(outcomes)
