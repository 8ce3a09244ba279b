"""Balances and statements of influencers, as they are read."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from app.analytics.query import Direction
from app.core.context import Scope
from app.core.money import from_minor
from app.core.words import LedgerAccount, StatementKind
from app.db.keyset import Condition
from app.influencers.queries import INFLUENCERS
from app.ledger import statements
from app.ledger.queries import BALANCES
from graphql_schema.context import Info
from graphql_schema.families import one_row
from graphql_schema.filters import IdFilter, StringFilter, on, ordering
from graphql_schema.lists import root_list
from graphql_schema.permissions import requires
from graphql_schema.rows import money, of_row
from graphql_schema.scalars import CurrencyCode, required_uuid

if TYPE_CHECKING:
    from graphql_schema.influencers import Influencer

LazyInfluencer = Annotated["Influencer", strawberry.lazy("graphql_schema.influencers")]

LINES_MAX = 1_000
"""Lines of a statement that an answer holds; its CSV has all."""


@strawberry.type(
    description="What an influencer is owed in a currency, at this moment: exactly the sum of the ledger's entries."
)
class Balance:
    """What an influencer is owed in a currency."""

    currency: CurrencyCode = strawberry.field(description="Of all its amounts, in major units.")
    pending: Decimal = strawberry.field(description="Earned, and not approved yet.")
    held: Decimal = strawberry.field(description="Earned, and held back.")
    payable: Decimal = strawberry.field(
        description="Approved, and to be paid out; negative where more was taken back after payouts."
    )
    paying: Decimal = strawberry.field(description="In a payout that is under way.")
    paid: Decimal = strawberry.field(description="Paid out so far, less what came back.")
    invoiced: Decimal = strawberry.field(description="Taken back after payouts, and to be invoiced to them.")
    owed: Decimal = strawberry.field(description="Pending, held, payable and paying, less what is to be invoiced.")
    influencer_id: strawberry.Private[UUID]

    of = of_row(
        pending=money("pending"),
        held=money("held"),
        payable=money("payable"),
        paying=money("paying"),
        paid=money("paid"),
        invoiced=money("invoiced"),
        owed=money("owed"),
    )

    influencer = one_row(LazyInfluencer, INFLUENCERS, "influencer_id", "Who is owed it.")


@strawberry.input(description="Which balances to list. Conditions are combined by AND.")
class BalanceFilter:
    """Which balances to list."""

    influencer: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Of whom.")
    currency: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="In which currencies.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [*on("influencer_id", self.influencer), *on("currency", self.currency)]


BalanceOrder = ordering(
    "Balance",
    "balances",
    direction=Direction.DESC,
    OWED="What is owed, by the number of minor units: of use within one currency.",
    PAYABLE="What is to be paid out, likewise.",
    CURRENCY="Their currency's code.",
)


@strawberry.type(description="One account of a statement. Opening and moved sum to closing.")
class StatementAccount:
    """One account of a statement."""

    account: LedgerAccount = strawberry.field(description="The account.")
    opening: Decimal = strawberry.field(description="What it held when the month began; owed to them is positive.")
    moved: Decimal = strawberry.field(description="What was added in the month.")
    closing: Decimal = strawberry.field(description="What it held when the month ended.")


@strawberry.type(description="What one kind of cause changed of what is owed.")
class StatementMovement:
    """What one kind of cause changed."""

    kind: StatementKind = strawberry.field(description="Why it changed.")
    amount: Decimal = strawberry.field(description="By how much, major units; negative is owed less.")
    postings: int = strawberry.field(description="By how many postings.")


@strawberry.type(description="A posting that changed what is owed.")
class StatementLine:
    """A posting that changed what is owed."""

    posted_at: datetime = strawberry.field(description="When it was posted.")
    posting_id: strawberry.ID = strawberry.field(description="The posting: see `ledgerEntries`.")
    kind: StatementKind = strawberry.field(description="Why it changed.")
    amount: Decimal = strawberry.field(description="By how much, major units; negative is owed less.")
    cause_id: strawberry.ID = strawberry.field(description="Id of what it was posted for.")
    order_external_id: str | None = strawberry.field(description="The order it comes from, where it comes from one.")
    reason: str | None = strawberry.field(
        description="Why, where somebody said; to a key of role influencer of corrections alone."
    )


@strawberry.type(
    description="What an influencer was owed in a currency when a month began, what moved, and what they were owed "
    "when it ended: opening and movements sum to closing."
)
class Statement:
    """A statement of an influencer, month and currency."""

    month: str = strawberry.field(description="The month, such as 2026-03.")
    starts_at: datetime = strawberry.field(description="Where it begins, in the tenant's reporting zone.")
    ends_at: datetime = strawberry.field(description="Where it has ended.")
    currency: CurrencyCode = strawberry.field(description="Of all its amounts, in major units.")
    opening: Decimal = strawberry.field(description="What was owed when the month began.")
    closing: Decimal = strawberry.field(description="What was owed when it ended, or is now.")
    movements: list[StatementMovement] = strawberry.field(description="What changed it, by kind.")
    accounts: list[StatementAccount] = strawberry.field(description="The same account by account.")
    influencer_id: strawberry.Private[UUID]
    whose: strawberry.Private[statements.Statement]

    @staticmethod
    def of(statement: statements.Statement) -> "Statement":
        """The statement as it is shown."""

        def shown(minor: int) -> Decimal:
            return from_minor(minor, statement.currency)

        return Statement(
            month=statement.month.text,
            starts_at=statement.month.start,
            ends_at=statement.month.end,
            currency=CurrencyCode(statement.currency),
            opening=shown(statement.opening),
            closing=shown(statement.closing),
            movements=[
                StatementMovement(kind=each.kind, amount=shown(each.amount), postings=each.postings)
                for each in statement.movements
            ],
            accounts=[
                StatementAccount(
                    account=each.account,
                    opening=shown(each.opening),
                    moved=shown(each.moved),
                    closing=shown(each.closing),
                )
                for each in statement.accounts
            ],
            influencer_id=statement.influencer_id,
            whose=statement,
        )

    influencer = one_row(LazyInfluencer, INFLUENCERS, "influencer_id", "Whose statement it is.")

    @strawberry.field(
        description="The postings behind it, oldest first, at most 1,000: "
        "GET /statements/{influencer}/{month}.csv has all; .pdf prints them."
    )
    async def lines(self, info: Info) -> list[StatementLine]:
        """The postings behind it."""
        ctx = info.context.ctx
        async with info.context.runtime.db.read(ctx.tenant_id) as session:
            found = await statements.lines(
                ctx, session, self.influencer_id, self.whose.month, currency=self.currency, limit=LINES_MAX
            )
        return [
            StatementLine(
                posted_at=line.posted_at,
                posting_id=strawberry.ID(str(line.posting_id)),
                kind=line.kind,
                amount=from_minor(line.amount, self.currency),
                cause_id=strawberry.ID(str(line.cause_id)),
                order_external_id=line.order,
                reason=line.reason,
            )
            for line in found
        ]


@strawberry.type
class Query:
    """Fields of this file."""

    balances = root_list(
        Balance,
        BALANCES,
        where=BalanceFilter,
        order=BalanceOrder,
        show=Balance.of,
        description="What influencers are owed, by currency, most first.",
        scope=Scope.MONEY_READ,
    )

    @strawberry.field(
        description="An influencer's statements of a month of the tenant's reporting zone, one for each currency in "
        "which anything was owed or moved. None of another influencer to an influencer's key.",
        extensions=[requires(Scope.MONEY_READ)],
    )
    async def statements(
        self,
        info: Info,
        influencer: Annotated[strawberry.ID, strawberry.argument(description="Whose statements.")],
        month: Annotated[str, strawberry.argument(description="The month, such as 2026-03.")],
    ) -> list[Statement]:
        """An influencer's statements of a month."""
        ctx = info.context.ctx
        asked, found = required_uuid(influencer, path=("influencer",)), statements.month_of(ctx, month)
        if ctx.principal.influencer_id not in (None, asked):
            return []
        async with info.context.runtime.db.snapshot(ctx.tenant_id) as session:
            return [Statement.of(each) for each in await statements.statements(ctx, session, asked, found)]
