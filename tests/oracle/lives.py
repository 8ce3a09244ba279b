"""What an influencer earned, is owed and was paid, computed a second way: from the facts of orders and from what people
did, one after the other. Written from app/SEMANTICS.md; imports nothing of `app`.

Amounts are minor units; what is owed is positive.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

Row = Mapping[str, Any]
Rows = Sequence[Row]
REVENUE = ("ITEM", "DISCOUNT")
UNDER_WAY = ("RESERVED", "SENT")
DAY = timedelta(hours=24)


@dataclass(frozen=True)
class Deed:
    """Something that was done at a time, and was not refused. of: the order's name, the item's id, or nothing."""

    at: datetime
    what: str
    of: Any = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Credit:
    """What one order earns: its facts, and the rows that were written for it, in order of time: the states they should
    be in, what should be left of each, and what was taken back of it. before: where what is PAID stood until then.
    """

    name: str
    currency: str
    occurred_at: datetime
    sold: list[tuple[datetime, int]]
    back: list[tuple[datetime, int]]
    accrual: Any = None
    states: dict[Any, str] = field(default_factory=dict)
    left: dict[Any, int] = field(default_factory=dict)
    taken: dict[Any, int] = field(default_factory=lambda: defaultdict(int))
    before: dict[Any, str] = field(default_factory=dict)
    paid_at: list[datetime] = field(default_factory=list)
    is_suspect: bool = False
    rejected_at: datetime | None = None
    clawed: int = 0
    invoiced: int = 0

    @property
    def state(self) -> str:
        """Where what is not paid stands, and what is earned further."""
        unpaid = {state for state in self.states.values() if state != "PAID"}
        return unpaid.pop() if unpaid else "APPROVED"

    @property
    def unpaid(self) -> int:
        """What is left of rows that are not paid."""
        return sum(self.left[row] for row, state in self.states.items() if state != "PAID")

    def earn(self, row: Any, state: str, amount: int) -> None:
        """A row that earns."""
        self.states[row], self.left[row] = state, amount

    def take(self, amount: int, *, invoices: bool) -> None:
        """What is not paid gives first, the newest row first, then what is paid: that is clawed back."""
        newest = list(self.states)[::-1]
        for row in sorted(newest, key=lambda row: self.states[row] == "PAID"):
            part = min(amount, max(self.left[row], 0))
            amount -= part
            self._shift(row, part)
            if self.states[row] == "PAID":
                self.clawed += part
                self.invoiced += part if invoices else 0
        self._rest(amount)

    def give(self, amount: int) -> None:
        """What was clawed back is given back first, the oldest row first, then what was taken from what is not paid."""
        for row in [row for row, state in self.states.items() if state == "PAID"]:
            part = min(amount, self.taken[row], self.clawed)
            amount -= part
            self._shift(row, -part)
            self.clawed -= part
            self.invoiced -= min(part, self.invoiced)
        for row in [row for row, state in self.states.items() if state != "PAID"][::-1]:
            part = min(amount, self.taken[row])
            amount -= part
            self._shift(row, -part)
        self._rest(-amount)

    def come_back(self, row: Any) -> None:
        """A row is not paid after all: it stands where it stood, or where the rest is if that is stricter."""
        part = min(self.clawed, self.taken[row])
        self.clawed -= part
        self.invoiced -= min(part, self.invoiced)
        unpaid = {state for state in self.states.values() if state != "PAID"}
        now = max({self.before[row], *unpaid}, key=("APPROVED", "PENDING", "HELD").index)
        self.states = {each: now if each == row or state != "PAID" else state for each, state in self.states.items()}

    def _shift(self, row: Any, amount: int) -> None:
        self.left[row] -= amount
        self.taken[row] += amount

    def _rest(self, amount: int) -> None:
        # Nobody has it, or lacks it: the newest row that is not paid, or else the newest.
        self._shift(min(list(self.states)[::-1], key=lambda row: self.states[row] == "PAID"), amount)

    def move(self, start: str, to: str) -> None:
        """All of its rows that stand there move together."""
        for row, state in self.states.items():
            if state == start:
                self.states[row] = to

    def gross(self, at: datetime) -> int:
        """What was sold, as it was known then."""
        return sum(amount for known, amount in self.sold if known <= at)

    def refunded(self, at: datetime) -> int:
        """What of it had come back by then."""
        return sum(amount for known, amount in self.back if known <= at)

    def earned(self, rate: Fraction, at: datetime) -> int:
        """By the booked rate, rounded half-even once."""
        return round(self.gross(at) * rate)

    def given_back(self, rate: Fraction, at: datetime) -> int:
        """In proportion to what came back, cumulatively."""
        gross = self.gross(at)
        return round(Fraction(self.earned(rate, at) * self.refunded(at), gross)) if gross else 0

    def net(self, rate: Fraction, at: datetime) -> int:
        """What is left of it; nothing once it was rejected."""
        if self.rejected_at is not None and self.rejected_at <= at:
            return 0
        return self.earned(rate, at) - self.given_back(rate, at)


@dataclass
class Payment:
    """A payout item: what was reserved of a balance, what is paid for it, and for which rows."""

    row: Row
    rows: list[Any]
    state: str = "RESERVED"


@dataclass
class Rules:
    """What the tenant set: days between an order's payment and approval, orders a day that are not suspicious, and
    whether what is taken back after it was paid is invoiced."""

    hold_days: int
    orders_a_day: int
    invoices: bool = False


class Life:
    """An influencer's history, told again. rate: their own. facts: rows of theirs in time's order, by table."""

    def __init__(self, rate: Fraction, rules: Rules, facts: Mapping[str, Rows], exponents: Mapping[str, int]) -> None:
        self.rate, self.rules, self.exponents = rate, rules, exponents
        self.credits = {row["external_id"]: _credit(row, facts) for row in facts["orders"]}
        self.names = {row["id"]: row["external_id"] for row in facts["orders"]}
        self.payments: dict[Any, Payment] = {}
        self.corrections: dict[Any, tuple[str, int, str]] = {}
        self.recorded: list[datetime] = []
        self.wrong: list[str] = []
        self._new = [row for row in facts["commissions"] if row["kind"] != "REJECTION"]

    def live(self, deeds: Sequence[Deed]) -> None:
        """All that happened, in order."""
        for deed in deeds:
            if deed.what == "ordered":
                self._order(deed)
        for deed in deeds:
            self._enter(deed.at)
            getattr(self, f"_{deed.what}", lambda _: None)(deed)

    def states(self) -> dict[Any, str]:
        """The state that each row should be in."""
        found = {id: state for credit in self.credits.values() for id, state in credit.states.items()}
        return found | {id: state for id, (_, _, state) in self.corrections.items()}

    def accounts(self, at: datetime) -> dict[tuple[str, str], int]:
        """What is owed by account and currency, without what is 0."""
        found: dict[tuple[str, str], int] = defaultdict(int)
        for credit in self.credits.values():
            if credit.accrual is None:
                continue
            if sum(credit.left.values()) != credit.net(self.rate, at):
                self.wrong.append(f"of {credit.name} {credit.left} is left, not {credit.net(self.rate, at)}")
            for row, state in credit.states.items():
                account = {"PENDING": "ACCRUED", "HELD": "HELD"}.get(state, "PAYABLE")
                found[account, credit.currency] += credit.left[row]
            found["PAYABLE", credit.currency] += credit.invoiced
            found["INVOICED", credit.currency] -= credit.invoiced
        for currency, amount, _ in self.corrections.values():
            found["PAYABLE", currency] += amount
        for payment in self.payments.values():
            if payment.state in (*UNDER_WAY, "SUCCEEDED"):
                found["PAYABLE", payment.row["reserved_currency"]] -= payment.row["reserved_minor"]
                account = "PAID" if payment.state == "SUCCEEDED" else "PAYING"
                found[account, payment.row["currency"]] += payment.row["amount_minor"]
        return {key: amount for key, amount in found.items() if amount}

    def _order(self, deed: Deed) -> None:
        """More orders a day than the rules allow are suspicious: those recorded before, dated within the day before."""
        credit = self.credits[deed.of]
        near = sum(credit.occurred_at - DAY < other <= credit.occurred_at for other in self.recorded)
        credit.is_suspect = near + 1 > self.rules.orders_a_day
        self.recorded.append(credit.occurred_at)

    def _enter(self, at: datetime) -> None:
        """Rows that were written by then: they start where their credit stands, or take back of it."""
        while self._new and self._new[0]["recorded_at"] <= at:
            row = self._new.pop(0)
            if row["kind"] == "ADJUSTMENT":
                self.corrections[row["id"]] = row["currency"], row["amount_minor"], "APPROVED"
                continue
            credit = self.credits[self.names[row["order_id"]]]
            if row["kind"] == "ACCRUAL":
                credit.accrual = row["id"]
                credit.earn(row["id"], "HELD" if credit.is_suspect else "PENDING", row["amount_minor"])
            elif row["kind"] == "EDIT":
                credit.earn(row["id"], credit.state, row["amount_minor"])
            elif row["amount_minor"] < 0:
                credit.take(-row["amount_minor"], invoices=self.rules.invoices)
            else:
                credit.give(row["amount_minor"])

    def _was_paid_for(self, deed: Deed) -> None:
        self.credits[deed.of].paid_at.append(deed.detail["at"])

    def _held(self, deed: Deed) -> None:
        credit = self.credits[deed.of]
        if credit.state in ("PENDING", "APPROVED"):
            credit.move(credit.state, "HELD")

    def _released(self, deed: Deed) -> None:
        self.credits[deed.of].move("HELD", "PENDING")

    def _approved(self, deed: Deed) -> None:
        credit = self.credits[deed.of]
        if credit.state in ("PENDING", "HELD"):
            if not credit.paid_at or not credit.unpaid:
                self.wrong.append(f"{credit.name} was approved without having been paid for")
            credit.move(credit.state, "APPROVED")

    def _rejected(self, deed: Deed) -> None:
        credit = self.credits[deed.of]
        credit.rejected_at = deed.at
        credit.left = dict.fromkeys(credit.left, 0)

    def _fell_due(self, deed: Deed) -> None:
        """The worker approves what was paid for long enough ago, and of which anything is left."""
        wait = self.rules.hold_days * DAY
        for credit in self.credits.values():
            if (
                credit.accrual is not None
                and credit.state == "PENDING"
                and credit.occurred_at + wait <= deed.at
                and any(at + wait <= deed.at for at in credit.paid_at)
                and credit.unpaid
            ):
                credit.move("PENDING", "APPROVED")

    def _reserved(self, deed: Deed) -> None:
        row = deed.detail
        currency = row["reserved_currency"]
        due = self._payable(currency, deed.at)
        if row["reserved_minor"] != due:
            self.wrong.append(f"{row['id']} pays {row['reserved_minor']} {currency} where {due} is due")
        if row["amount_minor"] != self._converted(row):
            self.wrong.append(f"{row['id']} is converted otherwise: {row['amount_minor']}")
        taken = {id for each in self.payments.values() if each.state in (*UNDER_WAY, "SUCCEEDED") for id in each.rows}
        mine = {id: each.currency for each in self.credits.values() for id in each.states}
        mine |= {id: named for id, (named, _, _) in self.corrections.items()}
        rows = [
            id
            for id, state in self.states().items()
            if state == "APPROVED" and mine[id] == currency and id not in taken
        ]
        self.payments[deed.of] = Payment(row, rows)

    def _succeeded(self, deed: Deed) -> None:
        payment = self.payments[deed.of]
        payment.state = "SUCCEEDED"
        for id in payment.rows:
            credit = self._whose(id)
            if credit is None:
                self._correct(id, "PAID")
            elif credit.rejected_at is None and credit.states[id] != "PAID":
                credit.before[id] = credit.states[id]
                credit.states[id] = "PAID"

    def _failed(self, deed: Deed) -> None:
        self.payments[deed.of].state = "FAILED"

    def _cancelled(self, deed: Deed) -> None:
        self.payments[deed.of].state = "CANCELLED"

    def _returned(self, deed: Deed) -> None:
        payment = self.payments[deed.of]
        payment.state = "RETURNED"
        paid = {id for each in self.payments.values() if each.state == "SUCCEEDED" for id in each.rows}
        for id in payment.rows:
            credit = self._whose(id)
            if id in paid:
                continue
            if credit is None:
                self._correct(id, "APPROVED")
            elif credit.states[id] == "PAID":
                credit.come_back(id)

    def _whose(self, id: Any) -> Credit | None:
        return next((each for each in self.credits.values() if id in each.states), None)

    def _correct(self, id: Any, state: str) -> None:
        currency, amount, _ = self.corrections[id]
        self.corrections[id] = currency, amount, state

    def _payable(self, currency: str, at: datetime) -> int:
        return self.accounts(at).get(("PAYABLE", currency), 0)

    def _converted(self, row: Row) -> int:
        if row["currency"] == row["reserved_currency"]:
            return int(row["reserved_minor"])
        shift = Fraction(10) ** (self.exponents[row["currency"]] - self.exponents[row["reserved_currency"]])
        return round(int(row["reserved_minor"]) * Fraction(row["rate"]) * shift)


def _credit(order: Row, facts: Mapping[str, Rows]) -> Credit:
    def of_order(table: str) -> list[tuple[datetime, int]]:
        return [
            (row["recorded_at"], row["amount_minor"])
            for row in facts[table]
            if row["order_id"] == order["id"] and row["kind"] in REVENUE
        ]

    return Credit(
        name=order["external_id"],
        currency=order["currency"],
        occurred_at=order["occurred_at"],
        sold=of_order("order_lines"),
        back=of_order("refund_lines"),
    )
