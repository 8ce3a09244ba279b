"""Whether Scoville, the hand-written endpoints and the peers give the same numbers. Raises Differs where not.

Each answer is reduced to what all of them say: counts, cents, and names by the source's numbers.
"""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

Reduced = Any


class Differs(Exception):
    """Two contenders disagree."""


def number_of(identifier: str) -> int:
    """The source's number in an id of Scoville."""
    return int(identifier[-12:])


def _cents(amount: str) -> int:
    return int(Decimal(amount) * 100)


def _scoville_q1(data: Any) -> Reduced:
    answer = data["campaign"]["analytics"]
    days = {
        bucket["localDate"]: row
        for bucket in answer["series"]
        if any((row := _scoville_measures(bucket["measures"]))[:3])
    }
    return days, _scoville_measures(answer["totals"])


def _scoville_measures(measures: Any) -> tuple[int, ...]:
    return (
        int(measures["instances"]),
        int(measures["purchases"]),
        _cents(measures["grossRevenue"]),
        _cents(measures["commission"]),
    )


def _plain_measures(row: Any) -> tuple[int, ...]:
    return tuple(int(row[name]) for name in ("instances", "purchases", "revenueCents", "commissionCents"))


def _plain_days(answer: Any) -> Reduced:
    return {row["day"]: _plain_measures(row) for row in answer["days"]}, _plain_measures(answer["totals"])


def _plain_q1(data: Any) -> Reduced:
    return _plain_days(data["campaign"]["dashboard"])


def _postgraphile_q1(data: Any) -> Reduced:
    campaign = data["campaign"]
    instances, commissions = campaign["instances"], campaign["commissions"]
    earned = {row["keys"][0][:10]: int(row["sum"]["amountCents"]) for row in commissions["days"]}
    days = {
        row["keys"][0][:10]: (*_postgraphile_sums(row), earned.get(row["keys"][0][:10], 0)) for row in instances["days"]
    }
    total = int(commissions["totals"]["sum"]["amountCents"] or 0)
    return days, (*_postgraphile_sums(instances["totals"]), total)


def _postgraphile_sums(row: Any) -> tuple[int, int, int]:
    return (
        int(row["count"]["rowId"]),
        int(row["trueCount"]["isPurchase"] or 0),
        int(row["sum"]["revenueCents"] or 0),
    )


def _scoville_q2(data: Any) -> Reduced:
    return [
        (
            number_of(group["key"]["influencer"]["id"]),
            group["key"]["influencer"]["name"],
            group["key"]["influencer"]["profiles"][0]["handle"],
            *_scoville_measures(group["measures"])[:3],
        )
        for group in data["analytics"]["groups"]["nodes"]
    ]


def _plain_q2(rows: Any) -> Reduced:
    return [
        (
            int(row["influencer"]["id"]),
            row["influencer"]["name"],
            row["influencer"]["handle"],
            row["instances"],
            row["purchases"],
            int(row["revenueCents"]),
        )
        for row in rows
    ]


def _postgraphile_q2(data: Any) -> Reduced:
    return [
        (row["rowId"], row["name"], row["handle"], *_postgraphile_sums(row["instances"]["aggregates"]))
        for row in data["influencersList"]
    ]


def _scoville_q3(data: Any) -> Reduced:
    columns = {
        column["name"]: next(column[kind] for kind in ("strings", "integers", "decimals", "times") if column[kind])
        for column in data["analytics"]["table"]["columns"]
    }
    asked = ("time", "platform", "campaignId", "grossRevenue", "instances")
    return {
        (month[:10], platform.lower(), number_of(campaign)): (_cents(revenue), int(instances))
        for month, platform, campaign, revenue, instances in zip(*(columns[name] for name in asked), strict=True)
    }


def _plain_q3(rows: Any) -> Reduced:
    return {
        (row["month"], row["platform"], row["campaignId"]): (int(row["revenueCents"]), row["instances"]) for row in rows
    }


def _postgraphile_q3(data: Any) -> Reduced:
    return {
        (row["keys"][0][:10], row["keys"][1], int(row["keys"][2])): (
            int(row["sum"]["revenueCents"]),
            int(row["count"]["rowId"]),
        )
        for row in data["instances"]["groupedAggregates"]
    }


def _scoville_q4(data: Any) -> Reduced:
    return [
        (
            number_of(campaign["id"]),
            campaign["name"],
            [
                (
                    number_of(member["influencer"]["id"]),
                    member["influencer"]["name"],
                    member["influencer"]["profiles"][0]["handle"],
                    [
                        (
                            number_of(order["id"]),
                            order["externalId"],
                            _cents(order["total"]),
                            order["occurredAt"][:19],
                            max(_cents(commission["amount"]) for commission in order["commissions"]),
                        )
                        for order in member["influencer"]["orders"]["nodes"]
                    ],
                )
                for member in campaign["enrollments"]["nodes"]
            ],
        )
        for campaign in data["campaigns"]["nodes"]
    ]


def _plain_q4(campaigns: Any) -> Reduced:
    return [
        (
            int(campaign["id"]),
            campaign["name"],
            [
                (
                    int(influencer["id"]),
                    influencer["name"],
                    influencer["handle"],
                    [_plain_order(order, order["id"]) for order in influencer["lastOrders"]],
                )
                for influencer in campaign["influencers"]
            ],
        )
        for campaign in campaigns
    ]


def _plain_order(order: Any, number: str) -> Reduced:
    cents = order["commission"]["amountCents"]
    return int(number), order["externalId"], order["totalCents"], order["placedAt"][:19], cents


def _postgraphile_q4(data: Any) -> Reduced:
    return [
        (
            campaign["rowId"],
            campaign["name"],
            [
                (
                    member["influencer"]["rowId"],
                    member["influencer"]["name"],
                    member["influencer"]["handle"],
                    [_plain_order(order, order["rowId"]) for order in member["influencer"]["ordersList"]],
                )
                for member in campaign["campaignInfluencersList"]
            ],
        )
        for campaign in data["campaignsList"]
    ]


def _scoville_q5(data: Any) -> Reduced:
    return [
        (
            number_of(row["id"]),
            number_of(row["campaign"]["id"]),
            number_of(row["influencer"]["id"]),
            row["platform"].lower(),
            row["channel"],
            row["occurredAt"][:19],
            row["kind"] == "PURCHASE",
        )
        for row in data["instances"]["nodes"]
    ]


def _plain_q5(rows: Any) -> Reduced:
    return [
        (
            int(row.get("id") or row["rowId"]),
            row["campaignId"],
            row["influencerId"],
            row["platform"],
            row["kind"],
            row["occurredAt"][:19],
            row["isPurchase"],
        )
        for row in rows
    ]


_REDUCERS: Mapping[str, Mapping[str, Callable[[Any], Reduced]]] = {
    "scoville": {"q1": _scoville_q1, "q2": _scoville_q2, "q3": _scoville_q3, "q4": _scoville_q4, "q5": _scoville_q5},
    "plain": {
        "q1": _plain_q1,
        "q2": lambda data: _plain_q2(data["leaderboard"]),
        "q3": lambda data: _plain_q3(data["analytics"]),
        "q4": lambda data: _plain_q4(data["campaigns"]),
        "q5": lambda data: _plain_q5(data["instances"]),
    },
    "handmade": {"q1": _plain_days, "q2": _plain_q2, "q3": _plain_q3, "q4": _plain_q4, "q5": _plain_q5},
    "postgraphile": {
        "q1": _postgraphile_q1,
        "q2": _postgraphile_q2,
        "q3": _postgraphile_q3,
        "q4": _postgraphile_q4,
        "q5": lambda data: _plain_q5(data["instancesList"]),
    },
}


def reduced(shape: str, question: str, body: bytes) -> Reduced:
    """What an answer says. shape: scoville, plain, handmade or postgraphile."""
    return _REDUCERS[shape][question](json.loads(body)["data"])


def compare(question: str, answers: Mapping[str, tuple[str, bytes]]) -> None:
    """Raise Differs unless all contenders, by name with shape and body, say the same."""
    first: tuple[str, Reduced] | None = None
    for name, (shape, body) in answers.items():
        said = reduced(shape, question, body)
        if first is None:
            first = name, said
        elif said != first[1]:
            raise Differs(f"{question}: {name} differs from {first[0]}: {_difference(first[1], said)}")


def _difference(left: Reduced, right: Reduced) -> str:
    if isinstance(left, list | tuple) and isinstance(right, list | tuple) and len(left) == len(right):
        for number, (one, other) in enumerate(zip(left, right, strict=True)):
            if one != other:
                return f"[{number}] {_difference(one, other)}"
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            if left.get(key) != right.get(key):
                return f"{key}: {left.get(key)!r} and {right.get(key)!r}"
    return f"{left!r} and {right!r}"[:500]
