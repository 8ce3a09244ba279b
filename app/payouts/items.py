"""Payout items as they are written and read back, set-wise; their events, and the payments made of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import new_ids, plain
from app.core.payout_words import PayoutItemState, PayoutProviderName
from app.db.late import LateAmounts
from app.db.session import ReadSession, WriteSession
from app.payouts.batches import lock_batches
from app.payouts.machine import Item, Paid, has_key

LATE_PAYMENTS = LateAmounts("payout_payments")


@dataclass(frozen=True, slots=True)
class Event:
    """An item's passage. source: who told: `person`, `worker`, or the provider's `webhook` or `answer`."""

    item_id: UUID
    old: PayoutItemState | None
    new: PayoutItemState
    source: str
    reason: str | None = None


ITEM_COLUMNS = """item.id, item.batch_id, batch.provider, item.influencer_id, item.reference, item.holder, item.state,
          item.currency, item.amount_minor, item.reserved_currency, item.reserved_minor, item.rate, item.call_key,
          item.provider_id, item.provider_batch_id, item.failure_code, item.failure, item.fee_currency,
          item.fee_minor, item.returned_minor, item.attempts, item.next_at, item.sent_at, item.paid_at"""


async def insert_items(
    ctx: Ctx,
    session: WriteSession,
    items: Sequence[Item],
    *,
    methods: Mapping[UUID, UUID],
    commissions: Mapping[UUID, Sequence[UUID]],
) -> None:
    """Insert items, and the commissions that they pay. methods, commissions: by item."""
    await session.execute(
        """/* payout_items.insert */
        INSERT INTO payout_items (tenant_id, id, batch_id, influencer_id, method_id, reference, holder, state, currency,
          amount_minor, reserved_currency, reserved_minor, rate, call_key, created_at, updated_at)
        SELECT $1, new.*, $2, $2
        FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[],
            $11::bigint[], $12::text[], $13::bigint[], $14::numeric[], $15::text[])
          AS new (id, batch_id, influencer_id, method_id, reference, holder, state, currency, amount_minor,
            reserved_currency, reserved_minor, rate, call_key)""",
        ctx.tenant_id,
        ctx.now,
        [item.id for item in items],
        [item.batch_id for item in items],
        [item.influencer_id for item in items],
        [methods[item.id] for item in items],
        [item.reference for item in items],
        [item.holder for item in items],
        [item.state for item in items],
        [item.currency for item in items],
        [item.amount for item in items],
        [item.reserved_currency for item in items],
        [item.reserved for item in items],
        [item.rate for item in items],
        [item.call_key for item in items],
    )
    parts = [(item.id, commission_id) for item in items for commission_id in commissions[item.id]]
    if parts:
        await session.execute(
            """/* payout_item_commissions.insert */
            INSERT INTO payout_item_commissions (tenant_id, item_id, commission_id)
            SELECT $1, part.item_id, part.commission_id
            FROM unnest($2::uuid[], $3::uuid[]) AS part (item_id, commission_id)""",
            ctx.tenant_id,
            [item_id for item_id, _ in parts],
            [commission_id for _, commission_id in parts],
        )
    await append_events(ctx, session, [Event(item.id, None, item.state, "person") for item in items])


async def append_events(ctx: Ctx, session: WriteSession, events: Sequence[Event]) -> None:
    """Append the events, in one statement."""
    if not events:
        return
    await session.execute(
        """/* payout_events.insert */
        INSERT INTO payout_events (tenant_id, id, item_id, from_state, to_state, source, reason, recorded_at)
        SELECT $1, event.id, event.item_id, event.from_state, event.to_state, event.source, event.reason, $2
        FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[])
          AS event (id, item_id, from_state, to_state, source, reason)""",
        ctx.tenant_id,
        ctx.now,
        new_ids(len(events)),
        [event.item_id for event in events],
        [event.old for event in events],
        [event.new for event in events],
        [event.source for event in events],
        [event.reason for event in events],
    )


async def append_payments(
    ctx: Ctx, session: WriteSession, payments: Sequence[tuple[Item, Paid]], bases: Sequence[int | None]
) -> None:
    """Append the payments, with their amounts in the tenant's currency, in one statement."""
    if not payments:
        return
    await session.execute(
        """/* payout_payments.insert */
        INSERT INTO payout_payments (tenant_id, id, item_id, kind, influencer_id, currency, amount_minor,
          amount_base_minor, occurred_at, recorded_at)
        SELECT $1, paid.*, $2
        FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::text[], $8::bigint[], $9::bigint[],
            $10::timestamptz[])
          AS paid (id, item_id, kind, influencer_id, currency, amount_minor, amount_base_minor, occurred_at)""",
        ctx.tenant_id,
        ctx.now,
        new_ids(len(payments)),
        [item.id for item, _ in payments],
        [paid.kind for _, paid in payments],
        [item.influencer_id for item, _ in payments],
        [item.currency for item, _ in payments],
        [paid.amount for _, paid in payments],
        list(bases),
        [paid.at for _, paid in payments],
    )


async def lock_items(ctx: Ctx, session: WriteSession, ids: Collection[UUID]) -> dict[UUID, Item]:
    """Those of the items that exist, their batches and they locked until the end of the transaction."""
    rows = await session.fetch(
        """/* payout_items.batches */
        SELECT DISTINCT batch_id FROM payout_items WHERE tenant_id = $1 AND id = ANY($2::uuid[])""",
        ctx.tenant_id,
        list(ids),
    )
    await lock_batches(ctx, session, [row["batch_id"] for row in rows])
    found = await session.fetch(
        f"""/* payout_items.lock */
        SELECT {ITEM_COLUMNS}
        FROM payout_items AS item
        JOIN payout_batches AS batch ON batch.tenant_id = $1 AND batch.id = item.batch_id
        WHERE item.tenant_id = $1 AND item.id = ANY($2::uuid[])
        ORDER BY item.id
        FOR NO KEY UPDATE OF item""",  # noqa: S608 - a constant list of columns
        ctx.tenant_id,
        list(ids),
    )
    return {item.id: item for item in map(item_of, found)}


async def lock_items_of(ctx: Ctx, session: WriteSession, batch_id: UUID) -> list[Item]:
    """The items of a batch that is locked, locked too, in order of id."""
    rows = await session.fetch(
        f"""/* payout_items.lock_batch */
        SELECT {ITEM_COLUMNS}
        FROM payout_items AS item
        JOIN payout_batches AS batch ON batch.tenant_id = $1 AND batch.id = item.batch_id
        WHERE item.tenant_id = $1 AND item.batch_id = $2
        ORDER BY item.id
        FOR NO KEY UPDATE OF item""",  # noqa: S608 - a constant list of columns
        ctx.tenant_id,
        batch_id,
    )
    return [item_of(row) for row in rows]


async def lock_next_items(ctx: Ctx, session: WriteSession, batch_id: UUID, *, calls_max: int) -> list[Item]:
    """The items of so many calls of a locked batch that are to be looked at now; calls are never parted."""
    rows = await session.fetch(
        f"""/* payout_items.lock_next */
        SELECT {ITEM_COLUMNS}
        FROM payout_items AS item
        JOIN payout_batches AS batch ON batch.tenant_id = $1 AND batch.id = item.batch_id
        WHERE item.tenant_id = $1 AND item.batch_id = $2 AND item.next_at <= $3 AND item.call_key IN (
          SELECT waiting.call_key
          FROM payout_items AS waiting
          WHERE waiting.tenant_id = $1 AND waiting.batch_id = $2 AND waiting.next_at <= $3
          GROUP BY waiting.call_key
          ORDER BY min(waiting.next_at), waiting.call_key
          LIMIT $4
        )
        ORDER BY item.id
        FOR NO KEY UPDATE OF item""",  # noqa: S608 - a constant list of columns
        ctx.tenant_id,
        batch_id,
        ctx.now,
        calls_max,
    )
    return [item_of(row) for row in rows]


async def update_items(ctx: Ctx, session: WriteSession, items: Sequence[Item]) -> None:
    """Write what may change of locked items."""
    if not items:
        return
    await session.execute(
        """/* payout_items.update */
        UPDATE payout_items
        SET state = new.state, provider_id = new.provider_id, provider_batch_id = new.provider_batch_id,
          failure_code = new.failure_code, failure = new.failure, fee_currency = new.fee_currency,
          fee_minor = new.fee_minor, returned_minor = new.returned_minor, attempts = new.attempts,
          next_at = new.next_at, sent_at = new.sent_at, paid_at = new.paid_at, updated_at = $2
        FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[],
            $11::bigint[], $12::integer[], $13::timestamptz[], $14::timestamptz[], $15::timestamptz[])
          AS new (id, state, provider_id, provider_batch_id, failure_code, failure, fee_currency, fee_minor,
            returned_minor, attempts, next_at, sent_at, paid_at)
        WHERE payout_items.tenant_id = $1 AND payout_items.id = new.id""",
        ctx.tenant_id,
        ctx.now,
        [item.id for item in items],
        [item.state for item in items],
        [item.provider_id for item in items],
        [item.provider_batch_id for item in items],
        [item.failure_code for item in items],
        [item.failure for item in items],
        [item.fee_currency for item in items],
        [item.fee for item in items],
        [item.returned for item in items],
        [item.attempts for item in items],
        [item.next_at for item in items],
        [item.sent_at for item in items],
        [item.paid_at for item in items],
    )


async def commissions_of(ctx: Ctx, session: ReadSession, item_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """The commissions that items pay, by item, in order of id."""
    rows = await session.fetch(
        """/* payout_item_commissions.of_items */
        SELECT item_id, commission_id
        FROM payout_item_commissions
        WHERE tenant_id = $1 AND item_id = ANY($2::uuid[])
        ORDER BY item_id, commission_id""",
        ctx.tenant_id,
        list(item_ids),
    )
    found: dict[UUID, list[UUID]] = {}
    for row in rows:
        found.setdefault(row["item_id"], []).append(plain(row["commission_id"]))
    return found


async def paid_by_items(ctx: Ctx, session: ReadSession, commission_ids: Collection[UUID]) -> set[UUID]:
    """Those of the commissions that an item pays which succeeded and did not come back whole."""
    if not commission_ids:
        return set()
    rows = await session.fetch(
        """/* payout_item_commissions.paid */
        SELECT DISTINCT part.commission_id
        FROM payout_item_commissions AS part
        JOIN payout_items AS item ON item.tenant_id = $1 AND item.id = part.item_id
        WHERE part.tenant_id = $1 AND part.commission_id = ANY($2::uuid[])
          AND item.state IN ('SUCCEEDED', 'RETURNING')""",
        ctx.tenant_id,
        list(commission_ids),
    )
    return {plain(row["commission_id"]) for row in rows}


async def items_by_provider_id(ctx: Ctx, session: ReadSession, provider_ids: Collection[str]) -> dict[str, UUID]:
    """Items by their ids at the provider."""
    rows = await session.fetch(
        """/* payout_items.by_provider_id */
        SELECT provider_id, id FROM payout_items WHERE tenant_id = $1 AND provider_id = ANY($2::text[])""",
        ctx.tenant_id,
        list(provider_ids),
    )
    return {row["provider_id"]: plain(row["id"]) for row in rows}


def leased(item: Item, now: datetime, lease_s: float) -> Item:
    """The item while a worker is at it: nobody else is before its lease is over.

    SENDING is called; anything else is asked about, also what is RESERVED for a repetition whose key may be forgotten.
    """
    until = now + timedelta(seconds=lease_s)
    if item.state is PayoutItemState.RESERVED and has_key(item, now):
        return replace(
            item,
            state=PayoutItemState.SENDING,
            attempts=item.attempts + 1,
            sent_at=item.sent_at or now,
            next_at=until,
        )
    is_open = item.state in (PayoutItemState.RESERVED, PayoutItemState.SENDING)
    return replace(item, state=PayoutItemState.UNKNOWN if is_open else item.state, next_at=until)


def item_of(row: Any) -> Item:
    """A record of ITEM_COLUMNS as an item."""
    return Item(
        id=plain(row["id"]),
        batch_id=plain(row["batch_id"]),
        provider=PayoutProviderName(row["provider"]),
        influencer_id=plain(row["influencer_id"]),
        reference=row["reference"],
        holder=row["holder"],
        state=PayoutItemState(row["state"]),
        currency=row["currency"],
        amount=row["amount_minor"],
        reserved_currency=row["reserved_currency"],
        reserved=row["reserved_minor"],
        rate=row["rate"],
        call_key=row["call_key"],
        provider_id=row["provider_id"],
        provider_batch_id=row["provider_batch_id"],
        failure_code=row["failure_code"],
        failure=row["failure"],
        fee_currency=row["fee_currency"],
        fee=row["fee_minor"],
        returned=row["returned_minor"],
        attempts=row["attempts"],
        next_at=row["next_at"],
        sent_at=row["sent_at"],
        paid_at=row["paid_at"],
    )
