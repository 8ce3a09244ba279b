"""Makes batches of what is due, and reserves the balances for them. One transaction for all batches of a call."""

from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

from app import ledger, outbox
from app.core.context import Ctx
from app.core.ids import new_id
from app.core.money import checked_currency, from_minor
from app.core.outcomes import ItemOutcome, Outcome
from app.core.payout_words import PayoutBatchState, PayoutItemState, PayoutProviderName
from app.core.texts import checked_optional
from app.db.session import WriteSession
from app.errors import DomainError
from app.payouts.batches import Batch, insert_batch
from app.payouts.due import Due
from app.payouts.inputs import PayoutBatchInput
from app.payouts.items import insert_items
from app.payouts.machine import Item, reserve
from app.payouts.notes import forget_requests
from app.payouts.port import CALL_ITEMS_MAX
from app.runtime import Runtime
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, in_order, refused
from app.usecases.payouts_due import due
from app.usecases.references import check_known

NAME = "payoutBatches"
ITEMS_MAX = 15_000
"""Items of one batch: what PayPal takes in one call. The rest is due for the next."""


async def create_payout_batches(
    runtime: Runtime, ctx: Ctx, batches: Sequence[PayoutBatchInput | Unread], *, idempotency_key: str | None = None
) -> tuple[ItemOutcome, ...]:
    """What became of each batch, in the order given. One of which nothing is due is refused: NOTHING_DUE."""
    check_batch(runtime, batches, name=NAME)
    checked, bad = await check_each(batches, _checked, name=NAME, external_id=lambda item: None)
    return await perform(
        runtime,
        ctx,
        operation="createPayoutBatches",
        body=batches,
        idempotency_key=idempotency_key,
        work=partial(_create, runtime, ctx, checked, bad),
    )


def _checked(item: PayoutBatchInput) -> PayoutBatchInput:
    checked_currency(item.currency)
    checked_optional(item.note, "note")
    return item


async def _create(
    runtime: Runtime,
    ctx: Ctx,
    checked: Mapping[int, PayoutBatchInput],
    bad: Mapping[int, ItemOutcome],
    session: WriteSession,
) -> tuple[ItemOutcome, ...]:
    outcomes = dict(bad)
    asked: set[UUID] | None = set()
    for item in checked.values():
        asked = None if asked is None or item.influencer_ids is None else asked | set(item.influencer_ids)
    open_now = await due(runtime, ctx, session, influencer_ids=asked, locked=True) if checked else []
    taken: set[tuple[UUID, str]] = set()
    for index, item in checked.items():
        try:
            await check_known(ctx, session, influencers=item.influencer_ids)
        except DomainError as unknown:
            outcomes[index] = refused(unknown, index, name=NAME, external_id=None)
            continue
        chosen = [
            each for each in payable(open_now, item) if (each.balance.influencer_id, each.balance.currency) not in taken
        ][:ITEMS_MAX]
        if not chosen:
            error = DomainError(
                "NOTHING_DUE", "Nothing is due by this provider in this currency. `payoutPreview` tells why."
            )
            outcomes[index] = refused(error, index, name=NAME, external_id=None)
            continue
        taken |= {(each.balance.influencer_id, each.balance.currency) for each in chosen}
        batch = await make_batch(
            ctx, session, item.provider, item.currency, chosen, note=item.note, made_by=ctx.principal.key_id
        )
        outcomes[index] = ItemOutcome(index, Outcome.RECORDED, batch.id, detail={"items": len(chosen)})
    return in_order(outcomes, len(outcomes))


def payable(open_now: Sequence[Due], item: PayoutBatchInput) -> list[Due]:
    """What of it goes into a batch like this."""
    return [
        each
        for each in open_now
        if each.obstacle is None
        and each.method is not None
        and each.method.provider is item.provider
        and each.method.currency == item.currency
        and (item.influencer_ids is None or each.balance.influencer_id in item.influencer_ids)
        and (item.balance_currencies is None or each.balance.currency in item.balance_currencies)
    ]


async def make_batch(
    ctx: Ctx,
    session: WriteSession,
    provider: PayoutProviderName,
    currency: str,
    chosen: Sequence[Due],
    *,
    note: str | None,
    made_by: UUID | None,
) -> Batch:
    """The batch of these balances, which are locked and none of them taken: a draft, with everything reserved."""
    batch = Batch(new_id(), provider, currency, PayoutBatchState.DRAFT, note, made_by)
    items: list[Item] = []
    methods: dict[UUID, UUID] = {}
    commissions: dict[UUID, Sequence[UUID]] = {}
    for number, each in enumerate(chosen):
        assert each.method is not None
        assert each.amount is not None
        item = Item(
            id=new_id(),
            batch_id=batch.id,
            provider=provider,
            influencer_id=each.balance.influencer_id,
            reference=each.method.reference,
            holder=each.method.holder or each.balance.name,
            state=PayoutItemState.RESERVED,
            currency=currency,
            amount=each.amount,
            reserved_currency=each.balance.currency,
            reserved=each.balance.amount,
            rate=each.rate,
            # Of the batch and the call's number in it: the same whenever and by whomever the call is made.
            call_key=f"{batch.id.hex}-{number // CALL_ITEMS_MAX[provider]}",
        )
        items.append(item)
        methods[item.id] = each.method.id
        commissions[item.id] = each.balance.commission_ids
    await insert_batch(ctx, session, batch)
    await insert_items(ctx, session, items, methods=methods, commissions=commissions)
    await ledger.append(ctx, session, [reserve(item) for item in items])
    await forget_requests(ctx, session, {(item.influencer_id, item.reserved_currency) for item in items})
    total = sum(item.amount for item in items)
    await outbox.append(
        ctx,
        session,
        [
            outbox.Event(
                "payout_batch.created",
                batch.id,
                {
                    "provider": provider.value,
                    "currency": currency,
                    "items": len(items),
                    "total": format(from_minor(total, currency), "f"),
                },
            )
        ],
    )
    return batch
