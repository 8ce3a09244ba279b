"""Gives a page where an influencer tells a provider their data, and keeps what they are known by from then on."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from uuid import UUID

from app.core.context import Ctx
from app.core.outcomes import ItemOutcome, Outcome
from app.core.texts import checked_url
from app.core.words import PayoutProviderName
from app.db.session import WriteSession
from app.errors import DomainError
from app.payouts.methods import METHOD_KIND
from app.payouts.port import Onboarding, OnboardingAsked, PayoutProvider
from app.runtime import Runtime
from app.usecases.door import perform

Open = Callable[[PayoutProviderName], AbstractAsyncContextManager[PayoutProvider]]


async def onboard_payout_method(
    runtime: Runtime, ctx: Ctx, method_id: UUID, *, return_url: str, refresh_url: str, open_provider: Open
) -> Onboarding:
    """The page for the method's influencer. Asked again, it is another page of the same account.

    Raises NOT_FOUND, NOT_SUPPORTED where the provider has no such page, OutsideError when it does not answer.
    """
    checked_url(return_url, "returnUrl")
    checked_url(refresh_url, "refreshUrl")
    async with runtime.db.read(ctx.tenant_id) as session:
        method = (await METHOD_KIND.table.by_id(ctx, session, [method_id])).get(method_id)
        if method is None:
            raise DomainError("NOT_FOUND", "There is no such payout method.", path=("methodId",))
        country = await session.fetchval(
            "/* influencers.country */ SELECT country FROM influencers WHERE tenant_id = $1 AND id = $2",
            ctx.tenant_id,
            method.influencer_id,
        )
    asked = OnboardingAsked(f"onboard-{method.id.hex}", method.reference, country, return_url, refresh_url)
    async with open_provider(method.provider) as provider:
        page = await provider.onboarding_link(asked)

    async def keep(session: WriteSession) -> tuple[ItemOutcome, ...]:
        row = (await METHOD_KIND.table.lock(ctx, session, [method_id]))[method_id]
        # What somebody set meanwhile stays.
        if row.reference is None and row.provider is method.provider:
            await METHOD_KIND.table.update(ctx, session, [replace(row, reference=page.reference, updated_at=ctx.now)])
        return (ItemOutcome(0, Outcome.RECORDED, method_id),)

    await perform(runtime, ctx, operation="onboardPayoutMethod", body=[], work=keep)
    return page
