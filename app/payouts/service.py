"""Payout batches and items as they are written and read back: set-wise, a batch locked before its items."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.core.context import Ctx
from app.core.ids import new_ids, plain
from app.core.words import PayoutBatchState, PayoutItemState, PayoutProviderName
from app.db.session import ReadSession, WriteSession
from app.errors import DomainError
from app.payouts.machine import FINAL, Item, Paid


@dataclass(frozen=True, slots=True)
class Batch:
    """A row of payout_batches."""

    id: UUID
    provider: PayoutProviderName
    currency: str
    state: PayoutBatchState
    note: str | None
    made_by: UUID | None
    approved_by: UUID | None = None
    approved_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """An item's passage. source: who told: `person`, `worker`, or the provider's `webhook` or `answer`."""

    item_id: UUID
    old: PayoutItemState | None
    new: PayoutItemState
    source: str
    reason: str | None = None


_ITEM_COLUMNS = """item.id, item.batch_id, batch.provider, item.influencer_id, item.reference, item.holder, item.state,
          item.currency, item.amount_minor, item.reserved_currency, item.reserved_minor, item.rate, item.call_key,
          item.provider_id, item.provider_batch_id, item.failure_code, item.failure, item.fee_currency,
          item.fee_minor, item.returned_minor, item.attempts, item.next_at, item.sent_at, item.paid_at"""


async def insert_batch(
    ctx: Ctx,
    session: WriteSession,
    batch: Batch,
    items: Sequence[Item],
    *,
    methods: Mapping[UUID, UUID],
    commissions: Mapping[UUID, Sequence[UUID]],
) -> None:
    """Insert a batch, its items and the commissions that they pay: three statements. methods, commissions: by item."""
    await session.execute(
        """/* payout_batches.insert */
        INSERT INTO payout_batches (tenant_id, id, provider, currency, state, note, made_by, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)""",
        ctx.tenant_id,
        batch.id,
        batch.provider,
        batch.currency,
        batch.state,
        batch.note,
        batch.made_by,
        ctx.now,
    )
    await session.execute(
        """/* payout_items.insert */
        INSERT INTO payout_items (tenant_id, id, batch_id, influencer_id, method_id, reference, holder, state, currency,
          amount_minor, reserved_currency, reserved_minor, rate, call_key, created_at, updated_at)
        SELECT $1, new.id, $2, new.influencer_id, new.method_id, new.reference, new.holder, new.state, new.currency,
          new.amount_minor, new.reserved_currency, new.reserved_minor, new.rate, new.call_key, $3, $3
        FROM unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint[],
            $12::text[], $13::bigint[], $14::numeric[], $15::text[])
          AS new (id, influencer_id, method_id, reference, holder, state, currency, amount_minor, reserved_currency,
            reserved_minor, rate, call_key)""",
        ctx.tenant_id,
        batch.id,
        ctx.now,
        [item.id for item in items],
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


async def lock_batches(ctx: Ctx, session: WriteSession, ids: Collection[UUID]) -> dict[UUID, Batch]:
    """Those of the batches that exist, locked in id order until the end of the transaction."""
    rows = await session.fetch(
        """/* payout_batches.lock */
        SELECT id, provider, currency, state, note, made_by, approved_by, approved_at, finished_at
        FROM payout_batches
        WHERE tenant_id = $1 AND id = ANY($2::uuid[])
        ORDER BY id
        FOR NO KEY UPDATE""",
        ctx.tenant_id,
        list(ids),
    )
    return {batch.id: batch for batch in map(_batch, rows)}


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
        SELECT {_ITEM_COLUMNS}
        FROM payout_items AS item
        JOIN payout_batches AS batch ON batch.tenant_id = $1 AND batch.id = item.batch_id
        WHERE item.tenant_id = $1 AND item.id = ANY($2::uuid[])
        ORDER BY item.id
        FOR NO KEY UPDATE OF item""",  # noqa: S608 - a constant list of columns
        ctx.tenant_id,
        list(ids),
    )
    return {item.id: item for item in map(_item, found)}


async def lock_items_of(ctx: Ctx, session: WriteSession, batch_id: UUID) -> list[Item]:
    """The items of a batch that is locked, locked too, in order of id."""
    rows = await session.fetch(
        f"""/* payout_items.lock_batch */
        SELECT {_ITEM_COLUMNS}
        FROM payout_items AS item
        JOIN payout_batches AS batch ON batch.tenant_id = $1 AND batch.id = item.batch_id
        WHERE item.tenant_id = $1 AND item.batch_id = $2
        ORDER BY item.id
        FOR NO KEY UPDATE OF item""",  # noqa: S608 - a constant list of columns
        ctx.tenant_id,
        batch_id,
    )
    return [_item(row) for row in rows]


async def waiting_providers(
    ctx: Ctx, session: ReadSession, providers: Collection[PayoutProviderName]
) -> list[PayoutProviderName]:
    """Those of the providers that have items which are to be looked at now."""
    rows = await session.fetch(
        """/* payout_batches.waiting */
        SELECT DISTINCT batch.provider
        FROM payout_items AS item
        JOIN payout_batches AS batch ON batch.tenant_id = $1 AND batch.id = item.batch_id
        WHERE item.tenant_id = $1 AND item.next_at <= $2 AND batch.provider = ANY($3::text[])
        ORDER BY batch.provider""",
        ctx.tenant_id,
        ctx.now,
        sorted(providers),
    )
    return [PayoutProviderName(row["provider"]) for row in rows]


async def lock_next_batch(ctx: Ctx, session: WriteSession, provider: PayoutProviderName) -> UUID | None:
    """A batch of the provider with an item that is to be looked at now, locked; None when there is none, or others are
    at it."""
    row = await session.fetchrow(
        """/* payout_batches.lock_next */
        SELECT batch.id
        FROM payout_batches AS batch
        WHERE batch.tenant_id = $1 AND batch.provider = $3 AND EXISTS (
          SELECT 1
          FROM payout_items AS item
          WHERE item.tenant_id = $1 AND item.batch_id = batch.id AND item.next_at <= $2
        )
        ORDER BY batch.id
        LIMIT 1
        FOR NO KEY UPDATE OF batch SKIP LOCKED""",
        ctx.tenant_id,
        ctx.now,
        provider,
    )
    return None if row is None else plain(row["id"])


async def lock_next_items(ctx: Ctx, session: WriteSession, batch_id: UUID, *, calls_max: int) -> list[Item]:
    """The items of so many calls of a locked batch that are to be looked at now; calls are never parted."""
    rows = await session.fetch(
        f"""/* payout_items.lock_next */
        SELECT {_ITEM_COLUMNS}
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
    return [_item(row) for row in rows]


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
        SELECT {_ITEM_COLUMNS}
        FROM payout_items AS item
        JOIN payout_batches AS batch ON batch.tenant_id = $1 AND batch.id = item.batch_id
        WHERE item.tenant_id = $1 AND item.batch_id = $2 AND item.state IN ('RESERVED', 'SENDING', 'SENT', 'UNKNOWN')
        ORDER BY item.created_at, item.id""",  # noqa: S608 - a constant list of columns
        ctx.tenant_id,
        batch_id,
    )
    return [_item(row) for row in rows]


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


async def update_batches(ctx: Ctx, session: WriteSession, batches: Sequence[Batch]) -> None:
    """Write what may change of locked batches."""
    if not batches:
        return
    await session.execute(
        """/* payout_batches.update */
        UPDATE payout_batches
        SET state = new.state, approved_by = new.approved_by, approved_at = new.approved_at,
          finished_at = new.finished_at, updated_at = $2
        FROM unnest($3::uuid[], $4::text[], $5::uuid[], $6::timestamptz[], $7::timestamptz[])
          AS new (id, state, approved_by, approved_at, finished_at)
        WHERE payout_batches.tenant_id = $1 AND payout_batches.id = new.id""",
        ctx.tenant_id,
        ctx.now,
        [batch.id for batch in batches],
        [batch.state for batch in batches],
        [batch.approved_by for batch in batches],
        [batch.approved_at for batch in batches],
        [batch.finished_at for batch in batches],
    )


async def states_of(
    ctx: Ctx, session: ReadSession, batch_ids: Collection[UUID]
) -> dict[UUID, dict[PayoutItemState, int]]:
    """How many items of each batch are in which state."""
    rows = await session.fetch(
        """/* payout_items.states */
        SELECT batch_id, state, count(*) AS items
        FROM payout_items
        WHERE tenant_id = $1 AND batch_id = ANY($2::uuid[])
        GROUP BY batch_id, state""",
        ctx.tenant_id,
        list(batch_ids),
    )
    found: dict[UUID, dict[PayoutItemState, int]] = {}
    for row in rows:
        found.setdefault(row["batch_id"], {})[PayoutItemState(row["state"])] = row["items"]
    return found


def state_of(old: PayoutBatchState, items: Mapping[PayoutItemState, int]) -> PayoutBatchState:
    """The state of a batch with items in these states."""
    states = {state for state, count in items.items() if count}
    if states <= {PayoutItemState.CANCELLED}:
        return PayoutBatchState.CANCELLED
    if old is PayoutBatchState.DRAFT or states <= {PayoutItemState.RESERVED, PayoutItemState.CANCELLED}:
        return old
    if not states <= FINAL:
        return PayoutBatchState.EXECUTING
    is_done = not states & {PayoutItemState.FAILED, PayoutItemState.RETURNED}
    return PayoutBatchState.DONE if is_done else PayoutBatchState.PARTLY_FAILED


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


async def items_by_provider_id(ctx: Ctx, session: ReadSession, provider_ids: Collection[str]) -> dict[str, UUID]:
    """Items by their ids at the provider."""
    rows = await session.fetch(
        """/* payout_items.by_provider_id */
        SELECT provider_id, id FROM payout_items WHERE tenant_id = $1 AND provider_id = ANY($2::text[])""",
        ctx.tenant_id,
        list(provider_ids),
    )
    return {row["provider_id"]: plain(row["id"]) for row in rows}


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


def leased(item: Item, now: datetime, lease_s: float) -> Item:
    """The item while a worker is at it: nobody else is before its lease is over."""
    until = now + timedelta(seconds=lease_s)
    if item.state is PayoutItemState.RESERVED:
        return replace(
            item,
            state=PayoutItemState.SENDING,
            attempts=item.attempts + 1,
            sent_at=item.sent_at or now,
            next_at=until,
        )
    state = PayoutItemState.UNKNOWN if item.state is PayoutItemState.SENDING else item.state
    return replace(item, state=state, next_at=until)


def _batch(row: Any) -> Batch:
    return Batch(
        id=plain(row["id"]),
        provider=PayoutProviderName(row["provider"]),
        currency=row["currency"],
        state=PayoutBatchState(row["state"]),
        note=row["note"],
        made_by=row["made_by"],
        approved_by=row["approved_by"],
        approved_at=row["approved_at"],
        finished_at=row["finished_at"],
    )


def _item(row: Any) -> Item:
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
