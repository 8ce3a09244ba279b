"""Postings: balanced groups of ledger lines, as pure values. Written by ledger/service, summed by whoever asks.

Debits are positive. A posting sums to zero per currency, or it cannot be made.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from app.core.words import Clawback, CommissionState, LedgerAccount

ACCOUNTS: dict[CommissionState, LedgerAccount] = {
    CommissionState.PENDING: LedgerAccount.ACCRUED,
    CommissionState.HELD: LedgerAccount.HELD,
    CommissionState.APPROVED: LedgerAccount.PAYABLE,
    # Payouts move on from PAYABLE by postings of their own: what comes or goes afterwards is the next one's matter.
    CommissionState.PAID: LedgerAccount.PAYABLE,
}
"""Where what is owed for a commission stands, by its state."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: an account, of an influencer where the account is kept per influencer, moved by an amount.

    rate: where the posting changes currency, units of the other currency for one of this line's.
    """

    account: LedgerAccount
    influencer_id: UUID | None
    currency: str
    amount_minor: int
    rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Posting:
    """A balanced group of lines and what caused it. cause_kind: the word of the cause."""

    cause_kind: str
    cause_id: UUID
    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        assert_balanced(self.entries)


def assert_balanced(entries: Sequence[Entry]) -> None:
    """Refuse lines that move nothing, and groups that do not sum to zero in every currency."""
    assert entries, "a posting has lines"
    sums: dict[str, int] = defaultdict(int)
    for entry in entries:
        assert entry.amount_minor != 0, "a line moves something"
        sums[entry.currency] += entry.amount_minor
    assert not any(sums.values()), f"a posting sums to zero per currency, not to {dict(sums)}"


def of_commission(
    *,
    commission_id: UUID,
    influencer_id: UUID,
    currency: str,
    amount_minor: int,
    state: CommissionState = CommissionState.PENDING,
    takes_back: bool = False,
    clawback: Clawback = Clawback.NEXT_PAYOUT,
) -> Posting | None:
    """The posting of a commission row, expense against what is owed; None for a row that moves nothing.

    What is owed to the influencer stands as a negative amount (a liability); a negative commission goes the other way.
    state: the row's, or of a row that takes back, the state of what it takes from. What is taken back after it was paid
    is no less expense: it is clawed back, from what is payable, or to be invoiced.
    """
    if amount_minor == 0:
        return None
    against, owed = LedgerAccount.EXPENSE, ACCOUNTS[state]
    if takes_back and state is CommissionState.PAID:
        against = LedgerAccount.CLAWED_BACK
        owed = LedgerAccount.INVOICED if clawback is Clawback.INVOICE else owed
    return Posting(
        cause_kind="commission",
        cause_id=commission_id,
        entries=(
            Entry(against, None, currency, amount_minor),
            Entry(owed, influencer_id, currency, -amount_minor),
        ),
    )


def of_move(
    *,
    commission_id: UUID,
    influencer_id: UUID,
    currency: str,
    net_minor: int,
    old: CommissionState,
    new: CommissionState,
) -> Posting | None:
    """The posting of a commission's passage: what is left of it changes its account; None where it stays in it."""
    if net_minor == 0 or ACCOUNTS[old] is ACCOUNTS[new]:
        return None
    return Posting(
        cause_kind="passage",
        cause_id=commission_id,
        entries=(
            Entry(ACCOUNTS[old], influencer_id, currency, net_minor),
            Entry(ACCOUNTS[new], influencer_id, currency, -net_minor),
        ),
    )
