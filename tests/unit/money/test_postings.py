"""Postings sum to zero per currency, or cannot be made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.ids import new_id
from app.core.words import Clawback, CommissionState, LedgerAccount
from app.ledger.postings import ACCOUNTS, Entry, Posting, of_commission, of_move

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


STATES = st.sampled_from(sorted(ACCOUNTS))


@given(st.integers(-(10**12), 10**12), STATES, STATES)
def test_a_passage_takes_what_is_left_from_one_account_to_the_other(
    net: int, old: CommissionState, new: CommissionState
) -> None:
    posting = of_move(commission_id=new_id(), influencer_id=INFLUENCER, currency="JPY", net_minor=net, old=old, new=new)

    if net == 0 or ACCOUNTS[old] is ACCOUNTS[new]:
        assert posting is None
        return
    assert posting is not None
    # All of it is the influencer's: what is owed to them stays as it is.
    assert {entry.influencer_id for entry in posting.entries} == {INFLUENCER}
    assert {entry.account: entry.amount_minor for entry in posting.entries} == {ACCOUNTS[old]: net, ACCOUNTS[new]: -net}


@given(st.integers(-(10**12), -1), STATES, st.sampled_from(Clawback))
def test_what_is_taken_back_comes_from_where_the_commission_stands(
    amount: int, state: CommissionState, clawback: Clawback
) -> None:
    posting = of_commission(
        commission_id=new_id(),
        influencer_id=INFLUENCER,
        currency="KWD",
        amount_minor=amount,
        state=state,
        takes_back=True,
        clawback=clawback,
    )

    assert posting is not None
    against, owed = posting.entries
    is_paid = state is CommissionState.PAID
    assert against.account is (LedgerAccount.CLAWED_BACK if is_paid else LedgerAccount.EXPENSE)
    is_invoiced = is_paid and clawback is Clawback.INVOICE
    assert owed.account is (LedgerAccount.INVOICED if is_invoiced else ACCOUNTS[state])
    assert (against.amount_minor, owed.amount_minor) == (amount, -amount)
