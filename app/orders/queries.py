"""What may be read of orders, refunds and adjustments: lists for app/db/keyset."""

from collections.abc import Sequence
from typing import Any

from app.db.keyset import NOTHING, Listing


def _credited(order: str) -> str:
    """Own rows of an influencer: those of orders credited to them."""
    return (
        "EXISTS (SELECT 1 FROM credits AS credit WHERE credit.tenant_id = $1 "
        f"AND credit.order_id = item.{order} AND credit.influencer_id = {{}})"  # noqa: S608 - a column
    )


def _newest(column: str) -> str:
    return (
        f"(SELECT newest.{column} FROM order_versions AS newest WHERE newest.tenant_id = $1 "  # noqa: S608 - a column
        f"AND newest.order_id = item.id AND newest.version = item.version) AS {column}"
    )


ORDERS = Listing(
    tag="orders",
    table="orders",
    columns=f"item.*, {_newest('total_minor')}, {_newest('gross_minor')}",
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
