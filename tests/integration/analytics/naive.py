"""Answers computed the slow way from rows in memory, by the words of SEMANTICS.md: shares no code with the compiler."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tests.factories.facts import REVENUE, Facts

Keys = dict[str, Any]
DIGITS = {"JPY": 0}
FIGURES = ("likes", "comments", "shares", "views")
LOCAL: dict[str, Callable[[datetime], int]] = {
    "hour_of_day": lambda at: at.hour,
    "day_of_week": datetime.isoweekday,
}


@dataclass(slots=True)
class Cell:
    """What falls into one cell."""

    instances: int = 0
    clicks: int = 0
    purchases: int = 0
    visitors: set[str] = field(default_factory=set)
    orders: Fraction = Fraction(0)
    customers: set[UUID] = field(default_factory=set)
    new_customers: set[UUID] = field(default_factory=set)
    units: Fraction = Fraction(0)
    gross: Fraction = Fraction(0)
    refunds: Fraction = Fraction(0)
    spend: Fraction = Fraction(0)
    payouts: Fraction = Fraction(0)
    # What was taken back counts as negative.
    commission_states: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    # Of orders whose lines all have a rate.
    order_values: dict[UUID, int] = field(default_factory=dict)
    # Growth of each figure of posts, and how many snapshots told it.
    grown: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    told: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def commission(self) -> int:
        """Net."""
        return sum(self.commission_states.values())


class Naive:
    """The facts as rows with keys, ready to be filtered and grouped."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.first_order: dict[UUID, datetime] = {}
        for credit in facts.rows["credits"]:
            customer = credit["customer_id"]
            if customer is not None:
                known = self.first_order.get(customer, credit["occurred_at"])
                self.first_order[customer] = min(known, credit["occurred_at"])
        self.order_lines: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
        for line in facts.rows["order_lines"]:
            self.order_lines[line["order_id"]].append(line)
        self.refund_lines: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
        for line in facts.rows["refund_lines"]:
            self.refund_lines[line["order_id"]].append(line)

    def cells(
        self,
        start: datetime,
        end: datetime,
        *,
        by: Sequence[str] = (),
        where: Callable[[Keys], bool] = lambda _: True,
        edges: Sequence[datetime] = (),
        uses_product: bool = False,
        zone: str = "Europe/London",
    ) -> dict[tuple[Any, ...], Cell]:
        """Cells by (key, …, bucket number from 0 when edges are given). zone: of the local clock."""
        original = "currency" in by
        product = uses_product or "product" in by
        found: dict[tuple[Any, ...], Cell] = defaultdict(Cell)
        clocks = {name: LOCAL[name] for name in by if name in LOCAL}

        def local(at: datetime) -> Keys:
            return {name: read(at.astimezone(ZoneInfo(zone))) for name, read in clocks.items()}

        def cell(at: datetime, keys: Keys) -> tuple[Cell, Callable[[datetime], bool]] | None:
            if not start <= at < end or not where(keys):
                return None
            here = local(at)
            keys = keys | here
            key = tuple(keys.get(name) for name in by)
            begin = start
            if edges:
                number = max(index for index, edge in enumerate(edges) if edge <= at)
                key = (*key, number)
                begin = max(start, edges[number])
            return found[key], lambda first: first >= begin and local(first) == here

        for row in self.facts.rows["instances"]:
            hit = cell(row["occurred_at"], _instance_keys(row))
            if hit:
                hit[0].instances += 1
                hit[0].clicks += row["kind"] == "CLICK"
                hit[0].purchases += row["kind"] == "PURCHASE"
                hit[0].visitors |= {row["visitor_id"]} - {None}
        for credit in self.facts.rows["credits"]:
            self._order(credit, cell, product, by, original)
            self._lines(credit, cell, original)
        for row in self.facts.rows["adjustments"]:
            keys = {"product": row["product_id"], "country": row["country"], "currency": row["currency"]}
            hit = cell(row["occurred_at"], keys)
            if hit:
                hit[0].refunds += _amount(row, original)
        self._commissions(cell, product, original)
        self._reach(cell, original)
        return dict(found)

    def _credit_keys(self, credit: dict[str, Any]) -> Keys:
        customer = credit["customer_id"]
        kind = None
        if customer is not None:
            kind = "NEW" if self.first_order[customer] == credit["occurred_at"] else "RETURNING"
        own = {"country": credit["country"], "currency": credit["currency"], "customer_kind": kind}
        return _touch_keys(credit) | own

    def _order(self, credit: dict[str, Any], cell: Any, product: bool, by: Sequence[str], original: bool) -> None:
        weight = credit["weight_booked"]
        if not weight:
            return
        keys = self._credit_keys(credit)
        if not product:
            hits = [cell(credit["occurred_at"], keys)]
        else:
            items = self.order_lines[credit["order_id"]]
            live: dict[Any, int] = defaultdict(int)
            for line in items:
                if line["kind"] == "ITEM":
                    live[line["product_id"]] += -1 if line["is_reversal"] else 1
            products = [item for item, count in live.items() if count > 0]
            hits = [cell(credit["occurred_at"], keys | {"product": item}) for item in products]
            if "product" not in by:
                hits = [hit for hit in hits if hit][:1]
        for hit in hits:
            if not hit:
                continue
            found, is_in_cell = hit
            found.orders += Fraction(weight, 10**9)
            self._value(credit["order_id"], found, original)
            customer = credit["customer_id"]
            if customer is not None:
                found.customers.add(customer)
                if is_in_cell(self.first_order[customer]):
                    found.new_customers.add(customer)

    def _value(self, order_id: UUID, cell: Cell, original: bool) -> None:
        lines = [line for line in self.order_lines[order_id] if line["kind"] in REVENUE]
        if original or all(line["amount_base_minor"] is not None for line in lines):
            cell.order_values[order_id] = int(sum(_amount(line, original) for line in lines))

    def _lines(self, credit: dict[str, Any], cell: Any, original: bool) -> None:
        weight = Fraction(credit["weight_booked"], 10**9)
        if not weight:
            return
        keys = self._credit_keys(credit)
        for line in self.order_lines[credit["order_id"]]:
            hit = cell(line["occurred_at"], keys | {"product": line["product_id"]})
            if hit and line["kind"] in REVENUE:
                hit[0].gross += _amount(line, original) * weight
                if line["kind"] == "ITEM":
                    hit[0].units += line["quantity"] * weight
        for line in self.refund_lines[credit["order_id"]]:
            hit = cell(line["occurred_at"], keys | {"product": line["product_id"]})
            if hit and line["kind"] in REVENUE:
                hit[0].refunds += _amount(line, original) * weight

    def _commissions(self, cell: Any, product: bool, original: bool) -> None:
        rows = {row["id"]: row for row in self.facts.rows["commissions"]}
        parts = [(row, row) for row in rows.values()]
        if product:
            parts = [(rows[part["commission_id"]], part) for part in self.facts.rows["commission_lines"]]
        for row, part in parts:
            keys = {
                "influencer": row["influencer_id"],
                "campaign": row["campaign_id"],
                "code": row["code"],
                "currency": row["currency"],
                "product": part.get("product_id"),
                "commission_state": row["state"],
            }
            hit = cell(row["occurred_at"], keys)
            if hit:
                hit[0].commission_states[row["state"]] += int(_amount(part, original))

    def _reach(self, cell: Any, original: bool) -> None:
        for row in self.facts.rows["spend"]:
            keys = {"influencer": row["influencer_id"], "campaign": row["campaign_id"], "currency": row["currency"]}
            hit = cell(row["occurred_at"], keys)
            if hit:
                hit[0].spend += _amount(row, original)
        for row in self.facts.rows["payout_payments"]:
            keys = {"influencer": row["influencer_id"], "currency": row["currency"]}
            hit = cell(row["occurred_at"], keys)
            if hit:
                hit[0].payouts += _amount(row, original)
        before: dict[tuple[str, str, str], int] = defaultdict(int)
        for row in sorted(self.facts.rows["engagement_snapshots"], key=lambda each: each["occurred_at"]):
            keys = {"influencer": row["influencer_id"], "campaign": row["campaign_id"], "platform": row["platform"]}
            hit = cell(row["occurred_at"], keys)
            for figure in FIGURES:
                known = row[figure]
                if known is None:
                    continue
                post = (row["platform"], row["post_id"], figure)
                if hit:
                    hit[0].grown[figure] += known - before[post]
                    hit[0].told[figure] += 1
                before[post] = known


def value(
    measure: str,
    cell: Cell,
    currency: str = "GBP",
    *,
    at: float = 0.5,
    states: Iterable[str] | None = None,
) -> int | Decimal | None:
    """A measure of a cell, as it is shown. at: of a quantile. states: of commission."""
    digits = DIGITS.get(currency, 2)
    major = 10**digits
    net = cell.gross - cell.refunds
    match measure:
        case "instances" | "clicks" | "purchases":
            return int(getattr(cell, measure))
        case "nonPurchases":
            return cell.instances - cell.purchases
        case "visitors" | "customers":
            return len(getattr(cell, measure))
        case "newCustomers":
            return len(cell.new_customers)
        case "orders" | "units":
            return _rounded(getattr(cell, measure), 9)
        case "grossRevenue":
            return _rounded(cell.gross / major, digits)
        case "refunds":
            return _rounded(cell.refunds / major, digits)
        case "netRevenue":
            return _rounded(net / major, digits)
        case "averageOrderValue":
            return None if not cell.orders else _rounded(cell.gross / cell.orders / major, digits)
        case "conversionRate":
            return None if not cell.instances else _rounded(Fraction(cell.purchases, cell.instances), 6)
        case "orderRate":
            return None if not cell.clicks else _rounded(cell.orders / cell.clicks, 6)
        case "clickThroughRate":
            return None if not cell.grown["views"] else _rounded(Fraction(cell.clicks, cell.grown["views"]), 6)
        case "commission":
            amounts = cell.commission_states
            named = sum((-1 if state == "REVERSED" else 1) * amounts[state] for state in set(states or ()))
            return _rounded(Fraction(cell.commission if states is None else named, major), digits)
        case "payouts":
            return _rounded(cell.payouts / major, digits)
        case "spend":
            return _rounded(cell.spend / major, digits)
        case "profit":
            return _rounded((net - cell.commission - cell.spend) / major, digits)
        case "returnOnSpend":
            spent = cell.commission + cell.spend
            return None if not spent else _rounded(net / spent, 6)
        case "orderValueQuantile":
            ranked = sorted(cell.order_values.values())
            nearest = max(math.ceil(at * len(ranked)) - 1, 0)
            return _rounded(Fraction(ranked[nearest], major), digits) if ranked else None
        case "engagements" | "engagementRate":
            told = any(cell.told[figure] for figure in FIGURES[:3])
            grown = sum(cell.grown[figure] for figure in FIGURES[:3])
            if measure == "engagements":
                return grown if told else None
            views = cell.grown["views"]
            return None if not told or not views else _rounded(Fraction(grown, views), 6)
        case "earningsPerClick":
            return None if not cell.clicks else _rounded(Fraction(cell.commission, cell.clicks * major), 6)
        case "postLikes" | "postComments" | "postShares" | "postViews":
            figure = measure.removeprefix("post").lower()
            return cell.grown[figure] if cell.told[figure] else None
    raise AssertionError(measure)


def is_listed(measures: Iterable[str], cell: Cell) -> bool:
    """Whether a group is listed: some sum that the measures are made of is not 0."""
    states = list(cell.commission_states.values())
    figures = {name: [cell.grown[name], cell.told[name]] for name in FIGURES}
    engagements = [*figures["likes"], *figures["comments"], *figures["shares"]]
    earned = [cell.gross, cell.refunds, *states, cell.spend]
    sums: dict[str, list[Any]] = {
        "nonPurchases": [cell.instances, cell.purchases],
        "newCustomers": [len(cell.new_customers)],
        "visitors": [len(cell.visitors)],
        "customers": [len(cell.customers)],
        "grossRevenue": [cell.gross],
        "netRevenue": [cell.gross, cell.refunds],
        "averageOrderValue": [cell.gross, cell.orders],
        "conversionRate": [cell.purchases, cell.instances],
        "orderRate": [cell.orders, cell.clicks],
        "clickThroughRate": [cell.clicks, cell.grown["views"]],
        "orderValueQuantile": [len(cell.order_values)],
        "commission": states,
        "profit": earned,
        "returnOnSpend": earned,
        "earningsPerClick": [*states, cell.clicks],
        "engagements": engagements,
        "engagementRate": [*engagements, cell.grown["views"]],
    }
    sums |= {f"post{name.capitalize()}": found for name, found in figures.items()}
    return any(any(sums[name] if name in sums else [getattr(cell, name)]) for name in measures)


def _rounded(number: Fraction, digits: int) -> Decimal:
    scaled = number * 10**digits
    floor = scaled.numerator // scaled.denominator
    rest = scaled - floor
    up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and floor % 2 == 1)
    return Decimal(floor + up).scaleb(-digits).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN)


def _amount(row: dict[str, Any], original: bool) -> Fraction:
    amount = row["amount_minor"] if original else row["amount_base_minor"]
    return Fraction(amount or 0)


def _touch_keys(row: dict[str, Any]) -> Keys:
    return {
        "influencer": row["influencer_id"],
        "campaign": row["campaign_id"],
        "code": row["code"],
        "platform": row["platform"],
        "channel": row["channel"],
    }


def _instance_keys(row: dict[str, Any]) -> Keys:
    is_purchase = "true" if row["kind"] == "PURCHASE" else "false"
    return _touch_keys(row) | {"country": row["country"], "is_purchase": is_purchase}
