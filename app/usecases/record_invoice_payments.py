"""Records that influencers paid what was invoiced to them. One transaction."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from app import ledger
from app.commissions.inputs import InvoicePaymentInput
from app.core.context import Ctx
from app.core.money import checked_amount, checked_currency, from_minor
from app.core.outcomes import ItemOutcome, Outcome
from app.core.texts import checked_external_id
from app.core.words import LedgerAccount
from app.db.session import WriteSession
from app.errors import DomainError
from app.ledger import Posting
from app.ledger.balances import held
from app.ledger.invoices import known_payments, lock_influencers, payment, payment_id
from app.runtime import Runtime
from app.usecases.door import check_batch, perform
from app.usecases.items import Unread, check_each, in_order, other_content, refused

NAME = "payments"

Checked = tuple[InvoicePaymentInput, int]


async def record_invoice_payments(
    runtime: Runtime,
    ctx: Ctx,
    payments: Sequence[InvoicePaymentInput | Unread],
    *,
    idempotency_key: str | None = None,
) -> tuple[ItemOutcome, ...]:
    """What became of each payment, in the order given. More than what is to be invoiced is refused."""
    check_batch(runtime, payments, name=NAME)
    checked, bad = await check_each(payments, _checked, name=NAME, external_id=lambda item: item.external_id)
    return await perform(
        runtime,
        ctx,
        operation="recordInvoicePayments",
        body=payments,
        idempotency_key=idempotency_key,
        work=partial(_record, ctx, checked, bad),
    )


def _checked(item: InvoicePaymentInput) -> Checked:
    checked_external_id(item.external_id, "externalId")
    amount = checked_amount(item.amount, checked_currency(item.currency), "amount")
    if amount <= 0:
        raise DomainError("INVALID_AMOUNT", "`amount` must be more than 0.", path=("amount",))
    return item, amount


async def _record(
    ctx: Ctx, checked: Mapping[int, Checked], bad: Mapping[int, ItemOutcome], session: WriteSession
) -> tuple[ItemOutcome, ...]:
    outcomes = dict(bad)
    who = {item.influencer_id for item, _ in checked.values()}
    exists = await lock_influencers(ctx, session, who)
    ids = {index: payment_id(ctx, item.external_id) for index, (item, _) in checked.items()}
    known: dict[Any, Any] = await known_payments(ctx, session, ids.values())
    stored = set(known)
    open_: dict[Any, int] = {
        key: accounts[LedgerAccount.INVOICED]
        for key, accounts in (await held(ctx, session, [LedgerAccount.INVOICED], influencer_ids=who)).items()
    }
    postings: list[Posting] = []
    for index, (item, amount) in checked.items():
        content = item.influencer_id, item.currency, amount
        key = item.influencer_id, item.currency
        try:
            if item.influencer_id not in exists:
                raise DomainError("UNKNOWN_INFLUENCER", "No influencer has this id.", path=("influencerId",))
            original = known.get(ids[index])
            if original is not None:
                if original != content:
                    raise other_content("payment", item.external_id, is_stored=ids[index] in stored)
                outcomes[index] = ItemOutcome(index, Outcome.REPLAYED, ids[index], item.external_id)
                continue
            left = open_.get(key, 0)
            if amount > left:
                shown = from_minor(left, item.currency)
                raise DomainError(
                    "INVALID_AMOUNT", f"Only {shown} {item.currency} are to be invoiced.", path=("amount",)
                )
        except DomainError as error:
            outcomes[index] = refused(error, index, name=NAME, external_id=item.external_id)
            continue
        open_[key] = left - amount
        known[ids[index]] = content
        postings.append(payment(ids[index], influencer_id=item.influencer_id, currency=item.currency, amount=amount))
        outcomes[index] = ItemOutcome(index, Outcome.RECORDED, ids[index], item.external_id)
    await ledger.append(ctx, session, postings)
    return in_order(outcomes, len(outcomes))
