"""Postings: balanced groups of ledger lines, as pure values. Written by ledger/service, summed by whoever asks.

Debits are positive. A posting sums to zero per currency, or it cannot be made.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.core.words import LedgerAccount


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: an account, of an influencer where the account is kept per influencer, moved by an amount."""

    account: LedgerAccount
    influencer_id: UUID | None
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Posting:
    """A balanced group of lines and what caused it. cause_kind: the table word of the cause."""

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


def of_commission(*, commission_id: UUID, influencer_id: UUID, currency: str, amount_minor: int) -> Posting | None:
    """The posting of a commission row, expense against what is owed; None for a row that moves nothing.

    What is owed to the influencer stands as a negative amount (a liability); a negative commission goes the other way.
    """
    if amount_minor == 0:
        return None
    return Posting(
        cause_kind="commission",
        cause_id=commission_id,
        entries=(
            Entry(LedgerAccount.EXPENSE, None, currency, amount_minor),
            Entry(LedgerAccount.ACCRUED, influencer_id, currency, -amount_minor),
        ),
    )
