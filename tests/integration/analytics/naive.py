"""Answers computed the slow way from rows in memory, by the words of SEMANTICS.md: shares no code with the compiler."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from tests.factories.facts import REVENUE, Facts

Keys = dict[str, Any]
DIGITS = {"JPY": 0}


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
    commission: int = 0
    # The sums that decide whether a group is listed, beside those above.
    commission_states: dict[str, int] = field(default_factory=lambda: defaultdict(int))


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

    def cells(
        self,
        start: datetime,
        end: datetime,
        *,
        by: Sequence[str] = (),
        where: Callable[[Keys], bool] = lambda _: True,
        edges: Sequence[datetime] = (),
        uses_product: bool = False,
    ) -> dict[tuple[Any, ...], Cell]:
        """Cells by (key, …, bucket number from 0 when edges are given)."""
        original = "currency" in by
        product = uses_product or "product" in by
        found: dict[tuple[Any, ...], Cell] = defaultdict(Cell)

        def cell(at: datetime, keys: Keys) -> tuple[Cell, datetime] | None:
            if not start <= at < end or not where(keys):
                return None
            key = tuple(keys.get(name) for name in by)
            begin = start
            if edges:
                number = max(index for index, edge in enumerate(edges) if edge <= at)
                key = (*key, number)
                begin = max(start, edges[number])
            return found[key], begin

        for row in self.facts.rows["instances"]:
            hit = cell(row["occurred_at"], _touch_keys(row) | {"country": row["country"]})
            if hit:
                hit[0].instances += 1
                hit[0].clicks += row["kind"] == "CLICK"
                hit[0].purchases += row["kind"] == "PURCHASE"
                hit[0].visitors |= {row["visitor_id"]} - {None}
        for credit in self.facts.rows["credits"]:
            self._order(credit, cell, product, by)
            self._lines(credit, cell, original)
        for row in self.facts.rows["adjustments"]:
            keys = {"product": row["product_id"], "country": row["country"], "currency": row["currency"]}
            hit = cell(row["occurred_at"], keys)
            if hit:
                hit[0].refunds += _amount(row, original)
        self._commissions(cell, product, original)
        return dict(found)

    def _order(self, credit: dict[str, Any], cell: Any, product: bool, by: Sequence[str]) -> None:
        weight = credit["weight_booked"]
        if not weight:
            return
        keys = _credit_keys(credit)
        if not product:
            hits = [cell(credit["occurred_at"], keys)]
        else:
            items = self.facts.of_order("order_lines", credit["order_id"])
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
            found, begin = hit
            found.orders += Fraction(weight, 10**9)
            customer = credit["customer_id"]
            if customer is not None:
                found.customers.add(customer)
                if self.first_order[customer] >= begin:
                    found.new_customers.add(customer)

    def _lines(self, credit: dict[str, Any], cell: Any, original: bool) -> None:
        weight = Fraction(credit["weight_booked"], 10**9)
        if not weight:
            return
        keys = _credit_keys(credit)
        for line in self.facts.of_order("order_lines", credit["order_id"]):
            hit = cell(line["occurred_at"], keys | {"product": line["product_id"]})
            if hit and line["kind"] in REVENUE:
                hit[0].gross += _amount(line, original) * weight
                if line["kind"] == "ITEM":
                    hit[0].units += line["quantity"] * weight
        for line in self.facts.of_order("refund_lines", credit["order_id"]):
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
            }
            hit = cell(row["occurred_at"], keys)
            if hit:
                amount = int(_amount(part, original))
                hit[0].commission += amount
                hit[0].commission_states[row["state"]] += amount


def value(measure: str, cell: Cell, currency: str = "GBP") -> int | Decimal | None:
    """A measure of a cell, as it is shown."""
    digits = DIGITS.get(currency, 2)
    major = 10**digits
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
            return _rounded((cell.gross - cell.refunds) / major, digits)
        case "averageOrderValue":
            return None if not cell.orders else _rounded(cell.gross / cell.orders / major, digits)
        case "conversionRate":
            return None if not cell.instances else _rounded(Fraction(cell.purchases, cell.instances), 6)
        case "orderRate":
            return None if not cell.clicks else _rounded(cell.orders / cell.clicks, 6)
        case "commission":
            return _rounded(Fraction(cell.commission, major), digits)
        case "earningsPerClick":
            return None if not cell.clicks else _rounded(Fraction(cell.commission, cell.clicks * major), 6)
    raise AssertionError(measure)


def is_listed(measures: Iterable[str], cell: Cell) -> bool:
    """Whether a group is listed: some sum that the measures are made of is not 0."""
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
        "commission": list(cell.commission_states.values()),
        "earningsPerClick": [*cell.commission_states.values(), cell.clicks],
    }
    return any(any(sums.get(name) or [getattr(cell, name)]) for name in measures)


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


def _credit_keys(credit: dict[str, Any]) -> Keys:
    return _touch_keys(credit) | {"country": credit["country"], "currency": credit["currency"]}
