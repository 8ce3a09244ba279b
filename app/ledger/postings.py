"""Postings: balanced groups of ledger lines, as pure values. Written by ledger/service, summed by whoever asks.

Debits are positive. A posting sums to zero per currency, or it cannot be made.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from app.core.words import CommissionState, LedgerAccount

ACCOUNTS: dict[CommissionState, LedgerAccount] = {
    CommissionState.PENDING: LedgerAccount.ACCRUED,
    CommissionState.HELD: LedgerAccount.HELD,
    CommissionState.APPROVED: LedgerAccount.PAYABLE,
    # Payouts move on from PAYABLE by postings of their own: what comes or goes afterwards is the next one's matter.
    CommissionState.PAID: LedgerAccount.PAYABLE,
}
"""Where what is owed for a commission stands, by its state."""


class Entry(NamedTuple):
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
    parts: Iterable[tuple[LedgerAccount, LedgerAccount, int]],
) -> Posting | None:
    """The posting of a commission: amounts, each of one account against what is owed in another; None if nothing moves.

    What is owed to the influencer stands as a negative amount (a liability); what is taken back goes the other way.
    After it was paid that is no less expense: it is clawed back, from what is payable, or to be invoiced.
    """
    entries = _entries(influencer_id, currency, parts)
    return Posting("commission", commission_id, entries) if entries else None


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


def of_return(
    *, commission_id: UUID, influencer_id: UUID, currency: str, clawed_minor: int, invoiced_minor: int
) -> Posting | None:
    """The posting of what was clawed back of a commission whose payment came back: it never was more than expense.

    invoiced_minor: how much of it is still to be invoiced. What is owed stays as it is.
    """
    owed = LedgerAccount.PAYABLE
    entries = _entries(
        influencer_id,
        currency,
        [
            (LedgerAccount.CLAWED_BACK, LedgerAccount.INVOICED, invoiced_minor),
            (LedgerAccount.CLAWED_BACK, owed, clawed_minor - invoiced_minor),
            (LedgerAccount.EXPENSE, owed, -clawed_minor),
        ],
    )
    return Posting("passage", commission_id, entries) if entries else None


def _entries(
    influencer_id: UUID, currency: str, parts: Iterable[tuple[LedgerAccount, LedgerAccount, int]]
) -> tuple[Entry, ...]:
    """A line for each account that the parts move; those of what is owed are the influencer's."""
    sums: dict[tuple[LedgerAccount, UUID | None], int] = defaultdict(int)
    for against, owed, amount in parts:
        sums[against, None] += amount
        sums[owed, influencer_id] -= amount
    return tuple(Entry(account, whose, currency, amount) for (account, whose), amount in sums.items() if amount)
