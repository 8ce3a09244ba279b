"""When made-up facts were recorded: most at once, some days later; never before what they are about."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

Row = dict[str, Any]


def record_late(rows: dict[str, list[Row]], *, seed: int) -> None:
    """Set when the rows were recorded. What an order brings along comes with it, an edit and a refund after it."""
    chance = Random(f"late {seed}")

    def later(at: datetime) -> datetime:
        return at + (timedelta(days=25 * chance.random()) if chance.random() < 0.35 else timedelta())

    for table in ("instances", "adjustments", "engagement_snapshots", "spend", "payout_payments"):
        for row in rows[table]:
            row["recorded_at"] = later(row["occurred_at"])
    placed: dict[UUID, datetime] = {}
    edited: dict[UUID, datetime] = {}
    refunded: dict[UUID, datetime] = {}
    for order in rows["orders"]:
        order["recorded_at"] = placed[order["id"]] = later(order["occurred_at"])
        edited[order["id"]] = later(placed[order["id"]])
    for refund in rows["refunds"]:
        order_id = refund["order_id"]
        refund["recorded_at"] = refunded[order_id] = later(max(refund["occurred_at"], placed[order_id]))
    for line in rows["order_lines"]:
        line["recorded_at"] = (placed if line["version"] == 1 else edited)[line["order_id"]]
    for credit in rows["credits"]:
        credit["recorded_at"] = placed[credit["order_id"]]
    for line in rows["refund_lines"]:
        line["recorded_at"] = refunded[line["order_id"]]
    _commissions(rows, placed, refunded)


def _commissions(rows: dict[str, list[Row]], placed: dict[UUID, datetime], refunded: dict[UUID, datetime]) -> None:
    waited: dict[UUID, timedelta] = {}
    for commission in rows["commissions"]:
        recorded_at = (refunded if commission["kind"] == "REVERSAL" else placed)[commission["order_id"]]
        waited[commission["id"]] = recorded_at - commission["recorded_at"]
        commission["recorded_at"] = recorded_at
        commission["updated_at"] += waited[commission["id"]]
    _follow(rows["commission_lines"], waited)
    _follow(rows["commission_events"], waited)


def _follow(rows: Iterable[Row], waited: dict[UUID, timedelta]) -> None:
    for row in rows:
        row["recorded_at"] += waited[row["commission_id"]]
