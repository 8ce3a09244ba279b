"""What is kept beside batches: messages of providers that were taken, and influencers' wishes to be paid."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import plain
from app.core.payout_words import PayoutProviderName
from app.db.session import ReadSession, WriteSession


async def take_message(
    ctx: Ctx, session: WriteSession, provider: PayoutProviderName, message_id: str, kind: str
) -> bool:
    """Whether the provider's message is new; it is known from now on."""
    tag = await session.execute(
        """/* payout_messages.take */
        INSERT INTO payout_messages (tenant_id, provider, message_id, kind, received_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (tenant_id, provider, message_id) DO NOTHING""",
        ctx.tenant_id,
        provider,
        message_id,
        kind,
        ctx.now,
    )
    return tag == "INSERT 0 1"


async def forget_messages(session: WriteSession, *, before: datetime, rows_max: int) -> int:
    """How many of the tenant's messages from before the time were deleted: at most rows_max."""
    tag = await session.execute(
        """/* payout_messages.forget */
        DELETE FROM payout_messages
        WHERE tenant_id = $1 AND (provider, message_id) IN (
          SELECT old.provider, old.message_id
          FROM payout_messages AS old
          WHERE old.tenant_id = $1 AND old.received_at < $2
          ORDER BY old.received_at
          LIMIT $3
        )""",
        session.tenant_id,
        before,
        rows_max,
    )
    return int(tag.rpartition(" ")[2])


async def forget_requests(ctx: Ctx, session: WriteSession, whose: Collection[tuple[UUID, str]]) -> None:
    """Delete the wishes of influencers for these currencies: a batch holds them."""
    await session.execute(
        """/* payout_requests.forget */
        DELETE FROM payout_requests
        WHERE tenant_id = $1 AND (influencer_id, currency) IN (
          SELECT met.influencer_id, met.currency FROM unnest($2::uuid[], $3::text[]) AS met (influencer_id, currency)
        )""",
        ctx.tenant_id,
        [influencer_id for influencer_id, _ in whose],
        [currency for _, currency in whose],
    )


async def insert_request(ctx: Ctx, session: WriteSession, influencer_id: UUID, currency: str) -> bool:
    """Whether the wish is new."""
    tag = await session.execute(
        """/* payout_requests.insert */
        INSERT INTO payout_requests (tenant_id, influencer_id, currency, requested_at)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (tenant_id, influencer_id, currency) DO NOTHING""",
        ctx.tenant_id,
        influencer_id,
        currency,
        ctx.now,
    )
    return tag == "INSERT 0 1"


async def countries(ctx: Ctx, session: ReadSession, influencer_ids: Collection[UUID]) -> dict[UUID, str | None]:
    """Where influencers live."""
    rows = await session.fetch(
        "/* payouts.countries */ SELECT id, country FROM influencers WHERE tenant_id = $1 AND id = ANY($2::uuid[])",
        ctx.tenant_id,
        list(influencer_ids),
    )
    return {plain(row["id"]): row["country"] for row in rows}
