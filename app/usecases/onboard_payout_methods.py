"""Gives pages where influencers tell a provider their data, and keeps what they are known by from then on."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from uuid import UUID

from app.core.context import Ctx
from app.core.outcomes import ItemOutcome, Outcome
from app.core.payout_words import PayoutProviderName
from app.core.texts import checked_url
from app.db.session import WriteSession
from app.errors import DomainError, OutsideError
from app.payouts.inputs import PayoutOnboardingInput
from app.payouts.methods import METHOD_KIND, MethodRow
from app.payouts.notes import countries
from app.payouts.port import Onboarding, OnboardingAsked, PayoutProvider
from app.runtime import Runtime
from app.usecases.door import check_batch, perform
from app.usecases.items import in_order, refused

NAME = "payoutMethods"
Open = Callable[[PayoutProviderName], AbstractAsyncContextManager[PayoutProvider]]


async def onboard_payout_methods(
    runtime: Runtime, ctx: Ctx, items: Sequence[PayoutOnboardingInput], *, open_provider: Open
) -> tuple[tuple[ItemOutcome, ...], dict[int, Onboarding]]:
    """What became of each item, in the order given, and the pages by index. Asked again, it is another page of the same
    account. The pages themselves are kept nowhere.

    Refused with NOT_FOUND, NOT_SUPPORTED where the provider has no such page, SERVICE_UNAVAILABLE where it does not
    answer.
    """
    check_batch(runtime, items, name=NAME)
    async with runtime.db.read(ctx.tenant_id) as session:
        methods = await METHOD_KIND.table.by_id(ctx, session, {item.id for item in items})
        lands = await countries(ctx, session, {method.influencer_id for method in methods.values()})
    outcomes: dict[int, ItemOutcome] = {}
    pages: dict[int, Onboarding] = {}
    for index, item in enumerate(items):
        try:
            method = methods.get(item.id)
            if method is None:
                raise DomainError("NOT_FOUND", "There is no such method. Use an id that the API gave.", path=("id",))
            pages[index] = await _page(item, method, lands.get(method.influencer_id), open_provider)
        except DomainError as error:
            outcomes[index] = refused(error, index, name=NAME, external_id=None)
        except OutsideError as error:
            away = DomainError("SERVICE_UNAVAILABLE", error.message)
            outcomes[index] = refused(away, index, name=NAME, external_id=None)

    async def work(session: WriteSession) -> tuple[ItemOutcome, ...]:
        return await _keep(ctx, session, items, methods, pages, outcomes)

    return await perform(runtime, ctx, operation="onboardPayoutMethods", body=[], work=work), pages


async def _page(item: PayoutOnboardingInput, method: MethodRow, country: str | None, open_provider: Open) -> Onboarding:
    asked = OnboardingAsked(
        f"onboard-{method.id.hex}",
        method.reference,
        country,
        checked_url(item.return_url, "returnUrl"),
        checked_url(item.refresh_url, "refreshUrl"),
    )
    async with open_provider(method.provider) as provider:
        return await provider.onboarding_link(asked)


async def _keep(
    ctx: Ctx,
    session: WriteSession,
    items: Sequence[PayoutOnboardingInput],
    before: Mapping[UUID, MethodRow],
    pages: Mapping[int, Onboarding],
    refusals: Mapping[int, ItemOutcome],
) -> tuple[ItemOutcome, ...]:
    outcomes = dict(refusals)
    locked = await METHOD_KIND.table.lock(ctx, session, {items[index].id for index in pages})
    changed: dict[UUID, MethodRow] = {}
    for index, page in pages.items():
        row = locked[items[index].id]
        outcomes[index] = ItemOutcome(index, Outcome.RECORDED, row.id)
        # What somebody set meanwhile stays.
        if row.reference is None and row.provider is before[row.id].provider:
            changed[row.id] = replace(row, reference=page.reference, updated_at=ctx.now)
    await METHOD_KIND.table.update(ctx, session, list(changed.values()))
    return in_order(outcomes, len(items))
