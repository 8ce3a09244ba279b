"""Judgements that others replaced: made-up facts in which some orders were credited otherwise at first."""

from collections import defaultdict
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from app.core.ids import new_id

Row = dict[str, Any]

TOUCH = ("influencer_id", "campaign_id", "code", "platform", "channel")


def judged_again(rows: dict[str, list[Row]], *, seed: int) -> dict[str, list[Row]]:
    """Credits and purchases that are out of force, by table. Those in force are recorded when they replaced them."""
    chance = Random(f"former {seed}")
    former: dict[str, list[Row]] = {"credits": [], "instances": []}
    of_order: dict[UUID, list[Row]] = defaultdict(list)
    for credit in rows["credits"]:
        of_order[credit["order_id"]].append(credit)
    purchases = {row["occurred_at"]: row for row in rows["instances"] if row["kind"] == "PURCHASE"}
    influencers = [row["id"] for row in rows["influencers"]]
    campaigns = [row["id"] for row in rows["campaigns"]]
    for credits_ in of_order.values():
        if chance.random() >= 0.2:
            continue
        recorded_at = credits_[0]["recorded_at"]
        again_at = recorded_at + timedelta(days=30 * chance.random())
        touch = {
            "influencer_id": chance.choice(influencers),
            "campaign_id": chance.choice([*campaigns, None]),
            "code": chance.choice(("SPICY20", "HOT", None)),
            "platform": chance.choice(("TIKTOK", "X", None)),
            "channel": chance.choice(("social", None)),
        }
        nobody = chance.random() < 0.3
        # One touch had all of it, or nobody had.
        whole = {name: 10**9 for name in credits_[0] if name.startswith("weight_")}
        keys = dict.fromkeys(TOUCH) if nobody else touch
        former["credits"].append(
            credits_[0] | whole | keys | {"id": new_id(), "position": 0, "superseded_at": again_at}
        )
        purchase = purchases.get(credits_[0]["occurred_at"])
        if not nobody and purchase is not None:
            former["instances"].append(_replaced(purchase, touch, recorded_at, again_at))
        for credit in credits_:
            credit["recorded_at"] = again_at
        if purchase is not None:
            purchase["recorded_at"] = again_at
    return former


def _replaced(purchase: Row, touch: Row, recorded_at: datetime, again_at: datetime) -> Row:
    return purchase | touch | {"id": new_id(), "recorded_at": recorded_at, "superseded_at": again_at}
