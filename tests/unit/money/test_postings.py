"""Postings sum to zero per currency, or cannot be made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.ids import new_id
from app.core.words import LedgerAccount
from app.ledger.postings import Entry, Posting, of_commission

INFLUENCER = new_id()


@given(st.integers(-(10**15), 10**15))
def test_a_commissions_posting_balances(amount: int) -> None:
    posting = of_commission(commission_id=new_id(), influencer_id=INFLUENCER, currency="GBP", amount_minor=amount)

    if amount == 0:
        assert posting is None
        return
    assert posting is not None
    assert [(entry.account, entry.amount_minor) for entry in posting.entries] == [
        (LedgerAccount.EXPENSE, amount),
        (LedgerAccount.ACCRUED, -amount),
    ]


@pytest.mark.parametrize(
    "entries",
    [
        (),
        (Entry(LedgerAccount.EXPENSE, None, "GBP", 1),),
        (Entry(LedgerAccount.EXPENSE, None, "GBP", 0), Entry(LedgerAccount.ACCRUED, INFLUENCER, "GBP", 0)),
        (Entry(LedgerAccount.EXPENSE, None, "GBP", 1), Entry(LedgerAccount.ACCRUED, INFLUENCER, "EUR", -1)),
    ],
)
def test_an_unbalanced_posting_cannot_be_made(entries: tuple[Entry, ...]) -> None:
    with pytest.raises(AssertionError):
        Posting("commission", new_id(), entries)
