"""Brings the tenant's payout policies up to date: those not known yet are created. One transaction."""

from collections.abc import Sequence
from functools import partial

from app.core.context import Ctx
from app.core.outcomes import ItemOutcome
from app.payouts.inputs import PayoutPolicyInput
from app.payouts.methods import POLICY_KIND, changed_policy, checked_policy, drafted_policy
from app.runtime import Runtime
from app.usecases.entities import upsert
from app.usecases.items import Unread


async def upsert_payout_policies(
    runtime: Runtime, ctx: Ctx, policies: Sequence[PayoutPolicyInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each policy, in the order given. One that changes nothing is REPLAYED."""
    return await upsert(
        runtime,
        ctx,
        POLICY_KIND,
        policies,
        check=checked_policy,
        key_of=lambda item: (item.currency,),
        draft=partial(drafted_policy, ctx),
        apply=partial(changed_policy, ctx),
        idempotency_key=idempotency_key,
    )
