"""What a store sends about orders, as plain values: filled by the API, by imports and by seeding alike.

Amounts are exact Decimals in major units of the named currency (19.99), net of a line's own discount. Times are aware
instants. Order, refund and event ids are the store's own (`external_id`). Nothing here is checked: `lines.py` and the
use cases do that, item by item.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from app.core.words import LineKind, OrderEventKind, RefundKind


class LineInput(NamedTuple):
    """One line of an order. A tuple, as all that there is one of for each line: they are made by the hundred thousand.

    amount: of the whole line (not per unit), in the order's currency; at most 0 for DISCOUNT, at least 0 for ITEM.
    quantity: units, at least 1. sku: the store's product id; an unknown product is created from sku and title.
    position: the line's number within the order (0 or more); None: where it stands in the list. external_id: the
    store's line id, by which an edit finds the line again.
    """

    kind: LineKind
    amount: Decimal
    quantity: int = 1
    sku: str | None = None
    title: str | None = None
    external_id: str | None = None
    position: int | None = None


@dataclass(frozen=True, slots=True)
class OrderInput:
    """An order as placed. `lines` of all kinds must add up to `total`.

    customer, visitor, click and codes are how the order finds its touches. customer: the store's customer id, created
    when unknown. country: ISO 3166-1 alpha-2, the shipping country, else billing. test: kept, but earns nothing.
    """

    external_id: str
    occurred_at: datetime
    currency: str
    total: Decimal
    lines: tuple[LineInput, ...]
    customer: str | None = None
    visitor_id: str | None = None
    click_id: str | None = None
    codes: tuple[str, ...] = ()
    country: str | None = None
    test: bool = False


@dataclass(frozen=True, slots=True)
class EditInput:
    """The new state of an order: all of its lines, as they are now. Differences are posted at the order's own time.

    occurred_at: when it was edited. version: the version the edit was made on; None: whatever is newest.
    """

    order_external_id: str
    occurred_at: datetime
    total: Decimal
    lines: tuple[LineInput, ...]
    version: int | None = None


@dataclass(frozen=True, slots=True)
class RefundLineInput:
    """What is taken back of one line, named by position or by the store's line id.

    quantity alone: the units' share of the line. amount: in the order's currency, with the sign of the line (a discount
    is negative). Neither: all that is open on the line.
    """

    position: int | None = None
    external_id: str | None = None
    quantity: int | None = None
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class RefundInput:
    """Money taken back from an order: by `lines`, or by `amount` spread over the open lines (exactly one of the two).

    May come before its order: then it waits. currency: None means the order's; any other is refused.
    """

    external_id: str
    order_external_id: str
    occurred_at: datetime
    amount: Decimal | None = None
    lines: tuple[RefundLineInput, ...] = ()
    currency: str | None = None
    kind: RefundKind = RefundKind.REFUND
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class OrderEventInput:
    """Something that happened to an order: PAID, FULFILLED, CANCELLED or CHARGEBACK; the last two refund what is open.

    external_id: the store's id of the event, unique within its order; None: made from kind and time.
    """

    order_external_id: str
    kind: OrderEventKind
    occurred_at: datetime
    external_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class CancelInput:
    """A cancellation: all that is still open on the order goes back, dated at the cancellation."""

    order_external_id: str
    occurred_at: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AdjustmentInput:
    """A credit note whose order cannot be known: counted in refunds, credited to nobody.

    amount: positive takes back. sku, customer: created when unknown.
    """

    external_id: str
    occurred_at: datetime
    currency: str
    amount: Decimal
    quantity: int = 0
    sku: str | None = None
    title: str | None = None
    customer: str | None = None
    country: str | None = None
    reason: str | None = None
