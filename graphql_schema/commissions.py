"""Commissions and ledger entries, as they are read."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from app.analytics.query import Direction
from app.campaigns.queries import CAMPAIGNS
from app.commissions.plans.queries import APPLIED_VERSIONS, COMMISSION_RATINGS, PLAN_VERSIONS
from app.commissions.queries import COMMISSION_EVENTS, COMMISSION_LINES, COMMISSIONS
from app.core.context import Scope
from app.core.money import from_minor
from app.core.reasons import tells_reason
from app.core.words import CommissionKind, CommissionState, LedgerAccount
from app.db.keyset import Condition
from app.influencers.queries import INFLUENCERS
from app.ledger.queries import LEDGER_ENTRIES
from app.orders.queries import ORDERS, REFUNDS
from app.products.queries import PRODUCTS
from graphql_schema.commission_ratings import CommissionRating, recorded_rating
from graphql_schema.commission_rules import AppliedRule, applied_rules
from graphql_schema.context import Info
from graphql_schema.families import one_row, shows
from graphql_schema.filters import FactOrder, IdFilter, TimeFilter, any_of, on, ordering
from graphql_schema.lists import root_list
from graphql_schema.loaders import ById, Children
from graphql_schema.node import Node
from graphql_schema.rows import money, of_row, plain_decimal
from graphql_schema.scalars import CurrencyCode

if TYPE_CHECKING:
    from graphql_schema.campaigns import Campaign
    from graphql_schema.commission_plans import CommissionPlanVersion
    from graphql_schema.influencers import Influencer
    from graphql_schema.orders import Order
    from graphql_schema.products import Product
    from graphql_schema.refunds import Refund

LazyCampaign = Annotated["Campaign", strawberry.lazy("graphql_schema.campaigns")]
LazyInfluencer = Annotated["Influencer", strawberry.lazy("graphql_schema.influencers")]
LazyOrder = Annotated["Order", strawberry.lazy("graphql_schema.orders")]
LazyPlanVersion = Annotated["CommissionPlanVersion", strawberry.lazy("graphql_schema.commission_plans")]
LazyRefund = Annotated["Refund", strawberry.lazy("graphql_schema.refunds")]
LazyProduct = Annotated["Product", strawberry.lazy("graphql_schema.products")]


_LINES = Children(COMMISSION_LINES, "commission_id", "item.position")
_APPLIED = ById(APPLIED_VERSIONS)
_RATINGS = Children(COMMISSION_RATINGS, "commission_id", "item.id")
_EVENTS = Children(COMMISSION_EVENTS, "commission_id", "item.recorded_at, item.id")


@strawberry.type(description="A commission's passage from one state to the next.")
class CommissionEvent:
    """A commission's passage."""

    from_state: CommissionState | None = strawberry.field(description="The state before; null of the first.")
    to_state: CommissionState = strawberry.field(description="The state after.")
    reason: str | None = strawberry.field(
        description="Why, where somebody said; to a key of role influencer of corrections alone."
    )
    recorded_at: datetime = strawberry.field(description="When.")

    @staticmethod
    def of(info: Info, row: Any, kind: CommissionKind) -> "CommissionEvent":
        """The row as the caller sees it. kind: of the commission."""
        is_told = tells_reason(info.context.ctx.principal, kind, is_first=row["from_state"] is None)
        return CommissionEvent(
            from_state=None if row["from_state"] is None else CommissionState(row["from_state"]),
            to_state=CommissionState(row["to_state"]),
            reason=row["reason"] if is_told else None,
            recorded_at=row["recorded_at"],
        )


@strawberry.type(description="The part of a commission that one order line earned; the parts sum to the commission.")
class CommissionLine:
    """The part of a commission that one order line earned."""

    position: int = strawberry.field(
        description="Number of the order line within its order; -1 for what no line earned, as a bonus."
    )
    amount: Decimal = strawberry.field(description="In the commission's currency, major units; may be negative.")
    rule: str | None = strawberry.field(
        description="Key of the rule that gave it, of the commission's plan version; null without a plan."
    )
    rate: Decimal | None = strawberry.field(
        description="Share of the line after discounts that the rule gave, 0 to 1, six digits; null for amounts."
    )
    product_id: strawberry.Private[strawberry.ID | None]

    @staticmethod
    def of(row: Any, currency: str) -> "CommissionLine":
        """The row as it is shown."""
        return CommissionLine(
            position=row["position"],
            amount=from_minor(row["amount_minor"], currency),
            rule=row["rule"],
            rate=row["rate"],
            product_id=row["product_id"],
        )

    product = one_row(LazyProduct, PRODUCTS, "product_id", "The line's product; null when it has none.")


@shows(COMMISSIONS, Scope.MONEY_READ)
@strawberry.type(
    description="Money earned for a credit, or taken back from it. Rows are never changed, only their state."
)
class Commission(Node):
    """Money earned for a credit, or taken back from it."""

    kind: CommissionKind = strawberry.field(description="Why the row exists.")
    state: CommissionState = strawberry.field(description="Where it is on its way to the influencer.")
    currency: CurrencyCode = strawberry.field(description="Currency of its amounts: the order's.")
    amount: Decimal = strawberry.field(description="What was earned, major units; negative for reversals.")
    basis: Decimal = strawberry.field(description="What the rate was applied to, major units.")
    rate: Decimal | None = strawberry.field(description="Share of the basis, 0 to 1; null where no rate was applied.")
    code: str | None = strawberry.field(description="The coupon code that brought the order, in upper case.")
    lacks_exchange_rate: bool = strawberry.field(
        description="For want of a rate of the order's day some rule of its plan, or all of it, could not be applied "
        "to its credit. Once there is one, the worker applies it and posts the difference."
    )
    occurred_at: datetime = strawberry.field(description="The order's time; a reversal's is its refund's.")
    recorded_at: datetime = strawberry.field(description="When it was booked.")
    influencer_id: strawberry.Private[strawberry.ID]
    campaign_id: strawberry.Private[strawberry.ID | None]
    plan_version_id: strawberry.Private[strawberry.ID | None]
    order_id: strawberry.Private[strawberry.ID | None]
    refund_id: strawberry.Private[strawberry.ID | None]
    row_id: strawberry.Private[strawberry.ID]

    of = of_row(amount=money("amount_minor"), basis=money("basis_minor"), row_id="id")

    influencer = one_row(LazyInfluencer, INFLUENCERS, "influencer_id", "Who earned it.")

    campaign = one_row(LazyCampaign, CAMPAIGNS, "campaign_id", "The campaign whose terms applied; null without one.")

    plan_version = one_row(
        LazyPlanVersion,
        PLAN_VERSIONS,
        "plan_version_id",
        "The version of the plan whose rules gave it; null without a plan, and to a key of role influencer.",
    )

    order = one_row(LazyOrder, ORDERS, "order_id", "The order it was earned by.")

    refund = one_row(LazyRefund, REFUNDS, "refund_id", "The refund that took it back; null unless it is a reversal.")

    @strawberry.field(description="Its parts by order line, in order of position; they sum to the amount.")
    async def lines(self, info: Info) -> list[CommissionLine]:
        """Its parts by order line."""
        rows = await info.context.loaders.get(_LINES).rows_of(self.row_id)
        return [CommissionLine.of(row, self.currency) for row in rows]

    @strawberry.field(
        description="The rules and bonuses of its plan version that gave its lines: also to a key of role influencer, "
        "for its own commissions. Empty without a plan, and for what takes back."
    )
    async def applied_rules(self, info: Info) -> list[AppliedRule]:
        """The rules and bonuses that gave its lines."""
        if self.plan_version_id is None:
            return []
        lines = await info.context.loaders.get(_LINES).rows_of(self.row_id)
        keys = {line["rule"] for line in lines if line["rule"] is not None}
        versions = await info.context.loaders.get(_APPLIED).rows_of(self.plan_version_id) if keys else ()
        return [rule for version in versions for rule in applied_rules(version, keys)]

    @strawberry.field(
        description="How its plan rated its credit, the last time; of a bonus, the credit that it came with. Null "
        "without a plan. Edits are rated by the same counts and limits."
    )
    async def rating(self, info: Info) -> CommissionRating | None:
        """How its plan rated its credit."""
        if self.plan_version_id is None:
            return None
        for row in await info.context.loaders.get(_RATINGS).rows_of(self.row_id):
            for version in await info.context.loaders.get(_APPLIED).rows_of(row["version_id"]):
                return recorded_rating(row, version)
        return None

    @strawberry.field(description="Its passages, oldest first.")
    async def events(self, info: Info) -> list[CommissionEvent]:
        """Its passages."""
        rows = await info.context.loaders.get(_EVENTS).rows_of(self.row_id)
        return [CommissionEvent.of(info, row, self.kind) for row in rows]


@shows(LEDGER_ENTRIES, Scope.MONEY_READ)
@strawberry.type(description="One line of a posting; the lines of a posting sum to zero per currency.")
class LedgerEntry(Node):
    """One line of a posting."""

    posting_id: strawberry.ID = strawberry.field(description="The posting: entries with one id sum to zero.")
    account: LedgerAccount = strawberry.field(description="The account it is posted to.")
    currency: CurrencyCode = strawberry.field(description="Currency of the amount.")
    amount: Decimal = strawberry.field(description="Major units; debits positive, credits negative.")
    cause_kind: str = strawberry.field(
        description="What it was posted for: `commission`; `passage`, of one to another state; or a payout's part."
    )
    cause_id: strawberry.ID = strawberry.field(description="Id of what it was posted for.")
    posted_at: datetime = strawberry.field(description="When it was posted.")
    rate: Decimal | None = strawberry.field(
        description="Units of the posting's other currency for one of this entry's; null where it has one currency."
    )
    influencer_id: strawberry.Private[strawberry.ID | None]

    of = of_row(amount=money("amount_minor"), rate=plain_decimal("rate"))

    influencer = one_row(
        LazyInfluencer, INFLUENCERS, "influencer_id", "Whose balance it moves; null for accounts of the tenant's own."
    )


@strawberry.input(description="Which commissions to list. Conditions are combined by AND.")
class CommissionFilter:
    """Which commissions to list."""

    influencer: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Who earned it.")
    campaign: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="The campaign it came from.")
    order: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="The order it was earned by.")
    state: list[CommissionState] | None = strawberry.field(default=strawberry.UNSET, description="Any of these states.")
    kind: list[CommissionKind] | None = strawberry.field(default=strawberry.UNSET, description="Any of these kinds.")
    occurred: TimeFilter | None = strawberry.field(default=strawberry.UNSET, description="When it was earned.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *on("influencer_id", self.influencer),
            *on("campaign_id", self.campaign),
            *on("order_id", self.order),
            *any_of("state", self.state),
            *any_of("kind", self.kind),
            *on("occurred_at", self.occurred),
        ]


@strawberry.input(description="Which ledger entries to list. Conditions are combined by AND.")
class LedgerEntryFilter:
    """Which ledger entries to list."""

    influencer: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Whose balance it moves.")
    account: list[LedgerAccount] | None = strawberry.field(
        default=strawberry.UNSET, description="Any of these accounts."
    )
    posting: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="The posting it belongs to.")
    cause: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="What it was posted for.")
    posted: TimeFilter | None = strawberry.field(default=strawberry.UNSET, description="When it was posted.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *on("influencer_id", self.influencer),
            *any_of("account", self.account),
            *on("posting_id", self.posting),
            *on("cause_id", self.cause),
            *on("posted_at", self.posted),
        ]


LedgerEntryOrder = ordering(
    "LedgerEntry",
    "ledger entries",
    direction=Direction.DESC,
    POSTED_AT="When they were posted.",
)


@strawberry.type
class Query:
    """Fields of this file."""

    commissions = root_list(
        Commission,
        COMMISSIONS,
        where=CommissionFilter,
        order=FactOrder,
        description="Commissions, newest order first.",
        scope=Scope.MONEY_READ,
    )

    ledger_entries = root_list(
        LedgerEntry,
        LEDGER_ENTRIES,
        where=LedgerEntryFilter,
        order=LedgerEntryOrder,
        description="Ledger entries, newest first.",
        scope=Scope.MONEY_READ,
    )


TYPES = (Commission, LedgerEntry)
