"""The sums that measures are made of: each declared once, with the facts it is summed from.

A stored sum is a column of `rollups` and `rollup_delta` of the same name; the others come from facts. Distinct counts
and quantiles cannot be added up.
"""

from dataclasses import dataclass
from enum import StrEnum


class Source(StrEnum):
    """Facts that sums are computed from; how each is read is in analytics/sql/facts."""

    INSTANCES = "instances"
    CREDITS = "credits"
    LINES = "order_lines"
    REFUNDS = "refund_lines"
    ADJUSTMENTS = "adjustments"
    COMMISSIONS = "commissions"
    ORDERS = "orders"
    ENGAGEMENT = "engagement_snapshots"
    SPEND = "spend"
    PAYOUTS = "payout_payments"


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum over facts.

    decimals: how many of its last digits are behind the point (weights are whole 1e-9). is_money: minor units.
    is_stored: rollups have it. is_additive: cells of it add up. not_by: dimensions over whose groups it does not,
    although it is a sum.
    """

    name: str
    sources: tuple[Source, ...]
    decimals: int = 0
    is_money: bool = False
    is_stored: bool = True
    is_additive: bool = True
    not_by: frozenset[str] = frozenset()


_DECLARED = (
    Sum("instances", (Source.INSTANCES,)),
    Sum("clicks", (Source.INSTANCES,)),
    Sum("purchases", (Source.INSTANCES,)),
    Sum("visitors", (Source.INSTANCES,), is_stored=False, is_additive=False),
    # An order with three products stands in three groups.
    Sum("orders_e9", (Source.CREDITS,), decimals=9, not_by=frozenset({"product"})),
    Sum("customers", (Source.CREDITS,), is_stored=False, is_additive=False),
    Sum("new_customers", (Source.CREDITS,), is_stored=False, is_additive=False),
    Sum("units_e9", (Source.LINES,), decimals=9),
    Sum("gross_e9", (Source.LINES,), decimals=9, is_money=True),
    Sum("refunds_e9", (Source.REFUNDS, Source.ADJUSTMENTS), decimals=9, is_money=True),
    Sum("commission_pending", (Source.COMMISSIONS,), is_money=True),
    Sum("commission_held", (Source.COMMISSIONS,), is_money=True),
    Sum("commission_approved", (Source.COMMISSIONS,), is_money=True),
    Sum("commission_paid", (Source.COMMISSIONS,), is_money=True),
    Sum("commission_reversed", (Source.COMMISSIONS,), is_money=True),
    Sum("missing_rates", (Source.LINES, Source.REFUNDS, Source.ADJUSTMENTS, Source.COMMISSIONS)),
    # A quantile of whole orders, and the orders that it was taken from.
    Sum("order_value", (Source.ORDERS,), is_money=True, is_stored=False, is_additive=False),
    Sum("valued_orders", (Source.ORDERS,), is_stored=False, is_additive=False),
    # Growth of the posts' figures, and the snapshots that knew the figure: without any it is unknown, not 0.
    Sum("likes", (Source.ENGAGEMENT,), is_stored=False),
    Sum("likes_known", (Source.ENGAGEMENT,), is_stored=False),
    Sum("comments", (Source.ENGAGEMENT,), is_stored=False),
    Sum("comments_known", (Source.ENGAGEMENT,), is_stored=False),
    Sum("shares", (Source.ENGAGEMENT,), is_stored=False),
    Sum("shares_known", (Source.ENGAGEMENT,), is_stored=False),
    Sum("views", (Source.ENGAGEMENT,), is_stored=False),
    Sum("views_known", (Source.ENGAGEMENT,), is_stored=False),
    Sum("spend", (Source.SPEND,), is_money=True, is_stored=False),
    Sum("missing_spend_rates", (Source.SPEND,), is_stored=False),
    Sum("payouts", (Source.PAYOUTS,), is_money=True, is_stored=False),
    Sum("missing_payout_rates", (Source.PAYOUTS,), is_stored=False),
)

MISSING_RATES = ("missing_rates", "missing_spend_rates", "missing_payout_rates")
"""The sums that count facts without an exchange rate."""

MISSING_OF = {"spend": "missing_spend_rates", "payouts": "missing_payout_rates"}
"""Which of them counts the facts of a sum of money, where it is not the first."""

SUMS: dict[str, Sum] = {declared.name: declared for declared in _DECLARED}
"""Every sum by name."""
