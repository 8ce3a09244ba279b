"""What of a batch somebody is to pay by hand."""

from uuid import UUID

from app.core.context import Ctx
from app.core.payout_words import PayoutBatchState
from app.db.session import ReadSession
from app.errors import DomainError
from app.payouts.items import ITEM_COLUMNS, item_of
from app.payouts.machine import Item


async def payable_by_hand(ctx: Ctx, session: ReadSession, batch_id: UUID) -> list[Item] | None:
    """The items of a batch that somebody is to pay now, in the order they were made; None where there is no batch.

    Raises PAYOUT_STATE where it is not approved, or is paid by a provider.
    """
    state = await session.fetchval(
        """/* payout_batches.state */
        SELECT CASE WHEN provider = 'MANUAL' THEN state ELSE provider END
        FROM payout_batches
        WHERE tenant_id = $1 AND id = $2""",
        ctx.tenant_id,
        batch_id,
    )
    if state is None:
        return None
    if state not in (PayoutBatchState.APPROVED, PayoutBatchState.EXECUTING):
        raise DomainError(
            "PAYOUT_STATE", f"Approved batches by hand have a file; this one is {state}.", path=("batch",)
        )
    rows = await session.fetch(
        f"""/* payout_items.by_hand */
        SELECT {ITEM_COLUMNS}
        FROM payout_items AS item
        JOIN payout_batches AS batch ON batch.tenant_id = $1 AND batch.id = item.batch_id
        WHERE item.tenant_id = $1 AND item.batch_id = $2 AND item.state IN ('RESERVED', 'SENDING', 'SENT', 'UNKNOWN')
        ORDER BY item.created_at, item.id""",  # noqa: S608 - a constant list of columns
        ctx.tenant_id,
        batch_id,
    )
    return [item_of(row) for row in rows]
