"""Finds what is suspicious in new commissions: pure, by the tenant's rules and what was looked up before.

Each hit names its evidence: what was found, and the rule's limits as they were. Never an address, a name or an account.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.core.words import FraudRule
from app.fraud.rules import FraudRules


@dataclass(frozen=True, slots=True)
class Suspect:
    """A commission about to be written, with what its order tells of who bought."""

    commission_id: UUID
    order_id: UUID
    influencer_id: UUID
    occurred_at: datetime
    customer_id: UUID | None
    visitor_id: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """A rule that a commission ran into, and by what."""

    rule: FraudRule
    suspect: Suspect
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refunded:
    """An influencer's newest orders of the time looked at, and how many of them were refunded."""

    orders: int
    refunded: int


@dataclass(frozen=True, slots=True)
class Known:
    """What was looked up. Only what the rules ask for is filled.

    before: orders recorded earlier in the time before each commission's order, by commission, counted up to the limit.
    twins: what an influencer shares with others, in a fixed order. domains: of customers' addresses. visits: the
    commissions whose order's visitor was seen as the influencer's own customer. buyers: customers' names, payees: the
    influencers' own and their payout accounts' holders'; as `plain_name` makes them.
    """

    before: Mapping[UUID, int] = field(default_factory=dict)
    refunds: Mapping[UUID, Refunded] = field(default_factory=dict)
    twins: Mapping[UUID, Sequence[tuple[str, UUID]]] = field(default_factory=dict)
    domains: Mapping[UUID, str] = field(default_factory=dict)
    visits: frozenset[UUID] = frozenset()
    buyers: Mapping[UUID, str] = field(default_factory=dict)
    payees: Mapping[UUID, frozenset[str]] = field(default_factory=dict)


def plain_name(name: str) -> str:
    """A name as it is compared: without case, blanks and marks."""
    return "".join(character for character in name.casefold() if character.isalnum())


def suspicious(rules: FraudRules, suspects: Sequence[Suspect], known: Known) -> list[Found]:
    """What is suspicious, in the order of the commissions, each rule at most once for each."""
    found: list[Found] = []
    earlier: dict[UUID, dict[UUID, datetime]] = defaultdict(dict)
    for suspect in suspects:
        for rule, evidence in _evidence(rules, suspect, known, earlier[suspect.influencer_id]):
            found.append(Found(rule, suspect, evidence))
        earlier[suspect.influencer_id][suspect.order_id] = suspect.occurred_at
    return found


def _evidence(
    rules: FraudRules, suspect: Suspect, known: Known, earlier: Mapping[UUID, datetime]
) -> Iterable[tuple[FraudRule, dict[str, Any]]]:
    if rules.velocity_orders is not None:
        since = suspect.occurred_at - timedelta(hours=rules.velocity_hours)
        together = sum(
            since < at <= suspect.occurred_at for order_id, at in earlier.items() if order_id != suspect.order_id
        )
        count = known.before.get(suspect.commission_id, 0) + together + 1
        if count > rules.velocity_orders:
            yield (
                FraudRule.VELOCITY,
                # Those recorded before are counted up to the limit.
                {"ordersAtLeast": count, "ordersMax": rules.velocity_orders, "hours": rules.velocity_hours},
            )
    refunds = known.refunds.get(suspect.influencer_id)
    if rules.refund_share is not None and refunds is not None and refunds.orders >= rules.refund_orders_min:
        share = Decimal(refunds.refunded) / refunds.orders
        if share > rules.refund_share:
            yield (
                FraudRule.REFUND_RATE,
                {
                    "orders": refunds.orders,
                    "refunded": refunds.refunded,
                    "shareMax": format(rules.refund_share.normalize(), "f"),
                    "days": rules.refund_days,
                },
            )
    if rules.duplicate_accounts and (twins := known.twins.get(suspect.influencer_id)):
        by, other = twins[0]
        yield FraudRule.DUPLICATE_ACCOUNT, {"by": by, "influencerId": str(other), "accounts": len(twins)}
    domain = None if suspect.customer_id is None else known.domains.get(suspect.customer_id)
    if domain is not None and (listed := _listed(domain, rules.suspicious_domains)) is not None:
        yield FraudRule.SUSPICIOUS_DOMAIN, {"domain": domain, "listed": listed}
    if rules.own_purchases:
        if suspect.commission_id in known.visits:
            yield FraudRule.OWN_PURCHASE, {"by": "VISITOR", "visitorId": suspect.visitor_id}
        elif suspect.customer_id is not None and known.buyers.get(suspect.customer_id) in known.payees.get(
            suspect.influencer_id, frozenset()
        ):
            yield FraudRule.OWN_PURCHASE, {"by": "NAME", "customerId": str(suspect.customer_id)}


def _listed(domain: str, listed: Iterable[str]) -> str | None:
    return next((each for each in listed if domain == each or domain.endswith(f".{each}")), None)
