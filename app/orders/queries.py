"""What may be read of orders, refunds and adjustments: lists for app/db/keyset."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from app.db.keyset import NOTHING, Listing, Owner


def _credited(order: str) -> str:
    """Own rows of an influencer: those of orders that are, or once were, credited to them.

    A touch that was looked at and lost is no credit.
    """
    return (
        "EXISTS (SELECT 1 FROM credits AS credit WHERE credit.tenant_id = $1 "  # noqa: S608 - a column
        f"AND credit.order_id = item.{order} AND credit.influencer_id = {{}} AND credit.weight_booked > 0)"
    )


ORDERS = Listing(
    tag="orders",
    table="orders",
    columns="item.*",
    own=_credited("id"),
    sorts=(("occurred_at", "timestamptz"), ("recorded_at", "timestamptz")),
)

ORDER_LINES = Listing(
    tag="order_lines",
    table="order_lines",
    columns="item.*",
    own=_credited("order_id"),
    sorts=(("occurred_at", "timestamptz"),),
)

ORDER_EVENTS = Listing(
    tag="order_events",
    table="order_events",
    columns="item.*",
    own=_credited("order_id"),
    sorts=(("occurred_at", "timestamptz"),),
)


def _credited_orders(*columns: str) -> str:
    """The places of orders with booked credit, once for each value of the columns of `credits` named, which it adds.

    Ordered by the credit's time, which is the order's: the indexes credits_influencer_orders and
    credits_campaign_orders, which have all that is read here.
    Nothing is earlier than an order's first credit, which is most: no look-up tells that.
    """
    credit = ", ".join(f"credit.{column}" for column in columns)
    same = " AND ".join(f"earlier.{column} = credit.{column}" for column in columns)
    return (
        f"(SELECT credit.tenant_id, credit.order_id AS id, credit.occurred_at, {credit} "  # noqa: S608 - only declared texts
        "FROM credits AS credit "
        "WHERE credit.tenant_id = $1 AND credit.weight_booked > 0 AND credit.superseded_at = 'infinity' "
        "AND (credit.position = 0 OR NOT EXISTS (SELECT 1 FROM credits AS earlier "
        "WHERE earlier.tenant_id = $1 AND earlier.order_id = credit.order_id AND earlier.weight_booked > 0 "
        "AND earlier.superseded_at = 'infinity' "
        f"AND earlier.position < credit.position AND {same})))"
    )


def _orders_of(tag: str, *columns: str, owner: Owner | None = None) -> Listing:
    return replace(
        ORDERS,
        tag=tag,
        places=_credited_orders(*columns),
        sorts=(("occurred_at", "timestamptz"),),
        owner=owner,
    )


INFLUENCER_ORDERS = _orders_of("influencer_orders", "influencer_id")
CAMPAIGN_ORDERS = _orders_of("campaign_orders", "campaign_id")
# Not joined to its orders: only then are they read latest first, and no more than are asked for.
ENROLLMENT_ORDERS = _orders_of(
    "enrollment_orders",
    "campaign_id",
    "influencer_id",
    owner=Owner("enrollments", ("campaign_id", "influencer_id")),
)

REFUNDS = Listing(
    tag="refunds",
    table="refunds",
    columns="item.id, item.external_id, item.order_external_id, item.order_id, item.kind, item.state, item.reason, "
    "item.occurred_at, item.recorded_at, item.settled_at, item.reject_code",
    own=_credited("order_id"),
    sorts=(("occurred_at", "timestamptz"), ("recorded_at", "timestamptz")),
)

REFUND_LINES = Listing(
    tag="refund_lines",
    table="refund_lines",
    columns="item.*",
    own=_credited("order_id"),
    sorts=(("occurred_at", "timestamptz"),),
)

ADJUSTMENTS = Listing(
    tag="adjustments",
    table="adjustments",
    columns="item.*",
    own=NOTHING,
    sorts=(("occurred_at", "timestamptz"), ("recorded_at", "timestamptz")),
)


def live(rows: Sequence[Any]) -> list[Any]:
    """Of all line rows of an order, those of its newest version: not reversed since, in order of position."""
    newest: dict[int, Any] = {}
    gone: dict[int, int] = {}
    for row in rows:
        if row["is_reversal"]:
            gone[row["position"]] = max(row["version"], gone.get(row["position"], 0))
        elif row["position"] not in newest or row["version"] > newest[row["position"]]["version"]:
            newest[row["position"]] = row
    # An edit writes the reversal and the new row under one version, so a row is gone only if reversed after it came.
    return [row for position, row in sorted(newest.items()) if gone.get(position, 0) <= row["version"]]


OWN_RATES = Listing(
    tag="own_rates",
    table="own_rates",
    columns="item.*",
    own=NOTHING,
    sorts=(("recorded_at", "timestamptz"),),
)
