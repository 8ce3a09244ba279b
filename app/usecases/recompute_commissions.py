"""Rates the credits of a range of orders anew: first what would change, then, by the mark that this gave, posting the
differences. One transaction each; that of a preview is undone.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.commissions.plans.rerating import Which, orders_to_rate
from app.core.context import Ctx
from app.core.hashing import content_hash
from app.core.money import from_minor
from app.core.outcomes import ItemOutcome, Outcome
from app.core.texts import checked_text
from app.core.words import CommissionKind
from app.db.session import WriteSession
from app.errors import DomainError
from app.runtime import Runtime
from app.usecases.door import perform, rehearse
from app.usecases.references import check_known
from app.usecases.rerating import Rerated, rerate

OPERATION = "recomputeCommissions"

ORDERS_MAX = 2_000
"""Orders that one call rates: they are counted one after the other, and cannot be parted into pages."""


@dataclass(frozen=True, slots=True)
class Recomputation:
    """What is asked: credits of orders placed from start until before end, of these influencers and campaigns, if any
    are named. post: the mark of the preview whose changes are to be posted; None: a preview."""

    start: datetime
    end: datetime
    reason: str
    influencer_ids: tuple[UUID, ...] | None = None
    campaign_ids: tuple[UUID, ...] | None = None
    post: str | None = None


@dataclass(frozen=True, slots=True)
class Recomputed:
    """outcomes: of the orders that earn otherwise, in the order of time. mark: what posts them; None where none do.

    orders: looked at.
    """

    outcomes: tuple[ItemOutcome, ...]
    is_preview: bool
    mark: str | None
    orders: int


async def recompute_commissions(
    runtime: Runtime, ctx: Ctx, asked: Recomputation, *, idempotency_key: str | None = None
) -> Recomputed:
    """What changes.

    Raises BAD_USER_INPUT, RANGE_INVALID, BATCH_TOO_LARGE, UNKNOWN_INFLUENCER, UNKNOWN_CAMPAIGN, or PREVIEW_OUTDATED.
    """
    checked_text(asked.reason, "reason")
    if asked.start >= asked.end:
        raise DomainError("RANGE_INVALID", "`from` must come before `until`.", path=("until",))
    which = Which(asked.start, asked.end, asked.influencer_ids, asked.campaign_ids)
    looked_at = 0

    async def work(session: WriteSession) -> tuple[ItemOutcome, ...]:
        nonlocal looked_at
        await check_known(ctx, session, influencers=asked.influencer_ids, campaigns=asked.campaign_ids)
        orders = await orders_to_rate(ctx, session, which, count=ORDERS_MAX + 1)
        looked_at = len(orders)
        if looked_at > ORDERS_MAX:
            raise DomainError(
                "BATCH_TOO_LARGE",
                f"More than {ORDERS_MAX} orders are in the range. Name influencers or campaigns, or a shorter range.",
                path=("until",),
            )
        rerated = await rerate(ctx, session, orders, which, reason=asked.reason) if orders else []
        changed = [each for each in rerated if any(row.amount.amount for row in each.commissions)]
        outcomes = tuple(_outcome(index, each) for index, each in enumerate(changed))
        if asked.post is not None and asked.post != _mark(asked, outcomes):
            raise DomainError(
                "PREVIEW_OUTDATED",
                "What would change is not what the preview showed. Preview it again, and post by its mark.",
                path=("post",),
            )
        return outcomes

    if asked.post is None:
        outcomes = await rehearse(runtime, ctx, work)
    else:
        outcomes = await perform(
            runtime, ctx, operation=OPERATION, body=asked, idempotency_key=idempotency_key, work=work
        )
    if outcomes and not looked_at:
        # The answer of a call that is repeated: its orders were looked at then.
        async with runtime.db.read(ctx.tenant_id) as session:
            looked_at = len(await orders_to_rate(ctx, session, which, count=ORDERS_MAX))
    mark = _mark(asked, outcomes) if outcomes and asked.post is None else None
    return Recomputed(outcomes, asked.post is None, mark, looked_at)


def _outcome(index: int, each: Rerated) -> ItemOutcome:
    return ItemOutcome(
        index=index,
        outcome=Outcome.RECORDED,
        id=each.order.id,
        external_id=each.order.external_id,
        detail={"differences": _differences(each)},
    )


def _differences(each: Rerated) -> list[dict[str, Any]]:
    """What each influencer gets or loses by it, by campaign, kind and currency; what stays is left out."""
    sums: dict[tuple[UUID, UUID | None, CommissionKind, str], int] = defaultdict(int)
    for row in each.commissions:
        sums[row.terms.influencer_id, row.terms.campaign_id, row.kind, row.currency] += row.amount.amount
    return [
        {
            "influencerId": str(influencer_id),
            "campaignId": None if campaign_id is None else str(campaign_id),
            "kind": kind.value,
            "amount": format(from_minor(amount, currency), "f"),
            "currency": currency,
        }
        for (influencer_id, campaign_id, kind, currency), amount in sums.items()
        if amount
    ]


def _mark(asked: Recomputation, outcomes: Sequence[ItemOutcome]) -> str:
    """What posts a preview: equal for equal changes of the same range."""
    question = [OPERATION, asked.start, asked.end, asked.influencer_ids, asked.campaign_ids]
    return content_hash([question, [[outcome.id, outcome.detail] for outcome in outcomes]]).hex()
