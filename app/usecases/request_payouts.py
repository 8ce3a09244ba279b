"""Notes that influencers wish to be paid what is due to them, also below the threshold: the next batch holds it."""

from collections.abc import Mapping, Sequence
from functools import partial

from app.core.context import Ctx
from app.core.money import checked_currency
from app.core.outcomes import ItemOutcome, Outcome
from app.db.session import WriteSession
from app.errors import DomainError
from app.payouts.due import balances
from app.payouts.inputs import PayoutRequestInput
from app.payouts.notes import insert_request
from app.runtime import Runtime
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, in_order, refused

NAME = "payoutRequests"


async def request_payouts(
    runtime: Runtime, ctx: Ctx, requests: Sequence[PayoutRequestInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each wish, in the order given: one that is noted already is REPLAYED.

    Refused with NOTHING_DUE where the influencer is owed nothing in the currency, FORBIDDEN for keys of nobody's own.
    """
    check_batch(runtime, requests, name=NAME)
    checked, bad = await check_each(requests, _checked, name=NAME, external_id=lambda item: None)
    return await perform(
        runtime,
        ctx,
        operation="requestPayouts",
        body=requests,
        idempotency_key=idempotency_key,
        work=partial(_request, ctx, checked, bad),
    )


def _checked(item: PayoutRequestInput) -> PayoutRequestInput:
    checked_currency(item.currency)
    return item


async def _request(
    ctx: Ctx, checked: Mapping[int, PayoutRequestInput], bad: Mapping[int, ItemOutcome], session: WriteSession
) -> tuple[ItemOutcome, ...]:
    influencer_id = ctx.principal.influencer_id
    outcomes = dict(bad)
    if influencer_id is None:
        error = DomainError("FORBIDDEN", "Only an influencer's own key requests payouts. Make a batch instead.")
        outcomes |= {index: refused(error, index, name=NAME, external_id=None) for index in checked}
        return in_order(outcomes, len(outcomes))
    owed = {each.currency: each.amount for each in await balances(ctx, session, influencer_ids=[influencer_id])}
    for index, item in checked.items():
        if owed.get(item.currency, 0) <= 0:
            error = DomainError("NOTHING_DUE", f"Nothing is payable in {item.currency}.", path=("currency",))
            outcomes[index] = refused(error, index, name=NAME, external_id=None)
            continue
        is_new = await insert_request(ctx, session, influencer_id, item.currency)
        outcomes[index] = ItemOutcome(index, Outcome.RECORDED if is_new else Outcome.REPLAYED)
    return in_order(outcomes, len(outcomes))
