"""Fraud: the tenant's rules, what they found, and its review."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from app.analytics.query import Direction
from app.commissions.queries import COMMISSIONS
from app.core.context import Scope
from app.core.words import FraudHitState, FraudRule
from app.db.keyset import Condition
from app.fraud import inputs as plain
from app.fraud.queries import FRAUD_HITS
from app.fraud.rules import RULES, FraudRulesChange
from app.influencers.queries import INFLUENCERS
from app.orders.queries import ORDERS
from app.usecases.review_fraud import review_fraud
from app.usecases.set_fraud_rules import set_fraud_rules
from graphql_schema.commissions import Commission
from graphql_schema.context import Info
from graphql_schema.families import one_row, shows
from graphql_schema.filters import IdFilter, TimeFilter, any_of, on, ordering
from graphql_schema.influencers import Influencer
from graphql_schema.lists import root_list
from graphql_schema.node import Node
from graphql_schema.orders import Order
from graphql_schema.permissions import requires
from graphql_schema.rows import Read, of_row
from graphql_schema.writes import IDEMPOTENCY_KEY, ItemResult, Payload, batch, given, own_id, present

_VELOCITY = "More than so many orders of one influencer within `velocityHours` are suspicious"
_SHARE = "A greater share than this of an influencer's orders of the last `refundDays` having a refund is suspicious"
_DUPLICATES = "Whether an influencer is suspicious who has the e-mail address, customer or payout account of another."
_DOMAINS = "Domains of buyers' e-mail addresses that are suspicious, with their subdomains"
_OWN = (
    "Whether an order is suspicious that the influencer seems to have placed: its visitor was seen as the influencer's "
    "own customer, or its customer has the influencer's name, or the payout account holder's."
)


@strawberry.type(description="By which rules new commissions are held until somebody reviewed them. None, at first.")
class FraudRules:
    """The tenant's rules of fraud."""

    velocity_orders: int | None = strawberry.field(description=f"{_VELOCITY}; null: however many.")
    velocity_hours: int = strawberry.field(description="Hours up to an order in which they are counted.")
    refund_share: Decimal | None = strawberry.field(description=f"{_SHARE}; null: however great.")
    refund_orders_min: int = strawberry.field(description="Of fewer orders the share tells nothing.")
    refund_days: int = strawberry.field(description="Days up to now of which orders are looked at, the newest 1,000.")
    duplicate_accounts: bool = strawberry.field(description=_DUPLICATES)
    suspicious_domains: list[str] = strawberry.field(description=f"{_DOMAINS}.")
    own_purchases: bool = strawberry.field(description=_OWN)


async def _rules(info: Info) -> FraudRules:
    ctx = info.context.ctx
    async with info.context.runtime.db.read(ctx.tenant_id) as session:
        rules = await RULES.load(ctx, session)
    return FraudRules(
        velocity_orders=rules.velocity_orders,
        velocity_hours=rules.velocity_hours,
        refund_share=rules.refund_share,
        refund_orders_min=rules.refund_orders_min,
        refund_days=rules.refund_days,
        duplicate_accounts=rules.duplicate_accounts,
        suspicious_domains=list(rules.suspicious_domains),
        own_purchases=rules.own_purchases,
    )


@strawberry.input(
    description="What changes of the tenant's rules of fraud. What was earned before is not looked at again."
)
class SetFraudRulesInput:
    """What changes of the tenant's rules."""

    velocity_orders: int | None = strawberry.field(
        default=strawberry.UNSET, description=f"{_VELOCITY}, 1 to 10,000; null: however many."
    )
    velocity_hours: int | None = strawberry.field(
        default=strawberry.UNSET, description="1 to 8,760; 24 when never given. Cannot be null."
    )
    refund_share: Decimal | None = strawberry.field(
        default=strawberry.UNSET, description=f"{_SHARE}, at least 0 and less than 1; null: however great."
    )
    refund_orders_min: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="Of fewer orders the share tells nothing: 1 to 1,000; 10 when never given. Cannot be null.",
    )
    refund_days: int | None = strawberry.field(
        default=strawberry.UNSET, description="1 to 730; 90 when never given. Cannot be null."
    )
    duplicate_accounts: bool | None = strawberry.field(
        default=strawberry.UNSET, description=f"{_DUPLICATES} Cannot be null."
    )
    suspicious_domains: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description=f"{_DOMAINS}: all of them, at most 1,000. Cannot be null."
    )
    own_purchases: bool | None = strawberry.field(default=strawberry.UNSET, description=f"{_OWN} Cannot be null.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)

    def value(self) -> FraudRulesChange:
        """The change as the use case takes it."""
        values = given(self, "idempotency_key")
        if values.get("suspicious_domains") is not None and "suspicious_domains" in values:
            values["suspicious_domains"] = tuple(values["suspicious_domains"])
        return FraudRulesChange(**values)


@strawberry.type(description="What became of a change of rules.")
class FraudRulesResult(ItemResult):
    """What became of a change of rules."""

    @strawberry.field(description="The rules as they are now.")
    async def rules(self, info: Info) -> FraudRules:
        """The rules as they are now."""
        return await _rules(info)


@strawberry.type(description="What became of a change of rules.")
class SetFraudRulesPayload(Payload[FraudRulesResult]):
    """What became of a change of rules."""


@strawberry.type(description="Something that was found, or the rule's limit as it was then.")
class FraudEvidence:
    """Something that was found."""

    name: str = strawberry.field(description="What it is, such as `ordersMax`, `refunded`, `by`, `influencerId`.")
    value: str = strawberry.field(description="A number, an id, or a word.")


def _evidence(found: Sequence[Mapping[str, Any]]) -> list[list[FraudEvidence]]:
    return [[FraudEvidence(name=name, value=str(value)) for name, value in sorted(each.items())] for each in found]


@shows(FRAUD_HITS, Scope.MONEY_READ)
@strawberry.type(description="A rule of fraud that a new commission ran into; it is held until its hits are closed.")
class FraudHit(Node):
    """A hit of a rule of fraud."""

    rule: FraudRule = strawberry.field(description="Which rule.")
    state: FraudHitState = strawberry.field(description="Where it stands.")
    evidence: list[FraudEvidence] = strawberry.field(
        description="What was found, by name: never an e-mail address, a name or an account."
    )
    found_at: datetime = strawberry.field(description="When it was found.")
    reviewed_at: datetime | None = strawberry.field(description="When it was reviewed.")
    reviewed_by: strawberry.ID | None = strawberry.field(description="Id of the key that reviewed it.")
    review_reason: str | None = strawberry.field(description="Why it was decided so.")
    commission_id: strawberry.Private[Any]
    order_id: strawberry.Private[Any]
    influencer_id: strawberry.Private[Any]

    of = of_row(evidence=Read(("evidence",), _evidence))

    commission = one_row(Commission, COMMISSIONS, "commission_id", "What is held.")

    order = one_row(Order, ORDERS, "order_id", "Of which order it is.", scope=Scope.ORDERS_READ)

    influencer = one_row(Influencer, INFLUENCERS, "influencer_id", "Who would earn it.")


@strawberry.input(description="Which hits to list. Conditions are combined by AND.")
class FraudHitFilter:
    """Which hits to list."""

    rule: list[FraudRule] | None = strawberry.field(default=strawberry.UNSET, description="Any of these rules.")
    state: list[FraudHitState] | None = strawberry.field(
        default=strawberry.UNSET, description="Any of these states; `[OPEN]` is what waits for review."
    )
    influencer: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Who would earn.")
    order: IdFilter | None = strawberry.field(default=strawberry.UNSET, description="Of which order.")
    found: TimeFilter | None = strawberry.field(default=strawberry.UNSET, description="When they were found.")

    def conditions(self) -> list[Condition]:
        """What must hold of each row."""
        return [
            *any_of("rule", self.rule),
            *any_of("state", self.state),
            *on("influencer_id", self.influencer),
            *on("order_id", self.order),
            *on("found_at", self.found),
        ]


FraudHitOrder = ordering("FraudHit", "hits", direction=Direction.DESC, FOUND_AT="When they were found.")


@strawberry.input(description="What somebody found of a hit.")
class FraudReviewInput:
    """What somebody found of a hit."""

    id: strawberry.ID = strawberry.field(description="Of the hit.")
    accept: bool = strawberry.field(
        description="True: the commission is in order, and PENDING again once none of its hits is open. False: what is "
        "left of it is taken back for good, and all its hits are closed."
    )
    reason: str | None = strawberry.field(
        default=strawberry.UNSET, description="Why; needed where it is refused. Kept with the hit and the commission."
    )

    def value(self) -> plain.FraudReview:
        """The review as the use case takes it."""
        return plain.FraudReview(id=own_id(self.id), is_accepted=self.accept, **present(self, "id", "accept"))


@strawberry.input(description="Reviews of hits, at most 1,000 items.")
class ReviewFraudInput:
    """Reviews of hits."""

    reviews: list[FraudReviewInput] = strawberry.field(description="What is decided.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY_KEY)


@strawberry.type(description="What became of one review.")
class FraudReviewResult(ItemResult):
    """What became of one review."""

    hit = one_row(FraudHit, FRAUD_HITS, "row_id", "The hit as it is now; null when rejected.")


@strawberry.type(description="What became of the reviews.")
class ReviewFraudPayload(Payload[FraudReviewResult]):
    """What became of the reviews."""


@strawberry.type
class Query:
    """Fields of this file."""

    fraud_hits = root_list(
        FraudHit,
        FRAUD_HITS,
        where=FraudHitFilter,
        order=FraudHitOrder,
        description="Hits of the rules of fraud, newest first. None to an influencer's key.",
        scope=Scope.MONEY_READ,
    )

    @strawberry.field(description="The tenant's rules of fraud.", extensions=[requires(Scope.MONEY_WRITE)])
    async def fraud_rules(self, info: Info) -> FraudRules:
        """The tenant's rules of fraud."""
        return await _rules(info)


@strawberry.type
class Mutation:
    """Fields of this file."""

    @strawberry.mutation(
        description="Sets by which rules new commissions are held: only what is mentioned.",
        extensions=[requires(Scope.MONEY_WRITE)],
    )
    async def set_fraud_rules(
        self,
        info: Info,
        input: Annotated[
            SetFraudRulesInput, strawberry.argument(description="The rules, and what makes the call safe to repeat.")
        ],
    ) -> SetFraudRulesPayload:
        """Set the tenant's rules."""
        outcomes = await set_fraud_rules(
            info.context.runtime,
            info.context.ctx,
            input.value(),
            idempotency_key=input.idempotency_key or None,
        )
        return SetFraudRulesPayload.of(outcomes, FraudRulesResult)

    review_fraud = batch(
        review_fraud,
        "reviews",
        input=ReviewFraudInput,
        payload=ReviewFraudPayload,
        result=FraudReviewResult,
        description="Decides hits of the rules of fraud: lets their commissions go on, or takes them back.",
        scope=Scope.MONEY_WRITE,
    )


TYPES = (FraudHit,)
