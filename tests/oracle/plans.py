"""What credits earn under commission plans, computed a second way: from the rows of facts and plans alone.

Written from app/SEMANTICS.md; imports nothing of `app`. Exact fractions throughout, one order after the other in the
order of recording (ids are in order of time). Credits without a plan are told too: they share their order's units.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

Row = Mapping[str, Any]
Rows = Sequence[Row]
REVENUE = ("ITEM", "DISCOUNT")


@dataclass
class Line:
    """An item with its share of the discounts taken off. exact: what it earns, unrounded, in both currencies."""

    place: tuple[int, Any]
    net: int
    base: int
    quantity: int
    product: Row | None
    left: Fraction
    rule: Row | None = None
    exact: Fraction = Fraction(0)
    exact_base: Fraction = Fraction(0)


@dataclass
class Booked:
    """What a credit earned: on the whole, in the tenant's currency, and by line; and the bonuses that came with it."""

    amount: int
    base: int | None
    lines: dict[tuple[int, Any], int]
    bonuses: list[tuple[str, int]] = field(default_factory=list)
    kept: int = 0


@dataclass
class Stake:
    """What a credit earns of its order, unrounded; base: in the tenant's currency, None where that is not known.

    lines: by item, of a plan; counted, bonuses: what the credit adds to each counter, and what that reaches.
    """

    exact: Fraction
    base: Fraction | None
    lines: list[Line] = field(default_factory=list)
    counted: dict[str, tuple[int, Fraction]] = field(default_factory=dict)
    bonuses: list[tuple[str, int]] = field(default_factory=list)


@dataclass
class Sums:
    """What was counted of one holder so far."""

    revenue: int = 0
    orders: Fraction = Fraction(0)
    earned: int = 0


class PlanOracle:
    """Goes through a tenant's orders. facts: rows by table; plans, enrollments and campaigns among them."""

    def __init__(self, facts: Mapping[str, Rows], *, currency: str, zone: str, factors: Mapping[Any, Fraction]) -> None:
        self.facts, self.currency, self.zone, self.factors = facts, currency, ZoneInfo(zone), factors
        self.products = {row["id"]: row for row in facts["products"]}
        self.sums: dict[Any, Sums] = defaultdict(Sums)
        self.firsts: dict[Any, datetime] = {}
        self.repeats: dict[Any, list[datetime]] = defaultdict(list)
        self.states: dict[Any, list[tuple[Row, Row | None, Case]]] = {}
        self.plain: dict[Any, Booked] = {}
        self.back: dict[Any, dict[int, int]] = defaultdict(lambda: defaultdict(int))

    def book(self, *, in_time: bool = False) -> dict[Any, Booked]:
        """What every credit earned when it was booked, by credit; those without a plan are in `plain` instead.

        in_time: in the order of the orders' own times instead, with their newest lines; what came back of them counts
        for nothing.
        """
        for row in self.facts["refund_lines"] if in_time else ():
            if row["kind"] in REVENUE:
                self.back[row["order_id"]][row["position"]] += row["amount_minor"]
        booked: dict[Any, Booked] = {}
        credits = _by(self.facts["credits"], "order_id")
        lines = _by([row for row in self.facts["order_lines"] if row["version"] == 1], "order_id")
        if in_time:
            every = _by(self.facts["order_lines"], "order_id")
            lines = {order_id: newest_lines(rows) for order_id, rows in every.items()}
        for order in sorted(
            self.facts["orders"], key=lambda row: (row["occurred_at"], row["id"]) if in_time else row["id"]
        ):
            if order["is_test"]:
                continue
            own = sorted(credits[order["id"]], key=lambda row: row["position"])
            for credit_id, found, is_plan in self._order(order, own, lines[order["id"]]):
                (booked if is_plan else self.plain)[credit_id] = found
            if order["customer_id"]:
                at = order["occurred_at"]
                self.firsts[order["customer_id"]] = min(at, self.firsts.get(order["customer_id"], at))
                for influencer in {row["influencer_id"] for row in own if row["weight_booked"]}:
                    self.repeats[influencer, order["customer_id"]].append(at)
        return booked

    def amended(self, order_id: Any, lines: Rows) -> dict[Any, Booked]:
        """What the order's credits earn of other lines, by credit, under the terms and counts they were booked by."""
        of_order = self.states[order_id]
        stakes = [self._stake(version, case, lines) for _, version, case in of_order]
        return {
            credit["id"]: self._earned(version, case, stake, units)
            for (credit, version, case), stake, units in zip(of_order, stakes, _units(stakes), strict=True)
        }

    def _order(self, order: Row, credits: Rows, lines: Rows) -> list[tuple[Any, Booked, bool]]:
        """What each of the credits earned, and whether by a plan: first all are counted, then all earn."""
        of_order: list[tuple[Row, Row | None, Case]] = []
        stakes: list[Stake] = []
        for credit in credits:
            if credit["weight_booked"] and credit["influencer_id"]:
                version = self._version(credit, order["occurred_at"])
                case = self._case(order, credit, version)
                if version is not None or case.own_rate is not None:
                    of_order.append((credit, version, case))
                    stakes.append(self._stake(version, case, lines))
                    if version is not None and _counts(version):
                        for key, (revenue, whole) in stakes[-1].counted.items():
                            sums = self.sums[(version["plan_id"], credit["influencer_id"]), key, case.period]
                            sums.revenue += revenue
                            sums.orders += whole
        self.states[order["id"]] = of_order
        spent: dict[Any, int] = defaultdict(int)
        found = []
        for (credit, version, case), stake, units in zip(of_order, stakes, _units(stakes), strict=True):
            if version is not None:
                case.rooms = self._rooms(credit, version, case.period, spent)
            booked = self._earned(version, case, stake, units)
            if version is not None:
                self._spend(credit, version, case.period, booked, spent)
            found.append((credit["id"], booked, version is not None))
        return found

    def _version(self, credit: Row, at: datetime) -> Row | None:
        places: list[dict[str, Any]] = []
        if credit["campaign_id"]:
            places += [
                {"enrollment_id": row["id"], "campaign_id": None}
                for row in self.facts["enrollments"]
                if (row["campaign_id"], row["influencer_id"]) == (credit["campaign_id"], credit["influencer_id"])
            ]
            places.append({"enrollment_id": None, "campaign_id": credit["campaign_id"]})
        places.append({"enrollment_id": None, "campaign_id": None})
        for place in places:
            fitting = [
                row
                for row in self.facts["plan_assignments"]
                if row["effective_from"] <= at and all(row[name] == value for name, value in place.items())
            ]
            if fitting:
                plan = max(fitting, key=lambda row: (row["effective_from"], row["created_at"], row["id"]))["plan_id"]
                versions = [
                    row
                    for row in self.facts["commission_plan_versions"]
                    if row["plan_id"] == plan and row["effective_from"] <= at
                ]
                if versions:
                    return max(versions, key=lambda row: (row["effective_from"], row["version"]))
        return None

    def _case(self, order: Row, credit: Row, version: Row | None) -> "Case":
        at, customer = order["occurred_at"], order["customer_id"]
        local = at.astimezone(self.zone)
        period = {
            "MONTH": (local.year, local.month),
            "QUARTER": (local.year, (local.month - 1) // 3),
            "YEAR": local.year,
            "ALL_TIME": "ever",
        }["ALL_TIME" if version is None else version["period"]]
        if order["currency"] == self.currency:
            factor: Fraction | None = Fraction(1)
        else:
            factor = self.factors.get((order["currency"], at.date()))
        kind = None
        if customer:
            first = self.firsts.get(customer)
            kind = "NEW" if first is None or first >= at else "RETURNING"
        holder = None if version is None else (version["plan_id"], credit["influencer_id"])
        before = {
            key: (sums.revenue, sums.orders)
            for (of, key, when), sums in self.sums.items()
            if (of, when) == (holder, period)
        }
        repeats = list(self.repeats[credit["influencer_id"], customer]) if customer else None
        return Case(order, credit, period, factor, {}, kind, before, repeats, self._own_rate(credit))

    def _rooms(self, credit: Row, version: Row, period: Any, spent: Mapping[Any, int]) -> dict[str, int]:
        plan = version["plan_id"]
        holder = plan, credit["influencer_id"]
        rooms = {}
        for cap, most in version["terms"]["caps"].items():
            used = {
                "ORDER": spent[holder],
                "PERIOD": self.sums[holder, "earned", period].earned,
                "INFLUENCER": self.sums[holder, "earned", "ever"].earned,
                "CAMPAIGN": self.sums[(plan, credit["campaign_id"]), "earned", "ever"].earned,
            }[cap]
            if cap != "CAMPAIGN" or credit["campaign_id"]:
                rooms[cap] = max(0, most - used)
        return rooms

    def _own_rate(self, credit: Row) -> Fraction | None:
        for row in self.facts["enrollments"]:
            is_own = (row["campaign_id"], row["influencer_id"]) == (credit["campaign_id"], credit["influencer_id"])
            if is_own and row["commission_rate"] is not None:
                return Fraction(row["commission_rate"])
        for row in self.facts["campaigns"]:
            if row["id"] == credit["campaign_id"]:
                return Fraction(row["commission_rate"])
        return None

    def _spend(self, credit: Row, version: Row, period: Any, booked: Booked, spent: dict[Any, int]) -> None:
        holder = version["plan_id"], credit["influencer_id"]
        spent[holder] += booked.base or 0
        if not _counts(version):
            return
        holders = {(holder, period), (holder, "ever")}
        if "CAMPAIGN" in version["terms"]["caps"]:
            holders.add(((version["plan_id"], credit["campaign_id"]), "ever"))
        for of, when in holders:
            self.sums[of, "earned", when].earned += booked.kept + sum(amount for _, amount in booked.bonuses)

    def _stake(self, version: Row | None, case: "Case", rows: Rows) -> Stake:
        weight = Fraction(case.credit["weight_booked"], 10**9)
        revenue = [row for row in rows if row["kind"] in REVENUE]
        is_known = all(row["amount_base_minor"] is not None for row in revenue)
        if version is None:
            assert case.own_rate is not None
            rate = weight * case.own_rate
            base = sum(row["amount_base_minor"] for row in revenue) * rate if is_known else None
            return Stake(sum(row["amount_minor"] for row in revenue) * rate, base)
        terms = version["terms"]
        is_known = is_known and case.factor is not None
        if not is_known and terms["caps"]:
            return Stake(Fraction(0), None)
        items = self._items(revenue, is_known, self.back[case.order["id"]])
        rules = [rule for rule in terms["rules"] if self._fits(rule, case)]
        if not is_known:
            rules = [rule for rule in rules if not _needs_rate(rule)]
        rules.sort(key=lambda rule: -rule["priority"])
        for item in items:
            item.rule = next((rule for rule in rules if _takes(rule, item)), None)
        added: dict[str, tuple[int, Fraction]] = {}
        bonuses: list[tuple[str, int]] = []
        for rule in rules:
            own = [item for item in items if item.rule is rule]
            if not own:
                continue
            if rule["kind"] == "TIERS":
                volume, orders = _counted(own, weight)
                before = case.before.get(rule["key"], (0, Fraction(0)))
                rate, lift = _tiered(rule, before, (volume, orders))
                added[rule["key"]] = volume, orders
                if lift:
                    bonuses.append((rule["key"], lift))
                _share(own, rate * weight)
            elif rule["kind"] == "PERCENTAGE":
                share = case.own_rate if rule["rate"] is None else Fraction(rule["rate"], 10**6)
                assert share is not None
                _share(own, share * weight)
            else:
                assert case.factor is not None
                amount, amount_base = round(rule["amount"] / case.factor), rule["amount"]
                for item in own:
                    part = Fraction(item.quantity)
                    if rule["kind"] == "PER_ORDER":
                        part = Fraction(item.net, sum(each.net for each in own))
                    item.exact, item.exact_base = amount * part * weight, amount_base * part * weight
        if is_known:
            whole = _counted(items, weight)
            if items:
                added["revenue"] = whole
            before = case.before.get("revenue", (0, Fraction(0)))
            for bonus in terms["bonuses"]:
                old, new = before, (before[0] + whole[0], before[1] + whole[1])
                pick = 0 if bonus["metric"] == "REVENUE" else 1
                threshold = bonus["threshold"] if pick == 0 else Fraction(bonus["threshold"], 10**9)
                if old[pick] < threshold <= new[pick]:
                    bonuses.append((bonus["key"], bonus["amount"]))
        return Stake(
            sum((item.exact for item in items), Fraction(0)),
            sum((item.exact_base for item in items), Fraction(0)) if is_known else None,
            items,
            added,
            bonuses,
        )

    def _earned(self, version: Row | None, case: "Case", stake: Stake, units: tuple[int, int | None]) -> Booked:
        """What the credit earns by its units of what the order earns: cut by caps, and split over the items."""
        amount, base = units
        if version is None:
            return Booked(amount, base, {})
        kept, bonuses = 0, stake.bonuses
        if base is not None:
            if case.rooms and base > min(case.rooms.values()):
                room = min(case.rooms.values())
                amount, base = round(Fraction(amount * room, base)), room
            shares = [item.exact_base for item in stake.lines]
            if base and not any(shares):
                shares = [item.exact for item in stake.lines]
            of_lines = _largest_remainder(base, shares)
            kept = sum(round(part * item.left) for part, item in zip(of_lines, stake.lines, strict=True))
            bonuses = _within(bonuses, [room for cap, room in case.rooms.items() if cap != "ORDER"], kept)
        parts = _largest_remainder(amount, [item.exact for item in stake.lines])
        named = {item.place: part for item, part in zip(stake.lines, parts, strict=True) if item.rule is not None}
        return Booked(amount, base, named, bonuses, kept)

    def _items(self, revenue: Rows, is_known: bool, back: Mapping[int, int]) -> list[Line]:
        items = [row for row in revenue if row["amount_minor"] >= 0]
        taken = sum(back.get(row["position"], 0) for row in revenue)
        is_gone = any(back.values()) and taken == sum(row["amount_minor"] for row in revenue)
        off = sum(row["amount_minor"] for row in revenue if row["amount_minor"] < 0)
        amounts = [row["amount_minor"] for row in items]
        less = _largest_remainder(off, [Fraction(amount) for amount in amounts])
        nets = [amount + part for amount, part in zip(amounts, less, strict=True)]
        bases = [0] * len(nets)
        if is_known and sum(nets):
            bases = nets
            if any(row["amount_minor"] != row["amount_base_minor"] for row in revenue):
                whole = sum(row["amount_base_minor"] for row in revenue)
                bases = _largest_remainder(whole, [Fraction(net) for net in nets])
        return [
            Line(
                (row["position"], row["product_id"]),
                net,
                base,
                row["quantity"],
                self.products.get(row["product_id"]),
                Fraction(0) if is_gone else 1 - Fraction(back.get(row["position"], 0), row["amount_minor"]),
            )
            for row, net, base in zip(items, nets, bases, strict=True)
            if net > 0
        ]

    def _fits(self, rule: Row, case: "Case") -> bool:
        when, recurring = rule["when"], rule["recurring"]
        if when["customerKind"] not in (None, case.kind):
            return False
        if when["countries"] and case.order["country"] not in when["countries"]:
            return False
        if when["codes"] and case.credit["code"] not in when["codes"]:
            return False
        if rule["kind"] == "PERCENTAGE" and rule["rate"] is None and case.own_rate is None:
            return False
        if recurring is None:
            return True
        if case.repeats is None:
            return False
        if recurring["ordersMax"] is not None and len(case.repeats) >= recurring["ordersMax"]:
            return False
        if recurring["monthsMax"] is None or not case.repeats:
            return True
        first = min(case.repeats).astimezone(self.zone)
        months = first.year * 12 + first.month - 1 + recurring["monthsMax"]
        year, month = divmod(months, 12)
        day = first.day
        while True:
            try:
                until = first.replace(year=year, month=month + 1, day=day)
                break
            except ValueError:
                day -= 1
        end: datetime = until
        happened: datetime = case.order["occurred_at"]
        return happened - end < timedelta(0)


@dataclass
class Case:
    """A credit as it stood when it was rated."""

    order: Row
    credit: Row
    period: Any
    factor: Fraction | None
    rooms: dict[str, int]
    kind: str | None
    before: dict[str, tuple[int, Fraction]]
    repeats: list[datetime] | None
    own_rate: Fraction | None


def newest_lines(rows: Rows) -> list[Row]:
    """The lines of an order as they are now."""
    newest: dict[int, Row] = {}
    for each in sorted(rows, key=lambda row: (row["version"], not row["is_reversal"])):
        newest[each["position"]] = each
    return [newest[position] for position in sorted(newest) if not newest[position]["is_reversal"]]


def given_back(booked: Booked, lines: Rows, refunds: Rows) -> int:
    """What the credit's commission gives back for the refunds: line by line, everything once all revenue is back."""
    amounts: dict[int, int] = {row["position"]: row["amount_minor"] for row in lines if row["kind"] in REVENUE}
    back: dict[int, int] = defaultdict(int)
    for row in refunds:
        if row["kind"] in REVENUE:
            back[row["position"]] += row["amount_minor"]
    if any(back.values()) and sum(back.values()) == sum(amounts.values()):
        return booked.amount
    return sum(
        round(Fraction(part * back[place[0]], amounts[place[0]])) for place, part in booked.lines.items() if part
    )


def _counts(version: Row) -> bool:
    terms = version["terms"]
    has_tiers = any(rule["kind"] == "TIERS" for rule in terms["rules"])
    return bool(has_tiers or terms["bonuses"] or terms["caps"].keys() - {"ORDER"})


def _units(stakes: Sequence[Stake]) -> list[tuple[int, int | None]]:
    """The whole units of each credit of one order, in the order's currency, and in the tenant's where it is known."""
    amounts = _together([stake.exact for stake in stakes])
    known = iter(_together([stake.base for stake in stakes if stake.base is not None]))
    return [
        (amount, None if stake.base is None else next(known)) for stake, amount in zip(stakes, amounts, strict=True)
    ]


def _together(exact: Sequence[Fraction]) -> list[int]:
    """What is earned in all, rounded once, goes out unit by unit: to whom most is missing, the oldest of equal ones."""
    parts = [int(value) for value in exact]
    while sum(parts) < round(sum(exact, Fraction(0))):
        missing = [value - part for value, part in zip(exact, parts, strict=True)]
        parts[missing.index(max(missing))] += 1
    return parts


def _by(rows: Rows, name: str) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[name]].append(row)
    return found


def _counted(items: Sequence[Line], weight: Fraction) -> tuple[int, Fraction]:
    revenue = round(sum(round(item.base * item.left) for item in items) * weight)
    return revenue, weight if any(item.left for item in items) else Fraction(0)


def _needs_rate(rule: Row) -> bool:
    if rule["kind"] == "TIERS":
        return bool(rule["metric"] == "REVENUE" or rule["mode"] == "WHOLE_VOLUME")
    return rule["kind"] in ("PER_ORDER", "PER_ITEM")


def _takes(rule: Row, item: Line) -> bool:
    when, product = rule["when"], item.product or {"external_id": None, "category": None}
    return (not when["products"] or product["external_id"] in when["products"]) and (
        not when["categories"] or product["category"] in when["categories"]
    )


def _share(items: Iterable[Line], rate: Fraction) -> None:
    for item in items:
        item.exact, item.exact_base = item.net * rate, item.base * rate


def _tiered(rule: Row, before: tuple[int, Fraction], added: tuple[int, Fraction]) -> tuple[Fraction, int]:
    pick = 0 if rule["metric"] == "REVENUE" else 1
    steps = [(Fraction(start, 1 if pick == 0 else 10**9), Fraction(rate, 10**6)) for start, rate in rule["tiers"]]
    low, high = Fraction(before[pick]), Fraction(before[pick] + added[pick])

    def reached(volume: Fraction) -> Fraction:
        return [rate for start, rate in steps if start <= volume][-1]

    if rule["mode"] == "WHOLE_VOLUME":
        return reached(high), round(before[0] * (reached(high) - reached(low)))
    if low == high:
        return reached(low), 0
    earned = Fraction(0)
    for number, (start, rate) in enumerate(steps):
        end = steps[number + 1][0] if number + 1 < len(steps) else high
        earned += max(Fraction(0), min(end, high) - max(start, low)) * rate
    return earned / (high - low), 0


def _within(bonuses: list[tuple[str, int]], rooms: list[int], base: int) -> list[tuple[str, int]]:
    left = min(rooms) - base if rooms else None
    kept = []
    for key, amount in bonuses:
        given = amount if left is None else max(0, min(amount, left))
        if given:
            kept.append((key, given))
            left = None if left is None else left - given
    return kept


def _largest_remainder(total: int, shares: Sequence[Fraction]) -> list[int]:
    whole = sum(shares, Fraction(0))
    if not whole:
        return [0] * len(shares)
    exact = [total * share / whole for share in shares]
    parts = [value.numerator // value.denominator for value in exact]
    order = sorted(range(len(parts)), key=lambda index: (-(exact[index] - parts[index]), index))
    for index in order[: total - sum(parts)]:
        parts[index] += 1
    return parts
