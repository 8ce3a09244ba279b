"""Brings the payout methods of influencers up to date: those not known yet are created. One transaction."""

from collections.abc import Mapping, Sequence
from functools import partial

from app.core.context import Ctx
from app.core.outcomes import ItemOutcome
from app.db.session import WriteSession
from app.errors import DomainError
from app.influencers.service import INFLUENCER_KIND
from app.payouts.inputs import PayoutMethodInput
from app.payouts.methods import METHOD_KIND, changed_method, checked_method, drafted_method
from app.runtime import Runtime
from app.usecases.entities import upsert
from app.usecases.items import Unread


async def upsert_payout_methods(
    runtime: Runtime, ctx: Ctx, methods: Sequence[PayoutMethodInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each method, in the order given. One that changes nothing is REPLAYED."""
    return await upsert(
        runtime,
        ctx,
        METHOD_KIND,
        methods,
        check=checked_method,
        key_of=lambda item: (item.influencer_id, item.currency),
        draft=partial(drafted_method, ctx),
        apply=partial(changed_method, ctx),
        checks=(_known_influencers,),
        idempotency_key=idempotency_key,
    )


async def _known_influencers(
    ctx: Ctx, session: WriteSession, items: Mapping[int, PayoutMethodInput]
) -> Mapping[int, DomainError]:
    known = await INFLUENCER_KIND.table.known(ctx, session, {item.influencer_id for item in items.values()})
    return {
        index: DomainError(
            "UNKNOWN_INFLUENCER", "No influencer has this id. Create them first.", path=("influencerId",)
        )
        for index, item in items.items()
        if item.influencer_id not in known
    }
