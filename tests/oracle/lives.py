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
    """What one order earns: its facts, and the rows that were written for it, with the states they should be in."""

    name: str
    currency: str
    occurred_at: datetime
    sold: list[tuple[datetime, int]]
    back: list[tuple[datetime, int]]
    accrual: Any = None
    states: dict[Any, str] = field(default_factory=dict)
    paid_at: list[datetime] = field(default_factory=list)
    is_suspect: bool = False
    rejected_at: datetime | None = None
    invoiced: int = 0

    @property
    def state(self) -> str:
        """Where what it earned stands: where its accrual does."""
        return self.states[self.accrual]

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
            account = {"PENDING": "ACCRUED", "HELD": "HELD"}.get(credit.state, "PAYABLE")
            found[account, credit.currency] += credit.net(self.rate, at) + credit.invoiced
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
        """Rows that were written by then: they start where their credit stands, what was paid out being done with."""
        while self._new and self._new[0]["recorded_at"] <= at:
            row = self._new.pop(0)
            if row["kind"] == "ADJUSTMENT":
                self.corrections[row["id"]] = row["currency"], row["amount_minor"], "APPROVED"
                continue
            credit = self.credits[self.names[row["order_id"]]]
            if row["kind"] == "ACCRUAL":
                credit.accrual = row["id"]
                credit.states[row["id"]] = "HELD" if credit.is_suspect else "PENDING"
            elif row["kind"] == "REVERSAL":
                if self.rules.invoices and credit.state == "PAID":
                    credit.invoiced -= row["amount_minor"]
            else:
                credit.states[row["id"]] = "APPROVED" if credit.state == "PAID" else credit.state

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
            if not credit.paid_at or not credit.net(self.rate, deed.at):
                self.wrong.append(f"{credit.name} was approved without having been paid for")
            credit.move(credit.state, "APPROVED")

    def _rejected(self, deed: Deed) -> None:
        self.credits[deed.of].rejected_at = deed.at

    def _fell_due(self, deed: Deed) -> None:
        """The worker approves what was paid for long enough ago, and of which anything is left."""
        wait = self.rules.hold_days * DAY
        for credit in self.credits.values():
            if (
                credit.accrual is not None
                and credit.state == "PENDING"
                and credit.occurred_at + wait <= deed.at
                and any(at + wait <= deed.at for at in credit.paid_at)
                and credit.net(self.rate, deed.at)
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
        self._settle(payment, ("APPROVED", "HELD"), "PAID")

    def _failed(self, deed: Deed) -> None:
        self.payments[deed.of].state = "FAILED"

    def _cancelled(self, deed: Deed) -> None:
        self.payments[deed.of].state = "CANCELLED"

    def _returned(self, deed: Deed) -> None:
        payment = self.payments[deed.of]
        payment.state = "RETURNED"
        self._settle(payment, ("PAID",), "APPROVED")

    def _settle(self, payment: Payment, starts: tuple[str, ...], to: str) -> None:
        for id in payment.rows:
            if id in self.corrections:
                currency, amount, state = self.corrections[id]
                self.corrections[id] = currency, amount, to if state in starts else state
                continue
            credit = next(each for each in self.credits.values() if id in each.states)
            if credit.states[id] in starts and credit.rejected_at is None:
                credit.move(credit.states[id], to)

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
