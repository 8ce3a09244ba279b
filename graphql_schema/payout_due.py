"""What is due before anything is reserved, and the files from which batches are paid by hand."""

import asyncio
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from app.core.context import Scope
from app.core.money import from_minor
from app.core.payout_words import (
    PayoutObstacle,
    PayoutProviderName,
)
from app.influencers.queries import INFLUENCERS
from app.integrations.payouts.manual import FileLine, csv_file, sepa_file
from app.payouts.accounts import accounts_of
from app.payouts.by_hand import payable_by_hand
from app.payouts.due import Due
from app.usecases.payouts_due import due
from graphql_schema.context import Info
from graphql_schema.families import one_row
from graphql_schema.permissions import requires
from graphql_schema.scalars import CurrencyCode, required_uuid
from graphql_schema.words import vocabulary

if TYPE_CHECKING:
    from graphql_schema.influencers import Influencer

LazyInfluencer = Annotated["Influencer", strawberry.lazy("graphql_schema.influencers")]


@strawberry.type(description="A balance that is payable, and how it would be paid now.")
class DuePayout:
    """A balance that is payable, and how it would be paid now."""

    balance_currency: CurrencyCode = strawberry.field(description="Currency of the balance.")
    balance: Decimal = strawberry.field(description="What is approved and not yet in a payout, major units.")
    currency: CurrencyCode | None = strawberry.field(description="The currency in which it would be paid.")
    amount: Decimal | None = strawberry.field(description="What would be paid, major units of currency.")
    rate: Decimal | None = strawberry.field(description="Units of currency for one of balanceCurrency.")
    provider: PayoutProviderName | None = strawberry.field(description="By whom it would be paid.")
    obstacle: PayoutObstacle | None = strawberry.field(description="Why it is not paid now; null: it is.")
    requested_at: datetime | None = strawberry.field(description="When the influencer asked to be paid.")
    influencer_id: strawberry.Private[UUID]

    @staticmethod
    def of(item: Due) -> "DuePayout":
        """The balance as it is shown."""
        balance, method = item.balance, item.method
        return DuePayout(
            balance_currency=CurrencyCode(balance.currency),
            balance=from_minor(balance.amount, balance.currency),
            currency=None if method is None else CurrencyCode(method.currency),
            amount=None if method is None or item.amount is None else from_minor(item.amount, method.currency),
            rate=item.rate,
            provider=None if method is None else method.provider,
            obstacle=item.obstacle,
            requested_at=balance.requested_at,
            influencer_id=balance.influencer_id,
        )

    influencer = one_row(LazyInfluencer, INFLUENCERS, "influencer_id", "Who is owed.")


@strawberry.type(description="What is due by one provider in one currency.")
class DueTotal:
    """What is due by one provider in one currency."""

    provider: PayoutProviderName = strawberry.field(description="By whom it would be paid.")
    currency: CurrencyCode = strawberry.field(description="The currency in which it would be paid.")
    amount: Decimal = strawberry.field(description="What would be paid, major units.")
    count: int = strawberry.field(description="Balances that would be paid.")


@strawberry.type(description="What is due, before anything is reserved.")
class PayoutPreview:
    """What is due, before anything is reserved."""

    due: list[DuePayout] = strawberry.field(description="Balances that are not 0, in order of influencer and currency.")
    totals: list[DueTotal] = strawberry.field(description="What batches made now would pay, of the balances shown.")
    is_truncated: bool = strawberry.field(description="Whether there are more balances than are shown.")


class PayoutFileFormat(StrEnum):
    """Formats of files from which a batch is paid by hand."""

    CSV = "CSV"
    SEPA = "SEPA"


vocabulary(
    PayoutFileFormat,
    "Formats of files from which a batch is paid by hand.",
    CSV="A line each payment: item, name, reference, amount, currency.",
    SEPA="ISO 20022 pain.001.001.03: credit transfers in EUR.",
)


@strawberry.type(description="A file from which a batch is paid by hand.")
class PayoutFile:
    """A file from which a batch is paid by hand."""

    name: str = strawberry.field(description="What to call it.")
    media_type: str = strawberry.field(description="Its media type.")
    content: str = strawberry.field(description="The whole file.")


@strawberry.type
class Query:
    """Fields of this file."""

    @strawberry.field(
        description="What is due and how it would be paid, before anything is reserved.",
        extensions=[requires(Scope.MONEY_READ)],
    )
    async def payout_preview(
        self,
        info: Info,
        influencers: Annotated[
            list[strawberry.ID] | None, strawberry.argument(description="Only of these; null: of all that may be seen.")
        ] = None,
    ) -> PayoutPreview:
        """What is due and how it would be paid."""
        runtime, ctx = info.context.runtime, info.context.ctx
        asked = None if influencers is None else [required_uuid(each, path=("influencers",)) for each in influencers]
        own = ctx.principal.influencer_id
        if own is not None:
            asked = [own] if asked is None or own in asked else []
        limit = runtime.settings.page_items_max
        async with runtime.db.snapshot(ctx.tenant_id) as session:
            found = await due(runtime, ctx, session, influencer_ids=asked, limit=limit + 1)
        shown = found[:limit]
        sums: dict[tuple[PayoutProviderName, str], tuple[int, int]] = {}
        for item in shown:
            if item.obstacle is None and item.method is not None and item.amount is not None:
                amount, count = sums.get((item.method.provider, item.method.currency), (0, 0))
                sums[item.method.provider, item.method.currency] = amount + item.amount, count + 1
        return PayoutPreview(
            due=[DuePayout.of(item) for item in shown],
            totals=[
                DueTotal(
                    provider=provider,
                    currency=CurrencyCode(currency),
                    amount=from_minor(amount, currency),
                    count=count,
                )
                for (provider, currency), (amount, count) in sorted(sums.items())
            ],
            is_truncated=len(found) > limit,
        )

    @strawberry.field(
        description="The file from which a batch is paid by hand; null when there is no such batch. It holds accounts "
        "and names. A batch that is no approved one by hand has none: PAYOUT_STATE.",
        extensions=[requires(Scope.MONEY_WRITE)],
    )
    async def payout_file(
        self,
        info: Info,
        batch: Annotated[strawberry.ID, strawberry.argument(description="Which batch.")],
        format: Annotated[PayoutFileFormat, strawberry.argument(description="Which format.")] = PayoutFileFormat.CSV,
    ) -> PayoutFile | None:
        """The file from which a batch is paid by hand."""
        runtime, ctx = info.context.runtime, info.context.ctx
        batch_id = required_uuid(batch, path=("batch",))
        async with runtime.db.snapshot(ctx.tenant_id) as session:
            found = await payable_by_hand(ctx, session, batch_id)
        if found is None:
            return None
        lines = [FileLine(item.id, item.holder or "", item.reference, item.currency, item.amount) for item in found]
        if format is PayoutFileFormat.SEPA:
            accounts = accounts_of(runtime.settings.payout_accounts, ctx.tenant_id)
            # In a thread: the file is checked against its schema.
            content = await asyncio.to_thread(
                sepa_file,
                accounts.manual,
                batch_id,
                lines,
                execution=ctx.now.date(),
                note=f"Payout {batch_id.hex[:12]}",
            )
            return PayoutFile(name=f"payouts-{batch_id}.xml", media_type="application/xml", content=content.decode())
        return PayoutFile(name=f"payouts-{batch_id}.csv", media_type="text/csv", content=csv_file(lines))
