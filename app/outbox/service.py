"""Appends events to the outbox. A topic is declared once, here, with what its payload holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import new_ids
from app.db.session import WriteSession

TOPICS: dict[str, str] = {
    "order.recorded": "An order was recorded and, unless isTest, attributed. externalId, currency, totalMinor, isTest.",
    "order.attributed": "An order was judged again, otherwise than before. externalId, cause, revision.",
    "order.edited": "An order has a new version. externalId, version, totalMinor, isTest.",
    "order.event": "An order was paid or fulfilled. externalId, kind, isTest.",
    "refund.applied": "A refund, cancellation or chargeback was applied. externalId, orderExternalId, kind, isTest.",
    "refund.rejected": "A refund that waited for its order exceeded it. externalId, orderExternalId, code.",
    "adjustment.recorded": "A credit note without an order. externalId, amountMinor, currency.",
    "commission.pending": "A held commission was released. influencerId, from, amountMinor, currency.",
    "commission.held": "A commission was held back. influencerId, from, amountMinor, currency.",
    "commission.approved": "A commission may be paid out. influencerId, from, amountMinor, currency.",
    "commission.paid": "A commission was paid out. influencerId, from, amountMinor, currency.",
    "commission.rejected": "What was left of a commission was refused. influencerId, from, amountMinor, currency.",
    "correction.proposed": "A correction of commissions waits for a second key. influencerId, amountMinor, currency.",
    "correction.posted": "A correction became a commission. influencerId, commissionId, amountMinor, currency.",
    "correction.declined": "A correction was declined. influencerId, amountMinor, currency.",
    "fraud.suspected": "A new commission is held for a rule of fraud. rule, commissionId, influencerId.",
    "fraud.accepted": "Of a hit of a rule of fraud the commission was in order. rule, commissionId, influencerId.",
    "fraud.rejected": "For a hit of a rule of fraud the commission was refused. rule, commissionId, influencerId.",
    "instances.recorded": "Instances of a campaign were recorded: one event a call and campaign. Their number by kind.",
    "engagements.recorded": "Engagement snapshots were recorded: one event a call and influencer. snapshots.",
    "spend.recorded": "Spend on a campaign. externalId, campaignId, amountMinor, currency.",
    "payout_method.changed": "How an influencer is paid was set or changed.",
    "payout_batch.created": "Due balances were reserved for a batch. provider, currency, items, total.",
    "payout_batch.approved": "Another key approved a batch: the worker sends it. items.",
    "payout_batch.cancelled": "A batch was cancelled before it was sent; its balances are payable again. items.",
    "payout_batch.finished": "Everything of a batch is decided. state.",
    "payout_item.succeeded": "An influencer was paid. batchId, influencerId, amount, currency.",
    "payout_item.failed": "An influencer was not paid; the balance is payable again. batchId, influencerId, amount, "
    "currency, code.",
    "payout_item.returned": "A payment came back whole; the balance is payable again. batchId, influencerId, amount, "
    "currency, code.",
    "influencer.changed": "An influencer was created or updated.",
    "campaign.changed": "A campaign was created or updated.",
    "enrollment.changed": "An enrollment was created or updated.",
    "link.changed": "A link was created or updated.",
    "code.changed": "A coupon code was created or updated.",
}
"""topic → what happened, and the payload's fields beside the subject's id."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a subject. payload: ids, amounts and kinds only; never personal data."""

    topic: str
    subject_id: UUID
    payload: dict[str, Any]

    def __post_init__(self) -> None:
        assert self.topic in TOPICS, f"undeclared topic {self.topic}"


async def append(ctx: Ctx, session: WriteSession, events: Sequence[Event]) -> None:
    """Append the events, in order, in one statement."""
    if not events:
        return
    await session.later(
        """/* outbox.append */
        INSERT INTO outbox (tenant_id, id, topic, subject_id, payload, created_at, available_at)
        SELECT $1, event.id, event.topic, event.subject_id, event.payload, $6, $6
        FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::jsonb[]) AS event (id, topic, subject_id, payload)""",
        ctx.tenant_id,
        new_ids(len(events)),
        [event.topic for event in events],
        [event.subject_id for event in events],
        [event.payload for event in events],
        ctx.now,
    )
