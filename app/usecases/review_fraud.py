"""Reviews hits of the rules of fraud: a commission without open hits goes on, a refused one is taken back.

One transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

from app import outbox
from app.analytics.rollups import deltas
from app.commissions import service, states
from app.commissions.accrue import Share
from app.commissions.earnings import shares_left
from app.commissions.inputs import CommissionMove
from app.commissions.rejection import reject
from app.commissions.service import NewCommission
from app.commissions.states import Move, Passages
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome, Outcome
from app.core.texts import checked_optional, checked_text
from app.core.words import CommissionState, FraudHitState
from app.db.session import WriteSession
from app.errors import DomainError
from app.fraud import hits
from app.fraud.hits import Hit
from app.fraud.inputs import FraudReview
from app.runtime import Runtime
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, in_order, refused

NAME = "reviews"
OPEN, ACCEPTED, REJECTED = FraudHitState.OPEN, FraudHitState.ACCEPTED, FraudHitState.REJECTED


async def review_fraud(
    runtime: Runtime, ctx: Ctx, reviews: Sequence[FraudReview | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each review, in the order given.

    Accepted: the hit is closed, and its commission is PENDING again once no other hit of it is open. Refused, which
    needs a reason: what is left of the commission is taken back for good, and its other open hits are closed as well.
    """
    check_batch(runtime, reviews, name=NAME)

    def check(item: FraudReview) -> FraudReview:
        if item.is_accepted:
            checked_optional(item.reason, "reason")
        else:
            checked_text(item.reason or "", "reason")
        return item

    checked, bad = await check_each(reviews, check, name=NAME, external_id=lambda _: None)
    return await perform(
        runtime,
        ctx,
        operation="reviewFraud",
        body=reviews,
        idempotency_key=idempotency_key,
        work=partial(_review, ctx, checked, bad),
    )


async def _review(
    ctx: Ctx, checked: Mapping[int, FraudReview], bad: Mapping[int, ItemOutcome], session: WriteSession
) -> tuple[ItemOutcome, ...]:
    outcomes = dict(bad)
    known = await hits.lock(ctx, session, {item.id for item in checked.values()})
    passages = await states.lock(ctx, session, {hit.commission_id for hit in known.values()})
    parts = await shares_left(ctx, session, list(passages.rows.values()))
    decided: dict[UUID, Hit] = {}
    refusals: list[NewCommission] = []
    for index, item in checked.items():
        try:
            closed, refusal = _closed(ctx, item, known, passages, parts)
        except DomainError as error:
            outcomes[index] = refused(error, index, name=NAME, external_id=None)
            continue
        refusals += [] if refusal is None else [refusal]
        known |= closed
        decided |= closed
        outcomes[index] = ItemOutcome(index=index, outcome=Outcome.RECORDED if closed else Outcome.REPLAYED, id=item.id)
        row = passages.named(known[item.id].commission_id)
        session.touch_days({each.occurred_at.date() for each in passages.of_credit.get(row.credit_id or row.id, [row])})
    await states.write(ctx, session, passages)
    await service.post(ctx, session, refusals)
    await deltas.append(ctx, session, [service.contribution_of(row) for row in refusals])
    await hits.decide(ctx, session, list(decided.values()))
    await outbox.append(ctx, session, [_event(hit) for hit in decided.values()])
    session.touch_days({row.occurred_at.date() for row in refusals})
    return in_order(outcomes, len(outcomes))


def _closed(
    ctx: Ctx, item: FraudReview, known: Mapping[UUID, Hit], passages: Passages, parts: Mapping[UUID, Sequence[Share]]
) -> tuple[dict[UUID, Hit], NewCommission | None]:
    """The hits that the review closes, and what takes the commission back. Raises DomainError."""
    hit = known.get(item.id)
    if hit is None:
        raise DomainError("UNKNOWN_FRAUD_HIT", "No hit of the rules of fraud has this id.", path=("id",))
    wanted = ACCEPTED if item.is_accepted else REJECTED
    if hit.state is wanted:
        return {}, None
    if hit.state is not OPEN:
        raise DomainError("FRAUD_REVIEWED", f"The hit is {hit.state.value} already.", path=("id",))
    others = [
        each
        for each in known.values()
        if each.commission_id == hit.commission_id and each.state is OPEN and each.id != hit.id
    ]
    row = passages.named(hit.commission_id)
    if item.is_accepted:
        if not others and row.state is CommissionState.HELD and not passages.is_rejected(row):
            passages.enter(Move(row.id, CommissionState.PENDING, item.reason))
        return {hit.id: replace(hit, state=ACCEPTED, reason=item.reason)}, None
    refusal = reject(passages, CommissionMove(row.id, item.reason), parts, at=ctx.now)
    return {each.id: replace(each, state=REJECTED, reason=item.reason) for each in (hit, *others)}, refusal


def _event(hit: Hit) -> outbox.Event:
    return outbox.Event(
        f"fraud.{hit.state.lower()}",
        hit.id,
        {"rule": hit.rule.value, "commissionId": str(hit.commission_id), "influencerId": str(hit.influencer_id)},
    )
