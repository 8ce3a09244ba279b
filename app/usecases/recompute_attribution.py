"""Judges recorded orders again by the rules of now, a page at a time: first what would change, then, by the mark that
this gave, the posting of differences. One transaction each; that of a preview is undone.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.attribution.judgements import Place, orders_between
from app.core.context import Ctx
from app.core.hashing import content_hash
from app.core.money import from_minor
from app.core.outcomes import ItemOutcome, Outcome
from app.core.paging import decode_cursor, encode_cursor
from app.core.texts import checked_text
from app.core.words import AttributionCause
from app.db.session import WriteSession
from app.errors import DomainError
from app.runtime import Runtime
from app.usecases.door import perform, rehearse
from app.usecases.references import check_known
from app.usecases.rejudging import Rejudged, rejudge

ORDERS_MAX = 500
"""Orders of one page."""


@dataclass(frozen=True, slots=True)
class Recomputation:
    """What is asked: orders placed from start until before end.

    campaign_ids: only those for which a touch of one of them was looked at. first: orders of the page; after: where it
    begins, as the page before told. post: the mark of the preview whose changes are to be posted; None: a preview.
    """

    start: datetime
    end: datetime
    reason: str
    campaign_ids: tuple[UUID, ...] | None = None
    first: int = ORDERS_MAX
    after: str | None = None
    post: str | None = None


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A page. outcomes: of the orders that change, in the order of time. mark: what posts them; None where none do.

    orders: looked at. after: where the next page begins; None: this was the last.
    """

    outcomes: tuple[ItemOutcome, ...]
    is_preview: bool
    mark: str | None
    orders: int
    after: str | None


async def recompute_attribution(
    runtime: Runtime, ctx: Ctx, asked: Recomputation, *, idempotency_key: str | None = None
) -> Recomputed:
    """What changes on the page. Raises BAD_USER_INPUT, INVALID_CURSOR, UNKNOWN_CAMPAIGN, or PREVIEW_OUTDATED.

    Statuses of influencers, campaigns and enrollments count as they were when each order was booked; all else, windows,
    policies, models, codes, identities and touches recorded since, as it is now.
    """
    _check(asked)
    question = ["recomputeAttribution", asked.start, asked.end, asked.campaign_ids]
    after = None
    if asked.after is not None:
        at, order_id = decode_cursor(question, asked.after)
        after = Place(at, order_id)
    async with runtime.db.read(ctx.tenant_id) as session:
        await check_known(ctx, session, campaigns=asked.campaign_ids)
        places = await orders_between(
            ctx,
            session,
            asked.start,
            asked.end,
            campaign_ids=asked.campaign_ids,
            after=after,
            count=asked.first + 1,
        )
    page, more = places[: asked.first], len(places) > asked.first
    next_page = encode_cursor(question, [page[-1].occurred_at, page[-1].id]) if more else None

    async def work(session: WriteSession) -> tuple[ItemOutcome, ...]:
        judged = await rejudge(
            runtime,
            ctx,
            session,
            [place.id for place in page],
            cause=AttributionCause.RECOMPUTED,
            reason=asked.reason,
        )
        outcomes = tuple(_outcome(index, each) for index, each in enumerate(judged))
        if asked.post is not None and asked.post != _mark(question, asked, outcomes):
            raise DomainError(
                "PREVIEW_OUTDATED",
                "What would change is not what the preview showed. Preview this page again, and post by its mark.",
                path=("post",),
            )
        return outcomes

    if asked.post is None:
        outcomes = await rehearse(runtime, ctx, work)
    else:
        outcomes = await perform(
            runtime,
            ctx,
            operation="recomputeAttribution",
            body=asked,
            idempotency_key=idempotency_key,
            work=work,
        )
    mark = _mark(question, asked, outcomes) if outcomes and asked.post is None else None
    return Recomputed(outcomes, asked.post is None, mark, len(page), next_page)


def _check(asked: Recomputation) -> None:
    checked_text(asked.reason, "reason")
    if asked.start >= asked.end:
        raise DomainError("RANGE_INVALID", "`from` must come before `until`.", path=("until",))
    if not 1 <= asked.first <= ORDERS_MAX:
        raise DomainError("BAD_USER_INPUT", f"`first` must be 1 to {ORDERS_MAX}.", path=("first",))


def _outcome(index: int, each: Rejudged) -> ItemOutcome:
    before = each.before
    return ItemOutcome(
        index=index,
        outcome=Outcome.RECORDED,
        id=before.order_id,
        external_id=before.external_id,
        detail={"before": each.former, "after": each.explanation, "differences": _differences(each)},
    )


def _differences(each: Rejudged) -> list[dict[str, Any]]:
    """What each influencer gets or loses by it, by campaign and currency; what stays is left out."""
    sums: dict[tuple[UUID, UUID | None, str], int] = defaultdict(int)
    for row in each.commissions:
        sums[row.terms.influencer_id, row.terms.campaign_id, row.currency] += row.amount.amount
    return [
        {
            "influencerId": str(influencer_id),
            "campaignId": None if campaign_id is None else str(campaign_id),
            "amount": format(from_minor(amount, currency), "f"),
            "currency": currency,
        }
        for (influencer_id, campaign_id, currency), amount in sums.items()
        if amount
    ]


def _mark(question: Sequence[Any], asked: Recomputation, outcomes: Sequence[ItemOutcome]) -> str:
    """What posts a preview: equal for equal changes of the same page."""
    changes = [[outcome.id, outcome.detail] for outcome in outcomes]
    return content_hash([question, asked.after, asked.first, changes]).hex()
