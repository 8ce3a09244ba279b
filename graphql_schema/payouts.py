"""Payouts as they are read: methods and policies, what is due, batches with their items, and files for a bank."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from app.core.context import Scope
from app.core.money import from_minor
from app.core.words import (
    PayoutBatchState,
    PayoutItemState,
    PayoutMethodStatus,
    PayoutObstacle,
    PayoutProviderName,
    PayoutSchedule,
    TaxState,
)
from app.db.keyset import Condition
from app.influencers.queries import INFLUENCERS
from app.integrations.payouts.manual import FileLine, csv_file, sepa_file
from app.payouts.accounts import accounts_of
from app.payouts.due import Due
from app.payouts.queries import PAYOUT_BATCHES, PAYOUT_EVENTS, PAYOUT_ITEMS, PAYOUT_METHODS, PAYOUT_POLICIES
from app.payouts.service import payable_by_hand
from app.usecases.payouts_due import due
from graphql_schema.context import Info
from graphql_schema.families import one_row, shows
from graphql_schema.filters import IdFilter, StringFilter, TimeFilter, any_of, on, ordering
from graphql_schema.lists import OLDEST, child_list, each, nested_list, root_list
from graphql_schema.loaders import Children
from graphql_schema.node import Node
from graphql_schema.permissions import requires
from graphql_schema.rows import Read, money, of_row
from graphql_schema.scalars import CurrencyCode, required_uuid

if TYPE_CHECKING:
    from graphql_schema.influencers import Influencer

LazyInfluencer = Annotated["Influencer", strawberry.lazy("graphql_schema.influencers")]
LazyItem = Annotated["PayoutItem", strawberry.lazy("graphql_schema.payouts")]
LazyBatch = Annotated["PayoutBatch", strawberry.lazy("graphql_schema.payouts")]
LazyMethod = Annotated["PayoutMethod", strawberry.lazy("graphql_schema.payouts")]

_REFERENCE = (
    "What the provider knows the influencer by, shortened to its last four characters: an account, an e-mail address, "
    "an IBAN."
)


def _short(reference: str | None) -> str | None:
    return None if reference is None else f"…{reference[-4:]}"


_SHORTENED = Read(("reference",), lambda rows: [_short(row["reference"]) for row in rows])


@shows(PAYOUT_METHODS, Scope.MONEY_READ)
@strawberry.type(description="How an influencer is paid in a currency.")
class PayoutMethod(Node):
    """How an influencer is paid in a currency."""

    currency: CurrencyCode = strawberry.field(description="The currency in which it pays.")
    provider: PayoutProviderName = strawberry.field(description="By whom.")
    reference: str | None = strawberry.field(description=_REFERENCE)
    holder: str | None = strawberry.field(description="The account holder's name; null: the influencer's.")
    status: PayoutMethodStatus = strawberry.field(description="Whether it is used.")
    is_default: bool = strawberry.field(description="Whether balances in other currencies are converted and paid too.")
    tax_state: TaxState = strawberry.field(description="How far the collection of tax data is.")
    tax_document: str | None = strawberry.field(description="Where the tax data lie, in the caller's words.")
    created_at: datetime = strawberry.field(description="When it was entered.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    influencer_id: strawberry.Private[UUID]

    of = of_row(reference=_SHORTENED)

    influencer = one_row(LazyInfluencer, INFLUENCERS, "influencer_id", "Who is paid.")


@shows(PAYOUT_POLICIES, Scope.MONEY_READ)
@strawberry.type(description="From which balance on a currency is paid out, and when.")
class PayoutPolicy(Node):
    """From which balance on a currency is paid out, and when."""

    currency: CurrencyCode = strawberry.field(description="Currency of the balances.")
    threshold: Decimal = strawberry.field(description="Least balance that is paid out, major units.")
    schedule: PayoutSchedule = strawberry.field(description="How often batches are made.")
    day: int | None = strawberry.field(
        description="Of the week, Monday is 1, or of the month; null for other schedules."
    )
    needs_tax_data: bool = strawberry.field(description="Whether nobody is paid whose tax data are missing.")
    next_at: datetime | None = strawberry.field(description="When the next batches are made; null: by hand.")
    created_at: datetime = strawberry.field(description="When it was entered.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")

    of = of_row(threshold=money("threshold_minor"))


@strawberry.type(description="A payout's passage from one state to the next.")
class PayoutEvent:
    """A payout's passage from one state to the next."""

    from_state: PayoutItemState | None = strawberry.field(description="Where it was; null: it was made.")
    to_state: PayoutItemState = strawberry.field(description="Where it came.")
    source: str = strawberry.field(
        description="What told: `person`, `worker`, `answer:STRIPE` to a call or question, `webhook:STRIPE`."
    )
    reason: str | None = strawberry.field(description="Why, where a reason was told.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")

    of = of_row()


_EVENTS = Children(PAYOUT_EVENTS, "item_id", "item.recorded_at, item.id")


@shows(PAYOUT_ITEMS, Scope.MONEY_READ)
@strawberry.type(description="One influencer's payout: a balance in one currency, paid in its batch's.")
class PayoutItem(Node):
    """One influencer's payout."""

    state: PayoutItemState = strawberry.field(description="Where it is.")
    currency: CurrencyCode = strawberry.field(description="The currency in which it is paid.")
    amount: Decimal = strawberry.field(description="What is paid, major units.")
    reserved_currency: CurrencyCode = strawberry.field(description="Currency of the balance that it pays.")
    reserved: Decimal = strawberry.field(description="The balance that it pays, major units of reservedCurrency.")
    rate: Decimal | None = strawberry.field(
        description="Units of currency for one of reservedCurrency, at which it was converted; null where both are one."
    )
    reference: str | None = strawberry.field(description=_REFERENCE)
    provider_id: str | None = strawberry.field(description="Its id at the provider, once that is known.")
    failure_code: str | None = strawberry.field(description="Why it failed or came back: the provider's code.")
    failure: str | None = strawberry.field(description="Why it failed or came back, in the provider's words.")
    fee_currency: CurrencyCode | None = strawberry.field(description="Currency of the fee.")
    fee: Decimal | None = strawberry.field(description="What the provider charged, major units.")
    returned: Decimal = strawberry.field(description="What came back so far, major units of currency.")
    sent_at: datetime | None = strawberry.field(description="When its first call was about to be made.")
    paid_at: datetime | None = strawberry.field(description="When it was paid: the date it counts on.")
    created_at: datetime = strawberry.field(description="When it was reserved.")
    updated_at: datetime = strawberry.field(description="When it last changed.")
    influencer_id: strawberry.Private[UUID]
    batch_id: strawberry.Private[UUID]
    method_id: strawberry.Private[UUID]
    row_id: strawberry.Private[UUID]

    of = of_row(
        amount=money("amount_minor"),
        reserved=money("reserved_minor", currency="reserved_currency"),
        fee=money("fee_minor", currency="fee_currency"),
        returned=money("returned_minor"),
        reference=_SHORTENED,
        row_id="id",
    )

    influencer = one_row(LazyInfluencer, INFLUENCERS, "influencer_id", "Who is paid.")

    batch = one_row(LazyBatch, PAYOUT_BATCHES, "batch_id", "Its batch; null to the influencer, as it tells of others.")

    method = one_row(LazyMethod, PAYOUT_METHODS, "method_id", "How they are paid.")

    events = child_list(
        PayoutEvent,
        _EVENTS,
        show=each(PayoutEvent.of),
        description="How it came where it is, oldest first. Not shown to influencers.",
    )


@shows(PAYOUT_BATCHES, Scope.MONEY_READ)
@strawberry.type(description="Payouts that are approved and sent together: by one provider, in one currency.")
class PayoutBatch(Node):
    """Payouts that are approved and sent together."""

    provider: PayoutProviderName = strawberry.field(description="By whom.")
    currency: CurrencyCode = strawberry.field(description="The currency in which it pays.")
    state: PayoutBatchState = strawberry.field(description="Where it is.")
    note: str | None = strawberry.field(description="The caller's words for what it is.")
    made_by: strawberry.ID | None = strawberry.field(description="Id of the key that made it; null: the schedule did.")
    approved_by: strawberry.ID | None = strawberry.field(description="Id of the key that approved it.")
    created_at: datetime = strawberry.field(description="When it was made.")
    approved_at: datetime | None = strawberry.field(description="When it was approved.")
    finished_at: datetime | None = strawberry.field(description="When everything in it was decided.")
    total: Decimal = strawberry.field(description="What it pays, major units, but for items that were cancelled.")
    item_count: int = strawberry.field(description="Items in it, but for those that were cancelled.")
    row_id: strawberry.Private[UUID]

    of = of_row(total=money("total_minor"), row_id="id")

    items = nested_list(
        LazyItem, PAYOUT_ITEMS, parent="batch_id", sort=OLDEST, description="Its items, in the order they were made."
    )


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


@strawberry.enum(description="Formats of files from which a batch is paid by hand.")
class PayoutFileFormat(Enum):
    """Formats of files from which a batch is paid by hand."""

    CSV = strawberry.enum_value("CSV", description="A line each payment: item, name, reference, amount, currency.")
    SEPA = strawberry.enum_value("SEPA", description="ISO 20022 pain.001.001.03: credit transfers in EUR.")


@strawberry.type(description="A file from which a batch is paid by hand.")
class PayoutFile:
    """A file from which a batch is paid by hand."""

    name: str = strawberry.field(description="What to call it.")
    media_type: str = strawberry.field(description="Its media type.")
    content: str = strawberry.field(description="The whole file.")


@strawberry.type(description="A page where an influencer gives a provider their data.")
class PayoutOnboarding:
    """A page where an influencer gives a provider their data."""

    url: str = strawberry.field(description="The page; for the influencer alone.")
    reference: str = strawberry.field(description="What the provider knows them by: set it as a method's reference.")
    expires_at: datetime | None = strawberry.field(description="Until when it can be opened; null: not told.")


@strawberry.input(description="Which payout methods to list. Conditions are combined by AND.")
class PayoutMethodFilter:
    """Which payout methods to list."""

    influencer: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Who is paid.")
    currency: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="Their currencies.")
    provider: list[PayoutProviderName] | None = strawberry.field(default=strawberry.UNSET, description="Any of these.")
    status: list[PayoutMethodStatus] | None = strawberry.field(default=strawberry.UNSET, description="Any of these.")
    tax_state: list[TaxState] | None = strawberry.field(default=strawberry.UNSET, description="Any of these.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *on("influencer_id", self.influencer),
            *on("currency", self.currency),
            *any_of("provider", self.provider),
            *any_of("status", self.status),
            *any_of("tax_state", self.tax_state),
        ]


@strawberry.input(description="Which payout policies to list. Conditions are combined by AND.")
class PayoutPolicyFilter:
    """Which payout policies to list."""

    currency: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="Their currencies.")
    schedule: list[PayoutSchedule] | None = strawberry.field(default=strawberry.UNSET, description="Any of these.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [*on("currency", self.currency), *any_of("schedule", self.schedule)]


@strawberry.input(description="Which payout batches to list. Conditions are combined by AND.")
class PayoutBatchFilter:
    """Which payout batches to list."""

    id: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Their ids.")
    provider: list[PayoutProviderName] | None = strawberry.field(default=strawberry.UNSET, description="Any of these.")
    currency: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="Their currencies.")
    state: list[PayoutBatchState] | None = strawberry.field(default=strawberry.UNSET, description="Any of these.")
    created: TimeFilter | None = strawberry.field(default=strawberry.UNSET, description="When they were made.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *on("id", self.id),
            *any_of("provider", self.provider),
            *on("currency", self.currency),
            *any_of("state", self.state),
            *on("created_at", self.created),
        ]


@strawberry.input(description="Which payouts to list. Conditions are combined by AND.")
class PayoutItemFilter:
    """Which payouts to list."""

    influencer: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Who is paid.")
    batch: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Their batches.")
    currency: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="Their currencies.")
    state: list[PayoutItemState] | None = strawberry.field(default=strawberry.UNSET, description="Any of these.")
    created: TimeFilter | None = strawberry.field(default=strawberry.UNSET, description="When they were reserved.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *on("influencer_id", self.influencer),
            *on("batch_id", self.batch),
            *on("currency", self.currency),
            *any_of("state", self.state),
            *on("created_at", self.created),
        ]


PayoutOrder = ordering("Payout", "payout methods, policies, batches and items", CREATED_AT="When they were made.")


@strawberry.type
class Query:
    """Fields of this file."""

    payout_methods = root_list(
        PayoutMethod,
        PAYOUT_METHODS,
        where=PayoutMethodFilter,
        order=PayoutOrder,
        description="Payout methods, oldest first.",
        scope=Scope.MONEY_READ,
    )

    payout_policies = root_list(
        PayoutPolicy,
        PAYOUT_POLICIES,
        where=PayoutPolicyFilter,
        order=PayoutOrder,
        description="Payout policies, oldest first. A currency without one is paid out from any balance on, by hand.",
        scope=Scope.MONEY_READ,
    )

    payout_batches = root_list(
        PayoutBatch,
        PAYOUT_BATCHES,
        where=PayoutBatchFilter,
        order=PayoutOrder,
        description="Payout batches, oldest first.",
        scope=Scope.MONEY_READ,
    )

    payout_items = root_list(
        PayoutItem,
        PAYOUT_ITEMS,
        where=PayoutItemFilter,
        order=PayoutOrder,
        description="Payouts of single influencers, oldest first.",
        scope=Scope.MONEY_READ,
    )

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
            content = sepa_file(
                accounts.manual, batch_id, lines, execution=ctx.now.date(), note=f"Payout {batch_id.hex[:12]}"
            ).decode()
            return PayoutFile(name=f"payouts-{batch_id}.xml", media_type="application/xml", content=content)
        return PayoutFile(name=f"payouts-{batch_id}.csv", media_type="text/csv", content=csv_file(lines))


TYPES = (PayoutMethod, PayoutPolicy, PayoutBatch, PayoutItem)
