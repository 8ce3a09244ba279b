"""Spend: checked, told apart by the caller's ids, and written set-wise. Rules are pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.core.context import Ctx
from app.core.hashing import content_hash
from app.core.money import checked_amount, checked_currency
from app.core.texts import checked_external_id, checked_instant, checked_optional
from app.db.late import LateAmounts
from app.db.sent import SentRows
from app.db.session import WriteSession
from app.spend.inputs import SpendInput

LATE_SPEND = LateAmounts("spend")


@dataclass(frozen=True, slots=True)
class CheckedSpend:
    """Spend, checked by itself: amount in minor units, time in UTC."""

    external_id: str
    occurred_at: datetime
    campaign_id: UUID
    influencer_id: UUID | None
    currency: str
    amount: int
    note: str | None
    content_hash: bytes


@dataclass(frozen=True, slots=True)
class NewSpend:
    """Spend about to be recorded. base: in the tenant's currency, if a rate is known."""

    id: UUID
    checked: CheckedSpend
    base: int | None


def checked_spend(item: SpendInput, *, latest: datetime) -> CheckedSpend:
    """The spend in minor units, as far as nothing need be looked up. Raises DomainError."""
    external_id = checked_external_id(item.external_id, "externalId")
    occurred_at = checked_instant(item.occurred_at, "occurredAt", latest=latest)
    currency = checked_currency(item.currency)
    amount = checked_amount(item.amount, currency, "amount")
    note = checked_optional(item.note, "note")
    return CheckedSpend(
        external_id=external_id,
        occurred_at=occurred_at,
        campaign_id=item.campaign_id,
        influencer_id=item.influencer_id,
        currency=currency,
        amount=amount,
        note=note,
        content_hash=content_hash([occurred_at, item.campaign_id, item.influencer_id, currency, amount, note]),
    )


SPEND = SentRows("spend")


async def insert_spend(ctx: Ctx, session: WriteSession, spend: Sequence[NewSpend]) -> None:
    """Insert spend, in one statement. A row that another transaction inserted meanwhile has this one run again."""
    if not spend:
        return
    # In order of the ids: two batches with the same ones wait for each other instead of blocking each other.
    rows = sorted(spend, key=lambda row: row.checked.external_id)
    await session.insert_new(
        len(rows),
        """/* spend.insert */
        INSERT INTO spend (tenant_id, id, external_id, occurred_at, campaign_id, influencer_id, currency, amount_minor,
          amount_base_minor, note, content_hash, recorded_at)
        SELECT $1, new.*, $2
        FROM unnest($3::uuid[], $4::text[], $5::timestamptz[], $6::uuid[], $7::uuid[], $8::text[], $9::bigint[],
            $10::bigint[], $11::text[], $12::bytea[])
          AS new (id, external_id, occurred_at, campaign_id, influencer_id, currency, amount_minor, amount_base_minor,
            note, content_hash)
        ON CONFLICT (tenant_id, external_id) DO NOTHING""",
        ctx.tenant_id,
        ctx.now,
        [row.id for row in rows],
        [row.checked.external_id for row in rows],
        [row.checked.occurred_at for row in rows],
        [row.checked.campaign_id for row in rows],
        [row.checked.influencer_id for row in rows],
        [row.checked.currency for row in rows],
        [row.checked.amount for row in rows],
        [row.base for row in rows],
        [row.checked.note for row in rows],
        [row.checked.content_hash for row in rows],
    )
