"""Creates influencers with their social profiles. One transaction."""

from collections.abc import Sequence
from functools import partial

from app.core.context import Ctx
from app.core.outcomes import ItemOutcome
from app.influencers.inputs import InfluencerInput
from app.influencers.service import INFLUENCER_KIND, drafted
from app.runtime import Runtime
from app.usecases.entities import create
from app.usecases.items import Unread


async def create_influencers(
    runtime: Runtime, ctx: Ctx, influencers: Sequence[InfluencerInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each influencer, in the order given. A known external id with the same content is REPLAYED."""
    return await create(
        runtime, ctx, INFLUENCER_KIND, influencers, draft=partial(drafted, ctx), idempotency_key=idempotency_key
    )
