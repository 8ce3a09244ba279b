"""Cohort tables computed from rows in memory, by the words of SEMANTICS.md: shares no code with the app."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tests.factories.facts import REVENUE, Facts
from tests.integration.analytics.naive import _rounded as rounded
from tests.oracle.calendar import edges

Keys = dict[str, Any]
Passes = Callable[[Keys], bool]
Convert = Callable[[int, int | None, str, datetime], int | None]
"""From the minor units of a fact, those in the tenant's currency, its own currency, and the day of its rate."""

Cells = list[tuple[Decimal | None, bool]]
TOUCH = ("influencer", "campaign")
PLAIN = ("code", "platform", "channel", "country")


@dataclass(frozen=True, slots=True)
class Told:
    """What a table is asked by. who: of which influencers a fact may pass the filter."""

    by: str
    every: str
    periods: int
    measure: str
    zone: str
    passes: Passes = lambda _: True
    who: Callable[[UUID], bool] = lambda _: True


@dataclass(frozen=True, slots=True)
class Deed:
    """A credited order of somebody, or what of its revenue lies at one time."""

    at: datetime
    member: UUID | None
    customer: UUID | None
    keys: Keys
    orders: Fraction = Fraction(0)
    revenue: Fraction = Fraction(0)
    is_unknown: bool = False


class NaiveCohorts:
    """The facts, ready to be told apart by cohort."""

    def __init__(self, facts: Facts, convert: Convert | None = None, digits: int = 2) -> None:
        self.facts = facts
        self.convert = convert or (lambda minor, base, currency, at: base)
        self.digits = digits
        self.missing = 0
        self.first_order: dict[UUID, datetime] = {}
        self.lines: dict[tuple[str, UUID], list[dict[str, Any]]] = defaultdict(list)
        for table in ("order_lines", "refund_lines"):
            for line in facts.rows[table]:
                self.lines[table, line["order_id"]].append(line)
        for credit in facts.rows["credits"]:
            self._first(self.first_order, credit["customer_id"], credit["occurred_at"])

    def table(self, told: Told, start: datetime, end: datetime, now: datetime) -> list[tuple[date, int, Cells]]:
        """Start, size and cells of each cohort that starts in [start, end) and not after now.

        Counts in `missing` the amounts of the cells that are not known.
        """
        self.missing = 0
        far = end + timedelta(days=400 * (told.periods + 1) if told.every in ("QUARTER", "YEAR") else 40 * told.periods)
        marks = edges(start, max(far, now), told.every, told.zone)
        cohorts = [index for index, mark in enumerate(marks) if start <= mark < end and mark <= now]
        placed: dict[UUID, int] = dict(self._members(told, marks))
        cells: dict[tuple[int, int], list[Deed]] = defaultdict(list)
        for deed in self._deeds(told):
            cohort = None if deed.member is None else placed.get(deed.member)
            if cohort is not None and told.passes(deed.keys):
                cells[cohort, _bucket(deed.at, marks) - cohort].append(deed)
        found = []
        for cohort in cohorts:
            size = sum(mine == cohort for mine in placed.values())
            deeds: list[Deed] = []
            row: Cells = []
            for period in range(told.periods):
                here = cells[cohort, period]
                deeds += here
                self.missing += sum(deed.is_unknown for deed in here) if marks[cohort + period] <= now else 0
                is_begun, is_over = marks[cohort + period] <= now, marks[cohort + period + 1] <= now
                row.append((self._value(told, here, deeds, size) if is_begun else None, is_over))
            found.append((marks[cohort].astimezone(ZoneInfo(told.zone)).date(), size, row))
        return found

    def _value(self, told: Told, here: list[Deed], so_far: list[Deed], size: int) -> Decimal | None:
        if told.measure == "RETAINED_CUSTOMERS":
            return Decimal(len({deed.customer for deed in here if deed.orders} - {None}))
        if told.measure == "CUMULATIVE_REVENUE":
            return rounded(sum((deed.revenue for deed in so_far), Fraction(0)) / 10**self.digits, self.digits)
        if not size:
            return None
        return rounded(sum((deed.orders for deed in so_far), Fraction(0)) / size, 6)

    # -------------------------------------------------------------- members

    def _members(self, told: Told, marks: list[datetime]) -> Iterator[tuple[UUID, int]]:
        if told.by == "INFLUENCER_JOINED":
            for row in self.facts.rows["influencers"]:
                dates = [row["created_at"]]
                dates += [one["occurred_at"] for one in self._of_influencer("instances", row["id"])]
                booked = self._of_influencer("credits", row["id"])
                dates += [one["occurred_at"] for one in booked if one["weight_booked"]]
                if told.who(row["id"]) and min(dates) >= marks[0]:
                    yield row["id"], _bucket(min(dates), marks)
            return
        touches = self._orders_as_touches if told.by == "FIRST_ORDER" else self._instances_as_touches
        theirs: dict[UUID, list[tuple[datetime, Keys | None]]] = defaultdict(list)
        for customer, at, keys in touches():
            theirs[customer].append((at, keys))
        for customer, found in theirs.items():
            first = min(at for at, _ in found)
            bucket = _bucket(first, marks)
            in_bucket = [keys for at, keys in found if _bucket(at, marks) == bucket]
            if first >= marks[0] and any(keys is not None and told.passes(keys) for keys in in_bucket):
                yield customer, bucket

    def _of_influencer(self, table: str, influencer_id: UUID) -> list[dict[str, Any]]:
        return [row for row in self.facts.rows[table] if row["influencer_id"] == influencer_id]

    def _orders_as_touches(self) -> Iterator[tuple[UUID, datetime, Keys | None]]:
        for credit in self.facts.rows["credits"]:
            customer = credit["customer_id"]
            if customer is None:
                continue
            # Whoever has no share is no reason to be in a cohort, and yet dates the first order.
            yield customer, credit["occurred_at"], None
            if credit["weight_booked"]:
                keys = self._keys(credit)
                products = self._products(credit["order_id"])
                for one in [keys | {"product": each} for each in products] if self._asks_product else [keys]:
                    yield customer, credit["occurred_at"], one

    def _instances_as_touches(self) -> Iterator[tuple[UUID, datetime, Keys | None]]:
        owners: dict[str, set[UUID]] = defaultdict(set)
        for order in self.facts.rows["orders"]:
            if order["visitor_id"] and order["customer_id"] and not order["is_test"]:
                owners[order["visitor_id"]].add(order["customer_id"])
        for row in self.facts.rows["instances"]:
            mine = {row["customer_id"]} if row["customer_id"] else owners.get(row["visitor_id"], set())
            for customer in mine:
                yield customer, row["occurred_at"], _touch_keys(row)

    # -------------------------------------------------------------- deeds

    _asks_product = False

    def _deeds(self, told: Told) -> Iterator[Deed]:
        is_joined = told.by == "INFLUENCER_JOINED"
        for credit in self.facts.rows["credits"]:
            if not credit["weight_booked"]:
                continue
            weight = Fraction(credit["weight_booked"], 10**9)
            member = credit["influencer_id"] if is_joined else credit["customer_id"]
            who = (member, credit["customer_id"])
            keys = self._keys(credit)
            if told.measure == "CUMULATIVE_REVENUE":
                for table, sign in (("order_lines", 1), ("refund_lines", -1)):
                    for line in self.lines[table, credit["order_id"]]:
                        if line["kind"] in REVENUE:
                            of_line = keys | {"product": line["product_id"]}
                            # A refund has its order's rate.
                            yield self._paid(line, *who, of_line, weight * sign, credit["occurred_at"])
                continue
            products = [keys | {"product": product} for product in self._products(credit["order_id"])]
            # With a filter by product an order is what one of its products makes it.
            passing = [one for one in products if told.passes(one)] if self._asks_product else [keys]
            for one in passing[:1]:
                yield Deed(credit["occurred_at"], *who, one, orders=weight)
        if told.measure == "CUMULATIVE_REVENUE" and not is_joined:
            for row in self.facts.rows["adjustments"]:
                keys = dict.fromkeys((*TOUCH, *PLAIN, "customer_kind")) | {
                    "product": row["product_id"],
                    "country": row["country"],
                }
                yield self._paid(row, row["customer_id"], None, keys, Fraction(-1), row["occurred_at"])

    def _paid(
        self,
        row: dict[str, Any],
        member: UUID | None,
        customer: UUID | None,
        keys: Keys,
        weight: Fraction,
        rated_at: datetime,
    ) -> Deed:
        minor = self.convert(row["amount_minor"], row["amount_base_minor"], row["currency"], rated_at)
        revenue = Fraction(minor or 0) * weight
        return Deed(row["occurred_at"], member, customer, keys, revenue=revenue, is_unknown=minor is None)

    def _keys(self, credit: dict[str, Any]) -> Keys:
        kind = None
        if credit["customer_id"]:
            kind = "NEW" if self.first_order[credit["customer_id"]] == credit["occurred_at"] else "RETURNING"
        return _touch_keys(credit) | {"customer_kind": kind}

    def _products(self, order_id: UUID) -> list[UUID | None]:
        live: dict[UUID | None, int] = defaultdict(int)
        for line in self.lines["order_lines", order_id]:
            if line["kind"] == "ITEM":
                live[line["product_id"]] += -1 if line["is_reversal"] else 1
        return [product for product, count in live.items() if count > 0]

    @staticmethod
    def _first(known: dict[UUID, datetime], who: UUID | None, at: datetime) -> None:
        if who is not None:
            known[who] = min(known.get(who, at), at)


class ByProduct(NaiveCohorts):
    """The same where the filter looks at products: an order is as good as its products, one without any is none."""

    _asks_product = True


def _touch_keys(row: dict[str, Any]) -> Keys:
    return {name: row[f"{name}_id"] for name in TOUCH} | {name: row[name] for name in PLAIN}


def _bucket(at: datetime, marks: list[datetime]) -> int:
    return bisect_right(marks, at) - 1
