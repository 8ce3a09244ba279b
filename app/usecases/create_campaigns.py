"""Creates campaigns with their dates, goals and terms. One transaction."""

from collections.abc import Sequence
from functools import partial

from app.campaigns.inputs import CampaignInput
from app.campaigns.service import CAMPAIGN_KIND, drafted
from app.core.context import Ctx
from app.core.outcomes import ItemOutcome
from app.runtime import Runtime
from app.usecases.entities import create
from app.usecases.items import Unread


async def create_campaigns(
    runtime: Runtime, ctx: Ctx, campaigns: Sequence[CampaignInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each campaign, in the order given. A known external id with the same content is REPLAYED."""
    return await create(
        runtime,
        ctx,
        CAMPAIGN_KIND,
        campaigns,
        draft=partial(drafted, ctx, runtime.settings.default_window_days),
        idempotency_key=idempotency_key,
    )
