"""Dimensions: each declared once. API enum, catalog, checks, rollups and SQL follow from the declaration.

Time is no dimension here: every fact has it.
"""

from dataclasses import dataclass
from enum import StrEnum

from app.analytics.semantic.sums import Source


class KeyKind(StrEnum):
    """What a dimension's keys are: ids of an entity, plain texts, or whole numbers."""

    ENTITY = "entity"
    TEXT = "text"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Dimension:
    """Something to group and filter by.

    sources: facts that have it. is_credited: an order has it through its credits, so that orders count by weight.
    is_group, is_filter: it may be grouped by, it may stand in a filter. is_local: it is read off the local clock.
    ignores_case: its keys are kept in upper case, however a filter writes them.
    """

    name: str
    title: str
    description: str
    sources: frozenset[Source]
    kind: KeyKind = KeyKind.TEXT
    is_credited: bool = False
    is_group: bool = True
    is_filter: bool = True
    is_local: bool = False
    ignores_case: bool = False

    @property
    def api_name(self) -> str:
        """Its name in the API's enum."""
        return self.name.upper()


_ORDERS = frozenset({Source.CREDITS, Source.LINES, Source.REFUNDS, Source.ADJUSTMENTS, Source.ORDERS})
_EVERY = _ORDERS | {Source.INSTANCES, Source.COMMISSIONS}

_DECLARED = (
    Dimension(
        "influencer",
        "Influencer",
        "Who promoted; orders by credit. Null: nobody is credited, or the instance named nobody.",
        frozenset(Source),
        kind=KeyKind.ENTITY,
        is_credited=True,
    ),
    Dimension(
        "campaign",
        "Campaign",
        "The promotion; orders by credit. Null: outside any campaign.",
        frozenset(Source) - {Source.PAYOUTS},
        kind=KeyKind.ENTITY,
        is_credited=True,
    ),
    Dimension(
        "product",
        "Product",
        "What was sold. Null: discounts on whole orders, and lines without a product.",
        _ORDERS | {Source.COMMISSIONS},
        kind=KeyKind.ENTITY,
    ),
    Dimension(
        "code",
        "Coupon code",
        "The code by which the touch came, in upper case. Null: it came by no code.",
        _EVERY,
        is_credited=True,
        ignores_case=True,
    ),
    Dimension(
        "platform",
        "Platform",
        "Where the touch happened, or the post is. Null: unknown.",
        _ORDERS | {Source.INSTANCES, Source.ENGAGEMENT},
        is_credited=True,
    ),
    Dimension(
        "channel",
        "Channel",
        "The UTM medium of the touch. Null: unknown.",
        _ORDERS | {Source.INSTANCES},
        is_credited=True,
    ),
    Dimension(
        "country",
        "Country",
        "ISO 3166 code: of an instance its own, of an order its own. Null: unknown.",
        _ORDERS | {Source.INSTANCES},
        ignores_case=True,
    ),
    Dimension(
        "currency",
        "Currency",
        "The fact's own currency. Grouped by it, money is in the original currency.",
        _ORDERS | {Source.COMMISSIONS, Source.SPEND, Source.PAYOUTS},
        is_filter=False,
    ),
    Dimension(
        "customer_kind",
        "Customer kind",
        "NEW: no order of the customer occurred before this one; RETURNING else. A refund has its order's. Null: "
        "unknown customer.",
        _ORDERS,
    ),
    Dimension(
        "commission_state",
        "Commission state",
        "The commission's present state. Amounts of REVERSED are positive, so that groups do not add up to the net.",
        frozenset({Source.COMMISSIONS}),
    ),
    Dimension(
        "is_purchase",
        "Purchase",
        "Whether the instance is a purchase.",
        frozenset({Source.INSTANCES}),
        is_group=False,
    ),
    Dimension(
        "hour_of_day",
        "Hour of the day",
        "0 to 23 on the local clock of the answer's zone.",
        frozenset(Source),
        kind=KeyKind.NUMBER,
        is_filter=False,
        is_local=True,
    ),
    Dimension(
        "day_of_week",
        "Day of the week",
        "1 for Monday to 7 for Sunday, on the local calendar of the answer's zone.",
        frozenset(Source),
        kind=KeyKind.NUMBER,
        is_filter=False,
        is_local=True,
    ),
)

DIMENSIONS: dict[str, Dimension] = {declared.name: declared for declared in _DECLARED}
"""Every dimension by name."""
