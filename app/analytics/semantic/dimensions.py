"""Dimensions: each declared once. API enum, catalog, checks, rollups and SQL follow from the declaration.

Time is no dimension here: every fact has it.
"""

from dataclasses import dataclass
from enum import StrEnum

from app.analytics.semantic.sums import Source


class KeyKind(StrEnum):
    """What a dimension's keys are: ids of an entity, or plain texts."""

    ENTITY = "entity"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Dimension:
    """Something to group and filter by.

    sources: facts that have it. is_credited: an order has it through its credits, so that orders count by weight.
    is_filter: it may stand in a filter. ignores_case: its keys are kept in upper case, however a filter writes them.
    """

    name: str
    title: str
    description: str
    sources: frozenset[Source]
    kind: KeyKind = KeyKind.TEXT
    is_credited: bool = False
    is_filter: bool = True
    ignores_case: bool = False

    @property
    def api_name(self) -> str:
        """Its name in the API's enum."""
        return self.name.upper()


_ORDERS = frozenset({Source.CREDITS, Source.LINES, Source.REFUNDS, Source.ADJUSTMENTS})
_EVERY = _ORDERS | {Source.INSTANCES, Source.COMMISSIONS}

_DECLARED = (
    Dimension(
        "influencer",
        "Influencer",
        "Who promoted; orders by credit. Null: nobody is credited, or the instance named nobody.",
        _EVERY,
        kind=KeyKind.ENTITY,
        is_credited=True,
    ),
    Dimension(
        "campaign",
        "Campaign",
        "The promotion; orders by credit. Null: outside any campaign.",
        _EVERY,
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
        "Where the touch happened. Null: unknown.",
        _ORDERS | {Source.INSTANCES},
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
    ),
    Dimension(
        "currency",
        "Currency",
        "The fact's own currency. Grouped by it, money is in the original currency.",
        _ORDERS | {Source.COMMISSIONS},
        is_filter=False,
    ),
)

DIMENSIONS: dict[str, Dimension] = {declared.name: declared for declared in _DECLARED}
"""Every dimension by name."""
