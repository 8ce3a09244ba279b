"""Where what a credit earned stands: how much is left of each of its rows, and in which state. Pure.

What is taken back comes from what is not paid first, the newest first, and from what was paid after that: only this
part is clawed back. What is given back undoes what was clawed back first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from app.core.words import Clawback, CommissionState, LedgerAccount
from app.ledger import ACCOUNTS

STRICTNESS = (CommissionState.APPROVED, CommissionState.PENDING, CommissionState.HELD)
"""States of what is not paid: where two parts of a credit meet, the later of these holds for both."""


@dataclass(slots=True)
class Part:
    """A row that the credit earned. left: what was not taken back of it; taken: what was. Minor units."""

    id: UUID
    state: CommissionState
    left: int
    taken: int = 0


@dataclass(frozen=True, slots=True)
class Taking:
    """What is taken from a row (negative) or given back to it, and between which accounts that goes."""

    commission_id: UUID
    amount: int
    against: LedgerAccount
    owed: LedgerAccount


@dataclass(slots=True)
class Standing:
    """A credit's rows in order of id; kept up as the items of one batch are applied.

    clawed: what was taken back after it had been paid; invoiced: how much of it is kept apart, to be invoiced.
    clawback: what becomes of what is clawed back now.
    """

    parts: list[Part] = field(default_factory=list)
    clawed: int = 0
    invoiced: int = 0
    clawback: Clawback = Clawback.NEXT_PAYOUT

    @property
    def state(self) -> CommissionState:
        """Where what is not paid stands, and a further row starts. What follows a payout is for the next one."""
        return open_state(part.state for part in self.parts)

    def enter(self, commission_id: UUID, state: CommissionState, amount: int) -> None:
        """A further row of the credit."""
        self.parts.append(Part(commission_id, state, amount))

    def take(self, amount: int) -> tuple[Taking, ...]:
        """What of it is taken from which row; all of it. amount: negative, or positive where it is given back."""
        return tuple(self._take_back(-amount) if amount < 0 else self._give_back(amount))

    def take_all(self, extra: int = 0) -> tuple[Taking, ...]:
        """What takes all that is left, and beside it `extra` (negative), which `give_extra` has given before."""
        found = [taking for part in self._in_turn() if part.left for taking in self._from(part, part.left)]
        return (*found, *self.give_extra(extra))

    def give_extra(self, amount: int) -> tuple[Taking, ...]:
        """What goes to what is not paid, whatever was taken from where."""
        return (self._at_large(amount),) if amount else ()

    def _take_back(self, wanted: int) -> Iterable[Taking]:
        for part in self._in_turn():
            amount = min(wanted, part.left)
            if amount > 0:
                wanted -= amount
                yield from self._from(part, amount)
        if wanted:
            yield self._at_large(-wanted)

    def _give_back(self, wanted: int) -> Iterable[Taking]:
        for part in reversed(self._in_turn()):
            amount = min(wanted, part.taken, self.clawed)
            if part.state is CommissionState.PAID and amount > 0:
                wanted -= amount
                yield from self._unclawed(part, amount)
        for part in self._in_turn():
            amount = min(wanted, part.taken)
            if part.state is not CommissionState.PAID and amount > 0:
                wanted -= amount
                yield from self._from(part, -amount)
        if wanted:
            yield self._at_large(wanted)

    def _in_turn(self) -> Sequence[Part]:
        """What is not paid before what is, the newest first."""
        newest = self.parts[::-1]
        return [
            *(part for part in newest if part.state is not CommissionState.PAID),
            *(part for part in newest if part.state is CommissionState.PAID),
        ]

    def _from(self, part: Part, amount: int) -> Iterable[Taking]:
        against, owed = LedgerAccount.EXPENSE, ACCOUNTS[part.state]
        if part.state is CommissionState.PAID:
            against = LedgerAccount.CLAWED_BACK
            self.clawed += amount
            if self.clawback is Clawback.INVOICE:
                owed = LedgerAccount.INVOICED
                self.invoiced += amount
        yield _taken(part, amount, against, owed)

    def _unclawed(self, part: Part, amount: int) -> Iterable[Taking]:
        self.clawed -= amount
        invoiced = min(amount, self.invoiced)
        self.invoiced -= invoiced
        for each, owed in ((invoiced, LedgerAccount.INVOICED), (amount - invoiced, ACCOUNTS[part.state])):
            if each:
                yield _taken(part, -each, LedgerAccount.CLAWED_BACK, owed)

    def _at_large(self, amount: int) -> Taking:
        # No row has it to give, or lacks it: it is the newest one's, and the next payout's matter if that was paid.
        return _taken(self._in_turn()[0], -amount, LedgerAccount.EXPENSE, ACCOUNTS[self.state])


def open_state(states: Iterable[CommissionState]) -> CommissionState:
    """The state of what is not paid among rows of one credit in these states; APPROVED where all is."""
    return max(
        (state for state in states if state is not CommissionState.PAID),
        key=STRICTNESS.index,
        default=CommissionState.APPROVED,
    )


def _taken(part: Part, amount: int, against: LedgerAccount, owed: LedgerAccount) -> Taking:
    part.left -= amount
    part.taken += amount
    return Taking(part.id, -amount, against, owed)
