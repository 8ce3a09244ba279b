"""What new rows refer to must be rows of the tenant: a step of the use cases that create them."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from app.campaigns.service import CAMPAIGN_KIND
from app.core.context import Ctx
from app.db.session import ReadSession, WriteSession
from app.errors import DomainError
from app.influencers.service import INFLUENCER_KIND


class Offered(Protocol):
    """What an influencer has, possibly for a campaign: an enrollment, a link, a code, an instance."""

    @property
    def influencer_id(self) -> UUID | None:
        """Whose it is."""
        ...

    @property
    def campaign_id(self) -> UUID | None:
        """For which campaign."""
        ...


async def check_known(
    ctx: Ctx,
    session: ReadSession,
    *,
    influencers: Sequence[UUID] | None = None,
    campaigns: Sequence[UUID] | None = None,
) -> None:
    """That what an input narrows itself to are rows of the tenant: nothing found is not taken for nothing to do.

    Raises UNKNOWN_INFLUENCER or UNKNOWN_CAMPAIGN, with the place in `influencers` or `campaigns`.
    """
    for name, ids, kind, code in (
        ("influencers", influencers, INFLUENCER_KIND, "UNKNOWN_INFLUENCER"),
        ("campaigns", campaigns, CAMPAIGN_KIND, "UNKNOWN_CAMPAIGN"),
    ):
        known = await kind.table.known(ctx, session, ids or ())
        for index, each in enumerate(ids or ()):
            if each not in known:
                raise DomainError(code, f"No {name[:-1]} has the id {each}.", path=(name, index))


async def check_references(ctx: Ctx, session: WriteSession, drafts: Mapping[int, Offered]) -> Mapping[int, DomainError]:
    """The refusals of drafts whose influencer or campaign the tenant does not have. Two statements at most."""
    asked_influencers = {row.influencer_id for row in drafts.values() if row.influencer_id is not None}
    asked_campaigns = {row.campaign_id for row in drafts.values() if row.campaign_id is not None}
    influencers = await INFLUENCER_KIND.table.known(ctx, session, asked_influencers)
    campaigns = await CAMPAIGN_KIND.table.known(ctx, session, asked_campaigns)
    refusals: dict[int, DomainError] = {}
    for index, row in drafts.items():
        if row.influencer_id is not None and row.influencer_id not in influencers:
            refusals[index] = DomainError(
                "UNKNOWN_INFLUENCER", "No influencer has this id. Create them first.", path=("influencerId",)
            )
        elif row.campaign_id is not None and row.campaign_id not in campaigns:
            refusals[index] = DomainError(
                "UNKNOWN_CAMPAIGN", "No campaign has this id. Create it first.", path=("campaignId",)
            )
    return refusals
