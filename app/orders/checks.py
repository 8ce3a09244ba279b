"""Checks refunds, events, edits and adjustments as they were sent, as far as their order need not be known. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.core.hashing import content_hash
from app.core.money import checked_amount, checked_currency
from app.core.texts import checked_country, checked_external_id, checked_instant, checked_optional, checked_text
from app.core.words import OrderEventKind, RefundKind
from app.errors import DomainError
from app.orders.inputs import AdjustmentInput, OrderEventInput, RefundInput, RefundLineInput
from app.orders.lines import LINES_MAX, QUANTITY_MAX

SENT_EVENTS = frozenset(
    {OrderEventKind.PAID, OrderEventKind.FULFILLED, OrderEventKind.CANCELLED, OrderEventKind.CHARGEBACK}
)
"""Kinds that a store sends; the others are written by what causes them."""

TAKING_BACK: dict[OrderEventKind, RefundKind] = {
    OrderEventKind.CANCELLED: RefundKind.CANCELLATION,
    OrderEventKind.CHARGEBACK: RefundKind.CHARGEBACK,
}
"""Events that refund what is open, and as what."""


@dataclass(frozen=True, slots=True)
class CheckedAdjustment:
    """A checked adjustment, amount in minor units."""

    external_id: str
    occurred_at: datetime
    currency: str
    amount: int
    quantity: int
    sku: str | None
    title: str | None
    customer: str | None
    country: str | None
    reason: str | None
    content_hash: bytes


@dataclass(frozen=True, slots=True)
class CheckedRefund:
    """A refund that is right as far as its order need not be known; its time is in UTC."""

    refund: RefundInput
    content_hash: bytes


def checked_refund(refund: RefundInput, *, latest: datetime) -> CheckedRefund:
    """The refund with its content's hash. Raises DomainError for what is wrong whatever its order may be."""
    checked_external_id(refund.external_id, "externalId")
    checked_external_id(refund.order_external_id, "orderExternalId")
    occurred_at = checked_instant(refund.occurred_at, "occurredAt", latest=latest)
    checked_optional(refund.reason, "reason")
    if (refund.amount is None) == (not refund.lines):
        raise DomainError("BAD_USER_INPUT", "Give either `amount` or `lines`.", path=("amount",))
    if len(refund.lines) > LINES_MAX:
        raise DomainError("BAD_USER_INPUT", f"`lines` holds more than {LINES_MAX} lines.", path=("lines",))
    if refund.currency is not None:
        checked_currency(refund.currency)
    _checked_number(refund.amount, "amount")
    for index, line in enumerate(refund.lines):
        if line.position is None and line.external_id is None:
            raise DomainError("BAD_USER_INPUT", "Name the line by position or by its id.", path=("lines", index))
        checked_optional(line.external_id, "externalId")
        if line.quantity is not None and line.quantity < 1:
            raise DomainError(
                "BAD_USER_INPUT",
                f"The quantity is {line.quantity}; it must be at least 1. Leave it out where no units come back.",
                path=("lines", index, "quantity"),
            )
        _checked_number(line.amount, "lines", index, "amount")
    content = [
        refund.order_external_id,
        occurred_at,
        refund.kind.value,
        refund.amount,
        refund.currency,
        refund.reason,
        [[line.position, line.external_id, line.quantity, line.amount] for line in refund.lines],
    ]
    return CheckedRefund(replace(refund, occurred_at=occurred_at), content_hash(content))


@dataclass(frozen=True, slots=True)
class CheckedEvent:
    """A checked event. external_id: the store's, else made of kind and time."""

    order_external_id: str
    external_id: str
    kind: OrderEventKind
    occurred_at: datetime
    reason: str | None


def checked_event(event: OrderEventInput, *, latest: datetime) -> CheckedEvent:
    """The event with its id within its order. Raises DomainError."""
    order_external_id = checked_external_id(event.order_external_id, "orderExternalId")
    if event.kind not in SENT_EVENTS:
        raise DomainError(
            "BAD_USER_INPUT",
            f"{event.kind.value} comes by itself. Send PAID, FULFILLED, CANCELLED or CHARGEBACK.",
            path=("kind",),
        )
    occurred_at = checked_instant(event.occurred_at, "occurredAt", latest=latest)
    reason = checked_optional(event.reason, "reason")
    if event.external_id is None:
        external_id = f"{event.kind.value.lower()}@{occurred_at.isoformat()}"
    else:
        external_id = checked_external_id(event.external_id, "externalId")
    return CheckedEvent(order_external_id, external_id, event.kind, occurred_at, reason)


def checked_adjustment(item: AdjustmentInput, *, latest: datetime) -> CheckedAdjustment:
    """The adjustment in minor units. Raises DomainError."""
    external_id = checked_external_id(item.external_id, "externalId")
    occurred_at = checked_instant(item.occurred_at, "occurredAt", latest=latest)
    currency = checked_currency(item.currency)
    amount = checked_amount(item.amount, currency, "amount")
    if not 0 <= item.quantity <= QUANTITY_MAX:
        raise DomainError(
            "BAD_USER_INPUT", f"The quantity is {item.quantity}; it must be 0 to {QUANTITY_MAX}.", path=("quantity",)
        )
    sku = None if item.sku is None else checked_external_id(item.sku, "sku")
    title = None if item.title is None else checked_text(item.title, "title", is_blank_fine=True)
    customer = None if item.customer is None else checked_external_id(item.customer, "customer")
    country = checked_country(item.country)
    reason = checked_optional(item.reason, "reason")
    content: list[Any] = [occurred_at, currency, amount, item.quantity, sku, title, customer, country, reason]
    return CheckedAdjustment(
        external_id=external_id,
        occurred_at=occurred_at,
        currency=currency,
        amount=amount,
        quantity=item.quantity,
        sku=sku,
        title=title,
        customer=customer,
        country=country,
        reason=reason,
        content_hash=content_hash(content),
    )


def _checked_number(amount: Decimal | None, *path: str | int) -> None:
    # How many digits it may have only the order's currency tells; that it is a number of bearable size shows now.
    if amount is not None and not (amount.is_finite() and abs(amount.adjusted()) < 40):
        raise DomainError("INVALID_AMOUNT", "The amount is not a finite number of bearable size.", path=path)


def refund_to_json(refund: RefundInput) -> dict[str, Any]:
    """The request of a refund as it is kept while its order is awaited; `refund_from_json` reads it."""
    return {
        "amount": None if refund.amount is None else format(refund.amount, "f"),
        "currency": refund.currency,
        "lines": [
            {
                "position": line.position,
                "externalId": line.external_id,
                "quantity": line.quantity,
                "amount": None if line.amount is None else format(line.amount, "f"),
            }
            for line in refund.lines
        ],
    }


def refund_from_json(row: Mapping[str, Any]) -> RefundInput:
    """The refund as it was sent, from its row (columns of `refunds`)."""
    request = row["request"]
    return RefundInput(
        external_id=row["external_id"],
        order_external_id=row["order_external_id"],
        occurred_at=row["occurred_at"],
        amount=None if request["amount"] is None else Decimal(request["amount"]),
        lines=tuple(
            RefundLineInput(
                position=line["position"],
                external_id=line["externalId"],
                quantity=line["quantity"],
                amount=None if line["amount"] is None else Decimal(line["amount"]),
            )
            for line in request["lines"]
        ),
        currency=request["currency"],
        kind=RefundKind(row["kind"]),
        reason=row["reason"],
    )
