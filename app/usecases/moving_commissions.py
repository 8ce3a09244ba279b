"""Moves commissions by hand: the step that approving, holding, releasing and rejecting them share."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from uuid import UUID

from app.analytics.rollups import deltas
from app.commissions import service, states
from app.commissions.approval import Earned, load_earned
from app.commissions.earnings import shares_left
from app.commissions.inputs import CommissionMove
from app.commissions.rejection import reject
from app.commissions.service import NewCommission
from app.commissions.states import Passages
from app.commissions.terms import TERMS
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome, Outcome
from app.core.texts import checked_optional, checked_text
from app.db.session import WriteSession
from app.errors import DomainError
from app.fraud.hits import to_be_reviewed
from app.runtime import Runtime
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, in_order, refused

NAME = "commissions"

Items = Sequence[CommissionMove | Unread]
Enter = Callable[[Passages, Earned, CommissionMove], bool]
"""Enters one item; False when nothing changes by it. Raises DomainError."""


async def move_by_hand(
    runtime: Runtime,
    ctx: Ctx,
    items: Items,
    operation: str,
    enter: Enter | None,
    idempotency_key: str | None,
    *,
    needs_reason: bool = False,
) -> tuple[ItemOutcome, ...]:
    """What became of each, in the order given. enter: None where what is left of them is taken back."""
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
    earned = await load_earned(ctx, session, named, await TERMS.load(ctx, session))
    to_review = await to_be_reviewed(ctx, session, passages.rows)
    refusals: list[NewCommission] = []
    parts = await shares_left(ctx, session, named) if enter is None else {}
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
