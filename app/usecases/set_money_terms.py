"""Sets terms of money: the tenant's, and those of campaigns that have their own. One transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any
from uuid import UUID

from app.campaigns.service import CAMPAIGN_KIND
from app.commissions.inputs import MoneyTermsInput
from app.commissions.terms import TERMS, MoneyTerms, load_own, save_own
from app.core.context import Ctx, Scope
from app.core.money import checked_amount
from app.core.outcomes import ItemOutcome, Outcome
from app.core.unset import UNSET, given
from app.db.session import WriteSession
from app.errors import DomainError
from app.runtime import Runtime
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, in_order, refused

NAME = "terms"
HOLD_DAYS_MAX = 730
OWN = ("approval", "earned_when", "hold_days")
"""What a campaign may have of its own."""


async def set_money_terms(
    runtime: Runtime, ctx: Ctx, terms: Sequence[MoneyTermsInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each, in the order given; its id is the campaign's, or the tenant's."""
    check_batch(runtime, terms, name=NAME)
    checked, bad = await check_each(terms, partial(_checked, ctx), name=NAME, external_id=lambda _: None)
    return await perform(
        runtime,
        ctx,
        operation="setMoneyTerms",
        body=terms,
        idempotency_key=idempotency_key,
        work=partial(_set, ctx, checked, bad),
    )


def _checked(ctx: Ctx, item: MoneyTermsInput) -> MoneyTermsInput:
    if isinstance(item.hold_days, int) and not 0 <= item.hold_days <= HOLD_DAYS_MAX:
        raise DomainError(
            "BAD_USER_INPUT", f"`holdDays` is {item.hold_days}; it must be 0 to {HOLD_DAYS_MAX}.", path=("holdDays",)
        )
    if item.adjustment_limit is not UNSET:
        # Who may correct does not say from where on somebody else has to look.
        ctx.require(Scope.OPERATE)
    if item.campaign_id is None:
        given(item, "campaign_id", "adjustment_limit", required=("approval", "earned_when", "hold_days", "clawback"))
        _limit(ctx, item)
    elif item.clawback is not UNSET or item.adjustment_limit is not UNSET:
        raise DomainError(
            "BAD_USER_INPUT", "`clawback` and `adjustmentLimit` are the tenant's alone.", path=("campaignId",)
        )
    return item


def _limit(ctx: Ctx, item: MoneyTermsInput) -> int | None:
    if item.adjustment_limit is None or item.adjustment_limit is UNSET:
        return None
    limit = checked_amount(item.adjustment_limit, ctx.tenant.currency, "adjustmentLimit")
    if limit < 0:
        raise DomainError("INVALID_AMOUNT", "`adjustmentLimit` is negative.", path=("adjustmentLimit",))
    return limit


async def _set(
    ctx: Ctx, checked: Mapping[int, MoneyTermsInput], bad: Mapping[int, ItemOutcome], session: WriteSession
) -> tuple[ItemOutcome, ...]:
    outcomes = dict(bad)
    asked = {item.campaign_id for item in checked.values() if item.campaign_id is not None}
    known = await CAMPAIGN_KIND.table.known(ctx, session, asked)
    stored = await TERMS.lock(ctx, session)
    own: dict[UUID, dict[str, Any]] = await load_own(ctx, session, asked)
    terms, changed = stored, set[UUID]()
    for index, item in checked.items():
        campaign_id = item.campaign_id
        if campaign_id is None:
            after = _applied(ctx, terms, item)
            is_new, terms = after != terms, after
        elif campaign_id in known:
            before = own.get(campaign_id, dict.fromkeys(OWN))
            own[campaign_id] = before | given(item, "campaign_id", "clawback", "adjustment_limit")
            is_new = own[campaign_id] != before
            changed |= {campaign_id} if is_new else set()
        else:
            error = DomainError("UNKNOWN_CAMPAIGN", "No campaign has this id.", path=("campaignId",))
            outcomes[index] = refused(error, index, name=NAME, external_id=None)
            continue
        outcome = Outcome.RECORDED if is_new else Outcome.REPLAYED
        outcomes[index] = ItemOutcome(index=index, outcome=outcome, id=campaign_id or ctx.tenant_id)
    if terms != stored:
        await TERMS.save(ctx, session, terms)
    await save_own(ctx, session, {campaign_id: own[campaign_id] for campaign_id in changed})
    return in_order(outcomes, len(outcomes))


def _applied(ctx: Ctx, terms: MoneyTerms, item: MoneyTermsInput) -> MoneyTerms:
    values = given(item, "campaign_id", "adjustment_limit")
    if item.adjustment_limit is not UNSET:
        values["adjustment_limit_minor"] = _limit(ctx, item)
    assert values.keys() <= asdict(terms).keys()
    return replace(terms, **values)
